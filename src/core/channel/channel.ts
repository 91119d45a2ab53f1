import type { Bytes, Payload } from '../bytes.ts'
import type { ChannelConfig } from '../config.ts'
import type { MessageId } from '../events.ts'
import type { OutgoingMessage } from './outgoing.ts'
import type { RepairSet } from './repair.ts'

/** What a sender writes into; `packet/packer.ts` implements it. Each call writes a whole record or nothing. */
export interface RecordSink {
  /** Instant of the packet, ms. */
  readonly now: number
  /** A number that tells the packet from others. */
  readonly packet: number
  /** Writes a message that travels whole; returns its bytes, or 0 if there is no room in this packet. */
  addMessage(message: OutgoingMessage): number
  /** Writes one fragment; it must be the last record, so afterwards there is no room. */
  addFragment(message: OutgoingMessage, index: number): number
  /** Writes a combination of fragments, by itself like a fragment; `seed` tells its factors. */
  addRepair(message: OutgoingMessage, seed: number, set: RepairSet): number
  /** Writes the news that a message will never come. */
  addSkip(message: OutgoingMessage): number
}

/** What copies are worth and may cost now; `recovery/redundancy.ts` implements it. */
export interface CopyBudget {
  /** Whether any copy can be afforded. */
  readonly isOpen: boolean
  /** Whether there are too many messages to copy each, on a path where a copy sent now does not share the last one's fate. */
  readonly isShort: boolean
  /** Least worth of a copy of `bytes` that may be sent now. */
  price(bytes: number): number
  /** Chance that none of the `count` copies sent at these instants arrives. */
  undelivered(sentAts: Float64Array, count: number): number
  /** By how much one more copy now lowers that chance. */
  worth(sentAts: Float64Array, count: number, now: number, hasLost: boolean): number
  /** Whether one more copy should go now although one is under way: the other of its two is lost, and copies are short. */
  wantsThird(sentAts: Float64Array, count: number, now: number): boolean
  /** Whether a copy that goes now should have a twin in a packet of its own, `count` copies before it being in flight. */
  wantsTwin(sentAts: Float64Array, count: number, now: number): boolean
  spend(bytes: number): void
}

/** Sending half of a channel. Knows messages, not packets. */
export interface SendChannel {
  readonly config: ChannelConfig
  /** Whether something waits for `writeOne`. */
  readonly isPending: boolean
  /** Whether something waits for `writeBulk`. */
  readonly hasBulk: boolean
  /** Bytes that wait to be written, payload only. */
  readonly pendingBytes: number
  /** Takes a copy of `payload`; `undefined` if a reliable channel is at its limit. Unreliable ones drop their oldest instead. */
  enqueue(payload: Payload, key: number, expiresAt: number): MessageId | undefined
  /** Writes one record; returns its bytes, or 0 when nothing fits or waits. */
  writeOne(sink: RecordSink): number
  /** Writes one record of what may wait: a fragment of a large reliable message. Returns its bytes, or 0. */
  writeBulk(sink: RecordSink): number
  /** A tick of the game begins at `now`: second copies of resends come due, and copies that are worth their bytes are chosen. */
  startTick(now: number, budget: CopyBudget): void
  /** Writes one chosen copy; returns its bytes, or 0 when none fits or waits. */
  writeCopy(sink: RecordSink): number
  /** Whether a chosen copy waits. */
  readonly hasCopies: boolean
  /** Whether a lost message waits that should not wait for the next tick. `isFar`: that tick is far off. */
  hasHaste(isFar: boolean): boolean
  /** A packet that carried a part was confirmed; `fragment` is −1 for a whole message (or a skip). */
  onAcked(message: OutgoingMessage, fragment: number): void
  /** A packet that carried a part was declared lost; a late ack may still come. */
  onLost(message: OutgoingMessage, fragment: number): void
  /** That loss is final. */
  onLossFinal(message: OutgoingMessage, fragment: number): void
  /** Nothing was heard for too long: send another copy, whatever became of the first. */
  onProbe(message: OutgoingMessage, fragment: number): void
  /** The peer is back after an outage, or the outage goes on: what nobody wants any more is dropped. */
  comeBack(): void
  /** Drops what has outlived its time. */
  expire(now: number): void
  /** Instant at which `expire` has something to do, ms; `Infinity` for never. */
  readonly expiresAt: number
  /** Reliable data that the peer has not confirmed. */
  readonly hasUnsettled: boolean
  /** The connection has ended: verdict `closed` for everything that the channel itself remembers. */
  end(): void
  /** The connection has ended while a packet with this message was in flight: verdict `closed` if it has none yet. */
  onEnd(message: OutgoingMessage): void
}

/** What a receiver made of a record. */
export type RecordResult =
  /** Taken, or recognised as a repeat. */
  | 'taken'
  /** No room now: the packet must not be acknowledged, so that it comes again. */
  | 'refused'
  /** Nonsense: the packet is malformed. */
  | 'malformed'

/** A fragment as read from the wire; one is reused. */
export interface FragmentRecord {
  group: number
  index: number
  hasParticulars: boolean
  count: number
  parity: number
  /** Low 24 bits. */
  idLow: number
  key: number
  payload: Bytes
}

/** Receiving half of a channel. */
export interface ReceiveChannel {
  readonly config: ChannelConfig
  /** A whole message. `id` is −1 on kinds without ids; `sequence` and `order` tell its place among the packets. */
  onMessage(id: number, key: number, payload: Bytes, sequence: number): RecordResult
  onFragment(fragment: FragmentRecord, sequence: number, now: number): RecordResult
  onSkip(id: number, group: number): RecordResult
  /** Reference for restoring a message id from its low 24 bits. */
  readonly idReference: number
  /** Reference for restoring a group number from its low 16 bits. */
  readonly groupReference: number
  /** Evicts what has waited too long. */
  expire(now: number): void
  /** Instant at which `expire` has something to do, ms. */
  readonly expiresAt: number
}

/** Where a receiver puts what is ready for the game. */
export type DeliverMessage = (config: ChannelConfig, key: number, payload: Bytes) => void
