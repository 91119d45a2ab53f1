import { expect, test } from 'vitest'
import { Endpoint } from '../../src/index.ts'
import { Random, World } from '../../src/sim/index.ts'

const channels = {
  input: { kind: 'unreliable' },
  hit: { kind: 'reliable', redundancy: 'full' },
  chat: { kind: 'ordered', redundancy: 'lean' },
} as const

/** All packets of a game of 20 s on a line with losses, as text; `look` is called at odd moments. */
function packetsOf(look: (endpoint: Endpoint<typeof channels>) => void): string[] {
  const packets: string[] = []
  const random = new Random('deadlines')
  const moments = random.fork('moments')
  const make = (role: 'client' | 'server') => {
    const draw = random.fork(role)
    const endpoint = new Endpoint({ role, now: 0, random: () => draw.uint32(), channels })
    const { pollPacket, receive } = endpoint
    endpoint.pollPacket = () => {
      if (moments.chance(0.3)) look(endpoint)
      const packet = pollPacket.call(endpoint)
      if (packet) packets.push(`${role} ${Buffer.from(packet).toString('hex')}`)
      return packet
    }
    endpoint.receive = (packet, now) => {
      const result = receive.call(endpoint, packet, now)
      if (moments.chance(0.5)) look(endpoint)
      return result
    }
    return endpoint
  }
  const client = make('client')
  const server = make('server')
  const tick = (endpoint: Endpoint<typeof channels>) => (_now: number, n: number) => {
    while (endpoint.pollEvent() !== undefined);
    endpoint.trySend('input', new Uint8Array([n]))
    if (n % 6 === 0) endpoint.trySend('hit', new Uint8Array([n]))
    if (n % 10 === 0) endpoint.trySend('chat', new Uint8Array(20).fill(n))
  }
  const weather = { loss: 0.1, delayMs: 40, jitterMs: 8, reorder: true }
  const world = new World({
    seed: 5,
    client: { node: client, hz: 60, tick: tick(client), drain: 'tick' },
    server: { node: server, hz: 60, phaseMs: 5, tick: tick(server), drain: 'tick' },
    up: weather,
    down: weather,
  })
  world.run(20_000)
  return packets
}

test('to ask for a deadline changes nothing: the same packets leave, whoever looks and how often', () => {
  const unseen = packetsOf(() => {})
  const seen = packetsOf((endpoint) => {
    // Read, and nothing made of it.
    if (endpoint.wakeAt + endpoint.hasteAt + endpoint.queuedMs('chat') < 0)
      throw new Error('a deadline before the start')
  })
  expect(unseen.length).toBeGreaterThan(2000)
  expect(seen.findIndex((packet, i) => packet !== unseen[i])).toBe(-1)
  expect(seen.length).toBe(unseen.length)
})
