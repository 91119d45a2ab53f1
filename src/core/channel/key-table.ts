import { ACK_WINDOW } from '../wire/layout.ts'

/** What was last delivered of a key. */
class KeyEntry {
  version = -1
  sequence = -1
}

/** Packets between two searches for keys to forget, so that a full table costs little a packet. */
const PURGE_EVERY = 64

/**
 * The newest version delivered of each key. A key can be forgotten once its packet is older than the ack window: whatever
 * could contradict it would be stale. Bounded by `limit`.
 */
export class KeyTable {
  readonly #entries: Map<number, KeyEntry> = new Map()
  readonly #limit: number
  #purgedAt = Number.NEGATIVE_INFINITY

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#entries.size
  }

  /** Newest version delivered of `key`, −1 for none. */
  versionOf(key: number): number {
    return this.#entries.get(key)?.version ?? -1
  }

  /** Whether one more key would find room, forgetting old ones if need be. */
  hasRoomFor(key: number, sequence: number): boolean {
    if (this.#entries.size < this.#limit || this.#entries.has(key)) return true
    if (sequence < this.#purgedAt + PURGE_EVERY) return false
    this.#purgedAt = sequence
    for (const [other, entry] of this.#entries) {
      if (entry.sequence < sequence - ACK_WINDOW) this.#entries.delete(other)
    }
    return this.#entries.size < this.#limit
  }

  /** Remembers a delivery. `sequence`: newest packet that spoke of the key. */
  set(key: number, version: number, sequence: number): void {
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      entry = new KeyEntry()
      this.#entries.set(key, entry)
    }
    entry.version = version
    if (sequence > entry.sequence) entry.sequence = sequence
  }
}
