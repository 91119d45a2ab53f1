import type { Payload } from '../bytes.ts'
import type { ChannelConfig } from '../config.ts'
import { Fifo } from '../container/fifo.ts'
import { KeySlots } from '../container/key-slots.ts'
import type { MessageId, Verdict } from '../events.ts'
import type { RecordSink, SendChannel } from './channel.ts'
import type { Outbox } from './outbox.ts'
import type { OutgoingMessage } from './outgoing.ts'

/**
 * Sends each message once: kinds `unreliable` and `sequenced`. Freshness first: over its limit it drops the oldest, and a
 * sequenced message that still waits is replaced in its place by a newer one of its key.
 */
export class UnreliableSender implements SendChannel {
  readonly config: ChannelConfig
  readonly #outbox: Outbox
  readonly #queue: Fifo<OutgoingMessage> = new Fifo()
  /** Sequenced only: the waiting message of each key. */
  readonly #waiting: KeySlots<OutgoingMessage> | undefined
  #nextId = 0
  #nextGroup = 0
  #messages = 0
  #bytes = 0
  expiresAt: number = Number.POSITIVE_INFINITY

  constructor(config: ChannelConfig, outbox: Outbox) {
    this.config = config
    this.#outbox = outbox
    this.#waiting = config.hasKeys ? new KeySlots() : undefined
  }

  get isPending(): boolean {
    return this.#messages > 0
  }

  get pendingBytes(): number {
    return this.#bytes
  }

  /** A large message that is worth something only now is no bulk. */
  get hasBulk(): boolean {
    return false
  }

  writeBulk(): number {
    return 0
  }

  get hasUnsettled(): boolean {
    return false
  }

  enqueue(payload: Payload, key: number, expiresAt: number): MessageId {
    const id = this.#nextId++
    if (expiresAt < this.expiresAt) this.expiresAt = expiresAt
    const slot = this.#waiting?.slotOf(key)
    const older = slot?.value
    if (older !== undefined) {
      if (!older.hasBegun) {
        this.#bytes += payload.length - older.length
        this.#outbox.replace(this.config, older, id, payload, expiresAt)
        this.#dropOverLimit(older)
        return id
      }
      this.#settle(older, 'replaced')
    }
    const message = this.#outbox.admit(this.config, id, key, payload, expiresAt)
    message.holders = 1
    this.#queue.push(message)
    message.slot = slot
    if (slot !== undefined) this.#waiting!.put(slot, message)
    this.#messages++
    this.#bytes += message.length
    this.#dropOverLimit(message)
    return id
  }

  writeOne(sink: RecordSink): number {
    const message = this.#head(sink.now)
    if (message === undefined) return 0
    if (message.fragments === undefined) {
      const bytes = sink.addMessage(message)
      if (bytes > 0) this.#leave(message)
      return bytes
    }
    const table = message.fragments
    if (table.nextUnsent === 0 && message.group < 0) message.group = this.#nextGroup++
    const bytes = sink.addFragment(message, table.nextUnsent)
    if (bytes === 0) return 0
    message.hasBegun = true
    if (++table.nextUnsent === table.total) this.#leave(message)
    return bytes
  }

  onAcked(message: OutgoingMessage, fragment: number): void {
    if (message.status !== 'live') return
    const table = message.fragments
    if (fragment >= 0) {
      if (table === undefined || !table.ack(fragment) || table.ackedCount < message.count) return
    }
    this.#settle(message, 'acked')
  }

  get hasCopies(): boolean {
    return false
  }

  hasHaste(): boolean {
    return false
  }

  startTick(): void {}

  writeCopy(): number {
    return 0
  }

  onLost(): void {}

  onLossFinal(message: OutgoingMessage, fragment: number): void {
    if (message.status !== 'live') return
    const table = message.fragments
    if (fragment >= 0) {
      if (table === undefined || table.isAcked(fragment) || ++table.lostCount <= message.parity) return
    }
    this.#settle(message, 'lost')
  }

  onProbe(): void {}

  /** What waits on a sequenced channel is the newest of its key; what waits on an unreliable one is history. */
  comeBack(): void {
    if (this.#waiting !== undefined) return
    for (let message = this.#queue.shift(); message !== undefined; message = this.#queue.shift()) {
      message.holders--
      if (message.isQueued) this.#settle(message, 'lost')
      else this.#outbox.release(message)
    }
  }

  expire(now: number): void {
    if (now < this.expiresAt) return
    let next = Number.POSITIVE_INFINITY
    for (let left = this.#queue.length; left > 0; left--) {
      const message = this.#queue.shift()!
      if (message.isQueued && message.expiresAt > now) {
        if (message.expiresAt < next) next = message.expiresAt
        this.#queue.push(message)
        continue
      }
      message.holders--
      if (message.isQueued) this.#settle(message, 'expired')
      else this.#outbox.release(message)
    }
    this.expiresAt = next
  }

  end(): void {
    for (let message = this.#queue.shift(); message !== undefined; message = this.#queue.shift()) {
      if (message.isQueued) this.#settle(message, 'closed')
    }
  }

  onEnd(message: OutgoingMessage): void {
    if (message.status === 'live') this.#settle(message, 'closed')
  }

  /** The first message that still waits; forgets dropped ones before it, and those that have outlived their time. */
  #head(now: number): OutgoingMessage | undefined {
    for (;;) {
      const message = this.#queue.at(0)
      if (message === undefined || (message.isQueued && message.expiresAt > now)) return message
      if (message.isQueued) this.#settle(message, 'expired')
      this.#queue.shift()
      message.holders--
      this.#outbox.release(message)
    }
  }

  #leave(message: OutgoingMessage): void {
    this.#queue.shift()
    message.holders--
    this.#uncount(message)
    this.#outbox.left(message)
  }

  #uncount(message: OutgoingMessage): void {
    this.#messages--
    this.#bytes -= message.length
    if (message.slot !== undefined) this.#waiting!.take(message.slot, message)
  }

  #settle(message: OutgoingMessage, verdict: Verdict): void {
    if (message.isQueued) this.#uncount(message)
    this.#outbox.settle(this.config, message, verdict)
  }

  /**
   * Makes room by dropping the oldest, but never the newest, which has just come, nor one of which fragments have left: on a
   * slow path no large message would ever get through to its end.
   */
  #dropOverLimit(newest: OutgoingMessage): void {
    const { maxQueuedMessages, maxQueuedBytes } = this.config
    for (let i = 0; this.#messages > maxQueuedMessages || this.#bytes > maxQueuedBytes; i++) {
      const message = this.#queue.at(i)
      if (message === undefined) return
      if (message.isQueued && message !== newest && !message.hasBegun) this.#settle(message, 'lost')
    }
    this.#head(Number.NEGATIVE_INFINITY)
  }
}
