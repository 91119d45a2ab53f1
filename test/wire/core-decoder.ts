import type { Bytes } from '../../src/core/bytes.ts'
import type { FragmentRecord, ReceiveChannel, RecordResult } from '../../src/core/channel/channel.ts'
import { LatestReceiver } from '../../src/core/channel/latest-receiver.ts'
import { Reassembly } from '../../src/core/channel/reassembly.ts'
import { type ChannelConfig, resolveConfig } from '../../src/core/config.ts'
import type { ChannelKind } from '../../src/core/events.ts'
import { Unpacker } from '../../src/core/packet/unpacker.ts'
import { createStats, type EndpointStats } from '../../src/core/stats.ts'
import { readClose, readHello, readWelcome } from '../../src/core/wire/handshake-packets.ts'
import { Header } from '../../src/core/wire/header.ts'
import { FORM_CLOSE, FORM_DATA, FORM_HELLO, FORM_MASK, WIRE_VERSION } from '../../src/core/wire/layout.ts'
import { Reader } from '../../src/core/wire/reader.ts'
import { expand16, expand24 } from '../../src/core/wire/sequence.ts'
import {
  type AckTree,
  CLOSE_KINDS,
  type DataTree,
  hasIds,
  type PacketTree,
  type RecordTree,
  type WireContext,
} from './oracle.ts'

/** Where a number has no reference, it shall come out as its low bits: the middle of its circle does that. */
const MIDDLE_16 = 0x8000
const MIDDLE_24 = 0x800000

/**
 * Reads a packet with the core's own reader, header, records and handshake, into the oracle's tree; `undefined` if the core
 * calls it malformed. What needs memory is left out, as in the oracle: windows, limits, fragments against each other.
 */
export function decodeByCore(bytes: Bytes, context: WireContext): PacketTree | undefined {
  const reader = new Reader()
  reader.reset(bytes)
  if (bytes.length === 0) return undefined
  const form = bytes[0]! & FORM_MASK
  if (form === FORM_DATA) return dataOf(bytes, reader, context)
  if (form === FORM_HELLO) return helloOf(bytes, reader)
  if (form === FORM_CLOSE) return closeOf(reader)
  const welcome = readWelcome(reader)
  return welcome && { form: 'welcome', ...welcome }
}

function helloOf(bytes: Bytes, reader: Reader): PacketTree | undefined {
  const hello = readHello(reader)
  if (hello === undefined || hello.version === WIRE_VERSION) return hello && { form: 'hello', ...hello }
  const { version, clientSalt } = hello
  return { form: 'foreign', of: 'hello', version, clientSalt, rest: bytes.slice(6) }
}

function closeOf(reader: Reader): PacketTree | undefined {
  const close = readClose(reader)
  return close && { form: 'close', ...close, kind: CLOSE_KINDS[close.kind]! }
}

function dataOf(bytes: Bytes, reader: Reader, context: WireContext): DataTree | undefined {
  const header = new Header()
  header.read(reader)
  const sequence = expand16(header.sequence, context.references?.sequence ?? MIDDLE_16)
  const newestSent = context.references?.ack
  const ack = expand16(header.ack, newestSent ?? MIDDLE_16)
  if (reader.failed || sequence < 0) return undefined
  if (header.hasAck && (ack < 0 || (newestSent !== undefined && ack > newestSent))) return undefined
  const records = recordsOf(reader, sequence, context)
  if (records === undefined) return undefined
  const flags = bytes[0]! & 0x3f
  const { timestamp, ackDelayMs } = header
  const delay = (flags & 8) === 0 ? {} : { ackDelayMs: Number.isFinite(ackDelayMs) ? ackDelayMs : ('unknown' as const) }
  const horizon = (flags & 4) === 0 ? {} : { horizonMs: header.horizonMs }
  return { form: 'data', flags, sequence, timestamp, ack: ackOf(header, ack, flags), ...delay, ...horizon, records }
}

function ackOf(header: Header, ack: number, flags: number): AckTree {
  if (!header.hasAck) return { form: 'none' }
  const offsets = Array.from({ length: header.bits.span }, (_, i) => i + 1).filter((k) => header.bits.has(k - 1))
  return { form: flags >> 4 === 1 ? 'all' : 'groups', ack, offsets }
}

function recordsOf(reader: Reader, sequence: number, context: WireContext): RecordTree[] | undefined {
  const stats = createStats()
  const records: RecordTree[] = []
  const ears = configsOf(context.kinds).map((config) => new Ear(config, records, stats, context))
  const unpacker = new Unpacker(ears, stats)
  if (unpacker.read(reader, sequence, 0) !== 'taken') return undefined
  // Pings reach no channel.
  return unpacker.records > records.length ? withPings(unpacker.records, records) : records
}

/** Pings stand somewhere among the records; where, the core does not say: they are counted and put last. */
function withPings(count: number, records: readonly RecordTree[]): RecordTree[] {
  return [...records, ...Array.from({ length: count - records.length }, () => ({ type: 'ping' }) as const)]
}

/** A tree with its pings last, to compare with one of {@link decodeByCore}. */
export function pingsLast(tree: PacketTree): PacketTree {
  if (tree.form !== 'data') return tree
  const pings = tree.records.filter(({ type }) => type === 'ping')
  return { ...tree, records: [...tree.records.filter(({ type }) => type !== 'ping'), ...pings] }
}

const configs = new Map<string, readonly ChannelConfig[]>()

function configsOf(kinds: readonly ChannelKind[]): readonly ChannelConfig[] {
  const key = kinds.join()
  const known = configs.get(key)
  if (known !== undefined) return known
  const channels = Object.fromEntries(kinds.map((kind, i) => [`c${i}`, { kind, maxMessageBytes: 16 * 1_048_576 }]))
  const made = resolveConfig({ role: 'client', now: 0, random: () => 0, channels }).channels
  configs.set(key, made)
  return made
}

/** A receiving channel that turns what it is given into trees. */
class Ear implements ReceiveChannel {
  readonly config: ChannelConfig
  readonly idReference: number
  readonly groupReference: number
  readonly expiresAt = Number.POSITIVE_INFINITY
  readonly #records: RecordTree[]
  readonly #stats: EndpointStats
  readonly #hasReference: boolean

  constructor(config: ChannelConfig, records: RecordTree[], stats: EndpointStats, { references }: WireContext) {
    this.config = config
    this.#records = records
    this.#stats = stats
    this.#hasReference = references?.ids?.[config.index] !== undefined
    this.idReference = references?.ids?.[config.index] ?? MIDDLE_24
    this.groupReference = references?.groups?.[config.index] ?? MIDDLE_16
  }

  onMessage(id: number, key: number, payload: Bytes): RecordResult {
    const { index: channel, kind } = this.config
    if (this.#hasReference && hasIds(kind) && id < 0) return 'malformed'
    this.#records.push({
      type: 'message',
      channel,
      ...(key < 0 ? {} : { key }),
      ...(hasIds(kind) ? { id } : {}),
      payload: payload.slice(),
    })
    return 'taken'
  }

  onFragment(fragment: FragmentRecord): RecordResult {
    const { index: channel, kind } = this.config
    // What a single piece can be wrong in by itself is the reassembly's to find.
    const result = new Reassembly(this.config, this.#stats, 1_000).add(fragment, 0, 0)
    if (result !== 'taken') return result
    const { group, index, hasParticulars, count, parity, idLow, key } = fragment
    const id = expand24(idLow, this.idReference)
    if (hasParticulars && hasIds(kind) && id < 0) return 'malformed'
    const ids = hasIds(kind) ? { id } : {}
    this.#records.push({
      type: 'fragment',
      channel,
      group,
      index,
      ...(hasParticulars ? { particulars: { count, parity, ...ids, ...(key < 0 ? {} : { key }) } } : {}),
      payload: fragment.payload.slice(),
    })
    return 'taken'
  }

  onSkip(id: number, group: number): RecordResult {
    const { index: channel, kind } = this.config
    if (kind === 'latest' && new LatestReceiver(this.config, this.#stats, () => {}).onSkip(id, group) !== 'taken') {
      return 'malformed'
    }
    if (this.#hasReference && id < 0) return 'malformed'
    this.#records.push({ type: 'skip', channel, id, ...(group < 0 ? {} : { group }) })
    return 'taken'
  }

  expire(): void {}
}
