import { type Bytes, EMPTY, type Payload, SharedPayload } from '../bytes.ts'
import type { ChannelConfig } from '../config.ts'
import type { BlockPool } from '../container/block-pool.ts'
import type { MessageId, Verdict } from '../events.ts'
import { type ChannelStats, channelStatsOf, type EndpointStats } from '../stats.ts'
import { FragmentTable, OutgoingMessage } from './outgoing.ts'

/** Message records kept for reuse. */
const FREE_LIMIT = 4096

/** Told each verdict, once per message. */
export type VerdictSink = (config: ChannelConfig, id: MessageId, verdict: Verdict) => void

/** Storage of everything on its way out, shared by all channels: bytes, records, counters, and the door for verdicts. */
export class Outbox {
  readonly stats: EndpointStats
  readonly fragmentBytes: number
  readonly #pool: BlockPool
  readonly #onVerdict: VerdictSink
  readonly #free: OutgoingMessage[] = []

  constructor(pool: BlockPool, fragmentBytes: number, stats: EndpointStats, onVerdict: VerdictSink) {
    this.#pool = pool
    this.fragmentBytes = fragmentBytes
    this.stats = stats
    this.#onVerdict = onVerdict
  }

  /** Copies a payload at the door, unless it is a copy already. */
  admit(config: ChannelConfig, id: MessageId, key: number, payload: Payload, expiresAt: number): OutgoingMessage {
    const message = this.#free.pop() ?? new OutgoingMessage()
    message.channel = config.index
    message.slot = undefined
    message.holders = 0
    message.isInResend = false
    message.isBulk = false
    message.isInBulkResend = false
    this.fill(config, message, id, key, payload, expiresAt)
    this.stats.queuedMessages++
    this.statsOf(config).queuedMessages++
    return message
  }

  /** Counters of one channel. */
  statsOf(config: ChannelConfig): ChannelStats {
    return channelStatsOf(this.stats, config)
  }

  /** Puts a payload into a message that has none, as when a queued value is replaced in its place. */
  fill(
    config: ChannelConfig,
    message: OutgoingMessage,
    id: MessageId,
    key: number,
    payload: Payload,
    expiresAt: number,
  ): void {
    const length = payload.length
    message.id = id
    message.key = key
    message.length = length
    message.expiresAt = expiresAt
    message.status = 'live'
    message.hasBegun = false
    message.hasLeft = false
    message.copies = 0
    message.hasLostCopy = false
    message.needsCopy = false
    message.echoAfter = Number.POSITIVE_INFINITY
    message.isEcho = false
    message.isChosen = false
    message.isSuperseded = false
    message.group = -1
    message.count = 1
    message.parity = 0
    message.fragments = undefined
    message.isShared = payload instanceof SharedPayload
    message.block = payload instanceof SharedPayload ? payload.bytes : this.#copy(payload, length)
    if (length > this.fragmentBytes) {
      message.count = Math.ceil(length / this.fragmentBytes)
      message.fragmentBytes = Math.ceil(length / message.count)
      message.parity = config.parity > 0 ? Math.ceil(message.count * config.parity) : 0
      message.fragments = new FragmentTable(message.count + message.parity)
    }
    this.stats.queuedBytes += length
    this.stats.messagesSent++
    this.stats.appBytesSent += length
    const own = this.statsOf(config)
    own.queuedBytes += length
    own.messagesSent++
    own.appBytesSent += length
  }

  /** A message or a fragment went into a packet again because a copy was lost. */
  countResend(config: ChannelConfig): void {
    this.stats.resends++
    this.statsOf(config).resends++
  }

  /** The whole of a message has left for the first time. */
  left(message: OutgoingMessage): void {
    message.hasLeft = true
    this.#unqueue(this.stats.channels[message.channel]!, message)
  }

  /** Gives the verdict and frees the bytes. The record itself goes back when no queue holds it. */
  settle(config: ChannelConfig, message: OutgoingMessage, verdict: Verdict): void {
    this.retire(config, message, verdict)
    message.status = 'settled'
    this.release(message)
  }

  /** Gives the verdict and frees the bytes, but keeps the record, which still has a skip to announce. */
  retire(config: ChannelConfig, message: OutgoingMessage, verdict: Verdict): void {
    if (message.isQueued) this.#unqueue(this.statsOf(config), message)
    message.status = 'skip'
    this.#freeBytes(message)
    this.#count(config, verdict)
    this.#onVerdict(config, message.id, verdict)
  }

  /** Replaces a message of which nothing has left, in its place in the queue; the old one's verdict is `replaced`. */
  replace(config: ChannelConfig, message: OutgoingMessage, id: MessageId, payload: Payload, expiresAt: number): void {
    this.stats.queuedBytes -= message.length
    this.statsOf(config).queuedBytes -= message.length
    this.#freeBytes(message)
    this.#count(config, 'replaced')
    this.#onVerdict(config, message.id, 'replaced')
    this.fill(config, message, id, message.key, payload, expiresAt)
  }

  /** A queue has let go of a message. */
  release(message: OutgoingMessage): void {
    if (message.status !== 'settled' || message.holders > 0) return
    message.status = 'free'
    message.generation = (message.generation + 1) >>> 0
    if (this.#free.length < FREE_LIMIT) this.#free.push(message)
  }

  #copy(payload: Uint8Array, length: number): Bytes {
    if (length === 0) return EMPTY
    const block = this.#pool.take(length)
    block.set(payload)
    return block
  }

  #freeBytes(message: OutgoingMessage): void {
    if (message.block !== EMPTY && !message.isShared) this.#pool.give(message.block)
    message.block = EMPTY
    message.fragments = undefined
  }

  #unqueue(own: ChannelStats, message: OutgoingMessage): void {
    this.stats.queuedMessages--
    this.stats.queuedBytes -= message.length
    own.queuedMessages--
    own.queuedBytes -= message.length
  }

  #count(config: ChannelConfig, verdict: Verdict): void {
    const stats = this.stats
    if (verdict === 'acked') {
      stats.messagesAcked++
      this.statsOf(config).messagesAcked++
    } else if (verdict === 'lost') {
      stats.messagesLost++
      this.statsOf(config).messagesLost++
    } else if (verdict === 'expired') {
      stats.messagesExpired++
    } else if (verdict === 'replaced') {
      stats.messagesReplaced++
    }
  }
}
