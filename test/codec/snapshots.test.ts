import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runSnapshot } from '../../bench/snapshot.mjs'
import { createWorld, entitySchema } from '../../bench/snapshot-world.mjs'
import * as codec from '../../src/codec/index.ts'
import {
  angle,
  bool,
  enumOf,
  optional,
  quantized,
  quaternion,
  type SnapshotFrame,
  SnapshotFrames,
  SnapshotReader,
  SnapshotWriter,
  string,
  struct,
  uint,
  unreliable,
} from '../../src/codec/index.ts'
import * as core from '../../src/index.ts'
import { Endpoint } from '../../src/index.ts'
import * as sim from '../../src/sim/index.ts'
import { type LinkOptions, Random, World } from '../../src/sim/index.ts'
import { refusal } from '../core/support.ts'
import { must } from '../support/must.ts'
import { checkProperty, seeded } from '../support/seeds.ts'

const Thing = struct({
  x: quantized(-100, 100, 0.1),
  heading: angle(8),
  turn: quaternion(8),
  kind: enumOf('ship', 'rock', 'mine'),
  hp: uint(7),
  name: optional(string(8)),
  isHot: bool(),
})
type Thing = codec.Infer<typeof Thing>

/** Things that come, go, jump and change in every way. */
class Chaos {
  readonly things = new Map<number, Thing>()
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  step(): void {
    const random = this.#random
    const some = (): number => random.float()
    if (this.things.size < 12 && some() < 0.3)
      this.things.set(Math.floor(some() * 40) * (some() < 0.1 ? 1e7 : 1), this.#made())
    for (const [id, thing] of this.things) {
      const fate = some()
      if (fate < 0.02) this.things.delete(id)
      else if (fate < 0.04) this.things.set(id, this.#made())
      else if (fate < 0.7) {
        thing.x = Math.max(-100, Math.min(100, thing.x + some() * 3 - 1))
        thing.heading += some() - 0.4
        if (some() < 0.2) thing.hp = Math.floor(some() * 128)
        if (some() < 0.1) thing.name = some() < 0.5 ? undefined : `n${Math.floor(some() * 99)}`
        if (some() < 0.2) thing.turn = { ...thing.turn, x: some() }
      }
    }
  }

  #made(): Thing {
    const some = (): number => this.#random.float()
    const kind = (['ship', 'rock', 'mine'] as const)[Math.floor(some() * 3)]!
    const turn = { x: some(), y: some(), z: some(), w: 1 }
    return { x: some() * 200 - 100, heading: some() * 9, turn, kind, hp: 100, name: 'new', isHot: some() < 0.5 }
  }
}

const rounded = (thing: Thing): Thing => Thing.decode(Thing.encode(thing))!

/** A frame as the reader must have it. */
type Truth = ReadonlyMap<number, Thing>

/** Plays snapshots through two endpoints and any weather, and checks each that is delivered. */
function play(seed: number, weather: LinkOptions, seconds: number, options: codec.SnapshotOptions<Thing> = {}) {
  const random = new Random(seed)
  const channels = { world: unreliable(codec.snapshots(Thing)), up: { kind: 'unreliable' } } as const
  const make = (role: 'client' | 'server') => new Endpoint({ role, now: 0, random: () => random.uint32(), channels })
  const [client, server] = [make('client'), make('server')]
  const chaos = new Chaos(random.fork('chaos'))
  const frames = new SnapshotFrames(Thing)
  const writer = new SnapshotWriter<Thing>()
  const reader = new SnapshotReader(Thing)
  const truths = new Map<number, Truth>()
  const seen = { snapshots: 0, deltas: 0, complete: 0, late: 0, largest: 0, ages: new Map<number, number>() }
  const link = new World({
    seed,
    up: weather,
    down: weather,
    client: {
      node: client,
      hz: 30,
      tick() {
        for (let event = client.pollEvent(); event; event = client.pollEvent()) {
          if (event.type !== 'message' || event.channel !== 'world') continue
          const snapshot = reader.read(event.value)
          if (snapshot === undefined) throw new Error(`a snapshot that cannot be read; ${link.describe()}`)
          seen.snapshots++
          if (!snapshot.isNewest) seen.late++
          if (snapshot.isComplete) seen.complete++
          for (const { id, at, value } of snapshot.entities) {
            must(at <= snapshot.tick, () => `${id} is of tick ${at} in snapshot ${snapshot.tick}`)
            expect(value).toEqual(truths.get(at)!.get(id))
          }
          if (!snapshot.isComplete) continue
          const truth = truths.get(snapshot.tick)!
          expect(new Map(snapshot.entities.map(({ id, value }) => [id, value]))).toEqual(
            new Map([...truth].sort((a, b) => a[0] - b[0])),
          )
        }
        client.trySend('up', new Uint8Array(8))
      },
    },
    server: {
      node: server,
      hz: 20,
      phaseMs: 7,
      tick(_now, tick) {
        for (let event = server.pollEvent(); event; event = server.pollEvent()) {
          if (event.type === 'verdict') writer.settle(event.id, event.verdict)
        }
        chaos.step()
        if (server.state !== 'open') return
        const relevant = options.relevant ?? (() => true)
        truths.set(
          tick,
          new Map(
            [...chaos.things].filter(([id, thing]) => relevant(id, thing)).map(([id, thing]) => [id, rounded(thing)]),
          ),
        )
        if (writer.baselineTick !== undefined) seen.deltas++
        const bytes = writer.write(frames.at(tick, chaos.things), options)
        seen.largest = Math.max(seen.largest, bytes.length)
        if (options.maxBytes !== undefined) must(bytes.length <= options.maxBytes, () => `${bytes.length} bytes`)
        writer.sent(server.send('world', bytes))
      },
    },
  })
  link.run(seconds * 1000)
  expect([reader.malformed, reader.baselinesMissing]).toEqual([0, 0])
  return seen
}

describe('a reader has what the writer told of, at every snapshot that comes', () => {
  seeded('on a good path', 5, (seed) => {
    const seen = play(seed, { delayMs: 20 }, 20)
    expect(seen.complete).toBe(seen.snapshots)
    expect(seen.deltas).toBeGreaterThan(300)
  })

  seeded('whatever is lost, doubled, delayed and overtaken', 15, (seed) => {
    const random = new Random(seed)
    const weather = {
      delayMs: random.float() * 150,
      jitterMs: random.float() * 40,
      reorder: true,
      duplicate: 0.05,
      loss: random.float() * 0.4,
      burst: random.float() < 0.5 ? 0 : 4,
    }
    const seen = play(seed, weather, 20)
    expect(seen.snapshots).toBeGreaterThan(100)
  })

  seeded('through blackouts longer than all that is kept', 3, (seed) => {
    const seen = play(seed, { delayMs: 30, blackouts: [{ fromMs: 5000, lengthMs: 7000 }] }, 25)
    expect(seen.snapshots).toBeGreaterThan(200)
  })

  seeded('within a budget, where no entity waits for ever', 5, (seed) => {
    const seen = play(seed, { delayMs: 40, jitterMs: 10, loss: 0.1 }, 30, {
      maxBytes: 72,
      priority: (_, { kind }) => (kind === 'ship' ? 3 : 1),
    })
    expect(seen.largest).toBeLessThanOrEqual(72)
    expect(seen.complete).toBeGreaterThan(0)
    expect(seen.complete).toBeLessThan(seen.snapshots)
  })

  seeded('for what is relevant to its peer', 3, (seed) => {
    const seen = play(seed, { delayMs: 40, loss: 0.1 }, 20, { relevant: (_, { x }) => x > 0 })
    expect(seen.complete).toBe(seen.snapshots)
  })
})

/** A writer and a reader without anything between. */
function direct(count = 20) {
  const random = new Random(count)
  const Entity = entitySchema(codec) as codec.StructSchema<Record<string, number>>
  const world = createWorld(count, () => random.float())
  const frames = new SnapshotFrames(Entity)
  const writer = new SnapshotWriter<Record<string, number>>()
  const reader = new SnapshotReader(Entity)
  let tick = 0
  let id = 0
  const frame = (): SnapshotFrame<Record<string, number>> => {
    world.step(50)
    return frames.at(tick++, world.entities() as unknown as [number, Record<string, number>][])
  }
  const write = (options?: codec.SnapshotOptions<Record<string, number>>): { id: number; bytes: Uint8Array } => {
    const bytes = writer.write(frame(), options)
    writer.sent(id)
    return { id: id++, bytes }
  }
  return { writer, reader, write, frame }
}

describe('a writer', () => {
  test('makes small ones once one is acknowledged, and whole ones when none is any more', () => {
    const { writer, reader, write } = direct()
    const first = write()
    const second = write()
    expect(second.bytes.length).toBeGreaterThan(first.bytes.length * 0.9)
    expect(reader.read(first.bytes)?.entities).toHaveLength(20)
    writer.settle(first.id, 'acked')
    writer.settle(second.id, 'lost')
    expect(writer.baselineTick).toBe(0)
    const third = write()
    expect(third.bytes.length).toBeLessThan(first.bytes.length / 2)
    expect(reader.read(third.bytes)?.entities).toHaveLength(20)
    for (let i = 0; i < 96; i++) write()
    expect(writer.baselineTick).toBeUndefined()
    expect(write().bytes.length).toBeGreaterThan(first.bytes.length * 0.9)
  })

  test('begins anew when told to, as for a reader that has lost its baseline', () => {
    const { writer, reader, write } = direct()
    writer.settle(write().id, 'acked')
    expect(reader.read(write().bytes)).toBeUndefined()
    expect([reader.baselinesMissing, reader.malformed]).toEqual([1, 0])
    writer.reset()
    expect(reader.read(write().bytes)?.entities).toHaveLength(20)
  })

  test('refuses wrong calls', () => {
    const { writer, frame, write } = direct()
    const later = frame()
    write()
    expect(refusal('bad-call', () => writer.write(later))).toBe('write: tick 0, expected more than 1')
    expect(refusal('bad-call', () => writer.write(frame(), { maxBytes: 10 }))).toContain('at least 64')
    expect(refusal('bad-call', () => writer.sent(5))).toContain('no snapshot')
    const frames = new SnapshotFrames(Thing)
    const thing = new Chaos(new Random(1))
    while (thing.things.size === 0) thing.step()
    const [one] = thing.things.values()
    expect(
      refusal('bad-message', () =>
        frames.at(1, [
          [5, one!],
          [5, one!],
        ]),
      ),
    ).toBe('frame: entity 5 twice')
    expect(refusal('bad-message', () => frames.at(1, [[5, { ...one!, hp: 500 }]]))).toContain('hp')
    expect(refusal('bad-call', () => frames.at(1, [[-1, one!]]))).toContain('entity id')
  })

  test('gives important entities more often when bytes are short, and the others in time', () => {
    const { writer, reader, write } = direct(100)
    const updates = new Map<number, number>()
    const ats = new Map<number, number>()
    for (let i = 0; i < 400; i++) {
      const { id, bytes } = write({ maxBytes: 90, priority: (entity) => (entity % 2 === 1 ? 4 : 1) })
      for (const { id: entity, at } of reader.read(bytes)!.entities) {
        if (ats.get(entity) !== at) updates.set(entity, (updates.get(entity) ?? 0) + 1)
        ats.set(entity, at)
      }
      writer.settle(id, 'acked')
    }
    const mean = (parity: number): number => {
      const counts = [...updates].filter(([id]) => id % 2 === parity).map(([, count]) => count)
      return counts.reduce((sum, count) => sum + count, 0) / counts.length
    }
    expect(updates.size).toBe(100)
    expect(Math.min(...updates.values())).toBeGreaterThan(5)
    expect(mean(1)).toBeGreaterThan(2 * mean(0))
  })
})

describe('hostile bytes', () => {
  test('are refused and counted, never thrown on, and make no value outside the schema', () => {
    const isValue = ({ x, heading, kind, hp }: Thing): boolean =>
      x >= -100 &&
      x <= 100 &&
      Math.abs(heading) <= Math.PI &&
      ['ship', 'rock', 'mine'].includes(kind) &&
      hp >= 0 &&
      hp < 128
    const chaos = new Chaos(new Random(3))
    for (let i = 0; i < 30; i++) chaos.step()
    const frames = new SnapshotFrames(Thing)
    const writer = new SnapshotWriter<Thing>()
    const first = writer.write(frames.at(0, chaos.things))
    writer.sent(0)
    writer.settle(0, 'acked')
    chaos.step()
    const second = writer.write(frames.at(1, chaos.things))
    let refused = 0
    const check = (bytes: Uint8Array): void => {
      const reader = new SnapshotReader(Thing, { maxEntities: 50 })
      expect(reader.read(first)).toBeDefined()
      const snapshot = reader.read(bytes)
      if (snapshot === undefined) {
        refused++
        must(reader.malformed + reader.baselinesMissing === 1, () => 'not counted')
        return
      }
      must(snapshot.entities.length <= 50, () => `${snapshot.entities.length} entities`)
      for (const { value } of snapshot.entities) must(isValue(value), () => JSON.stringify(value))
      for (let i = 1; i < snapshot.entities.length; i++)
        must(snapshot.entities[i - 1]!.id < snapshot.entities[i]!.id, () => 'order')
    }
    checkProperty(fc.property(fc.uint8Array({ maxLength: 200 }), check), 2000)
    const mutated = fc.tuple(fc.constantFrom(first, second), fc.nat(), fc.nat(255), fc.integer({ min: -3, max: 3 }))
    const change = mutated.map(([source, at, by, more]) => {
      const bytes = new Uint8Array(source.length + more)
      bytes.set(source.subarray(0, bytes.length))
      bytes[at % bytes.length]! ^= by
      return bytes
    })
    checkProperty(fc.property(change, check), 3000)
    expect(refused).toBeGreaterThan(1000)
  })

  test('cannot make a reader hold more than it may', () => {
    const reader = new SnapshotReader(struct({ on: bool() }), { maxEntities: 100 })
    const frames = new SnapshotFrames(struct({ on: bool() }))
    const many = Array.from({ length: 101 }, (_, id) => [id, { on: true }] as const)
    expect(reader.read(new SnapshotWriter<{ on: boolean }>().write(frames.at(1, many)))).toBeUndefined()
    expect(
      reader.read(new SnapshotWriter<{ on: boolean }>().write(frames.at(1, many.slice(1))))?.entities,
    ).toHaveLength(100)
    expect(reader.malformed).toBe(1)
  })
})

test('at 200 moving entities, 20 Hz and 5 % loss a snapshot is at most a third of the whole state, rounded alike', () => {
  const { rows } = runSnapshot(core, codec, sim, { quick: true })
  const row = rows.find(({ entities, moving }) => entities === 200 && moving === 'all')!
  expect(row.share).toBeLessThanOrEqual(1 / 3)
  expect(row.whole).toBe(0)
})
