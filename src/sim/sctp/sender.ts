import type { Bytes } from '../../core/bytes.ts'
import { CongestionWindow } from './congestion-window.ts'
import type { SctpOptions, SctpReliability } from './options.ts'
import { chunkBytes, DATA_BYTES, type DataChunk, HEADER_BYTES, type Sack } from './packet.ts'
import { RetransmissionTimer } from './retransmission-timer.ts'
import { SctpMessage, SendQueue } from './send-queue.ts'

/** Missing reports that make a loss (RFC 9260 section 7.2.4). */
const REPORTS = 3
/** Share of an MTU that must be free before a whole chunk is tried when fragments are avoided (dcSCTP). */
const WHOLE_SHARE = 0.9

/** A chunk that was sent and is not covered by the cumulative ack. */
class SentChunk implements DataChunk {
  readonly tsn: number
  readonly isFirst: boolean
  readonly isLast: boolean
  readonly payload: Bytes
  readonly message: SctpMessage
  sentAt: number
  sends = 1
  reports = 0
  isAcked = false
  isInFlight = true
  /** Waits to be sent again. */
  isDue = false
  /** The round trip is measured on it. */
  isTimed = false

  constructor(tsn: number, isFirst: boolean, isLast: boolean, payload: Bytes, message: SctpMessage, sentAt: number) {
    this.tsn = tsn
    this.isFirst = isFirst
    this.isLast = isLast
    this.payload = payload
    this.message = message
    this.sentAt = sentAt
  }
}

/** Sending half of an association: queue, window, what is under way, T3, and what is given up (RFC 9260, RFC 3758). */
export class SctpSender {
  readonly queue: SendQueue = new SendQueue()
  readonly window: CongestionWindow
  readonly timer: RetransmissionTimer
  readonly #options: SctpOptions
  readonly #maxRetransmits: number
  readonly #lifetimeMs: number
  readonly #chunks: SentChunk[] = []
  #nextTsn = 1
  #cumulative = 0
  #flightBytes = 0
  #isTiming = false
  /** TSN up to which the peer was told to skip, when, and the SACKs since that did not say so. */
  #forwarded = 0
  #forwardedAt: number = Number.NEGATIVE_INFINITY
  #unheard = 0
  /** T3 expiries, and losses by missing reports. */
  timeouts = 0
  losses = 0
  abandoned = 0

  constructor(options: SctpOptions, reliability: SctpReliability) {
    this.#options = options
    this.#maxRetransmits = reliability.maxRetransmits ?? Number.POSITIVE_INFINITY
    this.#lifetimeMs = reliability.lifetimeMs ?? Number.POSITIVE_INFINITY
    this.window = new CongestionWindow(options)
    this.timer = new RetransmissionTimer(options)
  }

  get flightBytes(): number {
    return this.#flightBytes
  }

  /** Bytes that a send buffer would hold: not yet acked or given up, and not yet sent. */
  get heldBytes(): number {
    let bytes = this.queue.chunkBytes
    for (let i = 0; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i]!
      if (!chunk.message.isAbandoned) bytes += chunkBytes(chunk.payload.length)
    }
    return bytes
  }

  push(message: Bytes, now: number): void {
    this.queue.push(new SctpMessage(message, now + this.#lifetimeMs))
  }

  /** Asks for a SACK without delay. */
  get isHasty(): boolean {
    return this.window.bytes < this.#options.immediateSackMtus * this.#options.mtuBytes
  }

  /** The next chunk that fits into `roomBytes` of a packet; `undefined` when none may or can leave. */
  next(roomBytes: number, now: number): DataChunk | undefined {
    const left = this.window.bytes - this.#flightBytes
    const isLate = this.#due(roomBytes, left)
    if (isLate !== undefined) return this.#sendAgain(isLate, now)
    const message = this.queue.peek(now, this.#options.expiresInQueue)
    if (message === undefined || left <= 0) return undefined
    const bytes = this.#sizeOf(message, roomBytes, left)
    if (bytes === 0) return undefined
    const isFirst = message.sentBytes === 0
    const payload = this.queue.take(message, bytes)
    const chunk = new SentChunk(this.#nextTsn++, isFirst, message.leftBytes === 0, payload, message, now)
    if (!this.#isTiming) this.#isTiming = chunk.isTimed = true
    this.#chunks.push(chunk)
    this.#flightBytes += chunkBytes(bytes)
    this.timer.start(now)
    return chunk
  }

  /** Whether `next` would give a chunk. */
  mayLeave(roomBytes: number, now: number): boolean {
    const left = this.window.bytes - this.#flightBytes
    if (left <= 0) return false
    if (this.#due(roomBytes, left) !== undefined) return true
    const message = this.queue.peek(now, this.#options.expiresInQueue)
    return message !== undefined && this.#sizeOf(message, roomBytes, left) > 0
  }

  /** TSN up to which the peer should skip now; −1 for nothing to say. */
  forwardTsn(now: number): number {
    const everyMs = this.#options.forwardTsnEveryMs
    if (everyMs > 0) {
      const srttMs = this.timer.srttMs
      if (now < this.#forwardedAt + (srttMs < everyMs ? srttMs : everyMs)) return -1
      this.#expireReported(now)
    }
    let tsn = this.#cumulative
    for (let i = 0; i < this.#chunks.length && this.#chunks[i]!.message.isAbandoned; i++) tsn = this.#chunks[i]!.tsn
    if (tsn === this.#cumulative) return -1
    if (everyMs === 0 && tsn === this.#forwarded && this.#unheard < REPORTS) return -1
    this.#forwarded = tsn
    this.#forwardedAt = now
    this.#unheard = 0
    return tsn
  }

  onSack(sack: Sack, now: number): void {
    const { cumulative, gaps } = sack
    if (cumulative < this.#cumulative || cumulative >= this.#nextTsn) return
    const flightBefore = this.#flightBytes
    const hasMoved = cumulative > this.#cumulative
    if (!this.#options.losesMeasurement && gaps.length === 0) this.#measure(cumulative, now)
    // dcSCTP leaves recovery first; usrsctp counts the reports of this SACK as still within it.
    if (hasMoved && this.#options.freesOnFirstReport) this.window.leaveRecovery(cumulative)
    const wasInRecovery = this.window.isInRecovery
    let ackedBytes = 0
    let highest = 0
    for (let chunk = this.#chunks[0]; chunk !== undefined && chunk.tsn <= cumulative; chunk = this.#chunks[0]) {
      this.#chunks.shift()
      ackedBytes += this.#ack(chunk, now)
      highest = chunk.tsn
    }
    this.#cumulative = cumulative
    if (!hasMoved) this.#unheard++
    for (let i = 0, gap = 0; i < this.#chunks.length && gap < gaps.length; i++) {
      const chunk = this.#chunks[i]!
      while (gap < gaps.length && chunk.tsn > gaps[gap + 1]!) gap += 2
      if (gap >= gaps.length || chunk.tsn < gaps[gap]! || chunk.isAcked) continue
      ackedBytes += this.#ack(chunk, now)
      highest = chunk.tsn
    }
    const reported = wasInRecovery && hasMoved ? (gaps.at(-1) ?? 0) : highest
    const isLoss = gaps.length > 0 && this.#report(reported, gaps.at(-1)!, now)
    if (hasMoved) {
      this.timer.stop()
      if (!this.#options.freesOnFirstReport) this.window.leaveRecovery(cumulative)
      this.window.onAdvance(
        ackedBytes,
        this.#options.freesOnFirstReport ? flightBefore : this.#flightBytes + ackedBytes,
      )
    }
    if (isLoss) {
      if (!this.#options.freesOnFirstReport && !this.window.isInRecovery) this.timer.stop()
      this.window.onLoss(this.#nextTsn - 1)
    }
    if (this.#chunks.length > 0) this.timer.start(now)
    else this.timer.stop()
  }

  onTimeout(now: number): void {
    this.timeouts++
    const { losesMeasurement, freesOnFirstReport } = this.#options
    const youngest = now - (losesMeasurement ? this.timer.expectedMs : 0)
    let isLoss = freesOnFirstReport
    for (let i = 0; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i]!
      if (chunk.isAcked || chunk.message.isAbandoned || chunk.sentAt > youngest) continue
      this.#lose(chunk, now)
      isLoss = true
    }
    if (isLoss) this.window.onTimeout()
    this.timer.backOff(now)
    // The peer may not have heard what to skip.
    this.#forwarded = 0
    this.#forwardedAt = Number.NEGATIVE_INFINITY
  }

  #sizeOf(message: SctpMessage, roomBytes: number, left: number): number {
    const { mtuBytes, fragmentsBelowMtus } = this.#options
    const roomForData = roomBytes - DATA_BYTES
    if (fragmentsBelowMtus === 0) {
      // Fragments are cut for whole packets; any room in the window lets one go.
      const bytes = Math.min(message.leftBytes, mtuBytes - HEADER_BYTES - DATA_BYTES)
      return bytes <= roomForData ? bytes : 0
    }
    if (this.window.bytes >= fragmentsBelowMtus * mtuBytes && left < WHOLE_SHARE * mtuBytes) return 0
    const roundedLeft = Math.floor(left) & ~3
    return this.queue.sizeFor(message, Math.min(roomForData, roundedLeft - DATA_BYTES))
  }

  #due(roomBytes: number, left: number): SentChunk | undefined {
    for (let i = 0; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i]!
      if (!chunk.isDue) continue
      const bytes = chunkBytes(chunk.payload.length)
      return bytes <= roomBytes && left > 0 ? chunk : undefined
    }
    return undefined
  }

  #sendAgain(chunk: SentChunk, now: number): DataChunk {
    chunk.isDue = false
    chunk.sends++
    chunk.reports = 0
    chunk.sentAt = now
    chunk.isInFlight = true
    this.#flightBytes += chunkBytes(chunk.payload.length)
    this.timer.start(now)
    return chunk
  }

  /** The chunk has come: its bytes, if that is news. */
  #ack(chunk: SentChunk, now: number): number {
    this.#land(chunk)
    chunk.isDue = false
    if (chunk.isAcked) return 0
    chunk.isAcked = true
    if (chunk.isTimed && !chunk.message.isAbandoned) {
      chunk.isTimed = false
      this.#isTiming = false
      if (this.#options.losesMeasurement && chunk.sends === 1) this.timer.observe(now - chunk.sentAt)
    }
    return chunkBytes(chunk.payload.length)
  }

  /** dcSCTP: the chunk that a SACK without gaps ends at. */
  #measure(cumulative: number, now: number): void {
    const first = this.#chunks[0]
    if (first === undefined || cumulative < first.tsn) return
    const chunk = this.#chunks[cumulative - first.tsn]
    if (chunk !== undefined && chunk.sends === 1) this.timer.observe(now - chunk.sentAt)
  }

  /** Counts missing reports up to `reported`; says whether a chunk is lost. */
  #report(reported: number, highestGap: number, now: number): boolean {
    const { expiresUnreported, freesOnFirstReport } = this.#options
    let isLoss = false
    for (let i = 0; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i]!
      if (chunk.tsn > highestGap) break
      if (chunk.isAcked || chunk.message.isAbandoned || chunk.isDue) continue
      if (expiresUnreported && chunk.message.expiresAt < now) {
        this.#abandon(chunk.message)
        continue
      }
      if (chunk.tsn >= reported) continue
      chunk.reports++
      if (freesOnFirstReport) this.#land(chunk)
      if (chunk.reports < REPORTS) continue
      this.losses++
      this.#lose(chunk, now)
      isLoss = true
    }
    return isLoss
  }

  /** dcSCTP: of the oldest chunks, those reported missing and over their lifetime are given up. */
  #expireReported(now: number): void {
    for (let i = 0; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i]!
      if (chunk.message.isAbandoned) continue
      if (chunk.isAcked || chunk.reports === 0 || chunk.message.expiresAt > now) return
      this.#abandon(chunk.message)
    }
  }

  /** Sends it again, or gives it up. */
  #lose(chunk: SentChunk, now: number): void {
    this.#land(chunk)
    if (chunk.sends > this.#maxRetransmits || chunk.message.expiresAt <= now) {
      this.#abandon(chunk.message)
      return
    }
    chunk.isDue = true
    if (chunk.isTimed) this.#isTiming = chunk.isTimed = false
  }

  #abandon(message: SctpMessage): void {
    message.isAbandoned = true
    this.abandoned++
    for (let i = 0; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i]!
      if (chunk.message !== message) continue
      this.#land(chunk)
      chunk.isDue = false
      if (chunk.isTimed && !this.#options.losesMeasurement) this.#isTiming = chunk.isTimed = false
    }
    if (message.leftBytes === 0) return
    // The peer must skip an end of it that was never sent (RFC 3758 section 3.5, A3).
    const end = new SentChunk(this.#nextTsn++, false, true, message.bytes.subarray(0, 0), message, 0)
    end.isInFlight = false
    end.isAcked = true
    this.#chunks.push(end)
  }

  #land(chunk: SentChunk): void {
    if (!chunk.isInFlight) return
    chunk.isInFlight = false
    this.#flightBytes -= chunkBytes(chunk.payload.length)
  }
}
