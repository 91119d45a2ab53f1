import { type Bytes, copyOf } from '../bytes.ts'
import {
  CLOSE_HEARD,
  FORM_CLOSE,
  FORM_HELLO,
  FORM_MASK,
  FORM_WELCOME,
  MAX_CHANNELS,
  MAX_CLOSE_DATA_BYTES,
  WIRE_VERSION,
} from './layout.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/** FNV-1a, 32 bits, over UTF-16 code units (draft-eastlake-fnv). For telling builds apart, not for security. */
export function digestOf(text: string): number {
  let hash = 2_166_136_261
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    hash = Math.imul(hash ^ (unit & 0xff), 16_777_619)
    hash = Math.imul(hash ^ (unit >>> 8), 16_777_619)
  }
  return hash >>> 0
}

/** What a client says first. */
export interface Hello {
  version: number
  clientSalt: number
  protocolDigest: number
  channelDigests: number[]
}

export interface Welcome {
  version: number
  clientSalt: number
  serverSalt: number
  /** The server's clock when the welcome left, units of 0.25 ms, 48 bits: the timestamps of data packets are its lowest 16. */
  clock: number
}

export interface Close {
  kind: number
  clientSalt: number
  code: number
  data: Bytes
}

export function writeHello(writer: Writer, hello: Hello): void {
  writer.u8(FORM_HELLO)
  writer.u8(hello.version)
  writer.u32(hello.clientSalt)
  writer.u32(hello.protocolDigest)
  writer.u8(hello.channelDigests.length)
  for (let i = 0; i < hello.channelDigests.length; i++) writer.u32(hello.channelDigests[i]!)
}

/** Reads a hello of any version; of another version than ours only the version and the salt are known. */
export function readHello(reader: Reader): Hello | undefined {
  if (reader.u8() !== FORM_HELLO) return undefined
  const hello: Hello = { version: reader.u8(), clientSalt: reader.u32(), protocolDigest: 0, channelDigests: [] }
  if (hello.version !== WIRE_VERSION) return reader.failed ? undefined : hello
  hello.protocolDigest = reader.u32()
  const count = reader.u8()
  if (count < 1 || count > MAX_CHANNELS || reader.remaining !== 4 * count) return undefined
  for (let i = 0; i < count; i++) hello.channelDigests.push(reader.u32())
  return reader.failed ? undefined : hello
}

export function writeWelcome(writer: Writer, welcome: Welcome): void {
  writer.u8(FORM_WELCOME)
  writer.u8(welcome.version)
  writer.u32(welcome.clientSalt)
  writer.u32(welcome.serverSalt)
  writer.u16(Math.floor(welcome.clock / 0x100000000))
  writer.u32(welcome.clock % 0x100000000)
}

export function readWelcome(reader: Reader): Welcome | undefined {
  if (reader.u8() !== FORM_WELCOME) return undefined
  const welcome: Welcome = { version: reader.u8(), clientSalt: reader.u32(), serverSalt: reader.u32(), clock: 0 }
  welcome.clock = reader.u16() * 0x100000000 + reader.u32()
  if (reader.failed || welcome.version !== WIRE_VERSION || reader.remaining > 0) return undefined
  return welcome
}

export function writeClose(writer: Writer, close: Close): void {
  writer.u8(FORM_CLOSE | close.kind)
  writer.u32(close.clientSalt)
  writer.u16(close.code)
  writer.bytes(close.data)
}

export function readClose(reader: Reader): Close | undefined {
  const first = reader.u8()
  const kind = first & ~FORM_MASK
  if ((first & FORM_MASK) !== FORM_CLOSE || kind > CLOSE_HEARD) return undefined
  const clientSalt = reader.u32()
  const code = reader.u16()
  if (reader.failed || reader.remaining > MAX_CLOSE_DATA_BYTES) return undefined
  if (kind === CLOSE_HEARD && (code !== 0 || reader.remaining > 0)) return undefined
  return { kind, clientSalt, code, data: copyOf(reader.view(reader.remaining)) }
}

/** ASCII text as bytes; other characters become `?`. The core has no TextEncoder. */
export function asciiBytes(text: string): Bytes {
  const bytes = new Uint8Array(Math.min(text.length, MAX_CLOSE_DATA_BYTES))
  for (let i = 0; i < bytes.length; i++) {
    const unit = text.charCodeAt(i)
    bytes[i] = unit >= 32 && unit < 127 ? unit : 63
  }
  return bytes
}

/** Bytes as ASCII text; anything unprintable becomes `?`. Safe to show: it cannot hold control characters. */
export function asciiText(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i++) {
    const unit = bytes[i]!
    text += unit >= 32 && unit < 127 ? String.fromCharCode(unit) : '?'
  }
  return text
}
