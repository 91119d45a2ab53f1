import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ChannelKind } from '../../src/core/events.ts'
import {
  decodePacket,
  encodePacket,
  OracleError,
  type PacketTree,
  type RecordTree,
  type WireContext,
} from './oracle.ts'
import {
  closeArbitrary,
  dataArbitrary,
  foreignArbitrary,
  helloArbitrary,
  kindsArbitrary,
  sceneArbitrary,
  welcomeArbitrary,
} from './oracle-arbitraries.ts'

const KINDS: readonly ChannelKind[] = ['unreliable', 'sequenced', 'reliable', 'ordered', 'latest']
const CONTEXT: WireContext = { kinds: KINDS }
const [UNRELIABLE, SEQUENCED, RELIABLE, ORDERED, LATEST] = [0, 1, 2, 3, 4] as const
const PAYLOAD = Uint8Array.of(7, 8, 9)

function expectRoundTrip(tree: PacketTree, context: WireContext = CONTEXT): void {
  expect(decodePacket(encodePacket(tree, context), context)).toEqual(tree)
}

function expectRecords(...records: RecordTree[]): void {
  expectRoundTrip({ form: 'data', flags: 0, sequence: 1, timestamp: 2, ack: { form: 'none' }, records })
}

describe('a tree comes back as it was written', () => {
  test('a data packet that says nothing', () => {
    expectRecords()
  })

  test('an ack of 33 packets with a delay', () => {
    const offsets = Array.from({ length: 32 }, (_, i) => i + 1)
    const ack = { form: 'all', ack: 500, offsets } as const
    expectRoundTrip({ form: 'data', flags: 0x18, sequence: 9, timestamp: 1, ack, ackDelayMs: 0.75, records: [] })
  })

  test('an ack in groups, without a delay', () => {
    const ack = { form: 'groups', ack: 3_000, offsets: [1, 2, 5, 400, 1_029] } as const
    expectRoundTrip({ form: 'data', flags: 0x20, sequence: 9, timestamp: 1, ack, records: [] })
  })

  test.each([0, 0.25, 47.75, 48, 49, 110, 'unknown'] as const)('an ack delay of %s ms', (ackDelayMs) => {
    const ack = { form: 'groups', ack: 1, offsets: [] } as const
    expectRoundTrip({ form: 'data', flags: 0x28, sequence: 9, timestamp: 1, ack, ackDelayMs, records: [] })
  })

  test('a message on each kind of channel', () => {
    expectRecords(
      { type: 'message', channel: UNRELIABLE, payload: PAYLOAD },
      { type: 'message', channel: SEQUENCED, payload: PAYLOAD },
      { type: 'message', channel: RELIABLE, id: 0xfffffe, payload: PAYLOAD },
      { type: 'message', channel: ORDERED, id: 0, payload: new Uint8Array(0) },
      { type: 'message', channel: LATEST, id: 70_000, payload: PAYLOAD },
    )
  })

  test('a message with a key on each kind that has keys', () => {
    expectRecords(
      { type: 'message', channel: SEQUENCED, key: 0, payload: PAYLOAD },
      { type: 'message', channel: LATEST, key: 2 ** 31 - 1, id: 12, payload: PAYLOAD },
    )
  })

  test('ids that step forwards and backwards, each channel by itself, keyed and keyless alike', () => {
    expectRecords(
      { type: 'message', channel: RELIABLE, id: 100, payload: PAYLOAD },
      { type: 'message', channel: LATEST, id: 7, payload: PAYLOAD },
      { type: 'message', channel: RELIABLE, id: 99, payload: PAYLOAD },
      { type: 'message', channel: LATEST, key: 1, id: 8, payload: PAYLOAD },
      { type: 'message', channel: RELIABLE, id: 5_000, payload: PAYLOAD },
      { type: 'message', channel: LATEST, id: 1_000_000, payload: PAYLOAD },
    )
  })

  test('a skip between two messages of its channel leaves their step alone', () => {
    const messages: RecordTree[] = [
      { type: 'message', channel: ORDERED, id: 20, payload: PAYLOAD },
      { type: 'skip', channel: ORDERED, id: 500 },
      { type: 'message', channel: ORDERED, id: 21, payload: PAYLOAD },
    ]
    expectRecords(...messages)
    const bytes = encodePacket({ form: 'data', sequence: 0, records: messages }, CONTEXT)
    expect([...bytes.subarray(-5)]).toEqual([0, 3, 7, 8, 9])
  })

  test('a payload whose length needs each form of varint', () => {
    for (const length of [223, 224, 4_319, 4_320]) {
      expectRecords({ type: 'message', channel: UNRELIABLE, payload: new Uint8Array(length).fill(length % 251) })
    }
  })

  test('fragment 0 on each kind of channel', () => {
    const fragment = { type: 'fragment', group: 65_535, index: 0, payload: PAYLOAD } as const
    expectRecords({ ...fragment, channel: UNRELIABLE, particulars: { count: 2, parity: 0 } })
    expectRecords({ ...fragment, channel: SEQUENCED, particulars: { count: 200, parity: 55, key: 4 } })
    expectRecords({ ...fragment, channel: RELIABLE, particulars: { count: 900, parity: 0, id: 77 } })
    expectRecords({ ...fragment, channel: ORDERED, particulars: { count: 2, parity: 0, id: 0xffffff } })
    expectRecords({ ...fragment, channel: LATEST, particulars: { count: 3, parity: 0, id: 1 } })
    expectRecords({ ...fragment, channel: LATEST, particulars: { count: 3, parity: 0, id: 1, key: 2 ** 31 - 1 } })
  })

  test('a fragment behind small records', () => {
    expectRecords(
      { type: 'ping' },
      { type: 'message', channel: RELIABLE, id: 4, payload: PAYLOAD },
      { type: 'fragment', channel: RELIABLE, group: 3, index: 899, payload: PAYLOAD },
    )
  })

  test('a parity fragment', () => {
    const payload = Uint8Array.of(0, 2, 1, 2, 3)
    expectRecords({ type: 'fragment', channel: 0, group: 3, index: 6, particulars: { count: 4, parity: 3 }, payload })
  })

  test('each control record', () => {
    expectRecords(
      { type: 'ping' },
      { type: 'skip', channel: RELIABLE, id: 0 },
      { type: 'skip', channel: ORDERED, id: 0xffffff, group: 65_535 },
    )
  })

  test('hello and welcome', () => {
    const salts = { version: 1, clientSalt: 0xffffffff }
    expectRoundTrip({ form: 'hello', ...salts, protocolDigest: 5, channelDigests: new Array(64).fill(0xdeadbeef) })
    expectRoundTrip({ form: 'welcome', ...salts, serverSalt: 0, clock: 2 ** 48 - 1 })
  })

  test('hello and welcome of another version, of which only the first six bytes mean anything', () => {
    const tree = { form: 'foreign', version: 2, clientSalt: 1 } as const
    expectRoundTrip({ ...tree, of: 'hello', rest: PAYLOAD })
    expectRoundTrip({ ...tree, of: 'welcome', rest: new Uint8Array(0) })
  })

  test('each kind of close', () => {
    const tree = { form: 'close', clientSalt: 3, code: 65_535, data: new Uint8Array(1_024).fill(65) } as const
    for (const kind of ['goodbye', 'rejected', 'version', 'protocol', 'channel-table', 'violation'] as const) {
      expectRoundTrip({ ...tree, kind })
    }
    expectRoundTrip({ ...tree, kind: 'heard', code: 0, data: new Uint8Array(0) })
  })
})

describe('cut numbers are restored where references are given', () => {
  test('near the reference, on either side of it', () => {
    const references = { sequence: 70_000, ack: 65_540, ids: [0, 0, 2 ** 24 + 5], groups: [0, 0, 131_072] }
    const tree: PacketTree = {
      form: 'data',
      flags: 0x20,
      sequence: 65_530,
      timestamp: 0,
      ack: { form: 'groups', ack: 65_540, offsets: [2] },
      records: [
        { type: 'message', channel: RELIABLE, id: 2 ** 24 - 3, payload: PAYLOAD },
        { type: 'message', channel: RELIABLE, id: 2 ** 24 + 9, payload: PAYLOAD },
        { type: 'skip', channel: RELIABLE, id: 2 ** 24 + 4, group: 131_070 },
      ],
    }
    expectRoundTrip(tree, { kinds: KINDS, references })
  })

  test('half below the reference belongs, half above does not', () => {
    const sequenceOf = (low: number): PacketTree =>
      decodePacket(encodePacket({ form: 'data', sequence: low }, CONTEXT), {
        kinds: KINDS,
        references: { sequence: 100_000 },
      })
    expect(sequenceOf(100_000 - 32_768)).toMatchObject({ sequence: 100_000 - 32_768 })
    expect(sequenceOf(100_000 + 32_767)).toMatchObject({ sequence: 100_000 + 32_767 })
    expect(sequenceOf(100_000 + 32_768)).toMatchObject({ sequence: 100_000 - 32_768 })
  })
})

describe('properties', () => {
  test('every data packet comes back as it was written', () => {
    const scenes = kindsArbitrary.chain((kinds) => dataArbitrary(kinds).map((tree) => ({ kinds, tree })))
    fc.assert(
      fc.property(scenes, ({ kinds, tree }) => expectRoundTrip(tree, { kinds })),
      { numRuns: 400 },
    )
  })

  test('every other packet comes back as it was written', () => {
    const trees = fc.oneof(helloArbitrary, welcomeArbitrary, foreignArbitrary, closeArbitrary)
    fc.assert(fc.property(trees, (tree) => expectRoundTrip(tree)))
  })

  test('what can be decoded has only the one encoding that it came in', () => {
    const damaged = fc.tuple(
      sceneArbitrary,
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
      fc.option(fc.nat(), { nil: undefined }),
    )
    fc.assert(
      fc.property(damaged, ([{ kinds, tree }, changes, cutAt]) => {
        const whole = encodePacket(tree, { kinds })
        for (const [at, byte] of changes) whole[at % whole.length] = byte
        expectFaultOrSameBytes(cutAt === undefined ? whole : whole.subarray(0, cutAt % whole.length), kinds)
      }),
      { numRuns: 800 },
    )
  })

  test('arbitrary bytes are decoded or refused with a reason, never anything else', () => {
    const header = fc.constantFrom([0, 0, 1, 0, 2], [0x10, 0, 1, 0, 2, 0, 0], [0x20, 0, 1, 0, 2, 0, 0], [])
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 60 }), kindsArbitrary, (start, rest, kinds) => {
        expectFaultOrSameBytes(Uint8Array.from([...start, ...rest]), kinds)
      }),
      { numRuns: 800 },
    )
  })

  function expectFaultOrSameBytes(bytes: Uint8Array, kinds: readonly ChannelKind[]): void {
    let tree: PacketTree
    try {
      tree = decodePacket(bytes, { kinds })
    } catch (fault) {
      expect(fault).toBeInstanceOf(OracleError)
      expect((fault as OracleError).offset).toBeLessThanOrEqual(bytes.length)
      return
    }
    expect(encodePacket(tree, { kinds })).toEqual(Uint8Array.from(bytes))
  }
})
