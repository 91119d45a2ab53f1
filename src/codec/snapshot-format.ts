import type { Bytes } from '../core/bytes.ts'
import type { ChannelCodec } from '../index.ts'
import type { BitReader } from './bit-reader.ts'
import type { BitWriter } from './bit-writer.ts'
import type { StructSchema } from './composites.ts'
import { varint } from './numbers.ts'
import { checkInteger } from './schema.ts'

/**
 * A snapshot, bit by bit: `varint` tick; a bit, whether nothing was left out; a bit, whether it is a delta. A delta: `varint` ticks back
 * to its baseline; places of the entities that are gone; places of those that changed, and if there are any, for each ordered
 * column a bit (predicted by its movement) and five (the Rice parameter), then each entity: for each field a bit, and when it is set
 * the field: residuals, or raw codes where order means nothing, or the value. Both: `varint` number of new entities, each a `varint`
 * gap of ids and its fields, raw. Places: `varint` number, and if it is not 0 a Rice parameter and the gaps.
 */

/** Snapshots that a reader keeps, and a writer counts on. */
export const KEPT_SNAPSHOTS = 96
/** Bits of a place in a list of entities. */
export const INDEX_BITS = 20

const VARINT = /* @__PURE__ */ varint()

/** A safe integer as the schema of that name writes it. */
export function writeVarint(writer: BitWriter, value: number): void {
  VARINT.write(writer, value)
}

export function readVarint(reader: BitReader): number {
  return VARINT.read(reader)
}

/**
 * The codec of a channel of snapshots of such entities: messages stay bytes, for `SnapshotReader`, but ends whose entities differ refuse
 * each other. `maxBytes`: most of a snapshot, default 64 KiB.
 */
export function snapshots<T>(schema: StructSchema<T>, maxBytes: number = 64 * 1024): ChannelCodec<Bytes> {
  checkInteger('snapshots maxBytes', maxBytes, 64, 16 * 1024 * 1024)
  return {
    schema: `snapshots(1,${schema.schema})`,
    maxBytes,
    encode: (message) => message,
    decode: (payload) => payload,
  }
}
