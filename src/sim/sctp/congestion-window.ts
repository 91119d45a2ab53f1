import type { SctpOptions } from './options.ts'

/** Congestion window of an association (RFC 9260 section 7.2), with what stacks do differently. */
export class CongestionWindow {
  readonly #options: SctpOptions
  bytes: number
  ssthreshBytes: number = Number.POSITIVE_INFINITY
  #partialBytes = 0
  /** TSN whose cumulative ack ends fast recovery; −1 outside of it. */
  #exitTsn = -1

  constructor(options: SctpOptions) {
    this.#options = options
    this.bytes = options.initialWindowMtus * options.mtuBytes
  }

  get isInRecovery(): boolean {
    return this.#exitTsn >= 0
  }

  /** The cumulative ack has moved to `tsn`: recovery may be over. */
  leaveRecovery(tsn: number): void {
    if (tsn >= this.#exitTsn) this.#exitTsn = -1
  }

  /** The cumulative ack has moved, and `ackedBytes` are new; `flightBytes` were under way before that. */
  onAdvance(ackedBytes: number, flightBytes: number): void {
    const { mtuBytes, slowStartMtus, unusedMtus, growsInRecovery } = this.#options
    const isFull = flightBytes + unusedMtus * mtuBytes >= this.bytes
    if (this.isInRecovery && !growsInRecovery) return
    if (this.bytes <= this.ssthreshBytes) {
      if (isFull && !this.isInRecovery) this.bytes += Math.min(ackedBytes, slowStartMtus * mtuBytes)
      return
    }
    this.#partialBytes += ackedBytes
    if (!isFull || this.#partialBytes < this.bytes) return
    this.#partialBytes -= this.bytes
    this.bytes += mtuBytes
  }

  /** A chunk was reported missing three times; `highestTsn` was sent last. */
  onLoss(highestTsn: number): void {
    if (this.isInRecovery) return
    const { lossFloorMtus, mtuBytes } = this.#options
    this.ssthreshBytes = Math.max(this.bytes / 2, lossFloorMtus * mtuBytes)
    this.bytes = this.ssthreshBytes
    this.#partialBytes = 0
    this.#exitTsn = highestTsn
  }

  /** T3 has run out. */
  onTimeout(): void {
    const { mtuBytes, keepsBackoff } = this.#options
    this.ssthreshBytes = Math.max(this.bytes / 2, 4 * mtuBytes)
    this.bytes = mtuBytes
    this.#partialBytes = 0
    // usrsctp leaves fast recovery with T3; dcSCTP does not.
    if (keepsBackoff) this.#exitTsn = -1
  }
}
