import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../src/core/bytes.ts'
import { type Node, profiles, World, type WorldOptions } from '../../src/sim/index.ts'
import { numbered, numberOf } from './support.ts'

/** Sends what it is told, records what it hears, and wakes by itself every `beatMs`. */
class Probe implements Node {
  readonly heard: [number, number][] = []
  readonly updates: number[] = []
  readonly #outbox: number[] = []
  readonly #scratch: Bytes = new Uint8Array(4)
  readonly #beatMs: number
  wakeAt: number

  constructor(beatMs: number = Number.POSITIVE_INFINITY) {
    this.#beatMs = beatMs
    this.wakeAt = beatMs
  }

  send(index: number): void {
    this.#outbox.push(index)
  }

  receive(packet: Bytes, now: number): void {
    this.heard.push([numberOf(packet), now])
  }

  update(now: number): void {
    this.updates.push(now)
    while (this.wakeAt <= now) this.wakeAt += this.#beatMs
  }

  /** One buffer for all packets, as the endpoint does. */
  pollPacket(): Bytes | undefined {
    const index = this.#outbox.shift()
    if (index === undefined) return undefined
    this.#scratch.set(numbered(index))
    return this.#scratch
  }
}

/** A client that sends its tick number, a server that answers with what it heard last. */
function echo(options: Partial<WorldOptions> = {}): { world: World; client: Probe; server: Probe } {
  const client = new Probe()
  const server = new Probe()
  const world = new World({
    seed: 7,
    client: { node: client, hz: 60, tick: (_, tick) => client.send(tick) },
    server: { node: server, hz: 20, phaseMs: 3, tick: () => server.send(server.heard.at(-1)?.[0] ?? 0) },
    ...options,
  })
  return { world, client, server }
}

describe('World', () => {
  test('carries packets between its nodes at the configured delay', () => {
    const { world, client, server } = echo({ up: { delayMs: 40 }, down: { delayMs: 25 } })
    world.run(1000)
    expect(server.heard.slice(0, 2)).toEqual([
      [0, 40],
      [1, 1000 / 60 + 40],
    ])
    expect(client.heard[0]).toEqual([0, 28])
    expect(world.now).toBe(1000)
    expect(world.up.counters.pushed).toBe(61)
  })

  test('repeats a run exactly for the same seed, and not for another', () => {
    const run = (seed: number) => {
      const { world, client, server } = echo({ seed, ...profiles.hotel })
      world.run(60_000)
      return { client: client.heard, server: server.heard, up: world.up.counters, down: world.down.counters }
    }
    const first = run(1)
    expect(first.server.length).toBeGreaterThan(3000)
    expect(run(1)).toEqual(first)
    expect(run(2).up.lossHash).not.toBe(first.up.lossHash)
  })

  test('comes to the same end in one stride and in many', () => {
    const one = echo({ ...profiles.wifi })
    const many = echo({ ...profiles.wifi })
    one.world.run(5000)
    for (let i = 0; i < 1000; i++) many.world.run(5)
    expect(many.server.heard).toEqual(one.server.heard)
    expect(many.client.updates).toEqual(one.client.updates)
  })

  test('keeps the losses of one direction when the traffic of the other changes', () => {
    const quiet = echo({ up: { loss: 0.1 }, down: { loss: 0.1 } })
    const busy = echo({ up: { loss: 0.1 }, down: { loss: 0.1 } })
    for (let at = 0; at < 2000; at += 10) busy.world.at(at, () => busy.server.send(999))
    quiet.world.run(2000)
    busy.world.run(2000)
    expect(busy.world.down.counters.pushed).toBeGreaterThan(quiet.world.down.counters.pushed)
    expect(busy.world.up.decisions()).toBe(quiet.world.up.decisions())
  })

  test('never lets ticks drift', () => {
    const { world, client } = echo()
    world.run(100_000)
    expect(client.updates.at(-1)).toBeCloseTo(100_000, 6)
    expect(world.up.counters.pushed).toBe(6001)
  })

  test('wakes a node at the instants that it asks for', () => {
    const client = new Probe(250)
    const world = new World({ seed: 1, client: { node: client }, server: { node: new Probe() } })
    world.run(1000)
    expect(client.updates).toEqual([250, 500, 750, 1000])
    expect(world.steps).toBe(4)
  })

  test('drains packets only at ticks for a side that says so', () => {
    const client = new Probe(1)
    const server = new Probe()
    const world = new World({
      seed: 1,
      client: { node: client, hz: 10, drain: 'tick' },
      server: { node: server },
    })
    world.at(130, () => client.send(5))
    world.run(1000)
    expect(server.heard).toEqual([[5, 200]])
    expect(client.updates.length).toBe(11)
  })

  test('runs scripts at their instants, in the order in which they were written down', () => {
    const { world, server } = echo()
    const log: string[] = []
    world.at(500, (now) => log.push(`b ${now}`))
    world.at(100, (now) => {
      log.push(`a ${now}`)
      world.set({ up: { loss: 1 } })
    })
    world.at(500, () => log.push('c'))
    world.run(1000)
    expect(log).toEqual(['a 100', 'b 500', 'c'])
    expect(server.heard.at(-1)![1]).toBeLessThan(100)
  })

  test('stops as soon as a condition holds, and says when it never does', () => {
    const { world, server } = echo({ up: { delayMs: 100 } })
    expect(world.runUntil(() => server.heard.length > 0, 5000)).toBe(true)
    expect(world.now).toBe(100)
    expect(world.runUntil(() => false, 400)).toBe(false)
    expect(world.now).toBe(500)
  })

  test('says who keeps time from moving instead of hanging', () => {
    const stuck: Node = { receive: () => {}, update: () => {}, pollPacket: () => undefined, wakeAt: 10 }
    const world = new World({ seed: 'stuck', client: { node: stuck }, server: { node: new Probe() } })
    expect(() => world.run(100)).toThrow(/time stands still: client 10, server Infinity.*seed "stuck"/)
  })

  test('says in one line what is needed to run it again', () => {
    const { world } = echo({ seed: 0x5eed, up: { loss: 0.1, burst: 4, delayMs: 50 } })
    world.run(10)
    expect(world.describe()).toBe('seed "24301", at 10 ms, up: loss 0.1 burst 4 delayMs 50, down: perfect')
  })

  test('refuses a tick without a rate', () => {
    const side = { node: new Probe(), tick: () => {} }
    expect(() => new World({ seed: 1, client: side, server: { node: new Probe() } })).toThrow('client hz: 0')
  })
})
