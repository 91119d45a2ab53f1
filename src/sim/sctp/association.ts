import type { Bytes } from '../../core/bytes.ts'
import type { SctpOptions, SctpReliability } from './options.ts'
import {
  type ChunkListener,
  FORWARD_BYTES,
  HEADER_BYTES,
  PacketWriter,
  readPacket,
  SACK_BYTES,
  type Sack,
} from './packet.ts'
import { SctpReceiver } from './receiver.ts'
import { SctpSender } from './sender.ts'

/** A send buffer takes a message while more than this, or the message's own length, is free, bytes (usrsctp's `sctp_add_more_threshold`). */
const ADD_MORE_BYTES = 1452

export interface SctpAssociationInit {
  readonly options: SctpOptions
  /** What this side promises of its messages. */
  readonly reliability: SctpReliability
  /** Names the association in its packets, uint32. */
  readonly tag: number
  /** Round trip that the handshake measured, ms. Left out: none was. */
  readonly rttMs?: number
}

/** Counters of one association; they only grow. */
export interface SctpCounters {
  readonly timeouts: number
  /** Chunks lost by missing reports. */
  readonly losses: number
  /** Messages given up. */
  readonly abandoned: number
}

/**
 * One end of an SCTP association with one unordered DataChannel, sans-IO and already connected: messages in with `send`, packets out of
 * `poll`, packets in with `receive`, messages out of `pollMessage`. A behavioural model: windows, queues, timers and sizes are as in the stack
 * that its options describe; handshake, streams, checksums and receive windows are left out.
 */
export class SctpAssociation implements ChunkListener {
  readonly #options: SctpOptions
  readonly #sender: SctpSender
  readonly #receiver: SctpReceiver
  readonly #writer: PacketWriter
  /** Refused by the send buffer, oldest first. */
  readonly #refused: Bytes[] = []
  #refusedBytes = 0
  #now = 0
  #burst = 0
  /** The packet being read holds data or a FORWARD-TSN. */
  #hasData = false

  constructor(init: SctpAssociationInit) {
    this.#options = init.options
    this.#sender = new SctpSender(init.options, init.reliability)
    this.#receiver = new SctpReceiver(init.options)
    this.#writer = new PacketWriter(init.tag, init.options.mtuBytes)
    if (init.rttMs !== undefined) this.#sender.timer.observe(init.rttMs)
  }

  get counters(): SctpCounters {
    return this.#sender
  }

  /** What `bufferedAmount` of the DataChannel says, bytes. */
  get bufferedAmount(): number {
    return this.#options.sendBufferBytes === Number.POSITIVE_INFINITY ? this.#sender.queue.bytes : this.#refusedBytes
  }

  /** Bytes of messages that truly were not sent yet. */
  get unsentBytes(): number {
    return this.#sender.queue.bytes + this.#refusedBytes
  }

  get windowBytes(): number {
    return this.#sender.window.bytes
  }

  get rtoMs(): number {
    return this.#sender.timer.rtoMs
  }

  /** Instant of the next `poll` that may give a packet, ms, if nothing is sent or received before. */
  get wakeAt(): number {
    return Math.min(this.#receiver.sackAt, this.#sender.timer.at)
  }

  /** Takes a copy of `message`. */
  send(message: Uint8Array, now: number): void {
    const copy = new Uint8Array(message.length)
    copy.set(message)
    this.#refused.push(copy)
    this.#refusedBytes += copy.length
    this.#admit(now)
    this.#burst = this.#options.maxBurst
  }

  receive(packet: Bytes, now: number): void {
    this.#now = now
    this.#hasData = false
    readPacket(packet, this)
    if (this.#hasData) this.#receiver.onPacketEnd(now)
    this.#admit(now)
    this.#burst = this.#options.maxBurst
  }

  /** The next packet to send at `now`. */
  poll(now: number): Bytes | undefined {
    if (this.#sender.timer.at <= now) {
      this.#sender.onTimeout(now)
      this.#admit(now)
      this.#burst = this.#options.maxBurst
    }
    const writer = this.#writer
    const sender = this.#sender
    writer.begin()
    const hasSack = this.#receiver.sackAt <= now || (this.#receiver.hasNews && this.#wouldSend(now))
    if (hasSack) writer.sack(this.#receiver.report())
    const skipTo = sender.forwardTsn(now)
    if (skipTo >= 0) writer.forwardTsn(skipTo)
    if (this.#burst > 0) {
      const isHasty = sender.isHasty
      let hasData = false
      for (let chunk = sender.next(writer.room, now); chunk !== undefined; chunk = sender.next(writer.room, now)) {
        writer.data(chunk, isHasty)
        hasData = true
      }
      if (hasData) this.#burst--
      else if (!writer.isEmpty) return writer.finish()
    }
    this.#admit(now)
    return writer.isEmpty ? undefined : writer.finish()
  }

  /** The next message that has come whole. */
  pollMessage(): Bytes | undefined {
    return this.#receiver.poll()
  }

  onData(tsn: number, isFirst: boolean, isLast: boolean, isImmediate: boolean, payload: Bytes): void {
    this.#hasData = true
    this.#receiver.onData(tsn, { isFirst, isLast, payload }, isImmediate, this.#now)
  }

  onSack(sack: Sack): void {
    this.#sender.onSack(sack, this.#now)
  }

  onForwardTsn(tsn: number): void {
    this.#hasData = true
    this.#receiver.onForwardTsn(tsn)
  }

  /** Whether data would leave beside a SACK now. A SACK that waits goes along. */
  #wouldSend(now: number): boolean {
    const roomBytes = this.#options.mtuBytes - HEADER_BYTES - SACK_BYTES - FORWARD_BYTES
    return this.#burst > 0 && this.#sender.mayLeave(roomBytes, now)
  }

  /** Moves messages into the send buffer as it takes them. */
  #admit(now: number): void {
    for (let message = this.#refused[0]; message !== undefined; message = this.#refused[0]) {
      const free = this.#options.sendBufferBytes - this.#sender.heldBytes
      if (free <= Math.min(ADD_MORE_BYTES, message.length)) return
      this.#refused.shift()
      this.#refusedBytes -= message.length
      this.#sender.push(message, now)
    }
  }
}
