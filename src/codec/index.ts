/**
 * `gannet/codec`: what games put on the wire. Schemas are values that pack other values into bits; channels take them, and then
 * carry typed messages. Each function can be imported without the rest.
 * @module
 */

/** The bits themselves, for schemas of one's own. */
export { BitReader } from './bit-reader.ts'
export { BitWriter } from './bit-writer.ts'
/** Channels that carry typed messages. */
export {
  latest,
  ordered,
  reliable,
  sequenced,
  type TypedChannel,
  type TypedChannelOptions,
  unreliable,
} from './channels.ts'
/** Values of several parts. */
export {
  array,
  type Fields,
  map,
  optional,
  type StructOf,
  type StructSchema,
  struct,
  tuple,
  type UnionOf,
  union,
} from './composites.ts'
/** Any other format, by two functions. */
export { type CustomOptions, custom } from './custom.ts'
/** Numbers, names and truth. */
export { bool, enumOf, float32, float64, int, quantized, uint, varint, zigzag } from './numbers.ts'
/** Directions in the plane and in space. */
export { angle, type Quaternion, quaternion, unitVector, type Vector3 } from './rotations.ts'
/** What a schema is. */
export { type Column, type Columns, define, type Infer, type Schema, type SchemaParts } from './schema.ts'
/** Delta compression against what the peer has acknowledged. */
export { snapshots } from './snapshot-format.ts'
export { SnapshotFrame, SnapshotFrames } from './snapshot-frame.ts'
export {
  type Snapshot,
  type SnapshotEntity,
  SnapshotReader,
  type SnapshotReaderOptions,
} from './snapshot-reader.ts'
export { type SnapshotOptions, SnapshotWriter } from './snapshot-writer.ts'
/** Text and bytes. */
export { bytes, string } from './text.ts'
