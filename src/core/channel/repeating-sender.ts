import type { Payload } from '../bytes.ts'
import type { ChannelConfig } from '../config.ts'
import { Fifo } from '../container/fifo.ts'
import type { MessageId, Verdict } from '../events.ts'
import { BulkSender } from './bulk-sender.ts'
import type { CopyBudget, RecordSink, SendChannel } from './channel.ts'
import type { Outbox } from './outbox.ts'
import type { OutgoingMessage } from './outgoing.ts'

/** Messages up to this size are copied and doubled, bytes: a larger one costs more than it saves. */
const COPIED_BYTES = 256
/** Most messages in flight that are looked at for copies each tick. */
const COPY_SCAN = 256
/** Overhead of a copied record, about, bytes. */
const RECORD_BYTES = 4
/** Copies of one message in flight at most. */
const MAX_COPIES = 8

/**
 * What every reliable kind does: send messages, and send again what was lost, before anything new. Only the parts that are
 * missing are sent again. A subclass says which message may begin and what becomes of one that is given up.
 */
export abstract class RepeatingSender implements SendChannel {
  readonly config: ChannelConfig
  protected readonly outbox: Outbox
  /** Not yet sent to their end. */
  readonly #waiting: Fifo<OutgoingMessage> = new Fifo()
  /** To be sent again, oldest loss first. */
  readonly #resend: Fifo<OutgoingMessage> = new Fifo()
  /** Resends whose second copy is due in a later packet. */
  readonly #echoes: Fifo<OutgoingMessage> = new Fifo(4)
  /** Redundancy `full`: small messages in flight, oldest first. */
  readonly #flying: Fifo<OutgoingMessage> = new Fifo()
  /** Chosen for one more copy. */
  readonly #chosen: Fifo<OutgoingMessage> = new Fifo(4)
  readonly #bulk: BulkSender
  #waitingBytes = 0
  #resendBytes = 0
  expiresAt: number = Number.POSITIVE_INFINITY

  constructor(config: ChannelConfig, outbox: Outbox) {
    this.config = config
    this.outbox = outbox
    this.#bulk = new BulkSender(config, outbox, {
      mayBegin: (message) => this.mayBegin(message),
      begun: (message) => this.begun(message),
      giveUp: (message) => this.giveUp(message),
    })
  }

  abstract readonly hasUnsettled: boolean
  abstract enqueue(payload: Payload, key: number, expiresAt: number): MessageId | undefined
  abstract expire(now: number): void

  /** All that waits is wanted still. */
  comeBack(): void {}

  abstract end(): void
  abstract onEnd(message: OutgoingMessage): void
  /** Whether the first part of `message` may leave now. */
  protected abstract mayBegin(message: OutgoingMessage): boolean
  /** The first part of `message` has left. */
  protected abstract begun(message: OutgoingMessage): void
  /** `message` gets its verdict, and nothing is left to do. */
  protected abstract settle(message: OutgoingMessage, verdict: Verdict): void
  /** `message` will not be sent to its end; may leave it in status `skip` with a copy needed. */
  protected abstract giveUp(message: OutgoingMessage): void
  /** The peer knows of the skip. */
  protected abstract skipped(message: OutgoingMessage): void
  /** A lost message need not be sent again; says whether it was settled. */
  protected abstract isForgone(message: OutgoingMessage): boolean

  get isPending(): boolean {
    if (this.#resend.length > 0) return true
    const message = this.#waiting.at(0)
    return message !== undefined && (!message.isQueued || message.hasBegun || this.mayBegin(message))
  }

  get hasBulk(): boolean {
    return this.#bulk.isPending
  }

  get pendingBytes(): number {
    return this.#waitingBytes + this.#resendBytes + this.#bulk.pendingBytes
  }

  get hasCopies(): boolean {
    return this.#chosen.length > 0
  }

  get hasHaste(): boolean {
    return this.config.redundancy === 'lean' && this.#resend.length > 0
  }

  startTick(now: number, budget: CopyBudget, tickMs: number): void {
    for (let message = this.#echoes.at(0); message !== undefined; message = this.#echoes.at(0)) {
      if (message.echoAfter >= now) break
      this.#echoes.shift()
      message.echoAfter = Number.POSITIVE_INFINITY
      if (message.status === 'live' && !message.isSuperseded && !message.needsCopy) {
        message.isEcho = true
        this.#again(message)
      }
      this.#letGo(message)
    }
    if (this.config.redundancy === 'full') this.#choose(now, budget, tickMs)
  }

  writeCopy(sink: RecordSink): number {
    for (let message = this.#chosen.at(0); message !== undefined; message = this.#chosen.at(0)) {
      let bytes = 0
      if (message.status === 'live' && !message.needsCopy && message.lastSentAt < sink.now) {
        bytes = sink.addMessage(message)
        if (bytes === 0) return 0
      }
      this.#chosen.shift()
      message.isChosen = false
      this.#letGo(message)
      if (bytes === 0) continue
      this.#countCopy()
      return bytes
    }
    return 0
  }

  writeOne(sink: RecordSink): number {
    for (let message = this.#resend.at(0); message !== undefined; message = this.#resend.at(0)) {
      if (message.status === 'live' && message.expiresAt <= sink.now) this.giveUp(message)
      const bytes = this.#writeAgain(sink, message)
      if (bytes < 0) return 0
      if (!this.#lacksCopies(message)) this.#dropResend()
      if (bytes > 0) return bytes
    }
    for (let message = this.#waiting.at(0); message !== undefined; message = this.#waiting.at(0)) {
      if (message.isQueued && message.expiresAt <= sink.now) this.giveUp(message)
      if (!message.isQueued) {
        this.#dropWaiting()
        // Giving up may have left a skip to announce, and that goes first.
        if (this.#resend.length > 0) return this.writeOne(sink)
        continue
      }
      if (message.count > 1) {
        // A value that was replaced by one too large to travel whole.
        this.#waitingBytes -= message.length
        this.#bulk.push(message)
        this.#dropWaiting()
        continue
      }
      return message.hasBegun || this.mayBegin(message) ? this.#writeNew(sink, message) : 0
    }
    return 0
  }

  writeBulk(sink: RecordSink): number {
    for (let whole = this.#bulk.shiftWhole(); whole !== undefined; whole = this.#bulk.shiftWhole()) this.#wait(whole)
    return this.#bulk.writeOne(sink)
  }

  onAcked(message: OutgoingMessage, fragment: number): void {
    if (message.status === 'skip') {
      if (fragment < 0) this.skipped(message)
      return
    }
    if (message.status !== 'live') return
    const table = message.fragments
    if (fragment >= 0) {
      if (table === undefined || !table.ack(fragment) || table.ackedCount < message.count) return
    }
    this.settle(message, 'acked')
  }

  onLost(message: OutgoingMessage, fragment: number): void {
    if (message.status !== 'live' && message.status !== 'skip') return
    if (fragment < 0) {
      if (message.copies > 0) message.copies--
      if (message.copies > 0) return
      message.isEcho = false
      this.#again(message)
    } else if (message.fragments?.loseCopy(fragment) === true && !this.isForgone(message)) {
      this.#bulk.again(message, fragment)
    }
  }

  onLossFinal(): void {}

  onProbe(message: OutgoingMessage, fragment: number): void {
    if (message.status !== 'live' && message.status !== 'skip') return
    if (fragment < 0) this.#again(message)
    else if (message.fragments?.isAcked(fragment) === false && !this.isForgone(message)) {
      this.#bulk.again(message, fragment)
    }
  }

  /** Takes a new message into the queue. */
  protected push(message: OutgoingMessage): void {
    if (message.count > 1) this.#bulk.push(message)
    else this.#wait(message)
    if (message.expiresAt < this.expiresAt) this.expiresAt = message.expiresAt
  }

  /** A message in the queue changes its length. */
  protected resized(message: OutgoingMessage, byBytes: number): void {
    if (message.isBulk) this.#bulk.resized(byBytes)
    else this.#waitingBytes += byBytes
  }

  /** Must be called before the bytes of a message are freed: what it still had to send is not pending any more. */
  protected forget(message: OutgoingMessage): void {
    if (!message.isQueued) return
    if (message.isBulk) this.#bulk.forget(message)
    else this.#waitingBytes -= message.length
  }

  /** Announces a message in status `skip`, now and after each loss, until the peer knows. */
  protected announce(message: OutgoingMessage): void {
    message.needsCopy = true
    this.#hold(message)
  }

  /** Lets go of everything; the subclass has given the verdicts. */
  protected clear(): void {
    this.#waiting.clear()
    this.#resend.clear()
    this.#echoes.clear()
    this.#flying.clear()
    this.#chosen.clear()
    this.#bulk.clear()
    this.#waitingBytes = 0
    this.#resendBytes = 0
  }

  /** Writes `message` again, or its skip: its bytes, 0 when that is not needed, −1 when there is no room. */
  #writeAgain(sink: RecordSink, message: OutgoingMessage): number {
    if (!this.#lacksCopies(message)) return 0
    const bytes = message.status === 'skip' ? sink.addSkip(message) : sink.addMessage(message)
    if (bytes === 0) return -1
    message.needsCopy = false
    if (message.isEcho) this.#countCopy()
    else this.outbox.countResend(this.config)
    if (message.status === 'live') this.#echo(message, sink.now)
    this.#resendBytes = Math.max(0, this.#resendBytes - message.length)
    return bytes
  }

  #countCopy(): void {
    this.outbox.stats.copies++
    this.outbox.statsOf(this.config).copies++
  }

  #lacksCopies(message: OutgoingMessage): boolean {
    return message.status !== 'settled' && message.needsCopy
  }

  #writeNew(sink: RecordSink, message: OutgoingMessage): number {
    const bytes = sink.addMessage(message)
    if (bytes === 0) return 0
    message.hasBegun = true
    this.begun(message)
    this.#waitingBytes -= message.length
    this.outbox.left(message)
    if (this.config.redundancy === 'full' && message.length <= COPIED_BYTES) {
      message.holders++
      this.#flying.push(message)
    }
    this.#dropWaiting()
    return bytes
  }

  /** The copy just sent again goes once more with a later packet. */
  #echo(message: OutgoingMessage, now: number): void {
    if (this.config.redundancy === 'none' || message.length > COPIED_BYTES) return
    if (message.echoAfter === Number.POSITIVE_INFINITY && !message.isEcho) {
      message.echoAfter = now
      message.holders++
      this.#echoes.push(message)
    }
    message.isEcho = false
  }

  /** Chooses the messages whose next copy is worth its bytes: first those with the fewest copies in flight. */
  #choose(now: number, budget: CopyBudget, tickMs: number): void {
    const flying = this.#flying
    for (let first = flying.at(0); first !== undefined && first.status !== 'live'; first = flying.at(0)) {
      flying.shift()
      this.#letGo(first)
    }
    const count = Math.min(COPY_SCAN, flying.length)
    for (let copies = 1; copies <= MAX_COPIES && budget.isOpen; copies++) {
      if (budget.worthOf(copies, Number.POSITIVE_INFINITY) < budget.price) return
      for (let i = 0; i < count; i++) {
        const message = flying.at(i)!
        if (message.status !== 'live' || message.copies !== copies || message.isChosen || message.needsCopy) continue
        const gap = Math.round((now - message.lastSentAt) / tickMs)
        if (gap < 1 || budget.worthOf(copies, gap) < budget.price) continue
        budget.spend(message.length + RECORD_BYTES)
        message.isChosen = true
        message.holders++
        this.#chosen.push(message)
      }
    }
  }

  #wait(message: OutgoingMessage): void {
    message.isBulk = false
    message.holders++
    this.#waiting.push(message)
    this.#waitingBytes += message.length
  }

  #letGo(message: OutgoingMessage): void {
    message.holders--
    this.outbox.release(message)
  }

  #dropWaiting(): void {
    const message = this.#waiting.shift()!
    message.holders--
    this.outbox.release(message)
  }

  #dropResend(): void {
    const message = this.#resend.shift()!
    message.isInResend = false
    message.holders--
    this.outbox.release(message)
    if (this.#resend.length === 0) this.#resendBytes = 0
  }

  #again(message: OutgoingMessage): void {
    if (message.needsCopy || this.isForgone(message)) return
    message.needsCopy = true
    this.#resendBytes += message.length
    this.#hold(message)
  }

  #hold(message: OutgoingMessage): void {
    if (message.isInResend) return
    message.isInResend = true
    message.holders++
    this.#resend.push(message)
  }
}
