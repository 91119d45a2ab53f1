import type { BitWriter } from './bit-writer.ts'
import { distance, type EntityField, type EntityLayout, type EntityState, predicted } from './entity-layout.ts'
import { RICE_BITS, riceBits, riceParameter, writeRice } from './rice.ts'
import type { FrameEntity } from './snapshot-frame.ts'

/** An entity that is no longer as the peer knows it. */
export interface Change<T> {
  /** Its place in the baseline; −1 when it is new. */
  readonly index: number
  readonly known: EntityState<T> | undefined
  readonly now: FrameEntity<T>
  /** Unsigned residuals of the columns, by the predictions of this snapshot. */
  readonly residuals: number[]
  /** Bits that it takes. */
  bits: number
  /** Priority gathered so far. */
  weight: number
}

/** How columns are predicted and coded in one snapshot: what suits its changes best. */
export class DeltaCoder<T> {
  readonly #layout: EntityLayout<T>
  readonly #isLinear: boolean[]
  readonly #k: number[]

  constructor(layout: EntityLayout<T>) {
    this.#layout = layout
    this.#isLinear = layout.columns.map(() => false)
    this.#k = layout.columns.map(() => 0)
  }

  /** Chooses for each column, and fills in the residuals and sizes of `changes`. */
  tune(changes: readonly Change<T>[], tick: number): void {
    const { columns, widths } = this.#layout
    for (let c = 0; c < columns.length; c++) {
      const column = columns[c]!
      if (column.order === 'none') continue
      let held = 0
      let linear = 0
      for (const { known, now } of changes) {
        if (known === undefined) continue
        held += bitsOf(distance(column, known.codes[c]!, now.codes[c]!))
        linear += bitsOf(distance(column, predicted(known, column, c, tick, true), now.codes[c]!))
      }
      this.#isLinear[c] = linear < held
      let sum = 0
      let count = 0
      for (const { known, now, residuals } of changes) {
        if (known === undefined) continue
        const step = distance(column, predicted(known, column, c, tick, this.#isLinear[c]!), now.codes[c]!)
        residuals[c] = step < 0 ? -2 * step - 1 : 2 * step
        if (step === 0) continue
        sum += residuals[c]! - 1
        count++
      }
      this.#k[c] = Math.min(widths[c]!, riceParameter(count === 0 ? 0 : sum / count))
    }
    for (const change of changes) change.bits = this.#bitsOf(change)
  }

  /** The choices, for the reader. */
  writeChoices(writer: BitWriter): void {
    const { columns } = this.#layout
    for (let c = 0; c < columns.length; c++) {
      if (columns[c]!.order === 'none') continue
      writer.bit(this.#isLinear[c]!)
      writer.bits(this.#k[c]!, RICE_BITS)
    }
  }

  write(writer: BitWriter, { known, now, residuals }: Change<T>): void {
    const { fields } = this.#layout
    for (let f = 0; f < fields.length; f++) {
      const field = fields[f]!
      const isNew = known === undefined
      if (!isNew) {
        const isChanged = this.#isChanged(field, known, now, residuals)
        writer.bit(isChanged)
        if (!isChanged) continue
      }
      if (field.extra >= 0) field.schema.write(writer, now.extras[field.extra])
      else for (let c = field.from; c < field.to; c++) this.#writeColumn(writer, c, isNew, field, now, residuals)
    }
  }

  #writeColumn(
    writer: BitWriter,
    c: number,
    isNew: boolean,
    field: EntityField,
    now: FrameEntity<T>,
    residuals: readonly number[],
  ): void {
    const { columns, widths } = this.#layout
    if (isNew || columns[c]!.order === 'none') writer.bits(now.codes[c]!, widths[c]!)
    else writeRice(writer, residuals[c]! - only(field), this.#k[c]!, widths[c]! + 1)
  }

  #bitsOf({ known, now, residuals }: Change<T>): number {
    const { fields, columns, widths } = this.#layout
    let bits = 0
    for (const field of fields) {
      if (known !== undefined) bits++
      if (known !== undefined && !this.#isChanged(field, known, now, residuals)) continue
      // A value that is no integer is at most a byte shorter than as bytes of its own.
      if (field.extra >= 0) bits += now.keys[field.extra]!.length * 8
      for (let c = field.from; c < field.to; c++) {
        const isRaw = known === undefined || columns[c]!.order === 'none'
        bits += isRaw ? widths[c]! : riceBits(residuals[c]! - only(field), this.#k[c]!, widths[c]! + 1)
      }
    }
    return bits
  }

  #isChanged(field: EntityField, known: EntityState<T>, now: FrameEntity<T>, residuals: readonly number[]): boolean {
    if (field.extra >= 0) return !sameBytes(known.keys[field.extra]!, now.keys[field.extra]!)
    for (let c = field.from; c < field.to; c++) {
      const isOrdered = this.#layout.columns[c]!.order !== 'none'
      if (isOrdered ? residuals[c] !== 0 : known.codes[c] !== now.codes[c]) return true
    }
    return false
  }
}

/** What a residual of a changed field is at least: in a field of one column it is not 0. */
export function only(field: EntityField): number {
  return field.to - field.from === 1 ? 1 : 0
}

/** Whether the peer's entity is what it is now. */
export function isSame<T>(known: EntityState<T>, now: FrameEntity<T>): boolean {
  for (let c = 0; c < now.codes.length; c++) if (known.codes[c] !== now.codes[c]) return false
  for (let i = 0; i < now.keys.length; i++) if (!sameBytes(known.keys[i]!, now.keys[i]!)) return false
  return true
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** About the bits of a step. */
function bitsOf(step: number): number {
  return 32 - Math.clz32(Math.min(0xffffffff, Math.abs(step)))
}
