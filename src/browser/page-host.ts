import { type Host, systemHost } from '../transport/host.ts'

/** Longest time that the worker is left alone, ms. Later alarms ring about as well by the page's own timers. */
const LONGEST_CALL_MS = 10_000

/** All of the worker: calls back once, after as many milliseconds as it was last told. */
const SOURCE = 'let t;onmessage=e=>{clearTimeout(t);t=setTimeout(postMessage,e.data,0)}'

interface Alarm {
  readonly timeMs: number
  /** Does nothing the second time. */
  readonly ring: () => void
}

/**
 * Host of a page. Browsers let the timers of a hidden page come once a second, but not those of its workers: so while the page is
 * hidden and something is to ring, a worker calls in time. Where the page's content security policy forbids such a worker (it is
 * made from a `blob:` URL), alarms ring by the page's timers alone, up to a second late.
 */
class PageHost implements Host {
  readonly #alarms = new Set<Alarm>()
  #worker: Worker | undefined
  #isForbidden = false
  #isWatching = false
  /** Instant at which the worker will call, ms. */
  #callAt: number = Number.POSITIVE_INFINITY

  now(): number {
    return systemHost.now()
  }

  random(): number {
    return systemHost.random()
  }

  at(timeMs: number, run: () => void): () => void {
    this.#watch()
    const ring = (): void => {
      if (!this.#alarms.delete(alarm)) return
      cancelTimer()
      try {
        run()
      } finally {
        this.#order()
      }
    }
    const alarm: Alarm = { timeMs, ring }
    const cancelTimer = systemHost.at(timeMs, ring)
    this.#alarms.add(alarm)
    this.#order()
    return () => {
      if (!this.#alarms.delete(alarm)) return
      cancelTimer()
      // Whoever cancels an alarm most often sets another at once.
      if (this.#worker !== undefined && this.#alarms.size === 0) queueMicrotask(this.#order)
    }
  }

  /** From the first alarm on, and not when the module is loaded: that must do nothing. */
  #watch(): void {
    if (this.#isWatching || typeof document === 'undefined') return
    this.#isWatching = true
    document.addEventListener('visibilitychange', this.#order)
  }

  /** Has the worker call when the next alarm is due; keeps none that is not needed. */
  readonly #order = (): void => {
    if (!this.#isWatching || !document.hidden || this.#alarms.size === 0) {
      this.#dismiss()
      return
    }
    const now = this.now()
    let at = now + LONGEST_CALL_MS
    for (const { timeMs } of this.#alarms) at = Math.min(at, timeMs)
    // A call that comes too early does no harm: it orders the next.
    if (at >= this.#callAt) return
    this.#worker ??= this.#hire()
    if (this.#worker === undefined) return
    this.#callAt = at
    this.#worker.postMessage(Math.max(0, Math.ceil(at - now)))
  }

  readonly #onCall = (): void => {
    this.#callAt = Number.POSITIVE_INFINITY
    const now = this.now()
    try {
      for (const alarm of [...this.#alarms]) if (alarm.timeMs <= now) alarm.ring()
    } finally {
      this.#order()
    }
  }

  /** A worker, or `undefined` where there must be none. Some browsers throw then, others tell by an event. */
  #hire(): Worker | undefined {
    if (this.#isForbidden) return undefined
    const url = URL.createObjectURL(new Blob([SOURCE], { type: 'text/javascript' }))
    try {
      const worker = new Worker(url)
      worker.onmessage = this.#onCall
      worker.onerror = (event) => {
        event.preventDefault()
        this.#isForbidden = true
        this.#dismiss()
      }
      return worker
    } catch {
      this.#isForbidden = true
      return undefined
    } finally {
      URL.revokeObjectURL(url)
    }
  }

  #dismiss(): void {
    this.#worker?.terminate()
    this.#worker = undefined
    this.#callAt = Number.POSITIVE_INFINITY
  }
}

/** One for the page, so that all its peers share one worker. */
export const pageHost: Host = /* @__PURE__ */ new PageHost()
