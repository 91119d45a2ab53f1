import { ACK_FULL_SPAN, ACK_WINDOW, GROUP_SPAN, MAX_GROUPS } from './layout.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/**
 * Ack groups: which packets before `ack` were heard, seven to a group, runs of equal groups folded (WIRE.md section 3).
 * A word-aligned hybrid run-length code, so that both a random pattern and a gap of 500 packets stay small.
 */

const GROUP_ONES = 0x7f
const RUN = 0x80
const RUN_OF_ONES = 0xc0
const RUN_MAX = 64

/** Says whether a packet was heard; asked for sequences of 0 and more. */
export interface HeardSet {
  has(sequence: number): boolean
}

function groupAt(heard: HeardSet, newest: number): number {
  let bits = 0
  for (let i = 0; i < GROUP_SPAN; i++) {
    const sequence = newest - i
    bits = (bits << 1) | (sequence < 0 || heard.has(sequence) ? 1 : 0)
  }
  return bits
}

/** A reusable encoder: `encode` fills it, `write` puts it down. */
export class AckGroupEncoder {
  readonly #bytes = new Uint8Array(MAX_GROUPS)
  #length = 0
  /** Whether `encode` had to leave out the oldest packets. */
  trimmed = false

  /** Bytes that {@link write} will write, the count included. */
  get bytes(): number {
    return 1 + this.#length
  }

  /** Describes the packets from `ack − 1` back to `floor`, in at most `maxBytes` bytes. */
  encode(heard: HeardSet, ack: number, floor: number, maxBytes: number): void {
    const oldest = Math.max(floor, ack - ACK_WINDOW, 0)
    const limit = Math.min(maxBytes, MAX_GROUPS)
    let length = 0
    let full = false
    for (let newest = ack - 1; newest >= oldest; newest -= GROUP_SPAN) {
      const bits = groupAt(heard, newest)
      if (bits !== 0 && bits !== GROUP_ONES) {
        if (length === limit) {
          full = true
          break
        }
        this.#bytes[length++] = bits
        continue
      }
      const head = bits === 0 ? RUN : RUN_OF_ONES
      const last = length > 0 ? this.#bytes[length - 1]! : 0
      if ((last & 0xc0) === head && (last & 0x3f) < RUN_MAX - 1) {
        this.#bytes[length - 1] = last + 1
      } else if (length < limit) {
        this.#bytes[length++] = head
      } else {
        full = true
        break
      }
    }
    while (length > 0 && (this.#bytes[length - 1]! & 0xc0) === RUN) length--
    this.#length = length
    this.trimmed = full
  }

  write(writer: Writer): void {
    writer.u8(this.#length)
    writer.front(this.#bytes, this.#length)
  }
}

/** The decoded field: bit i of `words` tells about packet `ack − 1 − i`. */
export class AckBits {
  readonly #words = new Uint32Array(Math.ceil((MAX_GROUPS * GROUP_SPAN) / 32) + 1)
  /** Packets described. */
  span = 0

  /** Whether packet `ack − 1 − index` was heard, as far as this field says. */
  has(index: number): boolean {
    return index < this.span && (this.#words[index >>> 5]! & (1 << (index & 31))) !== 0
  }

  clear(): void {
    this.#words.fill(0, 0, (this.span >>> 5) + 1)
    this.span = 0
  }

  setFull(): void {
    this.clear()
    this.#words[0] = 0xffffffff
    this.span = ACK_FULL_SPAN
  }

  /** Reads groups; fails the reader if they are not the one right encoding. */
  read(reader: Reader): void {
    this.clear()
    const length = reader.u8()
    if (length > MAX_GROUPS || length > reader.remaining) {
      reader.fail()
      return
    }
    let groups = 0
    let previous = 0
    for (let i = 0; i < length; i++) {
      const byte = reader.u8()
      const isRun = byte >= RUN
      const count = isRun ? (byte & 0x3f) + 1 : 1
      groups += count
      const isSplit = isRun && previous >= RUN && (previous & 0xc0) === (byte & 0xc0) && (previous & 0x3f) < RUN_MAX - 1
      if (groups > MAX_GROUPS || isSplit || byte === 0 || byte === GROUP_ONES) {
        reader.fail()
        return
      }
      const bits = isRun ? (byte >= RUN_OF_ONES ? GROUP_ONES : 0) : byte
      for (let g = 0; g < count; g++) this.#append(bits)
      previous = byte
    }
    if (length > 0 && (previous & 0xc0) === RUN) reader.fail()
  }

  #append(bits: number): void {
    for (let i = GROUP_SPAN - 1; i >= 0; i--) {
      const index = this.span++
      if ((bits & (1 << i)) !== 0) this.#words[index >>> 5]! |= 1 << (index & 31)
    }
  }
}
