import fc from 'fast-check'
import type { ChannelKind } from '../../src/core/events.ts'
import {
  type AckTree,
  CLOSE_KINDS,
  type CloseTree,
  type DataTree,
  type ForeignTree,
  type FragmentTree,
  flagsOf,
  type HelloTree,
  hasIds,
  hasKeys,
  hasParity,
  hasSkips,
  horizonOf,
  joined,
  type MessageTree,
  type PacketTree,
  type Particulars,
  type PingTree,
  type SkipTree,
  unsigned,
  varint,
  type WelcomeTree,
} from './oracle.ts'

/** A packet tree that is legal under `kinds`. */
export interface Scene {
  readonly kinds: readonly ChannelKind[]
  readonly tree: PacketTree
}

const u8 = fc.integer({ min: 0, max: 255 })
const u16 = fc.integer({ min: 0, max: 0xffff })
const u24 = fc.integer({ min: 0, max: 0xffffff })
const u32 = fc.integer({ min: 0, max: 0xffffffff })
const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength })
const key = fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 2 ** 31 - 1 }))

/** Channel tables of all kinds, 1 to 64 channels. */
export const kindsArbitrary: fc.Arbitrary<ChannelKind[]> = fc.array(
  fc.constantFrom<ChannelKind>('unreliable', 'sequenced', 'reliable', 'ordered', 'latest'),
  { minLength: 1, maxLength: 64 },
)

/** Offsets as real links make them: runs of heard and lost, newest first. */
const offsetsArbitrary: fc.Arbitrary<number[]> = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 600 }), fc.boolean()), { maxLength: 40 })
  .map((runs) => {
    const heard = runs.flatMap(([length, isHeard]) => new Array<boolean>(length).fill(isHeard)).slice(0, 1_029)
    return heard.flatMap((isHeard, i) => (isHeard ? [i + 1] : []))
  })

export const ackArbitrary: fc.Arbitrary<AckTree> = fc.oneof(
  fc.constant<AckTree>({ form: 'none' }),
  u16.map((ack): AckTree => ({ form: 'all', ack, offsets: Array.from({ length: 32 }, (_, i) => i + 1) })),
  fc.tuple(u16, offsetsArbitrary).map(([ack, offsets]): AckTree => ({ form: 'groups', ack, offsets })),
  fc
    .tuple(u16, fc.uniqueArray(fc.integer({ min: 1, max: 1_029 }), { maxLength: 60 }))
    .map(([ack, offsets]): AckTree => ({ form: 'groups', ack, offsets: offsets.sort((a, b) => a - b) })),
)

const ackDelayArbitrary: fc.Arbitrary<number | 'unknown'> = fc.oneof(
  fc.integer({ min: 0, max: 192 }).map((code) => code / 4),
  fc.integer({ min: 49, max: 110 }),
  fc.constant<'unknown'>('unknown'),
)

/** What a message record becomes once its channel's kind and its neighbours are known. */
interface MessageSeed {
  readonly channel: number
  readonly key: number | undefined
  readonly id: number
  readonly step: number
  readonly payload: Uint8Array
}

function messageSeedArbitrary(channels: number): fc.Arbitrary<MessageSeed> {
  return fc.record({
    channel: fc.integer({ min: 0, max: channels - 1 }),
    key: fc.option(key, { nil: undefined }),
    id: u24,
    step: fc
      .oneof(fc.constant(0), fc.integer({ min: -40, max: 400 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }))
      .filter((step) => step !== -1),
    payload: fc.oneof({ weight: 9, arbitrary: bytes(0, 40) }, { weight: 1, arbitrary: bytes(0, 300) }),
  })
}

type SmallSeed = MessageSeed | SkipTree | PingTree

function messagesOf(seeds: readonly SmallSeed[], kinds: readonly ChannelKind[]): (MessageTree | SkipTree | PingTree)[] {
  const previousIds = new Map<number, number>()
  return seeds.map((seed) => {
    if ('type' in seed) return seed
    const kind = kinds[seed.channel]!
    const previous = previousIds.get(seed.channel)
    const id = previous === undefined ? seed.id : previous + 1 + seed.step
    if (hasIds(kind)) previousIds.set(seed.channel, id)
    return {
      type: 'message',
      channel: seed.channel,
      ...(hasKeys(kind) && seed.key !== undefined ? { key: seed.key } : {}),
      ...(hasIds(kind) ? { id } : {}),
      payload: seed.payload,
    }
  })
}

function controlArbitrary(kinds: readonly ChannelKind[]): fc.Arbitrary<SkipTree | PingTree> {
  const skippable = kinds.flatMap((kind, channel) => (hasSkips(kind) ? [channel] : []))
  const ping = fc.constant<PingTree>({ type: 'ping' })
  if (skippable.length === 0) return ping
  const skip = fc
    .record({ channel: fc.constantFrom(...skippable), id: u24, group: fc.option(u16, { nil: undefined }) })
    .map(
      ({ channel, id, group }): SkipTree => ({ type: 'skip', channel, id, ...(group === undefined ? {} : { group }) }),
    )
  return fc.oneof(ping, skip)
}

/** Fragment 0, another data fragment, a parity or a repair fragment, on any channel. */
export function fragmentArbitrary(kinds: readonly ChannelKind[]): fc.Arbitrary<FragmentTree> {
  const base = fc.record({ channel: fc.integer({ min: 0, max: kinds.length - 1 }), group: u16 })
  const plain = fc
    .tuple(base, fc.integer({ min: 1, max: 2 ** 20 }), bytes(1, 60))
    .map(([{ channel, group }, index, payload]): FragmentTree => ({ type: 'fragment', channel, group, index, payload }))
  const particular = base.chain(({ channel, group }) => {
    const kind = kinds[channel]!
    return fc
      .record({
        count: fc.integer({ min: 2, max: 254 }),
        more: fc.integer({ min: 0, max: 255 }),
        parityIndex: fc.nat({ max: 255 }),
        id: u24,
        key: fc.option(key, { nil: undefined }),
        payload: bytes(1, 60),
        last: u16,
      })
      .map((seed): FragmentTree => {
        const parity = hasParity(kind) ? seed.more % (256 - seed.count) : 0
        const isParity = parity > 0 && seed.parityIndex % 2 === 0
        const index = isParity ? seed.count + (seed.parityIndex % parity) : 0
        const lastSize = 1 + (seed.last % seed.payload.length)
        if (!hasParity(kind) && seed.parityIndex % 2 === 0) return repairOf(channel, group, kind, { ...seed, lastSize })
        const particulars: Particulars = {
          count: seed.count,
          parity,
          ...(hasIds(kind) ? { id: seed.id } : {}),
          ...(hasKeys(kind) && seed.key !== undefined ? { key: seed.key } : {}),
        }
        const payload = isParity ? Uint8Array.of(lastSize >> 8, lastSize & 255, ...seed.payload) : seed.payload
        return { type: 'fragment', channel, group, index, particulars, payload }
      })
  })
  return fc.oneof(plain, particular)
}

/** A repair fragment of one run, or of two if there is room. */
function repairOf(
  channel: number,
  group: number,
  kind: ChannelKind,
  seed: {
    readonly count: number
    readonly more: number
    readonly last: number
    readonly lastSize: number
    readonly id: number
    readonly key: number | undefined
    readonly payload: Uint8Array
  },
): FragmentTree {
  const gap = seed.more % seed.count
  const length = 1 + (seed.last % (seed.count - gap))
  const isDouble = gap + length + 2 <= seed.count
  const runs = isDouble ? [varint(gap), varint(length - 1), varint(1), varint(0)] : [varint(gap), varint(length - 1)]
  const particulars: Particulars = {
    count: seed.count,
    parity: runs.length / 2,
    id: seed.id,
    ...(hasKeys(kind) && seed.key !== undefined ? { key: seed.key } : {}),
  }
  const payload = joined([unsigned(seed.lastSize, 2), ...runs, seed.payload])
  return { type: 'fragment', channel, group, index: seed.count + seed.last, particulars, payload }
}

/** A data packet under these kinds. */
export function dataArbitrary(kinds: readonly ChannelKind[]): fc.Arbitrary<DataTree> {
  const small = fc.oneof(
    { weight: 5, arbitrary: messageSeedArbitrary(kinds.length) },
    { weight: 1, arbitrary: controlArbitrary(kinds) },
  )
  return fc
    .record({
      sequence: u16,
      timestamp: u16,
      ack: ackArbitrary,
      delay: fc.option(ackDelayArbitrary, { nil: undefined }),
      horizon: fc.option(fc.integer({ min: 1, max: 255 }), { nil: undefined }),
      isEager: fc.boolean(),
      small: fc.array<SmallSeed>(small, { maxLength: 12 }),
      fragment: fc.option(fragmentArbitrary(kinds), { nil: undefined }),
    })
    .map((seed): DataTree => {
      const ackDelayMs = seed.ack.form === 'none' ? undefined : seed.delay
      const horizonMs = seed.ack.form === 'none' || seed.horizon === undefined ? undefined : horizonOf(seed.horizon)
      return {
        form: 'data',
        flags: flagsOf(seed.ack, ackDelayMs, horizonMs) + (seed.isEager ? 1 : 0),
        sequence: seed.sequence,
        timestamp: seed.timestamp,
        ack: seed.ack,
        ...(ackDelayMs === undefined ? {} : { ackDelayMs }),
        ...(horizonMs === undefined ? {} : { horizonMs }),
        records: [...messagesOf(seed.small, kinds), ...(seed.fragment ? [seed.fragment] : [])],
      }
    })
}

export const helloArbitrary: fc.Arbitrary<HelloTree> = fc.record({
  form: fc.constant('hello' as const),
  version: fc.constant(1),
  clientSalt: u32,
  protocolDigest: u32,
  channelDigests: fc.array(u32, { minLength: 1, maxLength: 64 }),
})

export const welcomeArbitrary: fc.Arbitrary<WelcomeTree> = fc.record({
  form: fc.constant('welcome' as const),
  version: fc.constant(1),
  clientSalt: u32,
  serverSalt: u32,
  clock: fc.oneof(u32, fc.integer({ min: 0, max: 2 ** 48 - 1 })),
})

export const foreignArbitrary: fc.Arbitrary<ForeignTree> = fc.record({
  form: fc.constant('foreign' as const),
  of: fc.constantFrom('hello' as const, 'welcome' as const),
  version: u8.filter((version) => version !== 1),
  clientSalt: u32,
  rest: bytes(0, 40),
})

export const closeArbitrary: fc.Arbitrary<CloseTree> = fc
  .record({
    form: fc.constant('close' as const),
    kind: fc.constantFrom(...CLOSE_KINDS),
    clientSalt: u32,
    code: u16,
    data: fc.oneof(bytes(0, 20), bytes(1_000, 1_024)),
  })
  .map((tree) => (tree.kind === 'heard' ? { ...tree, code: 0, data: new Uint8Array(0) } : tree))

/** Any legal packet, with a channel table that it is legal under. */
export const sceneArbitrary: fc.Arbitrary<Scene> = kindsArbitrary.chain((kinds) =>
  fc
    .oneof(
      { weight: 8, arbitrary: dataArbitrary(kinds) },
      { weight: 1, arbitrary: helloArbitrary },
      { weight: 1, arbitrary: welcomeArbitrary },
      { weight: 1, arbitrary: foreignArbitrary },
      { weight: 1, arbitrary: closeArbitrary },
    )
    .map((tree): Scene => ({ kinds, tree })),
)
