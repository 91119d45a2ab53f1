import type { ChannelTable } from '../../src/core/config.ts'
import type { EndpointStats } from '../../src/index.ts'
import {
  DCSCTP,
  LIBDATACHANNEL,
  type LinkOptions,
  type SctpOptions,
  SctpPath,
  type SctpTransport,
  VirtualHost,
} from '../../src/sim/index.ts'
import { Bundle } from '../../src/transport/bundle.ts'
import { createEndpoint, type EndpointTuning } from '../../src/transport/endpoint.ts'
import { Peer } from '../../src/transport/peer.ts'
import { PipeDemand } from '../../src/transport/pipe-demand.ts'

const CHANNELS = { state: { kind: 'sequenced' }, hits: { kind: 'reliable' } } as const satisfies ChannelTable
export type SctpChannels = { readonly [C in 'state' | 'hits']: (typeof CHANNELS)[C] & { redundancy?: 'full' | 'lean' } }

/** The server's side as Gannet sets it up: buffers that tell of a queue, and a short lifetime (`node/native-channel.ts`). */
export const SERVER: SctpOptions = { ...LIBDATACHANNEL, sendBufferBytes: 16_384 }
const SERVER_LIFETIME_MS = 20
/** How often the page looks whether another pipe would help, ms; what opening one takes: offer, answer, DTLS, SCTP. */
const LOOK_MS = 100
const OPEN_MS = 100
const OPEN_ROUND_TRIPS = 6

export interface SctpGameOptions {
  readonly seed: number
  readonly up?: LinkOptions
  readonly down?: LinkOptions
  /** Both ways, unless one of them is given. */
  readonly path?: LinkOptions
  /** Of each state message, at least 8; 0: no state. */
  readonly stateBytes: number
  readonly hz?: number
  /** Reliable messages of 64 bytes a second, and whether they are copied. */
  readonly hitsPerSecond?: number
  readonly redundancy?: 'full' | 'lean'
  readonly pipes?: { readonly min: number; readonly max: number }
  readonly server?: SctpOptions
  /** Default 20; 0: as the client, `maxRetransmits: 0`. */
  readonly serverLifetimeMs?: number
  readonly endpoint?: EndpointTuning
  /** A host and a path to share with others. */
  readonly host?: VirtualHost
  readonly sctpPath?: SctpPath
}

/** What one direction of a game showed. */
export class Direction {
  /** Instants at which state was sent, and latency of what arrived, ms. */
  readonly sentAt: number[] = []
  readonly latencyMs: number[] = []
  readonly arrivals: { readonly at: number; readonly sentAt: number }[] = []
  /** Age of the newest state at each sixtieth of a second, and when it was looked at. */
  readonly ages: { readonly at: number; readonly ageMs: number }[] = []
  readonly hitMs: number[] = []
  hitsSent = 0
  newestAt = Number.NaN

  arrived(sentAt: number, at: number): void {
    this.latencyMs.push(at - sentAt)
    this.arrivals.push({ at, sentAt })
    if (!(sentAt < this.newestAt)) this.newestAt = sentAt
  }

  look(at: number): void {
    if (!Number.isNaN(this.newestAt)) this.ages.push({ at, ageMs: at - this.newestAt })
  }

  /** Age of state at this share of the looks between two instants, ms. */
  age(share: number, fromAt = 0, toAt = Number.POSITIVE_INFINITY): number {
    return quantile(
      this.ages.filter(({ at }) => at >= fromAt && at < toAt).map(({ ageMs }) => ageMs),
      share,
    )
  }

  /** Share of the state sent from `fromAt` on that arrived. */
  delivered(fromAt: number): number {
    const sent = this.sentAt.filter((at) => at >= fromAt).length
    return this.arrivals.filter(({ sentAt }) => sentAt >= fromAt).length / sent
  }
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

type SideName = 'client' | 'server'

/**
 * Two peers, as `connect` and `listen` make them, over a model of SCTP and a lossy path in virtual time, each sending its state in each
 * tick; and beside it plain UDP over a path of its own with the same weather, which is the limit.
 */
export class SctpGame {
  readonly host: VirtualHost
  readonly path: SctpPath
  readonly plainPath: SctpPath
  readonly peers: Readonly<Record<SideName, Peer<SctpChannels>>>
  readonly up = new Direction()
  readonly down = new Direction()
  readonly plainUp = new Direction()
  readonly plainDown = new Direction()
  /** Ends of all pipes, in the order in which they were opened. */
  readonly pipes: { readonly client: SctpTransport; readonly server: SctpTransport }[] = []
  /** Called in each tick of each side after its state was sent. */
  onTick: ((side: SideName, peer: Peer<SctpChannels>, now: number) => void) | undefined
  readonly #options: SctpGameOptions
  readonly #bundles: Readonly<Record<SideName, Bundle>>
  readonly #demand: PipeDemand
  #opening = 0
  #isReady = false

  constructor(options: SctpGameOptions) {
    this.#options = options
    const { seed, endpoint = {}, redundancy = 'lean', pipes = { min: 1, max: 3 } } = options
    const host = options.host ?? new VirtualHost({ seed })
    this.host = host
    const weather = { up: options.up ?? options.path ?? {}, down: options.down ?? options.path ?? {} }
    this.path = options.sctpPath ?? new SctpPath({ seed, host, ...weather })
    this.plainPath = new SctpPath({ seed, host, ...weather })
    const first = Array.from({ length: pipes.min }, () => this.#open())
    this.#bundles = {
      client: new Bundle(...first.map((pipe) => pipe.client)),
      server: new Bundle(...first.map((pipe) => pipe.server)),
    }
    const channels: SctpChannels = { state: CHANNELS.state, hits: { ...CHANNELS.hits, redundancy } }
    const peerOf = (id: SideName): Peer<SctpChannels> =>
      new Peer({
        id,
        endpoint: createEndpoint(id, { channels, endpoint }, this.#bundles[id], host),
        transport: this.#bundles[id],
        host,
        // Read at once, so that what is measured is the arrival.
        onProgress: () => this.#read(id),
      })
    this.peers = { server: peerOf('server'), client: peerOf('client') }
    this.#isReady = true
    this.#demand = new PipeDemand(pipes)
    this.#look()
    this.#play('client', this.up, 3)
    this.#play('server', this.down, 9)
    const plain = this.plainPath.openPlain()
    this.#playPlain(plain.client, plain.server, this.plainUp, 3)
    this.#playPlain(plain.server, plain.client, this.plainDown, 9)
  }

  get now(): number {
    return this.host.now()
  }

  stats(side: SideName): EndpointStats {
    return this.peers[side].stats
  }

  run(ms: number): this {
    this.host.advance(ms)
    return this
  }

  /** The same weather for both. */
  set(weather: { up?: LinkOptions; down?: LinkOptions } | { path: LinkOptions }): this {
    const both = 'path' in weather ? { up: weather.path, down: weather.path } : weather
    this.path.set(both)
    this.plainPath.set(both)
    return this
  }

  at(ms: number, run: () => void): this {
    this.host.at(ms, run)
    return this
  }

  #open(): { client: SctpTransport; server: SctpTransport } {
    const { server = SERVER, serverLifetimeMs = SERVER_LIFETIME_MS } = this.#options
    const reliability = serverLifetimeMs > 0 ? { lifetimeMs: serverLifetimeMs } : { maxRetransmits: 0 }
    const pipe = this.path.open({ options: DCSCTP }, { options: server, reliability })
    this.pipes.push(pipe)
    return pipe
  }

  /** As `browser/spare-pipes.ts`, but that an attempt never fails. */
  #look(): void {
    const { client } = this.peers
    const bundle = this.#bundles.client
    const wanted = this.#demand.look(this.now, client.stats, bundle.backlogBytes > 0, bundle.size)
    const { up, down } = this.path
    const openMs = OPEN_MS + OPEN_ROUND_TRIPS * (up.settings.delayMs + down.settings.delayMs)
    for (let missing = wanted - bundle.size - this.#opening; missing > 0; missing--) {
      this.#opening++
      this.host.at(this.now + openMs, () => {
        this.#opening--
        const pipe = this.#open()
        this.#bundles.client.add(pipe.client)
        this.#bundles.server.add(pipe.server)
      })
    }
    this.host.at(this.now + LOOK_MS, () => this.#look())
  }

  #play(side: SideName, direction: Direction, phaseMs: number): void {
    const { stateBytes, hz = 60, hitsPerSecond = 0 } = this.#options
    const peer = this.peers[side]
    const startsAt = this.now + phaseMs
    let hits = 0
    const tick = (i: number): void => {
      const now = this.host.now()
      peer.update()
      this.#read(side)
      if (peer.state === 'open') {
        if (stateBytes > 0) {
          peer.send('state', stamped(stateBytes, now))
          direction.sentAt.push(now)
        }
        for (; hits < (hitsPerSecond * (now - startsAt)) / 1000; hits++) {
          peer.send('hits', stamped(64, now))
          direction.hitsSent++
        }
        this.onTick?.(side, peer, now)
      }
      peer.flush()
      this.host.at(startsAt + ((i + 1) * 1000) / hz, () => tick(i + 1))
    }
    this.host.at(startsAt, () => tick(0))
    this.#lookAt(direction)
  }

  #read(side: SideName): void {
    // While the peers are made there is nothing to read.
    const peer = this.#isReady ? this.peers[side] : undefined
    if (peer === undefined) return
    const direction = side === 'client' ? this.down : this.up
    for (let event = peer.pollEvent(); event !== undefined; event = peer.pollEvent()) {
      if (event.type !== 'message') continue
      const sentAt = new DataView(event.payload.buffer, event.payload.byteOffset).getFloat64(0)
      if (event.channel === 'state') direction.arrived(sentAt, this.now)
      else direction.hitMs.push(this.now - sentAt)
    }
  }

  #playPlain(from: SctpTransport, to: SctpTransport, direction: Direction, phaseMs: number): void {
    const { stateBytes, hz = 60 } = this.#options
    if (stateBytes === 0) return
    const startsAt = this.now + phaseMs
    to.onPacket = (packet) => {
      direction.arrived(new DataView(packet.buffer, packet.byteOffset).getFloat64(0), this.now)
    }
    const tick = (i: number): void => {
      direction.sentAt.push(this.now)
      from.send(stamped(stateBytes, this.now))
      this.host.at(startsAt + ((i + 1) * 1000) / hz, () => tick(i + 1))
    }
    this.host.at(startsAt, () => tick(0))
    this.#lookAt(direction)
  }

  #lookAt(direction: Direction): void {
    const startsAt = this.now + 5
    const look = (i: number): void => {
      direction.look(this.now)
      this.host.at(startsAt + ((i + 1) * 1000) / 60, () => look(i + 1))
    }
    this.host.at(startsAt, () => look(0))
  }
}

/** A message that says when it was made. */
export function stamped(bytes: number, now: number): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(bytes)
  new DataView(message.buffer).setFloat64(0, now)
  return message
}
