/**
 * Share of packets lost, smoothed: a plain mean over the first packets, an exponential one after that, so that the first
 * seconds are not biased towards the start value. Sampling error at gain 1/512 and 5 % independent loss: 0.7 points.
 */
export class LossMeter {
  readonly #memory: number
  #seen = 0
  #share: number = Number.NaN

  /** `memory`: packets over which it averages. */
  constructor(memory: number) {
    this.#memory = memory
  }

  /** 0 to 1, or `NaN` before the first outcome. */
  get share(): number {
    return this.#share
  }

  observe(lost: boolean): void {
    if (this.#seen < this.#memory) this.#seen++
    const outcome = lost ? 1 : 0
    this.#share = this.#seen === 1 ? outcome : this.#share + (outcome - this.#share) / this.#seen
  }
}
