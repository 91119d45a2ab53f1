/** Ticks over which the tightest arrival is kept, in two halves. */
const WINDOW = 60
/** Ticks that the tightest input shall come before it is needed. */
const SPARE = 1

/**
 * A player's inputs on the server, by the tick that they are meant for. They come out of order, several times over and too late; the
 * simulation takes one for each tick, and what it learns of their timing goes back to the player, who runs further ahead or falls back:
 * the server never waits (Ford, "Overwatch Gameplay Architecture and Netcode", GDC 2017; Bernier, "Latency Compensating Methods", GDC 2001).
 *
 *     client    tick  17 18 19 20 21 …      stamps inputs with the tick at which they will be needed
 *                       ╲  ╲  ╳  ╲          19 is lost, and comes again with 20
 *     server    tick          15 16 17 18   17 waits a tick: margin 1; advice: 0
 */
export class InputBuffer<Input> {
  readonly #inputs = new Map<number, Input>()
  readonly #capacity: number
  #next: number | undefined
  /** Newest tick whose input was taken, or came too late. */
  #applied: number = Number.NEGATIVE_INFINITY
  #margin = Number.POSITIVE_INFINITY
  #olderMargin = Number.POSITIVE_INFINITY
  /** Inputs that came after their tick. */
  late = 0
  /** Ticks for which there was no input in time. */
  missing = 0
  /** Inputs for ticks too far ahead, which were dropped. */
  early = 0

  /** `capacity`: ticks ahead that are kept, default 64. */
  constructor(capacity = 64) {
    this.#capacity = capacity
  }

  /** Takes the input for `tick`; says whether it is new and in time. */
  push(tick: number, input: Input): boolean {
    if (!Number.isInteger(tick) || this.#inputs.has(tick)) return false
    if (this.#next === undefined) {
      if (this.#inputs.size >= this.#capacity) return false
      this.#inputs.set(tick, input)
      return true
    }
    const margin = tick - this.#next
    // Those that were applied come again, by design; they say nothing.
    if (margin < -this.#capacity || tick <= this.#applied) return false
    if (margin >= this.#capacity) {
      this.early++
      return false
    }
    this.#margin = Math.min(this.#margin, margin)
    if (margin < 0) {
      this.#applied = Math.max(this.#applied, tick)
      this.late++
      return false
    }
    this.#inputs.set(tick, input)
    return true
  }

  /** The input for `tick`, `undefined` when it has not come: repeat the last one, say. Call it once for each tick, in order. */
  pull(tick: number): Input | undefined {
    this.#next = tick + 1
    if (tick % WINDOW === 0) {
      this.#olderMargin = this.#margin
      this.#margin = Number.POSITIVE_INFINITY
    }
    const input = this.#inputs.get(tick)
    for (const other of this.#inputs.keys()) if (other <= tick) this.#inputs.delete(other)
    if (input === undefined) this.missing++
    else this.#applied = Math.max(this.#applied, tick)
    return input
  }

  /** Inputs that wait. */
  get length(): number {
    return this.#inputs.size
  }

  /**
   * Ticks that the player should run further ahead, or fall back if negative; 0 when it is right. From the tightest arrival of the last one to two
   * seconds at 60 Hz. For `Predictor.advise`.
   */
  get advice(): number {
    const tightest = Math.min(this.#margin, this.#olderMargin)
    if (tightest === Number.POSITIVE_INFINITY) return 0
    // A tick to spare more is no reason to change anything.
    return tightest === SPARE + 1 ? 0 : SPARE - tightest
  }
}
