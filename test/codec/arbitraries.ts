import fc from 'fast-check'
import {
  angle,
  array,
  bool,
  bytes,
  custom,
  enumOf,
  float32,
  float64,
  int,
  map,
  optional,
  type Quaternion,
  quantized,
  quaternion,
  type Schema,
  string,
  struct,
  tuple,
  uint,
  union,
  unitVector,
  type Vector3,
  varint,
  zigzag,
} from '../../src/codec/index.ts'
import { MessagePack } from './message-pack.ts'

/** One kind of schema with its values, and how near a value comes back. */
export interface Kind<T> {
  readonly schema: Schema<T>
  /** Values that may be sent. */
  readonly values: fc.Arbitrary<T>
  /** Whether `value` is one of the schema: what a reader may give, whatever the bytes. */
  readonly isValue: (value: T) => boolean
  /** Throws unless `back` is what `sent` may become. Default: deep equality. */
  readonly isNear?: (sent: T, back: T) => boolean
}

const kind = <T>(
  schema: Schema<T>,
  values: fc.Arbitrary<T>,
  isValue: (value: T) => boolean,
  isNear?: (sent: T, back: T) => boolean,
): Kind<T> => ({ schema, values, isValue, ...(isNear && { isNear }) })

const within = (min: number, max: number) => (value: number) => Number.isInteger(value) && value >= min && value <= max
const length = ({ x, y, z }: Vector3, w = 0): number => Math.hypot(x, y, z, w)
const finite = { noNaN: true, noDefaultInfinity: true } as const
const component = fc.oneof(
  fc.double({ min: -1, max: 1, noNaN: true }),
  fc.constantFrom(0, 1, -1, Math.SQRT1_2, -Math.SQRT1_2),
)
const vector = fc.record({ x: component, y: component, z: component }).filter((v) => length(v) > 1e-3)
const rotation = fc
  .record({ x: component, y: component, z: component, w: component })
  .filter((q) => length(q, q.w) > 1e-3)
const isUnit = (size: number): boolean => Math.abs(size - 1) < 1e-9
const dot = (a: Vector3, b: Vector3): number => (a.x * b.x + a.y * b.y + a.z * b.z) / (length(a) * length(b))
const turnBetween = (a: Quaternion, b: Quaternion): number =>
  2 *
  Math.acos(Math.min(1, Math.abs(a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w) / (length(a, a.w) * length(b, b.w))))
const text = (max: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: max }).filter((value) => value.length <= max),
    fc.string({ unit: 'binary', maxLength: max }).filter((value) => value.length <= max),
    fc.constantFrom('', '\0', 'é', '€', '😀', '\u{10ffff}', '\uffff'),
  )
const utf8 = new TextEncoder()
/** Half surrogate pairs become U+FFFD. */
const wellFormed = (value: string): string => new TextDecoder().decode(utf8.encode(value))

const jsonSchema = custom<{ a: number; b: string[] }>({
  schema: 'json/test/1',
  maxBytes: 4096,
  encode: (value) => utf8.encode(JSON.stringify(value)),
  decode(payload) {
    const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
    const isOurs = typeof value?.a === 'number' && Array.isArray(value.b)
    return isOurs && value.b.every((item: unknown) => typeof item === 'string') ? { a: value.a, b: value.b } : undefined
  },
})

/** Every kind, in several widths. */
export const kinds = {
  bool: kind(bool(), fc.boolean(), (value) => typeof value === 'boolean'),
  'uint(1)': kind(uint(1), fc.integer({ min: 0, max: 1 }), within(0, 1)),
  'uint(13)': kind(uint(13), fc.integer({ min: 0, max: 8191 }), within(0, 8191)),
  'uint(32)': kind(uint(32), fc.integer({ min: 0, max: 0xffffffff }), within(0, 0xffffffff)),
  'uint(53)': kind(uint(53), fc.maxSafeNat(), within(0, Number.MAX_SAFE_INTEGER)),
  'int(7)': kind(int(7), fc.integer({ min: -64, max: 63 }), within(-64, 63)),
  'int(53)': kind(int(53), fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }), within(-(2 ** 52), 2 ** 52 - 1)),
  varint: kind(varint(), fc.oneof(fc.nat(300), fc.maxSafeNat()), within(0, Number.MAX_SAFE_INTEGER)),
  zigzag: kind(
    zigzag(),
    fc.oneof(fc.integer({ min: -200, max: 200 }), fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 })),
    within(-(2 ** 52), 2 ** 52 - 1),
  ),
  enumOf: kind(enumOf('a', 'b', 7), fc.constantFrom<('a' | 'b' | 7)[]>('a', 'b', 7), (value) =>
    ['a', 'b', 7].includes(value),
  ),
  'enumOf one': kind(enumOf('only'), fc.constant('only' as const), (value) => value === 'only'),
  float32: kind(float32(), fc.float(finite), Number.isFinite, Object.is),
  float64: kind(float64(), fc.double(finite), Number.isFinite, Object.is),
  quantized: kind(
    quantized(-10, 10, 0.01),
    fc.double({ min: -10, max: 10, noNaN: true }),
    (value) => value >= -10 && value <= 10,
    (sent, back) => Math.abs(sent - back) <= 0.005 + 1e-12,
  ),
  'quantized that does not divide': kind(
    quantized(0, 1, 0.3),
    fc.double({ min: 0, max: 1, noNaN: true }),
    (value) => value >= 0 && value <= 1,
    (sent, back) => Math.abs(sent - back) <= 0.15,
  ),
  angle: kind(
    angle(12),
    fc.double({ min: -100, max: 100, noNaN: true }),
    (value) => value >= -Math.PI && value < Math.PI,
    (sent, back) => Math.cos(sent - back) >= Math.cos(Math.PI / 4096 + 1e-9),
  ),
  unitVector: kind(
    unitVector(10),
    vector,
    (value) => isUnit(length(value)),
    (sent, back) => dot(sent, back) >= Math.cos((0.2 * Math.PI) / 180),
  ),
  quaternion: kind(
    quaternion(10),
    rotation,
    (value) => isUnit(length(value, value.w)),
    (sent, back) => turnBetween(sent, back) <= (0.3 * Math.PI) / 180,
  ),
  string: kind(
    string(20),
    text(20),
    (value) => value.length <= 20 && wellFormed(value) === value,
    (sent, back) => back === wellFormed(sent),
  ),
  bytes: kind(bytes(9), fc.uint8Array({ maxLength: 9 }), (value) => value instanceof Uint8Array && value.length <= 9),
  tuple: kind(
    tuple(bool(), uint(5), string(3)),
    fc.tuple(fc.boolean(), fc.nat(31), fc.constantFrom('', 'abc', 'é')),
    (value) => value.length === 3 && within(0, 31)(value[1]) && value[2].length <= 3,
  ),
  array: kind(
    array(uint(3), 10),
    fc.array(fc.nat(7), { maxLength: 10 }),
    (value) => value.length <= 10 && value.every(within(0, 7)),
  ),
  map: kind(
    map(string(4), int(9), 5),
    fc
      .uniqueArray(fc.tuple(fc.constantFrom('', 'a', 'bc', 'ü', 'long'), fc.integer({ min: -256, max: 255 })), {
        selector: ([name]) => name,
        maxLength: 5,
      })
      .map((entries) => new Map(entries)),
    (value) => value.size <= 5 && [...value].every(([name, item]) => name.length <= 4 && within(-256, 255)(item)),
  ),
  optional: kind(
    struct({ a: optional(uint(4)), b: bool() }),
    fc.record({ a: fc.nat(15), b: fc.boolean() }, { requiredKeys: ['b'] }),
    (value) => value.a === undefined || within(0, 15)(value.a),
  ),
  struct: kind(
    struct({ id: uint(16), x: quantized(0, 1, 0.25), 'odd name': bool() }),
    fc.record({ id: fc.nat(65_535), x: fc.constantFrom(0, 0.25, 0.5, 0.75, 1), 'odd name': fc.boolean() }),
    (value) => within(0, 65_535)(value.id) && value.x >= 0 && value.x <= 1,
  ),
  union: kind(
    union('type', { move: { x: int(8), y: int(8) }, say: { text: string(5) }, stop: {} }),
    fc.oneof(
      fc.record({
        type: fc.constant('move' as const),
        x: fc.integer({ min: -128, max: 127 }),
        y: fc.integer({ min: -128, max: 127 }),
      }),
      fc.record({ type: fc.constant('say' as const), text: fc.constantFrom('', 'hello', 'é') }),
      fc.record({ type: fc.constant('stop' as const) }),
    ),
    (value) => value.type === 'stop' || (value.type === 'say' ? value.text.length <= 5 : within(-128, 127)(value.x)),
  ),
  'custom, JSON': kind(
    jsonSchema,
    fc.record({ a: fc.integer(), b: fc.array(fc.string({ unit: 'grapheme', maxLength: 5 }), { maxLength: 5 }) }),
    (value) => typeof value.a === 'number' && value.b.every((item) => typeof item === 'string'),
  ),
  'custom inside a struct': kind(
    struct({ flag: bool(), json: jsonSchema }),
    fc.record({ flag: fc.boolean(), json: fc.record({ a: fc.integer(), b: fc.constant(['x']) }) }),
    (value) => typeof value.json.a === 'number',
  ),
  'custom, MessagePack': kind(
    MessagePack,
    fc.record({ name: fc.string({ maxLength: 10 }), scores: fc.array(fc.integer(), { maxLength: 5 }) }),
    (value) => typeof value.name === 'string' && value.scores.every((score) => typeof score === 'number'),
  ),
} as const

export type KindName = keyof typeof kinds
export const kindNames = Object.keys(kinds) as KindName[]

/** A kind whose type is no matter. */
export function kindOf(name: KindName): Kind<unknown> {
  return kinds[name] as unknown as Kind<unknown>
}
