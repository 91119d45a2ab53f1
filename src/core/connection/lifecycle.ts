import type { ConnectionState } from '../events.ts'

/** Every legal move; STATES.md draws it. */
export const TRANSITIONS: Readonly<Record<ConnectionState, readonly ConnectionState[]>> = {
  connecting: ['open', 'closed'],
  open: ['closing', 'closed'],
  closing: ['closed'],
  closed: [],
}

/** The state of a connection, which only moves along {@link TRANSITIONS}. */
export class Lifecycle {
  #state: ConnectionState = 'connecting'

  get state(): ConnectionState {
    return this.#state
  }

  /** Moves on; an illegal move is our bug and throws. */
  move(to: ConnectionState): void {
    if (!TRANSITIONS[this.#state].includes(to)) throw new Error(`illegal move: ${this.#state} to ${to}`)
    this.#state = to
  }
}
