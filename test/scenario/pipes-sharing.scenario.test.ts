import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../src/index.ts'
import { Link, VirtualHost } from '../../src/sim/index.ts'
import { Bundle } from '../../src/transport/bundle.ts'
import { createEndpoint } from '../../src/transport/endpoint.ts'
import { Peer } from '../../src/transport/peer.ts'
import type { Transport, TransportEnd } from '../../src/transport/transport.ts'

const CHANNELS = { bulk: { kind: 'reliable', maxQueuedBytes: 8 << 20, verdicts: false } } as const
const BYTES_PER_SECOND = 4_000_000 / 8
const SECONDS = 6
/** Start of what is judged, seconds: both have found the rate by then. */
const FROM_SECONDS = 2
const MESSAGE_BYTES = 20_000

/** A line that several senders share in each direction, with a bottleneck and 200 ms of queue in front of it. */
class Line {
  readonly #host: VirtualHost
  readonly #links: readonly [Link, Link]
  readonly #receivers: ((packet: Bytes) => void)[][] = [[], []]
  readonly #wakesAt = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]

  constructor(host: VirtualHost) {
    this.#host = host
    const weather = { delayMs: 25, bytesPerSecond: BYTES_PER_SECOND, queueBytes: BYTES_PER_SECOND / 5 }
    this.#links = [new Link({ ...weather, seed: 'up' }), new Link({ ...weather, seed: 'down' })]
  }

  /** Both ends of one flow's pipe; what takes a packet at the far end is set by the holder. */
  pipe(): readonly [Wire, Wire] {
    const tag = this.#receivers[0]!.length
    const ends = [
      new Wire((packet) => this.#push(0, packet, tag)),
      new Wire((packet) => this.#push(1, packet, tag)),
    ] as const
    this.#receivers[0]!.push((packet) => ends[1].onPacket?.(packet))
    this.#receivers[1]!.push((packet) => ends[0].onPacket?.(packet))
    return ends
  }

  #push(way: 0 | 1, packet: Uint8Array, tag: number): void {
    this.#links[way].push(packet, this.#host.now(), false, tag)
    this.#wake(way)
  }

  #wake(way: 0 | 1): void {
    const link = this.#links[way]
    if (link.wakeAt >= this.#wakesAt[way]!) return
    this.#wakesAt[way] = link.wakeAt
    this.#host.at(link.wakeAt, () => {
      this.#wakesAt[way] = Number.POSITIVE_INFINITY
      for (let packet = link.poll(this.#host.now()); packet !== undefined; packet = link.poll(this.#host.now())) {
        this.#receivers[way]![link.tag]!(packet)
      }
      this.#wake(way)
    })
  }
}

/** One end of a pipe below which nothing holds packets back: a channel with a short lifetime. */
class Wire implements Transport {
  readonly maxPacketBytes = 1150
  readonly backlogBytes = 0
  onPacket: ((packet: Bytes) => void) | undefined = undefined
  onEnd: ((end: TransportEnd) => void) | undefined = undefined
  readonly send: (packet: Uint8Array) => void

  constructor(send: (packet: Uint8Array) => void) {
    this.send = send
  }

  close(): void {}
}

/** A client that always has more to send, over `pipes` pipes; returns how many bytes the server has of it so far. */
function flood(host: VirtualHost, line: Line, pipes: number): () => number {
  const ends = Array.from({ length: pipes }, () => line.pipe())
  const peerOf = (role: 'client' | 'server', transport: Transport) => {
    const endpoint = createEndpoint(role, { channels: CHANNELS }, transport, host)
    return new Peer<typeof CHANNELS>({ id: role, endpoint, transport, host })
  }
  const server = peerOf('server', new Bundle(...ends.map(([, there]) => there)))
  const client = peerOf('client', new Bundle(...ends.map(([here]) => here)))
  let bytes = 0
  const tick = () => {
    for (const peer of [client, server]) peer.update()
    for (let event = server.pollEvent(); event !== undefined; event = server.pollEvent()) {
      if (event.type === 'message') bytes += event.payload.length
    }
    while (client.pollEvent() !== undefined);
    while (client.stats.queuedBytes < 400_000 && client.trySend('bulk', new Uint8Array(MESSAGE_BYTES)) !== undefined);
    for (const peer of [client, server]) peer.flush()
    host.at(host.now() + 1000 / 60, tick)
  }
  tick()
  return () => bytes
}

/** TCP Reno without its time-outs (RFC 5681): additive increase, half on a loss, once a round trip. */
function reno(host: VirtualHost, line: Line): () => number {
  const [here, there] = line.pipe()
  const packet = new Uint8Array(1150)
  const view = new DataView(packet.buffer)
  const out = new Set<number>()
  let next = 0
  let window = 4
  let slowStart = true
  let recoverAt = -1
  let bytes = 0
  const pump = () => {
    while (out.size < window) {
      view.setUint32(0, next)
      out.add(next++)
      here.send(packet)
    }
  }
  there.onPacket = (data) => {
    bytes += data.length
    there.send(data.subarray(0, 4))
  }
  here.onPacket = (ack) => {
    const number = new DataView(ack.buffer, ack.byteOffset).getUint32(0)
    out.delete(number)
    window += slowStart ? 1 : 1 / window
    for (const older of out) {
      if (older > number - 3) break
      out.delete(older)
      if (older < recoverAt) continue
      slowStart = false
      recoverAt = next
      window = Math.max(2, window / 2)
    }
    pump()
  }
  const revive = () => {
    // Everything was lost: a time-out starts over.
    if (host.now() - heardAt > 1000) out.clear()
    pump()
    host.at(host.now() + 500, revive)
  }
  let heardAt = host.now()
  const onAck = here.onPacket
  here.onPacket = (ack) => {
    heardAt = host.now()
    onAck(ack)
  }
  revive()
  return () => bytes
}

/** Bytes per second of each flow, once they have settled. */
function rates(host: VirtualHost, flows: readonly (() => number)[]): number[] {
  host.advance(FROM_SECONDS * 1000)
  const before = flows.map((bytes) => bytes())
  host.advance((SECONDS - FROM_SECONDS) * 1000)
  return flows.map((bytes, i) => (bytes() - before[i]!) / (SECONDS - FROM_SECONDS))
}

describe('a bottleneck that several share', () => {
  test('gives a peer with three pipes no more than one with one', () => {
    const host = new VirtualHost({ seed: 3 })
    const line = new Line(host)
    const [one, three] = rates(host, [flood(host, line, 1), flood(host, line, 3)]) as [number, number]
    const share = three / (one + three)
    expect(share, `${Math.round(one)} and ${Math.round(three)} bytes/s`).toBeGreaterThan(0.4)
    expect(share, `${Math.round(one)} and ${Math.round(three)} bytes/s`).toBeLessThan(0.6)
    expect(one + three).toBeGreaterThan(0.7 * BYTES_PER_SECOND)
  })

  test.each([1, 3])('does not starve a TCP-like flow beside a peer with %i pipes', (pipes) => {
    const host = new VirtualHost({ seed: 4 })
    const line = new Line(host)
    const [gannet, tcp] = rates(host, [flood(host, line, pipes), reno(host, line)]) as [number, number]
    expect(tcp, `Gannet ${Math.round(gannet)}, TCP ${Math.round(tcp)} bytes/s`).toBeGreaterThan(0.25 * BYTES_PER_SECOND)
  })
})
