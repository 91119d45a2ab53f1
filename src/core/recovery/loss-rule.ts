import type { RttEstimator } from './rtt.ts'

/** Slack of the fallback timer beside the variance, ms: two ticks of a 60 Hz game. */
const FALLBACK_SLACK_MS = 34

/** What the rule needs to know of a sent packet. */
export interface InFlightPacket {
  readonly sequence: number
  readonly sentAt: number
}

/**
 * Which sent packets are lost. The receiver knows best, because it sees how late packets come: its lateness horizon says until
 * which of our instants everything has come that will come. Without its word a timer falls back on the round trip.
 */
export class LossRule {
  readonly #rtt: RttEstimator
  /** Our instant until which everything unacked is lost. */
  #horizonAt: number = Number.NEGATIVE_INFINITY

  constructor(rtt: RttEstimator) {
    this.#rtt = rtt
  }

  /** The peer's horizon, on our clock. */
  onHorizon(at: number): void {
    if (at > this.#horizonAt) this.#horizonAt = at
  }

  /**
   * Instant from which `packet`, not acked, counts as lost; −Infinity: at once. By the timer only a packet older than the
   * newest acked one is lost: of later ones nothing has been said yet.
   */
  lostAt(packet: InFlightPacket, newestAcked: number): number {
    if (packet.sentAt <= this.#horizonAt) return Number.NEGATIVE_INFINITY
    if (packet.sequence >= newestAcked) return Number.POSITIVE_INFINITY
    const rtt = this.#rtt
    const varianceMs = rtt.samples === 0 ? 0 : 4 * rtt.varianceMs
    return packet.sentAt + rtt.expectedMs + varianceMs + FALLBACK_SLACK_MS
  }

  /**
   * How long after being declared lost a packet's fate is final, ms: a late ack until then takes the verdict back. A round
   * trip, since SCTP below us holds packets back for that long when it sees loss; nobody waits for this verdict to resend.
   */
  get finalAfterMs(): number {
    return Math.max(30, this.#rtt.expectedMs, this.#rtt.samples === 0 ? 0 : 4 * this.#rtt.varianceMs)
  }
}
