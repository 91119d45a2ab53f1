import { describe, expect, test } from 'vitest'
import { AckBits, AckGroupEncoder } from '../../../src/core/wire/ack-groups.ts'
import { ACK_WINDOW } from '../../../src/core/wire/layout.ts'
import { Reader } from '../../../src/core/wire/reader.ts'
import { Writer } from '../../../src/core/wire/writer.ts'
import { groupsOf } from '../../wire/oracle.ts'
import { randomOf } from '../support.ts'

const ALL = { has: () => true }
const NONE = { has: () => false }

/** Group bytes for packets heard before `ack`, back to `floor`. */
function encoded(heard: { has(sequence: number): boolean }, ack: number, floor: number, maxBytes = 147): number[] {
  const encoder = new AckGroupEncoder()
  encoder.encode(heard, ack, floor, maxBytes)
  const writer = new Writer(200)
  writer.reset(200)
  encoder.write(writer)
  expect(writer.length).toBe(encoder.bytes)
  const [count, ...bytes] = writer.view()
  expect(count).toBe(bytes.length)
  return bytes
}

function decoded(...bytes: number[]): AckBits | undefined {
  const reader = new Reader()
  reader.reset(Uint8Array.of(bytes.length, ...bytes))
  const bits = new AckBits()
  bits.read(reader)
  return reader.failed || reader.remaining > 0 ? undefined : bits
}

describe('AckGroupEncoder', () => {
  test.each([
    ['nothing to tell', ALL, 100, 100, []],
    ['one packet: its group tells of six more', ALL, 100, 99, [0xc0]],
    ['seven heard', ALL, 100, 93, [0xc0]],
    ['eight heard', ALL, 100, 92, [0xc1]],
    ['448 heard', ALL, 1_000, 1_000 - 448, [0xff]],
    ['449 heard', ALL, 1_000, 1_000 - 449, [0xff, 0xc0]],
    ['as many as there can be', ALL, 5_000, 0, [0xff, 0xff, 0xd2]],
    ['none heard but the ack: nothing', NONE, 100, 50, []],
    ['the newest missing', { has: (s: number) => s !== 99 }, 100, 93, [0x3f]],
    ['the oldest of a group missing', { has: (s: number) => s !== 93 }, 100, 93, [0x7e]],
    ['before the beginning all count as heard', { has: (s: number) => s !== 1 }, 3, 0, [0x5f]],
    ['a lone packet behind a gap of 499', { has: (s: number) => s === 500 }, 1_000, 500, [0xbf, 0x86, 0x10]],
    [
      'groups of both kinds in turn',
      { has: (s: number) => Math.floor((99 - s) / 7) % 2 === 0 },
      100,
      72,
      [0xc0, 0x80, 0xc0],
    ],
  ])('%s', (_, heard, ack, floor, bytes) => {
    expect(encoded(heard, ack, floor)).toEqual(bytes)
  })

  test('says when it could not reach back far enough, and what it says still holds', () => {
    const heard = { has: (sequence: number) => sequence % 3 === 0 }
    const encoder = new AckGroupEncoder()
    encoder.encode(heard, 999, 0, 10)
    expect(encoder.trimmed).toBe(true)
    expect(encoder.bytes).toBe(11)
    encoder.encode(heard, 999, 999 - 70, 10)
    expect(encoder.trimmed).toBe(false)
    encoder.encode(ALL, 999, 0, 3)
    expect(encoder.trimmed).toBe(false)
  })

  test('agrees with the oracle, and is read back, for any pattern', () => {
    const random = randomOf(7)
    for (let run = 0; run < 300; run++) {
      const ack = Math.floor(random() * 3_000)
      const floor = Math.max(0, ack - Math.floor(random() * ACK_WINDOW))
      const heard = new Set<number>([ack, floor])
      // Runs as a bursty link makes them.
      for (let at = ack; at >= 0 && at > ack - 1_100; ) {
        const length = 1 + Math.floor(random() * (random() < 0.2 ? 400 : 12))
        const isHeard = random() < 0.6
        for (let i = 0; i < length; i++, at--) if (isHeard && at >= 0) heard.add(at)
      }
      const bytes = encoded(heard, ack, floor)
      expect(bytes, `run ${run}`).toEqual([...groupsOf(heard, ack, floor)])
      const bits = decoded(...bytes)
      for (let sequence = floor; sequence < ack; sequence++) {
        if (bits?.has(ack - 1 - sequence) !== heard.has(sequence)) throw new Error(`run ${run}: packet ${sequence}`)
      }
    }
  })

  test('a gap of 500 packets costs 6 bytes, one loss in twenty at most a byte for each seven packets', () => {
    expect(encoded({ has: (s) => s < 400 || s > 900 }, 1_000, 300).length).toBe(6)
    expect(encoded({ has: (s) => s % 20 !== 0 }, 1_000, 930).length).toBeLessThanOrEqual(10)
  })
})

describe('AckBits', () => {
  test('bit i tells of packet ack − 1 − i', () => {
    const bits = decoded(0x41, 0x80, 0x10)!
    const heard = Array.from({ length: 30 }, (_, i) => i).filter((i) => bits.has(i))
    expect(heard).toEqual([0, 6, 16])
    expect(bits.span).toBe(21)
  })

  test.each([
    ['a single group of zeros', [0x00, 0x01]],
    ['a single group of ones', [0x7f]],
    ['a run of zeros at the end', [0x01, 0x80]],
    ['zeros alone', [0x80]],
    ['a run of ones that was cut in two', [0xc0, 0xc0]],
    ['a run of zeros that was cut in two', [0x80, 0x80, 0x01]],
    ['148 groups', [0xff, 0xff, 0xd3]],
  ])('%s is not canonical and fails', (_, bytes) => {
    expect(decoded(...bytes)).toBeUndefined()
  })

  test('groups that end early fail, and so does a count above 147', () => {
    for (const bytes of [[2, 0x01], [148, ...new Array<number>(148).fill(1)], []]) {
      const reader = new Reader()
      reader.reset(Uint8Array.from(bytes))
      new AckBits().read(reader)
      expect(reader.failed).toBe(true)
    }
  })

  test('147 groups fill it to the last bit, and it is empty again after', () => {
    const bits = decoded(0xff, 0xff, 0xd2)!
    expect(bits.span).toBe(1_029)
    for (let i = 0; i < 1_029; i++) expect(bits.has(i)).toBe(true)
    expect(bits.has(1_029)).toBe(false)
    bits.clear()
    for (let i = 0; i < 1_029; i++) expect(bits.has(i)).toBe(false)
    bits.setFull()
    expect(bits.has(31)).toBe(true)
    expect(bits.has(32)).toBe(false)
  })
})
