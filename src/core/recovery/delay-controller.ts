import type { AckNews, CongestionController } from './congestion.ts'
import { INITIAL_RTT_MS } from './rtt.ts'

/** Standing queue aimed at, ms. Small beside what a player notices, large beside the grain of the measurement. */
const TARGET_MS = 10
/** Packets of the first window, spread over a round trip. */
const INITIAL_PACKETS = 16
/** Packets that are always allowed: the connection stays alive beside any competitor. */
const LEAST_PACKETS = 4
/** The start ends above this queue, ms; below the next one the window grows; above the third a loss means congestion. */
const START_MS = 0.4 * TARGET_MS
const LOW_MS = 0.35 * TARGET_MS
const LOSS_MS = 1.5 * TARGET_MS
/** Growth in a round trip without a queue; less, the nearer the queue is. */
const GROWTH = 0.2
/** Packets that may wait in the queue beside half the target: at low rates a packet alone is longer than that. */
const QUEUE_PACKETS = 2
/** What a loss beside a queue leaves of the window. */
const QUEUE_DECREASE = 0.85
/** Share of losses that is congestion whatever the queue says, among so many packets at least, and what it leaves. */
const LOSS_SHARE = 0.25
const LOSS_PACKETS = 40
const LOSS_DECREASE = 0.7
/** How often the queue is let run empty, ms, so that its absence is seen; what is left of the window meanwhile and after. */
const DRAIN_EVERY_MS = 4000
const DRAIN_SHARE = 0.5
const DRAINED_SHARE = 0.9
/** Pace beside window per round trip. */
const GAIN = 1.15
/** A window that was filled to less than this share has not been tried. */
const USED_SHARE = 0.6
/** After so long without use what was known of the path is old, ms. */
const STALE_MS = 10_000

type Phase =
  /** The window doubles each round trip until a queue shows. */
  | 'start'
  /** One round trip in which what was sent before is still coming: the rate of delivery is that of the path. */
  | 'fit'
  /** The window follows the queue. */
  | 'steady'
  /** Half a window for one round trip: the queue runs empty. */
  | 'drain'

/**
 * Keeps the standing queue near 10 ms: a delay-targeting window. It ignores random loss, yields to real congestion, and lets
 * the queue run empty now and then, so that its own queue is not taken for the path (the trouble of Vegas and of LEDBAT, RFC
 * 6817 section 4.4, which the pauses of LEDBAT++ cure in the same way).
 */
export class DelayController implements CongestionController {
  readonly #packetBytes: number
  windowBytes: number
  paceBytesPerSecond = 0
  #phase: Phase = 'start'
  /** Base round trip and queue, ms: what the pace is reckoned from. */
  #baseMs = INITIAL_RTT_MS
  #queueMs = 0
  #roundEndsAt = Number.NEGATIVE_INFINITY
  #peakBytes = 0
  #lastPeakBytes = 0
  /** Over the queues that the acks of this round trip told: it swings within one. */
  #queueSum = 0
  #queueCount = 0
  /** Since the share of losses was looked at. */
  #ackedPackets = 0
  #lostPackets = 0
  /** In this round trip. */
  #lostNow = 0
  #drainAt: number = Number.POSITIVE_INFINITY
  /** Window before the drain. */
  #fullWindow = 0
  #usedAt: number = Number.NEGATIVE_INFINITY

  /** `packetBytes`: of a full packet. */
  constructor(packetBytes: number) {
    this.#packetBytes = packetBytes
    this.windowBytes = INITIAL_PACKETS * packetBytes
    this.#pace()
  }

  onSent(inFlightBytes: number, now: number): void {
    if (inFlightBytes > this.#peakBytes) this.#peakBytes = inFlightBytes
    if (inFlightBytes < USED_SHARE * this.windowBytes) return
    if (now - this.#usedAt > STALE_MS && this.#phase !== 'start') this.#restart()
    this.#usedAt = now
  }

  onAcked(news: AckNews): void {
    this.#baseMs = Math.max(1, news.rttMinMs)
    // Half of the jitter is no queue: the smallest of few samples has about that much of it.
    this.#queueMs = Number.isNaN(news.queueMs) ? 0 : Math.max(0, news.queueMs - news.noiseMs / 2)
    this.#ackedPackets += news.ackedPackets
    this.#queueSum += this.#queueMs
    this.#queueCount++
    if (this.#phase === 'start') this.#grow(news)
    else if (this.#phase === 'fit') this.#fit(news)
    if (news.now >= this.#roundEndsAt) this.#turn(news)
    this.#pace()
  }

  #turn(news: AckNews): void {
    this.#endRound(news)
    this.#roundEndsAt = news.now + this.#baseMs + this.#queueMs
    this.#lastPeakBytes = this.#peakBytes
    this.#peakBytes = 0
    this.#lostNow = 0
    this.#queueSum = 0
    this.#queueCount = 0
  }

  onLost(): void {
    this.#lostNow++
    this.#lostPackets++
    // What is lost by chance was carried all the same.
    if (this.#phase === 'start' && this.#isUsed) this.windowBytes += this.#packetBytes
  }

  get #isUsed(): boolean {
    return Math.max(this.#peakBytes, this.#lastPeakBytes) >= USED_SHARE * this.windowBytes
  }

  /** Whether too many are lost; forgets those that it has judged. */
  get #isLossy(): boolean {
    const lost = this.#lostPackets
    const all = lost + this.#ackedPackets
    if (all < LOSS_PACKETS) return false
    this.#lostPackets = 0
    this.#ackedPackets = 0
    return lost > LOSS_SHARE * all
  }

  #grow(news: AckNews): void {
    if (!this.#isUsed) return
    if (this.#queueMs > START_MS + news.noiseMs / 2) {
      this.#fullWindow = this.windowBytes
      this.#setWindow(this.#fittingBytes(news))
      this.#phase = 'fit'
      this.#roundEndsAt = news.now + this.#baseMs + this.#queueMs
    } else {
      this.windowBytes += news.ackedBytes
    }
  }

  #fit(news: AckNews): void {
    if (this.#queueMs > START_MS + news.noiseMs / 2)
      this.#setWindow(Math.max(this.windowBytes, this.#fittingBytes(news)))
  }

  /** What the path holds with half the queue aimed at. */
  #fittingBytes(news: AckNews): number {
    const fitting = (news.deliveryRate * (this.#baseMs + TARGET_MS / 2)) / 1000
    // Half of it was delivered in the round trip before, or it would not have doubled.
    return Math.min(this.#fullWindow, Math.max(fitting, this.#fullWindow / 2))
  }

  #endRound(news: AckNews): void {
    const { now } = news
    const queueMs = this.#queueSum / this.#queueCount
    if (this.#phase === 'fit') {
      // No queue followed: what ended the start was chance.
      if (queueMs < LOW_MS) this.#phase = 'start'
      else this.#settle(now)
      return
    }
    if (this.#phase === 'drain') {
      this.#setWindow(DRAINED_SHARE * this.#fullWindow)
      this.#settle(now)
      return
    }
    if (this.#isLossy) {
      this.#setWindow(LOSS_DECREASE * this.windowBytes)
      this.#settle(now)
      return
    }
    // A window that is not used has nothing to do with what the queue is.
    if (this.#phase === 'start' || !this.#isUsed) return
    if (queueMs < LOW_MS) {
      this.#setWindow(this.windowBytes * (1 + GROWTH * (1 - queueMs / LOW_MS)))
    } else {
      const roundMs = this.#baseMs + queueMs
      const rate = this.windowBytes / roundMs
      const room = QUEUE_PACKETS * this.#packetBytes + (rate * TARGET_MS) / 2
      const next = this.windowBytes / 2 + (rate * this.#baseMs + room) / 2
      const isOverflowing = this.#lostNow > 0 && queueMs > LOSS_MS
      this.#setWindow(isOverflowing ? Math.min(next, QUEUE_DECREASE * this.windowBytes) : next)
    }
    if (now >= this.#drainAt) {
      this.#phase = 'drain'
      this.#fullWindow = this.windowBytes
      this.#setWindow(DRAIN_SHARE * this.windowBytes)
    }
  }

  /** From here on the window follows the queue. */
  #settle(now: number): void {
    if (this.#phase !== 'steady') this.#drainAt = now + DRAIN_EVERY_MS
    this.#phase = 'steady'
  }

  #restart(): void {
    this.#phase = 'start'
    this.windowBytes = Math.min(this.windowBytes, INITIAL_PACKETS * this.#packetBytes)
    this.#pace()
  }

  #pace(): void {
    this.paceBytesPerSecond = (GAIN * this.windowBytes * 1000) / (this.#baseMs + this.#queueMs)
  }

  #setWindow(bytes: number): void {
    this.windowBytes = Math.max(LEAST_PACKETS * this.#packetBytes, bytes)
  }
}
