import type { AckNews, CongestionController } from './congestion.ts'
import { INITIAL_RTT_MS } from './rtt.ts'

/** Packets of the first window (RFC 6928 section 2). */
const INITIAL_PACKETS = 10
/** Packets that are left after any number of losses (RFC 5681 section 3.1 knows one, RFC 9002 section 7.2 two). */
const LEAST_PACKETS = 2
/** What a loss leaves of the window (RFC 5681 equation 4). */
const DECREASE = 0.5
/** Pace beside window per round trip: in slow start the window doubles in one, else a little more (RFC 9002 section 7.7). */
const START_GAIN = 2
const GAIN = 1.25
/** A window that was filled to less than this share is not grown: it has not been tried (RFC 7661 section 4.3). */
const USED_SHARE = 0.5

/**
 * Additive increase, multiplicative decrease: slow start, then one packet more each round trip, half at a loss (RFC 5681; the
 * recovery period is that of RFC 9002 section 7.3.2). It takes every loss for congestion and fills queues to find one.
 */
export class AimdController implements CongestionController {
  readonly #packetBytes: number
  windowBytes: number
  paceBytesPerSecond = 0
  /** Slow start ends here. */
  #threshold = Number.POSITIVE_INFINITY
  /** Losses of packets sent before this instant are of the congestion that was answered already. */
  #recoveryAt: number = Number.NEGATIVE_INFINITY
  #rttMs = INITIAL_RTT_MS
  /** Most that was unconfirmed in this round trip and in the last one. */
  #peakBytes = 0
  #lastPeakBytes = 0
  #roundEndsAt = Number.NEGATIVE_INFINITY

  /** `packetBytes`: of a full packet. */
  constructor(packetBytes: number) {
    this.#packetBytes = packetBytes
    this.windowBytes = INITIAL_PACKETS * packetBytes
    this.#pace()
  }

  onSent(inFlightBytes: number): void {
    if (inFlightBytes > this.#peakBytes) this.#peakBytes = inFlightBytes
  }

  onAcked(news: AckNews): void {
    this.#rttMs = Math.max(1, news.rttMs)
    if (news.now >= this.#roundEndsAt) {
      this.#roundEndsAt = news.now + this.#rttMs
      this.#lastPeakBytes = this.#peakBytes
      this.#peakBytes = 0
    }
    if (Math.max(this.#peakBytes, this.#lastPeakBytes) >= USED_SHARE * this.windowBytes) {
      if (this.windowBytes < this.#threshold) this.windowBytes += news.ackedBytes
      else this.windowBytes += (this.#packetBytes * news.ackedBytes) / this.windowBytes
    }
    this.#pace()
  }

  onLost(sentAt: number, now: number): void {
    if (sentAt <= this.#recoveryAt) return
    this.#recoveryAt = now
    this.windowBytes = Math.max(LEAST_PACKETS * this.#packetBytes, this.windowBytes * DECREASE)
    this.#threshold = this.windowBytes
    this.#pace()
  }

  #pace(): void {
    const gain = this.windowBytes < this.#threshold ? START_GAIN : GAIN
    this.paceBytesPerSecond = (gain * this.windowBytes * 1000) / this.#rttMs
  }
}
