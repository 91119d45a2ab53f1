import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../src/index.ts'
import { Random, VirtualHost } from '../../src/sim/index.ts'
import { createEndpoint } from '../../src/transport/endpoint.ts'
import { Peer } from '../../src/transport/peer.ts'
import type { Transport, TransportEnd } from '../../src/transport/transport.ts'

const CHANNELS = { c: { kind: 'unreliable', verdicts: false, maxQueuedMessages: 4096 } } as const
const MESSAGE_BYTES = 64
/** Bytes below which the game's own queue counts as short, and messages for each of its turns. */
const SHORT_BYTES = 65_536
const BATCH = 64
/** Time between two turns of a game that floods, ms. */
const TURN_MS = 0.2
/** What the layer below takes for a packet, ms. */
const PACKET_MS = 0.15
const WAY_MS = 0.1

/**
 * One end of a lossless loopback: packets are taken by another thread, one after the other, and that thread has to wait for a core
 * now and then.
 */
class Threaded implements Transport {
  readonly maxPacketBytes = 1120
  onPacket: ((packet: Bytes) => void) | undefined = undefined
  onEnd: ((end: TransportEnd) => void) | undefined = undefined
  other: Threaded | undefined
  /** Pauses of the thread: mean time from one to the next, and how long they last, ms. */
  readonly #pauseEveryMs: number
  readonly #pauseMs: number
  readonly #host: VirtualHost
  readonly #random: Random
  #waiting: Bytes[] = []
  #pauseAt = 0
  #isBusy = false

  constructor(host: VirtualHost, seed: string, pauseEveryMs: number, pauseMs: number) {
    this.#host = host
    this.#random = new Random(seed)
    this.#pauseEveryMs = pauseEveryMs
    this.#pauseMs = pauseMs
    this.#planPause()
  }

  get backlogBytes(): number {
    return this.#waiting.reduce((sum, packet) => sum + packet.length, 0)
  }

  send(packet: Bytes): void {
    this.#waiting.push(packet.slice())
    this.#work()
  }

  close(): void {}

  #planPause(): void {
    const share = 0.5 + this.#random.uint32() / 2 ** 32
    this.#pauseAt = this.#pauseEveryMs > 0 ? this.#host.now() + share * this.#pauseEveryMs : Number.POSITIVE_INFINITY
  }

  #work(): void {
    if (this.#isBusy || this.#waiting.length === 0) return
    this.#isBusy = true
    let at = this.#host.now() + PACKET_MS
    if (this.#host.now() >= this.#pauseAt) {
      at += this.#pauseMs
      this.#planPause()
    }
    this.#host.at(at, () => {
      this.#isBusy = false
      const packet = this.#waiting.shift()!
      this.#host.at(this.#host.now() + WAY_MS, () => this.other?.onPacket?.(packet))
      this.#work()
    })
  }
}

/** A client that floods for two seconds: messages per second that came, and its stats. */
function flood(pauseEveryMs: number, pauseMs: number) {
  const host = new VirtualHost({ seed: 1 })
  const here = new Threaded(host, 'here', pauseEveryMs, pauseMs)
  const there = new Threaded(host, 'there', pauseEveryMs, pauseMs)
  here.other = there
  there.other = here
  const peerOf = (role: 'client' | 'server', transport: Transport) =>
    new Peer<typeof CHANNELS>({
      id: role,
      endpoint: createEndpoint(role, { channels: CHANNELS }, transport, host),
      transport,
      host,
    })
  const server = peerOf('server', there)
  const client = peerOf('client', here)
  let received = 0
  const read = () => {
    for (let event = server.pollEvent(); event !== undefined; event = server.pollEvent()) {
      if (event.type === 'message') received++
    }
    host.at(host.now() + 1, read)
  }
  read()
  host.advance(20)
  const message = new Uint8Array(MESSAGE_BYTES)
  const turn = () => {
    for (let i = 0; i < BATCH && client.stats.queuedBytes < SHORT_BYTES; i++) client.trySend('c', message)
    client.flush()
    host.at(host.now() + TURN_MS, turn)
  }
  turn()
  host.advance(500)
  const before = received
  host.advance(2000)
  return { perSecond: (received - before) / 2, stats: client.stats }
}

describe('a flood over a lossless loopback', () => {
  // 16 messages share a packet.
  const most = (16 * 1000) / PACKET_MS

  test('is bound by what the layer below takes', () => {
    const { perSecond, stats } = flood(0, 0)
    expect(perSecond).toBeGreaterThan(0.8 * most)
    expect(stats.heldTicks.share).toBe(0)
  })

  test.each([
    [20, 6],
    [40, 12],
    [60, 40],
  ])('by the core that its thread has to wait for, each %i ms for %i', (everyMs, pauseMs) => {
    const { perSecond, stats } = flood(everyMs, pauseMs)
    expect(perSecond).toBeGreaterThan(0.8 * (1 - pauseMs / everyMs) * most)
    expect(stats.heldTicks.share).toBe(0)
  })
})
