import { BitReader } from './bit-reader.ts'
import type { StructSchema } from './composites.ts'
import { distance, type EntityField, EntityLayout, type EntityState, moved, predicted } from './entity-layout.ts'
import { RICE_BITS, readRice } from './rice.ts'
import { only } from './snapshot-delta.ts'
import { INDEX_BITS, KEPT_SNAPSHOTS, readVarint } from './snapshot-format.ts'

export interface SnapshotReaderOptions {
  /** Entities at once; a snapshot of more is refused. Default 4,096. */
  readonly maxEntities?: number
}

/** An entity of a snapshot. */
export interface SnapshotEntity<T> {
  readonly id: number
  /** Tick at which it was so: that of the snapshot, or of its last change. */
  readonly at: number
  readonly value: T
}

/** A world at a tick, as the writer told of it. */
export interface Snapshot<T> {
  readonly tick: number
  /** Every entity is as it was at this tick. `false`: some may have moved on since their `at`, and come later. */
  readonly isComplete: boolean
  /** Whether no later one has been read. */
  readonly isNewest: boolean
  /** In order of their ids. Shared between snapshots: not to be written to. */
  readonly entities: readonly SnapshotEntity<T>[]
}

/**
 * The receiver's half: rebuilds each snapshot from those before it, in whatever order they come. Bytes may be hostile: they cost time
 * and memory linear in their number and in `maxEntities`, and never throw.
 */
export class SnapshotReader<T> {
  readonly #layout: EntityLayout<T>
  readonly #maxEntities: number
  readonly #reader = new BitReader()
  /** By tick, oldest first. */
  readonly #views = new Map<number, readonly EntityState<T>[]>()
  #newest = -1
  /** Snapshots that could not be read. */
  malformed = 0
  /** Snapshots whose baseline was not there: messages were dropped between the channel and `read`. The writer must `reset`. */
  baselinesMissing = 0

  constructor(schema: StructSchema<T>, options: SnapshotReaderOptions = {}) {
    this.#layout = new EntityLayout(schema)
    this.#maxEntities = options.maxEntities ?? 4096
  }

  /** Reads a message; `undefined` when it is no snapshot, or one of which the baseline is missing. */
  read(payload: Uint8Array): Snapshot<T> | undefined {
    const reader = this.#reader
    reader.reset(payload)
    const tick = readVarint(reader)
    const isComplete = reader.bit()
    const age = reader.bit() ? readVarint(reader) : 0
    const known = age === 0 ? [] : this.#views.get(tick - age)
    if (known === undefined && !reader.failed) {
      this.baselinesMissing++
      return undefined
    }
    const entities = this.#rebuild(reader, known ?? [], age > 0, tick)
    if (entities === undefined || !reader.isSpent || this.#views.has(tick)) {
      this.malformed++
      return undefined
    }
    this.#keep(tick, entities)
    return { tick, isComplete, isNewest: tick === this.#newest, entities }
  }

  #keep(tick: number, entities: readonly EntityState<T>[]): void {
    this.#newest = Math.max(this.#newest, tick)
    this.#views.set(tick, entities)
    if (this.#views.size <= KEPT_SNAPSHOTS) return
    let oldest = tick
    for (const other of this.#views.keys()) oldest = Math.min(oldest, other)
    this.#views.delete(oldest)
  }

  #rebuild(
    reader: BitReader,
    known: readonly EntityState<T>[],
    isDelta: boolean,
    tick: number,
  ): readonly EntityState<T>[] | undefined {
    const kept: (EntityState<T> | undefined)[] = [...known]
    if (isDelta) {
      for (const place of this.#places(reader, known.length)) kept[place] = undefined
      const places = this.#places(reader, known.length)
      const choices = places.length > 0 && !reader.failed ? this.#choices(reader) : []
      for (const place of places) {
        const entity = kept[place]
        if (entity === undefined) reader.fail()
        if (reader.failed) return undefined
        kept[place] = this.#changed(reader, entity!, choices, tick)
      }
    }
    const entities: EntityState<T>[] = []
    const count = readVarint(reader)
    // Each takes the eight bits of its id at least.
    if (count * 8 > reader.remaining || known.length + count > this.#maxEntities) reader.fail()
    let next = 0
    let id = -1
    for (let i = 0; i < count && !reader.failed; i++) {
      id += readVarint(reader) + 1
      for (; next < kept.length && (kept[next]?.id ?? -1) < id; next++) if (kept[next]) entities.push(kept[next]!)
      if (id > 2 ** 31 - 1 || kept[next]?.id === id) reader.fail()
      entities.push(this.#created(reader, id, tick))
    }
    for (; next < kept.length; next++) if (kept[next]) entities.push(kept[next]!)
    return reader.failed ? undefined : entities
  }

  #places(reader: BitReader, length: number): number[] {
    const places: number[] = []
    const count = readVarint(reader)
    if (count > length) reader.fail()
    const k = count > 0 && !reader.failed ? reader.bits(RICE_BITS) : 0
    let place = -1
    for (let i = 0; i < count && !reader.failed; i++) {
      place += readRice(reader, k, INDEX_BITS) + 1
      if (place >= length) reader.fail()
      places.push(place)
    }
    return places
  }

  /** For each column its Rice parameter, and 32 more when it is predicted by its movement. */
  #choices(reader: BitReader): number[] {
    return this.#layout.columns.map(({ order }) => {
      if (order === 'none') return 0
      const isLinear = reader.bit()
      return reader.bits(RICE_BITS) + (isLinear ? 2 ** RICE_BITS : 0)
    })
  }

  #changed(reader: BitReader, entity: EntityState<T>, choices: readonly number[], tick: number): EntityState<T> {
    const { columns, fields } = this.#layout
    const codes = columns.map((column, c) =>
      column.order === 'none' ? entity.codes[c]! : predicted(entity, column, c, tick, choices[c]! >= 2 ** RICE_BITS),
    )
    const extras = [...entity.extras]
    for (const field of fields) {
      if (!reader.bit()) continue
      if (field.extra >= 0) extras[field.extra] = field.schema.read(reader)
      else this.#readColumns(reader, field, codes, choices)
    }
    return this.#state(entity.id, tick, codes, extras, entity)
  }

  #readColumns(reader: BitReader, field: EntityField, codes: number[], choices: readonly number[]): void {
    const { columns, widths } = this.#layout
    for (let c = field.from; c < field.to; c++) {
      const column = columns[c]!
      if (column.order === 'none') {
        codes[c] = this.#raw(reader, c)
        continue
      }
      const residual = readRice(reader, choices[c]! % 2 ** RICE_BITS, widths[c]! + 1) + only(field)
      const step = residual % 2 === 1 ? -(residual + 1) / 2 : residual / 2
      const code = moved(column, codes[c]!, step)
      // Beyond the end of a line, or more than once around a ring: no writer says so.
      if (distance(column, codes[c]!, code) !== step) reader.fail()
      codes[c] = code
    }
  }

  #created(reader: BitReader, id: number, tick: number): EntityState<T> {
    const codes = this.#layout.columns.map(() => 0)
    const extras: unknown[] = []
    for (const field of this.#layout.fields) {
      if (field.extra >= 0) extras[field.extra] = field.schema.read(reader)
      for (let c = field.from; c < field.to; c++) codes[c] = this.#raw(reader, c)
    }
    return this.#state(id, tick, codes, extras, undefined)
  }

  #raw(reader: BitReader, c: number): number {
    const code = reader.bits(this.#layout.widths[c]!)
    if (code < this.#layout.columns[c]!.count) return code
    reader.fail()
    return 0
  }

  #state(
    id: number,
    at: number,
    codes: readonly number[],
    extras: readonly unknown[],
    older: EntityState<T> | undefined,
  ): EntityState<T> {
    const value = this.#layout.unpack(codes, extras)
    return { id, at, value, codes, extras, keys: [], olderCodes: older?.codes, olderAt: older?.at ?? at }
  }
}
