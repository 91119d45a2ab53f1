// Loss rules of others, for an endpoint's `lossRule`: what a timer does in the same core, on the same packets.

/**
 * @typedef {import('../src/index.ts').LossRule} LossRule
 * @typedef {import('../src/index.ts').RoundTrip} RoundTrip
 * @typedef {import('../src/index.ts').SentPacketTimes} SentPacketTimes
 */

/** Clock granularity G of RFC 6298, ms. */
const GRANULARITY_MS = 1
/** Floor of the timeout and the guess before the first sample, ms (RFC 6298 section 2.1). */
const RTO_MIN_MS = 100
const RTO_FIRST_MS = 1000
/** How long an ack is waited for after a packet was taken for lost, ms. */
const LATE_ACK_MS = 1000

/** Every packet is lost so long after it was sent, whatever the peer says. */
class Timer {
  #timeoutMs

  /** @param {() => number} timeoutMs */
  constructor(timeoutMs) {
    this.#timeoutMs = timeoutMs
  }

  onHorizon() {}

  /** @param {SentPacketTimes} packet */
  lostAt(packet) {
    return packet.sentAt + this.#timeoutMs()
  }

  /** Where the round trip is longer than the timeout, the first ack comes this late. */
  get finalAfterMs() {
    return LATE_ACK_MS
  }
}

/**
 * A message is sent again each 100 ms (yojimbo, pickleback).
 * @returns {LossRule}
 */
export function fixed100() {
  return new Timer(() => 100)
}

/**
 * The timeout of RFC 6298, with a floor of 100 ms (fastnet).
 * @param {RoundTrip} path
 * @returns {LossRule}
 */
export function rto(path) {
  return new Timer(() => {
    if (path.samples === 0) return RTO_FIRST_MS
    return Math.max(RTO_MIN_MS, path.smoothedMs + Math.max(GRANULARITY_MS, 4 * path.varianceMs))
  })
}
