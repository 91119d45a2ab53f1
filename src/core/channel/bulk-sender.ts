import type { ChannelConfig } from '../config.ts'
import { Fifo } from '../container/fifo.ts'
import type { RecordSink } from './channel.ts'
import type { Outbox } from './outbox.ts'
import type { OutgoingMessage } from './outgoing.ts'
import { TailRepair } from './tail-repair.ts'

/** What a bulk sender leaves to the channel it is part of. */
export interface BulkRules {
  /** Whether the first part of `message` may leave now. */
  mayBegin(message: OutgoingMessage): boolean
  /** The first part of `message` has left. */
  begun(message: OutgoingMessage): void
  /** `message` has outlived its time. */
  giveUp(message: OutgoingMessage): void
}

/**
 * The large messages of a reliable channel, which travel in fragments: what was lost first, then what is new, and when nothing is,
 * combinations of what is not confirmed. They are bulk: whole messages never wait for them, and they leave at the pace of the
 * congestion controller.
 */
export class BulkSender {
  readonly #config: ChannelConfig
  readonly #outbox: Outbox
  readonly #rules: BulkRules
  /** Not yet sent to their end. */
  readonly #waiting: Fifo<OutgoingMessage> = new Fifo()
  /** With lost fragments, oldest loss first. */
  readonly #resend: Fifo<OutgoingMessage> = new Fifo()
  /** The message whose last fragment left last, and its repair. */
  #last: OutgoingMessage | undefined = undefined
  #repair: TailRepair | undefined = undefined
  #waitingBytes = 0
  #resendBytes = 0
  #nextGroup = 0

  constructor(config: ChannelConfig, outbox: Outbox, rules: BulkRules) {
    this.#config = config
    this.#outbox = outbox
    this.#rules = rules
  }

  /** Payload bytes that wait. */
  get pendingBytes(): number {
    return this.#waitingBytes + this.#resendBytes
  }

  get isPending(): boolean {
    if (this.#resend.length > 0 && !this.#isHeld) return true
    const message = this.#waiting.at(0)
    if (message === undefined) return this.#wantsRepair
    return !message.isQueued || message.hasBegun || this.#rules.mayBegin(message)
  }

  /** Takes a message into the queue. */
  push(message: OutgoingMessage): void {
    message.isBulk = true
    message.holders++
    this.#waiting.push(message)
    this.#waitingBytes += message.length
  }

  /** A message in the queue has changed its length. */
  resized(byBytes: number): void {
    this.#waitingBytes += byBytes
  }

  /** What `message` still had to send is not pending any more. */
  forget(message: OutgoingMessage): void {
    const sent = (message.fragments?.nextUnsent ?? 0) * message.fragmentBytes
    this.#waitingBytes -= Math.max(0, message.length - sent)
  }

  /** A fragment was lost and is still wanted. */
  again(message: OutgoingMessage, fragment: number): void {
    message.fragments!.lost.push(fragment)
    this.#resendBytes += message.fragmentLength(fragment)
    if (message.isInBulkResend) return
    message.isInBulkResend = true
    message.holders++
    this.#resend.push(message)
  }

  /** A combination of fragments of `message` was confirmed, or a fragment; says whether the rest follows from them. */
  onAcked(message: OutgoingMessage, fragment: number): boolean {
    const repair = this.#repair
    if (repair === undefined || message !== this.#last) return false
    if (fragment >= message.count) repair.onAcked(fragment - message.count)
    return repair.isSolved
  }

  onRepairLost(message: OutgoingMessage, fragment: number): void {
    if (message === this.#last) this.#repair?.onLost(fragment - message.count)
  }

  /** The message at the head if it has become one that travels whole, taken out; see `Outbox.replace`. */
  shiftWhole(): OutgoingMessage | undefined {
    const message = this.#waiting.at(0)
    if (message === undefined || !message.isQueued || message.count > 1) return undefined
    this.#waiting.shift()
    this.#waitingBytes -= message.length
    message.holders--
    return message
  }

  /** Writes one fragment; returns its bytes, or 0 when none fits or waits. */
  writeOne(sink: RecordSink): number {
    if (this.#isHeld) return this.#writeRepair(sink)
    for (let message = this.#resend.at(0); message !== undefined; message = this.#resend.at(0)) {
      if (message.status === 'live' && message.expiresAt <= sink.now) this.#rules.giveUp(message)
      const bytes = this.#writeLost(sink, message)
      if (bytes < 0) return 0
      if (message.status !== 'live' || message.fragments!.lost.length === 0) this.#dropResend()
      if (bytes > 0) return bytes
    }
    for (let message = this.#waiting.at(0); message !== undefined; message = this.#waiting.at(0)) {
      if (message.isQueued && message.expiresAt <= sink.now) this.#rules.giveUp(message)
      if (message.isQueued) {
        if (message.count === 1 || !(message.hasBegun || this.#rules.mayBegin(message))) return 0
        return this.#writeNew(sink, message)
      }
      this.#dropWaiting()
    }
    return this.#writeRepair(sink)
  }

  /** Lets go of everything. */
  clear(): void {
    this.#waiting.clear()
    this.#resend.clear()
    this.#last = undefined
    this.#repair = undefined
    this.#waitingBytes = 0
    this.#resendBytes = 0
  }

  /** Writes the oldest lost fragment of `message`: its bytes, 0 when there is none, −1 when there is no room. */
  #writeLost(sink: RecordSink, message: OutgoingMessage): number {
    if (message.status !== 'live') return 0
    const table = message.fragments!
    for (let index = table.lost.at(0); index !== undefined; index = table.lost.at(0)) {
      const length = message.fragmentLength(index)
      if (!table.isAcked(index)) {
        const bytes = sink.addFragment(message, index)
        if (bytes === 0) return -1
        table.lost.shift()
        this.#resendBytes = Math.max(0, this.#resendBytes - length)
        this.#outbox.countResend(this.#config)
        return bytes
      }
      table.lost.shift()
      this.#resendBytes = Math.max(0, this.#resendBytes - length)
    }
    return 0
  }

  #writeNew(sink: RecordSink, message: OutgoingMessage): number {
    const table = message.fragments!
    if (message.group < 0) message.group = this.#nextGroup++
    const index = table.nextUnsent
    const bytes = sink.addFragment(message, index)
    if (bytes === 0) return 0
    if (!message.hasBegun) {
      message.hasBegun = true
      this.#rules.begun(message)
    }
    this.#waitingBytes -= message.fragmentLength(index)
    if (++table.nextUnsent === table.total) {
      this.#outbox.left(message)
      this.#tail(message)
      this.#dropWaiting()
    }
    return bytes
  }

  /** Only the last message has lost fragments, and combinations that are on their way may make them good. */
  get #isHeld(): boolean {
    if (this.#repair === undefined || this.#resend.length !== 1 || this.#waiting.length > 0) return false
    const last = this.#last!
    return this.#resend.at(0) === last && last.status === 'live' && this.#repair.covers(last.fragments!.lost)
  }

  get #wantsRepair(): boolean {
    return this.#repair?.isWanted(this.#outbox.stats.lossUp) === true
  }

  #writeRepair(sink: RecordSink): number {
    if (!this.#wantsRepair) return 0
    const { seed, set } = this.#repair!.next()
    const bytes = sink.addRepair(this.#last!, seed, set)
    if (bytes === 0) return 0
    this.#repair!.left(seed, set)
    this.#outbox.stats.repairs++
    return bytes
  }

  /** The last fragment of `message` has left. */
  #tail(message: OutgoingMessage): void {
    const last = this.#last
    this.#last = message
    this.#repair = new TailRepair(message)
    message.holders++
    if (last === undefined) return
    last.holders--
    this.#outbox.release(last)
  }

  #dropWaiting(): void {
    const message = this.#waiting.shift()!
    message.holders--
    this.#outbox.release(message)
  }

  #dropResend(): void {
    const message = this.#resend.shift()!
    message.isInBulkResend = false
    message.holders--
    this.#outbox.release(message)
    if (this.#resend.length === 0) this.#resendBytes = 0
  }
}
