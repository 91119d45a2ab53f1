import type { Bytes } from '../core/bytes.ts'

/**
 * Reads what {@link BitWriter} wrote, from bytes that may be hostile. Like the core's reader it never throws: reading past the
 * end makes it fail for good, and every further read gives 0. Ask `failed` once, at the end.
 */
export class BitReader {
  #bytes: Uint8Array = new Uint8Array(0)
  /** Place of the next bit. */
  #at = 0
  #end = 0
  failed = false

  /** Starts over at the front of `bytes`. */
  reset(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.#at = 0
    this.#end = bytes.length * 8
    this.failed = false
  }

  /** Bits that are left. */
  get remaining(): number {
    return this.#end - this.#at
  }

  /** Whether all was read, but for less than a byte of zeros. */
  get isSpent(): boolean {
    const left = this.#end - this.#at
    return !this.failed && left < 8 && (left === 0 || this.#bytes[this.#at >>> 3]! >>> (this.#at & 7) === 0)
  }

  /** An unsigned integer of `count` bits, 0 to 53. */
  bits(count: number): number {
    if (count > this.#end - this.#at) this.failed = true
    if (this.failed) return 0
    if (count <= 24) return this.#small(count)
    const low = this.#small(24)
    if (count <= 48) return this.#small(count - 24) * 0x1000000 + low
    const middle = this.#small(24)
    return (this.#small(count - 48) * 0x1000000 + middle) * 0x1000000 + low
  }

  bit(): boolean {
    return this.bits(1) === 1
  }

  /** A copy of the next `count` bytes. */
  bytes(count: number): Bytes {
    if (count * 8 > this.#end - this.#at) this.failed = true
    if (this.failed) return new Uint8Array(0)
    const copy = new Uint8Array(count)
    if ((this.#at & 7) === 0) {
      const from = this.#at >>> 3
      copy.set(this.#bytes.subarray(from, from + count))
      this.#at += count * 8
    } else {
      for (let i = 0; i < count; i++) copy[i] = this.#small(8)
    }
    return copy
  }

  /** Marks the bytes as not of this schema. */
  fail(): void {
    this.failed = true
  }

  /** At most 24 bits, which are there: they lie in four bytes. */
  #small(count: number): number {
    const bytes = this.#bytes
    const byte = this.#at >>> 3
    const shift = this.#at & 7
    let word = bytes[byte]! >>> shift
    for (let got = 8 - shift, i = byte + 1; got < count; got += 8, i++) word |= bytes[i]! << got
    this.#at += count
    return word & ((1 << count) - 1)
  }
}
