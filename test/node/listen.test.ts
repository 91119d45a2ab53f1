import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { NetcodeError } from '../../src/index.ts'
import {
  type ListenOptions,
  listen,
  type Peer,
  type Server,
  type ServerEvent,
  TransportError,
} from '../../src/node/index.ts'
import { NativeChannel } from '../../src/node/native-channel.ts'
import { postOffer, SignalError, withdrawOffer } from '../../src/signal/index.ts'
import { UdpRelay, withoutCandidates } from '../../src/sim/relay/index.ts'
import { until } from '../transport/until.ts'
import { freeUdpPort } from './free-port.ts'
import { connectNative, openNativePipe } from './native-client.ts'
import { createConnection, offerOf } from './native-pair.ts'

const CHANNELS = { chat: { kind: 'ordered' }, state: { kind: 'unreliable' } } as const
type Channels = typeof CHANNELS

const LOOPBACK = '127.0.0.1'
const closing: { close(): unknown }[] = []

afterEach(async () => {
  await Promise.all(closing.splice(0).map((one) => one.close()))
})

async function serve(options: Partial<ListenOptions<Channels>> = {}): Promise<Server<Channels>> {
  const server = await listen({ channels: CHANNELS, bindAddress: LOOPBACK, host: LOOPBACK, port: 0, ...options })
  closing.push(server)
  return server
}

async function join(server: Server<Channels>, protocol?: string): Promise<Peer<Channels>> {
  const peer = await connectNative(server.url!, { channels: CHANNELS, ...(protocol !== undefined && { protocol }) })
  closing.push({
    close: () => {
      peer.close({ deadlineMs: 0 })
      return peer.closed
    },
  })
  await until(() => peer.state !== 'connecting')
  return peer
}

/** An offer whose answer is never used, and the way to free what is left of it here. */
async function offer(): Promise<string> {
  const connection = createConnection('never')
  closing.push(new NativeChannel(connection))
  return await offerOf(connection)
}

function eventsOf(peer: Pick<Server<Channels>, 'pollEvent'>): ServerEvent<Channels>[] {
  const events: ServerEvent<Channels>[] = []
  for (let event = peer.pollEvent(); event !== undefined; event = peer.pollEvent()) events.push(event)
  return events
}

/** Everything that the server has to say until it has said `type` so often. */
async function eventsUntil(
  server: Server<Channels>,
  type: ServerEvent['type'],
  count = 1,
): Promise<ServerEvent<Channels>[]> {
  const events: ServerEvent<Channels>[] = []
  await until(() => {
    events.push(...eventsOf(server))
    return events.filter((event) => event.type === type).length >= count
  }, `${count} events ${type} of the server`)
  return events
}

async function refusal(work: Promise<unknown>): Promise<string | undefined> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(SignalError)
  return (error as SignalError).problem?.code
}

async function failure(work: Promise<unknown>): Promise<TransportError> {
  const error = await work.then(
    (server) => void closing.push(server as Server),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(TransportError)
  return error as TransportError
}

const text = (payload: Uint8Array): string => new TextDecoder().decode(payload)
const bytes = (string: string): Uint8Array => new TextEncoder().encode(string)

describe('a server', () => {
  test('accepts a client over real UDP, and both talk without a game loop', async () => {
    const server = await serve()
    expect(server.url).toBe(`http://${LOOPBACK}:${server.port}/gannet`)
    const client = await join(server)
    const [open] = await eventsUntil(server, 'open')
    expect([open!.type, open!.peer]).toEqual(['open', server.peers.get(client.id)])
    client.send('chat', bytes('hello'))
    const message = (await eventsUntil(server, 'message')).find((event) => event.type === 'message')!
    expect([message.channel, text(message.payload), message.peer.id]).toEqual(['chat', 'hello', client.id])
    message.peer.send('chat', bytes('welcome'))
    let answer = ''
    await until(() => {
      for (let event = client.pollEvent(); event !== undefined; event = client.pollEvent())
        if (event.type === 'message') answer = text(event.payload)
      return answer !== ''
    })
    expect(answer).toBe('welcome')
  })

  test('carries all peers over one UDP port, and a tick of the game drives them all', async () => {
    const udpPort = await freeUdpPort()
    const answers: string[] = []
    const server = await serve({
      udpPort,
      transformAnswer: async (sdp) => {
        answers.push(sdp)
        return sdp
      },
    })
    const clients = await Promise.all([join(server), join(server), join(server)])
    await eventsUntil(server, 'open', 3)
    for (const sdp of answers) expect(sdp).toMatch(new RegExp(`^a=candidate:.* ${LOOPBACK} ${udpPort} typ host`, 'm'))
    expect([...server.peers.keys()].sort()).toEqual(clients.map((client) => client.id).sort())
    server.update()
    for (const peer of server.peers.values()) peer.send('state', bytes(peer.id))
    server.flush()
    for (const client of clients) {
      let heard = ''
      await until(() => {
        for (let event = client.pollEvent(); event !== undefined; event = client.pollEvent())
          if (event.type === 'message') heard = text(event.payload)
        return heard !== ''
      })
      expect(heard).toBe(client.id)
    }
  })

  test('tells each peer’s story from open to closed, and keeps its table of peers true', async () => {
    const server = await serve()
    const client = await join(server)
    await until(() => server.peers.size === 1)
    expect(server.pending).toBe(0)
    for (let i = 0; i < 5; i++) client.send('chat', bytes(`${i}`))
    client.close({ code: 12, data: bytes('bye') })
    await until(() => server.peers.size === 0)
    const events = eventsOf(server)
    expect(events.map((event) => event.type)).toEqual(['open', ...Array(5).fill('message'), 'closed'])
    expect(new Set(events.map((event) => event.peer.id))).toEqual(new Set([client.id]))
    const last = events.at(-1)!
    expect(last.type === 'closed' && last.reason).toEqual({ kind: 'peer', code: 12, data: bytes('bye') })
    expect(await client.closed).toEqual({ kind: 'local', code: 12 })
  })

  test('learns at once of a client that hangs up without a word', async () => {
    const server = await serve()
    const { transport } = await openNativePipe(server.url!)
    transport.close()
    await until(() => server.pending === 0)
    const client = await join(server)
    await eventsUntil(server, 'open')
    const peer = server.peers.get(client.id)!
    client.close({ deadlineMs: 0 })
    expect((await peer.closed).kind).toMatch(/^(peer|transport)$/)
    expect(server.peers.size).toBe(0)
  })

  test('drops a client that falls silent', async () => {
    const server = await serve({ endpoint: { timeoutMs: 500, keepaliveMs: 100 } })
    const { transport } = await openNativePipe(server.url!)
    closing.push(transport)
    expect(server.pending).toBe(1)
    await until(() => server.pending === 0)
    // It never said hello, so the game never heard of it.
    expect(eventsOf(server)).toEqual([])
  })

  test('refuses a client of another protocol, and its game never hears of it', async () => {
    const server = await serve({ protocol: 'mine' })
    const client = await join(server, 'yours')
    expect(await client.closed).toMatchObject({ kind: 'protocol', violation: 'protocol' })
    await until(() => server.pending === 0)
    expect([server.peers.size, eventsOf(server)]).toEqual([0, []])
  })

  test('can be mounted: as a fetch handler, and as middleware', async () => {
    const server = await listen({ channels: CHANNELS, bindAddress: LOOPBACK, path: '/game/join' })
    closing.push(server)
    expect([server.port, server.url]).toEqual([undefined, undefined])
    const response = await server.handle(new Request('http://x.test/game/join'))
    expect(response.status).toBe(405)
    const http = createServer((request, reply) => server.nodeListener(request, reply, () => reply.end('the app')))
    await new Promise<void>((resolve) => http.listen(0, LOOPBACK, resolve))
    closing.push({
      close: () => {
        http.closeAllConnections()
        http.close()
      },
    })
    const origin = `http://${LOOPBACK}:${(http.address() as AddressInfo).port}`
    expect(await (await fetch(`${origin}/`)).text()).toBe('the app')
    const client = await connectNative(`${origin}/game/join`, { channels: CHANNELS })
    await eventsUntil(server, 'open')
    expect(client.state).toMatch(/connecting|open/)
    client.close({ deadlineMs: 0 })
    await client.closed
  })
})

describe('a server behind a mapped port', () => {
  test('is reached at the address and port that it announces', async () => {
    const udpPort = await freeUdpPort()
    const forwarder = await UdpRelay.open({ target: { address: LOOPBACK, port: udpPort }, seed: 1 })
    closing.push(forwarder)
    const answers: string[] = []
    const server = await serve({
      udpPort,
      announce: [{ address: 'localhost', port: forwarder.port }],
      // As in a container: what the client says of itself cannot be reached from here.
      transformOffer: withoutCandidates,
      transformAnswer: (sdp) => {
        answers.push(sdp)
        return sdp
      },
    })
    const client = await join(server)
    await eventsUntil(server, 'open')
    expect(answers[0]!.match(/^a=candidate:.*$/gm)).toHaveLength(1)
    expect(answers[0]).toMatch(new RegExp(`^a=candidate:1 1 UDP \\d+ \\S+ ${forwarder.port} typ host`, 'm'))
    client.send('chat', bytes('through the wall'))
    await eventsUntil(server, 'message')
    expect(forwarder.counters.up.received).toBeGreaterThan(5)
  })
})

describe('offers', () => {
  test('of pages of other origins are refused where there is a list', async () => {
    const server = await serve({ allowOrigin: 'https://game.test' })
    const body = await offer()
    const from = (origin: string) => postOffer(server.url!, body, { headers: { origin } })
    expect(await refusal(from('https://evil.test'))).toBe('origin-refused')
    await from('https://game.test')
    await from(new URL(server.url!).origin)
  })

  test('whose channel opens and says nothing are freed after the handshake timeout', async () => {
    const server = await serve({ handshakeTimeoutMs: 50 })
    const { transport } = await openNativePipe(server.url!)
    closing.push(transport)
    await until(() => server.pending === 0)
    expect(eventsOf(server)).toEqual([])
  })

  test('that nobody follows up are freed after the timeout', async () => {
    const server = await serve({ connectTimeoutMs: 100 })
    await postOffer(server.url!, await offer())
    expect(server.pending).toBe(1)
    await until(() => server.pending === 0)
  })

  test('are freed at once when they are withdrawn', async () => {
    const server = await serve()
    const { location } = await postOffer(server.url!, await offer())
    expect(server.pending).toBe(1)
    await withdrawOffer(location!)
    expect(server.pending).toBe(0)
    expect((await fetch(location!, { method: 'DELETE' })).status).toBe(404)
  })

  test('of a peer that is there cannot be withdrawn', async () => {
    const server = await serve()
    const client = await join(server)
    await eventsUntil(server, 'open')
    expect((await fetch(`${server.url}/${client.id}`, { method: 'DELETE' })).status).toBe(404)
    expect(server.peers.size).toBe(1)
  })

  test('above maxPending are refused, with a time to come back', async () => {
    const server = await serve({ maxPending: 2 })
    const withdrawn = await postOffer(server.url!, await offer())
    await postOffer(server.url!, await offer())
    expect(await refusal(postOffer(server.url!, await offer()))).toBe('too-many-pending')
    await withdrawOffer(withdrawn.location!)
    await postOffer(server.url!, await offer())
  })

  test('above maxPeers are refused until somebody leaves', async () => {
    const server = await serve({ maxPeers: 1 })
    const client = await join(server)
    await eventsUntil(server, 'open')
    expect(await refusal(postOffer(server.url!, await offer()))).toBe('server-full')
    client.close()
    await until(() => server.peers.size === 0)
    await postOffer(server.url!, await offer())
  })

  test.each([
    ['a second media section', (sdp: string) => `${sdp}m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\n`],
    ['credentials too short', (sdp: string) => sdp.replace(/^a=ice-pwd:.*$/m, 'a=ice-pwd:x')],
    ['a fingerprint that is none', (sdp: string) => sdp.replace(/^a=fingerprint:.*$/m, 'a=fingerprint:sha-256 zz')],
    ['an answer', (sdp: string) => sdp.replace('a=setup:actpass', 'a=setup:nonsense')],
  ])('with %s leave nothing behind, refused or not', async (_name, spoil) => {
    const server = await serve({ connectTimeoutMs: 50 })
    const outcome = await postOffer(server.url!, spoil(await offer())).catch(
      (error: SignalError) => error.problem?.code,
    )
    if (typeof outcome === 'string') expect(outcome).toBe('bad-offer')
    await until(() => server.pending === 0)
  })

  test('are answered with what transformAnswer makes of it, and refused when that names no address', async () => {
    const marked = await serve({ transformAnswer: (sdp) => `${sdp}a=x-marked\r\n` })
    expect((await postOffer(marked.url!, await offer())).sdp).toMatch(/^a=x-marked$/m)
    const nowhere = await serve({ transformAnswer: (sdp) => sdp.replace(/^a=candidate:.*\r\n/gm, '') })
    expect(await refusal(postOffer(nowhere.url!, await offer()))).toBe('no-candidates')
    const broken = await serve({ transformAnswer: () => Promise.reject(new Error('secret')) })
    expect(await refusal(postOffer(broken.url!, await offer()))).toBe('internal')
    for (const server of [nowhere, broken]) expect(server.pending).toBe(0)
  })
})

describe('closing a server', () => {
  test('says goodbye with a code, frees its ports, and refuses what still comes', async () => {
    const udpPort = await freeUdpPort()
    const server = await serve({ udpPort })
    const client = await join(server)
    await eventsUntil(server, 'open')
    await postOffer(server.url!, await offer())
    const closed = server.close({ code: 4 })
    expect(server.close()).toBe(closed)
    const late = await server.handle(
      new Request(server.url!, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: await offer() }),
    )
    expect([late.status, ((await late.json()) as { code: string }).code]).toEqual([503, 'server-closing'])
    await closed
    expect(await client.closed).toMatchObject({ kind: 'peer', code: 4 })
    expect([server.peers.size, server.pending]).toEqual([0, 0])
    expect(eventsOf(server).map((event) => event.type)).toEqual(['closed'])
    await serve({ port: server.port! })
    const again = await serve({ udpPort })
    await join(again)
    await eventsUntil(again, 'open')
  })
})

describe('groups of a server', () => {
  test('reach their members over the wire, leave others out, and lose who leaves', async () => {
    const server = await serve()
    const clients = await Promise.all([join(server), join(server), join(server)])
    await eventsUntil(server, 'open', 3)
    const [a, b, c] = clients.map((client) => server.peers.get(client.id)!)
    for (const peer of [a!, b!]) server.group('red').add(peer)
    server.group('red').send('chat', bytes('red'), { except: b! })
    server.broadcast('chat', bytes('all'), { except: [c!] })
    server.flush()
    const heard = ['', '', '']
    await until(() => {
      for (const [i, client] of clients.entries())
        for (let event = client.pollEvent(); event !== undefined; event = client.pollEvent())
          if (event.type === 'message') heard[i] += `${text(event.payload)} `
      return heard[0] === 'red all ' && heard[1] === 'all '
    })
    expect(heard[2]).toBe('')
    clients[0]!.close()
    await until(() => server.group('red').size === 1)
    expect([...server.group('red')]).toEqual([b])
  })
})

describe('draining a server', () => {
  test('lets those who are here play on, and nobody in, until the last has gone', async () => {
    const server = await serve()
    const client = await join(server)
    await eventsUntil(server, 'open')
    const closed = server.close({ drainMs: 60_000, code: 9 })
    expect(server.isClosing).toBe(true)
    expect(await refusal(postOffer(server.url!, await offer()))).toBe('server-closing')
    client.send('chat', bytes('still here'))
    await eventsUntil(server, 'message')
    client.close()
    await closed
    expect(await client.closed).toEqual({ kind: 'local', code: 0 })
  })

  test('ends those who stay when its time is over, with the code', async () => {
    const server = await serve()
    const client = await join(server)
    await eventsUntil(server, 'open')
    const startedAt = performance.now()
    await server.close({ drainMs: 150, code: 9, data: bytes('restart') })
    expect(performance.now() - startedAt).toBeGreaterThan(140)
    expect(await client.closed).toEqual({ kind: 'peer', code: 9, data: bytes('restart') })
  })
})

describe('listen fails with', () => {
  test('port-in-use for HTTP, naming address and port, and gives the UDP port back', async () => {
    const udpPort = await freeUdpPort()
    const first = await serve()
    const error = await failure(
      listen({ channels: CHANNELS, bindAddress: LOOPBACK, host: LOOPBACK, port: first.port!, udpPort }),
    )
    expect(error.code).toBe('port-in-use')
    expect(error.message).toContain(`TCP port ${LOOPBACK}:${first.port}`)
    expect((error.cause as NodeJS.ErrnoException).code).toBe('EADDRINUSE')
    await serve({ udpPort })
  })

  test('port-in-use for UDP, whoever has it', async () => {
    const udpPort = await freeUdpPort()
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(udpPort, LOOPBACK, resolve))
    const error = await failure(listen({ channels: CHANNELS, bindAddress: LOOPBACK, udpPort }))
    expect(error.code).toBe('port-in-use')
    expect(error.message).toContain(`UDP port ${LOOPBACK}:${udpPort}`)
    await new Promise<void>((resolve) => socket.close(() => resolve()))
    await serve({ udpPort })
    expect((await failure(listen({ channels: CHANNELS, bindAddress: LOOPBACK, udpPort }))).code).toBe('port-in-use')
  })

  test.each([
    ['bindAddress', { bindAddress: '192.0.2.123' }],
    ['bindAddress with a port', { bindAddress: '192.0.2.123', udpPort: 40_999 }],
    ['host', { host: '192.0.2.123', port: 0 }],
  ])('bad-address for a %s that is not ours', async (_name, options) => {
    const error = await failure(listen({ channels: CHANNELS, ...options }))
    expect(error.code).toBe('bad-address')
    expect(error.message).toContain('192.0.2.123')
  })

  test('bad-option before anything is opened', async () => {
    const first = await serve()
    const work = listen({ channels: {}, host: LOOPBACK, port: first.port! })
    await expect(work).rejects.toThrow(NetcodeError)
  })
})
