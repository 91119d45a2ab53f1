import type { Bytes } from '../bytes.ts'
import { addScaled, inverse } from './galois.ts'

/**
 * Parity fragments: a Cauchy code over GF(2^8) (Blömer et al., "An XOR-Based Erasure-Resilient Coding Scheme", 1995, with
 * bytes instead of bit matrices). Any `count` of the `count + parity` fragments rebuild a message. Layout in WIRE.md, section 4.
 */

/** Bytes before the combination in a parity payload: the size of the last data fragment. */
export const PARITY_HEAD_BYTES = 2

function coefficient(parityIndex: number, dataIndex: number): number {
  return inverse((255 - parityIndex) ^ dataIndex)
}

/** Writes parity fragment `parityIndex` of a message cut into `count` pieces of `fragmentBytes` into `target`. */
export function writeParity(
  target: Uint8Array,
  message: Uint8Array,
  length: number,
  count: number,
  fragmentBytes: number,
  parityIndex: number,
): void {
  const last = length - (count - 1) * fragmentBytes
  target[0] = last >>> 8
  target[1] = last & 0xff
  const sum = target.subarray(PARITY_HEAD_BYTES, PARITY_HEAD_BYTES + fragmentBytes)
  sum.fill(0)
  for (let i = 0; i < count; i++) {
    const from = i * fragmentBytes
    addScaled(sum, message.subarray(from, Math.min(from + fragmentBytes, length)), coefficient(parityIndex, i))
  }
}

/**
 * Rebuilds a message from at least `count` fragments, `pieces` by index (data below `count`, parity from there on).
 * `undefined` if the fragments contradict each other. Gauss-Jordan over the missing ones only.
 */
export function rebuild(pieces: ReadonlyMap<number, Bytes>, count: number, parity: number): Bytes | undefined {
  const missing: number[] = []
  for (let i = 0; i < count; i++) if (!pieces.has(i)) missing.push(i)
  const rows: number[] = []
  for (let j = 0; j < parity && rows.length < missing.length; j++) if (pieces.has(count + j)) rows.push(j)
  if (rows.length < missing.length || rows.length === 0) return undefined
  const first = pieces.get(count + rows[0]!)!
  const size = first.length - PARITY_HEAD_BYTES
  const last = first.length < PARITY_HEAD_BYTES ? 0 : (first[0]! << 8) | first[1]!
  if (size < 1 || last < 1 || last > size) return undefined

  const sums: Bytes[] = []
  for (const row of rows) {
    const piece = pieces.get(count + row)!
    if (piece.length !== first.length || piece[0] !== first[0] || piece[1] !== first[1]) return undefined
    const sum = piece.slice(PARITY_HEAD_BYTES)
    for (let i = 0; i < count; i++) {
      const data = pieces.get(i)
      if (data !== undefined) addScaled(sum, data, coefficient(row, i))
    }
    sums.push(sum)
  }
  const matrix = rows.map((row) => Uint8Array.from(missing, (index) => coefficient(row, index)))
  for (let column = 0; column < missing.length; column++) {
    const pivot = matrix.findIndex((row, i) => i >= column && row[column] !== 0)
    if (pivot < 0) return undefined
    ;[matrix[column], matrix[pivot]] = [matrix[pivot]!, matrix[column]!]
    ;[sums[column], sums[pivot]] = [sums[pivot]!, sums[column]!]
    const scale = inverse(matrix[column]![column]!)
    matrix[column] = scaled(matrix[column]!, scale)
    sums[column] = scaled(sums[column]!, scale)
    for (let row = 0; row < missing.length; row++) {
      const factor = matrix[row]![column]!
      if (row === column || factor === 0) continue
      addScaled(matrix[row]!, matrix[column]!, factor)
      addScaled(sums[row]!, sums[column]!, factor)
    }
  }

  const message = new Uint8Array((count - 1) * size + last)
  for (let i = 0, m = 0; i < count; i++) {
    const data = pieces.get(i) ?? sums[m++]!
    const length = i < count - 1 ? size : last
    if (data.length < length) return undefined
    message.set(data.subarray(0, length), i * size)
  }
  return message
}

function scaled(row: Uint8Array, factor: number): Bytes {
  const product = new Uint8Array(row.length)
  addScaled(product, row, factor)
  return product
}
