import type { Bytes } from '../bytes.ts'

/** Size of the small class: chat lines, inputs, most events. */
export const SMALL_BLOCK_BYTES = 128

/**
 * Blocks for outgoing bytes that wait to be sent or acknowledged: a small class and one of a whole fragment. Larger messages
 * get a buffer of their own. Nothing that leaves the core is ever pooled. Bounded: at most `limit` free blocks are kept of each class.
 */
export class BlockPool {
  readonly #small: Bytes[] = []
  readonly #large: Bytes[] = []
  readonly #largeBytes: number
  readonly #limit: number
  readonly #pooled: boolean
  /** Blocks allocated because none was free. */
  misses = 0
  /** Blocks dropped because enough were free. */
  discards = 0

  constructor(largeBytes: number, limit: number, pooled: boolean) {
    this.#largeBytes = largeBytes
    this.#limit = limit
    this.#pooled = pooled
  }

  /** Free blocks that are kept. */
  get free(): number {
    return this.#small.length + this.#large.length
  }

  /** A block of at least `length` bytes, with whatever it held before. */
  take(length: number): Bytes {
    const free = length <= SMALL_BLOCK_BYTES ? this.#small : length <= this.#largeBytes ? this.#large : undefined
    const block = free?.pop()
    if (block !== undefined) return block
    this.misses++
    if (!this.#pooled || free === undefined) return new Uint8Array(length)
    return new Uint8Array(free === this.#small ? SMALL_BLOCK_BYTES : this.#largeBytes)
  }

  /** Takes a block back. The caller must hold no view on it. */
  give(block: Bytes): void {
    if (!this.#pooled) return
    const free =
      block.length === SMALL_BLOCK_BYTES ? this.#small : block.length === this.#largeBytes ? this.#large : undefined
    if (free === undefined) return
    if (free.length < this.#limit) free.push(block)
    else this.discards++
  }
}
