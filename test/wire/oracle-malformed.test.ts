import { describe, expect, test } from 'vitest'
import {
  decodePacket,
  encodePacket,
  fromHex,
  type Malformation,
  OracleError,
  type PacketCraft,
  type RecordCraft,
  type References,
  varintInFive,
} from './oracle.ts'

const KINDS = ['unreliable', 'sequenced', 'reliable', 'ordered', 'latest'] as const
const [UNRELIABLE, SEQUENCED, RELIABLE, ORDERED, LATEST] = [0, 1, 2, 3, 4] as const
const PAYLOAD = Uint8Array.of(7)
/** Bytes before the first record of a packet without acks. */
const HEADER_BYTES = 5

function faultOf(bytes: Uint8Array, references?: References): OracleError | undefined {
  try {
    decodePacket(bytes, references ? { kinds: KINDS, references } : { kinds: KINDS })
    return undefined
  } catch (fault) {
    if (fault instanceof OracleError) return fault
    throw fault
  }
}

/** A test that this packet, given as hex or as a tree, is malformed for this reason, at the field that begins at byte `offset`. */
function malformed(
  sentence: string,
  packet: string | PacketCraft,
  reason: Malformation,
  offset: number,
  references?: References,
): void {
  test(sentence, () => {
    const bytes = typeof packet === 'string' ? fromHex(packet) : encodePacket(packet, { kinds: KINDS })
    expect(faultOf(bytes, references)).toMatchObject({ reason, offset })
  })
}

/** As `malformed`, for records behind a header without acks; `offset` counts from the first of them. */
function malformedRecords(
  sentence: string,
  records: string | RecordCraft[],
  reason: Malformation,
  offset: number,
  references?: References,
): void {
  const crafted = typeof records === 'string' ? [{ type: 'raw' as const, bytes: fromHex(records) }] : records
  malformed(sentence, { form: 'data', sequence: 0, records: crafted }, reason, HEADER_BYTES + offset, references)
}

describe('packet and header', () => {
  malformed('a packet without a byte', '', 'empty', 0)
  malformed('a data packet cut inside its sequence', '00 00', 'truncated', 1)
  malformed('a data packet cut inside its timestamp', '00 0000 00', 'truncated', 3)
  malformed('a reserved bit that is set', '02 0000 0000', 'reserved-bits', 0)
  malformed('a loss horizon without an ack', '04 0000 0000 80', 'horizon-without-ack', 0)
  malformed('a loss horizon of 0', '14 0000 0000 0000 00', 'horizon-zero', 7)
  malformed('a loss horizon that is cut', '14 0000 0000 0000', 'truncated', 7)
  malformed('ack form 3', '30 0000 0000 0000', 'ack-form', 0)
  malformed('an ack delay without an ack', '08 0000 0000 00', 'ack-delay-without-ack', 0)
  malformed('an ack that is cut', '10 0000 0000 00', 'truncated', 5)
  malformed('an ack delay that is cut', '18 0000 0000 0000', 'truncated', 7)
  malformed('a sequence below 0', '00 ffff 0000', 'below-zero', 1, { sequence: -1 })
  malformed('a sequence half a circle ahead of nothing', '00 7fff 0000', 'below-zero', 1, { sequence: -1 })
  malformed('an ack below 0', '10 0000 0000 fffe', 'below-zero', 5, { ack: 3 })
  malformed('an ack of a packet that was never sent', '10 0000 0000 0004', 'ack-never-sent', 5, { ack: 3 })
  malformed('an ack when nothing was sent', '10 0000 0000 0000', 'ack-never-sent', 5, { ack: -1 })

  test('the newest packet sent may be acknowledged, and the lowest sequence restored is 0', () => {
    expect(faultOf(fromHex('10 0000 0000 0003'), { sequence: -1, ack: 3 })).toBeUndefined()
  })
})

describe('ack groups', () => {
  /** 147 groups, each a byte of its own. */
  const full = '01'.repeat(147)

  malformed('148 group bytes', `20 0000 0000 0000 94 ${full} 01`, 'group-bytes-too-many', 7)
  malformed('group bytes that are cut', '20 0000 0000 0000 02 01', 'truncated', 8)
  malformed('a group of zeros that is not a run', '20 0000 0000 0000 02 00 01', 'group-not-a-run', 8)
  malformed('a group of ones that is not a run', '20 0000 0000 0000 01 7f', 'group-not-a-run', 8)
  malformed('two runs of zeros in one place', '20 0000 0000 0000 03 80 80 01', 'group-run-split', 9)
  malformed('two runs of ones in one place', '20 0000 0000 0000 02 fe c0', 'group-run-split', 9)
  malformed('a run of zeros at the end', '20 0000 0000 0000 02 01 80', 'group-zeros-last', 9)
  malformed('nothing but zeros', '20 0000 0000 0000 01 bf', 'group-zeros-last', 8)
  malformed('148 groups in runs', '20 0000 0000 0000 03 ff ff d3', 'groups-too-many', 10)
  malformed('148 groups, the last one alone', '20 0000 0000 0000 04 ff ff d2 01', 'groups-too-many', 11)

  test('147 groups are allowed, in runs or one by one, and so is a run after a full one', () => {
    expect(faultOf(fromHex('20 0000 0000 0000 03 ff ff d2'))).toBeUndefined()
    expect(faultOf(fromHex(`20 0000 0000 0000 93 ${full}`))).toBeUndefined()
    expect(faultOf(fromHex('20 0000 0000 0000 03 bf 80 01'))).toBeUndefined()
  })
})

describe('varints', () => {
  malformedRecords(
    'a five-byte varint below 528,608',
    [{ type: 'raw', bytes: Uint8Array.of(0, ...varintInFive(528_607)) }],
    'varint-not-shortest',
    1,
  )
  malformedRecords('a five-byte varint of 0', '00 f8 00000000', 'varint-not-shortest', 1)
  for (const first of [249, 250, 251, 252, 253, 254, 255]) {
    malformedRecords(`a varint that begins with ${first}`, `00 ${first.toString(16)} 00000000`, 'varint-reserved', 1)
  }
  malformedRecords('a varint that is missing', '00', 'truncated', 1)
  malformedRecords('a two-byte varint that is cut', '00 e0', 'truncated', 1)
  malformedRecords('a three-byte varint that is cut', '00 f0 00', 'truncated', 1)
  malformedRecords('a five-byte varint that is cut', '00 f8 000810', 'truncated', 1)
})

describe('messages', () => {
  malformedRecords(
    'a channel outside the table',
    [{ type: 'message', channel: 5, payload: PAYLOAD }],
    'channel-unknown',
    0,
  )
  malformedRecords('a payload longer than the packet', '00 02 07', 'truncated', 2)
  malformedRecords('a length of 4 GiB', '00 f8 ffffffff 07', 'truncated', 6)
  malformedRecords('a message id that is cut', '02 0000', 'truncated', 1)
  for (const channel of [UNRELIABLE, RELIABLE, ORDERED]) {
    const record = { type: 'message', channel, key: 1, id: 1, payload: PAYLOAD } as const
    malformedRecords(`a key on a channel of kind ${KINDS[channel]}`, [record], 'key-on-keyless-kind', 0)
  }
  for (const channel of [SEQUENCED, LATEST]) {
    const record = { type: 'message', channel, key: 2 ** 31, id: 1, payload: PAYLOAD } as const
    malformedRecords(`a key of 2³¹ on a channel of kind ${KINDS[channel]}`, [record], 'key-too-large', 1)
  }
  for (const channel of [RELIABLE, ORDERED, LATEST]) {
    const record = { type: 'message', channel, id: 9, payload: PAYLOAD } as const
    malformedRecords(`the same id again on a channel of kind ${KINDS[channel]}`, [record, record], 'id-repeated', 7)
  }
  malformedRecords(
    'the same id again with another key',
    [1, 2].map((key) => ({ type: 'message', channel: LATEST, key, id: 9, payload: PAYLOAD })),
    'id-repeated',
    9,
  )
  malformedRecords(
    'an id below 0',
    [{ type: 'message', channel: RELIABLE, id: -1, payload: PAYLOAD }],
    'below-zero',
    1,
    { ids: [0, 0, 0] },
  )
  malformedRecords(
    'an id that steps below 0',
    [3, -2].map((id) => ({ type: 'message', channel: RELIABLE, id, payload: PAYLOAD })),
    'below-zero',
    7,
    { ids: [0, 0, 0] },
  )
  malformedRecords('an id step in a longer form', '02 000001 00 02 f8 00000000 00', 'varint-not-shortest', 6)
})

describe('fragments', () => {
  const zero = { type: 'fragment', channel: UNRELIABLE, group: 0, index: 0, payload: PAYLOAD } as const

  malformedRecords('a fragment of a channel outside the table', [{ ...zero, channel: 63 }], 'channel-unknown', 0)
  malformedRecords('a group that is cut', '80 00', 'truncated', 1)
  malformedRecords('fragment 0 without particulars', [zero], 'fragment-particulars', 3)
  malformedRecords(
    'another data fragment with particulars',
    [{ ...zero, index: 1, particulars: { count: 2, parity: 0 } }],
    'fragment-particulars',
    3,
  )
  malformedRecords(
    'an index beyond the last data fragment when no parity follows',
    [{ ...zero, index: 2, particulars: { count: 2, parity: 0 } }],
    'fragment-particulars',
    3,
  )
  malformedRecords(
    'an index beyond the last parity fragment',
    [{ ...zero, index: 5, particulars: { count: 3, parity: 2 } }],
    'fragment-particulars',
    3,
  )
  for (const count of [0, 1]) {
    malformedRecords(
      `a message of ${count} fragments`,
      [{ ...zero, particulars: { count, parity: 0 } }],
      'fragment-count',
      4,
    )
  }
  for (const channel of [RELIABLE, ORDERED, LATEST]) {
    const record = { ...zero, channel, particulars: { count: 2, parity: 1, id: 0 } }
    malformedRecords(`parity on a channel of kind ${KINDS[channel]}`, [record], 'fragment-parity', 5)
  }
  malformedRecords(
    '256 fragments of which one is parity',
    [{ ...zero, particulars: { count: 255, parity: 1 } }],
    'fragment-parity',
    6,
  )
  for (const channel of [SEQUENCED, LATEST]) {
    const record = { ...zero, channel, particulars: { count: 2, parity: 0, id: 0, key: 2 ** 31 } }
    const offset = channel === LATEST ? 9 : 6
    malformedRecords(
      `a fragment's key of 2³¹ on a channel of kind ${KINDS[channel]}`,
      [record],
      'key-too-large',
      offset,
    )
  }
  malformedRecords('a fragment without payload', '80 0000 02', 'fragment-empty', 4)
  malformedRecords('fragment 0 without payload', '80 0000 01 02 00', 'fragment-empty', 6)
  malformedRecords("a fragment's message id that is cut", '82 0000 01 02 00 0000', 'truncated', 6)
  for (const [sentence, payload] of [
    ['a parity payload without a combination', [0, 1]],
    ['a parity payload whose last data fragment has no byte', [0, 0, 7]],
    ['a parity payload whose last data fragment is longer than the first', [0, 2, 7]],
  ] as const) {
    const record = { ...zero, index: 2, particulars: { count: 2, parity: 1 }, payload: Uint8Array.from(payload) }
    malformedRecords(sentence, [record], 'parity-payload', 6)
  }

  test('a long message without parity may have more than 255 fragments', () => {
    const records = [{ ...zero, particulars: { count: 256, parity: 0 } }]
    expect(faultOf(encodePacket({ form: 'data', sequence: 0, records }, { kinds: KINDS }))).toBeUndefined()
  })
})

describe('control records', () => {
  for (const code of [3, 4, 63]) {
    malformedRecords(`control code ${code}`, (0xc0 + code).toString(16), 'control-unknown', 0)
  }
  for (const channel of [UNRELIABLE, SEQUENCED, LATEST]) {
    const kind = KINDS[channel]
    malformedRecords(
      `a skip on a channel of kind ${kind}`,
      [{ type: 'skip', channel, id: 1 }],
      'skip-on-unskippable-kind',
      1,
    )
    if (channel === LATEST) continue
    malformedRecords(
      `a skip of a fragmented message on a channel of kind ${kind}`,
      [{ type: 'skip', channel, id: 1, group: 1 }],
      'skip-on-unskippable-kind',
      1,
    )
  }
  malformedRecords(
    'a skip of a channel outside the table',
    [{ type: 'skip', channel: 255, id: 1 }],
    'channel-unknown',
    1,
  )
  malformedRecords('a skip without a channel', 'c1', 'truncated', 1)
  malformedRecords('a skip whose id is cut', 'c1 02 0000', 'truncated', 2)
  malformedRecords('a skip whose group is cut', 'c2 02 000000 00', 'truncated', 5)
})

describe('handshake', () => {
  const hello = { form: 'hello', version: 1, clientSalt: 1, protocolDigest: 2 } as const

  malformed('a hello with a low bit in byte 0', '41 01 00000001 00000002 01 00000003', 'reserved-bits', 0)
  malformed('a welcome with a low bit in byte 0', 'a0 01 00000001 00000002', 'reserved-bits', 0)
  malformed('a hello of nothing but its form', '40', 'truncated', 1)
  malformed('a hello of another version that is cut inside the salt', '40 02 000000', 'truncated', 2)
  malformed('a hello without channels', { ...hello, channelDigests: [] }, 'channel-count', 10)
  malformed('a hello of 65 channels', { ...hello, channelDigests: new Array(65).fill(0) }, 'channel-count', 10)
  malformed('a hello cut inside its digests', '40 01 00000001 00000002 02 00000003', 'truncated', 15)
  malformed('a byte after a hello', { ...hello, channelDigests: [3], tail: PAYLOAD }, 'trailing', 15)
  malformed('a welcome cut inside the clock', '80 01 00000001 00000002 0000 0000', 'truncated', 10)
  malformed('a welcome cut inside the server salt', '80 01 00000001 000000', 'truncated', 6)
  malformed('a byte after a welcome', '80 01 00000001 00000002 0000 00000005 00', 'trailing', 16)
})

describe('close', () => {
  const close = { form: 'close', kind: 'goodbye', clientSalt: 1, code: 0, data: PAYLOAD } as const

  for (const kind of [7, 8, 63]) malformed(`close kind ${kind}`, { ...close, kind }, 'close-kind', 0)
  malformed('a close cut inside its salt', 'c0 000000', 'truncated', 1)
  malformed('a close cut inside its code', 'c0 00000001 00', 'truncated', 5)
  malformed('a close with 1,025 bytes of data', { ...close, data: new Uint8Array(1_025) }, 'close-data-too-long', 7)
  malformed('a heard with a code', { ...close, kind: 'heard', code: 1, data: new Uint8Array(0) }, 'heard-not-empty', 5)
  malformed('a heard with data', { ...close, kind: 'heard' }, 'heard-not-empty', 7)
})
