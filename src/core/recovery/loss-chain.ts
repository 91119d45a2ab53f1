/** Gains of the loss share (per packet) and of the chance that a loss follows a loss (per loss), once enough have been seen. */
const LOSS_GAIN = 1 / 200
const FOLLOW_GAIN = 1 / 40
/** Loss share assumed before anything is known, as if this many packets had told it, and the least that is ever assumed. */
const PRIOR_LOSS = 0.01
const PRIOR_PACKETS = 20
const LEAST_LOSS = 5e-4
/** The chain never forgets slower than this, per tick: 5 % of its state. */
const MOST_MEMORY = 0.95
/** Standard deviations above which a correlation is one rather than what independent losses show by chance. */
const SIGNIFICANCE = 2
/** Two packets tell of the correlation from one tick to the next if they are this far apart, ticks. */
const NEIGHBOURS_FROM = 0.5
const NEIGHBOURS_TO = 1.5

/**
 * Losses as a two-state chain in time (Gilbert 1960): the share of packets that is lost, and how long a loss lasts, both
 * measured on final fates in the order sent. With the fate of the newest judged packet it tells the chance that a later one is
 * lost.
 */
export class LossChain {
  #loss = PRIOR_LOSS
  #seen = PRIOR_PACKETS
  /** Chance that the packet one tick after a lost one is lost too. */
  #follow = PRIOR_LOSS
  #previousAt: number = Number.NEGATIVE_INFINITY
  #wasLost = false
  #judgedAt: number = Number.NEGATIVE_INFINITY
  #isJudgedLost = false
  #tickMs = 1000 / 60
  /** What is left of a state after 1 ms: e^(−λ). */
  #decay = 0

  /** Smoothed share of our packets that is lost, gain 1/200; at least 0.0005. */
  get loss(): number {
    return this.#loss
  }

  /** Chance that a loss follows a loss one tick later, gain 1/40 per loss, not less than the loss share. */
  get follow(): number {
    return Math.max(this.#loss, this.#follow)
  }

  /** The fate of the next packet in the order sent is final. `sentAt`: when it was, ms. */
  observe(isLost: boolean, sentAt: number): void {
    const outcome = isLost ? 1 : 0
    if (this.#seen < 1 / LOSS_GAIN) this.#seen++
    this.#loss = Math.max(LEAST_LOSS, this.#loss + (outcome - this.#loss) / this.#seen)
    const ticks = (sentAt - this.#previousAt) / this.#tickMs
    // Packets of one moment share their fate: they say nothing of what a tick changes.
    if (ticks < NEIGHBOURS_FROM) return
    if (this.#wasLost && ticks < NEIGHBOURS_TO) this.#follow += (outcome - this.#follow) * FOLLOW_GAIN
    this.#previousAt = sentAt
    this.#wasLost = isLost
  }

  /** A packet was acked or declared lost, which may not be final. */
  judge(isLost: boolean, sentAt: number): void {
    if (sentAt < this.#judgedAt) return
    this.#judgedAt = sentAt
    this.#isJudgedLost = isLost
  }

  /** A tick begins; `tickMs`: the interval between two. */
  startTick(tickMs: number): void {
    this.#tickMs = tickMs
    this.#decay = this.memory ** (1 / tickMs)
  }

  /**
   * Correlation of losses one tick apart, from follow = loss + (1 − loss) · memory. Shrunk by its sampling error (the positive
   * part of James and Stein, 1961): over the 79 losses that the gain of 1/40 looks at, independent ones show some too.
   */
  get memory(): number {
    const loss = this.#loss
    const raw = (this.#follow - loss) / (1 - loss)
    if (raw <= 0) return 0
    const error2 = (loss * FOLLOW_GAIN) / ((2 - FOLLOW_GAIN) * (1 - loss))
    return Math.min(MOST_MEMORY, raw * Math.max(0, 1 - (SIGNIFICANCE * SIGNIFICANCE * error2) / (raw * raw)))
  }

  /** Chance that a packet is lost when one `afterMs` before it was. */
  lossAfter(afterMs: number): number {
    return this.#decay === 0 ? this.#loss : this.#loss + (1 - this.#loss) * this.#decay ** afterMs
  }

  /** Chance that a packet sent at `at` is lost, given the newest fate that is known from before it. */
  lossAt(at: number): number {
    const known = this.#decay === 0 || this.#judgedAt > at ? 0 : this.#decay ** (at - this.#judgedAt)
    return this.#loss + ((this.#isJudgedLost ? 1 : 0) - this.#loss) * known
  }
}
