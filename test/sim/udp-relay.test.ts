import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { UdpRelay, type UdpRelayOptions } from '../../src/sim/relay/index.ts'
import { numbered, numberOf } from './support.ts'

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const it of opened.splice(0)) await it.close()
})

/** A UDP socket that remembers what it heard. */
class Party {
  readonly socket: Socket
  readonly heard: number[] = []
  readonly from: Set<number> = new Set()
  #closing: Promise<void> | undefined = undefined
  onHeard: ((index: number, from: RemoteInfo) => void) | undefined = undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('message', (packet, from) => {
      const index = numberOf(packet)
      this.heard.push(index)
      this.from.add(from.port)
      this.onHeard?.(index, from)
    })
  }

  static async open(address = '127.0.0.1'): Promise<Party> {
    const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 1024 * 1024 })
    socket.bind({ address, port: 0 })
    await once(socket, 'listening')
    const party = new Party(socket)
    opened.push(party)
    return party
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.socket.close(() => resolve())
    })
    return this.#closing
  }

  get port(): number {
    return this.socket.address().port
  }

  send(packet: Uint8Array, port: number, address = '127.0.0.1'): void {
    this.socket.send(packet, port, address)
  }
}

async function openRelay(target: Party, options: Partial<UdpRelayOptions> = {}): Promise<UdpRelay> {
  const relay = await UdpRelay.open({ target: { address: '127.0.0.1', port: target.port }, seed: 7, ...options })
  opened.push(relay)
  return relay
}

/** Waits for a state, not for a time: a slow machine only takes longer. */
function until(isDone: () => boolean): Promise<void> {
  return vi.waitFor(() => expect(isDone()).toBe(true), { timeout: 10_000, interval: 2 })
}

/** Sends `count` packets in small batches, so that no kernel buffer overflows, and waits until the relay has seen them all. */
async function stream(from: Party, relay: UdpRelay, count: number, seen: () => number): Promise<void> {
  const base = seen()
  for (let i = 0; i < count; i += 50) {
    const end = Math.min(count, i + 50)
    for (let n = i; n < end; n++) from.send(numbered(n, 100), relay.port)
    await until(() => seen() >= base + end)
  }
}

/** An echo server. */
async function openEcho(): Promise<Party> {
  const party = await Party.open()
  party.onHeard = (index, from) => party.send(numbered(index, 100), from.port)
  return party
}

describe('UdpRelay', () => {
  test('loses exactly what it counts, in both directions', async () => {
    const server = await openEcho()
    const client = await Party.open()
    const relay = await openRelay(server, { up: { loss: 0.1 }, down: { loss: 0.2, burst: 3 } })
    await stream(client, relay, 1000, () => relay.counters.up.received)
    await until(() => server.heard.length === relay.counters.up.forwarded)
    await until(() => relay.counters.down.received === server.heard.length)
    await until(() => client.heard.length === relay.counters.down.forwarded)

    const { up, down } = relay.counters
    expect(up).toMatchObject({ received: 1000, receivedBytes: 100_000, forwarded: server.heard.length })
    expect(up.dropped).toBe(1000 - server.heard.length)
    expect(down.dropped).toBe(server.heard.length - client.heard.length)
    expect([up.lost, down.lost]).toEqual([up.dropped, down.dropped])
    expect(Math.min(up.lost, down.lost)).toBeGreaterThan(50)
    const decisions = relay.decisions('up')
    expect(server.heard).toEqual([...decisions].flatMap((it, index) => (it === '0' ? [index] : [])))
    expect(relay.counters).toMatchObject({ clientsOpen: 1, clientsSeen: 1, refusedPackets: 0, strangerPackets: 0 })
  })

  test('takes the same decisions for the same seed, whatever the timing', async () => {
    const patterns: string[] = []
    const hashes: number[] = []
    for (const weather of [{}, { delayMs: 15, jitterMs: 5, reorder: true }]) {
      const server = await openEcho()
      const client = await Party.open()
      const relay = await openRelay(server, { up: { loss: 0.15, ...weather }, down: { loss: 0.15, ...weather } })
      await stream(client, relay, 300, () => relay.counters.up.received)
      // All of them: with a delay, the counters also agree while most packets are still held.
      await until(() => server.heard.length === 300 - relay.counters.up.lost)
      await until(() => client.heard.length === server.heard.length - relay.counters.down.lost)
      patterns.push(`${relay.decisions('up')} ${relay.decisions('down')}`)
      hashes.push(relay.counters.up.lossHash, relay.counters.down.lossHash)
    }
    expect(patterns[0]!.length).toBeGreaterThan(500)
    expect(patterns[0]).toBe(patterns[1])
    expect(hashes.slice(0, 2)).toEqual(hashes.slice(2))
    expect(patterns[0]!.slice(0, 200)).not.toBe(patterns[0]!.slice(301, 501))
  })

  test('gives each client a port of its own towards the server and its own stream of chance', async () => {
    const server = await openEcho()
    const clients = [await Party.open(), await Party.open(), await Party.open()]
    const relay = await openRelay(server, { up: { loss: 0.2 } })
    for (const client of clients) await stream(client, relay, 200, () => relay.counters.up.received)
    const { up } = relay.counters
    await until(() => clients.reduce((sum, it) => sum + it.heard.length, 0) === up.forwarded)

    expect(server.from.size).toBe(3)
    expect(relay.counters.clientsSeen).toBe(3)
    const patterns = clients.map((_, index) => relay.decisions('up', index))
    expect(new Set(patterns).size).toBe(3)
    clients.forEach((client, index) => {
      expect(client.heard).toEqual([...patterns[index]!].flatMap((it, n) => (it === '0' ? [n] : [])))
    })
  })

  test('puts all clients on one link when they share, and gives each its own packets back', async () => {
    const server = await openEcho()
    const clients = [await Party.open(), await Party.open()]
    const relay = await openRelay(server, { sharesLinks: true, up: { loss: 0.2 }, down: { delayMs: 5 } })
    for (const client of clients) await stream(client, relay, 200, () => relay.counters.up.received)
    const { up } = relay.counters
    await until(() => clients.reduce((sum, it) => sum + it.heard.length, 0) === up.forwarded)

    expect(server.from.size).toBe(2)
    expect([up.received, up.lost, up.forwarded]).toEqual([400, up.dropped, 400 - up.lost])
    const pattern = relay.decisions('up', 0)
    expect(relay.decisions('up', 1)).toBe(pattern)
    clients.forEach((client, index) => {
      const own = [...pattern.slice(index * 200, index * 200 + 200)]
      expect(client.heard).toEqual(own.flatMap((it, n) => (it === '0' ? [n] : [])))
    })
  })

  test('shares one bottleneck among clients that share links', async () => {
    const server = await Party.open()
    const clients = [await Party.open(), await Party.open()]
    const relay = await openRelay(server, { sharesLinks: true, up: { bytesPerSecond: 0, queueBytes: 100 } })
    for (let i = 0; i < 20; i++) clients[i % 2]!.send(numbered(i, 10), relay.port)
    await until(() => relay.counters.up.received === 20)
    expect(relay.counters.up.overflowed).toBe(10)
  })

  test('delays, and forwards nothing before its time', async () => {
    const server = await Party.open()
    const client = await Party.open()
    const relay = await openRelay(server, { up: { delayMs: 40 } })
    const arrived = new Promise<number>((resolve) => {
      server.onHeard = () => resolve(performance.now())
    })
    const sentAt = performance.now()
    client.send(numbered(1), relay.port)
    expect((await arrived) - sentAt).toBeGreaterThanOrEqual(40)
  })

  test('makes copies and counts them', async () => {
    const server = await Party.open()
    const client = await Party.open()
    const relay = await openRelay(server, { up: { duplicate: 1 } })
    await stream(client, relay, 100, () => relay.counters.up.received)
    await until(() => server.heard.length === 200)
    expect(relay.counters.up).toMatchObject({ duplicated: 100, forwarded: 200, forwardedBytes: 20_000 })
  })

  test('changes its weather live, for clients that are there and for those to come', async () => {
    const server = await Party.open()
    const [early, late] = [await Party.open(), await Party.open()]
    const relay = await openRelay(server)
    await stream(early, relay, 10, () => relay.counters.up.received)
    relay.set({ up: { loss: 1 } })
    await stream(early, relay, 10, () => relay.counters.up.received)
    await stream(late, relay, 10, () => relay.counters.up.received)
    expect(relay.counters.up).toMatchObject({ received: 30, lost: 20, forwarded: 10 })
    expect(() => relay.set({ down: { loss: 7 } })).toThrow('loss: 7')
  })

  test('releases what was held when the weather changes', async () => {
    const server = await Party.open()
    const client = await Party.open()
    const relay = await openRelay(server, { up: { bytesPerSecond: 0 } })
    await stream(client, relay, 10, () => relay.counters.up.received)
    expect(server.heard).toEqual([])
    relay.set({ up: { bytesPerSecond: Number.POSITIVE_INFINITY } })
    await until(() => server.heard.length === 10)
  })

  test('bounds what it holds for a client and counts what it drops for that', async () => {
    const server = await Party.open()
    const client = await Party.open()
    const relay = await openRelay(server, { up: { delayMs: 60_000 }, maxHeldBytes: 1000 })
    await stream(client, relay, 30, () => relay.counters.up.received)
    expect(relay.counters.up).toMatchObject({ received: 30, overflowed: 20, dropped: 20 })
  })

  test('refuses the packets of clients beyond its limit', async () => {
    const server = await Party.open()
    const [one, two] = [await Party.open(), await Party.open()]
    const relay = await openRelay(server, { maxClients: 1 })
    await stream(one, relay, 5, () => relay.counters.up.received)
    await stream(two, relay, 5, () => relay.counters.refusedPackets)
    expect(relay.counters).toMatchObject({ clientsOpen: 1, clientsSeen: 1, up: { received: 5 } })
  })

  test('lets nothing of a client that was cut through, and all of the others', async () => {
    const server = await openEcho()
    const [one, two] = [await Party.open(), await Party.open()]
    const relay = await openRelay(server)
    await stream(one, relay, 1, () => one.heard.length)
    await stream(two, relay, 1, () => two.heard.length)
    expect(relay.cut(0)).toBe(true)
    expect(relay.cut(7)).toBe(false)
    await stream(one, relay, 5, () => relay.counters.cutPackets)
    server.send(numbered(9), [...server.from][0]!)
    await until(() => relay.counters.cutPackets === 6)
    await stream(two, relay, 3, () => two.heard.length - 1)
    expect(one.heard.length).toBe(1)
    expect(relay.counters).toMatchObject({ clientsOpen: 2, up: { received: 5 } })
  })

  test('frees the place of a silent client and still counts what it did', async () => {
    const server = await Party.open()
    const [one, two] = [await Party.open(), await Party.open()]
    const relay = await openRelay(server, { maxClients: 1, idleMs: 50, up: { loss: 1 } })
    one.send(numbered(0), relay.port)
    await until(() => relay.counters.clientsExpired === 1)
    expect(relay.counters.clientsOpen).toBe(0)
    two.send(numbered(0), relay.port)
    await until(() => relay.counters.clientsSeen === 2)
    expect(relay.counters).toMatchObject({ refusedPackets: 0, up: { received: 2, lost: 2 } })
    expect(relay.decisions('up', 0)).toBe('')
  })

  test('does not let strangers in from behind', async () => {
    const server = await openEcho()
    const client = await Party.open()
    const stranger = await Party.open()
    const relay = await openRelay(server)
    await stream(client, relay, 1, () => relay.counters.up.received)
    await until(() => client.heard.length === 1)
    stranger.send(numbered(66), [...server.from][0]!)
    await until(() => relay.counters.strangerPackets === 1)
    expect(client.heard).toEqual([0])
  })

  test('spares STUN from the loss model when told so, and only STUN', async () => {
    const server = await Party.open()
    const client = await Party.open()
    const relay = await openRelay(server, { up: { loss: 1 }, sparesStun: true })
    const stun = new Uint8Array(20)
    stun.set([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42])
    client.send(stun, relay.port)
    client.send(numbered(0x16fefd00, 60), relay.port)
    await until(() => relay.counters.up.received === 2 && server.heard.length === 1)
    expect(relay.counters.up).toMatchObject({ lost: 1, forwarded: 1 })
    expect(relay.decisions('up')).toBe('1')
  })

  test('survives a target that is not there', async () => {
    const gone = await Party.open()
    const client = await Party.open()
    const relay = await openRelay(gone)
    await new Promise<void>((resolve) => {
      gone.socket.once('close', resolve)
      gone.socket.close()
    })
    opened.splice(
      opened.findIndex((it) => it !== relay),
      1,
    )
    await stream(client, relay, 20, () => relay.counters.up.received)
    expect(relay.counters.up.forwarded).toBe(20)
  })

  test('frees its port and every socket when closed, however often', async () => {
    const server = await openEcho()
    const client = await Party.open()
    // Sockets of earlier tests may take a moment to go.
    const sockets = () => process.getActiveResourcesInfo().filter((it) => it === 'UDPWrap').length
    await until(() => sockets() === 2)
    const relay = await UdpRelay.open({
      target: { address: '127.0.0.1', port: server.port },
      seed: 1,
      down: { delayMs: 60_000 },
    })
    await stream(client, relay, 10, () => relay.counters.up.received)
    await until(() => relay.counters.down.received === 10)
    expect(sockets()).toBe(4)
    const closing = relay.close()
    expect(relay.close()).toBe(closing)
    await closing
    await until(() => sockets() === 2)
    const again = await openRelay(server, { port: relay.port })
    expect(again.port).toBe(relay.port)
    expect(client.heard).toEqual([])
  })

  test('rejects a port that is taken and options that make no sense', async () => {
    const server = await Party.open()
    const relay = await openRelay(server)
    await expect(openRelay(server, { port: relay.port })).rejects.toThrow('EADDRINUSE')
    await expect(openRelay(server, { target: { address: 'localhost', port: 1 } })).rejects.toThrow(
      'expected an IP address',
    )
    await expect(openRelay(server, { target: { address: '127.0.0.1', port: 0 } })).rejects.toThrow('target port: 0')
    await expect(openRelay(server, { up: { delayMs: -1 } })).rejects.toThrow('delayMs: -1')
    await expect(openRelay(server, { maxClients: 0 })).rejects.toThrow('maxClients: 0')
  })

  test('relays over IPv6, however the target is spelled', async (context) => {
    const server = await Party.open('::1').catch(() => undefined)
    if (server === undefined) return context.skip('this machine has no IPv6 loopback')
    server.onHeard = (index, from) => server.send(numbered(index), from.port, '::1')
    const client = await Party.open('::1')
    const relay = await openRelay(server, {
      bindAddress: '::1',
      target: { address: '0:0:0:0:0:0:0:1', port: server.port },
    })
    client.send(numbered(3), relay.port, '::1')
    await until(() => client.heard.length === 1)
    expect(relay.counters.strangerPackets).toBe(0)
  })
})
