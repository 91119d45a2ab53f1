import { describe, expect, test } from 'vitest'
import * as codec from '../../src/codec/index.ts'
import { Endpoint } from '../../src/index.ts'
import { InputBuffer, Interpolator, Predictor } from '../../src/play/index.ts'
import { Random, World } from '../../src/sim/index.ts'
import { must } from '../support/must.ts'
import { seeded } from '../support/seeds.ts'

const TICK_MS = 1000 / 60
/** One step of the wire, units: positions are rounded to it. */
const STEP = 1 / 16

interface Ship {
  x: number
  y: number
  vx: number
  vy: number
}
interface Steering {
  x: number
  y: number
}

const Ship = codec.struct({
  x: codec.quantized(-4000, 4000, STEP),
  y: codec.quantized(-4000, 4000, STEP),
  vx: codec.quantized(-500, 500, 1 / 64),
  vy: codec.quantized(-500, 500, 1 / 64),
})
const Steering = codec.struct({ x: codec.quantized(-1, 1, 1 / 16), y: codec.quantized(-1, 1, 1 / 16) })
const Input = codec.struct({ tick: codec.varint(), inputs: codec.array(Steering, 12) })
const Own = codec.struct({ tick: codec.varint(), ship: Ship, advice: codec.int(8) })
const channels = {
  input: codec.unreliable(Input),
  own: codec.unreliable(Own),
  world: codec.unreliable(codec.snapshots(Ship)),
} as const

/** Thrust, drag, and walls that turn a ship back. */
function fly({ x, y, vx, vy }: Ship, steering: Steering): Ship {
  const next = {
    vx: vx * 0.99 + steering.x * 4,
    vy: vy * 0.99 + steering.y * 4,
  }
  const to = { x: x + (next.vx * TICK_MS) / 1000, y: y + (next.vy * TICK_MS) / 1000 }
  return {
    x: Math.max(-4000, Math.min(4000, to.x)),
    y: Math.max(-4000, Math.min(4000, to.y)),
    vx: Math.abs(to.x) > 4000 ? -next.vx : next.vx,
    vy: Math.abs(to.y) > 4000 ? -next.vy : next.vy,
  }
}

const distance = (a: Ship, b: Ship): number => Math.hypot(a.x - b.x, a.y - b.y)
const mix = (a: number, b: number, share: number): number => a + (b - a) * share
const blend = (a: Ship, b: Ship, share: number): Ship => ({
  x: mix(a.x, b.x, share),
  y: mix(a.y, b.y, share),
  vx: mix(a.vx, b.vx, share),
  vy: mix(a.vy, b.vy, share),
})
const still: Ship = { x: 0, y: 0, vx: 0, vy: 0 }

/** A game of `seconds`: one player and eight others, over RTT 100 ms, 20 ms of jitter and 5 % loss each way. */
function game(seed: number, seconds: number) {
  const random = new Random(seed)
  const make = (role: 'client' | 'server') => new Endpoint({ role, now: 0, random: () => random.uint32(), channels })
  const [client, server] = [make('client'), make('server')]
  const players = new Random(`${seed} players`)

  // The server's side.
  const inputs = new InputBuffer<Steering>()
  let own: Ship = { ...still }
  let lastInput: Steering = { x: 0, y: 0 }
  const others = Array.from({ length: 8 }, (_, id) => ({
    id,
    ship: { x: id * 100 - 400, y: id * 50, vx: 60, vy: 0 },
    turn: 0,
  }))
  const frames = new codec.SnapshotFrames(Ship)
  const writer = new codec.SnapshotWriter<Ship>()

  // The client's.
  const reader = new codec.SnapshotReader(Ship)
  const interpolator = new Interpolator<Ship>({ tickMs: TICK_MS, blend })
  const predictor = new Predictor<Ship, Steering>({ step: fly, difference: distance, blend, tolerance: STEP }, 8)
  let steering: Steering = { x: 0, y: 0 }
  const corrections: number[] = []
  const shown = new Map<number, Ship>()
  let backward = 0
  let moves = 0
  let jump = 0
  let drawn: Ship | undefined

  const world = new World({
    seed,
    up: { delayMs: 50, jitterMs: 10, reorder: true, loss: 0.05 },
    down: { delayMs: 50, jitterMs: 10, reorder: true, loss: 0.05 },
    client: {
      node: client,
      hz: 60,
      phaseMs: 5,
      tick(now) {
        for (let event = client.pollEvent(); event; event = client.pollEvent()) {
          if (event.type !== 'message') continue
          if (event.channel === 'world') interpolator.push(reader.read(event.value)!, now)
          else if (event.channel === 'own') {
            const correction = predictor.reconcile(event.value.tick, event.value.ship)
            if (now > 6000) corrections.push(correction)
            predictor.advise(event.value.advice)
          }
        }
        if (client.state !== 'open') return
        if (players.float() < 0.05) {
          const wanted = { x: players.float() * 2 - 1, y: players.float() * 2 - 1 }
          steering = Steering.decode(Steering.encode(wanted))!
        }
        for (let due = predictor.due(client.clock.at(now) / TICK_MS); due > 0; due--) predictor.step(steering)
        const { tick, inputs: recent } = predictor.recent
        if (recent.length > 0) client.send('input', { tick, inputs: recent })
        const mine = predictor.sample(1)
        if (mine !== undefined && drawn !== undefined && now > 6000) jump = Math.max(jump, distance(mine, drawn))
        drawn = mine
        for (const [id, ship] of interpolator.sample(now)) {
          const was = shown.get(id)
          if (was !== undefined && now > 3000) {
            moves++
            // Along its course: what it shows must not go back.
            const along = (ship.x - was.x) * ship.vx + (ship.y - was.y) * ship.vy
            if (along < -STEP * Math.hypot(ship.vx, ship.vy)) backward++
          }
          shown.set(id, ship)
        }
      },
    },
    server: {
      node: server,
      hz: 60,
      tick(now) {
        for (let event = server.pollEvent(); event; event = server.pollEvent()) {
          if (event.type === 'verdict' && event.channel === 'world') writer.settle(event.id, event.verdict)
          if (event.type !== 'message' || event.channel !== 'input') continue
          event.value.inputs.forEach((input, i) => {
            inputs.push(event.value.tick - i, input)
          })
        }
        // The tick of this instant on the server's clock, which is the world's here.
        const tick = Math.round(now / TICK_MS)
        if (server.state !== 'open') return
        lastInput = inputs.pull(tick) ?? lastInput
        own = fly(own, lastInput)
        for (const other of others) {
          if (random.float() < 0.02) other.turn = random.float() * 2 - 1
          const speed = Math.hypot(other.ship.vx, other.ship.vy) + 1e-9
          const thrust = 0.2 + (60 - speed) / 100
          const side = other.turn * 0.15
          other.ship = fly(other.ship, {
            x: (other.ship.vx * thrust - other.ship.vy * side) / speed,
            y: (other.ship.vy * thrust + other.ship.vx * side) / speed,
          })
        }
        server.send('own', { tick, ship: own, advice: Math.max(-100, Math.min(100, inputs.advice)) })
        if (tick % 3 === 0)
          writer.sent(
            server.send(
              'world',
              writer.write(
                frames.at(
                  tick,
                  others.map(({ id, ship }) => [id, ship]),
                ),
              ),
            ),
          )
      },
    },
  })
  world.run(seconds * 1000)
  return { corrections, inputs, predictor, interpolator, backward, moves, jump, reader }
}

const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))]!

describe('at 100 ms of round trip, 20 ms of jitter and 5 % loss', () => {
  seeded('the own ship is where it was predicted, and others never step back', 4, (seed) => {
    const result = game(seed, 60)
    const p95 = quantile(result.corrections, 0.95)
    console.log(
      `own ship: correction p95 ${p95.toFixed(3)}, p99 ${quantile(result.corrections, 0.99).toFixed(3)}, largest ` +
        `${quantile(result.corrections, 1).toFixed(2)} units (step ${STEP}); ${result.inputs.late} late, ${result.inputs.missing} missing, ` +
        `lead ${result.predictor.lead}; others: ${result.backward} of ${result.moves} steps back, delay ` +
        `${result.interpolator.delayMs.toFixed(0)} ms, ${result.interpolator.guesses} guesses`,
    )
    expect(result.corrections.length).toBeGreaterThan(2000)
    expect(p95).toBeLessThanOrEqual(STEP)
    expect(result.moves).toBeGreaterThan(20_000)
    expect(result.backward).toBe(0)
    expect(result.reader.baselinesMissing + result.reader.malformed).toBe(0)
  })
})

describe('an input buffer', () => {
  test('gives each tick its input, in whatever order and how often they come', () => {
    const buffer = new InputBuffer<string>()
    for (const tick of [3, 1, 2, 2, 1]) buffer.push(tick, `input ${tick}`)
    expect([1, 2, 3, 4].map((tick) => buffer.pull(tick))).toEqual(['input 1', 'input 2', 'input 3', undefined])
    expect([buffer.missing, buffer.late, buffer.length]).toEqual([1, 0, 0])
  })

  test('counts late ones once, and asks for more lead', () => {
    const buffer = new InputBuffer<number>()
    for (let tick = 1; tick <= 10; tick++) buffer.pull(tick)
    expect(buffer.push(9, 0)).toBe(false)
    expect(buffer.push(9, 0)).toBe(false)
    expect([buffer.late, buffer.missing]).toEqual([1, 10])
    expect(buffer.advice).toBe(1 + 2)
  })

  test('asks to fall back when all come early, after a while', () => {
    const buffer = new InputBuffer<number>()
    for (let tick = 1; tick <= 200; tick++) {
      buffer.push(tick + 9, 0)
      buffer.pull(tick)
    }
    expect(buffer.advice).toBeLessThan(-5)
  })

  test('keeps no more than it may, whatever comes', () => {
    const buffer = new InputBuffer<number>(8)
    buffer.pull(0)
    for (let tick = 0; tick < 1e5; tick++) buffer.push(tick, 0)
    for (const tick of [Number.NaN, 1.5, -1e9, Number.POSITIVE_INFINITY]) expect(buffer.push(tick, 0)).toBe(false)
    expect(buffer.length).toBeLessThanOrEqual(8)
    expect(buffer.early).toBeGreaterThan(1000)
  })
})

describe('a predictor', () => {
  const options = {
    step: (state: number, input: number) => state + input,
    difference: (a: number, b: number) => Math.abs(a - b),
    blend: mix,
    tolerance: 0.5,
    smoothTicks: 4,
  }

  test('moves at once, sends again what is not confirmed, and leaves a right prediction alone', () => {
    const predictor = new Predictor(options, 5)
    expect(predictor.state).toBeUndefined()
    expect(predictor.due(100.2)).toBe(1)
    predictor.step(1)
    predictor.reconcile(100, 10)
    for (const input of [1, 2, 3]) predictor.step(input)
    expect([predictor.state, predictor.recent]).toEqual([16, { tick: 108, inputs: [3, 2, 1] }])
    expect(predictor.reconcile(106, 11.4)).toBe(0)
    expect([predictor.state, predictor.recent.inputs]).toEqual([16, [3, 2]])
  })

  test('replays what came after the server’s word, and comes to it smoothly', () => {
    const predictor = new Predictor(options, 0)
    predictor.due(0)
    predictor.reconcile(-1, 0)
    for (let i = 0; i < 4; i++) predictor.step(1)
    expect(predictor.sample(1)).toBe(4)
    expect(predictor.reconcile(1, 10)).toBe(8)
    expect(predictor.state).toBe(12)
    const drawn = [predictor.sample(1)!]
    for (let i = 0; i < 5; i++) {
      predictor.step(1)
      drawn.push(predictor.sample(1)!)
    }
    for (let i = 1; i < drawn.length; i++) must(drawn[i]! - drawn[i - 1]! < 4, () => drawn.join(' '))
    expect(drawn[0]).toBeLessThan(6)
    expect(drawn.at(-1)).toBe(17)
    expect([predictor.corrections, predictor.lastCorrection]).toEqual([1, 8])
    expect(predictor.reconcile(1, 500)).toBe(0)
  })

  test('lets one correction end while a smaller one comes', () => {
    const predictor = new Predictor(
      { ...options, step: (state: number, input: number) => Math.min(20, state + input) },
      0,
    )
    predictor.due(0)
    predictor.reconcile(-1, 0)
    for (let i = 0; i < 3; i++) predictor.step(1)
    predictor.reconcile(0, 15)
    const drawn = predictor.sample(1)!
    expect(drawn).toBeLessThan(10)
    // Both ways lead to the wall: the word is another, and the present state the same.
    for (let i = 0; i < 2; i++) predictor.step(4)
    const before = predictor.sample(1)!
    expect(predictor.reconcile(1, 19)).toBe(0)
    expect(predictor.sample(1)).toBe(before)
  })

  test('runs ahead and falls back gradually, without a tick that is twice as long or none', () => {
    const predictor = new Predictor(options, 2)
    let place = 0
    const play = (from: number, to: number): number => {
      let longest = 0
      for (let serverTick = from; serverTick < to; serverTick += 0.25) {
        for (let due = predictor.due(serverTick); due > 0; due--) predictor.step(1)
        const now = predictor.recent.tick + predictor.share
        if (serverTick > from) {
          longest = Math.max(longest, now - place)
          must(now > place, () => `stood still at ${serverTick}`)
        }
        place = now
      }
      return longest
    }
    expect(play(0, 200)).toBeCloseTo(0.25)
    predictor.advise(0)
    predictor.advise(3)
    expect(play(200, 400)).toBeCloseTo(0.375)
    expect(place).toBeCloseTo(399.75 + 5)
    predictor.advise(-5)
    expect(play(400, 600)).toBeCloseTo(0.25)
    expect(place).toBeCloseTo(599.75 + 4)
    // After a pause there is nothing to be gradual about.
    predictor.lead = 1
    predictor.due(5000)
    predictor.step(1)
    expect(predictor.recent.tick).toBe(5001)
  })

  test('shows a teleport at once', () => {
    const predictor = new Predictor({ ...options, snapAbove: 100 }, 0)
    predictor.due(0)
    predictor.reconcile(-1, 0)
    predictor.step(1)
    predictor.reconcile(0, 1000)
    expect(predictor.sample(1)).toBe(1000)
  })

  test('makes up for a few missed ticks, and skips after a long pause', () => {
    const predictor = new Predictor(options, 2)
    expect(predictor.due(10)).toBe(1)
    predictor.step(0)
    expect(predictor.due(13)).toBe(3)
    expect(predictor.due(9)).toBe(0)
    for (let due = predictor.due(13); due > 0; due--) predictor.step(0)
    expect(predictor.due(40)).toBe(27)
    expect(predictor.due(5000)).toBe(1)
  })
})

describe('an interpolator', () => {
  const make = (more: Partial<ConstructorParameters<typeof Interpolator<number>>[0]> = {}) =>
    new Interpolator<number>({ tickMs: 10, blend: mix, ...more })
  const one = (tick: number, value: number, at = tick) => ({ tick, entities: [{ id: 1, at, value }] })

  test('draws between two states, late by what the path needs', () => {
    const interpolator = make()
    for (let tick = 0; tick <= 100; tick += 5) {
      interpolator.push(one(tick, tick), tick * 10 + 30)
      interpolator.sample(tick * 10 + 30)
    }
    const shown = interpolator.sample(1030 + 25).get(1)!
    expect(interpolator.delayMs).toBeGreaterThanOrEqual(50)
    expect(interpolator.delayMs).toBeLessThan(60)
    expect(shown * 10).toBeCloseTo(interpolator.shownMs)
  })

  test('waits longer once snapshots come late, and never goes back', () => {
    const interpolator = make()
    let last = -1
    let now = 0
    for (let tick = 0; tick <= 1000; tick += 5) {
      const late = tick % 70 === 0 && tick > 200 ? 60 : 0
      for (; now < tick * 10 + 30 + late; now++) {
        const value = interpolator.sample(now).get(1)
        if (value === undefined) continue
        must(value >= last - 1e-9, () => `back from ${last} to ${value} at ${now}`)
        last = value
      }
      interpolator.push(one(tick, tick), now)
    }
    expect(interpolator.delayMs).toBeGreaterThan(100)
  })

  test('does not take a page that stood still for a slow path', () => {
    const delays: number[] = []
    for (const isStill of [true, false]) {
      const interpolator = make()
      let last = -1
      for (let tick = 0; tick <= 400; tick += 2) {
        // 300 ms in which nothing is drawn and nothing taken, or in which nothing comes.
        const isHeld = tick >= 100 && tick < 130
        if (isHeld && !isStill) interpolator.sample(tick * 10)
        if (isHeld) continue
        for (let late = tick === 130 ? 100 : tick; late <= tick; late += 2)
          interpolator.push(one(late, late), tick * 10)
        const value = interpolator.sample(tick * 10).get(1) ?? last
        must(value >= last, () => `back from ${last} to ${value} at tick ${tick}`)
        last = value
        if (tick === 130) delays.push(interpolator.delayMs)
      }
    }
    expect(delays[0]).toBeLessThan(90)
    expect(delays[1]).toBeGreaterThan(300)
  })

  test('guesses for a while when nothing comes, then holds still', () => {
    const interpolator = make({ maxGuessMs: 100 })
    for (let tick = 0; tick <= 100; tick += 5) {
      interpolator.push(one(tick, tick), tick * 10)
      interpolator.sample(tick * 10)
    }
    let value = 0
    for (let now = 1000; now < 2000; now++) value = interpolator.sample(now).get(1)!
    expect(value).toBeCloseTo(110)
    expect(interpolator.guesses).toBeGreaterThan(0)
  })

  test('puts what was put elsewhere there, and lets go what has gone', () => {
    const interpolator = make({ isTeleport: (a, b) => Math.abs(a - b) > 50 })
    const seen = new Set<number>()
    for (let tick = 0; tick <= 60; tick += 5) {
      for (let now = tick * 10; now < tick * 10 + 50; now++) {
        const value = interpolator.sample(now).get(1)
        if (value !== undefined) seen.add(value)
      }
      interpolator.push(tick < 50 ? one(tick, tick < 25 ? 0 : 500) : { tick, entities: [] }, tick * 10 + 50)
    }
    expect([...seen]).toEqual([0, 500])
    for (let now = 650; now < 800; now++) interpolator.sample(now)
    expect(interpolator.sample(800).size).toBe(0)
  })

  test('does not stretch a rest into a slow move', () => {
    const interpolator = make()
    for (let tick = 0; tick <= 200; tick += 5) {
      interpolator.push(one(tick, tick < 150 ? 7 : tick, tick < 150 ? 0 : tick), tick * 10)
      const value = interpolator.sample(tick * 10).get(1)
      if (interpolator.shownMs < 1440) expect(value ?? 7).toBe(7)
    }
  })
})
