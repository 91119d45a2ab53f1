import type { Bytes } from '../../src/core/bytes.ts'
import { joined, unsigned } from './oracle-primitives.ts'

/** x⁸ + x⁴ + x³ + x² + 1 */
const POLYNOMIAL = 0x11d

/** Product in GF(2⁸), bit by bit. */
export function fieldProduct(a: number, b: number): number {
  let product = 0
  for (let bit = 0; bit < 8; bit++) if (b & (1 << bit)) product ^= a << bit
  for (let bit = 14; bit >= 8; bit--) if (product & (1 << bit)) product ^= POLYNOMIAL << (bit - 8)
  return product
}

/** 1 / a in GF(2⁸), by trying all. */
export function fieldInverse(a: number): number {
  for (let b = 1; b < 256; b++) if (fieldProduct(a, b) === 1) return b
  throw new RangeError(`${a} has no inverse`)
}

/** The factor of data fragment `i` in parity fragment `j`. */
export function parityFactor(i: number, j: number): number {
  return fieldInverse((255 - j) ^ i)
}

/** Payload of parity fragment count + `j`: the size of the last data fragment, then the combination. */
export function parityPayload(data: readonly Uint8Array[], j: number): Bytes {
  const size = data[0]!.length
  const combination = new Uint8Array(size)
  data.forEach((fragment, i) => {
    fragment.forEach((byte, at) => {
      combination[at] = combination[at]! ^ fieldProduct(parityFactor(i, j), byte)
    })
  })
  return joined([unsigned(data.at(-1)!.length, 2), combination])
}

/**
 * All data fragments, from any `count` fragments (index → payload as on the wire); `undefined` if there are too few.
 * Gaussian elimination, one row for each fragment.
 */
export function rebuiltFragments(count: number, known: ReadonlyMap<number, Uint8Array>): Bytes[] | undefined {
  if (known.size < count) return undefined
  const chosen = [...known].slice(0, count)
  const parity = chosen.find(([index]) => index >= count)
  const size = parity ? parity[1].length - 2 : known.get(0)!.length
  const lastSize = parity ? parity[1][0]! * 256 + parity[1][1]! : known.get(count - 1)!.length
  const rows = chosen.map(([index, payload]) => {
    const bytes = index < count ? payload : payload.subarray(2)
    const factors = Array.from({ length: count }, (_, i) =>
      index >= count ? parityFactor(i, index - count) : i === index ? 1 : 0,
    )
    return [...factors, ...bytes, ...new Array<number>(size - bytes.length).fill(0)]
  })
  for (let column = 0; column < count; column++) {
    const pivot = rows.findIndex((row, at) => at >= column && row[column] !== 0)
    const row = rows[pivot]!
    rows[pivot] = rows[column]!
    const scale = fieldInverse(row[column]!)
    const scaled = row.map((value) => fieldProduct(value, scale))
    rows[column] = scaled
    rows.forEach((other, at) => {
      const factor = other[column]!
      if (at !== column && factor !== 0) rows[at] = other.map((value, i) => value ^ fieldProduct(factor, scaled[i]!))
    })
  }
  return rows.map((row, i) => Uint8Array.from(row.slice(count, count + (i === count - 1 ? lastSize : size))))
}
