/** What one ack field tells a controller. One object is reused for all. */
export interface AckNews {
  /** Instant of its arrival, ms. */
  now: number
  /** Packets that it confirms for the first time, and their bytes. */
  ackedPackets: number
  ackedBytes: number
  /** Smoothed round trip, ms, queues included; a guess before the first sample. */
  rttMs: number
  /** Smallest round trip of the last 10 to 20 s, ms; a guess before the first sample. */
  rttMinMs: number
  /** Standing queue in our direction, ms: see `standing-queue.ts`; `NaN` while it is not known. */
  queueMs: number
  /** Jitter of our packets on their way, ms: so much of a queue may be chance. */
  noiseMs: number
  /** Bytes per second that the peer has confirmed of late; 0 while it is not known. */
  deliveryRate: number
}

/**
 * How much may be on its way. Strategy behind four verbs: a controller hears of packets, and says how many bytes may be
 * unconfirmed at once. It owns no timer and no packet; several pipes to one peer may share one.
 */
export interface CongestionController {
  /** A packet leaves. `inFlightBytes`: unconfirmed ones, this one included. */
  onSent(inFlightBytes: number, now: number): void
  onAcked(news: AckNews): void
  /** A packet counts as lost. */
  onLost(sentAt: number, now: number): void
  /** Bytes that may be unconfirmed at once; `Infinity` for no limit. */
  readonly windowBytes: number
  /** Rate at which that window is to be spread over time, bytes per second. */
  readonly paceBytesPerSecond: number
}
