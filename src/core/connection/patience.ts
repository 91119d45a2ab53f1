import type { AwayEvent, BackEvent } from '../events.ts'

/** How long silence lasts, how much of it is borne, and whether the path counts as gone. */
export class Patience {
  readonly #timeoutMs: number
  readonly #awayMs: number
  #heardAt: number
  #awayAt: number | undefined

  constructor(timeoutMs: number, awayMs: number, now: number) {
    this.#timeoutMs = timeoutMs
    this.#awayMs = awayMs
    this.#heardAt = now
  }

  get isAway(): boolean {
    return this.#awayAt !== undefined
  }

  /** Instant at which silence has lasted too long, ms. */
  get endsAt(): number {
    return this.#awayAt === undefined ? this.#heardAt + this.#timeoutMs : this.#awayAt + this.#awayMs
  }

  silentMs(now: number): number {
    return now - this.#heardAt
  }

  /** The path has gone; `undefined` if it had before, or if there is no time to be away. */
  leave(now: number): AwayEvent | undefined {
    if (this.isAway || this.#awayMs === 0) return undefined
    this.#awayAt = now
    return { type: 'away', silentMs: this.silentMs(now) }
  }

  /** Something was heard; the event if the path had gone. */
  hear(now: number): BackEvent | undefined {
    this.#heardAt = now
    if (this.#awayAt === undefined) return undefined
    const awayMs = now - this.#awayAt
    this.#awayAt = undefined
    return { type: 'back', awayMs }
  }
}
