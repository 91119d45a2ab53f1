/** What a {@link Heap} sorts by: the instant, then the order of insertion. */
export interface Due {
  /** Instant, ms. */
  at: number
  /** Growing with each insertion, so that equal instants keep their order. */
  order: number
}

/** A binary heap: the earliest item first, equal instants in the order of insertion. */
export class Heap<T extends Due> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  /** The earliest item, which stays. */
  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let at = items.length
    items.push(item)
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = items[parentAt]!
      if (!isBefore(item, parent)) break
      items[at] = parent
      at = parentAt
    }
    items[at] = item
  }

  /** The earliest item, taken out. */
  pop(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (first === undefined || last === undefined || items.length === 0) return first
    const size = items.length
    let at = 0
    for (;;) {
      let childAt = 2 * at + 1
      if (childAt >= size) break
      if (childAt + 1 < size && isBefore(items[childAt + 1]!, items[childAt]!)) childAt++
      const child = items[childAt]!
      if (!isBefore(child, last)) break
      items[at] = child
      at = childAt
    }
    items[at] = last
    return first
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
