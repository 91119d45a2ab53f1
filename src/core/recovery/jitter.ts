/** Interarrival jitter (RFC 3550 section 6.4.1): smoothed variation of the one-way delay, whatever the clocks' offset. */
export class JitterMeter {
  #lastTransitMs: number = Number.NaN
  #jitterMs: number = Number.NaN

  /** ms; `NaN` before two packets. */
  get jitterMs(): number {
    return this.#jitterMs
  }

  /** `timestamp`: sender's clock, 16 bits of 0.25 ms; `arrivedAt`: ours, ms. */
  observe(timestamp: number, arrivedAt: number): void {
    const transit = arrivedAt - timestamp / 4
    if (!Number.isNaN(this.#lastTransitMs)) {
      // The timestamp wraps each 16,384 ms: the nearest difference is the right one.
      const raw = transit - this.#lastTransitMs
      const difference = Math.abs(raw - Math.round(raw / 16_384) * 16_384)
      if (Number.isNaN(this.#jitterMs)) this.#jitterMs = difference
      else this.#jitterMs += (difference - this.#jitterMs) / 16
    }
    this.#lastTransitMs = transit
  }
}
