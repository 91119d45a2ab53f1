import { expect, test } from 'vitest'
import { Endpoint } from '../../src/index.ts'
import { Random, World } from '../../src/sim/index.ts'

const channels = {
  input: { kind: 'unreliable' },
  world: { kind: 'sequenced' },
  chat: { kind: 'ordered' },
  door: { kind: 'latest' },
} as const

test('what the channels counted adds up to what the endpoint counted, under loss and with messages in pieces', () => {
  const random = new Random('channel stats')
  const make = (role: 'client' | 'server') =>
    new Endpoint({ role, now: 0, random: () => random.uint32(), channels, bytesPerSecond: 60_000 })
  const client = make('client')
  const server = make('server')
  const play = (endpoint: Endpoint<typeof channels>) => (_now: number, tick: number) => {
    for (let event = endpoint.pollEvent(); event; event = endpoint.pollEvent());
    if (endpoint.state !== 'open') return
    endpoint.trySend('input', new Uint8Array(20))
    endpoint.trySend('world', new Uint8Array(200), { key: tick % 7 })
    if (tick % 5 === 0) endpoint.trySend('chat', new Uint8Array(tick % 50 === 0 ? 5000 : 30))
    if (tick % 3 === 0) endpoint.trySend('door', new Uint8Array(8), { key: tick % 4 })
  }
  const weather = { loss: 0.1, delayMs: 40 }
  const world = new World({
    seed: 1,
    client: { node: client, hz: 60, tick: play(client) },
    server: { node: server, hz: 60, tick: play(server) },
    up: weather,
    down: weather,
  })
  world.run(10_000)
  for (const { stats } of [client, server]) {
    expect(stats.channels.map(({ name, kind }) => [name, kind])).toEqual(
      Object.entries(channels).map(([name, { kind }]) => [name, kind]),
    )
    for (const field of [
      'messagesSent',
      'messagesReceived',
      'appBytesSent',
      'appBytesReceived',
      'queuedBytes',
      'queuedMessages',
      'resends',
      'copies',
      'messagesAcked',
      'messagesLost',
    ] as const) {
      const sum = stats.channels.reduce((total, channel) => total + channel[field], 0)
      expect(sum, field).toBe(stats[field])
    }
    const [input, , chat] = stats.channels
    expect(input!.messagesLost).toBeGreaterThan(10)
    expect(chat!.resends).toBeGreaterThan(0)
    expect(chat!.messagesLost).toBe(0)
  }
})
