/** What one carrier has delivered, and when: arithmetic without a page. */
import type { Parcel } from './race-protocol.ts'

/** Messages that the histogram and the percentiles are about: the last 20 s of them. */
const WINDOW_MS = 20_000
/** A message that is this late counts as missing until it comes, ms. */
export const MISSING_MS = 2_500

/** Edges of the histogram's buckets, ms: a ruler with equal steps of a third of an octave would be too fine to read. */
export const BUCKETS: readonly number[] = [
  10, 15, 20, 30, 40, 50, 65, 80, 100, 130, 160, 200, 250, 320, 400, 500, 650, 800, 1_000, 1_300, 1_600, 2_000, 2_500,
]

/** Which messages were sent, as any carrier tells: the same ones over all of them. */
export class Course {
  readonly #sentAt: Map<number, number> = new Map()

  get sent(): ReadonlyMap<number, number> {
    return this.#sentAt
  }

  note({ number, sentAt }: Parcel): void {
    if (!this.#sentAt.has(number)) this.#sentAt.set(number, sentAt)
  }

  /** Forgets what is out of the window; `now` on the server's clock. */
  trim(now: number): void {
    for (const [number, sentAt] of this.#sentAt) {
      if (sentAt > now - WINDOW_MS && sentAt < now + WINDOW_MS) continue
      this.#sentAt.delete(number)
    }
  }
}

export interface MessageFigures {
  /** Messages of the window that have come or are missing. */
  readonly count: number
  readonly missing: number
  /** ms; `Infinity` when so many are missing that this one is among them, `NaN` without any. */
  readonly medianMs: number
  readonly p99Ms: number
  /** Messages by bucket; one more at the end for all beyond the last edge. */
  readonly buckets: readonly number[]
}

export class Tally {
  readonly #course: Course
  readonly #latencyMs: Map<number, number> = new Map()
  #openedAt = Number.POSITIVE_INFINITY
  #newest: Parcel | undefined

  constructor(course: Course) {
    this.#course = course
  }

  /** The newest state that has come. */
  get newest(): Parcel | undefined {
    return this.#newest
  }

  /** A new connection: what was before does not count. `now` on the server's clock. */
  open(now: number): void {
    this.#openedAt = now
    this.#newest = undefined
    this.#latencyMs.clear()
  }

  close(): void {
    this.#openedAt = Number.POSITIVE_INFINITY
    this.#newest = undefined
    this.#latencyMs.clear()
  }

  takeState(state: Parcel): void {
    if (!this.#newest || state.sentAt > this.#newest.sentAt) this.#newest = state
  }

  takeMessage(message: Parcel, now: number): void {
    this.#course.note(message)
    if (!this.#latencyMs.has(message.number)) this.#latencyMs.set(message.number, Math.max(0, now - message.sentAt))
  }

  /** Age of the newest state, ms; `NaN` before the first. */
  ageMs(now: number): number {
    return this.#newest ? Math.max(0, now - this.#newest.sentAt) : Number.NaN
  }

  figures(now: number): MessageFigures {
    const latencies: number[] = []
    const buckets = new Array<number>(BUCKETS.length + 1).fill(0)
    let missing = 0
    for (const [number, sentAt] of this.#course.sent) {
      if (sentAt < this.#openedAt) continue
      const latency = this.#latencyMs.get(number)
      if (latency !== undefined) {
        latencies.push(latency)
        const bucket = BUCKETS.findIndex((edge) => latency < edge)
        buckets[bucket < 0 ? BUCKETS.length : bucket]!++
      } else if (sentAt < now - MISSING_MS) {
        missing++
        latencies.push(Number.POSITIVE_INFINITY)
      }
    }
    for (const number of this.#latencyMs.keys()) if (!this.#course.sent.has(number)) this.#latencyMs.delete(number)
    latencies.sort((a, b) => a - b)
    const at = (share: number): number =>
      latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN
    return { count: latencies.length, missing, medianMs: at(0.5), p99Ms: at(0.99), buckets }
  }
}
