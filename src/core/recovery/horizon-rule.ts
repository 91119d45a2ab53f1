import type { LossRule, SentPacketTimes } from '../config.ts'
import type { RttEstimator } from './rtt.ts'

/** Slack of the fallback timer, ms: two ticks of a 60 Hz game. */
const FALLBACK_SLACK_MS = 34
/** A loss is never final sooner than this after it was declared, ms. */
const LEAST_FINAL_MS = 30

/**
 * Which sent packets are lost. The receiver knows best, because it sees how late packets come: its lateness horizon says until
 * which of our instants everything has come that will come. Without its word a timer falls back on the round trip.
 */
export class HorizonRule implements LossRule {
  readonly #rtt: RttEstimator
  /** Our instant until which everything unacked is lost. */
  #horizonAt: number = Number.NEGATIVE_INFINITY

  constructor(rtt: RttEstimator) {
    this.#rtt = rtt
  }

  onHorizon(at: number): void {
    if (at > this.#horizonAt) this.#horizonAt = at
  }

  /** By the timer only a packet older than the newest acked one is lost: of later ones nothing has been said yet. */
  lostAt(packet: SentPacketTimes, newestAcked: number): number {
    if (packet.sentAt <= this.#horizonAt) return Number.NEGATIVE_INFINITY
    if (packet.sequence >= newestAcked) return Number.POSITIVE_INFINITY
    return packet.sentAt + this.#rtt.rtoMs + FALLBACK_SLACK_MS
  }

  /** A round trip, since SCTP below us holds packets back for that long when it sees loss; nobody waits for this to resend. */
  get finalAfterMs(): number {
    return Math.max(LEAST_FINAL_MS, this.#rtt.expectedMs, this.#rtt.samples === 0 ? 0 : 4 * this.#rtt.varianceMs)
  }
}
