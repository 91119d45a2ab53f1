/**
 * A sliding window of seen and unseen sequences: the newest `size` ones. Older ones count as seen and out of reach.
 * All operations are O(1) but a jump forward, which is O(min(jump, size)).
 */
export class BitWindow {
  readonly size: number
  readonly #words: Uint32Array
  readonly #mask: number
  /** Newest sequence marked; −1 before the first. */
  newest = -1

  /** `size` is a power of two of at least 32. */
  constructor(size: number) {
    if (size < 32 || (size & (size - 1)) !== 0)
      throw new RangeError(`window size: ${size}, expected a power of two from 32`)
    this.size = size
    this.#mask = size - 1
    this.#words = new Uint32Array(size >>> 5)
  }

  /** Oldest sequence that the window still holds, 0 or more. */
  get oldest(): number {
    return Math.max(0, this.newest - this.size + 1)
  }

  has(sequence: number): boolean {
    if (sequence > this.newest || sequence < this.oldest) return false
    const slot = sequence & this.#mask
    return (this.#words[slot >>> 5]! & (1 << (slot & 31))) !== 0
  }

  /** Whether all from `from` up to and without `to` are seen; at most 32 of them. */
  hasAll(from: number, to: number): boolean {
    if (to > this.newest + 1 || from < this.oldest) return false
    const count = to - from
    if (count <= 0) return true
    const slot = from & this.#mask
    const shift = slot & 31
    const low = this.#words[slot >>> 5]! >>> shift
    // The next word's bits come above those; a shift by 32 would be none.
    const high = shift === 0 ? 0 : this.#words[((slot >>> 5) + 1) & (this.#mask >>> 5)]! << (32 - shift)
    const wanted = -1 >>> (32 - count)
    return ((low | high) & wanted) === (wanted | 0)
  }

  /** Marks a sequence; one older than the window is ignored. */
  mark(sequence: number): void {
    if (sequence > this.newest) this.#advance(sequence)
    else if (sequence < this.oldest) return
    const slot = sequence & this.#mask
    this.#words[slot >>> 5]! |= 1 << (slot & 31)
  }

  #advance(sequence: number): void {
    if (sequence - this.newest >= this.size) {
      this.#words.fill(0)
    } else {
      for (let s = this.newest + 1; s <= sequence; s++) {
        const slot = s & this.#mask
        this.#words[slot >>> 5]! &= ~(1 << (slot & 31))
      }
    }
    this.newest = sequence
  }
}
