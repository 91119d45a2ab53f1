/** Longest delay that `setTimeout` takes, ms: a signed 32-bit integer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** A time limit and a caller's `AbortSignal` as one signal; `ending` tells which of the two came first. */
export class Deadline {
  readonly #controller = new AbortController()
  readonly #caller: AbortSignal | undefined
  readonly #timer: ReturnType<typeof setTimeout> | undefined
  #ending: 'timeout' | 'aborted' | undefined

  /** `timeoutMs` may be `Infinity`. The holder must call `release` when the guarded work is over. */
  constructor(timeoutMs: number, caller?: AbortSignal) {
    this.#caller = caller
    if (timeoutMs <= LONGEST_TIMER_MS) {
      const expired = () => this.#end('timeout', new Error(`nothing within ${timeoutMs} ms`))
      this.#timer = setTimeout(expired, Math.max(0, timeoutMs))
    }
    if (caller?.aborted) this.#aborted()
    else caller?.addEventListener('abort', this.#aborted)
  }

  /** Fires once, at the end of the time or with the caller's signal. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** What ended it, or `undefined` while it runs. */
  get ending(): 'timeout' | 'aborted' | undefined {
    return this.#ending
  }

  /** Frees the timer and the listener. Idempotent; the signal keeps its state. */
  release(): void {
    clearTimeout(this.#timer)
    this.#caller?.removeEventListener('abort', this.#aborted)
  }

  /** `work`, or a rejection with the signal's reason as soon as the deadline ends; what `work` does later is ignored. */
  race<T>(work: Promise<T>): Promise<T> {
    return raceSignal(work, this.signal)
  }

  readonly #aborted = () => this.#end('aborted', this.#caller?.reason)

  #end(ending: 'timeout' | 'aborted', reason: unknown): void {
    if (this.#ending !== undefined) return
    this.#ending = ending
    this.release()
    this.#controller.abort(reason)
  }
}

/** `work`, or a rejection with the signal's reason as soon as it fires; what `work` does later is ignored. */
export function raceSignal<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason)
    if (signal.aborted) aborted()
    else signal.addEventListener('abort', aborted)
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted))
  })
}
