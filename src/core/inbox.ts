import { Fifo } from './container/fifo.ts'
import type { EndpointEvent } from './events.ts'

/** Verdicts may pile up to this many times `maxEvents` before the connection ends with `overflow`. */
const OVERFLOW_FACTOR = 16

/** Events that wait for the game, in order and bounded. */
export class Inbox {
  readonly #events: Fifo<EndpointEvent> = new Fifo(64)
  readonly #maxEvents: number
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxEvents: number, maxBytes: number) {
    this.#maxEvents = maxEvents
    this.#maxBytes = maxBytes
  }

  /** Whether messages may be taken; when not, packets with messages are refused and reliable ones come again. */
  get hasRoom(): boolean {
    return this.#events.length < this.#maxEvents && this.#bytes < this.#maxBytes
  }

  /** Events at which the connection ends. */
  get limit(): number {
    return this.#maxEvents * OVERFLOW_FACTOR
  }

  get isOverflowing(): boolean {
    return this.#events.length >= this.limit
  }

  push(event: EndpointEvent): void {
    if (event.type === 'message') this.#bytes += event.payload.length
    this.#events.push(event)
  }

  poll(): EndpointEvent | undefined {
    const event = this.#events.shift()
    if (event !== undefined && event.type === 'message') this.#bytes -= event.payload.length
    return event
  }
}
