import { describe, expect, test } from 'vitest'
import { MAX_KEY, RECORD_OVERHEAD_BYTES } from '../../../src/core/wire/layout.ts'
import { Reader } from '../../../src/core/wire/reader.ts'
import {
  fragmentOverhead,
  messageOverhead,
  type RecordShape,
  RecordView,
  readRecord,
  SKIP_BYTES,
  SKIP_GROUP_BYTES,
  writeFragmentHead,
  writeMessageHead,
  writePing,
  writeSkip,
} from '../../../src/core/wire/records.ts'
import { Writer } from '../../../src/core/wire/writer.ts'

const SHAPES: Readonly<Record<string, RecordShape>> = {
  unreliable: { hasIds: false, hasKeys: false },
  sequenced: { hasIds: false, hasKeys: true },
  reliable: { hasIds: true, hasKeys: false },
  latest: { hasIds: true, hasKeys: true },
}
const [UNRELIABLE, SEQUENCED, RELIABLE, LATEST] = [0, 1, 2, 3]
const TABLE: RecordShape[] = Object.values(SHAPES)

function written(write: (writer: Writer) => void): Uint8Array<ArrayBuffer> {
  const writer = new Writer(200)
  writer.reset(200)
  write(writer)
  return writer.view()
}

function read(bytes: Uint8Array<ArrayBuffer>, followsSame = false): RecordView | 'failed' | 'unknown-channel' {
  const reader = new Reader()
  reader.reset(bytes)
  const view = new RecordView()
  const outcome = readRecord(reader, view, TABLE, () => followsSame)
  return outcome === 'unknown-channel' ? outcome : reader.failed ? 'failed' : view
}

describe('message records', () => {
  // Channel, key, id, step, length → overhead.
  test.each([
    [UNRELIABLE, -1, -1, 0, 20, 2],
    [UNRELIABLE, -1, -1, 0, 0, 2],
    [UNRELIABLE, -1, -1, 0, 224, 3],
    [SEQUENCED, -1, -1, 0, 20, 2],
    [SEQUENCED, 5, -1, 0, 20, 3],
    [SEQUENCED, 224, -1, 0, 20, 4],
    [SEQUENCED, MAX_KEY, -1, 0, 20, 7],
    [RELIABLE, -1, 7, 0, 20, 5],
    [RELIABLE, -1, 7, 1, 20, 3],
    [RELIABLE, -1, 7, 113, 20, 4],
    [RELIABLE, -1, 7, -1, 20, 3],
    [RELIABLE, -1, 7, -4_000, 20, 5],
    [LATEST, 5, 7, 1, 20, 4],
    [LATEST, -1, 0xffffff, 0, 20, 5],
  ])('channel %i, key %i, id %i, step %i, %i bytes: overhead %i', (channel, key, id, step, length, overhead) => {
    const shape = TABLE[channel!]!
    const head = written((writer) => writeMessageHead(writer, shape, channel!, key, id, step, length))
    expect(head.length).toBe(overhead)
    expect(messageOverhead(shape, key, step, length)).toBe(overhead)
    const packet = new Uint8Array(head.length + length)
    packet.set(head)
    const view = read(packet, step !== 0)
    expect(view).toMatchObject({ channel, key, length })
    if (shape.hasIds) expect(view).toMatchObject(step === 0 ? { idLow: id, step: 0 } : { step })
  })

  test.each([
    ['a payload that ends early', [0x00, 3, 1, 2]],
    ['a key of 2^31', [0x41, 248, 128, 0, 0, 0, 0]],
    ['no length', [0x00]],
    ['half an id', [0x02, 0, 0]],
  ])('%s fails', (_, bytes) => {
    expect(read(Uint8Array.from(bytes))).toBe('failed')
  })

  test('the same id again fails', () => {
    expect(read(Uint8Array.of(0x02, 1, 0), true)).toBe('failed')
  })

  test('a channel outside the table, or a key where the kind has none, is told apart', () => {
    expect(read(Uint8Array.of(0x04, 0))).toBe('unknown-channel')
    expect(read(Uint8Array.of(0x3f, 0))).toBe('unknown-channel')
    expect(read(Uint8Array.of(0x40, 1, 0))).toBe('unknown-channel')
    expect(read(Uint8Array.of(0x42, 1, 0, 0, 0, 0))).toBe('unknown-channel')
  })
})

describe('fragment records', () => {
  // Channel, index, count, parity, id, key → overhead.
  test.each([
    [UNRELIABLE, 0, 2, 0, 0, -1, 6],
    [UNRELIABLE, 1, 2, 0, 0, -1, 4],
    [UNRELIABLE, 111, 200, 0, 0, -1, 4],
    [UNRELIABLE, 112, 200, 0, 0, -1, 5],
    [UNRELIABLE, 200, 200, 3, 0, -1, 7],
    [SEQUENCED, 0, 2, 0, 0, 9, 7],
    [RELIABLE, 0, 16_000, 0, 0xabcdef, -1, 11],
    [RELIABLE, 15_999, 16_000, 0, 0xabcdef, -1, 6],
    [LATEST, 0, 900, 0, 7, MAX_KEY, 15],
  ])(
    'channel %i, fragment %i of %i + %i, id %i, key %i: overhead %i',
    (channel, index, count, parity, id, key, overhead) => {
      const shape = TABLE[channel!]!
      const head = written((writer) =>
        writeFragmentHead(writer, shape, channel!, 0x12345, index, count, parity, id, key),
      )
      expect(head.length).toBe(overhead)
      expect(fragmentOverhead(shape, index, count, parity, key)).toBe(overhead)
      const view = read(Uint8Array.of(...head, 1, 2, 3))
      expect(view).toMatchObject({ channel, group: 0x2345, index, length: 3 })
      const hasParticulars = index === 0 || index >= count
      expect(view).toMatchObject(hasParticulars ? { hasParticulars, count, parity, key } : { hasParticulars, key: -1 })
      if (hasParticulars && shape.hasIds) expect(view).toMatchObject({ idLow: id })
    },
  )

  test('no record has a larger overhead than what a packet keeps free for it', () => {
    const { latest } = SHAPES
    const largest = fragmentOverhead(latest!, 0, 16 * 1024 * 1024, 0, MAX_KEY)
    expect(largest).toBeLessThanOrEqual(RECORD_OVERHEAD_BYTES)
    expect(messageOverhead(latest!, MAX_KEY, -4_095, 1_086)).toBeLessThanOrEqual(RECORD_OVERHEAD_BYTES)
  })

  test.each([
    ['no payload', [0x80, 0, 0, 2]],
    ['fragment 0 without particulars', [0x80, 0, 0, 0, 9]],
    ['fragment 1 of 3 with particulars', [0x80, 0, 0, 3, 3, 0, 9]],
    ['a count of 1', [0x80, 0, 0, 1, 1, 0, 9]],
    ['an index beyond count + parity', [0x80, 0, 0, 9, 2, 2, 9]],
    ['parity on a reliable channel', [0x82, 0, 0, 1, 2, 1, 0, 0, 0, 9]],
    ['256 fragments, one of them parity', [0x80, 0, 0, 1, 224, 31, 1, 9]],
    ['a key of 2^31', [0x81, 0, 0, 1, 2, 0, 248, 128, 0, 0, 1, 9]],
    ['half a group', [0x80, 0]],
  ])('%s fails', (_, bytes) => {
    expect(read(Uint8Array.from(bytes))).toBe('failed')
  })

  test('255 fragments with parity and 256 without are fine', () => {
    expect(read(Uint8Array.of(0x80, 0, 0, 1, 224, 30, 1, 9))).toMatchObject({ count: 254, parity: 1 })
    expect(read(Uint8Array.of(0x80, 0, 0, 1, 224, 32, 0, 9))).toMatchObject({ count: 256, parity: 0 })
  })

  test('no key at all is key + 1 = 0', () => {
    expect(read(Uint8Array.of(0x81, 0, 0, 1, 2, 0, 0, 9))).toMatchObject({ key: -1 })
    expect(read(Uint8Array.of(0x81, 0, 0, 1, 2, 0, 1, 9))).toMatchObject({ key: 0 })
  })
})

describe('control records', () => {
  test('a skip tells the channel and the low bits of the id, and the group if there is one', () => {
    const plain = written((writer) => writeSkip(writer, 9, 0x1234567, -1))
    expect(plain.length).toBe(SKIP_BYTES)
    expect(read(plain)).toMatchObject({ channel: 1, target: 9, idLow: 0x234567 })
    const grouped = written((writer) => writeSkip(writer, 9, 5, 0x1abcd))
    expect(grouped.length).toBe(SKIP_GROUP_BYTES)
    expect(read(grouped)).toMatchObject({ channel: 2, target: 9, idLow: 5, group: 0xabcd })
  })

  test('a ping is one byte', () => {
    const ping = written((writer) => writePing(writer))
    expect([...ping]).toEqual([0xc0])
    expect(read(ping)).toMatchObject({ channel: 0, length: 0 })
  })

  test('other codes fail, and so do skips that end early', () => {
    for (const bytes of [[0xc3, 0, 0, 0, 0, 0, 0], [0xff], [0xc1, 2, 0, 0], [0xc2, 2, 0, 0, 0, 0]]) {
      expect(read(Uint8Array.from(bytes))).toBe('failed')
    }
  })
})
