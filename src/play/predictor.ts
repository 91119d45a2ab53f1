/** Ticks that advice waits for the last one to show: the server's window and a round trip. */
const ADVICE_PAUSE = 150
/** Ticks that are made up at once after a pause of the page, half a second at 60 Hz; what is more is skipped. */
const MOST_DUE = 30
/** Ticks that one piece of advice changes the lead by, at most. */
const MOST_ADVICE = 4
/** How much faster and slower than the server we run while we run ahead or fall back: late inputs are lost, early ones only wait. */
const HURRY = 0.5
const DAWDLE = 0.1

export interface PredictorOptions<State, Input> {
  /** One tick of the simulation: a new state, and nothing else. The server runs the same. */
  readonly step: (state: State, input: Input) => State
  /** How far two states are apart, in units of the game's. */
  readonly difference: (a: State, b: State) => number
  /** A state `share` of the way from `a` to `b`, for drawing. */
  readonly blend: (a: State, b: State, share: number) => State
  /** Differences up to this are the rounding of the wire, and no reason to correct: one step of it. */
  readonly tolerance: number
  /** Corrections above this are shown at once: a teleport. Default: none are. */
  readonly snapAbove?: number
  /** Ticks over which a correction is smoothed. Default 8. */
  readonly smoothTicks?: number
  /** Inputs sent again in each message, so that lost packets cost nothing. Default 9. */
  readonly redundancy?: number
  /** Inputs kept for replay; beyond it the server's word is taken as it is. Default 128. */
  readonly capacity?: number
}

/**
 * The player's own entity, moved at once, and corrected when the server's word comes (Bernier 2001; Fiedler, "Networked Physics", 2014).
 *
 *     ours     18 ── 19 ── 20 ── 21 ── 22       moved as soon as the key is down
 *                     │     ╰ replayed ╯ ╲
 *     server         19 ≠ 19′               22′ shown: on the way from 22 to 22′ for some ticks
 */
export class Predictor<State, Input> {
  readonly #options: Required<PredictorOptions<State, Input>>
  #tick = Number.NaN
  #state: State | undefined
  #previous: State | undefined
  /** The way that we were on before the last correction, and how much of it is still shown. */
  #ghost: State | undefined
  #previousGhost: State | undefined
  #ghostTicks = 0
  /** Inputs that the server has not confirmed, oldest first, each with the state after it. */
  readonly #pending: { tick: number; input: Input; state: State }[] = []
  #confirmed = Number.NEGATIVE_INFINITY
  #advisedAt = Number.NEGATIVE_INFINITY
  /** Where the server was when it was last asked what is due, and how far ahead of it we were then. */
  #serverTick = Number.NaN
  #ahead: number
  /** Ticks that we shall be ahead of the server's. A change is come to gradually, so that nobody sees the ship jump. */
  lead: number
  /** Corrections so far, and the size of the last one. */
  corrections = 0
  lastCorrection = 0

  /** `lead`: ticks ahead of the server at first: half a round trip and two or three ticks. */
  constructor(options: PredictorOptions<State, Input>, lead: number) {
    this.#options = {
      snapAbove: Number.POSITIVE_INFINITY,
      smoothTicks: 8,
      redundancy: 9,
      capacity: 128,
      ...options,
    }
    this.lead = lead
    this.#ahead = lead
  }

  /** The predicted state; `undefined` before the server's first word. */
  get state(): State | undefined {
    return this.#state
  }

  /** How many steps are due when the server is at `serverTick`, a fraction included: `peer.clock.now() / tickMs`. */
  due(serverTick: number): number {
    const elapsed = serverTick - this.#serverTick
    this.#serverTick = serverTick
    const missing = this.lead - this.#ahead
    if (!(elapsed <= MOST_DUE)) this.#ahead = this.lead
    else this.#ahead += Math.max(-DAWDLE * elapsed, Math.min(HURRY * elapsed, missing))
    const wanted = Math.floor(serverTick + this.#ahead)
    if (!(wanted - this.#tick <= MOST_DUE)) this.#tick = wanted - 1
    return Math.max(0, wanted - this.#tick)
  }

  /** How far the tick after the present one is along since the last `due`, 0 to 1: for {@link sample}. */
  get share(): number {
    const share = this.#serverTick + this.#ahead - this.#tick
    return share > 0 ? Math.min(1, share) : 0
  }

  /** One tick with the player's input, rounded as the wire rounds it. Returns the tick that it is meant for. */
  step(input: Input): number {
    this.#tick++
    if (this.#state === undefined) return this.#tick
    const { step, capacity } = this.#options
    this.#previous = this.#state
    this.#state = step(this.#state, input)
    if (this.#ghostTicks > 0 && --this.#ghostTicks > 0) {
      this.#previousGhost = this.#ghost
      this.#ghost = step(this.#ghost!, input)
    }
    this.#pending.push({ tick: this.#tick, input, state: this.#state })
    if (this.#pending.length > capacity) this.#pending.shift()
    return this.#tick
  }

  /** What to send each tick: the newest inputs, the newest first, and its tick. The one after it in the list is for the tick before. */
  get recent(): { tick: number; inputs: Input[] } {
    const inputs: Input[] = []
    for (let i = this.#pending.length - 1; i >= 0 && inputs.length < this.#options.redundancy; i--) {
      if (this.#pending[i]!.tick !== this.#tick - inputs.length) break
      inputs.push(this.#pending[i]!.input)
    }
    return { tick: this.#tick, inputs }
  }

  /**
   * The server's word: the state after `tick`. Replays what came after it when we were elsewhere then. Returns how far the present state
   * was moved; 0 when the prediction was right.
   */
  reconcile(tick: number, state: State): number {
    if (tick <= this.#confirmed) return 0
    this.#confirmed = tick
    const { step, difference, tolerance, snapAbove, smoothTicks } = this.#options
    let known: State | undefined
    while (this.#pending.length > 0 && this.#pending[0]!.tick <= tick) {
      const { tick: at, state: then } = this.#pending.shift()!
      if (at === tick) known = then
    }
    if (known !== undefined && difference(known, state) <= tolerance) return 0
    const before = this.#state
    let now = state
    let previous = state
    for (const pending of this.#pending) {
      previous = now
      now = step(now, pending.input)
      pending.state = now
    }
    const ghost = this.sample(1)
    const ghostBefore = this.sample(0)
    this.#state = now
    this.#previous = previous
    if (before === undefined || ghost === undefined) return 0
    const size = difference(before, now)
    this.corrections++
    this.lastCorrection = size
    if (size > snapAbove) this.#ghostTicks = 0
    else if (size > tolerance) {
      this.#ghost = ghost
      this.#previousGhost = ghostBefore
      this.#ghostTicks = smoothTicks + 1
    }
    return size
  }

  /** The server's advice, `InputBuffer.advice`: ticks to run further ahead, or to fall back. */
  advise(ticks: number): void {
    if (ticks === 0 || !(this.#tick >= this.#advisedAt + ADVICE_PAUSE)) {
      if (this.#advisedAt === Number.NEGATIVE_INFINITY) this.#advisedAt = this.#tick - ADVICE_PAUSE
      return
    }
    this.#advisedAt = this.#tick
    this.lead += Math.max(-1, Math.min(MOST_ADVICE, ticks))
  }

  /** The state to draw, `share` of the way from the tick before to the present one; `undefined` before the server's first word. */
  sample(share: number): State | undefined {
    if (this.#state === undefined) return undefined
    const { blend, smoothTicks } = this.#options
    const real = blend(this.#previous ?? this.#state, this.#state, share)
    if (this.#ghostTicks <= 0 || this.#ghost === undefined) return real
    const ghost = blend(this.#previousGhost ?? this.#ghost, this.#ghost, share)
    return blend(real, ghost, Math.max(0, Math.min(1, (this.#ghostTicks - share) / (smoothTicks + 1))))
  }
}
