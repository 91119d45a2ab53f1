import { describe, expect, test } from 'vitest'
import { type ChannelTable, type CloseReason, type EndpointEvent, NetcodeError } from '../../src/index.ts'
import { VirtualHost } from '../../src/sim/index.ts'
import { createEndpoint, type EndpointTuning } from '../../src/transport/endpoint.ts'
import { Peer } from '../../src/transport/peer.ts'
import { type Loopback, type LoopbackOptions, loopback } from './loopback.ts'

const CHANNELS = { chat: { kind: 'ordered' }, state: { kind: 'unreliable' } } as const satisfies ChannelTable
type Channels = typeof CHANNELS

interface Setup {
  readonly host: VirtualHost
  readonly pipes: readonly [Loopback, Loopback]
  readonly client: Peer<Channels>
  readonly server: Peer<Channels>
}

function setUp(options: LoopbackOptions & { endpoint?: EndpointTuning; serverProtocol?: string } = {}): Setup {
  const host = new VirtualHost({ seed: 5, now: 1000 })
  const pipes = loopback(host, options)
  const { endpoint = {} } = options
  const peerOf = (id: 'client' | 'server', transport: Loopback, protocol: string) =>
    new Peer<Channels>({
      id,
      endpoint: createEndpoint(id, { channels: CHANNELS, protocol, endpoint }, transport, host),
      transport,
      host,
    })
  const server = peerOf('server', pipes[1], options.serverProtocol ?? 'p')
  return { host, pipes, client: peerOf('client', pipes[0], 'p'), server }
}

function connected(options: Parameters<typeof setUp>[0] = {}): Setup {
  const setup = setUp(options)
  setup.host.advance(200)
  expect([setup.client.state, setup.server.state]).toEqual(['open', 'open'])
  for (const peer of [setup.client, setup.server]) expect(eventsOf(peer).map((event) => event.type)).toEqual(['open'])
  return setup
}

function eventsOf(peer: Peer<Channels>): EndpointEvent<keyof Channels>[] {
  const events: EndpointEvent<keyof Channels>[] = []
  for (let event = peer.pollEvent(); event !== undefined; event = peer.pollEvent()) events.push(event)
  return events
}

function messagesOf(peer: Peer<Channels>): string[] {
  return eventsOf(peer).flatMap((event) => (event.type === 'message' ? [new TextDecoder().decode(event.payload)] : []))
}

function reasonOf(peer: Peer<Channels>): CloseReason | undefined {
  const last = eventsOf(peer).at(-1)
  return last?.type === 'closed' ? last.reason : undefined
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('a peer without a game loop', () => {
  test('shakes hands by itself and keeps its open event for the game', () => {
    const { host, client, server } = setUp({ delayMs: 30 })
    host.advance(30)
    expect([client.state, server.state]).toEqual(['connecting', 'open'])
    host.advance(30)
    expect([client.state, server.state]).toEqual(['open', 'open'])
    expect([eventsOf(client), eventsOf(server)]).toEqual([[{ type: 'open' }], [{ type: 'open' }]])
  })

  test('sends a message as soon as the caller has returned, together with what else was said by then', () => {
    const { host, pipes, client, server } = connected({ delayMs: 30 })
    const before = pipes[0].sentAt.length
    for (const word of ['one', 'two', 'three']) client.send('chat', bytes(word))
    expect(pipes[0].sentAt.length).toBe(before)
    host.advance(30)
    expect(messagesOf(server)).toEqual(['one', 'two', 'three'])
    expect(pipes[0].sentAt.length).toBe(before + 1)
  })

  test('stays open for a minute of silence, and closes when the other side falls silent', () => {
    const { host, pipes, client, server } = connected()
    host.advance(60_000)
    expect([client.state, server.state]).toEqual(['open', 'open'])
    pipes[1].isDeaf = true
    host.advance(10_500)
    expect(reasonOf(client)).toMatchObject({ kind: 'timeout', during: 'open' })
    // Nobody is there for a last word: let go at once.
    expect(pipes[0].closedAt).toBeLessThanOrEqual(host.now())
  })

  test('has one alarm at most, whatever happens', () => {
    const { host, client, server } = connected({ delayMs: 1 })
    for (let i = 0; i < 500; i++) {
      if (i % 3 === 0) client.send('state', bytes('x'))
      if (i % 5 === 0) server.send('chat', bytes('y'))
      if (i % 7 === 0) client.flush()
      host.advance(10)
      eventsOf(client)
      eventsOf(server)
    }
    host.advance(3)
    expect(host.pending).toBeLessThanOrEqual(2)
  })

  test('delivers over a transport that answers inside send', () => {
    const { host, client, server } = connected({ synchronous: true })
    for (let i = 0; i < 50; i++) {
      client.send('chat', bytes(`${i}`))
      host.advance(1)
    }
    host.advance(50)
    expect(messagesOf(server)).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`))
  })
})

describe('a peer in a game loop', () => {
  test('sends in the flush and nowhere else, one packet a tick', () => {
    const { host, pipes, client, server } = connected({ delayMs: 20 })
    const flushes: number[] = []
    const before = pipes[0].sentAt.length
    for (let tick = 0; tick < 120; tick++) {
      client.update()
      server.update()
      eventsOf(client)
      eventsOf(server)
      client.send('state', bytes('s'))
      server.send('state', bytes('s'))
      if (tick % 4 === 0) client.send('chat', bytes('c'))
      client.flush()
      server.flush()
      flushes.push(host.now())
      host.advance(1000 / 60)
    }
    expect(pipes[0].sentAt.slice(before)).toEqual(flushes)
  })

  test('is taken over by its alarm soon after the loop stops', () => {
    const { host, client, server } = connected({ delayMs: 5 })
    client.flush()
    client.send('chat', bytes('last words of a loop'))
    host.advance(100)
    expect(messagesOf(server)).toEqual([])
    host.advance(10)
    expect(messagesOf(server)).toEqual(['last words of a loop'])
  })

  test('is helped out between its ticks by the alarm: a large message leaves at its pace, and the ticks stay what they are', () => {
    const { host, pipes, client, server } = connected({ delayMs: 20 })
    const before = pipes[0].sentAt.length
    const flushes: number[] = []
    let received = 0
    client.send('chat', new Uint8Array(300_000))
    for (let tick = 0; tick < 120 && received === 0; tick++) {
      client.update()
      server.update()
      eventsOf(client)
      received = eventsOf(server).filter((event) => event.type === 'message' && event.payload.length === 300_000).length
      client.send('state', bytes('s'))
      server.send('state', bytes('s'))
      client.flush()
      server.flush()
      flushes.push(host.now())
      host.advance(1000 / 60)
    }
    expect(received).toBe(1)
    const sentAt = [...new Set(pipes[0].sentAt.slice(before))]
    const between = sentAt.filter((at) => !flushes.includes(at))
    expect(between.length).toBeGreaterThan(flushes.length)
    // Not one packet at a time: in steps of 4 ms.
    for (let i = 1; i < between.length; i++) expect(between[i]! - between[i - 1]!).toBeGreaterThanOrEqual(3.9)
    for (const at of flushes) expect(sentAt).toContain(at)
  })

  test('flushes no more than it is told, whole packets', () => {
    const { pipes, client } = connected()
    client.send('chat', new Uint8Array(20_000))
    client.update()
    const before = pipes[0].sentBytes.length
    client.flush({ maxBytes: 3000 })
    const sent = pipes[0].sentBytes.slice(before)
    expect(sent.length).toBe(3)
    expect(sent.reduce((sum, length) => sum + length)).toBeLessThan(3000 + 1150)
    client.flush({ maxBytes: 0 })
    expect(pipes[0].sentBytes.length).toBe(before + 3)
  })
})

describe('a backlog below', () => {
  test('holds packets back and lets them go within 10 ms when it is gone, without a spinning alarm', () => {
    const { host, pipes, client, server } = connected({ delayMs: 1 })
    pipes[0].backlogBytes = 100_000
    client.send('chat', bytes('held'))
    const before = pipes[0].sentAt.length
    let alarms = 0
    const at = host.at.bind(host)
    host.at = (...args) => {
      alarms++
      return at(...args)
    }
    host.advance(500)
    expect(pipes[0].sentAt.length).toBe(before)
    expect(alarms).toBeLessThan(70)
    pipes[0].backlogBytes = 0
    host.advance(11)
    expect(messagesOf(server)).toEqual(['held'])
  })

  test('of this very flush ends it after a burst, and holds the next one back', () => {
    const { pipes, client } = connected()
    const [pipe] = pipes
    const send = pipe.send.bind(pipe)
    pipe.send = (packet) => {
      pipe.backlogBytes += packet.length
      send(packet)
    }
    for (let i = 0; i < 60; i++) client.send('chat', new Uint8Array(1_000))
    client.update()
    const before = pipe.sentBytes.length
    client.flush()
    // A burst of eight full packets; the one that goes beyond is the last.
    const burst = pipe.sentBytes.slice(before).reduce((sum, length) => sum + length)
    expect(burst).toBeGreaterThan(8 * 1150)
    expect(burst).toBeLessThanOrEqual(9 * 1150)
    client.flush()
    expect(pipe.sentBytes.slice(before).reduce((sum, length) => sum + length)).toBe(burst)
  })
})

describe('closing', () => {
  test('gets reliable messages through, tells the other side, and only then lets go of the transport', async () => {
    const { host, pipes, client, server } = connected({ delayMs: 20 })
    for (let i = 0; i < 30; i++) client.send('chat', new Uint8Array(1000).fill(i))
    client.close({ code: 7, data: bytes('bye') })
    expect(client.state).toBe('closing')
    host.advance(3000)
    expect(messagesOf(server).length).toBe(30)
    expect([client.state, server.state]).toEqual(['closed', 'closed'])
    expect(await client.closed).toEqual({ kind: 'local', code: 7 })
    expect(await server.closed).toEqual({ kind: 'peer', code: 7, data: bytes('bye') })
    expect(pipes[0].closedAt! - pipes[0].sentAt.at(-1)!).toBeGreaterThanOrEqual(200)
    expect(pipes[1].closedAt! - pipes[1].sentAt.at(-1)!).toBeGreaterThanOrEqual(200)
    expect(host.pending).toBe(0)
  })

  test('leaves all events for the game, the end last', () => {
    const { host, client, server } = connected({ delayMs: 20 })
    client.send('chat', bytes('before the end'))
    client.close()
    host.advance(3000)
    expect(eventsOf(server).map((event) => event.type)).toEqual(['message', 'closed'])
    expect(eventsOf(client).map((event) => event.type)).toEqual(['verdict', 'closed'])
  })

  test('says goodbye inside the call when there is no time, as on a page that goes', () => {
    const { host, pipes, client, server } = connected({ delayMs: 20 })
    const before = pipes[0].sentAt.length
    client.close({ deadlineMs: 0 })
    expect(pipes[0].sentAt.length).toBeGreaterThan(before)
    expect(client.state).toBe('closed')
    host.advance(20)
    expect(reasonOf(server)).toMatchObject({ kind: 'peer', code: 0 })
  })

  test('counts as ours when the other side hangs up in the middle of it', async () => {
    const { host, pipes, client } = connected({ delayMs: 20 })
    pipes[1].isDeaf = true
    client.send('chat', bytes('never confirmed'))
    client.close({ code: 3 })
    host.advance(100)
    expect(client.state).toBe('closing')
    pipes[0].end('channel-closed')
    expect(await client.closed).toEqual({ kind: 'local', code: 3 })
  })

  test('during the handshake is heard by the other side', async () => {
    const { host, client, server } = setUp({ delayMs: 10 })
    host.advance(1)
    client.close({ code: 5 })
    host.advance(1000)
    expect(await client.closed).toEqual({ kind: 'local', code: 5 })
    expect(await server.closed).toMatchObject({ kind: 'peer', code: 5 })
  })

  test('makes every method quiet', async () => {
    const { host, pipes, client } = connected()
    client.close({ deadlineMs: 0 })
    host.advance(1000)
    await client.closed
    const before = pipes[0].sentAt.length
    client.update()
    client.flush()
    client.close()
    expect(client.send('chat', bytes('late'))).toBe(-1)
    expect(client.trySend('chat', bytes('late'))).toBeUndefined()
    expect(eventsOf(client).map((event) => event.type)).toEqual(['closed'])
    expect(client.pollEvent()).toBeUndefined()
    host.advance(5000)
    expect(pipes[0].sentAt.length).toBe(before)
    expect(host.pending).toBe(0)
  })
})

describe('the end of the transport', () => {
  test('ends the peer at once, with the transport’s word', async () => {
    const { host, pipes, client } = connected()
    pipes[0].end('ice-failed')
    expect(await client.closed).toEqual({ kind: 'transport', detail: 'ice-failed' })
    expect(reasonOf(client)).toEqual({ kind: 'transport', detail: 'ice-failed' })
    host.advance(5000)
    expect(pipes[0].sentAt.filter((at) => at > host.now() - 5000)).toEqual([])
  })

  test('does not hide a goodbye that came before', async () => {
    const { host, pipes, client, server } = connected({ delayMs: 5 })
    server.close({ code: 9, deadlineMs: 0 })
    host.advance(5)
    pipes[0].end('channel-closed')
    expect(await client.closed).toMatchObject({ kind: 'peer', code: 9 })
  })
})

describe('a refused handshake', () => {
  test('ends both sides with the difference', async () => {
    const { host, client, server } = setUp({ delayMs: 10, serverProtocol: 'q' })
    host.advance(1000)
    const reason = { kind: 'protocol', violation: 'protocol' }
    expect(await client.closed).toMatchObject(reason)
    expect(await server.closed).toMatchObject(reason)
    expect(host.pending).toBe(0)
  })
})

test('passes on what the endpoint throws, and stays usable', () => {
  const { host, client, server } = connected({ delayMs: 1 })
  expect(() => client.send('nope' as 'chat', bytes('x'))).toThrow(NetcodeError)
  expect(() => client.close({ code: -1 })).toThrow(NetcodeError)
  client.send('chat', bytes('fine'))
  host.advance(5)
  expect(messagesOf(server)).toEqual(['fine'])
})
