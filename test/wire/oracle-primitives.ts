import type { Bytes } from '../../src/core/bytes.ts'
import type { ChannelKind } from '../../src/core/events.ts'

/** Why a packet is malformed: one word for each thing that the format forbids. */
export type Malformation =
  /** No byte at all. */
  | 'empty'
  /** A field reaches over the end of the packet. */
  | 'truncated'
  /** Bytes are left after the last field of a form that ends by itself. */
  | 'trailing'
  /** A bit that must be zero is not. */
  | 'reserved-bits'
  | 'varint-not-shortest'
  /** First byte 249 to 255. */
  | 'varint-reserved'
  /** A restored number is below 0. */
  | 'below-zero'
  /** Ack form 3. */
  | 'ack-form'
  | 'ack-never-sent'
  | 'ack-delay-without-ack'
  /** n above 147. */
  | 'group-bytes-too-many'
  /** More than 147 groups described. */
  | 'groups-too-many'
  /** A single group of zeros or ones that is not written as a run. */
  | 'group-not-a-run'
  /** A run byte after one of its own kind that had room. */
  | 'group-run-split'
  | 'group-zeros-last'
  | 'channel-unknown'
  | 'key-on-keyless-kind'
  | 'key-too-large'
  | 'id-repeated'
  | 'fragment-count'
  /** Parity on a kind without it, or count + parity above 255. */
  | 'fragment-parity'
  /** Particulars missing, or present where they must not be, or index beyond the last parity fragment. */
  | 'fragment-particulars'
  | 'fragment-empty'
  /** A parity payload that no message can have: no combination, or an impossible size of the last data fragment. */
  | 'parity-payload'
  | 'repair-runs'
  | 'repair-seed'
  | 'repair-payload'
  | 'control-unknown'
  | 'horizon-without-ack'
  | 'horizon-zero'
  | 'skip-on-unskippable-kind'
  | 'channel-count'
  | 'close-kind'
  | 'close-data-too-long'
  /** A `heard` with a code or data. */
  | 'heard-not-empty'

/** A packet is malformed, and where. */
export class OracleError extends Error {
  override readonly name = 'OracleError'
  readonly reason: Malformation
  /** Where the faulty field begins, bytes from the start of the packet. */
  readonly offset: number

  constructor(reason: Malformation, offset: number, detail: string) {
    super(`${reason} at byte ${offset}: ${detail}`)
    this.reason = reason
    this.offset = offset
  }
}

/** Reads a packet from front to back; every method throws `OracleError` instead of reading over the end. */
export class Cursor {
  readonly bytes: Uint8Array
  offset = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get remaining(): number {
    return this.bytes.length - this.offset
  }

  take(count: number, what: string): Bytes {
    if (count > this.remaining) {
      throw new OracleError('truncated', this.offset, `${what} needs ${count} bytes, ${this.remaining} are left`)
    }
    const taken = Uint8Array.from(this.bytes.subarray(this.offset, this.offset + count))
    this.offset += count
    return taken
  }

  rest(): Bytes {
    return this.take(this.remaining, 'the rest')
  }

  /** Unsigned, big-endian, `count` bytes. */
  unsigned(count: number, what: string): number {
    return this.take(count, what).reduce((value, byte) => value * 256 + byte, 0)
  }

  varint(what: string): number {
    const start = this.offset
    const first = this.unsigned(1, what)
    if (first <= 223) return first
    if (first > 248) throw new OracleError('varint-reserved', start, `${what} begins with ${first}`)
    const more = first <= 239 ? 1 : first <= 247 ? 2 : 4
    if (more > this.remaining) {
      throw new OracleError('truncated', start, `${what} needs ${more} more bytes, ${this.remaining} are left`)
    }
    const tail = this.unsigned(more, what)
    if (more === 1) return 224 + (first - 224) * 256 + tail
    if (more === 2) return 4_320 + (first - 240) * 65_536 + tail
    if (tail < 528_608) throw new OracleError('varint-not-shortest', start, `${what} is ${tail} in five bytes`)
    return tail
  }

  zigzag(what: string): number {
    const value = this.varint(what)
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  end(what: string): void {
    if (this.remaining > 0) throw new OracleError('trailing', this.offset, `${this.remaining} bytes after ${what}`)
  }
}

/** The number with these low bits that is nearest to `reference`: −half ≤ c − reference < half. May be below 0. */
export function nearest(low: number, bits: 16 | 24, reference: number): number {
  const modulus = 2 ** bits
  const half = modulus / 2
  let candidate = Math.floor(reference / modulus) * modulus + low
  while (candidate - reference < -half) candidate += modulus
  while (candidate - reference >= half) candidate -= modulus
  return candidate
}

/** `value` big-endian in `count` bytes; refuses what does not fit, since no bytes exist for it. */
export function unsigned(value: number, count: number): Bytes {
  if (!Number.isInteger(value) || value < 0 || value >= 256 ** count) {
    throw new RangeError(`${value} is not an unsigned integer of ${count} bytes`)
  }
  const bytes = new Uint8Array(count)
  for (let i = 0; i < count; i++) bytes[count - 1 - i] = Math.floor(value / 256 ** i) % 256
  return bytes
}

/** `value` as a varint in its only legal form. */
export function varint(value: number): Bytes {
  if (value <= 223) return unsigned(value, 1)
  if (value <= 4_319) return unsigned(224 * 256 + (value - 224), 2)
  if (value <= 528_607) return unsigned(240 * 65_536 + (value - 4_320), 3)
  return varintInFive(value)
}

/** `value` in the five-byte form whatever its size: not the shortest form, so malformed, below 528,608. */
export function varintInFive(value: number): Bytes {
  return joined([Uint8Array.of(248), unsigned(value, 4)])
}

/** −2³¹ to 2³¹ − 1. */
export function zigzag(value: number): Bytes {
  return varint(value >= 0 ? 2 * value : -2 * value - 1)
}

export function joined(parts: readonly Uint8Array[]): Bytes {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

/** `20 0005 ff` → bytes. White space is ignored. */
export function fromHex(hex: string): Bytes {
  const digits = hex.replace(/\s+/g, '')
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new RangeError(`not whole bytes of hex: ${hex}`)
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

export function toHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** FNV-1a, 32 bits, over the UTF-16 code units of `text`, low byte first. */
export function fnv1a(text: string): number {
  let hash = 2_166_136_261n
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    for (const byte of [unit % 256, Math.floor(unit / 256)]) {
      hash = ((hash ^ BigInt(byte)) * 16_777_619n) % 2n ** 32n
    }
  }
  return Number(hash)
}

/** The digest that a hello carries for one channel. */
export function channelDigest(name: string, kind: ChannelKind, maxMessageBytes: number): number {
  return fnv1a(`${name}|${kind}|${maxMessageBytes}`)
}

/** The loss horizon that a code other than 0 stands for, ms. */
export function horizonOf(code: number): number {
  if (code < 192) return (code - 128) / 2
  if (code < 224) return 32 + code - 192
  const c = code - 224
  return 2 ** Math.floor(c / 8) * (64 + 8 * (c % 8))
}
