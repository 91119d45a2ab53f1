import { ACK_WINDOW } from '../wire/layout.ts'

/** What was last delivered of a key. */
class KeyEntry {
  version = -1
  sequence = -1
  /** Packet at which it was forgotten; −1: it was not. */
  forgottenAt = -1
}

/** Packets between two searches for keys to forget, so that a full table costs little a packet. */
const PURGE_EVERY = 64

/**
 * The newest version delivered of each key. A key can be forgotten once its packet is older than the ack window. A message of it that
 * was never confirmed may then still be under way in newer packets, beside one that was refused for want of room: so its version
 * stays known for a window more, as one of at most `limit` that count no more.
 */
export class KeyTable {
  readonly #entries: Map<number, KeyEntry> = new Map()
  readonly #limit: number
  #forgotten = 0
  /** The key that was looked up last, and what was found: each delivery asks three times for the same. */
  #askedKey = Number.NaN
  #asked: KeyEntry | undefined
  #purgedAt = Number.NEGATIVE_INFINITY

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#entries.size - this.#forgotten
  }

  /** Newest version delivered of `key`, −1 for none. */
  versionOf(key: number): number {
    return this.#find(key)?.version ?? -1
  }

  /** Whether one more key would find room, forgetting old ones if need be. */
  hasRoomFor(key: number, sequence: number): boolean {
    if (this.size < this.#limit || this.#find(key)?.forgottenAt === -1) return true
    if (sequence < this.#purgedAt + PURGE_EVERY) return false
    this.#purgedAt = sequence
    this.#askedKey = Number.NaN
    for (const [other, entry] of this.#entries) {
      if (entry.forgottenAt >= 0) {
        if (entry.forgottenAt >= sequence - ACK_WINDOW) continue
        this.#entries.delete(other)
        this.#forgotten--
      } else if (entry.sequence < sequence - ACK_WINDOW && this.#forgotten < this.#limit) {
        entry.forgottenAt = sequence
        this.#forgotten++
      }
    }
    return this.size < this.#limit
  }

  /** Remembers a delivery. `sequence`: newest packet that spoke of the key. */
  set(key: number, version: number, sequence: number): void {
    let entry = this.#find(key)
    if (entry === undefined) {
      entry = new KeyEntry()
      this.#asked = entry
      this.#entries.set(key, entry)
    }
    entry.version = version
    if (entry.forgottenAt >= 0) {
      entry.forgottenAt = -1
      this.#forgotten--
    }
    if (sequence > entry.sequence) entry.sequence = sequence
  }

  #find(key: number): KeyEntry | undefined {
    if (key !== this.#askedKey) {
      this.#asked = this.#entries.get(key)
      this.#askedKey = key
    }
    return this.#asked
  }
}
