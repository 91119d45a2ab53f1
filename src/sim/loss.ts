import type { Random } from './random.ts'

/**
 * The Gilbert-Elliott model in its raw form: a chain of two states that moves once per packet, each with its own loss.
 * (Gilbert 1960 and Elliott 1963, Bell System Technical Journal; the same four figures as netem's `gemodel p r 1-h 1-k`.)
 */
export interface GilbertElliott {
  /** Chance per packet to leave the good state, 0 to 1. */
  goodToBad: number
  /** Chance per packet to leave the bad state, 0 to 1. */
  badToGood: number
  /** Chance to lose a packet in the good state, 0 to 1; default 0. */
  lossGood?: number
  /** Chance to lose a packet in the bad state, 0 to 1; default 1. */
  lossBad?: number
}

/** Mean share of lost packets, 0 to 1, or the raw chain. */
export type LossModel = number | GilbertElliott

/** Decisions kept by {@link LossProcess}, packets. */
export const KEPT_DECISIONS = 4096

/**
 * The chain that loses the share `loss` of all packets in runs of `burst` packets on average.
 * Throws where no such chain exists: runs that long need at least one good packet between them, so loss ≤ burst / (burst + 1).
 */
export function gilbertElliott(loss: number, burst: number): GilbertElliott {
  checkShare('loss', loss)
  if (!(burst >= 1 && burst < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`burst: ${burst}, expected the mean length of a run of lost packets, at least 1`)
  }
  const badToGood = 1 / burst
  if (loss === 0) return { goodToBad: 0, badToGood }
  // The share of packets met in the bad state is goodToBad / (goodToBad + badToGood).
  const goodToBad = (badToGood * loss) / (1 - loss)
  if (!(goodToBad <= 1)) {
    throw new RangeError(
      `loss: ${loss} with burst ${burst}, expected at most burst / (burst + 1) = ${burst / (burst + 1)}`,
    )
  }
  return { goodToBad, badToGood }
}

/** Share of packets that a chain loses in the long run, 0 to 1. */
export function meanLoss(model: LossModel): number {
  if (typeof model === 'number') return model
  const moves = model.goodToBad + model.badToGood
  const badShare = moves === 0 ? 0 : model.goodToBad / moves
  return badShare * (model.lossBad ?? 1) + (1 - badShare) * (model.lossGood ?? 0)
}

/**
 * Decides which packets are lost: one decision per packet, in order, from a stream of its own.
 *
 * Every decision takes exactly two numbers from the stream, whatever the model, so packet `n` meets the same numbers
 * in every run of a seed. With independent loss it follows that a packet lost at 5 % is also lost at 10 %.
 */
export class LossProcess {
  readonly #random: Random
  #goodToBad = 0
  #badToGood = 1
  #lossGood = 0
  #lossBad = 1
  #isBad = false
  #count = 0
  #lost = 0
  #hash = 0
  readonly #kept: Uint8Array = new Uint8Array(KEPT_DECISIONS)

  constructor(random: Random, model: LossModel = 0, burst: number = 0) {
    this.#random = random
    this.set(model, burst)
  }

  /**
   * Changes the model from the next packet on; the state of the chain stays.
   * `burst` is the mean length of a run of lost packets; 0 means independent loss, whose runs are 1 / (1 − loss) long.
   * It is ignored when `model` is a raw chain.
   */
  set(model: LossModel, burst: number = 0): void {
    checkLossModel(model, burst)
    if (typeof model === 'number' && burst === 0) {
      this.#goodToBad = 0
      this.#badToGood = 1
      this.#lossGood = model
      this.#lossBad = model
      return
    }
    const chain = typeof model === 'number' ? gilbertElliott(model, burst) : model
    this.#goodToBad = chain.goodToBad
    this.#badToGood = chain.badToGood
    this.#lossGood = chain.lossGood ?? 0
    this.#lossBad = chain.lossBad ?? 1
  }

  /** Whether the next packet is lost. */
  next(): boolean {
    // Move first, then decide: a chain whose loss is 1 then loses its first bad packet, and runs have the mean length 1 / badToGood.
    const moves = this.#random.chance(this.#isBad ? this.#badToGood : this.#goodToBad)
    if (moves) this.#isBad = !this.#isBad
    const isLost = this.#random.chance(this.#isBad ? this.#lossBad : this.#lossGood)
    if (this.#count < KEPT_DECISIONS) this.#kept[this.#count] = isLost ? 1 : 0
    this.#count++
    if (isLost) this.#lost++
    this.#hash = Math.imul(((this.#hash << 5) | (this.#hash >>> 27)) ^ (isLost ? 0x9e3779b9 : 0x7f4a7c15), 0x01000193)
    return isLost
  }

  /** Decisions so far. */
  get count(): number {
    return this.#count
  }

  /** Packets lost so far. */
  get lost(): number {
    return this.#lost
  }

  /** Fingerprint of all decisions so far, uint32: equal for equal patterns of equal length. */
  get hash(): number {
    return this.#hash >>> 0
  }

  /** The first decisions, at most {@link KEPT_DECISIONS}: `1` for each lost packet and `0` for each other one. */
  decisions(): string {
    let text = ''
    const length = Math.min(this.#count, KEPT_DECISIONS)
    for (let i = 0; i < length; i++) text += this.#kept[i] === 1 ? '1' : '0'
    return text
  }
}

/** Throws `RangeError` with what was expected unless a process could follow the model. */
export function checkLossModel(model: LossModel, burst: number): void {
  if (typeof model === 'number') {
    checkShare('loss', model)
    if (burst !== 0) gilbertElliott(model, burst)
    return
  }
  checkShare('goodToBad', model.goodToBad)
  checkShare('badToGood', model.badToGood)
  checkShare('lossGood', model.lossGood ?? 0)
  checkShare('lossBad', model.lossBad ?? 1)
}

function checkShare(name: string, share: number): void {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`${name}: ${share}, expected 0 to 1`)
}
