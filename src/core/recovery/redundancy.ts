/** Copies are sent until the chance of non-delivery is below this. */
const TARGET = 1e-3
/** Price of a copy when the budget is empty: only first copies of what is likely lost. */
const DEAREST = 0.05
/** Share of the other wire bytes that copies may take, on a usual path and on a very bad one, and the most saved up, bytes. */
const SHARE = 0.23
const SHARE_BAD = 0.4
const BAD_LOSS = 0.15
const CAP_BYTES = 6000
/** Loss share assumed before anything is known, and the least that is ever assumed. */
const PRIOR_LOSS = 0.01
const LEAST_LOSS = 5e-4
/** Gains of the loss share (per packet) and of the chance that a loss follows a loss (per loss). */
const LOSS_GAIN = 1 / 200
const FOLLOW_GAIN = 1 / 20
const HALF = 0.5
/** Correlation below this is what independent losses look like when measured over twenty of them. */
const MEMORY_NOISE = 0.1

/**
 * How many copies of a message are worth their bytes: target-driven redundancy over a two-state (Gilbert) loss chain whose
 * parameters are measured. On a clean path the least assumed loss is below the target, so nothing is copied.
 */
export class Redundancy {
  #loss = PRIOR_LOSS
  /** Chance that the packet after a lost one is lost too. */
  #follow = PRIOR_LOSS
  #wasLost = false
  #tokens = CAP_BYTES / 2

  /** Smoothed share of our packets that is lost, gain 1/200; at least 0.0005. */
  get lossShare(): number {
    return this.#loss
  }

  /** The fate of the next packet in the order sent has become final. */
  observe(isLost: boolean): void {
    this.#loss = Math.max(LEAST_LOSS, this.#loss + ((isLost ? 1 : 0) - this.#loss) * LOSS_GAIN)
    if (this.#wasLost) this.#follow += ((isLost ? 1 : 0) - this.#follow) * FOLLOW_GAIN
    this.#wasLost = isLost
  }

  /** Bytes left on the wire, copies not counted: copies earn their share of them. */
  earn(wireBytes: number): void {
    const share = this.#loss < BAD_LOSS ? SHARE : SHARE_BAD
    this.#tokens = Math.min(CAP_BYTES, this.#tokens + share * wireBytes)
  }

  spend(bytes: number): void {
    this.#tokens -= bytes
  }

  /** Whether any copy could be afforded. */
  get isOpen(): boolean {
    return this.#tokens > 0
  }

  /** Least worth of a copy now: the target with a full budget, dearer as it empties. */
  get price(): number {
    const level = Math.max(0, this.#tokens) / CAP_BYTES
    return TARGET * (DEAREST / TARGET) ** (1 - level)
  }

  /**
   * By how much one more copy, `gapPackets` after the last one, lowers the chance that none of `copies` copies in flight
   * arrives. 0 when the target is already met.
   */
  worthOf(copies: number, gapPackets: number): number {
    // After a loss the chain forgets at a rate that the two figures tell: follow = loss + (1 − loss) · memory.
    const memory = Math.max(0, Math.min(0.95, (this.#follow - this.#loss) / (1 - this.#loss) - MEMORY_NOISE))
    // A copy that shares the fate of the last one is wasted: wait until the chain has forgotten half.
    const spacing = memory > HALF ? Math.ceil(Math.log(HALF) / Math.log(memory)) : 1
    if (copies > 0 && gapPackets < spacing) return 0
    const next = this.#loss + (1 - this.#loss) * memory ** Math.max(1, gapPackets)
    const follow = this.#loss + (1 - this.#loss) * memory ** spacing
    const undelivered = this.#loss * follow ** Math.max(0, copies - 1)
    if (copies > 0 && undelivered < TARGET) return 0
    return (copies === 0 ? 1 : undelivered) * (1 - next)
  }
}
