/** The server's clock, as well as asking for it tells: half of the shortest round trip is what it may be wrong by. */

/** Questions at the start, and later at this distance, ms. */
const FIRST_QUESTIONS = 8
const ASK_EVERY_MS = 15_000
/** An answer counts for this long, ms: clocks drift. */
const TRUST_MS = 60_000

interface Answer {
  readonly at: number
  readonly roundTripMs: number
  readonly offsetMs: number
}

export class ServerClock {
  readonly #ask: () => Promise<number>
  #answers: Answer[] = []
  #offsetMs = Number.NaN

  constructor(ask: () => Promise<number>) {
    this.#ask = ask
    void this.#begin()
    setInterval(() => void this.sync(), ASK_EVERY_MS)
  }

  /** Instant on the server's clock, ms; `NaN` before the first answer. */
  now(): number {
    return performance.now() + this.#offsetMs
  }

  /** Asks once more: after a new connection the server may be another. */
  async sync(): Promise<void> {
    const askedAt = performance.now()
    try {
      const theirs = await this.#ask()
      const at = performance.now()
      const roundTripMs = at - askedAt
      const offsetMs = theirs - (askedAt + at) / 2
      if (!Number.isFinite(offsetMs)) return
      // Another clock altogether: a restarted server, or this machine has slept.
      const best = this.#best
      if (best && Math.abs(best.offsetMs - offsetMs) > best.roundTripMs + roundTripMs + 50) this.#answers = []
      this.#answers = this.#answers.filter((answer) => answer.at > at - TRUST_MS)
      this.#answers.push({ at, roundTripMs, offsetMs })
      this.#offsetMs = this.#best?.offsetMs ?? offsetMs
    } catch {
      // Away; the next question may find it.
    }
  }

  get #best(): Answer | undefined {
    return this.#answers.reduce<Answer | undefined>(
      (best, answer) => (best && best.roundTripMs <= answer.roundTripMs ? best : answer),
      undefined,
    )
  }

  async #begin(): Promise<void> {
    for (let i = 0; i < FIRST_QUESTIONS; i++) await this.sync()
  }
}
