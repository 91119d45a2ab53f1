import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  Cursor,
  channelDigest,
  encodePacket,
  fieldInverse,
  fieldProduct,
  fnv1a,
  groupBytes,
  groupsOf,
  nearest,
  offsetsOf,
  parityFactor,
  parityPayload,
  rebuiltFragments,
  toHex,
  varint,
  zigzag,
} from './oracle.ts'

describe('varint', () => {
  test.each([
    [0, '00'],
    [223, 'df'],
    [224, 'e000'],
    [479, 'e0ff'],
    [480, 'e100'],
    [4_319, 'efff'],
    [4_320, 'f00000'],
    [528_607, 'f7ffff'],
    [528_608, 'f800081 0e0'.replace(' ', '')],
    [2 ** 32 - 1, 'f8ffffffff'],
  ])('%i is %s', (value, hex) => {
    expect(toHex(varint(value))).toBe(hex)
    expect(new Cursor(varint(value)).varint('value')).toBe(value)
  })

  test.each([
    [0, '00'],
    [-1, '01'],
    [1, '02'],
    [-2, '03'],
    [112, 'e000'],
    [-(2 ** 31), 'f8ffffffff'],
    [2 ** 31 - 1, 'f8fffffffe'],
  ])('zigzag of %i is %s', (value, hex) => {
    expect(toHex(zigzag(value))).toBe(hex)
    expect(new Cursor(zigzag(value)).zigzag('value')).toBe(value)
  })

  test('a longer value never has fewer bytes, and every value comes back', () => {
    fc.assert(
      fc.property(fc.nat({ max: 600_000 }), (value) => {
        expect(varint(value + 1).length).toBeGreaterThanOrEqual(varint(value).length)
        expect(new Cursor(varint(value)).varint('value')).toBe(value)
      }),
    )
  })
})

describe('nearest', () => {
  test.each([
    [0, 16, -1, 0],
    [0x7ffe, 16, -1, 32_766],
    [0x7fff, 16, -1, -32_769],
    [0xffff, 16, -1, -1],
    [0xffff, 16, 65_536, 65_535],
    [0, 16, 65_535, 65_536],
    [0xffffff, 24, 0, -1],
    [0x7fffff, 24, 0, 8_388_607],
    [0x800000, 24, 0, -8_388_608],
  ] as const)('low bits %i of %i near %i are %i', (low, bits, reference, value) => {
    expect(nearest(low, bits, reference)).toBe(value)
  })
})

describe('digests', () => {
  test('agree with published FNV-1a values, two bytes to a code unit, low byte first', () => {
    expect(fnv1a('')).toBe(0x811c9dc5)
    // 'foobar', two letters to a unit.
    expect(fnv1a('\u6f66\u626f\u7261')).toBe(0xbf9cf968)
    // 'a' and a zero byte: the published value of 'a', times the prime once more.
    expect(fnv1a('a')).toBe(Math.imul(0xe40c292c, 16_777_619) >>> 0)
  })

  test('of a channel are that of name, kind and size with bars between', () => {
    expect(channelDigest('chat', 'ordered', 65_536)).toBe(fnv1a('chat|ordered|65536'))
  })
})

describe('ack groups', () => {
  const setOf = (from: number, to: number, ...missing: number[]): Set<number> =>
    new Set(Array.from({ length: to - from + 1 }, (_, i) => from + i).filter((n) => !missing.includes(n)))

  test.each([
    ['only the ack', setOf(0, 9), 9, 9, ''],
    ['one packet more: the group tells of the other six as well', setOf(0, 9), 9, 8, 'c0'],
    ['a packet missing next to the ack', setOf(0, 9, 8), 9, 2, '3f'],
    ['packets below 0 heard', setOf(0, 3, 1), 3, 0, '5f'],
    ['a group of ones, then one with a gap', setOf(0, 20, 10), 20, 7, 'c06f'],
    ['64 groups of ones are one run', setOf(0, 1_000), 1_000, 1_000 - 448, 'ff'],
    ['65 groups of ones are two', setOf(0, 1_000), 1_000, 1_000 - 455, 'ffc0'],
    ['a lone packet behind 146 empty groups', new Set([2_000, 2_000 - 1_024]), 2_000, 2_000 - 1_024, 'bfbf91 20'],
    ['a floor out of reach is cut off, with the zeros before it', new Set([2_000, 1_999, 5]), 2_000, 5, '40'],
  ])('%s', (_, received, ack, floor, hex) => {
    expect(toHex(groupsOf(received, ack, floor))).toBe(hex.replace(' ', ''))
  })

  test('tell exactly what was heard, down to the floor, and say it in one way', () => {
    const story = fc.record({
      ack: fc.nat({ max: 3_000 }),
      reach: fc.nat({ max: 1_024 }),
      missing: fc.uniqueArray(fc.integer({ min: 1, max: 1_100 }), { maxLength: 200 }),
      isRare: fc.boolean(),
    })
    fc.assert(
      fc.property(story, ({ ack, reach, missing, isRare }) => {
        const heard = (k: number): boolean => missing.includes(k) === isRare
        const received = new Set<number>([ack])
        for (let k = 1; k <= 1_100 && k <= ack; k++) if (heard(k)) received.add(ack - k)
        const floor = Math.max(0, ack - reach)
        received.add(floor)
        const bytes = groupsOf(received, ack, floor)
        const offsets = offsetsOf(bytes)
        expect(groupBytes(offsets)).toEqual(bytes)
        for (let k = 1; k <= ack - floor; k++) expect(offsets.includes(k)).toBe(received.has(ack - k))
      }),
      { numRuns: 60 },
    )
  })
})

describe('parity', () => {
  test('the field multiplies as its polynomial says', () => {
    expect(fieldProduct(2, 0x80)).toBe(0x1d)
    expect(fieldProduct(0x80, 0x80)).toBe(0x13)
    for (let a = 1; a < 256; a++) expect(fieldProduct(a, fieldInverse(a))).toBe(1)
  })

  test('the first factor is 1 / 255', () => {
    expect(fieldProduct(parityFactor(0, 0), 255)).toBe(1)
  })

  test('any count of the fragments rebuild the message', () => {
    const message = fc.record({
      count: fc.integer({ min: 2, max: 8 }),
      parity: fc.integer({ min: 1, max: 6 }),
      size: fc.integer({ min: 1, max: 12 }),
      bytes: fc.uint8Array({ minLength: 96, maxLength: 96 }),
      lastSize: fc.nat(),
      order: fc.array(fc.nat(), { minLength: 14, maxLength: 14 }),
    })
    fc.assert(
      fc.property(message, ({ count, parity, size, bytes, lastSize, order }) => {
        const data = Array.from({ length: count }, (_, i) =>
          bytes.slice(i * size, i === count - 1 ? i * size + 1 + (lastSize % size) : (i + 1) * size),
        )
        const all = [...data, ...Array.from({ length: parity }, (_, j) => parityPayload(data, j))]
        const kept = all
          .map((payload, index) => ({ index, payload }))
          .sort((a, b) => order[a.index]! - order[b.index]!)
          .slice(0, count)
        const rebuilt = rebuiltFragments(count, new Map(kept.map(({ index, payload }) => [index, payload])))
        expect(rebuilt?.map(toHex)).toEqual(data.map(toHex))
      }),
      { numRuns: 60 },
    )
  })

  test('works up to 255 fragments', () => {
    const data = Array.from({ length: 200 }, (_, i) => Uint8Array.of(i, 255 - i))
    const known = new Map(data.map((payload, i) => [i, payload] as const))
    for (const [lost, j] of [
      [0, 0],
      [99, 30],
      [199, 54],
    ] as const) {
      known.delete(lost)
      known.set(200 + j, parityPayload(data, j))
    }
    expect(rebuiltFragments(200, known)?.map(toHex)).toEqual(data.map(toHex))
  })
})

describe('the encoder refuses only what has no bytes', () => {
  const kinds = ['unreliable', 'reliable'] as const
  const payload = new Uint8Array(0)

  test.each([
    ['a channel above 63', { form: 'data', sequence: 0, records: [{ type: 'message', channel: 64, payload }] }],
    ['an ack delay between two steps', { form: 'data', sequence: 0, ackDelayMs: 48.5 }],
    [
      'a message without the id that its kind needs',
      { form: 'data', sequence: 0, records: [{ type: 'message', channel: 1, payload }] },
    ],
    ['a timestamp above 16 bits', { form: 'data', sequence: 0, timestamp: 65_536 }],
  ] as const)('%s', (_, tree) => {
    expect(() => encodePacket(tree, { kinds })).toThrow(RangeError)
  })

  test('and takes flags, acks, records and tails as they are', () => {
    const tree = {
      form: 'data',
      flags: 0x3f,
      sequence: 1,
      timestamp: 2,
      ack: { form: 'raw', ack: 3, body: Uint8Array.of(1, 0) },
      records: [{ type: 'raw', bytes: Uint8Array.of(0xff) }],
      tail: Uint8Array.of(9),
    } as const
    expect(toHex(encodePacket(tree, { kinds }))).toBe('3f000100020003' + '0100' + 'ff' + '09')
  })
})
