/**
 * `gannet/browser`: connects a page to a Gannet server over a WebRTC DataChannel.
 *
 * @module
 */
export type { Answer, OfferOptions } from '../signal/client.ts'
export { type Problem, SignalError, type SignalErrorCode } from '../signal/errors.ts'
export type { EndpointTuning, EndpointWatcher } from '../transport/endpoint.ts'
export { TransportError, type TransportErrorCode } from '../transport/errors.ts'
export { type Host, systemHost } from '../transport/host.ts'
export { type FlushOptions, Peer, type PeerOptions } from '../transport/peer.ts'
export type { PipeOptions } from '../transport/pipe-demand.ts'
export type { Transport, TransportEnd } from '../transport/transport.ts'
export { type ConnectOptions, connect } from './connect.ts'
export { DataChannelTransport } from './data-channel.ts'
export { pageHost } from './page-host.ts'
