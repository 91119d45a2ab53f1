import { NetcodeError } from '../index.ts'
import { checkInteger, define, defineColumns, refuse, type Schema } from './schema.ts'

/** One bit. */
export function bool(): Schema<boolean> {
  return defineColumns('bool', {
    list: [{ count: 2, order: 'none' }],
    pack(value, codes, at) {
      if (typeof value !== 'boolean') refuse('true or false', value)
      codes[at] = value ? 1 : 0
    },
    unpack: (codes, at) => codes[at] === 1,
  })
}

/** An integer from 0 to 2^bits − 1, 1 to 53 bits. */
export function uint(bits: number): Schema<number> {
  checkInteger('uint bits', bits, 1, 53)
  return whole(`uint(${bits})`, 0, 2 ** bits)
}

/** An integer from −2^(bits − 1) to 2^(bits − 1) − 1, 2 to 53 bits. */
export function int(bits: number): Schema<number> {
  checkInteger('int bits', bits, 2, 53)
  return whole(`int(${bits})`, -(2 ** (bits - 1)), 2 ** bits)
}

function whole(schema: string, min: number, count: number): Schema<number> {
  const expected = `an integer from ${min} to ${min + count - 1}`
  return defineColumns(schema, {
    list: [{ count, order: 'line' }],
    pack(value, codes, at) {
      if (!Number.isInteger(value) || value < min || value >= min + count) refuse(expected, value)
      codes[at] = value - min
    },
    unpack: (codes, at) => codes[at]! + min,
  })
}

/** One of a list of names or numbers, in as many bits as their number needs. */
export function enumOf<const V extends readonly (string | number)[]>(...values: V): Schema<V[number]> {
  const indexOf = new Map<V[number], number>(values.map((value, index) => [value, index]))
  if (values.length < 1 || indexOf.size !== values.length) {
    throw new NetcodeError('bad-option', `enumOf: ${values.length} values, expected at least one, each once`)
  }
  const expected = `one of ${values.map((value) => JSON.stringify(value)).join(', ')}`
  return defineColumns(`enum(${values.map((value) => JSON.stringify(value)).join(',')})`, {
    list: [{ count: values.length, order: 'none' }],
    pack(value, codes, at) {
      codes[at] = indexOf.get(value) ?? refuse(expected, value)
    },
    unpack: (codes, at) => values[codes[at]!]!,
  })
}

/**
 * A number from `min` to `max`, to the nearest multiple of `step` above `min`; what lies outside is moved to the nearer end. Where
 * `step` does not divide the range it is made smaller until it does, so both ends are values. At most 2^32 steps.
 */
export function quantized(min: number, max: number, step: number): Schema<number> {
  const range = max - min
  // Not Math.ceil alone: 655.36 / 0.01 is 65,536 and a little.
  const steps = Math.max(1, Math.ceil(range / step - 1e-6))
  if (!(range > 0 && step > 0 && range < Number.POSITIVE_INFINITY && steps <= 2 ** 32)) {
    throw new NetcodeError('bad-option', `quantized(${min}, ${max}, ${step}): expected min < max and 1 to 2^32 steps`)
  }
  const size = range / steps
  return defineColumns(`quantized(${min},${max},${step})`, {
    list: [{ count: steps + 1, order: 'line' }],
    pack(value, codes, at) {
      if (typeof value !== 'number' || Number.isNaN(value)) refuse(`a number from ${min} to ${max}`, value)
      codes[at] = value <= min ? 0 : value >= max ? steps : Math.round((value - min) / size)
    },
    unpack: (codes, at) => (codes[at] === steps ? max : min + codes[at]! * size),
  })
}

/** A safe integer of 0 or more: 8 bits below 128, 8 more for each factor of 128 (LEB128). */
export function varint(): Schema<number> {
  return variable(
    'varint',
    'a safe integer of 0 or more',
    Number.MAX_SAFE_INTEGER,
    (value) => value,
    (code) => code,
  )
}

/** An integer from −2^52 to 2^52 − 1, short when it is near 0: n as the varint 2n, or −2n − 1 if it is negative. */
export function zigzag(): Schema<number> {
  return variable(
    'zigzag',
    'an integer from -2^52 to 2^52 - 1',
    Number.MAX_SAFE_INTEGER,
    (value) => (value < 0 ? -2 * value - 1 : 2 * value),
    (code) => (code % 2 === 1 ? -(code + 1) / 2 : code / 2),
  )
}

function variable(
  schema: string,
  expected: string,
  most: number,
  toCode: (value: number) => number,
  fromCode: (code: number) => number,
): Schema<number> {
  return define({
    schema,
    minBits: 8,
    maxBits: 64,
    write(writer, value) {
      let code = toCode(value)
      if (!Number.isInteger(value) || !(code >= 0 && code <= most)) refuse(expected, value)
      for (; code >= 128; code = Math.floor(code / 128)) writer.bits((code % 128) + 128, 8)
      writer.bits(code, 8)
    },
    read(reader) {
      let code = 0
      for (let factor = 1; ; factor *= 128) {
        const byte = reader.bits(8)
        code += (byte % 128) * factor
        if (byte >= 128 && factor < 2 ** 49) continue
        // A last group of zeros would be a second way to write the same number.
        if (byte >= 128 || (byte === 0 && factor > 1) || code > most) reader.fail()
        return reader.failed ? 0 : fromCode(code)
      }
    },
  })
}

/** A finite number, rounded to the nearest of 32 bits. NaN and the infinities are refused on both sides. */
export function float32(): Schema<number> {
  const view = new DataView(new ArrayBuffer(4))
  return define({
    schema: 'float32',
    minBits: 32,
    maxBits: 32,
    write(writer, value) {
      if (!Number.isFinite(Math.fround(value))) refuse('a finite number within 32 bits', value)
      view.setFloat32(0, value)
      writer.bits(view.getUint32(0), 32)
    },
    read(reader) {
      view.setUint32(0, reader.bits(32))
      const value = view.getFloat32(0)
      if (!Number.isFinite(value)) reader.fail()
      return value
    },
  })
}

/** A finite number, exactly. NaN and the infinities are refused on both sides. */
export function float64(): Schema<number> {
  const view = new DataView(new ArrayBuffer(8))
  return define({
    schema: 'float64',
    minBits: 64,
    maxBits: 64,
    write(writer, value) {
      if (!Number.isFinite(value)) refuse('a finite number', value)
      view.setFloat64(0, value)
      writer.bits(view.getUint32(0), 32)
      writer.bits(view.getUint32(4), 32)
    },
    read(reader) {
      view.setUint32(0, reader.bits(32))
      view.setUint32(4, reader.bits(32))
      const value = view.getFloat64(0)
      if (!Number.isFinite(value)) reader.fail()
      return value
    },
  })
}
