import type { Payload } from '../bytes.ts'
import type { ChannelConfig } from '../config.ts'
import { Fifo } from '../container/fifo.ts'
import type { MessageId, Verdict } from '../events.ts'
import { BulkSender } from './bulk-sender.ts'
import type { CopyBudget, RecordSink, SendChannel } from './channel.ts'
import type { Outbox } from './outbox.ts'
import { MAX_COPIES, type OutgoingMessage } from './outgoing.ts'

/** Messages up to this size are copied and doubled, bytes: a larger one costs more than it saves. */
const COPIED_BYTES = 256
/** What a packet of its own costs beside its records, about, bytes: 93 around it and its header. */
const TWIN_BYTES = 107
/** Most messages in flight that are looked at for copies each tick. */
const COPY_SCAN = 256
/** Overhead of a copied record, about, bytes. */
const RECORD_BYTES = 4
/** A message that has lost a copy is sent again once the others are lost as well with this chance. */
const LIKELY_LOST = 0.3

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
  readonly #echoes: Fifo<OutgoingMessage> = new Fifo()
  /** Redundancy `full`: small messages in flight, oldest first. */
  readonly #flying: Fifo<OutgoingMessage> = new Fifo()
  /** Chosen for one more copy. */
  readonly #chosen: Fifo<OutgoingMessage> = new Fifo()
  readonly #bulk: BulkSender
  /** Chosen for a copy in a second packet of this tick as well. */
  readonly #twins: Fifo<OutgoingMessage> = new Fifo()
  #waitingBytes = 0
  #resendBytes = 0
  /** Copies are short, so what is lost was often sent only once: it leaves as soon as that is known. */
  #isHasty = false
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
    return this.#chosen.length > 0 || this.#twins.length > 0
  }

  hasHaste(isFar: boolean): boolean {
    const { redundancy } = this.config
    return this.#resend.length > 0 && (redundancy === 'lean' || (redundancy === 'full' && (isFar || this.#isHasty)))
  }

  startTick(now: number, budget: CopyBudget): void {
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
    if (this.config.redundancy === 'full') this.#choose(now, budget)
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
    for (let message = this.#twins.at(0); message !== undefined; message = this.#twins.at(0)) {
      if (message.inPacket === sink.packet) return 0
      const bytes = message.status === 'live' && message.lastSentAt === sink.now ? sink.addMessage(message) : 0
      this.#twins.shift()
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
      if (table === undefined) return
      if (fragment < message.count && !table.ack(fragment)) return
      if (table.ackedCount < message.count && !this.#bulk.onAcked(message, fragment)) return
    }
    this.settle(message, 'acked')
  }

  onLost(message: OutgoingMessage, fragment: number): void {
    if (message.status !== 'live' && message.status !== 'skip') return
    if (fragment < 0) {
      message.loseCopy()
      if (message.copies > 0) return
      message.isEcho = false
      this.#again(message)
    } else if (fragment >= message.count) {
      this.#bulk.onRepairLost(message, fragment)
    } else if (message.fragments?.loseCopy(fragment) === true && !this.isForgone(message)) {
      this.#bulk.again(message, fragment)
    }
  }

  onLossFinal(): void {}

  onProbe(message: OutgoingMessage, fragment: number): void {
    if (message.status !== 'live' && message.status !== 'skip') return
    if (fragment < 0) this.#again(message)
    else if (fragment < message.count && message.fragments?.isAcked(fragment) === false && !this.isForgone(message)) {
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
    this.#twins.clear()
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
    const mayCopy = this.config.redundancy === 'full' && message.length <= COPIED_BYTES
    if (mayCopy) message.sentAts ??= new Float64Array(MAX_COPIES)
    const bytes = sink.addMessage(message)
    if (bytes === 0) return 0
    message.hasBegun = true
    this.begun(message)
    this.#waitingBytes -= message.length
    this.outbox.left(message)
    if (mayCopy) {
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

  /**
   * Sends again what is likely lost, and chooses the messages whose next copy is worth its bytes, the best first: one that has a
   * lost copy need not wait until the others are known to be lost too.
   */
  #choose(now: number, budget: CopyBudget): void {
    this.#isHasty = budget.isShort
    const flying = this.#flying
    for (let first = flying.at(0); first !== undefined && first.status !== 'live'; first = flying.at(0)) {
      flying.shift()
      this.#letGo(first)
    }
    const count = Math.min(COPY_SCAN, flying.length)
    // What is worth less than the price of nothing cannot be chosen below.
    const leastWorth = budget.price(0)
    let candidates = 0
    for (let i = 0; i < count; i++) {
      const message = flying.at(i)!
      message.worth = 0
      if (message.status !== 'live' || message.needsCopy || message.isChosen) continue
      const sentAts = message.sentAts!
      const copies = Math.min(message.copies, MAX_COPIES)
      if (message.hasLostCopy && budget.isOpen && budget.undelivered(sentAts, copies) > LIKELY_LOST) {
        budget.spend(message.length + RECORD_BYTES)
        this.#again(message)
      } else if (message.hasLostCopy && budget.wantsThird(sentAts, copies, now)) {
        budget.spend(message.length + RECORD_BYTES)
        this.#chooseCopy(message)
      } else if (copies < MAX_COPIES) {
        const worth = budget.worth(sentAts, copies, now, message.hasLostCopy)
        if (worth < leastWorth) continue
        message.worth = worth
        candidates++
      }
    }
    for (; candidates > 0 && budget.isOpen; candidates--) {
      let best: OutgoingMessage | undefined
      let most = 0
      for (let i = 0; i < count; i++) {
        const message = flying.at(i)!
        if (message.worth <= most) continue
        most = message.worth
        best = message
      }
      if (best === undefined) return
      const bytes = best.length + RECORD_BYTES
      if (most >= budget.price(bytes)) {
        budget.spend(bytes)
        this.#chooseCopy(best)
        if (budget.wantsTwin(best.sentAts!, best.copies, now)) {
          budget.spend(bytes + TWIN_BYTES)
          best.holders++
          this.#twins.push(best)
        }
      }
      best.worth = 0
    }
  }

  #chooseCopy(message: OutgoingMessage): void {
    message.isChosen = true
    message.holders++
    this.#chosen.push(message)
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
