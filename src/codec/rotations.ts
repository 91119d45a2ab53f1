import { checkInteger, defineColumns, refuse, type Schema } from './schema.ts'

export interface Vector3 {
  x: number
  y: number
  z: number
}

export interface Quaternion extends Vector3 {
  w: number
}

const TURN = 2 * Math.PI

/** An angle in radians, any finite one in, −π to below π out, in 2^bits steps around the circle; 1 to 32 bits. 0 is exact. */
export function angle(bits: number): Schema<number> {
  checkInteger('angle bits', bits, 1, 32)
  const count = 2 ** bits
  return defineColumns(`angle(${bits})`, {
    list: [{ count, order: 'ring' }],
    pack(value, codes, at) {
      if (!Number.isFinite(value)) refuse('a finite angle', value)
      const turns = value / TURN
      codes[at] = Math.round((turns - Math.floor(turns)) * count) % count
    },
    unpack: (codes, at) => ((codes[at]! < count / 2 ? codes[at]! : codes[at]! - count) * TURN) / count,
  })
}

/**
 * A direction as two numbers of `bits` bits, 3 to 24; any vector but zero in, one of length 1 out. The axes are exact; at 10 bits the
 * error is below 0.2 degrees. The octahedral map (Meyer et al. 2010; Cigolle et al. 2014, "A Survey of Efficient Representations
 * for Independent Unit Vectors").
 */
export function unitVector(bits: number): Schema<Vector3> {
  checkInteger('unitVector bits', bits, 3, 24)
  const grid = new Grid(bits, 1)
  const fold = (value: number, other: number): number => (1 - Math.abs(other)) * (value < 0 ? -1 : 1)
  return defineColumns(`unitVector(${bits})`, {
    list: [grid.column, grid.column],
    pack({ x, y, z }, codes, at) {
      const size = Math.abs(x) + Math.abs(y) + Math.abs(z)
      if (!(size > 0 && size < Number.POSITIVE_INFINITY)) refuse('a vector other than zero', `(${x}, ${y}, ${z})`)
      const u = x / size
      const v = y / size
      codes[at] = grid.code(z < 0 ? fold(u, v) : u)
      codes[at + 1] = grid.code(z < 0 ? fold(v, u) : v)
    },
    unpack(codes, at) {
      const u = grid.value(codes[at]!)
      const v = grid.value(codes[at + 1]!)
      const z = 1 - Math.abs(u) - Math.abs(v)
      const x = z < 0 ? fold(u, v) : u
      const y = z < 0 ? fold(v, u) : v
      const length = Math.hypot(x, y, z)
      return { x: x / length, y: y / length, z: z / length }
    },
  })
}

/**
 * A rotation as the three smaller components of its quaternion, `bits` bits each, 3 to 24, and two bits for which one is left out
 * ("smallest three"): the largest follows from the length 1 and is positive, since q and −q are the same rotation. Any quaternion
 * but zero in, one of length 1 out; the identity is exact. At 10 bits the error is below 0.3 degrees.
 */
export function quaternion(bits: number): Schema<Quaternion> {
  checkInteger('quaternion bits', bits, 3, 24)
  const grid = new Grid(bits, Math.SQRT1_2)
  const parts = [0, 0, 0, 0]
  return defineColumns(`quaternion(${bits})`, {
    list: [{ count: 4, order: 'none' }, grid.column, grid.column, grid.column],
    pack({ x, y, z, w }, codes, at) {
      const length = Math.hypot(x, y, z, w)
      if (!(length > 0 && length < Number.POSITIVE_INFINITY)) {
        refuse('a quaternion other than zero', `(${x}, ${y}, ${z}, ${w})`)
      }
      parts[0] = x
      parts[1] = y
      parts[2] = z
      parts[3] = w
      let largest = 3
      for (let i = 0; i < 3; i++) if (Math.abs(parts[i]!) > Math.abs(parts[largest]!)) largest = i
      const scale = (parts[largest]! < 0 ? -1 : 1) / length
      codes[at] = largest
      for (let i = 0, to = at + 1; i < 4; i++) if (i !== largest) codes[to++] = grid.code(parts[i]! * scale)
    },
    unpack(codes, at) {
      const largest = codes[at]!
      let sum = 0
      for (let i = 0, from = at + 1; i < 4; i++) {
        parts[i] = i === largest ? 0 : grid.value(codes[from++]!)
        sum += parts[i]! ** 2
      }
      // Three components that are too large together never come from a quaternion; they still make one.
      parts[largest] = Math.sqrt(Math.max(0, 1 - sum))
      const length = Math.sqrt(Math.max(1, sum))
      return { x: parts[0]! / length, y: parts[1]! / length, z: parts[2]! / length, w: parts[3]! / length }
    },
  })
}

/** 2^bits − 1 values from −range to range: an odd number, so that 0 is one of them. */
class Grid {
  readonly column: { readonly count: number; readonly order: 'line' }
  readonly #half: number
  readonly #range: number

  constructor(bits: number, range: number) {
    this.column = { count: 2 ** bits - 1, order: 'line' }
    this.#half = 2 ** (bits - 1) - 1
    this.#range = range
  }

  code(value: number): number {
    return this.#half + Math.max(-this.#half, Math.min(this.#half, Math.round((value / this.#range) * this.#half)))
  }

  value(code: number): number {
    return ((code - this.#half) / this.#half) * this.#range
  }
}
