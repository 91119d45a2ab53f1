/** `gannet/sim/relay`: weather for real UDP packets, below DTLS and SCTP. Node only. */

/** What the relay counts per direction. */
export type { Direction, DirectionCounters } from './client-flow.ts'
/** Sends a browser to the relay instead of to the server, by rewriting the SDP answer. */
export {
  type RelayAnswerOptions,
  type RelayedAnswer,
  relayAnswer,
  type UdpAddress,
  udpTargets,
  withoutCandidates,
} from './sdp.ts'
/** The relay itself. */
export { type RelayCounters, type RelayedPacket, UdpRelay, type UdpRelayOptions } from './udp-relay.ts'
