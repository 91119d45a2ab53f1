import { describe, expect, test } from 'vitest'
import { ClockSync } from '../../../src/core/clock/clock-sync.ts'
import { decodeAckDelay, encodeAckDelay, timestampOf } from '../../../src/core/wire/header.ts'
import { Endpoint } from '../../../src/index.ts'
import { type LinkOptions, type Node, Random, World } from '../../../src/sim/index.ts'
import { must } from '../../support/must.ts'
import { seeded } from '../../support/seeds.ts'

interface Path {
  /** Way there and way back without jitter, ms. */
  readonly upMs: number
  readonly downMs: number
  /** Longest extra delay of the model in the notes: exponential with a mean of half of it, cut at three times it, ms. */
  readonly jitterMs: number
  readonly loss: number
  /** The server's clock: at our instant 0, and its rate. */
  readonly offsetMs: number
  readonly ppm: number
  readonly hz: number
}

const PATH: Path = { upMs: 50, downMs: 50, jitterMs: 10, loss: 0.05, offsetMs: 1e8 + 0.4, ppm: 50, hz: 60 }

/** The packets of a game, as the clock of its client sees them, without the endpoints between. */
class Game {
  readonly clock = new ClockSync(false)
  readonly path: Path
  readonly #random: Random
  #startedAt = 0
  /** When the first ack of a packet of ours came. */
  exchangedAt: number = Number.POSITIVE_INFINITY

  constructor(seed: number, path: Partial<Path> = {}) {
    this.#random = new Random(seed)
    this.path = { ...PATH, ...path }
  }

  serverAt(now: number): number {
    return this.path.offsetMs + now * (1 + this.path.ppm * 1e-6)
  }

  get #jitter(): number {
    const { jitterMs } = this.path
    return Math.min(3 * jitterMs, -Math.log(1 - this.#random.float()) * (jitterMs / 2))
  }

  /** The handshake; returns the instant of the welcome. */
  open(at: number): number {
    const heardAt = at + this.path.upMs + this.#jitter
    const now = heardAt + this.path.downMs + this.#jitter
    this.clock.start(Math.floor(this.serverAt(heardAt) * 4) / 4, at, now)
    this.#startedAt = now
    return now
  }

  /** `seconds` of packets each way; `look` after each that comes, with the error of the estimate and of what is shown. */
  run(seconds: number, look: (now: number, estimateMs: number, shownMs: number) => void): void {
    const { upMs, downMs, hz, loss } = this.path
    const events: { at: number; run: (now: number) => void }[] = []
    const tickMs = 1000 / hz
    const count = Math.floor((seconds * 1000) / tickMs)
    const phase = this.#random.float() * tickMs
    const startedAt = this.#startedAt
    let heardAt = Number.NaN
    let heardSentAt = Number.NaN
    for (let i = 0; i < count; i++) {
      const sentAt = startedAt + i * tickMs
      if (this.#random.float() >= loss) {
        const arrivesAt = sentAt + upMs + this.#jitter
        events.push({
          at: arrivesAt,
          run: (now) => {
            if (heardSentAt >= sentAt) return
            heardAt = now
            heardSentAt = sentAt
          },
        })
      }
      const repliesAt = startedAt + i * tickMs + phase
      events.push({
        at: repliesAt,
        run: (now) => {
          const delay = decodeAckDelay(encodeAckDelay((now - heardAt) * (1 + this.path.ppm * 1e-6)))
          const acked = heardSentAt
          const timestamp = timestampOf(this.serverAt(now))
          if (this.#random.float() < loss) return
          const at = now + downMs + this.#jitter
          events.splice(place(events, at), 0, {
            at,
            run: (then) => {
              if (Number.isFinite(delay) && !Number.isNaN(acked)) {
                this.clock.onAck(timestamp, delay, acked, then)
                this.exchangedAt = Math.min(this.exchangedAt, then)
              }
              this.clock.onArrival(timestamp, then)
              const truth = this.serverAt(then)
              look(then, this.clock.offsetAt(then) + then - truth, this.clock.at(then) - truth)
            },
          })
        },
      })
    }
    events.sort((a, b) => b.at - a.at)
    for (let event = events.pop(); event !== undefined; event = events.pop()) event.run(event.at)
  }
}

/** Where something at `at` goes into events that are sorted from late to early. */
function place(events: readonly { at: number }[], at: number): number {
  let low = 0
  let high = events.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (events[middle]!.at > at) low = middle + 1
    else high = middle
  }
  return low
}

const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))]!

describe('the estimate', () => {
  test('is there after one round trip, and within half of it', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const game = new Game(seed)
      expect(game.clock.isSynced).toBe(false)
      expect(game.clock.at(0)).toBeNaN()
      const now = game.open(0)
      expect(game.clock.isSynced).toBe(true)
      must(Math.abs(game.clock.at(now) - game.serverAt(now)) < 20, () => `seed ${seed}: off at the welcome`)
    }
  })

  // Goal G-clock: 10 ms of jitter, 5 % loss, 50 ppm, 60 Hz, RTT 100 ms.
  test('meets the goal: below 5 ms 50 ms after the first exchange, below 1 ms within 300 ms in 95 % of runs, 0.15 ms at rest', () => {
    const settledMs: number[] = []
    const rest: number[] = []
    let late = 0
    const runs = 400
    for (let seed = 1; seed <= runs; seed++) {
      const game = new Game(seed)
      const openAt = game.open(0)
      let lastBad = openAt
      let isLate = false
      game.run(20, (now, estimateMs) => {
        if (Math.abs(estimateMs) >= 1 && now < openAt + 3000) lastBad = now
        if (Math.abs(estimateMs) >= 5 && now > game.exchangedAt + 50) isLate = true
        if (now > openAt + 3000) rest.push(Math.abs(estimateMs))
      })
      if (isLate) late++
      settledMs.push(lastBad - openAt + 1000 / 60)
    }
    console.log(
      `G-clock: < 1 ms after ${quantile(settledMs, 0.5).toFixed(0)} / ${quantile(settledMs, 0.95).toFixed(0)} ms ` +
        `(median / 95 % of ${runs} runs, counted from the welcome), < 5 ms after 50 ms in all but ${late}; at rest p95 ${quantile(rest, 0.95).toFixed(3)} ms`,
    )
    expect(late / runs).toBeLessThanOrEqual(0.05)
    expect(quantile(settledMs, 0.95)).toBeLessThan(300)
    expect(quantile(rest, 0.95)).toBeLessThanOrEqual(0.15)
  })

  test('is off by half of what one way is slower than the other, and says so', () => {
    const game = new Game(5, { upMs: 80, downMs: 20 })
    game.open(0)
    game.run(10, (now, estimateMs, shownMs) => {
      if (now < 5000) return
      must(Math.abs(estimateMs - 30) < 1, () => `${estimateMs} ms at ${now}`)
      must(Math.abs(shownMs) <= game.clock.errorAt(now), () => `${shownMs} ms, bound ${game.clock.errorAt(now)}`)
    })
  })

  test('measures the drift', () => {
    const game = new Game(6, { ppm: -120, jitterMs: 30 })
    game.open(0)
    game.run(90, () => {})
    expect(Math.abs(game.clock.driftPpm - -120)).toBeLessThan(10)
  })

  test('does not mind packets that are seconds late, nor a silence', () => {
    const game = new Game(7)
    game.open(0)
    game.run(6, () => {})
    const { clock } = game
    const stamp = (at: number): number => timestampOf(game.serverAt(at))
    clock.onAck(stamp(4000), 0, 3000, 6200)
    clock.onArrival(stamp(2000), 6300)
    expect(Math.abs(clock.at(6300) - game.serverAt(6300))).toBeLessThan(1)
    expect(Math.abs(clock.at(600_000) - game.serverAt(600_000))).toBeLessThan(600 * 0.05)
  })
})

describe('what is shown', () => {
  const jumps = [
    [5000, 1000],
    [-40, 4000],
    [-700, 6000],
    [300, 4000],
  ] as const
  test.each(jumps)(
    'never runs backwards when the peer’s clock jumps by %i ms, and is right within %i ms',
    (jumpMs, limitMs) => {
      const game = new Game(8)
      const openAt = game.open(0)
      let shown = Number.NEGATIVE_INFINITY
      let error = 0
      let settledAt = Number.NaN
      const look = (now: number, _: number, shownMs: number): void => {
        const at = game.clock.at(now)
        must(at >= shown, () => `back from ${shown} to ${at}`)
        shown = at
        error = shownMs
      }
      game.run(5, look)
      expect(Math.abs(error)).toBeLessThan(1)
      const later = openAt + 5100
      runSteadily(game.clock, { ...game.path, offsetMs: game.path.offsetMs + jumpMs }, later, 12, (now, _, shownMs) => {
        look(now, _, shownMs)
        if (Math.abs(shownMs) < 2 && Number.isNaN(settledAt)) settledAt = now
      })
      // Three seconds for what was measured before to be forgotten, when nothing contradicts it.
      expect(settledAt - later).toBeLessThan(limitMs + 3000)
    },
  )

  test('is corrected by at most 50 ms a second once it is settled', () => {
    const game = new Game(10)
    const at = game.open(0) + 5400
    game.run(5, () => {})
    // One way is suddenly 30 ms shorter: the estimate moves by 15 ms at once.
    game.clock.onArrival(timestampOf(game.serverAt(at)), at + 20)
    expect(Math.abs(game.clock.offsetAt(at + 20) - (game.serverAt(at) - at))).toBeGreaterThan(10)
    for (let ms = 1; ms <= 100; ms++) {
      const slope = game.clock.at(at + 20 + ms) - game.clock.at(at + 19 + ms)
      must(slope > 0.949 && slope < 1.051, () => `${slope} at ${ms}`)
    }
  })
})

/** Packets without loss and jitter from `startsAt` on, on a path that need not be the one before. */
function runSteadily(
  clock: ClockSync,
  path: Path,
  startsAt: number,
  seconds: number,
  look: Parameters<Game['run']>[1],
): void {
  const serverAt = (now: number): number => path.offsetMs + now * (1 + path.ppm * 1e-6)
  for (let i = 0; i < seconds * path.hz; i++) {
    const sentAt = startsAt + (i * 1000) / path.hz
    const repliesAt = sentAt + path.upMs + 3
    const now = repliesAt + path.downMs
    clock.onAck(timestampOf(serverAt(repliesAt)), 3, sentAt, now)
    clock.onArrival(timestampOf(serverAt(repliesAt)), now)
    look(now, clock.offsetAt(now) + now - serverAt(now), clock.at(now) - serverAt(now))
  }
}

/** A node whose own clock runs by another rate and from another zero than the world's. */
class Drifting implements Node {
  readonly endpoint: Endpoint
  readonly #offsetMs: number
  readonly #rate: number

  constructor(endpoint: Endpoint, offsetMs: number, rate: number) {
    this.endpoint = endpoint
    this.#offsetMs = offsetMs
    this.#rate = rate
  }

  own(worldMs: number): number {
    return this.#offsetMs + worldMs * this.#rate
  }

  receive(packet: Parameters<Endpoint['receive']>[0], now: number): void {
    this.endpoint.receive(packet, this.own(now))
  }

  update(now: number): void {
    this.endpoint.update(this.own(now))
  }

  pollPacket() {
    return this.endpoint.pollPacket()
  }

  get wakeAt(): number {
    return (this.endpoint.wakeAt - this.#offsetMs) / this.#rate
  }
}

/** Two endpoints whose clocks differ; gives the errors of the client's shared clock, one a tick after 5 s. */
function errorsOf(
  seed: number,
  seconds: number,
  hz: number,
  ppm: number,
  up: LinkOptions,
  down: LinkOptions,
): number[] {
  const random = new Random(seed)
  const channels = { game: { kind: 'unreliable' } } as const
  const offsetMs = 7.77e8
  const make = (role: 'client' | 'server', now: number): Endpoint =>
    new Endpoint({ role, now, random: () => random.uint32(), channels }) as unknown as Endpoint
  const client = new Drifting(make('client', 0), 0, 1)
  const server = new Drifting(make('server', offsetMs), offsetMs, 1 + ppm * 1e-6)
  const errors: number[] = []
  let shown = Number.NEGATIVE_INFINITY
  const play = (node: Drifting) => (): void => {
    while (node.endpoint.pollEvent() !== undefined);
    node.endpoint.trySend('game', new Uint8Array(20))
  }
  const world = new World({
    seed,
    up,
    down,
    client: {
      node: client,
      hz,
      tick(now) {
        play(client)()
        const at = client.endpoint.clock.at(client.own(now))
        must(!(at < shown), () => `back from ${shown} to ${at}`)
        shown = at
        if (now > 5000) errors.push(at - server.own(now))
      },
    },
    server: { node: server, hz, phaseMs: 400 / hz, tick: play(server) },
  })
  world.run(seconds * 1000)
  return errors
}

describe('between two endpoints', () => {
  seeded('follows the server through jitter and loss, to a few ms', 3, (seed) => {
    const weather = { delayMs: 50, jitterMs: 30, loss: 0.05 }
    const errors = errorsOf(seed, 60, 60, 200, weather, weather).map(Math.abs)
    expect(quantile(errors, 0.99)).toBeLessThanOrEqual(5)
  })

  // Two hours, 200 ppm, 30 ms of jitter, one way 20 ms longer than the other.
  test('stays within 5 ms plus half the asymmetry for two hours', { timeout: 120_000 }, () => {
    const up = { delayMs: 60, jitterMs: 30, loss: 0.05 }
    const down = { delayMs: 40, jitterMs: 30, loss: 0.05 }
    const errors = errorsOf(11, 7200, 20, 200, up, down).map(Math.abs)
    expect(errors.length).toBeGreaterThan(140_000)
    console.log(
      `two hours: p50 ${quantile(errors, 0.5).toFixed(2)}, p99 ${quantile(errors, 0.99).toFixed(2)} ms, half the asymmetry being 10`,
    )
    expect(quantile(errors, 0.99)).toBeLessThanOrEqual(5 + 10)
  })

  test('is exact on the server', () => {
    const server = new Endpoint({ role: 'server', now: 123, random: () => 1, channels: { a: { kind: 'ordered' } } })
    expect([server.clock.isSynced, server.clock.at(5), server.clock.errorAt(5), server.clock.driftPpm]).toEqual([
      true,
      5,
      0,
      0,
    ])
  })
})
