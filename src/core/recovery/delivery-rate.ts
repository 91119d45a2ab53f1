/** Samples kept; at one each 5 ms more than half a second. A power of two. */
const SAMPLES = 128
const MASK = SAMPLES - 1
/** Time over which the rate is taken: this share of a round trip, but at least so many ms. */
const SPAN_SHARE = 0.25
const LEAST_SPAN_MS = 20
/** And at least so many times the jitter, which shifts both ends. */
const SPAN_NOISES = 8

/**
 * Bytes per second that arrive at the peer: bytes confirmed between two arrivals on the peer's clock, so that acks which come
 * in bursts do not matter. While a queue stands this is the rate of the path (the idea of BBR, Cardwell and others 2016).
 */
export class DeliveryRate {
  readonly #at = new Float64Array(SAMPLES)
  readonly #bytes = new Float64Array(SAMPLES)
  #count = 0
  #confirmed = 0
  /** When `update` was called; 0 while it is not known. */
  bytesPerSecond = 0

  /** So many more bytes are confirmed. */
  add(bytes: number): void {
    this.#confirmed += bytes
  }

  /** All that was confirmed had arrived at `arrivedAt`, ms on the peer's clock. */
  mark(arrivedAt: number): void {
    if (this.#count > 0 && arrivedAt <= this.#at[(this.#count - 1) & MASK]!) return
    const slot = this.#count++ & MASK
    this.#at[slot] = arrivedAt
    this.#bytes[slot] = this.#confirmed
  }

  /** Finds {@link bytesPerSecond} anew. */
  update(rttMs: number, noiseMs = 0): void {
    if (this.#count < 2) return
    const last = (this.#count - 1) & MASK
    const since = this.#at[last]! - Math.max(LEAST_SPAN_MS, SPAN_SHARE * rttMs, SPAN_NOISES * noiseMs)
    const oldest = Math.max(0, this.#count - SAMPLES)
    let first = this.#count - 2
    while (first > oldest && this.#at[first & MASK]! > since) first--
    const spanMs = this.#at[last]! - this.#at[first & MASK]!
    this.bytesPerSecond = ((this.#bytes[last]! - this.#bytes[first & MASK]!) * 1000) / spanMs
  }
}
