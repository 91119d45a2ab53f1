import { type Due, Heap } from './heap.ts'
import { Random, type Seed } from './random.ts'

class Alarm implements Due {
  readonly at: number
  readonly order: number
  run: (() => void) | undefined

  constructor(at: number, order: number, run: () => void) {
    this.at = at
    this.order = order
    this.run = run
  }
}

/** Alarms that may run at one instant before {@link VirtualHost.advanceTo} gives up, and says so. */
const MAX_ALARMS_AT_ONCE = 100_000

/**
 * A clock that stands still until it is told to move, with alarms and seeded chance: the host of a driver or of
 * `conditioned` in tests. Alarms run in the order of their instants, equal ones in the order in which they were set.
 */
export class VirtualHost {
  readonly #alarms: Heap<Alarm> = new Heap()
  readonly #random: Random
  #now: number
  #order = 0
  #pending = 0

  constructor(options: { seed: Seed; now?: number }) {
    this.#random = new Random(options.seed)
    this.#now = options.now ?? 0
  }

  /** Alarms that are set and neither ran nor were cancelled. */
  get pending(): number {
    return this.#pending
  }

  /** The present instant, ms. */
  now(): number {
    return this.#now
  }

  /** A uint32. */
  random(): number {
    return this.#random.uint32()
  }

  /** Runs `run` once the clock reaches `timeMs`, never during this call; the returned function cancels it. */
  at(timeMs: number, run: () => void): () => void {
    const alarm = new Alarm(Math.max(timeMs, this.#now), this.#order++, run)
    this.#alarms.push(alarm)
    this.#pending++
    return () => {
      if (alarm.run === undefined) return
      alarm.run = undefined
      this.#pending--
    }
  }

  /** Moves the clock to `timeMs`, stopping at each alarm on the way. */
  advanceTo(timeMs: number): void {
    let atOnce = 0
    for (let alarm = this.#alarms.peek(); alarm !== undefined && alarm.at <= timeMs; alarm = this.#alarms.peek()) {
      this.#alarms.pop()
      const run = alarm.run
      if (run === undefined) continue
      atOnce = alarm.at > this.#now ? 1 : atOnce + 1
      if (atOnce > MAX_ALARMS_AT_ONCE) throw new Error(`more than ${MAX_ALARMS_AT_ONCE} alarms at ${this.#now} ms`)
      this.#now = Math.max(this.#now, alarm.at)
      alarm.run = undefined
      this.#pending--
      run()
    }
    this.#now = Math.max(this.#now, timeMs)
  }

  /** Moves the clock on by `durationMs`. */
  advance(durationMs: number): void {
    this.advanceTo(this.#now + durationMs)
  }
}
