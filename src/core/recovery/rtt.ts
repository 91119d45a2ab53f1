/** Round trip assumed before the first sample, ms (RFC 9002 section 6.2.2 says 333; DTLS has just measured less). */
export const INITIAL_RTT_MS = 250
/** How long a minimum is believed, ms; it is kept in two buckets of this length. */
const MIN_BUCKET_MS = 10_000
/** Floor of the variance term of a timeout, ms: timers in a busy page are late by about a frame. */
const GRANULARITY_MS = 16

/** Smoothed round trip, its variation and its floor (RFC 6298 sections 2.2 and 2.3, samples without the peer's ack delay). */
export class RttEstimator {
  readonly #rtoMinMs: number
  readonly #rtoMaxMs: number
  samples = 0
  latestMs: number = Number.NaN
  smoothedMs: number = Number.NaN
  varianceMs: number = Number.NaN
  #bucketMinMs = Number.POSITIVE_INFINITY
  #previousMinMs = Number.POSITIVE_INFINITY
  #bucketEndsAt = Number.NEGATIVE_INFINITY

  /** Floor and ceiling of timeouts, ms. */
  constructor(rtoMinMs = 0, rtoMaxMs: number = Number.POSITIVE_INFINITY) {
    this.#rtoMinMs = rtoMinMs
    this.#rtoMaxMs = rtoMaxMs
  }

  /** Smallest sample of the last 10 to 20 s, ms; `NaN` before the first. */
  get minMs(): number {
    return this.samples === 0 ? Number.NaN : Math.min(this.#bucketMinMs, this.#previousMinMs)
  }

  /** Takes a round trip in ms, ack delay already removed. */
  observe(sampleMs: number, now: number): void {
    const sample = Math.max(0, sampleMs)
    this.latestMs = sample
    if (this.samples === 0) {
      this.smoothedMs = sample
      this.varianceMs = sample / 2
    } else {
      this.varianceMs += (Math.abs(sample - this.smoothedMs) - this.varianceMs) / 4
      this.smoothedMs += (sample - this.smoothedMs) / 8
    }
    this.samples++
    if (now >= this.#bucketEndsAt) {
      this.#previousMinMs = now - this.#bucketEndsAt < MIN_BUCKET_MS ? this.#bucketMinMs : Number.POSITIVE_INFINITY
      this.#bucketMinMs = sample
      this.#bucketEndsAt = now + MIN_BUCKET_MS
    } else if (sample < this.#bucketMinMs) {
      this.#bucketMinMs = sample
    }
  }

  /** The smoothed round trip, or the initial guess. */
  get expectedMs(): number {
    return this.samples === 0 ? INITIAL_RTT_MS : this.smoothedMs
  }

  /**
   * Retransmission timeout, ms (RFC 6298 sections 2.2 to 2.5, samples without the ack delay; before the first twice the guess):
   * smoothed + max(G, 4 · variance), with a floor and a ceiling.
   */
  get rtoMs(): number {
    const rto =
      this.samples === 0 ? 2 * INITIAL_RTT_MS : this.smoothedMs + Math.max(4 * this.varianceMs, GRANULARITY_MS)
    return Math.min(this.#rtoMaxMs, Math.max(this.#rtoMinMs, rto))
  }

  /**
   * How long the answer to a packet may take before we probe, ms (RFC 9002 section 6.2.1): the peer's ack delay included, doubled for
   * each probe without an answer (RFC 6298 section 5.5), and never above the ceiling.
   */
  probeMs(peerAckDelayMs: number, unanswered = 0): number {
    const patienceMs = this.samples === 0 ? this.rtoMs : this.rtoMs + peerAckDelayMs
    return Math.min(this.#rtoMaxMs, patienceMs * 2 ** unanswered)
  }
}
