/** Empty places that are kept at least: a key that is sent each tick finds its own again. */
const KEPT = 64

/** The place of one key. */
export class KeySlot<T> {
  readonly key: number
  value: T | undefined = undefined

  constructor(key: number) {
    this.key = key
  }
}

/**
 * At most one value for each key. Whoever puts one in keeps its place, and needs no look-up to take it out; the place outlives the
 * value, so that a key that comes again costs one look-up and nothing new. Of places without a value there are never more than of those
 * with one, and {@link KEPT}.
 */
export class KeySlots<T> {
  readonly #slots: Map<number, KeySlot<T>> = new Map()
  #size = 0

  /** Values held. */
  get size(): number {
    return this.#size
  }

  /** The place of `key`, made if there is none. It stays its place while it holds a value. */
  slotOf(key: number): KeySlot<T> {
    const known = this.#slots.get(key)
    if (known !== undefined) return known
    if (this.#slots.size > 2 * this.#size + KEPT) this.#sweep()
    const slot = new KeySlot<T>(key)
    this.#slots.set(key, slot)
    return slot
  }

  /** Puts a value into a place that {@link slotOf} has just given. */
  put(slot: KeySlot<T>, value: T): void {
    if (slot.value === undefined) this.#size++
    slot.value = value
  }

  /** Takes `value` out, unless another has followed it there; says whether it was there. */
  take(slot: KeySlot<T>, value: T): boolean {
    if (slot.value !== value) return false
    slot.value = undefined
    this.#size--
    return true
  }

  /** Visits every value. Those may be taken out meanwhile, and others put in their places. */
  forEach(visit: (value: T) => void): void {
    for (const { value } of this.#slots.values()) if (value !== undefined) visit(value)
  }

  clear(): void {
    this.#slots.clear()
    this.#size = 0
  }

  #sweep(): void {
    for (const [key, slot] of this.#slots) if (slot.value === undefined) this.#slots.delete(key)
  }
}
