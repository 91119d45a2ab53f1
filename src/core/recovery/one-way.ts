/** How long a minimum of the transit time is believed, ms; it is kept in two buckets. Drift of 50 ppm moves it by 0.5 ms. */
const BASE_BUCKET_MS = 5000
/** The smallest lateness of the last one to two of so many ms is that of a queue which stands; a burst is none. */
const QUEUE_BUCKET_MS = 25
/** Lateness histogram: width and number of bins. What is later counts as latest. */
const BIN_MS = 0.5
const BINS = 512
/**
 * Packets after which old lateness weighs half, about 1 s of a game. What was late while a window of SCTP opened, or a neighbour filled
 * a queue, puts the horizon off until it is forgotten; a longer memory is no better at telling late from lost.
 */
const HALF_LIFE = 64
/** Packets between two looks at the quantile: it moves slowly and costs a walk over the bins. */
const REFRESH = 16
/** Timestamps are 16 bits of 0.25 ms. */
const TIMESTAMP_WRAP_MS = 16_384
/** A longer pause between two packets is none of a rhythm, ms. */
const MAX_SPACING_MS = 100
/** Pauses in a row that make a rhythm: a ping and its answer make none. */
const RHYTHM = 8
/** Timer noise that must not look like lateness, ms. */
const GUARD_MS = 1
/** What a horizon loses on its way: the timestamp's grain of 0.25 ms and its own of 0.5 ms. A packet is overdue that much later. */
const GRAIN_MS = 0.75

/**
 * One-way delay of the peer's packets, relative to its own minimum, since the clocks' offset is not known: how late packets
 * come, and so from when on one that has not come is lost rather than late.
 */
export class OneWayMeter {
  #transitMs: number = Number.NaN
  #bucketMinMs = Number.POSITIVE_INFINITY
  #previousMinMs = Number.POSITIVE_INFINITY
  #bucketEndsAt = Number.NEGATIVE_INFINITY
  readonly #bins = new Float64Array(BINS)
  #binned = 0
  #sinceHalved = 0
  #quantileMs = BIN_MS
  #quantileShare = 0
  #refreshIn = 0
  #newest = -1
  #newestTimestampMs = 0
  #newestArrivedAt = 0
  #newestLatenessMs = 0
  #queueMs: number = Number.NaN
  #queuePreviousMs: number = Number.NaN
  #queueEndsAt: number = Number.NEGATIVE_INFINITY
  #spacingMs: number = Number.NaN
  /** Pauses in a row that may be of a rhythm. */
  #regular = 0

  /** A packet has come. `timestamp`: its sender's clock, 16 bits of 0.25 ms. */
  observe(sequence: number, timestamp: number, arrivedAt: number): void {
    const raw = arrivedAt - timestamp / 4
    const previous = this.#transitMs
    // The nearest candidate: a transit time does not jump by eight seconds.
    const transit = Number.isNaN(previous)
      ? raw
      : raw - Math.round((raw - previous) / TIMESTAMP_WRAP_MS) * TIMESTAMP_WRAP_MS
    this.#transitMs = transit
    this.#lowerBase(transit, arrivedAt)
    const lateness = transit - this.baseMs
    this.#bin(lateness)
    this.#stand(lateness, arrivedAt)
    if (sequence <= this.#newest) return
    const sentAt = arrivedAt - transit
    if (sequence === this.#newest + 1) this.#space(sentAt - this.#newestTimestampMs)
    this.#newest = sequence
    this.#newestTimestampMs = sentAt
    this.#newestArrivedAt = arrivedAt
    this.#newestLatenessMs = lateness
  }

  /** Smallest transit time of the last 5 to 10 s on the two clocks, ms; only differences from it mean anything. */
  get baseMs(): number {
    return Math.min(this.#bucketMinMs, this.#previousMinMs)
  }

  /** Smallest lateness of the last 25 to 50 ms with packets, ms; `NaN` before the first. */
  get queueMs(): number {
    return this.#queuePreviousMs < this.#queueMs ? this.#queuePreviousMs : this.#queueMs
  }

  /** About the longest usual pause between two of the peer's packets, ms, or `NaN`. */
  get spacingMs(): number {
    return this.#regular < RHYTHM ? Number.NaN : this.#spacingMs
  }

  /**
   * The lateness horizon at `now`, ms after the newest packet's timestamp: what the peer sent until then and has not come is
   * lost. `lossShare`: of the peer's packets; the fewer are lost, the later one may be before it counts as lost.
   */
  horizonMs(now: number, lossShare: number): number {
    const silentMs = now - this.#newestArrivedAt
    const lateMs = this.#lateMs(lossShare)
    this.#keep(lossShare, lateMs)
    // Later than packets ever are: a queue is filling, and what comes after is later still, at most by as much again.
    if (this.#newestLatenessMs > lateMs) return Math.max(0, silentMs / 2) - GUARD_MS
    return silentMs + this.#newestLatenessMs - lateMs - GUARD_MS
  }

  /**
   * Instant at which the packet after the newest one is overdue, ms: its horizon reaches that far then. `Infinity` when its time is not
   * known.
   */
  overdueAt(lossShare: number): number {
    const { spacingMs } = this
    if (Number.isNaN(spacingMs)) return Number.POSITIVE_INFINITY
    const slackMs = this.#lateMs(lossShare) - this.#newestLatenessMs
    const silentMs = slackMs < 0 ? 2 * (spacingMs + GUARD_MS) : spacingMs + slackMs + GUARD_MS
    return this.#newestArrivedAt + silentMs + GRAIN_MS
  }

  /** Lateness that a packet exceeds with a chance well below that of being lost. */
  #lateMs(lossShare: number): number {
    return this.#isFresh(lossShare) ? this.#quantileMs : this.#quantile(shareOf(lossShare))
  }

  /** Keeps a looked up lateness. Only where a packet is written: to ask for a deadline must change nothing. */
  #keep(lossShare: number, lateMs: number): void {
    if (this.#isFresh(lossShare)) return
    this.#refreshIn = REFRESH
    this.#quantileShare = shareOf(lossShare)
    this.#quantileMs = lateMs
  }

  #isFresh(lossShare: number): boolean {
    return this.#refreshIn > 0 && Math.abs(shareOf(lossShare) - this.#quantileShare) <= 0.02
  }

  #quantile(share: number): number {
    let rest = share * this.#binned
    for (let i = 0; i < BINS; i++) {
      rest -= this.#bins[i]!
      if (rest <= 0) return (i + 1) * BIN_MS
    }
    return BINS * BIN_MS
  }

  #bin(latenessMs: number): void {
    this.#refreshIn--
    const bin = Math.min(BINS - 1, Math.max(0, Math.floor(latenessMs / BIN_MS)))
    this.#bins[bin]!++
    this.#binned++
    if (++this.#sinceHalved < HALF_LIFE) return
    this.#sinceHalved = 0
    this.#binned = 0
    for (let i = 0; i < BINS; i++) {
      this.#bins[i]! /= 2
      this.#binned += this.#bins[i]!
    }
  }

  #stand(latenessMs: number, now: number): void {
    if (now >= this.#queueEndsAt) {
      this.#queuePreviousMs = this.#queueMs
      this.#queueMs = latenessMs
      this.#queueEndsAt = now + QUEUE_BUCKET_MS
    } else if (latenessMs < this.#queueMs) {
      this.#queueMs = latenessMs
    }
  }

  #lowerBase(transitMs: number, now: number): void {
    if (now >= this.#bucketEndsAt) {
      this.#previousMinMs = now - this.#bucketEndsAt < BASE_BUCKET_MS ? this.#bucketMinMs : Number.POSITIVE_INFINITY
      this.#bucketMinMs = transitMs
      this.#bucketEndsAt = now + BASE_BUCKET_MS
    } else if (transitMs < this.#bucketMinMs) {
      this.#bucketMinMs = transitMs
    }
  }

  /** A maximum that decays: bursts within a tick must not make the next tick look overdue. */
  #space(gapMs: number): void {
    const gap = Math.max(0, gapMs)
    if (gap > MAX_SPACING_MS) {
      this.#spacingMs = Number.NaN
      this.#regular = 0
      return
    }
    this.#regular++
    if (!(gap <= this.#spacingMs)) this.#spacingMs = gap
    else this.#spacingMs += (gap - this.#spacingMs) / 64
  }
}

/** Share of packets that are to come within the lateness, by the share that is lost. */
function shareOf(lossShare: number): number {
  return Math.min(0.995, Math.max(0.8, 1 - 0.7 * lossShare))
}
