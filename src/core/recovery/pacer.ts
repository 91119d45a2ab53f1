/** A token bucket over bytes: how much may be sent now without exceeding a rate (RFC 3290 section 5.1.3). */
export class Pacer {
  readonly bytesPerSecond: number
  readonly #burstBytes: number
  #tokens: number
  #filledAt: number

  constructor(bytesPerSecond: number, burstBytes: number, now: number) {
    this.bytesPerSecond = bytesPerSecond
    this.#burstBytes = burstBytes
    this.#tokens = burstBytes
    this.#filledAt = now
  }

  /** Lets time pass. */
  refill(now: number): void {
    if (now <= this.#filledAt) return
    this.#tokens = Math.min(this.#burstBytes, this.#tokens + ((now - this.#filledAt) / 1000) * this.bytesPerSecond)
    this.#filledAt = now
  }

  /** Whether a packet may be sent now; a bucket in credit allows a whole one. */
  get isOpen(): boolean {
    return this.#tokens > 0
  }

  /** Instant at which it opens next. */
  get opensAt(): number {
    return this.holdsAt(0)
  }

  /** Bytes that may leave before it closes. */
  get tokens(): number {
    return this.#tokens
  }

  /** Instant at which it holds more than `bytes`, ms; `Infinity` when it never does. */
  holdsAt(bytes: number): number {
    if (this.#tokens > bytes) return this.#filledAt
    if (bytes >= this.#burstBytes) return Number.POSITIVE_INFINITY
    return this.#filledAt + ((bytes + 1 - this.#tokens) / this.bytesPerSecond) * 1000
  }

  /** Bytes by which the last packet overdrew it. */
  get debtBytes(): number {
    return Math.max(0, -this.#tokens)
  }

  spend(bytes: number): void {
    this.#tokens -= bytes
  }
}
