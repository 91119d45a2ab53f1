import type { Bytes } from './bytes.ts'

/**
 * Delivery contract of a channel.
 *
 * - `unreliable`: sent once, delivered in arrival order, may be lost.
 * - `sequenced`: sent once, newest wins: an older message is never delivered after a newer one (of its key).
 * - `reliable`: delivered exactly once, in any order.
 * - `ordered`: delivered exactly once, in the order sent.
 * - `latest`: only the newest message (of each key) is sure to arrive; older ones may be skipped.
 */
export type ChannelKind = 'unreliable' | 'sequenced' | 'reliable' | 'ordered' | 'latest'

/** A message's number within its channel and direction: 0, 1, 2, … Never reused within a connection. */
export type MessageId = number

/**
 * What became of a message; each sent message gets exactly one.
 *
 * - `acked`: the peer's endpoint took the whole message. Ordered messages may still wait there for an earlier one; of `sequenced` and
 *   `latest` channels it drops what a newer message has overtaken, or overtakes before the peer's game has polled.
 * - `lost`: unreliable kinds only: a packet that carried a part of it was declared lost, or the queue was full. Rarely it
 *   arrived all the same, when what shared its packet was refused; `acked` is never wrong.
 * - `expired`: its time-to-live ran out first.
 * - `replaced`: a newer message of the same key took its place.
 * - `closed`: the connection ended before anything else was known.
 */
export type Verdict = 'acked' | 'lost' | 'expired' | 'replaced' | 'closed'

/** States of a connection; `src/core/connection/STATES.md` draws the legal moves. */
export type ConnectionState = 'connecting' | 'open' | 'closing' | 'closed'

/** Why a connection ended. Exactly one `closed` event carries one of these; nothing comes after it. */
export type CloseReason =
  /** This side called `close`. */
  | { kind: 'local'; code: number }
  /** The other side called `close`, with its code and data. */
  | { kind: 'peer'; code: number; data: Bytes }
  /** The other side refused the handshake, with the code and data its game gave. */
  | { kind: 'rejected'; code: number; data: Bytes }
  /** Nothing was heard for `silentMs`. */
  | { kind: 'timeout'; silentMs: number; during: ConnectionState }
  /** The two ends do not speak the same protocol; `detail` says what was expected and what came. */
  | { kind: 'protocol'; violation: ProtocolViolation; detail: string }
  /** A limit was reached that leaves no promise to keep, such as events never polled. */
  | { kind: 'overflow'; what: 'events'; limit: number }
  /** The pipe below ended; `detail` is its own word. */
  | { kind: 'transport'; detail: string }

/**
 * - `version`: the peer's wire version is another.
 * - `protocol`: the game's own protocol string differs.
 * - `channel-table`: the channel tables differ; `detail` names the first channel that does.
 * - `malformed`: more malformed packets than `maxMalformed` allows.
 */
export type ProtocolViolation = 'version' | 'protocol' | 'channel-table' | 'malformed'

/** The handshake is done: messages flow. */
export interface OpenEvent {
  readonly type: 'open'
}

/** A message arrived. `payload` is yours for ever: nothing writes to it again. */
export interface MessageEvent<Name extends string = string> {
  readonly type: 'message'
  readonly channel: Name
  readonly payload: Bytes
  /** The key it was sent with, or −1. Only `sequenced` and `latest` messages have keys. */
  readonly key: number
}

/** A message arrived on a channel with a codec. `value` is yours, and so are the bytes that it came in. */
export interface ValueEvent<Name extends string = string, T = unknown> {
  readonly type: 'message'
  readonly channel: Name
  readonly value: T
  readonly payload: Bytes
  /** The key it was sent with, or −1. */
  readonly key: number
}

/** A message arrived that the channel's codec could not read: the peer is hostile or broken. It is dropped. */
export interface UndecodableEvent<Name extends string = string> {
  readonly type: 'undecodable'
  readonly channel: Name
  readonly payload: Bytes
  readonly key: number
}

/** What became of a message sent here. */
export interface VerdictEvent<Name extends string = string> {
  readonly type: 'verdict'
  readonly channel: Name
  readonly id: MessageId
  readonly verdict: Verdict
  /** Instant at which it became known, ms on the clock given to `update` and `receive`. */
  readonly at: number
}

/**
 * The path has gone, but not yet the connection: nothing is heard any more, and the endpoint waits for `awayMs` for another. What is
 * sent meanwhile waits too, as far as its channel's kind keeps it.
 */
export interface AwayEvent {
  readonly type: 'away'
  /** How long nothing had been heard, ms. */
  readonly silentMs: number
}

/**
 * The peer is heard again after an `away`. Reliable messages go on where they were; of `latest` and `sequenced` channels the newest
 * value follows; `unreliable` messages of the outage were dropped, with the verdict `lost`.
 */
export interface BackEvent {
  readonly type: 'back'
  /** Time since the `away`, ms. */
  readonly awayMs: number
}

/** The end. Always the last event. */
export interface ClosedEvent {
  readonly type: 'closed'
  readonly reason: CloseReason
}

export type EndpointEvent<Name extends string = string> =
  | OpenEvent
  | MessageEvent<Name>
  | VerdictEvent<Name>
  | AwayEvent
  | BackEvent
  | ClosedEvent

/** What `receive` made of a packet. Only `accepted` changed anything beyond a counter. */
export type ReceiveResult = 'accepted' | 'duplicate' | 'stale' | 'malformed' | 'refused' | 'closed'
