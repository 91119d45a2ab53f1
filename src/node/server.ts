import type { ChannelTable, CloseOptions } from '../index.ts'
import { answerHandler, type RequestHandler } from '../signal/handler.ts'
import { type NodeListener, nodeListener } from '../signal/node-bridge.ts'
import { createEndpoint, type ProtocolOptions } from '../transport/endpoint.ts'
import type { Host } from '../transport/host.ts'
import { type FlushOptions, Peer } from '../transport/peer.ts'
import type { Transport } from '../transport/transport.ts'
import { Admissions } from './admissions.ts'
import { EventQueue, type ServerEvent, type Source } from './event-queue.ts'
import type { SignalHttp } from './http.ts'
import type { Native } from './native.ts'
import type { NativeChannel } from './native-channel.ts'
import type { UdpAddress } from './udp.ts'

const DEFAULT_PATH = '/gannet'

export interface ServerOptions<C extends ChannelTable> extends ProtocolOptions<C> {
  /** Path that takes offers, from the root of the HTTP server. Default `/gannet`. */
  readonly path?: string
  /** Origins whose pages may connect (CORS): one, several, or `'*'`. Default `'*'`. */
  readonly allowOrigin?: string | readonly string[]
  /** Peers at once, those that are connecting included. Default 256. */
  readonly maxPeers?: number
  /** Offers at once whose connection is not open yet. Default 64. */
  readonly maxPending?: number
  /** Time from an offer to its open DataChannel, ms; then it is freed. Default 15,000. */
  readonly connectTimeoutMs?: number
  /** How long to wait for our own ICE candidates, ms. Default 2,000. */
  readonly gatheringTimeoutMs?: number
  /** Largest offer, bytes. Default 65,536. */
  readonly maxOfferBytes?: number
  /** Changes each offer before it is read: with `withoutCandidates` of `gannet/sim/relay`, nothing leads around a relay. */
  readonly transformOffer?: (sdp: string) => string | Promise<string>
  /** Changes each answer before it goes out; tests put a relay between the two ends with it. */
  readonly transformAnswer?: (sdp: string) => string | Promise<string>
  /** Puts something between each peer's endpoint and its pipe, such as simulated weather or a tap. */
  readonly wrapTransport?: (transport: Transport) => Transport
}

/** What a server stands on; `listen` opens it. */
export interface ServerGround {
  readonly native: Native
  readonly host: Host
  readonly udp: UdpAddress
  /** Gives the UDP port free. */
  readonly releaseUdp: () => Promise<void>
  /** Our own HTTP port, if there is one. */
  readonly http: SignalHttp | undefined
}

/** Peers of one game, fed by offers over HTTP. Driven like a peer: `update`, `pollEvent` until there is none, `flush`. */
export class Server<C extends ChannelTable = ChannelTable> {
  /** Open peers by id. */
  readonly peers: ReadonlyMap<string, Peer<C>>
  /** Takes offers in the shape of the Fetch standard; mount it anywhere. */
  readonly handle: RequestHandler
  /** The same for `node:http`, Connect, Express and Vite; requests to other paths go to `next`. */
  readonly nodeListener: NodeListener
  readonly #ground: ServerGround
  readonly #options: ServerOptions<C>
  readonly #admissions: Admissions
  readonly #peers = new Map<string, Peer<C>>()
  /** Every peer whose transport is not closed yet, open or not. */
  readonly #all = new Set<Peer<C>>()
  readonly #queue = new EventQueue<C>()
  #closing: Promise<void> | undefined

  /** Use `listen`. */
  constructor(ground: ServerGround, options: ServerOptions<C>) {
    const { path = DEFAULT_PATH, maxPeers = 256 } = options
    this.#ground = ground
    this.#options = options
    this.peers = this.#peers
    this.#admissions = new Admissions(ground.native, ground.host, {
      udp: ground.udp,
      maxPending: options.maxPending ?? 64,
      connectTimeoutMs: options.connectTimeoutMs ?? 15_000,
      gatheringTimeoutMs: options.gatheringTimeoutMs ?? 2_000,
      transformAnswer: options.transformAnswer ?? ((sdp) => sdp),
      hasRoom: (pending) => this.#peers.size + pending < maxPeers,
      onOpen: (id, transport) => this.#greet(id, transport),
    })
    this.handle = answerHandler({
      path,
      answer: async (offer, _request, signal) =>
        this.#admissions.answer((await options.transformOffer?.(offer)) ?? offer, signal),
      end: (id) => this.#admissions.end(id),
      ...(options.allowOrigin !== undefined && { allowOrigin: options.allowOrigin }),
      ...(options.maxOfferBytes !== undefined && { maxOfferBytes: options.maxOfferBytes }),
    })
    this.nodeListener = nodeListener(this.handle, { path })
  }

  /** The HTTP port that `listen` opened, or `undefined` if it was given none. */
  get port(): number | undefined {
    return this.#ground.http?.port
  }

  /** Where to connect to, as this machine sees it, or `undefined` without a port of our own. */
  get url(): string | undefined {
    const { http } = this.#ground
    return http && `${http.origin}${this.#options.path ?? DEFAULT_PATH}`
  }

  /** Offers that are no peers yet. */
  get pending(): number {
    return this.#admissions.size
  }

  /** Start of a tick: time passes for every peer. */
  update(): void {
    for (const peer of this.#peers.values()) peer.update()
  }

  /**
   * The next event of any peer, in the order of arrival; `undefined` when there is none. A peer's first is `open`, its last
   * `closed`. Peers that never opened have none. A peer's own `pollEvent` has nothing left.
   */
  pollEvent(): ServerEvent<C> | undefined {
    return this.#queue.pull()
  }

  /** End of a tick: what is due leaves, for every peer; `maxBytes` holds for each. */
  flush(options?: FlushOptions): void {
    for (const peer of this.#peers.values()) peer.flush(options)
  }

  /**
   * Takes no more offers, closes every peer gracefully, frees ports and everything native; then nothing of it keeps the process
   * alive. Idempotent. Needs no game loop; events may still be polled.
   */
  close(options?: CloseOptions): Promise<void> {
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  async #close(options?: CloseOptions): Promise<void> {
    this.#admissions.close()
    const ends = [...this.#all].map((peer) => {
      peer.close(options)
      return peer.closed
    })
    await Promise.all(ends)
    await this.#ground.http?.close()
    await this.#ground.releaseUdp()
  }

  /** A pipe is open: runs the handshake on it. */
  #greet(id: string, pipe: NativeChannel): void {
    const { host } = this.#ground
    const transport = this.#options.wrapTransport?.(pipe) ?? pipe
    const endpoint = createEndpoint('server', this.#options, transport, host)
    const peer = new Peer<C>({ id, endpoint, transport, host, onProgress: () => this.#progress(source) })
    const source: Source<C> = { peer, queued: 0, isHeld: false, hasOpened: false }
    this.#all.add(peer)
    void peer.closed.then(() => this.#all.delete(peer))
  }

  #progress(source: Source<C>): void {
    const { peer } = source
    const { id, state } = peer
    if (state === 'connecting') return
    this.#admissions.settle(id)
    if (state !== 'closed') this.#peers.set(id, peer)
    // One that was refused was never the game's.
    else if (!this.#peers.delete(id) && !source.hasOpened) return
    source.hasOpened = true
    this.#queue.collect(source)
  }
}
