import type { SctpOptions } from './options.ts'

/** T3 and the round trip it is made from (RFC 9260 section 6.3, RFC 6298). */
export class RetransmissionTimer {
  readonly #options: SctpOptions
  #isMeasured = false
  srttMs: number = Number.NaN
  #varianceMs = 0
  #rtoMs: number
  #doublings = 0
  /** Instant at which it runs out, ms; `Infinity` while it is stopped. */
  at: number = Number.POSITIVE_INFINITY

  constructor(options: SctpOptions) {
    this.#options = options
    this.#rtoMs = options.rtoInitialMs
  }

  /** Time that it would run for now, ms. */
  get rtoMs(): number {
    return Math.min(this.#options.rtoMaxMs, this.#rtoMs * 2 ** this.#doublings)
  }

  /** The usual round trip and its spread, ms; chunks younger than this are not given up when it runs out. */
  get expectedMs(): number {
    return this.#isMeasured ? this.srttMs + 4 * this.#varianceMs : 0
  }

  observe(rttMs: number): void {
    if (this.#isMeasured) {
      this.#varianceMs += (Math.abs(rttMs - this.srttMs) - this.#varianceMs) / 4
      this.srttMs += (rttMs - this.srttMs) / 8
    } else {
      this.#isMeasured = true
      this.srttMs = rttMs
      this.#varianceMs = rttMs / 2
    }
    const { rtoMinMs, rtoMaxMs, varianceFloorMs, keepsBackoff } = this.#options
    const rtoMs = this.srttMs + Math.max(varianceFloorMs, 4 * this.#varianceMs)
    this.#rtoMs = Math.min(rtoMaxMs, Math.max(rtoMinMs, rtoMs))
    if (keepsBackoff) this.#doublings = 0
  }

  start(now: number): void {
    if (this.at === Number.POSITIVE_INFINITY) this.at = now + this.rtoMs
  }

  stop(): void {
    this.at = Number.POSITIVE_INFINITY
    if (!this.#options.keepsBackoff) this.#doublings = 0
  }

  /** It has run out: it is backed off and runs again. */
  backOff(now: number): void {
    this.#doublings = Math.min(16, this.#doublings + 1)
    this.at = now + this.rtoMs
  }
}
