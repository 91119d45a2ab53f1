/** Interval assumed before the second tick, ms. */
const FIRST_INTERVAL_MS = 1000 / 60
/** Longest interval between ticks that is believed, ms; a longer pause is none. */
const MAX_INTERVAL_MS = 250
/** A poll this close to the last tick belongs to it, ms: the same flush. */
const SAME_TICK_MS = 1

/** The rhythm in which the game sends: told from the polls themselves, since nobody announces a tick. */
export class TickMeter {
  #lastAt: number = Number.NEGATIVE_INFINITY
  intervalMs: number = FIRST_INTERVAL_MS

  /** About when the next tick comes, ms. */
  get nextAt(): number {
    return this.#lastAt + this.intervalMs
  }

  /** Whether a poll at `now` is of the same flush as the last tick. */
  isWithin(now: number): boolean {
    return now - this.#lastAt < SAME_TICK_MS
  }

  /**
   * Whether a poll at `now` begins a tick: something was queued since the last one (`isFed`), or its time has come without.
   * Polls between ticks are the driver's, for what cannot wait.
   */
  isTick(now: number, isFed: boolean): boolean {
    const sinceMs = now - this.#lastAt
    if (sinceMs < SAME_TICK_MS) return false
    if (!isFed && sinceMs < 0.9 * this.intervalMs) return false
    this.#lastAt = now
    if (sinceMs <= MAX_INTERVAL_MS) this.intervalMs += (sinceMs - this.intervalMs) / 8
    return true
  }
}
