import { NetcodeError } from '../index.ts'
import {
  bitsFor,
  type Column,
  type Columns,
  checkInteger,
  define,
  type Infer,
  refuse,
  type Schema,
  within,
} from './schema.ts'

/** Most elements of an array or entries of a map. */
const MOST_ELEMENTS = 1 << 20

/** Schemas by name. */
export type Fields = Readonly<Record<string, Schema<unknown>>>

/** Names of the fields that may be left out. */
type OptionalNames<F extends Fields> = { [Name in keyof F]: undefined extends Infer<F[Name]> ? Name : never }[keyof F]

/** An object with a value for each field; `optional` ones may be left out. */
export type StructOf<F extends Fields> = {
  [Name in keyof ({ [N in Exclude<keyof F, OptionalNames<F>>]: unknown } & {
    [N in OptionalNames<F>]?: unknown
  })]: Infer<F[Name]>
}

/** A schema of objects whose fields are known: what an entity of a snapshot is. */
export interface StructSchema<T> extends Schema<T> {
  readonly fields: Fields
}

/** An object with these fields, in this order. Properties that are no fields are not sent. */
export function struct<F extends Fields>(fields: F): StructSchema<StructOf<F>> {
  const names = namesOf('struct', fields)
  const parts = names.map((name) => fields[name]!)
  const columns = columnsOf<StructOf<F>>(names, parts, () => ({}))
  return {
    ...define<StructOf<F>>({
      schema: `{${names.map((name) => `${quoted(name)}:${fields[name]!.schema}`).join(',')}}`,
      minBits: parts.reduce((sum, part) => sum + part.minBits, 0),
      maxBits: parts.reduce((sum, part) => sum + part.maxBits, 0),
      ...(columns && { columns }),
      write(writer, value) {
        const record = recordOf(value)
        for (let i = 0; i < parts.length; i++) {
          try {
            parts[i]!.write(writer, record[names[i]!])
          } catch (error) {
            throw within(names[i]!, error)
          }
        }
      },
      read(reader) {
        const record: Record<string, unknown> = {}
        for (let i = 0; i < parts.length; i++) record[names[i]!] = parts[i]!.read(reader)
        return record as StructOf<F>
      },
    }),
    fields,
  }
}

/** Values of a tuple's schemas, in their order. */
type TupleOf<S extends readonly Schema<unknown>[]> = { [Index in keyof S]: Infer<S[Index]> }

/** A fixed number of values, each of its own schema. */
export function tuple<S extends readonly Schema<unknown>[]>(...parts: S): Schema<TupleOf<S>> {
  const columns = columnsOf<TupleOf<S>>(
    parts.map((_, index) => `${index}`),
    parts,
    () => [],
  )
  return define<TupleOf<S>>({
    schema: `[${parts.map((part) => part.schema).join(',')}]`,
    minBits: parts.reduce((sum, part) => sum + part.minBits, 0),
    maxBits: parts.reduce((sum, part) => sum + part.maxBits, 0),
    ...(columns && { columns }),
    write(writer, value) {
      if (!Array.isArray(value) || value.length !== parts.length) refuse(`an array of ${parts.length}`, value)
      for (let i = 0; i < parts.length; i++) writeElement(parts[i]!, i, value[i], writer)
    },
    read: (reader) => parts.map((part) => part.read(reader)) as TupleOf<S>,
  })
}

/** At most `maxLength` values of one schema. An element takes at least one bit, so that a short message cannot name many. */
export function array<T>(item: Schema<T>, maxLength: number): Schema<T[]> {
  checkInteger('array maxLength', maxLength, 1, MOST_ELEMENTS)
  checkElement('array', item.minBits, item.schema)
  const width = bitsFor(maxLength + 1)
  return define<T[]>({
    schema: `array(${item.schema},${maxLength})`,
    minBits: width,
    maxBits: width + maxLength * item.maxBits,
    write(writer, value) {
      if (!Array.isArray(value)) refuse('an array', value)
      if (value.length > maxLength) refuse(`at most ${maxLength} elements`, value.length)
      writer.bits(value.length, width)
      for (let i = 0; i < value.length; i++) writeElement(item, i, value[i], writer)
    },
    read(reader) {
      const length = reader.bits(width)
      if (length > maxLength || length * item.minBits > reader.remaining) reader.fail()
      const items: T[] = []
      for (let i = 0; i < length && !reader.failed; i++) items.push(item.read(reader))
      return items
    },
  })
}

/** A `Map` of at most `maxSize` entries, in their order. A key that comes twice is refused. */
export function map<K extends string | number | boolean, V>(
  key: Schema<K>,
  value: Schema<V>,
  maxSize: number,
): Schema<Map<K, V>> {
  checkInteger('map maxSize', maxSize, 1, MOST_ELEMENTS)
  const entryBits = key.minBits + value.minBits
  checkElement('map', entryBits, key.schema)
  const width = bitsFor(maxSize + 1)
  return define<Map<K, V>>({
    schema: `map(${key.schema},${value.schema},${maxSize})`,
    minBits: width,
    maxBits: width + maxSize * (key.maxBits + value.maxBits),
    write(writer, entries) {
      if (!(entries instanceof Map)) refuse('a Map', entries)
      if (entries.size > maxSize) refuse(`at most ${maxSize} entries`, entries.size)
      writer.bits(entries.size, width)
      for (const [name, item] of entries) {
        writeElement(key, 'key', name, writer)
        writeElement(value, `${name}`, item, writer)
      }
    },
    read(reader) {
      const size = reader.bits(width)
      if (size > maxSize || size * entryBits > reader.remaining) reader.fail()
      const entries = new Map<K, V>()
      for (let i = 0; i < size && !reader.failed; i++) entries.set(key.read(reader), value.read(reader))
      if (entries.size !== size) reader.fail()
      return entries
    },
  })
}

/** A value or `undefined`, for one bit more. */
export function optional<T>(part: Schema<T>): Schema<T | undefined> {
  return define<T | undefined>({
    schema: `optional(${part.schema})`,
    minBits: 1,
    maxBits: 1 + part.maxBits,
    write(writer, value) {
      writer.bit(value !== undefined)
      if (value !== undefined) part.write(writer, value)
    },
    read: (reader) => (reader.bit() ? part.read(reader) : undefined),
  })
}

/** An intersection as one object. */
type Flat<T> = { [Name in keyof T]: T[Name] }

/** An object of one of several shapes, told apart by the property `Tag`. */
export type UnionOf<Tag extends string, V extends Readonly<Record<string, Fields>>> = {
  [Name in keyof V & string]: Flat<{ [T in Tag]: Name } & StructOf<V[Name]>>
}[keyof V & string]

/**
 * One of several shapes, told apart by the property `tag`, whose value is the shape's name:
 * `union('type', { move: { x: int(8) }, say: { text: string(80) } })`.
 */
export function union<const Tag extends string, V extends Readonly<Record<string, Fields>>>(
  tag: Tag,
  variants: V,
): Schema<UnionOf<Tag, V>> {
  const names = namesOf('union', variants)
  const parts = names.map((name) => struct(variants[name]!))
  if (names.length === 0 || tag === '__proto__' || parts.some((part) => Object.hasOwn(part.fields, tag))) {
    throw new NetcodeError('bad-option', `union: expected at least one variant, none with a field named '${tag}'`)
  }
  const width = bitsFor(names.length)
  const expected = `${tag} to be one of ${names.map((name) => JSON.stringify(name)).join(', ')}`
  return define<UnionOf<Tag, V>>({
    schema: `union(${quoted(tag)},${names.map((name, i) => quoted(name) + parts[i]!.schema).join(',')})`,
    minBits: width + Math.min(...parts.map((part) => part.minBits)),
    maxBits: width + Math.max(...parts.map((part) => part.maxBits)),
    write(writer, value) {
      const record = recordOf(value)
      const index = names.indexOf(record[tag] as string)
      if (index < 0) refuse(expected, record[tag])
      writer.bits(index, width)
      try {
        parts[index]!.write(writer, record)
      } catch (error) {
        throw within(names[index]!, error)
      }
    },
    read(reader) {
      const index = reader.bits(width)
      if (index >= names.length) reader.fail()
      if (reader.failed) return {} as UnionOf<Tag, V>
      return { [tag]: names[index]!, ...parts[index]!.read(reader) } as UnionOf<Tag, V>
    },
  })
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) refuse('an object', value)
  return value as Readonly<Record<string, unknown>>
}

function writeElement<T>(
  part: Schema<T>,
  key: string | number,
  value: T,
  writer: Parameters<Schema<T>['write']>[0],
): void {
  try {
    part.write(writer, value)
  } catch (error) {
    throw within(key, error)
  }
}

function namesOf(what: string, fields: object): string[] {
  const names = Object.keys(fields)
  // It would set the prototype of what is read.
  if (names.includes('__proto__')) throw new NetcodeError('bad-option', `${what}: a field named __proto__`)
  // Object.keys puts such names first, in numeric order: the order that was written would not count.
  const numeric = names.find((name) => /^\d+$/.test(name))
  if (numeric === undefined) return names
  throw new NetcodeError('bad-option', `${what}: a field named ${numeric}, expected names that are no numbers`)
}

function checkElement(what: string, minBits: number, schema: string): void {
  if (minBits > 0) return
  throw new NetcodeError('bad-option', `${what}: ${schema} takes no bits, expected elements of at least one`)
}

/** A name as it stands in a schema's text: bare if it is a word. */
function quoted(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)
}

/** The columns of several values side by side, if all have them. */
function columnsOf<T>(
  names: readonly string[],
  parts: readonly Schema<unknown>[],
  empty: () => object,
): Columns<T> | undefined {
  const list: Column[] = []
  const froms: number[] = []
  for (const part of parts) {
    if (part.columns === undefined) return undefined
    froms.push(list.length)
    list.push(...part.columns.list)
  }
  return {
    list,
    pack(value, codes, at) {
      const record = recordOf(value)
      for (let i = 0; i < parts.length; i++) {
        try {
          parts[i]!.columns!.pack(record[names[i]!], codes, at + froms[i]!)
        } catch (error) {
          throw within(names[i]!, error)
        }
      }
    },
    unpack(codes, at) {
      const record = empty() as Record<string, unknown>
      for (let i = 0; i < parts.length; i++) record[names[i]!] = parts[i]!.columns!.unpack(codes, at + froms[i]!)
      return record as T
    },
  }
}
