/** Samples kept; at one each 5 ms more than half a second. A power of two. */
const SAMPLES = 128
const MASK = SAMPLES - 1
/** How long a smallest transit time is believed, ms; it is kept in two buckets. Drift of 50 ppm moves it by 0.5 ms. */
const BASE_BUCKET_MS = 5000
/** Timestamps are 16 bits of 0.25 ms. */
const TIMESTAMP_WRAP_MS = 16_384
/** The smallest of the samples of this share of a round trip, but at least of so many ms: a burst is no standing queue. */
const SPAN_SHARE = 0.125
const LEAST_SPAN_MS = 10
/** And of so many times the noise: with jitter the smallest of five samples is near what none of them had. */
const SPAN_NOISES = 5
/** Gain of the noise (RFC 3550 section 6.4.1). */
const NOISE_GAIN = 1 / 16

/**
 * Queue that stands in our direction of the path, as the sender sees it: each ack tells by its timestamp and its ack delay when
 * the packet arrived on the peer's clock, and how much later that is than at best is what queues add. The clocks' offset falls
 * out; so does everything that happens to the acks. No byte on the wire is spent on it.
 */
export class StandingQueue {
  readonly #at = new Float64Array(SAMPLES)
  readonly #transit = new Float64Array(SAMPLES)
  #count = 0
  #lastTransitMs: number = Number.NaN
  #bucketMinMs = Number.POSITIVE_INFINITY
  #previousMinMs = Number.POSITIVE_INFINITY
  #bucketEndsAt = Number.NEGATIVE_INFINITY
  /** Instant of the last arrival on the peer's clock, ms, not cut. */
  arrivedAt: number = Number.NaN
  /** ms; `NaN` before the first sample. The smallest of the last eighth of a round trip when `update` was called. */
  queueMs: number = Number.NaN

  /**
   * A packet sent at `sentAt` arrived at `arrivedAt`, ms on the peer's clock, cut to its low 16,384. `isHeld`: it did not leave at
   * `sentAt` but waited below us, so that it tells nothing of the path's queue, and no more than when it arrived.
   */
  observe(sentAt: number, arrivedAt: number, now: number, isHeld = false): void {
    const raw = arrivedAt - sentAt
    const previous = this.#lastTransitMs
    // The nearest candidate: a transit time does not jump by eight seconds.
    const transit = Number.isNaN(previous)
      ? raw
      : raw - Math.round((raw - previous) / TIMESTAMP_WRAP_MS) * TIMESTAMP_WRAP_MS
    this.arrivedAt = sentAt + transit
    if (isHeld) return
    if (!Number.isNaN(previous)) this.noiseMs += (Math.abs(transit - previous) - this.noiseMs) * NOISE_GAIN
    this.#lastTransitMs = transit
    if (now >= this.#bucketEndsAt) {
      this.#previousMinMs = now - this.#bucketEndsAt < BASE_BUCKET_MS ? this.#bucketMinMs : Number.POSITIVE_INFINITY
      this.#bucketMinMs = transit
      this.#bucketEndsAt = now + BASE_BUCKET_MS
    } else if (transit < this.#bucketMinMs) {
      this.#bucketMinMs = transit
    }
    const slot = this.#count++ & MASK
    this.#at[slot] = now
    this.#transit[slot] = transit
  }

  /** Mean difference between the transit times of two samples in turn, ms: what is jitter rather than queue. */
  noiseMs = 0

  /** Finds {@link queueMs} anew. */
  update(now: number, rttMs: number): void {
    if (this.#count === 0) return
    const since = now - Math.max(LEAST_SPAN_MS, SPAN_SHARE * rttMs, SPAN_NOISES * this.noiseMs)
    let least = Number.POSITIVE_INFINITY
    const oldest = Math.max(0, this.#count - SAMPLES)
    for (let i = this.#count - 1; i >= oldest; i--) {
      const slot = i & MASK
      if (this.#at[slot]! < since && least < Number.POSITIVE_INFINITY) break
      if (this.#transit[slot]! < least) least = this.#transit[slot]!
    }
    this.queueMs = Math.max(0, least - Math.min(this.#bucketMinMs, this.#previousMinMs))
  }
}
