import { afterEach, describe, expect, test } from 'vitest'
import { type ListenOptions, listen, type Server } from '../../src/node/index.ts'
import { NativeChannel } from '../../src/node/native-channel.ts'
import { postOffer, SignalError } from '../../src/signal/index.ts'
import { Bundle } from '../../src/transport/bundle.ts'
import { createEndpoint } from '../../src/transport/endpoint.ts'
import { systemHost } from '../../src/transport/host.ts'
import { Peer } from '../../src/transport/peer.ts'
import { transportContract } from '../transport/transport.contract.ts'
import { until } from '../transport/until.ts'
import { freeUdpPort } from './free-port.ts'
import { type NativePipe, openNativePipe } from './native-client.ts'
import { createConnection, nativePair, offerOf } from './native-pair.ts'

transportContract('a bundle of two native DataChannels', async () => {
  const [one, two] = [await nativePair(), await nativePair()]
  return { a: new Bundle(one.a, two.a), b: new Bundle(one.b, two.b) }
})

const CHANNELS = { chat: { kind: 'reliable' } } as const
type Channels = typeof CHANNELS
const LOOPBACK = '127.0.0.1'
const closing: { close(): unknown }[] = []

afterEach(async () => {
  await Promise.all(closing.splice(0).map((one) => one.close()))
})

interface Joined {
  readonly server: Server<Channels>
  readonly first: NativePipe
  readonly bundle: Bundle
  readonly peer: Peer<Channels>
}

/** A server and a peer with one pipe to it. */
async function connected(options: Partial<ListenOptions<Channels>> = {}): Promise<Joined> {
  const server = await listen({ channels: CHANNELS, bindAddress: LOOPBACK, host: LOOPBACK, port: 0, ...options })
  closing.push(server)
  const first = await openNativePipe(server.url!)
  const bundle = new Bundle(first.transport)
  const endpoint = createEndpoint('client', { channels: CHANNELS }, bundle, systemHost)
  const peer = new Peer<Channels>({ id: 'client', endpoint, transport: bundle, host: systemHost })
  closing.push({
    close: () => {
      peer.close({ deadlineMs: 0 })
      return peer.closed
    },
  })
  await until(() => peer.state === 'open' && server.peers.size === 1)
  return { server, first, bundle, peer }
}

async function refusal(work: Promise<unknown>): Promise<[number | undefined, string | undefined]> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(SignalError)
  const { status, problem } = error as SignalError
  return [status, problem?.code]
}

/** An offer that comes to nothing, and is cleared away. */
async function offer(): Promise<string> {
  const connection = createConnection('never')
  closing.push(new NativeChannel(connection))
  return await offerOf(connection)
}

describe('a further pipe', () => {
  test('joins the peer that its ticket is for, through the same UDP port, and carries its share', async () => {
    const { server, first, bundle, peer } = await connected({ udpPort: await freeUdpPort() })
    const second = await openNativePipe(first.location, {}, first.ticket)
    bundle.add(second.transport)
    await until(() => server.pending === 0)
    expect(server.peers.size).toBe(1)

    const sent = [0, 0]
    for (const [i, pipe] of [first.transport, second.transport].entries()) {
      const send = pipe.send.bind(pipe)
      pipe.send = (packet) => {
        sent[i]!++
        send(packet)
      }
    }
    const heard: number[] = []
    for (let i = 0; i < 100; i++) {
      peer.send('chat', Uint8Array.of(i))
      peer.flush()
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await until(() => {
      for (let event = server.pollEvent(); event !== undefined; event = server.pollEvent()) {
        if (event.type === 'message') heard.push(event.payload[0]!)
      }
      return heard.length === 100
    })
    expect(heard.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
    expect(Math.min(...sent)).toBeGreaterThan(25)
  })

  test('keeps the peer when the first one ends', async () => {
    const { server, first, bundle, peer } = await connected()
    const second = await openNativePipe(first.location, {}, first.ticket)
    bundle.add(second.transport)
    await until(() => server.pending === 0)
    expect(bundle.retire(first.transport, 'stalled')).toBe(true)
    peer.send('chat', Uint8Array.of(7))
    let heard = -1
    await until(() => {
      for (let event = server.pollEvent(); event !== undefined; event = server.pollEvent()) {
        if (event.type === 'message') heard = event.payload[0]!
      }
      return heard >= 0
    })
    expect([heard, peer.state, server.peers.size]).toEqual([7, 'open', 1])
    // The last one: now the peer ends.
    bundle.retire(second.transport, 'stalled')
    expect(await peer.closed).toMatchObject({ kind: 'transport', detail: 'stalled' })
    await until(() => server.peers.size === 0)
  })

  test('needs the ticket, a peer that is there, and room', async () => {
    const { server, first, bundle, peer } = await connected({ pipes: { max: 2 } })
    const join = (location: string, ticket?: string) => offer().then((sdp) => postOffer(location, sdp, { ticket }))
    expect(await refusal(join(first.location))).toEqual([403, 'bad-ticket'])
    expect(await refusal(join(first.location, 'f'.repeat(32)))).toEqual([403, 'bad-ticket'])
    expect(await refusal(join(`${server.url}/nobody`, first.ticket))).toEqual([404, 'unknown-peer'])
    const second = await openNativePipe(first.location, {}, first.ticket)
    bundle.add(second.transport)
    expect(await refusal(join(first.location, first.ticket))).toEqual([409, 'too-many-pipes'])
    peer.close({ deadlineMs: 0 })
    await until(() => server.peers.size === 0)
    await peer.closed
    expect(await refusal(join(first.location, first.ticket))).toEqual([404, 'unknown-peer'])
  })

  test('that is still under way counts, is freed when it is withdrawn, and takes no place from other peers', async () => {
    const { server, first } = await connected({ pipes: { max: 2 }, maxPeers: 2 })
    await postOffer(first.location, await offer(), { ticket: first.ticket })
    expect(server.pending).toBe(1)
    expect(await refusal(offer().then((sdp) => postOffer(first.location, sdp, { ticket: first.ticket })))).toEqual([
      409,
      'too-many-pipes',
    ])
    const other = await openNativePipe(server.url!)
    closing.push(other.transport)
    expect(server.pending).toBe(2)
  })
})

test('a ticket is told to the one who connects, and no peer has that of another', async () => {
  const { server, first } = await connected()
  const other = await openNativePipe(server.url!)
  closing.push(other.transport)
  expect(first.ticket).toMatch(/^[0-9a-f]{32}$/)
  expect(other.ticket).not.toBe(first.ticket)
  expect(first.location).not.toContain(first.ticket)
})
