import { Endpoint, type EventOf } from 'gannet'
import { SnapshotFrames, SnapshotReader, SnapshotWriter } from 'gannet/codec'
import { type LinkOptions, World as Path, Random } from 'gannet/sim'
import { describe, expect, test } from 'vitest'
import { Arena } from '../../demo/arena.ts'
import { INITIAL } from '../../demo/conditions.ts'
import { CHANNELS, type Channels, PROTOCOL, rounded, STEP_UNITS, Thing, thingsOf } from '../../demo/protocol.ts'
import { type GameEvent, type GamePeer, type GameServer, Referee } from '../../demo/referee.ts'
import { type Ship, STEP_MS, STILL, type Steering, World } from '../../demo/world.ts'
import { must } from '../support/must.ts'
import { seeded } from '../support/seeds.ts'

/** A server of one peer, which the simulated path drives. */
class Table implements GameServer {
  readonly #endpoint: Endpoint<Channels>
  readonly #peer: GamePeer

  constructor(endpoint: Endpoint<Channels>) {
    this.#endpoint = endpoint
    const { send, trySend, share, close } = endpoint
    const bound = <F extends (...args: never[]) => unknown>(method: F): F => method.bind(endpoint) as F
    this.#peer = { id: 'one', send: bound(send), trySend: bound(trySend), share: bound(share), close: bound(close) }
  }

  update(): void {}

  pollEvent(): GameEvent | undefined {
    const event: EventOf<Channels> | undefined = this.#endpoint.pollEvent()
    return event && { ...event, peer: this.#peer }
  }

  flush(): void {}
}

interface Game {
  readonly client: Endpoint<Channels>
  readonly server: Endpoint<Channels>
  readonly arena: () => Arena
  /** Sizes of the corrections that snapshots of the own ship made, arena units. */
  readonly corrections: number[]
  /** What the own ship was drawn beside where its speed would have brought it since the last frame, arena units. */
  readonly jerks: number[]
  steps: number
  stepsBack: number
  /** Longest way of another ship from one frame to the next, arena units. */
  longestStep: number
  undecodable: number
}

interface Plan {
  readonly seconds: number
  readonly line: LinkOptions
  readonly bots?: number
  readonly stateHz?: number
  /** How the player steers in tick `tick`. */
  readonly steer?: (tick: number) => Steering
  /** Looks at each frame of the page. */
  readonly look?: (arena: Arena, now: number) => void
  /** Whether the page throws this snapshot away. */
  readonly drops?: (now: number) => boolean
}

/** The referee and a page over a line with this weather in both directions. */
function play(seed: number, plan: Plan): Game {
  const random = new Random(seed)
  const make = (role: 'client' | 'server'): Endpoint<Channels> =>
    new Endpoint({ role, now: 0, random: () => random.uint32(), channels: CHANNELS, protocol: PROTOCOL })
  const [client, server] = [make('client'), make('server')]
  const none = { offered: 0, dropped: 0 }
  const conditions = { ...INITIAL, bots: plan.bots ?? 2, stateHz: plan.stateHz ?? 60 }
  const referee = new Referee(
    new Table(server),
    () => random.float(),
    () => ({ conditions, up: none, down: none }),
  )
  const hand = new Random(`${seed} hand`)
  let held: Steering = STILL
  const wander = (): Steering => {
    if (hand.float() < 0.05) held = { x: hand.float() * 2 - 1, y: hand.float() * 2 - 1 }
    return held
  }
  let arena = new Arena(Number.NaN)
  const game: Game = {
    client,
    server,
    arena: () => arena,
    corrections: [],
    jerks: [],
    steps: 0,
    stepsBack: 0,
    longestStep: 0,
    undecodable: 0,
  }
  let drawn: Ship | undefined
  const shown = new Map<number, Ship>()

  const take = (event: EventOf<Channels>, now: number): void => {
    if (event.type === 'open') arena = new Arena(client.stats.rttMs)
    if (event.type === 'undecodable') game.undecodable++
    if (event.type !== 'message') return
    if (event.channel === 'you') arena.takeYou(event.value)
    if (event.channel !== 'state' || plan.drops?.(now)) return
    const { corrections } = arena.figures
    arena.takeSnapshot(event.value, now)
    const { corrections: after, lastCorrection } = arena.figures
    if (now > SETTLED_MS) game.corrections.push(after > corrections ? lastCorrection : 0)
  }

  const draw = (now: number): void => {
    const { self, others } = arena.sample(now)
    plan.look?.(arena, now)
    if (self && drawn && now > SETTLED_MS) {
      const [x, y] = [drawn.x + (self.vx * STEP_MS) / 1_000, drawn.y + (self.vy * STEP_MS) / 1_000]
      game.jerks.push(Math.hypot(self.x - x, self.y - y))
    }
    drawn = self
    for (const ship of others) {
      const was = shown.get(ship.id)
      shown.set(ship.id, ship)
      if (was === undefined || now < SETTLED_MS) continue
      game.steps++
      game.longestStep = Math.max(game.longestStep, Math.hypot(ship.x - was.x, ship.y - was.y))
      const along = (ship.x - was.x) * was.vx + (ship.y - was.y) * was.vy
      if (along < -STEP_UNITS * Math.hypot(was.vx, was.vy)) game.stepsBack++
    }
  }

  const path = new Path({
    seed,
    up: plan.line,
    down: plan.line,
    client: {
      node: client,
      hz: 60,
      phaseMs: 9,
      drain: 'tick',
      tick(now, tick) {
        for (let event = client.pollEvent(); event; event = client.pollEvent()) take(event, now)
        if (client.state !== 'open') return
        for (let due = arena.due(client.clock.at(now) / STEP_MS); due > 0; due--) {
          arena.step(plan.steer?.(tick) ?? wander())
        }
        const { input } = arena
        if (input) client.send('input', input)
        if (input && tick % 60 === 0) client.send('fire', input.tick)
        draw(now)
      },
    },
    server: { node: server, hz: 60, phaseMs: 1, drain: 'tick', tick: (now) => referee.run(now) },
  })
  path.run(plan.seconds * 1_000)
  return game
}

/** Corrections up to this are the rounding of the wire, arena units. */
const ROUNDING = 1 / 8
/** From here on everything is as it will be, ms. */
const SETTLED_MS = 6_000
const GOOD: LinkOptions = { delayMs: 20, jitterMs: 2, reorder: true }
const BAD: LinkOptions = { delayMs: 75, jitterMs: 4, reorder: true, loss: 0.1 }

function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))]!
}

describe('the arena of a page', () => {
  seeded(
    'has the own ship where the peer has it, and others without jumps, at 150 ms of round trip and 10 % loss',
    3,
    (seed) => {
      const game = play(seed, { seconds: 40, line: BAD, bots: 2 })
      const { delayMs, lead } = game.arena().figures
      console.log(
        `corrections ${(game.corrections.filter((size) => size > ROUNDING).length / 34).toFixed(2)}/s, p95 ${quantile(game.corrections, 0.95)}, ` +
          `largest ${quantile(game.corrections, 1).toFixed(1)}; frame off by p99 ${quantile(game.jerks, 0.99).toFixed(2)} units; ` +
          `others ${delayMs.toFixed(0)} ms late, largest step ${game.longestStep.toFixed(1)} units, ${game.stepsBack} of ${game.steps} back; ` +
          `lead ${lead}; ${(game.server.stats.bytesSent / 40).toFixed(0)} B/s down, ${(game.client.stats.bytesSent / 40).toFixed(0)} up`,
      )
      expect(game.corrections.length).toBeGreaterThan(1_500)
      // Only what nobody can foresee moves it: balls, shots and others in its way.
      expect(quantile(game.corrections, 0.95)).toBeLessThanOrEqual(STEP_UNITS)
      expect(quantile(game.jerks, 0.5)).toBeLessThan(0.01)
      expect(quantile(game.jerks, 0.99)).toBeLessThan(8)
      expect(game.steps).toBeGreaterThan(2_000)
      // Ships bounce off balls; a course that turns there is no step back in time.
      expect(game.stepsBack / game.steps).toBeLessThan(0.005)
      expect(game.undecodable).toBe(0)
    },
  )

  test.each([10, 30])('predicts as well by %i states a second', (stateHz) => {
    const game = play(7, { seconds: 30, line: BAD, stateHz })
    expect(game.corrections.length).toBeGreaterThan(stateHz * 20)
    // Balls and shots come in the way as often as ever.
    expect(game.corrections.filter((size) => size > ROUNDING).length / 24).toBeLessThan(1)
    expect(quantile(game.corrections, 0.8)).toBeLessThanOrEqual(STEP_UNITS)
    expect(game.stepsBack / game.steps).toBeLessThan(0.005)
  })

  test('moves the own ship in the tick in which the player steers', () => {
    const asked = 400
    const seen: { tick: number; self: number; echo: number }[] = []
    let tick = 0
    play(1, {
      seconds: 8,
      line: BAD,
      bots: 0,
      steer(now) {
        tick = now
        return now >= asked ? { x: 0, y: 1 } : STILL
      },
      look(arena, now) {
        const { self, echo } = arena.sample(now)
        if (self && echo) seen.push({ tick, self: self.vy, echo: echo.vy })
      },
    })
    const moving = (of: 'self' | 'echo'): number => seen.find((frame) => frame.tick >= asked && frame[of] > 1)!.tick
    expect(moving('self') - asked).toBeLessThanOrEqual(1)
    // The peer's word takes the round trip.
    expect((moving('echo') - asked) * STEP_MS).toBeGreaterThan(140)
  })

  test('asks for a whole snapshot when it lacks what one was made of, and goes on', () => {
    const ticks: number[] = []
    const game = play(2, {
      seconds: 12,
      line: GOOD,
      drops: (now) => now > 7_000 && now < 9_500,
      look: (arena, now) => now > 10_500 && ticks.push(arena.figures.newestTick),
    })
    expect(game.arena().figures.baselinesMissing).toBeGreaterThan(0)
    expect(ticks.at(-1)! - ticks[0]!).toBeGreaterThan(80)
    expect(quantile(game.corrections, 0.95)).toBeLessThanOrEqual(STEP_UNITS)
  })

  test('takes less than half of whole states', () => {
    const game = play(3, { seconds: 20, line: BAD, bots: 2 })
    const state = game.server.stats.channels.find(({ name }) => name === 'state')!
    const random = new Random(3)
    const world = new World(() => random.float())
    for (let i = 0; i < 3; i++) world.addShip()
    const whole = new SnapshotWriter<Thing>().write(new SnapshotFrames(Thing).at(1, thingsOf(world))).length
    expect(state.messagesSent).toBeGreaterThan(1_000)
    expect(state.appBytesSent / state.messagesSent).toBeLessThan(whole / 2)
  })

  test('predicts rightly where not all that moves fits a snapshot', () => {
    const random = new Random(6)
    const world = new World(() => random.float())
    const own = world.addShip()!.id
    // Far from all that could push it, for a second.
    Object.assign(world.ships.get(own)!, { x: 800, y: 400 })
    const crowd = Array.from({ length: 20 }, () => world.addShip()!)
    crowd.forEach((ship, i) => {
      Object.assign(ship, { x: i * 80 + 40, y: 30 })
    })
    world.balls.forEach((ball, i) => {
      Object.assign(ball, { x: i * 130 + 60, y: 760 })
    })
    const frames = new SnapshotFrames(Thing)
    const writer = new SnapshotWriter<Thing>()
    const reader = new SnapshotReader(Thing)
    const arena = new Arena(0)
    arena.takeYou({ ship: own, advice: 0 })
    const inputs = new Map<number, Steering>()
    let complete = 0
    let told = 0
    for (let tick = 1; tick <= 60; tick++) {
      for (let due = arena.due(tick); due > 0; due--)
        arena.step({ x: Math.sin(tick / 9) / 3, y: Math.cos(tick / 7) / 3 })
      const { input } = arena
      input?.steerings.forEach((steering, i) => {
        inputs.set(input.tick - i, steering)
      })
      const steerings = new Map(crowd.map(({ id }) => [id, { x: random.float() * 2 - 1, y: -random.float() }]))
      world.step(steerings.set(own, inputs.get(tick) ?? STILL))
      // Its turn comes now and then.
      const bytes = writer.write(frames.at(tick, thingsOf(world)), {
        maxBytes: 64,
        priority: (id) => (id === own ? 3 : 1),
      })
      writer.sent(tick)
      writer.settle(tick, 'acked')
      const { isComplete, entities } = reader.read(bytes)!
      if (isComplete) complete++
      if (entities.find(({ id }) => id === own)?.at === tick) told++
      arena.takeSnapshot(bytes, tick * STEP_MS)
    }
    expect(complete).toBe(0)
    expect(told).toBeGreaterThan(5)
    expect(told).toBeLessThan(50)
    expect(arena.figures.corrections).toBe(0)
    const { self } = arena.sample(60 * STEP_MS)
    expect(Math.hypot(self!.x - 800, self!.y - 400)).toBeGreaterThan(10)
  })
})

describe('what the arena is on the wire', () => {
  test('fits its schema, whatever happens in it, within half a step', () => {
    const random = new Random(9)
    const world = new World(() => random.float())
    const ids = Array.from({ length: 30 }, () => world.addShip()!.id)
    const frames = new SnapshotFrames(Thing)
    let shots = 0
    for (let tick = 0; tick < 2_000; tick++) {
      for (const id of ids) if (random.float() < 0.2) world.fire(id)
      world.step(new Map(ids.map((id) => [id, { x: random.float() * 2 - 1, y: random.float() * 2 - 1 }])))
      const things = new Map(thingsOf(world))
      expect(things.size).toBe(world.ships.size + world.balls.length + world.shots.length)
      shots = Math.max(shots, world.shots.length)
      if (tick % 20 > 0) continue
      const read = new SnapshotReader(Thing).read(new SnapshotWriter<Thing>().write(frames.at(world.tick, things)))!
      expect(read.entities.length).toBe(things.size)
      for (const { id, value } of read.entities) {
        const { x, y, owner } = things.get(id)!
        must(
          Math.abs(value.x - x) <= STEP_UNITS / 2 && Math.abs(value.y - y) <= STEP_UNITS / 2,
          () => `${id}: ${x} ${y}`,
        )
        expect(value.owner).toBe(owner)
      }
    }
    expect(shots).toBeGreaterThan(40)
  })

  test('a steering that was rounded once stays as it is', () => {
    const random = new Random(5)
    for (let i = 0; i < 1_000; i++) {
      const once = rounded({ x: random.float() * 3 - 1.5, y: random.float() * 2 - 1 })
      expect(rounded(once)).toEqual(once)
    }
  })
})
