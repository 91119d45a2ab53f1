import type { Bytes } from '../bytes.ts'
import { addScaled, inverse, product, scale } from './galois.ts'
import { eachMember, type RepairBody, repairFactor } from './repair.ts'

/** Combinations that one message may have open: what a tail of 256 fragments needs at 10 % loss. */
export const MAX_ROWS = 48

/** One equation: its unknown fragments with their factors, and what they must add up to. The pivot has factor 1. */
interface Row {
  readonly factors: Map<number, number>
  readonly sum: Bytes
  pivot: number
}

/**
 * Fragments of one message out of combinations of them: Gauss-Jordan elimination as they come. What a repair fragment costs is
 * bounded by its members and by the rows; nothing is solved twice.
 */
export class RepairDecoder {
  /** Common size of the data fragments, and that of the last one. */
  readonly fragmentBytes: number
  readonly lastBytes: number
  readonly #rows: Row[] = []

  constructor(fragmentBytes: number, lastBytes: number) {
    this.fragmentBytes = fragmentBytes
    this.lastBytes = lastBytes
  }

  get rows(): number {
    return this.#rows.length
  }

  /** Takes a combination. `pieces`: the fragments that are known; those that it tells are added to them. */
  add(seed: number, body: RepairBody, pieces: Map<number, Bytes>, count: number): void {
    const factors = new Map<number, number>()
    const sum = body.sum.slice()
    eachMember(body, (index) => {
      const factor = repairFactor(seed, index)
      const piece = pieces.get(index)
      if (piece === undefined) factors.set(index, factor)
      else addScaled(sum, piece, factor)
    })
    const row: Row = { factors, sum, pivot: -1 }
    for (let r = 0; r < this.#rows.length; r++) {
      const other = this.#rows[r]!
      const factor = factors.get(other.pivot)
      if (factor !== undefined) subtract(row, other, factor)
    }
    if (this.#turn(row)) this.#rows.push(row)
    this.#harvest(pieces, count)
  }

  /** A fragment has come by itself. */
  known(index: number, piece: Bytes, pieces: Map<number, Bytes>, count: number): void {
    for (let r = this.#rows.length - 1; r >= 0; r--) {
      const row = this.#rows[r]!
      const factor = row.factors.get(index)
      if (factor === undefined) continue
      addScaled(row.sum, piece, factor)
      row.factors.delete(index)
      if (row.pivot !== index) continue
      this.#rows.splice(r, 1)
      if (this.#turn(row)) this.#rows.push(row)
    }
    this.#harvest(pieces, count)
  }

  /** Gives a row a pivot and takes that out of the others; `false` if it has nothing unknown left. */
  #turn(row: Row): boolean {
    for (const [index, factor] of row.factors) {
      const by = inverse(factor)
      for (const [other, value] of row.factors) row.factors.set(other, product(value, by))
      scale(row.sum, by)
      row.pivot = index
      for (let r = 0; r < this.#rows.length; r++) {
        const other = this.#rows[r]!
        const shared = other.factors.get(index)
        if (shared !== undefined) subtract(other, row, shared)
      }
      return true
    }
    return false
  }

  /** Rows with one unknown tell it. Others do not hold it: it is their pivot. */
  #harvest(pieces: Map<number, Bytes>, count: number): void {
    for (let r = this.#rows.length - 1; r >= 0; r--) {
      const row = this.#rows[r]!
      if (row.factors.size > 1) continue
      this.#rows.splice(r, 1)
      const isLast = row.pivot === count - 1
      pieces.set(row.pivot, isLast ? row.sum.slice(0, this.lastBytes) : row.sum)
    }
  }
}

/** row −= factor · other. */
function subtract(row: Row, other: Row, factor: number): void {
  for (const [index, value] of other.factors) {
    const left = (row.factors.get(index) ?? 0) ^ product(value, factor)
    if (left === 0) row.factors.delete(index)
    else row.factors.set(index, left)
  }
  addScaled(row.sum, other.sum, factor)
}
