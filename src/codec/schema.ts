import type { Bytes } from '../core/bytes.ts'
import { type ChannelCodec, NetcodeError } from '../index.ts'
import { BitReader } from './bit-reader.ts'
import { BitWriter } from './bit-writer.ts'

/**
 * What a value looks like in bits. A schema is a plain value: it can be shared, nested, and given to a channel.
 *
 * Writing trusts and throws: a value that does not fit is the caller's mistake. Reading distrusts and never throws: whatever the
 * bytes, it costs time and memory linear in their number, and gives a value of the schema or fails.
 */
export interface Schema<T> extends ChannelCodec<T> {
  /** Canonical text; two schemas of the same text have the same bits. Enters the handshake's digest. */
  readonly schema: string
  /** Fewest and most bits of a value. */
  readonly minBits: number
  readonly maxBits: number
  readonly maxBytes: number
  /** The value as integers, where it is a fixed number of them: what snapshots make deltas of. */
  readonly columns: Columns<T> | undefined
  /** Appends the value. Throws `bad-message` with what was expected and what came. */
  write(writer: BitWriter, value: T): void
  /** Reads a value; it means nothing once the reader has failed. */
  read(reader: BitReader): T
  /** The value as bytes of its own. Throws `bad-message`. */
  encode(value: T): Bytes
  /** The value of bytes that hold it and nothing else; `undefined` when they do not. Never throws. */
  decode(payload: Uint8Array): T | undefined
}

/** The type of a schema's values: `type Input = Infer<typeof Input>`. */
export type Infer<S> = S extends Schema<infer T> ? T : never

/** One integer of a value, 0 to `count` − 1. */
export interface Column {
  readonly count: number
  /** `line`: neighbouring codes are similar values; `ring`: so are the last and the first; `none`: their order means nothing. */
  readonly order: 'line' | 'ring' | 'none'
}

/** A value as a row of integers. */
export interface Columns<T> {
  readonly list: readonly Column[]
  /** Puts the codes of `value` into `codes` from `at` on. Throws `bad-message`. */
  pack(value: T, codes: number[], at: number): void
  /** The value of codes that are all in range. */
  unpack(codes: ArrayLike<number>, at: number): T
}

/** What a schema is made of. */
export interface SchemaParts<T> {
  readonly schema: string
  readonly minBits: number
  readonly maxBits: number
  readonly columns?: Columns<T>
  write(writer: BitWriter, value: T): void
  read(reader: BitReader): T
}

/** Longest message of a channel, bytes. */
const MOST_BYTES = 16 * 1024 * 1024

/** Makes a schema of its parts. */
export function define<T>(parts: SchemaParts<T>): Schema<T> {
  const maxBytes = Math.max(1, Math.ceil(parts.maxBits / 8))
  if (maxBytes > MOST_BYTES) {
    throw new NetcodeError('bad-option', `${parts.schema.slice(0, 80)}: up to ${maxBytes} bytes, at most ${MOST_BYTES}`)
  }
  return {
    columns: undefined,
    ...parts,
    maxBytes,
    encode: (value) => encodeWith(parts, value),
    decode: (payload) => decodeWith(parts, payload),
  }
}

/** A schema of values that are a row of integers. */
export function defineColumns<T>(schema: string, columns: Columns<T>): Schema<T> {
  const { list } = columns
  const widths = list.map((column) => bitsFor(column.count))
  const bits = widths.reduce((sum, width) => sum + width, 0)
  const codes: number[] = list.map(() => 0)
  return define({
    schema,
    minBits: bits,
    maxBits: bits,
    columns,
    write(writer, value) {
      columns.pack(value, codes, 0)
      for (let i = 0; i < widths.length; i++) writer.bits(codes[i]!, widths[i]!)
    },
    read(reader) {
      for (let i = 0; i < widths.length; i++) {
        const code = reader.bits(widths[i]!)
        if (code >= list[i]!.count) reader.fail()
        codes[i] = reader.failed ? 0 : code
      }
      return columns.unpack(codes, 0)
    },
  })
}

/** Bits that tell `count` codes apart: 0 for one, 8 for 256. */
export function bitsFor(count: number): number {
  let bits = 0
  for (let most = 1; most < count; most *= 2) bits++
  return bits
}

/** The refusal of a value, on the way to the caller. */
export function refuse(expected: string, value: unknown): never {
  throw new NetcodeError('bad-message', `expected ${expected}, got ${shown(value)}`)
}

/** A refusal from within `key`, with the way to it in front: `ships.3.hp: expected …`. */
export function within(key: string | number, error: unknown): unknown {
  if (!(error instanceof NetcodeError)) return error
  const separator = error.message.startsWith('expected ') ? ': ' : '.'
  return new NetcodeError(error.code, `${key}${separator}${error.message}`)
}

/** Throws `bad-option` unless `value` is an integer from `min` to `max`. */
export function checkInteger(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw new NetcodeError('bad-option', `${name}: ${shown(value)}, expected an integer from ${min} to ${max}`)
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return typeof value === 'symbol' || typeof value === 'function' ? `a ${typeof value}` : `${value}`
}

/** One writer for all: encoding is over before anybody else can begin, unless it happens inside another. */
let spare: BitWriter | undefined

function encodeWith<T>(parts: SchemaParts<T>, value: T): Bytes {
  const writer = spare ?? new BitWriter()
  spare = undefined
  writer.reset()
  try {
    parts.write(writer, value)
    return writer.finish()
  } finally {
    spare = writer
  }
}

function decodeWith<T>(parts: SchemaParts<T>, payload: Uint8Array): T | undefined {
  const reader = new BitReader()
  reader.reset(payload)
  const value = parts.read(reader)
  return reader.isSpent ? value : undefined
}
