import type { Bytes } from '../core/bytes.ts'
import { NetcodeError } from '../index.ts'
import { define, refuse, type Schema } from './schema.ts'
import { bytes } from './text.ts'

export interface CustomOptions<T> {
  /** Name and version of the format, such as `json/chat/2`: ends that differ refuse each other. */
  readonly schema: string
  /** Most bytes that `encode` gives. */
  readonly maxBytes: number
  /** The value as bytes. */
  encode(value: T): Uint8Array
  /** The value of these bytes, which may be hostile. Throws, or gives `undefined`, when they hold none. */
  decode(payload: Bytes): T | undefined
}

/**
 * A format of your own: JSON, MessagePack, Protocol Buffers, by two functions. As a channel's codec the message is exactly the bytes
 * that `encode` gives; inside another schema they stand behind their number.
 */
export function custom<T>({ schema, maxBytes, encode, decode }: CustomOptions<T>): Schema<T> {
  const inner = bytes(maxBytes)
  const checked = (value: T): Uint8Array => {
    const encoded = encode(value)
    if (!(encoded instanceof Uint8Array)) refuse(`encode of ${schema} to give a Uint8Array`, encoded)
    if (encoded.length > maxBytes) refuse(`at most ${maxBytes} bytes`, encoded.length)
    return encoded
  }
  const tried = (payload: Bytes): T | undefined => {
    try {
      return decode(payload)
    } catch {
      return undefined
    }
  }
  if (schema === '') throw new NetcodeError('bad-option', 'custom schema: expected a name')
  return {
    ...define<T>({
      schema: `custom(${JSON.stringify(schema)},${maxBytes})`,
      minBits: inner.minBits,
      maxBits: inner.maxBits,
      write: (writer, value) => inner.write(writer, checked(value) as Bytes),
      read(reader) {
        const payload = inner.read(reader)
        const value = reader.failed ? undefined : tried(payload)
        if (value === undefined) reader.fail()
        return value as T
      },
    }),
    maxBytes,
    encode: (value) => checked(value).slice() as Bytes,
    decode: (payload) => (payload.length > maxBytes ? undefined : tried(payload as Bytes)),
  }
}
