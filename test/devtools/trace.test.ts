import { describe, expect, test } from 'vitest'
import { ordered, string, struct, uint, unreliable } from '../../src/codec/index.ts'
import { Replay, record } from '../../src/devtools/index.ts'
import { Endpoint, type EndpointOptions } from '../../src/index.ts'
import { profiles, Random, World } from '../../src/sim/index.ts'

const channels = {
  input: { kind: 'unreliable' },
  world: { kind: 'sequenced', ttlMs: 200 },
  chat: { kind: 'ordered' },
  door: { kind: 'latest' },
} as const

const create = (options: EndpointOptions): Endpoint => new Endpoint(options)

/** A game of `seconds` on a bad line; with a recorder, its client is recorded. */
function play(
  seconds: number,
  trace?: ReturnType<typeof record>,
): { client: Endpoint<typeof channels>; heard: number } {
  const make = (role: 'client' | 'server', watcher?: ReturnType<typeof record>) => {
    const random = new Random(role)
    const options = { role, now: 0, random: () => random.uint32(), channels, bytesPerSecond: 40_000 } as const
    const endpoint = new Endpoint(watcher?.begin(options) ?? options)
    watcher?.attach(endpoint)
    return endpoint
  }
  const client = make('client', trace)
  const server = make('server')
  let heard = 0
  const tick = (endpoint: Endpoint<typeof channels>) => (_now: number, n: number) => {
    endpoint.backlogBytes = n % 40 === 0 ? 3000 : 0
    // Once in 200 ticks the client's game does not look for a second.
    const isLooking = endpoint === server || n % 200 < 140
    for (let event = isLooking && endpoint.pollEvent(); event; event = endpoint.pollEvent()) {
      if (endpoint === client && event.type === 'message') heard++
    }
    endpoint.trySend('input', new Uint8Array([n, n >> 8]))
    endpoint.trySend('world', new Uint8Array(150).fill(n), { key: n % 9 })
    if (n % 4 === 0) endpoint.trySend('chat', new Uint8Array(n % 40 === 0 ? 4000 : 25).fill(n), { urgent: n % 8 === 0 })
    if (n % 3 === 0) endpoint.trySend('door', new Uint8Array(5).fill(n), { key: n % 5, ttlMs: 500 })
    if (n % 100 === 99) {
      // Wrong calls belong to a run too.
      expect(() => endpoint.send('nowhere' as 'chat', new Uint8Array(1))).toThrow('nowhere')
    }
  }
  const world = new World({
    seed: 3,
    ...profiles.hotel,
    client: { node: client, hz: 60, tick: tick(client) },
    server: { node: server, hz: 60, phaseMs: 7, tick: tick(server) },
  })
  world.run(seconds * 1000)
  client.close({ code: 5, data: new Uint8Array([1, 2, 3]), deadlineMs: 300 })
  world.run(600)
  for (let event = client.pollEvent(); event; event = client.pollEvent()) if (event.type === 'message') heard++
  return { client, heard }
}

describe('a trace', () => {
  test('run again gives the same packets and the same messages, to the end', () => {
    const trace = record()
    const { client, heard } = play(8, trace)
    expect(client.state).toBe('closed')
    expect(trace.sums.messages).toBe(heard)
    expect(heard).toBeGreaterThan(500)
    expect(client.stats.messagesUnread).toBeGreaterThan(50)
    const replay = new Replay(trace.bytes(), create)
    while (replay.step());
    expect(replay.divergence).toBeUndefined()
    expect(replay.sums).toEqual(trace.sums)
    expect(replay.recorded).toEqual(trace.sums)
    expect(replay.isFaithful).toBe(true)
    expect(replay.endpoint.state).toBe('closed')
    expect(replay.endpoint.stats).toEqual(client.stats)
    expect(replay.elapsedMs).toBeGreaterThan(8000)
  })

  test('of typed channels holds the bytes that their values became', () => {
    const trace = record()
    const typed = { chat: ordered(string(40)), place: unreliable(struct({ x: uint(12) })) }
    const make = (role: 'client' | 'server') => ({ role, now: 0, random: () => 7, channels: typed }) as const
    const client = new Endpoint(trace.begin(make('client')))
    trace.attach(client)
    const server = new Endpoint(make('server'))
    const world = new World({ seed: 4, client: { node: client }, server: { node: server } })
    world.run(300)
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.send('chat', 'grüße')
      from.send('place', { x: 999 })
      expect(() => from.send('chat', 'x'.repeat(41))).toThrow('chat: expected')
      world.run(200)
      const values: unknown[] = []
      for (let event = to.pollEvent(); event; event = to.pollEvent()) if ('value' in event) values.push(event.value)
      expect(values).toEqual(['grüße', { x: 999 }])
    }
    const replay = new Replay(trace.bytes(), create)
    while (replay.step());
    expect([replay.divergence, replay.isFaithful, replay.sums.messages]).toEqual([undefined, true, 2])
  })

  test('knows which pipe each packet was for', () => {
    const trace = record()
    const options = { role: 'client', now: 0, random: () => 7, channels } as const
    const client = new Endpoint(trace.begin(options))
    trace.attach(client)
    let pipe = 0
    const { pollPacket } = client
    client.pollPacket = () => pollPacket.call(client, (pipe = (pipe + 1) % 3))
    const server = new Endpoint({ ...options, role: 'server' })
    const line = { loss: 0.3, delayMs: 20 }
    const game = { hz: 60, tick: () => client.trySend('input', Uint8Array.of(1)) }
    const world = new World({
      seed: 5,
      up: line,
      down: line,
      client: { node: client, ...game },
      server: { node: server },
    })
    world.run(3000)
    const { pipes } = client.stats
    expect(pipes.length).toBe(3)
    for (const { packetsAcked, packetsLost } of pipes) {
      expect(packetsAcked).toBeGreaterThan(20)
      expect(packetsLost).toBeGreaterThan(5)
    }
    const replay = new Replay(trace.bytes(), create)
    while (replay.step());
    expect(replay.isFaithful).toBe(true)
    expect(replay.endpoint.stats.pipes).toEqual(pipes)
  })

  test('does not change the run that it records', () => {
    const trace = record()
    expect(play(3, trace).client.stats).toEqual(play(3).client.stats)
  })

  test('can be stopped anywhere on the way and gone on with', () => {
    const trace = record()
    play(4, trace)
    const replay = new Replay(trace.bytes(), create)
    expect(replay.runUntil(2000)).toBe(true)
    expect(replay.elapsedMs).toBeGreaterThanOrEqual(2000)
    expect(replay.elapsedMs).toBeLessThan(2050)
    expect(replay.isFaithful).toBe(false)
    expect(replay.runUntil(Number.POSITIVE_INFINITY)).toBe(false)
    expect(replay.isFaithful).toBe(true)
  })

  test('names the first packet that differs when the code or an input is another', () => {
    const trace = record()
    play(2, trace)
    const replay = new Replay(trace.bytes(), (options) => create({ ...options, maxPacketBytes: 400 }))
    while (replay.step());
    expect(replay.isFaithful).toBe(false)
    expect(replay.divergence).toMatchObject({ at: expect.any(Number), packet: expect.any(Number) })
  })

  test('keeps to its limit, and is faithful as far as it goes', () => {
    const trace = record({ maxBytes: 20_000 })
    play(4, trace)
    expect(trace.isFull).toBe(true)
    expect(trace.length).toBeLessThan(26_000)
    const replay = new Replay(trace.bytes(), create)
    while (replay.step());
    expect(replay.isFaithful).toBe(true)
  })

  test('begins anew when the recorder is given another endpoint, and hears no more of the first', () => {
    const trace = record()
    const options: EndpointOptions = { role: 'client', now: 0, random: () => 4, channels }
    const first = new Endpoint(trace.begin(options))
    trace.attach(first)
    first.update(1)
    const second = new Endpoint(trace.begin(options))
    trace.attach(second)
    const length = trace.length
    first.update(2)
    expect(trace.length).toBe(length)
    second.update(2)
    expect(trace.length).toBeGreaterThan(length)
  })

  test('is refused with a word when it is none, or broken off', () => {
    expect(() => new Replay(new Uint8Array([1, 2, 3]), create)).toThrow('not a trace')
    expect(() => new Replay(new Uint8Array(), create)).toThrow('not a trace')
    const trace = record()
    play(1, trace)
    const whole = trace.bytes()
    expect(() => new Replay(whole.slice(0, whole.length - 3), create)).toThrow(RangeError)
    const wrong = whole.slice()
    wrong.fill(0xff, 4, 6)
    expect(() => new Replay(wrong, create)).toThrow(RangeError)
  })
})
