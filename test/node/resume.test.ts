import { afterEach, describe, expect, test } from 'vitest'
import { type ListenOptions, listen, type Server, type ServerEvent } from '../../src/node/index.ts'
import { NativeChannel } from '../../src/node/native-channel.ts'
import { postOffer, SignalError } from '../../src/signal/index.ts'
import { Bundle } from '../../src/transport/bundle.ts'
import { createEndpoint } from '../../src/transport/endpoint.ts'
import { systemHost } from '../../src/transport/host.ts'
import { Peer } from '../../src/transport/peer.ts'
import { until } from '../transport/until.ts'
import { type NativePipe, openNativePipe } from './native-client.ts'
import { createConnection, offerOf } from './native-pair.ts'

const CHANNELS = { chat: { kind: 'ordered' } } as const
type Channels = typeof CHANNELS
const LOOPBACK = '127.0.0.1'
const closing: (() => unknown)[] = []

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

interface Session {
  readonly server: Server<Channels, string>
  readonly first: NativePipe
  readonly bundle: Bundle
  readonly client: Peer<Channels>
  /** What the server's game has been told, in order. */
  readonly told: ServerEvent<Channels, string>[]
  poll(): void
}

async function session(
  options: Partial<ListenOptions<Channels, string>> = {},
  headers: Record<string, string> = {},
): Promise<Session> {
  const server = await listen<Channels, string>({
    channels: CHANNELS,
    bindAddress: LOOPBACK,
    host: LOOPBACK,
    port: 0,
    resumeMs: 20_000,
    authorize: () => 'Ada',
    ...options,
  })
  closing.push(() => server.close({ deadlineMs: 0 }))
  const first = await openNativePipe(server.url!, headers)
  const bundle = new Bundle(first.transport)
  const endpoint = createEndpoint('client', { channels: CHANNELS, endpoint: { awayMs: 20_000 } }, bundle, systemHost)
  const client = new Peer<Channels>({ id: 'client', endpoint, transport: bundle, host: systemHost })
  bundle.onEmpty = () => client.leave()
  closing.push(() => {
    client.close({ deadlineMs: 0 })
    return client.closed
  })
  const told: ServerEvent<Channels, string>[] = []
  const poll = () => {
    for (let event = server.pollEvent(); event !== undefined; event = server.pollEvent()) told.push(event)
  }
  await until(() => client.state === 'open' && server.peers.size === 1)
  return { server, first, bundle, client, told, poll }
}

const numbersOf = (events: readonly { type: string; payload?: Uint8Array }[]): number[] =>
  events.flatMap((event) => (event.type === 'message' ? [event.payload![0]!] : []))

async function refusal(work: Promise<unknown>): Promise<string | undefined> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(SignalError)
  return (error as SignalError).problem?.code
}

async function offer(): Promise<string> {
  const connection = createConnection('never')
  const channel = new NativeChannel(connection)
  closing.push(() => channel.close())
  return await offerOf(connection)
}

describe('a session', () => {
  test('goes on over a new connection, with its data, its queues and its order', async () => {
    const { server, first, bundle, client, told, poll } = await session()
    const peer = [...server.peers.values()][0]!
    client.send('chat', Uint8Array.of(1))
    peer.send('chat', Uint8Array.of(101))
    await until(() => {
      poll()
      return numbersOf(told).length === 1
    })
    bundle.retire(first.transport, 'pulled the plug')
    await until(() => peer.isAway)
    expect([client.isAway, server.peers.size, peer.state]).toEqual([true, 1, 'open'])
    for (const n of [2, 3]) {
      client.send('chat', Uint8Array.of(n))
      peer.send('chat', Uint8Array.of(100 + n))
    }
    const second = await openNativePipe(first.location, {}, first.ticket)
    bundle.add(second.transport)
    client.knock()
    await until(() => {
      poll()
      return numbersOf(told).length === 3
    })
    const heard: { type: string; payload?: Uint8Array }[] = []
    await until(() => {
      for (let event = client.pollEvent(); event !== undefined; event = client.pollEvent()) heard.push(event)
      return numbersOf(heard).length === 3
    })
    expect([numbersOf(told), numbersOf(heard)]).toEqual([
      [1, 2, 3],
      [101, 102, 103],
    ])
    const turns = told.map(({ type }) => type).filter((type) => type !== 'message' && type !== 'verdict')
    expect(turns).toEqual(['open', 'away', 'back'])
    expect(told.every((event) => event.peer === peer && event.peer.data === 'Ada')).toBe(true)
  })

  test('finds another path while the server drains, and none when that is over', async () => {
    const { server, first, bundle, client } = await session()
    const peer = [...server.peers.values()][0]!
    const closed = server.close({ drainMs: 60_000 })
    bundle.retire(first.transport, 'pulled the plug')
    await until(() => peer.isAway)
    expect(await refusal(postOffer(server.url!, await offer()))).toBe('server-closing')
    const second = await openNativePipe(first.location, {}, first.ticket)
    bundle.add(second.transport)
    client.knock()
    await until(() => !peer.isAway && !client.isAway)
    expect([peer.state, client.state]).toEqual(['open', 'open'])
    client.close()
    await closed
    await expect(postOffer(first.location, await offer(), { ticket: first.ticket })).rejects.toThrow()
  })

  test('ends when nobody comes back in time', async () => {
    const { server, first, bundle, told, poll } = await session({ resumeMs: 300 })
    const leftAt = performance.now()
    bundle.retire(first.transport, 'pulled the plug')
    await until(() => server.peers.size === 0)
    expect(performance.now() - leftAt).toBeGreaterThan(290)
    poll()
    expect(told.map(({ type }) => type)).toEqual(['open', 'away', 'closed'])
    const last = told.at(-1)!
    expect(last.type === 'closed' && last.reason.kind).toBe('timeout')
    expect(await refusal(postOffer(first.location, await offer(), { ticket: first.ticket }))).toBe('unknown-peer')
  })

  test('is not waited for without resumeMs', async () => {
    const { server, first, bundle, told, poll } = await session({ resumeMs: 0 })
    bundle.retire(first.transport, 'pulled the plug')
    await until(() => server.peers.size === 0)
    poll()
    expect(told.map(({ type }) => type)).toEqual(['open', 'closed'])
  })

  test('ends at once with a goodbye', async () => {
    const { server, client, told, poll } = await session()
    client.close({ code: 3, deadlineMs: 0 })
    await until(() => server.peers.size === 0)
    poll()
    const last = told.at(-1)!
    expect(last.type === 'closed' && last.reason).toMatchObject({ kind: 'peer', code: 3 })
  })

  test('opens to nobody with a wrong ticket, or with a stolen one and another certificate', async () => {
    const kept = await session({}, { 'gannet-certificate': 'kept' })
    const { location, ticket } = kept.first
    const body = await offer()
    expect(await refusal(postOffer(location, body, { ticket: `${ticket.slice(0, -1)}x` }))).toBe('bad-ticket')
    expect(await refusal(postOffer(location, body))).toBe('bad-ticket')
    expect(await refusal(postOffer(location, body, { ticket }))).toBe('bad-certificate')
    const peer = [...kept.server.peers.values()][0]!
    kept.bundle.retire(kept.first.transport, 'pulled the plug')
    await until(() => peer.isAway)
    expect(await refusal(postOffer(location, body, { ticket }))).toBe('bad-certificate')
  })

  test('does not keep the server from closing', async () => {
    const { server, first, bundle } = await session()
    bundle.retire(first.transport, 'pulled the plug')
    await until(() => [...server.peers.values()][0]!.isAway)
    const startedAt = performance.now()
    await server.close({ deadlineMs: 100 })
    expect(performance.now() - startedAt).toBeLessThan(2000)
  })
})
