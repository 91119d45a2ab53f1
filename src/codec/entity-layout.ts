import type { StructSchema } from './composites.ts'
import { bitsFor, type Column, type Schema, within } from './schema.ts'

/** Codes that differences can be made of: a difference needs two bits more, and 53 is the most. */
const MOST_ORDERED = 2 ** 48

/** One field of an entity: a few integers, or a value that is only equal or not. */
export interface EntityField {
  readonly name: string
  readonly schema: Schema<unknown>
  /** Its columns in an entity's codes: from `from` to before `to`; none when it is an extra. */
  readonly from: number
  readonly to: number
  /** Its place among the extras, −1 when it has columns. */
  readonly extra: number
}

/** How entities of a schema are taken apart into integers and the rest, and put together again. */
export class EntityLayout<T> {
  readonly fields: readonly EntityField[]
  readonly columns: readonly Column[]
  /** Bits of each column's code. */
  readonly widths: readonly number[]
  /** Number of values that are no integers. */
  readonly extras: number

  constructor(schema: StructSchema<T>) {
    const columns: Column[] = []
    const fields: EntityField[] = []
    let extras = 0
    for (const [name, field] of Object.entries(schema.fields)) {
      const from = columns.length
      for (const column of field.columns?.list ?? []) {
        columns.push(column.count > MOST_ORDERED ? { ...column, order: 'none' } : column)
      }
      const isExtra = field.columns === undefined
      fields.push({ name, schema: field, from, to: columns.length, extra: isExtra ? extras++ : -1 })
    }
    this.fields = fields
    this.columns = columns
    this.widths = columns.map((column) => bitsFor(column.count))
    this.extras = extras
  }

  /** Takes `value` apart. Throws `bad-message`. */
  pack(value: T, codes: number[], extras: unknown[]): void {
    const record = value as Readonly<Record<string, unknown>>
    for (const { name, schema, from, extra } of this.fields) {
      if (extra >= 0) {
        extras[extra] = record[name]
        continue
      }
      try {
        schema.columns!.pack(record[name], codes, from)
      } catch (error) {
        throw within(name, error)
      }
    }
  }

  unpack(codes: readonly number[], extras: readonly unknown[]): T {
    const record: Record<string, unknown> = {}
    for (const { name, schema, from, extra } of this.fields) {
      record[name] = extra >= 0 ? extras[extra] : schema.columns!.unpack(codes, from)
    }
    return record as T
  }
}

/** An entity as one end knows the other to have it. Never changed once made: snapshots share those that stay as they were. */
export interface EntityState<T> {
  readonly id: number
  /** Tick of its newest change. */
  readonly at: number
  /** What it is, rounded as the wire rounds. */
  readonly value: T
  readonly codes: readonly number[]
  readonly extras: readonly unknown[]
  /** Extras as bytes, to compare; the reader has none. */
  readonly keys: readonly Uint8Array[]
  /** The codes before, and their tick: what a prediction goes by. */
  readonly olderCodes: readonly number[] | undefined
  readonly olderAt: number
}

/** Entities at a tick, in order of their ids. */
export interface View<T> {
  readonly tick: number
  /** Counts the writer's snapshots. */
  readonly number: number
  readonly entities: readonly EntityState<T>[]
}

/** Beyond this many times the distance of the two known states nothing is predicted: what rests does not go on. */
const MOST_STRIDES = 4

/** The code that column `index` of `entity` has at `tick` if it goes on as it did (`isLinear`), or stays. Always in range. */
export function predicted(
  entity: EntityState<unknown>,
  column: Column,
  index: number,
  tick: number,
  isLinear: boolean,
): number {
  const code = entity.codes[index]!
  const { olderCodes, olderAt, at } = entity
  if (!isLinear || olderCodes === undefined || tick - at > MOST_STRIDES * (at - olderAt)) return code
  const step = distance(column, olderCodes[index]!, code)
  return moved(column, code, Math.round((step * (tick - at)) / (at - olderAt)))
}

/** The way from one code to another; on a ring the shorter one. */
export function distance({ count, order }: Column, from: number, to: number): number {
  const step = to - from
  if (order !== 'ring') return step
  return step >= count / 2 ? step - count : step < -count / 2 ? step + count : step
}

/** The code `step` away, held at the ends of a line. */
export function moved({ count, order }: Column, code: number, step: number): number {
  const to = code + step
  if (order === 'ring') return ((to % count) + count) % count
  return Math.max(0, Math.min(count - 1, to))
}
