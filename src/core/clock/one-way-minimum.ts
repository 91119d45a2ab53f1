/** Length and number of the buckets that a minimum is kept in, ms: it is that of the last 2.5 to 3 s. */
const BUCKET_MS = 500
const BUCKETS = 6

/**
 * Smallest transit time of the last seconds in one direction, on two clocks that drift apart: sender's instant to receiver's. Queues
 * only ever add, so the smallest is nearest to the path itself (recovery by minima: Cristian 1989; Paxson 1998, "On Calibrating
 * Measurements of Packet Transit Times").
 */
export class OneWayMinimum {
  readonly #values: Float64Array = new Float64Array(BUCKETS).fill(Number.POSITIVE_INFINITY)
  readonly #ats: Float64Array = new Float64Array(BUCKETS)
  #bucket = Number.NEGATIVE_INFINITY
  /** What `observe` takes and what `find` found; fields, so that no number is boxed. */
  sampleMs: number = Number.NaN
  leastMs: number = Number.POSITIVE_INFINITY

  clear(): void {
    this.#values.fill(Number.POSITIVE_INFINITY)
  }

  /** Takes `sampleMs`, a transit time seen at `now`. Says whether the minimum may be another now. */
  observe(now: number): boolean {
    const bucket = Math.floor(now / BUCKET_MS)
    // Buckets that time has passed over are empty; after a long pause all are.
    for (let i = Math.max(this.#bucket + 1, bucket - BUCKETS + 1); i <= bucket; i++) {
      this.#values[index(i)] = Number.POSITIVE_INFINITY
    }
    this.#bucket = Math.max(this.#bucket, bucket)
    const at = index(bucket)
    if (this.sampleMs >= this.#values[at]!) return false
    this.#values[at] = this.sampleMs
    this.#ats[at] = now
    return true
  }

  /** Sets `leastMs` for `now`, `Infinity` without samples. `slope`: ms per ms by which the transit time grows as the clocks drift apart. */
  find(now: number, slope: number): void {
    this.leastMs = Number.POSITIVE_INFINITY
    for (let i = 0; i < BUCKETS; i++) {
      const value = this.#values[i]! + slope * (now - this.#ats[i]!)
      if (value < this.leastMs) this.leastMs = value
    }
  }
}

function index(bucket: number): number {
  return ((bucket % BUCKETS) + BUCKETS) % BUCKETS
}
