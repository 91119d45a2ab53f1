/** A double-ended queue in a power-of-two ring that doubles when full. Whoever owns one bounds its length. */
export class Fifo<T> {
  /** None before the first item: an endpoint has many queues that are never used. */
  #slots: (T | undefined)[] = []
  readonly #firstCapacity: number
  #head = 0
  #length = 0

  constructor(firstCapacity = 4) {
    this.#firstCapacity = firstCapacity
  }

  get length(): number {
    return this.#length
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow()
    this.#slots[(this.#head + this.#length++) & (this.#slots.length - 1)] = item
  }

  /** Puts an item before the first. */
  unshift(item: T): void {
    if (this.#length === this.#slots.length) this.#grow()
    this.#head = (this.#head - 1) & (this.#slots.length - 1)
    this.#slots[this.#head] = item
    this.#length++
  }

  /** Takes the first item. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#slots[this.#head]
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    this.#length--
    return item
  }

  /** The item at `index` from the front, 0 to length − 1. */
  at(index: number): T | undefined {
    return index < this.#length ? this.#slots[(this.#head + index) & (this.#slots.length - 1)] : undefined
  }

  /** Puts `item` at `index` from the front, 0 to length − 1, and returns what was there. */
  replace(index: number, item: T): T | undefined {
    const slot = (this.#head + index) & (this.#slots.length - 1)
    const old = this.#slots[slot]
    this.#slots[slot] = item
    return old
  }

  clear(): void {
    this.#slots.fill(undefined)
    this.#head = 0
    this.#length = 0
  }

  #grow(): void {
    const slots = new Array<T | undefined>(this.#slots.length * 2 || this.#firstCapacity).fill(undefined)
    for (let i = 0; i < this.#length; i++) slots[i] = this.at(i)
    this.#slots = slots
    this.#head = 0
  }
}
