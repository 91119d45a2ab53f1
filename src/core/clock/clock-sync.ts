import { OneWayMinimum } from './one-way-minimum.ts'

/** Timestamps are 16 bits of 0.25 ms, cut off below. */
const TIMESTAMP_MS = 0.25
const TIMESTAMP_WRAP_MS = 16_384
/** Ack delays up to this are in steps of 0.25 ms, longer ones in steps of 1 ms. */
const FINE_DELAY_MS = 48
/** Most that crystals drift apart, ms per ms; a computer's is within 0.0001. */
const MOST_DRIFT = 5e-4
/** Offsets kept to measure the drift: one each 5 s, for a minute, the first when the minima have settled; fewer than three say nothing. */
const FIRST_ANCHOR_MS = 3000
const ANCHOR_MS = 5000
const ANCHORS = 12
const ENOUGH_ANCHORS = 3
/** A round trip cannot be shorter than nothing: two minima that say so are of a clock before and after a jump. */
const CONTRADICTION_MS = -1
/** Corrections, ms per ms: of small errors later on, and of large ones and in the first second. */
const SLOW = 0.05
const FAST = 0.5
const LARGE_MS = 50
const YOUNG_MS = 1000
/** Least time between two estimates after that, ms. */
const PAUSE_MS = 250
/** When we are this far behind, the clock steps forward: the page slept. */
const STEP_MS = 1000
/** Round trip of the handshake that is believed, ms: a server may take its time to let us in. */
const MOST_HANDSHAKE_MS = 250

/**
 * The peer's clock, from packets that travel anyway: the smallest transit times of the last 3 s each way, apart, so that one good
 * packet in each direction is enough, and the drift between the two clocks. Half their difference is the offset; half their sum
 * bounds its error, since nothing tells a slow way there from a slow way back.
 *
 *     ours   ──●───────────────────●──▶        up   = heard there (their clock) − sent (ours)    = offset + way there
 *           sent╲                 ╱arrived     down = arrived (ours) − sent there (theirs)       = way back − offset
 *     theirs ────●───ack delay──●─────▶        offset = (min up − min down) / 2
 *              heard          sent
 *
 * What it shows never runs backwards: errors are slewed away, at most 50 ms a second, faster in the first second and when large.
 */
export class ClockSync {
  readonly #isReference: boolean
  readonly #up = new OneWayMinimum()
  readonly #down = new OneWayMinimum()
  #hasBoth = false
  #startedAt = Number.NaN
  /** The estimate: offset at an instant, and its slope. */
  #offsetMs = Number.NaN
  #estimatedAt = 0
  #drift = 0
  /** Instant on the peer's clock at which the present packet left. */
  #peerAt: number = Number.NaN
  #boundMs = Number.POSITIVE_INFINITY
  /** What is shown differs from the estimate by so much at that instant, and comes nearer at this rate. */
  #lagMs = 0
  #rate = SLOW
  readonly #anchorAts: number[] = []
  readonly #anchorOffsets: number[] = []

  /** `isReference`: ours is the clock that both ends go by, as on a server. */
  constructor(isReference: boolean) {
    this.#isReference = isReference
    if (isReference) this.#boundMs = 0
  }

  /** Whether {@link at} means anything: from the handshake on. */
  get isSynced(): boolean {
    return this.#isReference || !Number.isNaN(this.#offsetMs)
  }

  /** Rate of the peer's clock against ours, parts per million: positive when it is faster. 0 until it is known, after 10 s. */
  get driftPpm(): number {
    return this.#drift * 1e6
  }

  /** The shared time at our instant `now`, ms: the server's clock. `NaN` until synced. Grows with `now`, always. */
  at(now: number): number {
    return this.#isReference ? now : now + this.offsetAt(now) + this.#lagAt(now)
  }

  /** Best estimate of the peer's clock minus ours at `now`, ms, with no regard to what was shown before. */
  offsetAt(now: number): number {
    return this.#isReference ? 0 : this.#offsetMs + this.#drift * (now - this.#estimatedAt)
  }

  /** Bound of the error of {@link at}, ms: half of what the fastest packets took there and back, and what is still slewed. */
  errorAt(now: number): number {
    return this.#boundMs + Math.abs(this.#lagAt(now))
  }

  /** The welcome has come, stamped with the server's clock; the last hello went out at `helloAt`. */
  start(peerClockMs: number, helloAt: number, now: number): void {
    if (this.#isReference) return
    const tripMs = Math.min(MOST_HANDSHAKE_MS, Math.max(0, now - helloAt))
    this.#startedAt = now
    this.#offsetMs = peerClockMs - now + tripMs / 2
    this.#estimatedAt = now
    this.#boundMs = Math.max(tripMs, MOST_HANDSHAKE_MS / 2)
    this.#down.sampleMs = now - peerClockMs
    this.#down.observe(now)
  }

  /** A packet of the peer's has come, whether it acknowledges or not. `timestamp`: its clock, 16 bits of 0.25 ms. */
  onArrival(timestamp: number, now: number): void {
    if (Number.isNaN(this.#offsetMs)) return
    this.#place(timestamp, now)
    this.#down.sampleMs = now - this.#peerAt
    if (this.#down.observe(now) && this.#hasBoth) this.#estimate(now)
  }

  /** The peer acknowledged a packet sent at `sentAt`, `ackDelayMs` after it came, in a packet stamped `timestamp`. */
  onAck(timestamp: number, ackDelayMs: number, sentAt: number, now: number): void {
    if (Number.isNaN(this.#offsetMs)) return
    // Both readings are rounded: the latest instant that they allow, so that no minimum is too small.
    const roundedMs = TIMESTAMP_MS + (ackDelayMs <= FINE_DELAY_MS ? 0.125 : 0.5)
    this.#place(timestamp, now)
    this.#up.sampleMs = this.#peerAt + roundedMs - ackDelayMs - sentAt
    this.#hasBoth = true
    if (this.#up.observe(now)) this.#estimate(now)
  }

  /** Sets `#peerAt` to the instant nearest to the present one on the peer's clock that ends in these 16 bits. */
  #place(timestamp: number, now: number): void {
    const low = timestamp * TIMESTAMP_MS
    const turns = (now + this.#offsetMs + this.#drift * (now - this.#estimatedAt) - low) / TIMESTAMP_WRAP_MS
    this.#peerAt = low + Math.round(turns) * TIMESTAMP_WRAP_MS
  }

  #estimate(now: number): void {
    if (now < this.#estimatedAt + PAUSE_MS && now > this.#startedAt + YOUNG_MS) return
    this.#up.find(now, this.#drift)
    this.#down.find(now, -this.#drift)
    const up = this.#up.leastMs
    const down = this.#down.leastMs
    if (up + down < CONTRADICTION_MS) {
      this.#forget()
      return
    }
    // One direction has been silent for the whole window: half an estimate is none.
    if (!Number.isFinite(up + down)) return
    const shown = this.at(now)
    this.#offsetMs = (up - down) / 2
    this.#estimatedAt = now
    this.#boundMs = Math.max(0, up + down) / 2 + TIMESTAMP_MS
    this.#measureDrift(now)
    const lagMs = shown - now - this.#offsetMs
    this.#lagMs = lagMs < -STEP_MS ? 0 : lagMs
    this.#rate = Math.abs(lagMs) > LARGE_MS || now - this.#startedAt < YOUNG_MS ? FAST : SLOW
  }

  /** What the shown time is ahead of the estimate, ms. */
  #lagAt(now: number): number {
    const left = Math.max(0, Math.abs(this.#lagMs) - this.#rate * Math.max(0, now - this.#estimatedAt))
    return this.#lagMs < 0 ? -left : left
  }

  /** A clock has jumped: what was measured before it says nothing about after. The shown time goes on from where it is. */
  #forget(): void {
    this.#up.clear()
    this.#down.clear()
    this.#hasBoth = false
    this.#anchorAts.length = 0
    this.#anchorOffsets.length = 0
  }

  /** The slope of the offset over the last minute, by least squares. */
  #measureDrift(now: number): void {
    const ats = this.#anchorAts
    const offsets = this.#anchorOffsets
    if (now < (ats.length === 0 ? this.#startedAt + FIRST_ANCHOR_MS : ats[ats.length - 1]! + ANCHOR_MS)) return
    if (ats.length === ANCHORS) {
      ats.shift()
      offsets.shift()
    }
    ats.push(now)
    offsets.push(this.#offsetMs)
    if (ats.length < ENOUGH_ANCHORS) return
    const last = offsets.length - 1
    let sumT = 0
    let sumO = 0
    for (let i = 0; i <= last; i++) {
      sumT += ats[i]! - now
      sumO += offsets[i]! - offsets[last]!
    }
    let products = 0
    let squares = 0
    for (let i = 0; i <= last; i++) {
      const t = ats[i]! - now - sumT / ats.length
      products += t * (offsets[i]! - offsets[last]! - sumO / ats.length)
      squares += t * t
    }
    this.#drift = Math.max(-MOST_DRIFT, Math.min(MOST_DRIFT, products / squares))
  }
}
