import { BitWindow } from '../container/bit-window.ts'
import { LossMeter } from '../recovery/loss-meter.ts'
import { OneWayMeter } from '../recovery/one-way.ts'
import type { EndpointStats } from '../stats.ts'
import { AckGroupEncoder } from '../wire/ack-groups.ts'
import { type AckReport, encodeAckDelay, encodeHorizon } from '../wire/header.ts'
import { ACK_FULL, ACK_FULL_SPAN, ACK_GROUPS, ACK_NONE, ACK_WINDOW, MAX_GROUPS } from '../wire/layout.ts'

/** A packet that is this far behind the newest and was not heard counts as missed in the loss estimate. */
const REORDER_SPAN = 32
/** How far back a hole is looked for that the horizon could judge. */
const HOLE_SPAN = 64
/** Time over which the rate of the peer's packets is taken, ms. */
const RATE_SPAN_MS = 250

/** Which of the peer's packets were heard, and what our next header says about that. */
export class ReceivedPackets {
  readonly #heard = new BitWindow(ACK_WINDOW)
  /** Packets that were read in part: never acknowledged, and never read again. */
  readonly #spoilt = new BitWindow(ACK_WINDOW)
  /** For each heard packet: our next sequence when it came, low 32 bits; our packets from there on report it. */
  readonly #reportedFrom = new Uint32Array(ACK_WINDOW)
  readonly #groups = new AckGroupEncoder()
  readonly #lossDown = new LossMeter(512)
  readonly #lossDownRecent = new LossMeter(200)
  /** Of the packets after a lost one, the share that is lost too. */
  readonly #followDown = new LossMeter(79)
  #wasLost = false
  readonly #oneWay = new OneWayMeter()
  readonly #stats: EndpointStats
  /** Oldest heard packet whose ack may not have arrived. */
  #floor = 0
  #newestArrivedAt = 0
  /** Newest packet whose arrival was reported with its delay. */
  #delayReportedFor = -1
  /** Newest packets for which a hole before them, and the lack of the next one, have been told. */
  #holeToldFor = -1
  #overdueToldFor = -1
  /** How many packets after the newest have been told as overdue. */
  #overdueTold = 0
  /** The next packet to be judged for the loss estimate. */
  #judged = 0
  /** When the rate of the peer's bytes was taken, ms, and what had come until then. */
  #ratedAt = 0
  #ratedBytes = 0

  /** Whether the report for the next packet did not fit into it. */
  isLeftOut = false
  readonly report: AckReport = {
    form: ACK_NONE,
    ack: 0,
    groups: this.#groups,
    delayCode: -1,
    horizonCode: -1,
    wantsEarlyAcks: false,
  }

  constructor(stats: EndpointStats) {
    this.#stats = stats
  }

  /** Newest sequence heard, −1 before any. */
  get newest(): number {
    return this.#heard.newest
  }

  /** What a packet of this sequence is. */
  verdict(sequence: number): 'new' | 'duplicate' | 'stale' {
    if (this.#spoilt.has(sequence)) return 'duplicate'
    if (sequence > this.#heard.newest) return 'new'
    if (sequence < this.#heard.oldest) return 'stale'
    return this.#heard.has(sequence) ? 'duplicate' : 'new'
  }

  /** Marks a packet that could not be read to its end: a repeat of it must not apply its first records again. */
  spoil(sequence: number): void {
    this.#spoilt.mark(sequence)
  }

  /** Marks a packet as heard. `ourNext` is the sequence of the next packet that we will send. */
  mark(sequence: number, ourNext: number, now: number): void {
    const previous = this.#heard.newest
    this.#heard.mark(sequence)
    this.#reportedFrom[sequence & (ACK_WINDOW - 1)] = ourNext
    if (sequence > previous) {
      this.#newestArrivedAt = now
      this.#stats.packetsMissed += sequence - previous - 1
    } else {
      this.#stats.packetsMissed--
    }
    if (sequence < this.#floor) this.#floor = sequence
    this.#judge()
  }

  /** Takes the time of a packet that was just marked. */
  time(sequence: number, timestamp: number, now: number): void {
    this.#oneWay.observe(sequence, timestamp, now)
    const stats = this.#stats
    stats.queueDownMs = this.#oneWay.queueMs
    if (now < this.#ratedAt + RATE_SPAN_MS) return
    stats.deliveryRateDown = ((stats.bytesReceived - this.#ratedBytes) * 1000) / (now - this.#ratedAt)
    this.#ratedAt = now
    this.#ratedBytes = stats.bytesReceived
  }

  /**
   * Instant at which we know of a loss that no packet of ours has told yet, ms: a packet is overdue, or a hole has passed the
   * lateness horizon. `Infinity` when there is none in sight.
   */
  get lossKnownAt(): number {
    const newest = this.#heard.newest
    const overdueAt = this.#oneWay.overdueAt(this.#lossEstimate)
    if (overdueAt === Number.POSITIVE_INFINITY) return overdueAt
    // The lack of a packet that was told as overdue is no news when the one after it has come.
    const isHoleNews =
      newest > this.#holeToldFor && newest > 0 && !this.#heard.has(newest - 1) && this.#overdueToldFor !== newest - 2
    if (isHoleNews) return overdueAt - 2 * this.#oneWay.spacingMs
    if (newest > this.#overdueToldFor) return overdueAt
    // Two in a row may be lost; more than that is a silence, and not worth a word each.
    return this.#overdueTold < 2 ? overdueAt + this.#oneWay.spacingMs : Number.POSITIVE_INFINITY
  }

  /** About the longest usual pause between two of the peer's packets, ms, or `NaN`. */
  get spacingMs(): number {
    return this.#oneWay.spacingMs
  }

  /** `newestReport`: the newest packet of ours with a whole ack field that the peer confirmed. What it told is known. */
  trim(newestReport: number): void {
    let floor = Math.max(this.#floor, this.#heard.oldest)
    for (; floor <= this.#heard.newest; floor++) {
      if (!this.#heard.has(floor)) continue
      const from = this.#reportedFrom[floor & (ACK_WINDOW - 1)]!
      if (((newestReport - from) | 0) < 0) break
    }
    this.#floor = floor
  }

  /**
   * Fills {@link report} for the next packet, with at most `maxGroupBytes` bytes of groups. A report that does not fit is left
   * out: half of one would have the peer take for lost what it does not speak of.
   */
  prepare(now: number, maxGroupBytes: number = MAX_GROUPS): void {
    const ack = this.#heard.newest
    const report = this.report
    report.delayCode = -1
    report.horizonCode = -1
    report.form = ACK_NONE
    this.isLeftOut = false
    if (ack < 0) return
    report.ack = ack
    if (ack > this.#delayReportedFor) report.delayCode = encodeAckDelay(Math.max(0, now - this.#newestArrivedAt))
    const isFull = this.#heard.hasAll(Math.max(0, ack - ACK_FULL_SPAN), ack)
    if (isFull && this.#floor >= ack - ACK_FULL_SPAN) {
      report.form = ACK_FULL
    } else {
      this.#groups.encode(this.#heard, ack, this.#floor, maxGroupBytes)
      this.isLeftOut = this.#groups.trimmed
      report.form = this.isLeftOut ? ACK_NONE : ACK_GROUPS
      if (this.isLeftOut) report.delayCode = -1
    }
    if (!this.isLeftOut) report.horizonCode = this.#horizonCode(now)
  }

  /** The report has been written into a packet. */
  reported(now: number): void {
    if (this.report.form === ACK_NONE) return
    this.#delayReportedFor = this.report.ack
    if (this.report.horizonCode < 0) return
    const overdueAt = this.#oneWay.overdueAt(this.#lossEstimate)
    if (now >= overdueAt) {
      const isSecond = this.#overdueToldFor === this.#heard.newest && now >= overdueAt + this.#oneWay.spacingMs
      if (this.#overdueToldFor !== this.#heard.newest) this.#overdueTold = 1
      else if (isSecond) this.#overdueTold = 2
      this.#overdueToldFor = this.#heard.newest
    }
    if (now >= overdueAt - 2 * this.#oneWay.spacingMs) this.#holeToldFor = this.#heard.newest
  }

  get #lossEstimate(): number {
    const { share } = this.#lossDown
    return Number.isNaN(share) ? 0 : share
  }

  /** Said only when there is a hole to judge, or a packet is overdue: else it tells nothing that the acks do not. */
  #horizonCode(now: number): number {
    const horizonMs = this.#oneWay.horizonMs(now, this.#lossEstimate)
    if (!(horizonMs >= this.#oneWay.spacingMs) && !this.#hasHole()) return -1
    return encodeHorizon(horizonMs)
  }

  /** Whether a packet is missing among those that have to be reported. */
  #hasHole(): boolean {
    const { newest } = this.#heard
    for (let sequence = Math.max(this.#floor, newest - HOLE_SPAN); sequence < newest; sequence++) {
      if (!this.#heard.has(sequence)) return true
    }
    return false
  }

  #judge(): void {
    const end = this.#heard.newest - REORDER_SPAN
    // After a jump beyond the window nothing is known packet by packet.
    if (this.#judged < this.#heard.oldest) this.#judged = this.#heard.oldest
    for (; this.#judged < end; this.#judged++) {
      const isLost = !this.#heard.has(this.#judged)
      this.#lossDown.observe(isLost)
      this.#lossDownRecent.observe(isLost)
      if (this.#wasLost) this.#followDown.observe(isLost)
      this.#wasLost = isLost
    }
    this.#stats.lossDown = this.#lossDown.share
    this.#stats.lossDownRecent = this.#lossDownRecent.share
    this.#stats.burstDown = 1 / (1 - this.#followDown.share)
  }
}
