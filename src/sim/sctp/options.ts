/**
 * What makes one SCTP stack different from another, as far as the age of a game's data depends on it. Numbers are in bytes and
 * milliseconds; windows count DATA chunks with their header of 16 bytes, padded to four.
 */
export interface SctpOptions {
  /** Largest SCTP packet, common header included: what is above it in one message is fragmented. */
  readonly mtuBytes: number
  /** Congestion window at the start, in MTUs (RFC 9260 section 7.2.1 allows 4,380 bytes; RFC 6928 made ten usual). */
  readonly initialWindowMtus: number
  /** Least congestion window after a loss told by SACKs, in MTUs (RFC 9260 section 7.2.3: 4). */
  readonly lossFloorMtus: number
  /** Most that one SACK may add in slow start, in MTUs. */
  readonly slowStartMtus: number
  /** The window also grows when it was left unused up to this much, in MTUs. */
  readonly unusedMtus: number
  /** Whether congestion avoidance goes on during fast recovery. */
  readonly growsInRecovery: boolean
  /** Whether a chunk leaves the window with its first missing report; else with its third. */
  readonly freesOnFirstReport: boolean
  /** Fills the last bytes of a window below this many MTUs with a fragment of a message; 0: sends only whole chunks. */
  readonly fragmentsBelowMtus: number
  /** Packets that may leave at one event. */
  readonly maxBurst: number
  /** T3 before the first round trip is measured. */
  readonly rtoInitialMs: number
  readonly rtoMinMs: number
  readonly rtoMaxMs: number
  /** Least of four variances in T3 (RFC 6298 calls it G). */
  readonly varianceFloorMs: number
  /**
   * Whether a T3 backed off stays so until a round trip is measured (RFC 9260 section 6.3.3), rather than until the next SACK
   * that moves the cumulative ack.
   */
  readonly keepsBackoff: boolean
  /**
   * Whether round trips are measured on one chunk at a time, and a chunk that is abandoned while it is measured leaves the
   * measurement open for ever. From then on T3 stays where it is, or doubles.
   */
  readonly losesMeasurement: boolean
  /** How long a SACK may be delayed. A second packet, or a gap, sends it at once. */
  readonly sackDelayMs: number
  /** Asks for SACKs without delay (the I bit, RFC 7053) while the window is below this many MTUs; 0: never. */
  readonly immediateSackMtus: number
  /** Whether this side heeds the I bit of the other. */
  readonly heedsImmediate: boolean
  /** Shortest time between two FORWARD-TSNs; also at most a round trip. 0: none. */
  readonly forwardTsnEveryMs: number
  /** A message over its lifetime is dropped from the queue before it is sent. */
  readonly expiresInQueue: boolean
  /**
   * A chunk over its lifetime is abandoned at the first gap report, without any word to congestion control, rather than when it
   * was reported missing three times. So a lifetime below the round trip switches congestion control off.
   */
  readonly expiresUnreported: boolean
  /**
   * Size of the send buffer, which holds what was sent and is not acked too; `bufferedAmount` counts only what this refuses.
   * `Infinity`: there is none, and `bufferedAmount` counts all that was not sent.
   */
  readonly sendBufferBytes: number
}

/**
 * dcSCTP as in Chromium. From `DcSctpOptions` (net/dcsctp/public/dcsctp_options.h): `mtu` 1191, of which multiples of four are
 * used; `cwnd_mtus_initial` 10; `cwnd_mtus_min` 4; `avoid_fragmentation_cwnd_mtus` 6; `immediate_sack_under_cwnd_mtus` 10; `max_burst` 4;
 * `rto_initial`, `rto_min` and `min_rtt_variance` 500, 400 and 220 ms; `delayed_ack_max_timeout` 200 ms. T3 backs off to 3 s at most
 * (`max_timer_backoff_duration`, set by WebRTC). Growth, missing reports and abandonment: `tx/retransmission_queue.cc` and
 * `tx/outstanding_data.cc`. FORWARD-TSN at most every 200 ms or round trip: `socket/transmission_control_block.cc`.
 */
export const DCSCTP: SctpOptions = {
  mtuBytes: 1188,
  initialWindowMtus: 10,
  lossFloorMtus: 4,
  slowStartMtus: 1,
  unusedMtus: 1,
  growsInRecovery: true,
  freesOnFirstReport: true,
  fragmentsBelowMtus: 6,
  maxBurst: 4,
  rtoInitialMs: 500,
  rtoMinMs: 400,
  rtoMaxMs: 3000,
  varianceFloorMs: 220,
  keepsBackoff: false,
  losesMeasurement: false,
  sackDelayMs: 200,
  immediateSackMtus: 10,
  heedsImmediate: true,
  forwardTsnEveryMs: 200,
  expiresInQueue: true,
  expiresUnreported: false,
  sendBufferBytes: Number.POSITIVE_INFINITY,
}

/**
 * usrsctp as libdatachannel (and so node-datachannel) sets it up. From libdatachannel (src/impl/sctptransport.cpp): MTU 1280 less IPv6,
 * UDP, DTLS and SCTP, initial window and burst 10, RTO 1 s at first, then 200 ms to 10 s, SACK delay 20 ms, send buffer 1 MiB. From
 * usrsctp (netinet/sctp_cc_functions.c): two MTUs after a loss, two a SACK in slow start, no growth in recovery. From
 * sctp_indata.c and sctp_timer.c: what `losesMeasurement`, `keepsBackoff` and `expiresUnreported` say. That a lifetime does not clear
 * its queue is measured, not read.
 */
export const LIBDATACHANNEL: SctpOptions = {
  mtuBytes: 1184,
  initialWindowMtus: 10,
  lossFloorMtus: 2,
  slowStartMtus: 2,
  unusedMtus: 0,
  growsInRecovery: false,
  freesOnFirstReport: false,
  fragmentsBelowMtus: 0,
  maxBurst: 10,
  rtoInitialMs: 1000,
  rtoMinMs: 200,
  rtoMaxMs: 10_000,
  varianceFloorMs: 0,
  keepsBackoff: true,
  losesMeasurement: true,
  sackDelayMs: 20,
  immediateSackMtus: 0,
  heedsImmediate: false,
  forwardTsnEveryMs: 0,
  expiresInQueue: false,
  expiresUnreported: true,
  sendBufferBytes: 1024 * 1024,
}

/** What one side of a channel promises of its messages; all are unordered. Left out: no limit. */
export interface SctpReliability {
  /** As `maxRetransmits` of a DataChannel. */
  readonly maxRetransmits?: number
  /** As `maxPacketLifeTime` of a DataChannel, ms. */
  readonly lifetimeMs?: number
}
