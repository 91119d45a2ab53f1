import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AckBits, AckGroupEncoder } from '../../src/core/wire/ack-groups.ts'
import { decodeAckDelay, encodeAckDelay, timestampOf } from '../../src/core/wire/header.ts'
import { ACK_WINDOW, MAX_GROUPS } from '../../src/core/wire/layout.ts'
import { Reader } from '../../src/core/wire/reader.ts'
import { expand16, expand24 } from '../../src/core/wire/sequence.ts'
import { unzigzag, varintBytes, zigzag } from '../../src/core/wire/varint.ts'
import { Writer } from '../../src/core/wire/writer.ts'
import { must } from '../support/must.ts'
import { checkProperty } from '../support/seeds.ts'
import { groupsOf, nearest, offsetsOf, varint } from '../wire/oracle.ts'

const uint32 = fc.oneof(
  fc.integer({ min: 0, max: 0xffffffff }),
  fc.integer({ min: 0, max: 5000 }),
  fc.constantFrom(223, 224, 4319, 4320, 528_607, 528_608, 0xffffffff),
)

describe('varint', () => {
  test('is written as the oracle writes it, and read back', () => {
    const property = fc.property(uint32, (value) => {
      const writer = new Writer(16)
      writer.reset(16)
      writer.varint(value)
      const bytes = writer.view()
      expect(bytes).toEqual(varint(value))
      expect(varintBytes(value)).toBe(bytes.length)
      const reader = new Reader()
      reader.reset(bytes)
      expect(reader.varint()).toBe(value)
      expect([reader.failed, reader.remaining]).toEqual([false, 0])
    })
    checkProperty(property, 2000)
  })

  test('has one encoding: whatever is read without failing is written with the same bytes', () => {
    const property = fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 6 }),
      fc.constantFrom(0, 200, 224, 239, 240, 247, 248, 249, 255),
      (rest, first) => {
        const bytes = Uint8Array.from([first, ...rest])
        const reader = new Reader()
        reader.reset(bytes)
        const value = reader.varint()
        if (reader.failed) return
        const writer = new Writer(16)
        writer.reset(16)
        writer.varint(value)
        expect(writer.view()).toEqual(bytes.subarray(0, reader.position))
      },
    )
    checkProperty(property, 2000)
  })

  test('zigzag goes there and back', () => {
    checkProperty(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (n) => void expect(unzigzag(zigzag(n))).toBe(n)),
      1000,
    )
  })
})

describe('a number cut to its low bits', () => {
  test('comes back whole near any reference, at every wrap', () => {
    const base = fc.oneof(
      fc.nat({ max: 2 ** 20 }),
      fc.integer({ min: 0, max: 2 ** 40 }),
      fc.constantFrom(0, 0xffff, 0x10000, 0xffffff, 0x1000000),
    )
    const property = fc.property(base, fc.integer({ min: -0x8000, max: 0x7fff }), (reference, by) => {
      const value = reference + by
      if (value < 0) return
      expect(expand16(value & 0xffff, reference)).toBe(value)
      const far = reference + by * 256
      if (far >= 0) expect(expand24(far % 0x1000000, reference)).toBe(far)
    })
    checkProperty(property, 2000)
  })

  test('is restored as the oracle restores it, below zero too', () => {
    const property = fc.property(fc.nat({ max: 0xffffff }), fc.integer({ min: -1, max: 2 ** 30 }), (low, reference) => {
      expect(expand16(low & 0xffff, reference)).toBe(nearest(low & 0xffff, 16, reference))
      expect(expand24(low, reference)).toBe(nearest(low, 24, reference))
    })
    checkProperty(property, 2000)
  })
})

describe('ack groups', () => {
  /** Packets heard as links make them: runs of heard and lost, oldest first. */
  const heardArbitrary = fc
    .array(fc.tuple(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 700 })), fc.boolean()), {
      minLength: 1,
      maxLength: 40,
      size: 'max',
    })
    .map((runs) => {
      const heard = new Set<number>()
      let at = 0
      for (const [length, isHeard] of runs) {
        for (let i = 0; i < length; i++) if (isHeard) heard.add(at + i)
        at += length
      }
      heard.add(at)
      return { heard, ack: at }
    })

  test('say what was heard, in the bytes that the oracle gives, and are read back bit by bit', () => {
    const property = fc.property(heardArbitrary, fc.nat({ max: 1100 }), ({ heard, ack }, back) => {
      const floor = Math.max(0, ack - Math.min(back, ACK_WINDOW))
      const encoder = new AckGroupEncoder()
      encoder.encode(heard, ack, floor, MAX_GROUPS)
      expect(encoder.trimmed).toBe(false)
      const writer = new Writer(200)
      writer.reset(200)
      encoder.write(writer)
      expect(writer.length).toBe(encoder.bytes)
      const bytes = writer.view()
      const theirs = groupsOf(heard, ack, floor)
      // The oracle keeps no trailing zeros either; both end at the last group with a packet heard.
      expect([...bytes.subarray(1)]).toEqual([...theirs])
      const reader = new Reader()
      reader.reset(bytes)
      const bits = new AckBits()
      bits.read(reader)
      expect([reader.failed, reader.remaining]).toEqual([false, 0])
      for (let i = 0; i < Math.max(bits.span, ack - floor); i++) {
        const sequence = ack - 1 - i
        const isHeard = sequence < 0 || heard.has(sequence)
        // Beyond the span nothing was heard.
        must(i < bits.span ? bits.has(i) === isHeard : sequence < 0 || !isHeard, () => `packet ${sequence}`)
      }
    })
    checkProperty(property, 300)
  })

  test('that do not fit say so, and what they still say is true', () => {
    const property = fc.property(heardArbitrary, fc.nat({ max: 40 }), ({ heard, ack }, maxBytes) => {
      const encoder = new AckGroupEncoder()
      encoder.encode(heard, ack, 0, maxBytes)
      expect(encoder.bytes).toBeLessThanOrEqual(1 + maxBytes)
      const writer = new Writer(200)
      writer.reset(200)
      encoder.write(writer)
      const offsets = new Set(offsetsOf(writer.view().subarray(1)))
      for (const offset of offsets) must(ack - offset < 0 || heard.has(ack - offset), () => `offset ${offset}`)
      if (encoder.trimmed) return
      for (const sequence of heard) {
        const isReported = sequence >= ack || sequence < ack - ACK_WINDOW || offsets.has(ack - sequence)
        must(isReported, () => `packet ${sequence}`)
      }
    })
    checkProperty(property, 300)
  })

  test('any bytes are read as the oracle reads them, or refused as it refuses them', () => {
    const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 0x7f, 0x80, 0xbf, 0xc0, 0xff))
    const property = fc.property(fc.array(byte, { maxLength: 40 }), (groups) => {
      const reader = new Reader()
      reader.reset(Uint8Array.from([groups.length, ...groups]))
      const bits = new AckBits()
      bits.read(reader)
      let offsets: number[] | undefined
      try {
        offsets = offsetsOf(Uint8Array.from(groups))
      } catch {
        offsets = undefined
      }
      expect(reader.failed).toBe(offsets === undefined)
      if (offsets === undefined) return
      const ours: number[] = []
      for (let i = 0; i < bits.span; i++) if (bits.has(i)) ours.push(i + 1)
      expect(ours).toEqual(offsets)
    })
    checkProperty(property, 2000)
  })
})

describe('times in a header', () => {
  test('an ack delay is off by at most half a step, and what is longer than 110 ms is no sample', () => {
    const property = fc.property(fc.double({ min: 0, max: 200, noNaN: true }), (delayMs) => {
      const back = decodeAckDelay(encodeAckDelay(delayMs))
      if (delayMs <= 48) expect(Math.abs(back - delayMs)).toBeLessThanOrEqual(0.125)
      else if (delayMs < 110.5) expect(Math.abs(back - delayMs)).toBeLessThanOrEqual(0.5)
      else expect(back).toBe(Number.POSITIVE_INFINITY)
    })
    checkProperty(property, 2000)
    expect(decodeAckDelay(encodeAckDelay(Number.POSITIVE_INFINITY))).toBe(Number.POSITIVE_INFINITY)
  })

  test('a timestamp is the low 16 bits of quarter milliseconds, however large the clock', () => {
    const property = fc.property(fc.double({ min: 0, max: 1e13, noNaN: true }), (now) => {
      expect(timestampOf(now)).toBe(Number(BigInt(Math.floor(now * 4)) % 65_536n))
    })
    checkProperty(property, 1000)
  })
})
