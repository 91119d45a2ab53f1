/**
 * `gannet/node`: a server that pages connect to over WebRTC DataChannels. Needs the package `node-datachannel`, which is loaded by
 * the first `listen`; not for worker threads.
 *
 * @module
 */

export {
  type Problem,
  SignalError,
  type SignalErrorCode,
  SignalRefusal,
  type SignalRefusalDetails,
} from '../signal/errors.ts'
export type { ClientInfo, RequestHandler } from '../signal/handler.ts'
export {
  type NodeListener,
  type NodeListenerOptions,
  type NodeRequest,
  type NodeResponse,
  nodeListener,
} from '../signal/node-bridge.ts'
export type { EndpointTuning } from '../transport/endpoint.ts'
export { TransportError, type TransportErrorCode } from '../transport/errors.ts'
export { type Host, systemHost } from '../transport/host.ts'
export { type FlushOptions, Peer, type PeerOptions } from '../transport/peer.ts'
export type { PipeOptions } from '../transport/pipe-demand.ts'
export type { Transport, TransportEnd } from '../transport/transport.ts'
export type { AnnouncedAddress } from './announce.ts'
export { Balancer, type Seat } from './balancer.ts'
export type { ServerEvent } from './event-queue.ts'
export type { Authorize } from './gate.ts'
export type { Group, GroupSendOptions } from './groups.ts'
export type { IceServer } from './ice-servers.ts'
export { type ListenOptions, listen } from './listen.ts'
export type { Logger } from './logger.ts'
export type { ServerCloseOptions, ServerOptions } from './options.ts'
export type { RateLimitOptions } from './rate-limit.ts'
export type { Server } from './server.ts'
export type { ServerPeer } from './server-peer.ts'
export { type TurnOptions, turnCredentials } from './turn.ts'
