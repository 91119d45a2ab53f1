import { NetcodeError } from '../index.ts'
import type { StructSchema } from './composites.ts'
import { EntityLayout } from './entity-layout.ts'

/** Largest tick and entity id. */
const MOST_TICK = 2 ** 48
const MOST_ID = 2 ** 31 - 1

/** One entity as the game has it now. */
export interface FrameEntity<T> {
  readonly id: number
  readonly value: T
  readonly codes: readonly number[]
  readonly extras: readonly unknown[]
  readonly keys: readonly Uint8Array[]
}

/** What a world looks like at one tick, rounded once for everybody who is told of it. */
export class SnapshotFrame<T> {
  readonly tick: number
  readonly layout: EntityLayout<T>
  /** In order of their ids. */
  readonly entities: readonly FrameEntity<T>[]

  /** Use {@link SnapshotFrames.at}. */
  constructor(layout: EntityLayout<T>, tick: number, entities: Iterable<readonly [id: number, value: T]>) {
    check('tick', tick, MOST_TICK)
    this.tick = tick
    this.layout = layout
    const rows: FrameEntity<T>[] = []
    for (const [id, value] of entities) {
      check('entity id', id, MOST_ID)
      const codes: number[] = layout.columns.map(() => 0)
      const extras: unknown[] = []
      layout.pack(value, codes, extras)
      const keys = layout.fields.flatMap(({ schema, extra }) => (extra < 0 ? [] : [schema.encode(extras[extra])]))
      rows.push({ id, value, codes, extras, keys })
    }
    rows.sort((a, b) => a.id - b.id)
    for (let i = 1; i < rows.length; i++) {
      if (rows[i]!.id === rows[i - 1]!.id) throw new NetcodeError('bad-message', `frame: entity ${rows[i]!.id} twice`)
    }
    this.entities = rows
  }
}

/** Makes frames of one kind of entity. */
export class SnapshotFrames<T> {
  readonly #layout: EntityLayout<T>

  constructor(schema: StructSchema<T>) {
    this.#layout = new EntityLayout(schema)
  }

  /** The world at `tick`, 0 to 2^48, growing: entities by id, 0 to 2^31 − 1. Throws `bad-message` for what does not fit. */
  at(tick: number, entities: Iterable<readonly [id: number, value: T]>): SnapshotFrame<T> {
    return new SnapshotFrame(this.#layout, tick, entities)
  }
}

function check(what: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= most) return
  throw new NetcodeError('bad-call', `frame: ${what} ${value}, expected an integer from 0 to ${most}`)
}
