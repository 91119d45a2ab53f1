import type { Host } from '../transport/host.ts'

interface Alarm {
  readonly at: number
  readonly run: () => void
  /** Its place in the heap, −1 once it is out of it. */
  index: number
}

/** The alarms of many peers on one timer of the host below: a binary heap, earliest first. */
export class Alarms implements Host {
  readonly #host: Host
  readonly #heap: Alarm[] = []
  #timerAt: number = Number.POSITIVE_INFINITY
  #cancelTimer: (() => void) | undefined

  constructor(host: Host) {
    this.#host = host
  }

  /** Alarms that are set. */
  get size(): number {
    return this.#heap.length
  }

  now(): number {
    return this.#host.now()
  }

  random(): number {
    return this.#host.random()
  }

  at(timeMs: number, run: () => void): () => void {
    const alarm: Alarm = { at: timeMs, run, index: this.#heap.length }
    // One that would never ring needs no place.
    if (timeMs === Number.POSITIVE_INFINITY) return () => {}
    this.#heap.push(alarm)
    this.#rise(alarm)
    this.#set()
    return () => this.#remove(alarm)
  }

  readonly #ring = (): void => {
    this.#timerAt = Number.POSITIVE_INFINITY
    this.#cancelTimer = undefined
    const now = this.#host.now()
    try {
      // Those that are set meanwhile come at another time, so that nobody can hold the loop.
      for (let left = this.#heap.length; left > 0; left--) {
        const first = this.#heap[0]
        if (first === undefined || first.at > now) break
        this.#remove(first)
        first.run()
      }
    } finally {
      this.#set()
    }
  }

  /** Keeps the timer at the earliest alarm. One that comes too early does no harm: it sets the next. */
  #set(): void {
    const first = this.#heap[0]
    if (first === undefined) {
      this.#cancelTimer?.()
      this.#cancelTimer = undefined
      this.#timerAt = Number.POSITIVE_INFINITY
    } else if (first.at < this.#timerAt) {
      this.#cancelTimer?.()
      this.#timerAt = first.at
      this.#cancelTimer = this.#host.at(first.at, this.#ring)
    }
  }

  #remove(alarm: Alarm): void {
    if (alarm.index < 0) return
    const last = this.#heap.pop()!
    if (last !== alarm) {
      last.index = alarm.index
      this.#heap[last.index] = last
      this.#rise(last)
      this.#sink(last)
    }
    alarm.index = -1
    if (this.#heap.length === 0) this.#set()
  }

  #rise(alarm: Alarm): void {
    while (alarm.index > 0) {
      const parent = this.#heap[(alarm.index - 1) >> 1]!
      if (parent.at <= alarm.at) return
      this.#swap(alarm, parent)
    }
  }

  #sink(alarm: Alarm): void {
    for (;;) {
      const left = this.#heap[2 * alarm.index + 1]
      const right = this.#heap[2 * alarm.index + 2]
      const least = right !== undefined && right.at < left!.at ? right : left
      if (least === undefined || least.at >= alarm.at) return
      this.#swap(alarm, least)
    }
  }

  #swap(a: Alarm, b: Alarm): void {
    const index = a.index
    a.index = b.index
    b.index = index
    this.#heap[a.index] = a
    this.#heap[b.index] = b
  }
}
