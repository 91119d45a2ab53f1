/**
 * Gannet: netcode for browser games over WebRTC DataChannels. This entry is the sans-IO core: it runs anywhere and imports nothing.
 * @module
 */

export { type Bytes, type Payload, SharedPayload } from './core/bytes.ts'
export type { ClockSync } from './core/clock/clock-sync.ts'
export type {
  ChannelCodec,
  ChannelOptions,
  ChannelTable,
  CongestionMode,
  EndpointOptions,
  LossRule,
  RedundancyMode,
  RoundTrip,
  SentPacketTimes,
} from './core/config.ts'
export type { CloseOptions, SendOptions } from './core/door.ts'
export { Endpoint } from './core/endpoint.ts'
export { NetcodeError, type NetcodeErrorCode } from './core/errors.ts'
export type {
  AwayEvent,
  BackEvent,
  ChannelKind,
  ClosedEvent,
  CloseReason,
  ConnectionState,
  EndpointEvent,
  MessageEvent,
  MessageId,
  OpenEvent,
  ProtocolViolation,
  ReceiveResult,
  UndecodableEvent,
  ValueEvent,
  Verdict,
  VerdictEvent,
} from './core/events.ts'
export type { EventOf, MessageOf } from './core/messages.ts'
export type { ChannelStats, EndpointStats, HeldTicks, PipeStats, RefusalCounts, SendLimit } from './core/stats.ts'
