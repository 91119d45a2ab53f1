import type { ChannelTable, CloseOptions } from '../index.ts'
import type { ClientInfo } from '../signal/handler.ts'
import type { ProtocolOptions } from '../transport/endpoint.ts'
import type { PipeOptions } from '../transport/pipe-demand.ts'
import type { Transport } from '../transport/transport.ts'
import type { AnnouncedAddress } from './announce.ts'
import type { Authorize } from './gate.ts'
import type { IceServer } from './ice-servers.ts'
import type { Logger } from './logger.ts'
import type { RateLimitOptions } from './rate-limit.ts'

export interface ServerOptions<C extends ChannelTable, Data = undefined> extends ProtocolOptions<C> {
  /** Path that takes offers, from the root of the HTTP server. Default `/gannet`. */
  readonly path?: string
  /** Says who a client is, or why it may not play; what it returns is `peer.data`. Default: everybody may. */
  readonly authorize?: Authorize<Data>
  /**
   * Origins whose pages may connect: one, several, or `'*'`. Default `'*'`. Pages of the server's own host always may, and so may
   * what is no page.
   */
  readonly allowOrigin?: string | readonly string[]
  /** Peers at once, those that are connecting included. Default 256. */
  readonly maxPeers?: number
  /**
   * Offers at once whose connection is not open yet; one client address gets half of them, and 8 at least. As many calls of
   * `authorize` may be under way. Default 128.
   */
  readonly maxPending?: number
  /** Offers that one client address may make; `false` for no limit. Default 60 at once, then 5 a second. */
  readonly rateLimit?: RateLimitOptions | false
  /**
   * The client's address for limits and logs. Default: that of the socket, as `nodeListener` sees it. Behind a proxy that you trust,
   * read it from the header that the proxy sets; without an address, only the limits on all clients hold.
   */
  readonly clientAddress?: (request: Request, client: ClientInfo) => string | undefined
  /** Pipes of one peer, of which `max` counts here: clients open them, see `connect`. Default 3. */
  readonly pipes?: PipeOptions
  /** Time from an offer to its open DataChannel, ms; then it is freed. Default 15,000. */
  readonly connectTimeoutMs?: number
  /** Time from the open DataChannel to the end of Gannet's handshake, ms; then the connection is freed. Default 10,000. */
  readonly handshakeTimeoutMs?: number
  /** Silence that ends a peer, ms, 500 to 600,000; short for `endpoint.timeoutMs`. Default 10,000. */
  readonly idleTimeoutMs?: number
  /**
   * How long a peer is kept when its path is gone, ms, 0 to 3,600,000: the game gets `away`, then `back` when the page has found
   * another way, else `closed`. Default 0: a lost path ends the peer.
   */
  readonly resumeMs?: number
  /** How long to wait for our own ICE candidates, ms. Default 2,000. */
  readonly gatheringTimeoutMs?: number
  /** Largest offer, bytes. Default 65,536. */
  readonly maxOfferBytes?: number
  /** Where clients reach the server's UDP port, when that is not where the server sees itself: containers, 1:1 NAT, fleets. */
  readonly announce?: readonly AnnouncedAddress[]
  /**
   * STUN and TURN servers for this end; a function is asked for each offer, so that its credentials may be short-lived. Default none,
   * which a server with a reachable port needs. With any, connections cannot share the UDP port: each has one of its own.
   */
  readonly iceServers?: readonly IceServer[] | (() => readonly IceServer[] | Promise<readonly IceServer[]>)
  /** `relay`: take no way but through a TURN server. Default `all`. */
  readonly iceTransportPolicy?: 'all' | 'relay'
  /** Where the server tells of what it does; `console` is one. Default nowhere. */
  readonly logger?: Logger
  /** Changes each offer before it is read: with `withoutCandidates` of `gannet/sim/relay`, nothing leads around a relay. */
  readonly transformOffer?: (sdp: string) => string | Promise<string>
  /** Changes each answer before it goes out; tests put a relay between the two ends with it. */
  readonly transformAnswer?: (sdp: string) => string | Promise<string>
  /** Puts something between each peer's endpoint and its pipe, such as simulated weather or a tap. */
  readonly wrapTransport?: (transport: Transport) => Transport
}

export interface ServerCloseOptions extends CloseOptions {
  /** How long those who are here, or away, may play on, while nobody new gets in, ms; it ends with the last of them. Default 0. */
  readonly drainMs?: number
}
