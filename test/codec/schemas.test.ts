import { describe, expect, test } from 'vitest'
import {
  angle,
  array,
  bool,
  bytes,
  custom,
  enumOf,
  float32,
  int,
  map,
  optional,
  quantized,
  quaternion,
  type Schema,
  string,
  struct,
  tuple,
  uint,
  union,
  unitVector,
  varint,
  zigzag,
} from '../../src/codec/index.ts'
import { refusal } from '../core/support.ts'

const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex')

describe('the bits', () => {
  test.each([
    [bool(), true, '01'],
    [uint(3), 5, '05'],
    [uint(16), 0x1234, '3412'],
    [uint(53), Number.MAX_SAFE_INTEGER, 'ffffffffffff1f'],
    [int(8), -128, '00'],
    [varint(), 300, 'ac02'],
    [zigzag(), -1, '01'],
    [float32(), 1, '0000803f'],
    [quantized(0, 10, 0.5), 2.5, '05'],
    [angle(8), -Math.PI, '80'],
    [enumOf('red', 'green', 'blue'), 'blue', '02'],
    [string(3), 'é', '329c0a'],
    [bytes(3), Uint8Array.of(255), 'fd03'],
    [tuple(bool(), uint(7)), [true, 0x40], '81'],
    [array(uint(4), 3), [1, 2], '8600'],
    [optional(uint(7)), undefined, '00'],
    [optional(uint(7)), 1, '03'],
    [struct({ a: uint(4), b: uint(4) }), { a: 1, b: 2 }, '21'],
    [union('is', { a: { x: uint(7) }, b: {} }), { is: 'b' }, '01'],
    [unitVector(8), { x: 0, y: 0, z: 1 }, '7f7f'],
    [quaternion(10), { x: 0, y: 0, z: 0, w: 1 }, 'fff7df7f'],
  ] as [Schema<unknown>, unknown, string][])('of %o', (schema, value, expected) => {
    expect(hex(schema.encode(value))).toBe(expected)
  })

  test('keep the order of fields', () => {
    const there = struct({ a: uint(8), b: uint(8) })
    const back = struct({ b: uint(8), a: uint(8) })
    expect(hex(there.encode({ a: 1, b: 2 }))).toBe('0102')
    expect(hex(back.encode({ a: 1, b: 2 }))).toBe('0201')
    expect(there.schema).not.toBe(back.schema)
  })
})

describe('the text of a schema', () => {
  test('is its definition', () => {
    const schema = struct({
      id: uint(16),
      at: tuple(quantized(-1, 1, 0.5), angle(8)),
      'odd name': optional(string(8)),
      list: array(enumOf('a', 'b'), 4),
      table: map(varint(), bytes(2), 3),
      one: union('t', { x: { n: zigzag() }, y: {} }),
      own: custom({ schema: 'json', maxBytes: 9, encode: () => new Uint8Array(0), decode: () => 1 }),
    })
    expect(schema.schema).toBe(
      '{id:uint(16),at:[quantized(-1,1,0.5),angle(8)],"odd name":optional(string(8)),list:array(enum("a","b"),4),' +
        'table:map(varint,bytes(2),3),one:union(t,x{n:zigzag},y{}),own:custom("json",9)}',
    )
  })
})

describe('a wrong value', () => {
  test('is refused with the way to it, what was expected and what came', () => {
    const schema = struct({ ships: array(struct({ hp: uint(8), name: string(4) }), 9), kind: enumOf('a') })
    const text = (value: unknown): string =>
      refusal('bad-message', () => (schema as unknown as Schema<unknown>).encode(value))
    const ship = { hp: 1, name: 'a' }
    expect(text({ ships: [ship, { ...ship, hp: 300 }], kind: 'a' })).toBe(
      'ships.1.hp: expected an integer from 0 to 255, got 300',
    )
    expect(text({ ships: [{ ...ship, name: 'abcde' }], kind: 'a' })).toBe(
      'ships.0.name: expected at most 4 UTF-16 units, got 5',
    )
    expect(text({ ships: 'none', kind: 'a' })).toBe('ships: expected an array, got "none"')
    expect(text({ ships: [] })).toBe('kind: expected one of "a", got undefined')
    expect(text(null)).toBe('expected an object, got null')
  })

  test('leaves the next one as if nothing had been', () => {
    const schema = array(uint(8), 4)
    expect(() => schema.encode([1, 2, 300])).toThrow('2: expected')
    expect(hex(schema.encode([255]))).toBe('f907')
  })
})

describe('a wrong definition', () => {
  test.each([
    ['uint bits: 54', () => uint(54)],
    ['int bits: 1', () => int(1)],
    ['quantized(1, 0, 0.1)', () => quantized(1, 0, 0.1)],
    ['1 to 2^32 steps', () => quantized(0, 1e6, 1e-6)],
    ['enumOf: 2 values', () => enumOf('a', 'a')],
    ['string maxLength: 0', () => string(0)],
    ['takes no bits', () => array(struct({}), 10)],
    ['takes no bits', () => map(enumOf('a'), struct({}), 10)],
    ['__proto__', () => struct({ ['__proto__']: bool() })],
    ['a field named 7', () => struct({ a: bool(), 7: bool() })],
    ["none with a field named 'type'", () => union('type', { a: { type: bool() } })],
    ['at least one variant', () => union('type', {})],
    ['at most 16777216', () => array(string(1000), 1 << 20)],
  ])('throws: %s', (text, make) => {
    expect(refusal('bad-option', make)).toContain(text)
  })
})

describe('hostile bytes', () => {
  test('cost no more than they are long, whatever they claim', () => {
    const deep = array(array(array(uint(1), 1 << 15), 1 << 10), 3)
    // Three lists of 1,024 lists of 32,768 bits: said in two bytes, refused at the second list.
    const startedAt = performance.now()
    for (let i = 0; i < 10_000; i++) expect(deep.decode(Uint8Array.of(0x03, 0x10, 0xff))).toBeUndefined()
    expect(performance.now() - startedAt).toBeLessThan(2000)
  })

  test('never set a prototype', () => {
    const schema = map(string(20), uint(8), 4)
    const value = schema.decode(schema.encode(new Map([['__proto__', 1]])))
    expect(value).toEqual(new Map([['__proto__', 1]]))
  })

  test('may be no text at all', () => {
    const schema = string(40)
    const wire = (utf8: readonly number[]): Uint8Array => {
      const carrier = bytes(120)
      return carrier.encode(Uint8Array.from(utf8))
    }
    expect(schema.decode(wire([0x68, 0x69]))).toBe('hi')
    // Overlong, half a pair, beyond Unicode, cut, a continuation alone.
    for (const utf8 of [
      [0xc0, 0x80],
      [0xe0, 0x80, 0x80],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xe2, 0x82],
      [0x80],
    ]) {
      expect(schema.decode(wire(utf8))).toBeUndefined()
      expect(() => new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(utf8))).toThrow()
    }
  })
})

test('a format inside a format does not disturb the outer one', () => {
  const inner = struct({ n: uint(8) })
  const nested = custom<{ n: number }>({
    schema: 'nested',
    maxBytes: 8,
    encode: (value) => inner.encode(value),
    decode: (payload) => inner.decode(payload),
  })
  const outer = tuple(uint(8), nested, uint(8))
  expect(outer.decode(outer.encode([1, { n: 2 }, 3]))).toEqual([1, { n: 2 }, 3])
})
