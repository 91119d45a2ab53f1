import { LossChain } from './loss-chain.ts'

/** Copies are sent until the chance of non-delivery is below this. */
const TARGET = 1e-3
/** Price of a copy when the budget is empty: only first copies of what is likely lost. */
const DEAREST = 0.05
/**
 * Share of the wire bytes that copies may take: on a usual path, where they are short, on a very bad path. And the most saved up,
 * bytes.
 */
const SHARE = 0.209
const SHARE_SHORT = 0.216
const SHARE_BAD = 0.28
const BAD_LOSS = 0.15
const CAP_BYTES = 6000
/** Less than this is left where many a message gets no copy, and no twin can be afforded, bytes. */
const SHORT_BYTES = 2200
/** A copy of this size is dear or cheap as its worth alone says, bytes. */
const USUAL_BYTES = 128
/** How much dearer a larger one is with an empty budget: so steep that the smallest go first whatever the loss share is just now. */
const DEARER = 3
/** A copy that goes when the answer to the last one is due gains this share of what one gains that goes at once. */
const LEAST_GAIN = 0.1
/** A copy's fate is told just after this tick if its answer is not further off than this, ticks. */
const THIRD_TICKS = 2
/** Copies before the one that may have a twin, and what must be left after it for that, from and to, in targets. */
const TWIN_AFTER = 2
const TWIN_FROM = 1.2
const TWIN_TO = 2.5
/** Farthest spacing of copies that is looked at, ticks. */
const MAX_SPACING = 32

/**
 * How many copies of a message are worth their bytes: target-driven redundancy over a chain of losses whose parameters are
 * measured. On a clean path the least assumed loss is below the target, so nothing is copied.
 */
export class Redundancy {
  readonly chain: LossChain = new LossChain()
  #tokens = CAP_BYTES
  #spacingMs = 0
  #answerMs = 1
  #tickMs = 1

  /** A tick begins: `tickMs` after the last one, on a path with this round trip. */
  startTick(tickMs: number, rttMs: number): void {
    this.chain.startTick(tickMs)
    this.#answerMs = rttMs + tickMs
    this.#tickMs = tickMs
    this.#spacingMs = (this.#spacing(tickMs, rttMs) - 0.5) * tickMs
  }

  /** Bytes left on the wire: copies earn their share of them. */
  earn(wireBytes: number): void {
    const share = this.chain.loss >= BAD_LOSS ? SHARE_BAD : this.isShort ? SHARE_SHORT : SHARE
    this.#tokens = Math.min(CAP_BYTES, this.#tokens + share * wireBytes)
  }

  spend(bytes: number): void {
    this.#tokens -= bytes
  }

  /** Whether any copy could be afforded. */
  get isOpen(): boolean {
    return this.#tokens > 0
  }

  /** Whether there are too many messages to copy each, on a path where losses are independent. */
  get isShort(): boolean {
    return this.#tokens < SHORT_BYTES && this.chain.lossAfter(0) < 1
  }

  /**
   * Least worth of a copy of `bytes` now: the target with a full budget, dearer as it empties, and the emptier it is the more
   * what is large costs more than what is small: then the bytes do not suffice for all.
   */
  price(bytes: number): number {
    const want = this.#want
    return TARGET * (DEAREST / TARGET) ** want * Math.max(1, bytes / USUAL_BYTES) ** (DEARER * want)
  }

  /** How empty the budget is, 0 to 1. */
  get #want(): number {
    return 1 - Math.max(0, this.#tokens) / CAP_BYTES
  }

  /** Chance that none of the `count` copies sent at these instants arrives. */
  undelivered(sentAts: Float64Array, count: number): number {
    if (count === 0) return 1
    const { chain } = this
    let chance = chain.lossAt(sentAts[0]!)
    for (let i = 1; i < count; i++) chance *= chain.lossAfter(sentAts[i]! - sentAts[i - 1]!)
    return chance
  }

  /** By how much one more copy now lowers that chance; 0 while it would likely share the fate of the last one. */
  worth(sentAts: Float64Array, count: number, now: number, hasLost: boolean): number {
    const undelivered = this.undelivered(sentAts, count)
    if (count === 0) return undelivered
    const sinceMs = now - sentAts[count - 1]!
    if (sinceMs < this.#spacingMs && !hasLost) return 0
    const gainedMs = Math.max(LEAST_GAIN * this.#answerMs, this.#answerMs - sinceMs)
    return undelivered * (1 - this.chain.lossAfter(sinceMs)) * (gainedMs / this.#answerMs)
  }

  /**
   * Whether a message that has lost a copy should have another although one is still under way, `count` in all: copies are short,
   * so there were two, and whether the second came is told just after this tick.
   */
  wantsThird(sentAts: Float64Array, count: number, now: number): boolean {
    return count === 1 && this.isOpen && this.isShort && now - sentAts[0]! > this.#answerMs - THIRD_TICKS * this.#tickMs
  }

  /**
   * Whether the third copy, which goes now, should have a twin in a packet of its own: the loss share is a little too high for
   * three packets to meet the target, four will, losses are independent and the budget is ample. Else the fourth copy would take
   * a tick longer.
   */
  wantsTwin(sentAts: Float64Array, count: number, now: number): boolean {
    if (count !== TWIN_AFTER || this.#tokens < CAP_BYTES / 2) return false
    const { chain } = this
    const left = this.undelivered(sentAts, count) * chain.lossAfter(now - sentAts[count - 1]!)
    return left > TWIN_FROM * TARGET && left < TWIN_TO * TARGET && chain.lossAfter(0) < 1
  }

  /**
   * Spacing of copies, ticks: a later one shares less of the last one's fate, but leaves fewer for the time until the first
   * answer can be here. argmax over g of (1 − P(lost at +g | lost)) · (R + T − g·T)².
   */
  #spacing(tickMs: number, rttMs: number): number {
    let best = 1
    let most = 0
    for (let g = 1; g <= MAX_SPACING && g * tickMs < rttMs + tickMs; g++) {
      const value = (1 - this.chain.lossAfter(g * tickMs)) * (rttMs + tickMs - g * tickMs) ** 2
      if (value < most) break
      most = value
      best = g
    }
    return best
  }
}
