import type { Bytes } from '../core/bytes.ts'
import { type Due, Heap } from './heap.ts'
import { Link } from './link.ts'
import { describeOptions, type LinkOptions } from './link-options.ts'
import { Random, type Seed } from './random.ts'

/** What a {@link World} joins: the sans-IO shape that `Endpoint` has. */
export interface Node {
  /** Takes ownership of a packet that arrives at `now`. */
  receive(packet: Bytes, now: number): unknown
  /** Time passes. */
  update(now: number): void
  /** The next packet to send, borrowed until the next call. */
  pollPacket(): Bytes | undefined
  /** Instant of the next useful `update` and `pollPacket`, ms; `Infinity` when idle. */
  readonly wakeAt: number
}

/** One end of a {@link World}. */
export interface WorldSide {
  node: Node
  /** Ticks per second. Default 0: no ticks, the node's own deadlines drive it. */
  hz?: number
  /** Instant of tick 0, ms after the start; default 0. A fraction of the period keeps the two sides out of step. */
  phaseMs?: number
  /** The game's code in each tick, after `update` and before the packets are drained. `tick` counts 0, 1, 2, … */
  tick?: (now: number, tick: number) => void
  /**
   * When packets are drained: `event` (default) after every arrival, deadline and tick; `tick` only at ticks,
   * as a driver does whose game flushes once per frame. Deadlines between ticks wait for the tick then.
   */
  drain?: 'event' | 'tick'
}

export interface WorldOptions {
  /** Source of all weather; printed by {@link World.describe}. */
  seed: Seed
  client: WorldSide
  server: WorldSide
  /** Weather from client to server; default perfect. A profile has both: `{ ...profiles.train, seed, client, server }`. */
  up?: LinkOptions
  /** Weather from server to client; default perfect. */
  down?: LinkOptions
  /** Instant at which the world begins, ms; default 0. */
  now?: number
}

/** Steps at one instant before {@link World} decides that a node or a script keeps time from moving. */
const MAX_STEPS_AT_ONCE = 10_000

class Script implements Due {
  readonly at: number
  readonly order: number
  readonly run: (now: number) => void

  constructor(at: number, order: number, run: (now: number) => void) {
    this.at = at
    this.order = order
    this.run = run
  }
}

/** A side with its place in time. */
class Place {
  readonly name: string
  readonly node: Node
  readonly #tick: ((now: number, tick: number) => void) | undefined
  readonly #drainsAtTicks: boolean
  readonly #hz: number
  readonly #firstTickAt: number
  #ticks = 0
  /** Instant of the next tick, ms; computed from the count so that it never drifts. */
  nextTickAt: number
  readonly #inbound: Link
  readonly #outbound: Link

  constructor(name: string, side: WorldSide, startsAt: number, inbound: Link, outbound: Link) {
    const hz = side.hz ?? 0
    if (!(hz >= 0 && hz < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`${name} hz: ${hz}, expected ticks per second, or 0 for none`)
    }
    if (hz === 0 && (side.tick !== undefined || side.drain === 'tick')) {
      throw new RangeError(`${name} hz: 0, expected a tick rate, since tick or drain: 'tick' is given`)
    }
    this.name = name
    this.node = side.node
    this.#tick = side.tick
    this.#drainsAtTicks = side.drain === 'tick'
    this.#hz = hz
    this.#firstTickAt = startsAt + (side.phaseMs ?? 0)
    this.nextTickAt = hz === 0 ? Number.POSITIVE_INFINITY : this.#firstTickAt
    this.#inbound = inbound
    this.#outbound = outbound
  }

  get wakeAt(): number {
    return this.#drainsAtTicks ? this.nextTickAt : Math.min(this.nextTickAt, this.node.wakeAt)
  }

  step(now: number): void {
    let isDue = false
    for (let packet = this.#inbound.poll(now); packet !== undefined; packet = this.#inbound.poll(now)) {
      this.node.receive(packet, now)
      isDue = true
    }
    const isTick = this.nextTickAt <= now
    if (!isTick && (this.#drainsAtTicks || !(isDue || this.node.wakeAt <= now))) return
    this.node.update(now)
    if (isTick) {
      this.#tick?.(now, this.#ticks)
      this.#ticks++
      // Multiplied first: 60 ticks at 60 Hz are exactly 1000 ms.
      this.nextTickAt = this.#firstTickAt + (this.#ticks * 1000) / this.#hz
    }
    for (let packet = this.node.pollPacket(); packet !== undefined; packet = this.node.pollPacket()) {
      this.#outbound.push(packet, now)
    }
  }
}

/**
 * Two nodes, two links and a virtual clock that jumps from one deadline to the next: minutes of a game in milliseconds,
 * the same in every run of a seed. At each instant: scripts first, then the server, then the client; each receives
 * what has arrived, updates, runs its tick, and its packets go into its link.
 */
export class World {
  readonly seed: string
  /** From client to server. */
  readonly up: Link
  /** From server to client. */
  readonly down: Link
  readonly #client: Place
  readonly #server: Place
  readonly #scripts: Heap<Script> = new Heap()
  #order = 0
  #now: number
  #steps = 0
  #stepsAtOnce = 0

  constructor(options: WorldOptions) {
    const random = new Random(options.seed)
    const startsAt = options.now ?? 0
    this.seed = random.seed
    this.up = new Link({ ...options.up, seed: random.fork('up'), startsAt })
    this.down = new Link({ ...options.down, seed: random.fork('down'), startsAt })
    this.#client = new Place('client', options.client, startsAt, this.down, this.up)
    this.#server = new Place('server', options.server, startsAt, this.up, this.down)
    this.#now = startsAt
  }

  /** The present instant, ms. */
  get now(): number {
    return this.#now
  }

  /** Steps taken: instants at which something was due. */
  get steps(): number {
    return this.#steps
  }

  /** Runs `run` when the clock reaches `timeMs`, before anything else of that instant. */
  at(timeMs: number, run: (now: number) => void): void {
    this.#scripts.push(new Script(Math.max(timeMs, this.#now), this.#order++, run))
  }

  /** Changes the weather now. */
  set(weather: { up?: LinkOptions; down?: LinkOptions }): void {
    if (weather.up !== undefined) this.up.set(weather.up, this.#now)
    if (weather.down !== undefined) this.down.set(weather.down, this.#now)
  }

  /** Lets `durationMs` pass; everything due up to the last instant, inclusive, has happened then. */
  run(durationMs: number): void {
    const endsAt = this.#now + durationMs
    while (this.#step(endsAt));
    this.#now = endsAt
  }

  /** Lets time pass until `isDone` holds, tested after each step, at most `limitMs`. Says whether it came to hold. */
  runUntil(isDone: () => boolean, limitMs: number): boolean {
    const endsAt = this.#now + limitMs
    while (!isDone()) {
      if (this.#step(endsAt)) continue
      this.#now = endsAt
      return isDone()
    }
    return true
  }

  /** One line for failure messages: the seed, the instant and the weather. */
  describe(): string {
    const up = describeOptions(this.up.settings)
    const down = describeOptions(this.down.settings)
    return `seed ${JSON.stringify(this.seed)}, at ${this.#now} ms, up: ${up}, down: ${down}`
  }

  /** Goes to the next instant at which something is due, unless it lies after `endsAt`. */
  #step(endsAt: number): boolean {
    const scriptAt = this.#scripts.peek()?.at ?? Number.POSITIVE_INFINITY
    const nodesAt = Math.min(this.#client.wakeAt, this.#server.wakeAt)
    const wakeAt = Math.min(scriptAt, nodesAt, this.up.wakeAt, this.down.wakeAt)
    if (Number.isNaN(wakeAt)) throw new Error(`a wakeAt is not a number: ${this.#wakers()}; ${this.describe()}`)
    if (wakeAt > endsAt) return false
    this.#steps++
    if (wakeAt > this.#now) {
      this.#now = wakeAt
      this.#stepsAtOnce = 0
    } else if (++this.#stepsAtOnce > MAX_STEPS_AT_ONCE) {
      throw new Error(`time stands still: ${this.#wakers()}; ${this.describe()}`)
    }
    const now = this.#now
    for (let script = this.#scripts.peek(); script !== undefined && script.at <= now; script = this.#scripts.peek()) {
      this.#scripts.pop()
      script.run(now)
    }
    this.#server.step(now)
    this.#client.step(now)
    return true
  }

  /** Who wants to be woken when. */
  #wakers(): string {
    const nodes = [this.#client, this.#server].map((place) => `${place.name} ${place.node.wakeAt}`)
    return [...nodes, `up ${this.up.wakeAt}`, `down ${this.down.wakeAt}`].join(', ')
  }
}
