import { type Bytes, EMPTY } from '../bytes.ts'
import { VARINT_2, VARINT_3, VARINT_5 } from './varint.ts'

/**
 * A cursor over a hostile packet. It never throws: reading past the end, or a varint that is not the shortest, makes it fail
 * for good and every further read returns 0. Ask `failed` once, at the end of a structure: a peer cannot choose a slow path.
 */
export class Reader {
  #bytes: Bytes = EMPTY
  #buffer: ArrayBuffer = EMPTY.buffer
  #offset = 0
  #at = 0
  #end = 0
  failed = false

  /** Starts over at the front of `bytes`. */
  reset(bytes: Bytes): void {
    this.#bytes = bytes
    this.#buffer = bytes.buffer
    this.#offset = bytes.byteOffset
    this.#at = 0
    this.#end = bytes.length
    this.failed = false
  }

  get remaining(): number {
    return this.#end - this.#at
  }

  /** Offset of the next byte. */
  get position(): number {
    return this.#at
  }

  u8(): number {
    return this.#take(1) ? this.#bytes[this.#at - 1]! : 0
  }

  u16(): number {
    if (!this.#take(2)) return 0
    const at = this.#at
    return (this.#bytes[at - 2]! << 8) | this.#bytes[at - 1]!
  }

  u24(): number {
    if (!this.#take(3)) return 0
    const at = this.#at
    return (this.#bytes[at - 3]! << 16) | (this.#bytes[at - 2]! << 8) | this.#bytes[at - 1]!
  }

  u32(): number {
    return this.u16() * 0x10000 + this.u16()
  }

  varint(): number {
    const first = this.u8()
    if (first < VARINT_2) return first
    if (first < 240) return VARINT_2 + ((first - 224) << 8) + this.u8()
    if (first < 248) return VARINT_3 + ((first - 240) << 16) + this.u16()
    const value = this.u32()
    if (first !== 248 || value < VARINT_5) this.failed = true
    return this.failed ? 0 : value
  }

  /** The next `count` bytes, as a view into the packet. */
  view(count: number): Bytes {
    if (!this.#take(count)) return EMPTY
    return new Uint8Array(this.#buffer, this.#offset + this.#at - count, count)
  }

  skip(count: number): void {
    this.#take(count)
  }

  /** Marks the packet as not our language. */
  fail(): void {
    this.failed = true
  }

  #take(count: number): boolean {
    if (this.failed || count > this.#end - this.#at) {
      this.failed = true
      return false
    }
    this.#at += count
    return true
  }
}
