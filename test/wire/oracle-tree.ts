import type { ChannelKind } from '../../src/core/events.ts'

/** What a reader must know beside the bytes. */
export interface WireContext {
  /** The channel table's kinds, in its order; a channel is its index here. */
  readonly kinds: readonly ChannelKind[]
  /** Where given, cut numbers are restored near these; elsewhere the tree holds the low bits. */
  readonly references?: References
}

/** References for restoring cut numbers (WIRE.md section 1). Each is independent of the others. */
export interface References {
  /** Newest sequence heard, −1 before any. */
  readonly sequence?: number
  /** Newest sequence that the reader has sent, −1 before any. */
  readonly ack?: number
  /** Per channel: the value near which message ids are restored. */
  readonly ids?: readonly number[]
  /** Per channel: the value near which groups are restored. */
  readonly groups?: readonly number[]
}

/** Header's news about packets heard. An offset k ≥ 1 in `offsets` says that packet ack − k was heard. */
export type AckTree =
  | { readonly form: 'none' }
  /** The 32 packets before `ack` were all heard; `offsets` is always 1 to 32. */
  | { readonly form: 'all'; readonly ack: number; readonly offsets: readonly number[] }
  /** Ascending offsets. They alone decide the group bytes, since the last group always holds a heard packet. */
  | { readonly form: 'groups'; readonly ack: number; readonly offsets: readonly number[] }

/** Types 0 and 1: with `key` it is type 1. */
export interface MessageTree {
  readonly type: 'message'
  readonly channel: number
  /** 0 to 2³¹ − 1; absent for type 0. */
  readonly key?: number
  /**
   * On reliable, ordered and latest channels only. Without a reference, the first id of a channel in a packet is its low
   * 24 bits and the further ones count on from it without wrapping, so they may leave 0 to 2²⁴ − 1.
   */
  readonly id?: number
  readonly payload: Uint8Array
}

/** What fragment 0 and parity fragments say about their message. */
export interface Particulars {
  /** Data fragments. */
  readonly count: number
  /** Parity fragments that may follow them. */
  readonly parity: number
  /** On reliable, ordered and latest channels only. */
  readonly id?: number
  /** On sequenced and latest channels only; absent for no key. */
  readonly key?: number
}

/** Type 2. */
export interface FragmentTree {
  readonly type: 'fragment'
  readonly channel: number
  readonly group: number
  readonly index: number
  readonly particulars?: Particulars
  /** As on the wire: a parity fragment's still begins with the size of the last data fragment. */
  readonly payload: Uint8Array
}

/** Type 3, codes 1 and 2: with `group` it is code 2. */
export interface SkipTree {
  readonly type: 'skip'
  readonly channel: number
  readonly id: number
  readonly group?: number
}

/** Type 3, code 0. */
export interface PingTree {
  readonly type: 'ping'
}

export type RecordTree = MessageTree | FragmentTree | SkipTree | PingTree

export interface DataTree {
  readonly form: 'data'
  /** The six low bits of byte 0. */
  readonly flags: number
  readonly sequence: number
  /** Sender's clock in units of 0.25 ms, low 16 bits. */
  readonly timestamp: number
  readonly ack: AckTree
  /** Absent when the field is; `unknown` for 255. */
  readonly ackDelayMs?: number | 'unknown'
  /** ms after the acked packet's timestamp. */
  readonly horizonMs?: number
  readonly records: readonly RecordTree[]
}

export interface HelloTree {
  readonly form: 'hello'
  readonly version: number
  readonly clientSalt: number
  readonly protocolDigest: number
  readonly channelDigests: readonly number[]
}

export interface WelcomeTree {
  readonly form: 'welcome'
  readonly version: number
  readonly clientSalt: number
  readonly serverSalt: number
  /** The server's clock, units of 0.25 ms. */
  readonly clock: number
}

/** A hello or welcome of another wire version: only its first six bytes mean anything to us. */
export interface ForeignTree {
  readonly form: 'foreign'
  readonly of: 'hello' | 'welcome'
  readonly version: number
  readonly clientSalt: number
  readonly rest: Uint8Array
}

export type CloseKind = 'goodbye' | 'rejected' | 'version' | 'protocol' | 'channel-table' | 'violation' | 'heard'

/** Close kinds by their number on the wire. */
export const CLOSE_KINDS: readonly CloseKind[] = [
  'goodbye',
  'rejected',
  'version',
  'protocol',
  'channel-table',
  'violation',
  'heard',
]

export interface CloseTree {
  readonly form: 'close'
  readonly kind: CloseKind
  readonly clientSalt: number
  readonly code: number
  readonly data: Uint8Array
}

export type PacketTree = DataTree | HelloTree | WelcomeTree | ForeignTree | CloseTree

/** Whether messages of this kind carry a u24 id. */
export function hasIds(kind: ChannelKind): boolean {
  return kind === 'reliable' || kind === 'ordered' || kind === 'latest'
}

/** Whether messages of this kind may carry a key. */
export function hasKeys(kind: ChannelKind): boolean {
  return kind === 'sequenced' || kind === 'latest'
}

/** Whether fragmented messages of this kind may have parity fragments. */
export function hasParity(kind: ChannelKind): boolean {
  return kind === 'unreliable' || kind === 'sequenced'
}

/** Whether a message of this kind may be skipped by a control record. */
export function hasSkips(kind: ChannelKind): boolean {
  return kind === 'reliable' || kind === 'ordered'
}
