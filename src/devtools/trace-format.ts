import type { Bytes } from '../index.ts'

/** First bytes of a trace: `GNT` and the version of the format. */
export const MAGIC: readonly number[] = [0x47, 0x4e, 0x54, 1]

/** What an entry is; its low five bits. */
export const ENTRY = {
  /** A number that the endpoint drew. */
  random: 1,
  receive: 2,
  update: 3,
  send: 4,
  /** A packet taken, by length and hash; length 0: there was none. Behind `HAS_PIPE`, the pipe that it was for. */
  poll: 5,
  /** An event taken. */
  event: 6,
  backlog: 7,
  /** Any other method, by name, with its arguments as JSON. */
  call: 8,
  /** The sums up to here; the last entry. */
  sum: 9,
} as const

/** Set in an entry that begins with its instant; without it, it is that of the entry before. */
export const HAS_INSTANT = 0x20
/** Set in a `poll` for another pipe than 0: its number comes first. */
export const HAS_PIPE = 0x40

/** What a run came to: equal sums mean equal deliveries and equal packets. */
export interface TraceSums {
  /** Messages delivered to the game, and a hash of their channels, keys and bytes. */
  messages: number
  messageHash: number
  /** Packets handed to the transport, and a hash of their bytes. */
  packets: number
  packetHash: number
}

export function noSums(): TraceSums {
  return { messages: 0, messageHash: FNV_OFFSET, packets: 0, packetHash: FNV_OFFSET }
}

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** FNV-1a over bytes, going on from `hash`; uint32. */
export function hashBytes(hash: number, bytes: Uint8Array): number {
  let h = hash
  for (let i = 0; i < bytes.length; i++) h = Math.imul(h ^ bytes[i]!, FNV_PRIME)
  return h >>> 0
}

/** The same over a number, as four bytes. */
export function hashNumber(hash: number, value: number): number {
  let h = hash
  for (let shift = 0; shift < 32; shift += 8) h = Math.imul(h ^ ((value >>> shift) & 0xff), FNV_PRIME)
  return h >>> 0
}

/** Adds a delivered message. */
export function addMessage(sums: TraceSums, channel: number, key: number, payload: Uint8Array): void {
  sums.messages++
  const head = hashNumber(hashNumber(hashNumber(sums.messageHash, channel), key), payload.length)
  sums.messageHash = hashBytes(head, payload)
}

/** Adds a packet, and returns the hash of all so far. */
export function addPacket(sums: TraceSums, packet: Uint8Array): number {
  sums.packets++
  sums.packetHash = hashBytes(hashNumber(sums.packetHash, packet.length), packet)
  return sums.packetHash
}

/** Grows as it is written to. */
export class TraceWriter {
  #bytes: Bytes = new Uint8Array(4096)
  #view = new DataView(this.#bytes.buffer)
  #at = 0

  get length(): number {
    return this.#at
  }

  byte(value: number): void {
    this.#room(1)
    this.#bytes[this.#at++] = value
  }

  uint32(value: number): void {
    this.#room(4)
    this.#view.setUint32(this.#at, value)
    this.#at += 4
  }

  float64(value: number): void {
    this.#room(8)
    this.#view.setFloat64(this.#at, value)
    this.#at += 8
  }

  /** Unsigned, seven bits a byte, lowest first; up to 2^53. */
  varint(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.byte(rest)
  }

  /** Length, then bytes. */
  chunk(bytes: Uint8Array): void {
    this.varint(bytes.length)
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  /** A copy of what was written. */
  taken(): Bytes {
    return this.#bytes.slice(0, this.#at)
  }

  #room(length: number): void {
    if (this.#at + length <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#at + length))
    grown.set(this.#bytes)
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

/** Reads what {@link TraceWriter} wrote; throws `RangeError` where a trace ends too early. */
export class TraceReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  byte(): number {
    return this.#bytes[this.#take(1)]!
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8))
  }

  varint(): number {
    let value = 0
    for (let unit = 1; unit <= 2 ** 49; unit *= 0x80) {
      const byte = this.byte()
      value += (byte & 0x7f) * unit
      if (byte < 0x80) return value
    }
    throw new RangeError('trace: a number of more than 8 bytes')
  }

  /** A copy, so that nobody's buffer is handed to an endpoint. */
  chunk(): Bytes {
    const length = this.varint()
    const at = this.#take(length)
    return this.#bytes.slice(at, at + length)
  }

  #take(length: number): number {
    const at = this.#at
    if (!(at + length <= this.#bytes.length)) {
      throw new RangeError(`trace: ends at byte ${this.#bytes.length}, expected ${length} more from ${at}`)
    }
    this.#at = at + length
    return at
  }
}

/** JSON with the numbers and bytes that JSON lacks. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'number' && !Number.isFinite(item)) return { $number: String(item) }
    if (item instanceof Uint8Array) return { $bytes: [...item] }
    return item
  })
}

export function fromJson(text: string): unknown {
  return JSON.parse(text, (_key, item: unknown) => {
    if (typeof item !== 'object' || item === null) return item
    const { $number, $bytes } = item as { $number?: string; $bytes?: number[] }
    if ($number !== undefined) return Number($number)
    return $bytes === undefined ? item : Uint8Array.from($bytes)
  })
}
