import type { OutgoingMessage } from '../channel/outgoing.ts'

/** What one packet carried: parts of messages. Grows to what a packet can hold and is then reused as it is. */
export class Manifest {
  readonly #messages: OutgoingMessage[] = []
  readonly #generations: number[] = []
  readonly #fragments: number[] = []
  length = 0

  /** `fragment`: index, or −1 for a whole message or its skip. */
  push(message: OutgoingMessage, fragment: number): void {
    const at = this.length++
    this.#messages[at] = message
    this.#generations[at] = message.generation
    this.#fragments[at] = fragment
  }

  clear(): void {
    this.length = 0
  }

  /** The message of entry `index`, or `undefined` if its record has been reused for another since. */
  messageAt(index: number): OutgoingMessage | undefined {
    const message = this.#messages[index]!
    return message.generation === this.#generations[index] ? message : undefined
  }

  fragmentAt(index: number): number {
    return this.#fragments[index]!
  }
}
