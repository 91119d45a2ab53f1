import type { OutgoingMessage } from '../channel/outgoing.ts'

/** Entries to begin with. A power of two. */
const FIRST_ENTRIES = 32

/**
 * What the packets whose fate is open carried: parts of messages, those of one packet behind those of the one before. Entries are
 * numbered on and on; a packet remembers its first and the one after its last. One ring for all, since few packets are open at a time.
 */
export class Manifests {
  /** Its length is a power of two, and doubles when all of it is in use. */
  #messages: (OutgoingMessage | undefined)[] = new Array<undefined>(FIRST_ENTRIES).fill(undefined)
  #generations = new Uint32Array(FIRST_ENTRIES)
  #fragments = new Int32Array(FIRST_ENTRIES)
  /** Oldest entry that may be asked for. */
  #oldest = 0
  /** Number of the next entry. */
  end = 0

  /** `fragment`: index, or −1 for a whole message or its skip. */
  push(message: OutgoingMessage, fragment: number): void {
    if (this.end - this.#oldest === this.#messages.length) this.#grow()
    const slot = this.end++ & (this.#messages.length - 1)
    this.#messages[slot] = message
    this.#generations[slot] = message.generation
    this.#fragments[slot] = fragment
  }

  /** Nobody will ask for entries before this one. */
  forget(entry: number): void {
    this.#oldest = entry
  }

  /** The message of an entry, or `undefined` if its record has been reused for another since. */
  messageAt(entry: number): OutgoingMessage | undefined {
    const slot = entry & (this.#messages.length - 1)
    const message = this.#messages[slot]!
    return message.generation === this.#generations[slot] ? message : undefined
  }

  fragmentAt(entry: number): number {
    return this.#fragments[entry & (this.#messages.length - 1)]!
  }

  #grow(): void {
    const from = this.#messages.length - 1
    const to = 2 * this.#messages.length - 1
    const messages = new Array<OutgoingMessage | undefined>(to + 1).fill(undefined)
    const generations = new Uint32Array(to + 1)
    const fragments = new Int32Array(to + 1)
    for (let entry = this.#oldest; entry < this.end; entry++) {
      messages[entry & to] = this.#messages[entry & from]
      generations[entry & to] = this.#generations[entry & from]!
      fragments[entry & to] = this.#fragments[entry & from]!
    }
    this.#messages = messages
    this.#generations = generations
    this.#fragments = fragments
  }
}
