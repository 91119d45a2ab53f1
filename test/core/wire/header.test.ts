import { describe, expect, test } from 'vitest'
import { AckGroupEncoder } from '../../../src/core/wire/ack-groups.ts'
import {
  type AckReport,
  decodeAckDelay,
  decodeHorizon,
  encodeAckDelay,
  encodeHorizon,
  Header,
  headerBytes,
  timestampOf,
  writeHeader,
} from '../../../src/core/wire/header.ts'
import { ACK_FULL, ACK_GROUPS, ACK_NONE } from '../../../src/core/wire/layout.ts'
import { Reader } from '../../../src/core/wire/reader.ts'
import { Writer } from '../../../src/core/wire/writer.ts'

describe('ack delay', () => {
  test.each([
    { delay: 0, code: 0, said: 0 },
    { delay: 0.1, code: 0, said: 0 },
    { delay: 0.125, code: 1, said: 0.25 },
    { delay: 25, code: 100, said: 25 },
    { delay: 25.1, code: 100, said: 25 },
    { delay: 47.9, code: 192, said: 48 },
    { delay: 48, code: 192, said: 48 },
    { delay: 48.4, code: 192, said: 48 },
    { delay: 48.5, code: 193, said: 49 },
    { delay: 110, code: 254, said: 110 },
    { delay: 110.4, code: 254, said: 110 },
    { delay: 110.5, code: 255, said: Number.POSITIVE_INFINITY },
    { delay: 60_000, code: 255, said: Number.POSITIVE_INFINITY },
    { delay: Number.POSITIVE_INFINITY, code: 255, said: Number.POSITIVE_INFINITY },
  ])('of $delay ms is code $code, which says $said ms', ({ delay, code, said }) => {
    expect(encodeAckDelay(delay)).toBe(code)
    expect(decodeAckDelay(code)).toBe(said)
  })

  test('every code but the last says a delay that has that code, and they grow', () => {
    for (let code = 0; code < 255; code++) {
      const delay = decodeAckDelay(code)
      expect(encodeAckDelay(delay)).toBe(code)
      if (code > 0) expect(delay).toBeGreaterThan(decodeAckDelay(code - 1))
    }
  })
})

describe('timestamp', () => {
  test.each([
    [0, 0],
    [0.24, 0],
    [0.25, 1],
    [16_383.75, 0xffff],
    [16_384, 0],
    [1e12 + 1, timestampOf(1e12) + 4],
    [-0.25, 0xffff],
  ])('of %f ms is %i', (now, timestamp) => {
    expect(timestampOf(now)).toBe(timestamp)
  })
})

describe('loss horizon', () => {
  test.each([
    [-64, -1],
    [-63.5, 1],
    [-8, 112],
    [0, 128],
    [31.9, 191],
    [32, 192],
    [63.9, 223],
    [64, 224],
    [127.9, 231],
    [128, 232],
    [900, 254],
    [960, 255],
    [1e6, 255],
    [Number.POSITIVE_INFINITY, 255],
  ])('of %f ms has the code %i', (ms, code) => {
    expect(encodeHorizon(ms)).toBe(code)
  })

  test('is rounded down, by at most an eighth', () => {
    for (let ms = -63.5; ms < 960; ms += 0.37) {
      const read = decodeHorizon(encodeHorizon(ms))
      expect(read).toBeLessThanOrEqual(ms)
      expect(ms - read).toBeLessThanOrEqual(ms < 32 ? 0.5 : ms < 64 ? 1 : ms / 8)
    }
  })

  test('keeps its code through a decoding', () => {
    for (let code = 1; code <= 255; code++) expect(encodeHorizon(decodeHorizon(code))).toBe(code)
  })

  test('says nothing when there is none', () => {
    expect(encodeHorizon(Number.NEGATIVE_INFINITY)).toBe(-1)
  })
})

function report(
  form: AckReport['form'],
  delayCode: number,
  heard: (sequence: number) => boolean = () => true,
): AckReport {
  const groups = new AckGroupEncoder()
  if (form === ACK_GROUPS) groups.encode({ has: heard }, 0x12345, 0x12345 - 100, 147)
  return { form, ack: 0x12345, groups, delayCode, horizonCode: -1, wantsEarlyAcks: false }
}

function written(what: AckReport, now = 10): Uint8Array<ArrayBuffer> {
  const writer = new Writer(300)
  writer.reset(300)
  writeHeader(writer, 0x10002, now, what)
  return writer.view()
}

function read(bytes: Uint8Array<ArrayBuffer>): { header: Header; reader: Reader } {
  const reader = new Reader()
  reader.reset(bytes)
  const header = new Header()
  header.read(reader)
  return { header, reader }
}

describe('Header', () => {
  test.each([
    ['without an ack', report(ACK_NONE, -1), 5],
    ['with all of the last 32 heard', report(ACK_FULL, -1), 7],
    ['with a delay', report(ACK_FULL, 7), 8],
    ['with groups', report(ACK_GROUPS, -1, (sequence) => sequence % 2 === 0), 7 + 1 + 15],
    ['with a loss horizon', { ...report(ACK_FULL, 7), horizonCode: 112, wantsEarlyAcks: true }, 9],
    ['with groups and a delay', report(ACK_GROUPS, 200, () => true), 7 + 1 + 1 + 1],
  ] as const)('%s has the bytes that were foretold, and is read back', (_, what, bytes) => {
    const packet = written(what)
    expect(packet.length).toBe(bytes)
    expect(headerBytes(what)).toBe(bytes)
    const { header, reader } = read(packet)
    expect(reader.failed).toBe(false)
    expect(reader.remaining).toBe(0)
    expect(header.sequence).toBe(2)
    expect(header.timestamp).toBe(40)
    expect(header.hasAck).toBe(what.form !== ACK_NONE)
    expect(header.ack).toBe(what.form === ACK_NONE ? 0 : 0x2345)
    expect(header.ackDelayMs).toBe(what.delayCode < 0 ? Number.POSITIVE_INFINITY : decodeAckDelay(what.delayCode))
  })

  test('form 1 says that 32 packets were heard, form 0 none', () => {
    const full = read(written(report(ACK_FULL, -1))).header
    expect(full.bits.span).toBe(32)
    expect(full.bits.has(0)).toBe(true)
    expect(full.bits.has(31)).toBe(true)
    expect(full.bits.has(32)).toBe(false)
    expect(read(written(report(ACK_NONE, -1))).header.bits.span).toBe(0)
  })

  test('one header is used again and again: nothing of the last packet stays', () => {
    const reader = new Reader()
    const header = new Header()
    for (const what of [report(ACK_GROUPS, 9), report(ACK_FULL, 8), report(ACK_NONE, -1)]) {
      reader.reset(written(what).slice())
      header.read(reader)
    }
    expect(header.hasAck).toBe(false)
    expect(header.ack).toBe(0)
    expect(header.ackDelayMs).toBe(Number.POSITIVE_INFINITY)
    expect(header.bits.has(0)).toBe(false)
  })

  test.each([
    ['nothing after the flags', [0x00]],
    ['a cut sequence', [0x00, 0]],
    ['a cut timestamp', [0x00, 0, 1, 0]],
    ['a cut ack', [0x10, 0, 1, 0, 2, 0]],
    ['a missing delay', [0x18, 0, 1, 0, 2, 0, 3]],
    ['missing groups', [0x20, 0, 1, 0, 2, 0, 3]],
    ['ack form 3', [0x30, 0, 1, 0, 2, 0, 3]],
    ['a delay without an ack', [0x08, 0, 1, 0, 2, 7]],
    ['a reserved bit', [0x02, 0, 1, 0, 2]],
    ['a loss horizon without an ack', [0x04, 0, 1, 0, 2, 7]],
    ['a loss horizon of 0', [0x14, 0, 1, 0, 2, 0, 3, 0]],
  ])('%s fails', (_, bytes) => {
    expect(read(Uint8Array.from(bytes)).reader.failed).toBe(true)
  })
})
