/**
 * `gannet/node`: a server that pages connect to over WebRTC DataChannels. Needs the package `node-datachannel`, which is loaded by
 * the first `listen`; not for worker threads.
 *
 * @module
 */

export type { RequestHandler } from '../signal/handler.ts'
export type { NodeListener, NodeRequest, NodeResponse } from '../signal/node-bridge.ts'
export type { EndpointTuning } from '../transport/endpoint.ts'
export { TransportError, type TransportErrorCode } from '../transport/errors.ts'
export { type Host, systemHost } from '../transport/host.ts'
export { type FlushOptions, Peer, type PeerOptions } from '../transport/peer.ts'
export type { Transport, TransportEnd } from '../transport/transport.ts'
export type { ServerEvent } from './event-queue.ts'
export { type ListenOptions, listen } from './listen.ts'
export type { Server, ServerOptions } from './server.ts'
