import type { Bytes } from '../core/bytes.ts'
import { bitsFor, checkInteger, define, refuse, type Schema } from './schema.ts'
import { readUtf8, utf8Bytes, writeUtf8 } from './utf8.ts'

/** Most bytes that one UTF-16 unit takes in UTF-8. */
const BYTES_PER_UNIT = 3
const MOST = 4 * 1024 * 1024

/**
 * Text of at most `maxLength` UTF-16 units (what `length` counts, and an input field's `maxlength`), as UTF-8 behind its number of
 * bytes. Half a surrogate pair, such as a cut emoji, becomes U+FFFD.
 */
export function string(maxLength: number): Schema<string> {
  checkInteger('string maxLength', maxLength, 1, MOST)
  const width = bitsFor(maxLength * BYTES_PER_UNIT + 1)
  return define({
    schema: `string(${maxLength})`,
    minBits: width,
    maxBits: width + maxLength * BYTES_PER_UNIT * 8,
    write(writer, value) {
      if (typeof value !== 'string') refuse('a string', value)
      if (value.length > maxLength) refuse(`at most ${maxLength} UTF-16 units`, value.length)
      writer.bits(utf8Bytes(value), width)
      writeUtf8(writer, value)
    },
    read(reader) {
      const text = readUtf8(reader, reader.bits(width))
      if (text.length > maxLength) reader.fail()
      return text
    },
  })
}

/** At most `maxLength` bytes, behind their number. What is read is a copy, and yours. */
export function bytes(maxLength: number): Schema<Bytes> {
  checkInteger('bytes maxLength', maxLength, 1, BYTES_PER_UNIT * MOST)
  const width = bitsFor(maxLength + 1)
  return define({
    schema: `bytes(${maxLength})`,
    minBits: width,
    maxBits: width + maxLength * 8,
    write(writer, value) {
      if (!(value instanceof Uint8Array)) refuse('a Uint8Array', value)
      if (value.length > maxLength) refuse(`at most ${maxLength} bytes`, value.length)
      writer.bits(value.length, width)
      writer.bytes(value)
    },
    read(reader) {
      const length = reader.bits(width)
      if (length > maxLength) reader.fail()
      return reader.bytes(reader.failed ? 0 : length)
    },
  })
}
