import type { Bytes } from '../core/bytes.ts'

/** Bytes that a fresh writer has room for; it doubles as it grows. */
const FIRST_BYTES = 256

/**
 * Packs numbers of 0 to 53 bits one after another, the least significant bit first, into a buffer that grows. The last byte is
 * filled up with zeros. What is written must fit: schemas check before they write.
 */
export class BitWriter {
  #bytes: Bytes = new Uint8Array(FIRST_BYTES)
  #at = 0
  /** Bits that do not make a byte yet, and how many: 0 to 7. */
  #rest = 0
  #filled = 0

  /** Starts over. */
  reset(): void {
    this.#at = 0
    this.#rest = 0
    this.#filled = 0
  }

  /** Bits written so far. */
  get length(): number {
    return this.#at * 8 + this.#filled
  }

  /** Writes the low `count` bits of `value`, an unsigned integer below 2^count; `count` is 0 to 53. */
  bits(value: number, count: number): void {
    if (count > 24) {
      this.#small(value & 0xffffff, 24)
      this.bits(Math.floor(value / 0x1000000), count - 24)
    } else {
      this.#small(value, count)
    }
  }

  bit(value: boolean): void {
    this.#small(value ? 1 : 0, 1)
  }

  bytes(source: Uint8Array): void {
    this.#reserve(source.length + 1)
    if (this.#filled === 0) {
      this.#bytes.set(source, this.#at)
      this.#at += source.length
      return
    }
    for (let i = 0; i < source.length; i++) this.#small(source[i]!, 8)
  }

  /** A fresh copy of what was written. */
  finish(): Bytes {
    this.#reserve(1)
    if (this.#filled > 0) this.#bytes[this.#at] = this.#rest
    return this.#bytes.slice(0, this.#at + (this.#filled > 0 ? 1 : 0))
  }

  /** At most 24 bits: with up to 7 that wait, they fit into 31. */
  #small(value: number, count: number): void {
    let rest = this.#rest | (value << this.#filled)
    let filled = this.#filled + count
    if (filled >= 8) {
      this.#reserve(4)
      const bytes = this.#bytes
      while (filled >= 8) {
        bytes[this.#at++] = rest
        rest >>>= 8
        filled -= 8
      }
    }
    this.#rest = rest
    this.#filled = filled
  }

  #reserve(count: number): void {
    if (this.#at + count <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + count))
    larger.set(this.#bytes)
    this.#bytes = larger
  }
}
