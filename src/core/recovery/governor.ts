import { INITIAL_RTT_MS, type RttEstimator } from './rtt.ts'

/**
 * Hearing nothing for so many of the peer's packets longer than a round trip means that nothing gets through, and for so many ms at
 * least: nine ticks at 60 Hz. A burst of losses is no silence, nor one of acks that come more rarely.
 */
const SILENCE_PACKETS = 9
const SILENCE_MS = 150
/** Where losses come in bursts, silence is what is longer than this many of them: one in twenty is (exponential lengths). */
const SILENCE_BURSTS = 3
/** No burst longer than this is waited for, ms. */
const MOST_BURST_MS = 500
/** A longer pause between two packets is none of a rhythm, ms. */
const MOST_SPACING_MS = 100
/**
 * Time between two pings into a silence, ms, and as a share of its length, whichever is more. The window of one packet that SCTP's
 * timer leaves lets some twenty of them pass.
 */
const PING_MS = 150
const PING_SHARE = 0.15
/** Shortest round that is looked at as a whole, ms. */
const LEAST_ROUND_MS = 100
/** What a tick held back leaves of the rate that was delivered, and what rounds without one add: the first so much, the next twice. */
const DECREASE = 0.85
const GROWTH = 0.15
/** Share of the best delivery that each round forgets: a stall of a few rounds says nothing of what the layer below carries else. */
const FORGETS = 0.1
/** Rounds in a row in which the rate kept nothing back: it is none any more. */
const IDLE_ROUNDS = 4
/** Ticks for which a full packet saves up at the lowest rate. */
const LEAST_RATE_TICKS = 4
/** A queue in our direction above this, although the layer below holds nothing back, lowers the rate too, ms. */
const HIDDEN_QUEUE_MS = 200
/** If it has not moved by this much, ms, in so many rounds at a lower rate, it is no queue of ours: the path has become longer. */
const HIDDEN_ROUNDS = 4
const MOVED_MS = 30
/** Least bytes of a packet that is made smaller. */
const LEAST_PACKET_BYTES = 256

/** What is known of the losses in the peer's direction. */
export interface PeerLosses {
  /** Mean run of lost packets, packets a tick apart; `NaN` before a loss. */
  readonly burstDown: number
}

/** Why the governor holds the game's data back. */
export type Hold =
  | 'nothing'
  /** Nothing comes back: what is handed down now would lie there, and be old when the path is back. */
  | 'silence'
  /** The layer below carries less than the game sends: this tick is left out, so that the next packet leaves at once. */
  | 'share'

/**
 * Finds what the association below carries at the present round trip and loss, without being told: SCTP's congestion window and its
 * timers decide that, and show only by holding packets back. A tick that finds the last packet still there lowers the rate below
 * what was delivered in the last rounds; rounds without raise it. So packets leave evenly and wait nowhere, instead of in pairs
 * of which the second ages in SCTP's queue (the aim of age-optimal sampling, Sun and others 2017: wait, then send fresh).
 *
 * And it notices when nothing gets through: then only pings leave, small enough for a window of one packet, so that no state
 * waits below for the retransmission timer and arrives first when the path is back.
 */
export class Governor {
  readonly #rtt: RttEstimator
  readonly #path: PeerLosses
  readonly #packetBytes: number
  readonly #isOff: boolean
  /** Instant since which an answer is awaited and nothing was heard, ms, and how much longer that is no silence. */
  #awaitedSince = Number.POSITIVE_INFINITY
  #patienceMs: number
  #isHeard = false
  #isAwaiting = false
  #heardAt: number
  /** Smoothed pause between packets of the peer, ms. */
  #spacingMs = 0
  /** Bytes per second that leave; `Infinity`: not limited. */
  bytesPerSecond: number = Number.POSITIVE_INFINITY
  #tokens = 0
  #filledAt: number
  #tickMs = 1000 / 60
  /** In this round: a tick was held back below, one was left out, bulk was sent. */
  #isHeld = false
  #hasSkipped = false
  #hasBulk = false
  #idleRounds = 0
  #roundAt: number
  #ackedBytes = 0
  /** Best delivery of the last rounds, bytes per second. */
  #delivered = 0
  /** Queue that the path has of itself, ms. */
  #pathQueueMs = 0
  /** Rounds in a row with a hidden queue, and what it was in the first, ms. */
  #hiddenRounds = 0
  #hiddenQueueMs = 0
  /** Rounds since one in which packets were held back below, up to a few. */
  #freeRounds = Number.POSITIVE_INFINITY

  /** `packetBytes`: of a full packet. One that is off holds nothing back. */
  constructor(rtt: RttEstimator, path: PeerLosses, packetBytes: number, isOff: boolean, now: number) {
    this.#rtt = rtt
    this.#path = path
    this.#isOff = isOff
    this.#patienceMs = isOff ? Number.POSITIVE_INFINITY : INITIAL_RTT_MS + SILENCE_MS
    this.#packetBytes = packetBytes
    this.#filledAt = now
    this.#roundAt = now
    this.#heardAt = now
  }

  /** A packet that asks for an answer has left. Bulk has a rate of its own, and what it fills is not the game's fault. */
  onSent(bytes: number, isBulk: boolean, now: number): void {
    if (this.#awaitedSince === Number.POSITIVE_INFINITY) this.#awaitedSince = now
    if (isBulk) this.#hasBulk = true
    else this.#tokens = Math.max(-this.#packetBytes, this.#tokens - bytes)
  }

  /** Bytes that the peer has confirmed. */
  onAcked(bytes: number): void {
    this.#ackedBytes += bytes
  }

  /** A packet of the peer has come; `isAwaiting`: an answer to one of ours is still due. Its instant is that of the next `update`. */
  onHeard(isAwaiting: boolean): void {
    this.#isHeard = true
    this.#isAwaiting = isAwaiting
  }

  /** Time passes. */
  update(now: number): void {
    if (!this.#isHeard) return
    this.#isHeard = false
    this.#spacingMs += (Math.min(MOST_SPACING_MS, now - this.#heardAt) - this.#spacingMs) / 8
    this.#heardAt = now
    this.#awaitedSince = this.#isAwaiting ? now : Number.POSITIVE_INFINITY
  }

  /** A further pipe is in use: what the others carried says nothing of it. */
  onNewPipe(): void {
    this.bytesPerSecond = Number.POSITIVE_INFINITY
    this.#tokens = Math.max(0, this.#tokens)
  }

  /** Something waits that should have left at this instant, and the layer below still holds earlier packets. */
  onHeld(): void {
    this.#isHeld = true
  }

  /** The game's tick begins, and the layer below is free. `queueMs`: see `standing-queue.ts`, may be `NaN`. */
  onTick(tickMs: number, queueMs: number, now: number): void {
    this.#tickMs = tickMs
    if (this.bytesPerSecond < Number.POSITIVE_INFINITY) {
      const tokens = this.#tokens + ((now - this.#filledAt) / 1000) * this.bytesPerSecond
      // What a tick may send at this rate, with its last packet whole.
      const mostTokens = (this.bytesPerSecond * tickMs) / 1000 - this.#packetBytes / 2
      this.#tokens = Math.min(Math.max(this.#packetBytes / 2, mostTokens), tokens)
    }
    this.#filledAt = now
    if (now < this.#roundAt + Math.max(LEAST_ROUND_MS, this.#rtt.expectedMs)) return
    this.#endRound(queueMs >= 0 && this.#isQueueHidden(queueMs), now)
  }

  /**
   * What the layer below carries, bytes per second: as was delivered of late while it holds packets back, but at least what it is
   * `expected` to carry, since less may have been asked of it; else that. `expected` may be `Infinity`: no limit is known.
   */
  carriedBytesPerSecond(expected: number): number {
    if (this.#freeRounds > 1) return this.#isOff ? Number.POSITIVE_INFINITY : expected
    return Math.max(this.#delivered, this.#leastBytesPerSecond, expected < Number.POSITIVE_INFINITY ? expected : 0)
  }

  /** Why the game's data may not leave now. */
  hold(now: number): Hold {
    if (now >= this.#awaitedSince + this.#patienceMs) return 'silence'
    return this.bytesPerSecond === Number.POSITIVE_INFINITY || this.#tokens > 0 ? 'nothing' : 'share'
  }

  /** Something had to wait because of `share`. */
  onSkipped(): void {
    this.#hasSkipped = true
  }

  /** Bytes after which a packet is closed although more would fit, so that all ticks get their part; `Infinity`: none. */
  get softPacketBytes(): number {
    return Math.max(LEAST_PACKET_BYTES, (this.bytesPerSecond * this.#tickMs) / 1000)
  }

  /** Instant at which a ping should try the path, ms; `lastAskedAt`: of the last packet that asked for an answer. */
  pingAt(lastAskedAt: number): number {
    const silentAt = this.#awaitedSince + this.#patienceMs
    if (silentAt === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
    return Math.max(silentAt, lastAskedAt + Math.max(PING_MS, PING_SHARE * (lastAskedAt - this.#awaitedSince)))
  }

  get #leastBytesPerSecond(): number {
    return (this.#packetBytes * 1000) / (LEAST_RATE_TICKS * this.#tickMs)
  }

  /** A round has ended with a queue on the way although nothing was held back: does the layer below not tell of it? */
  #isQueueHidden(queueMs: number): boolean {
    if (queueMs < this.#pathQueueMs) this.#pathQueueMs = queueMs
    if (queueMs < this.#pathQueueMs + HIDDEN_QUEUE_MS || this.#hasBulk) {
      this.#hiddenRounds = 0
      return false
    }
    if (this.#hiddenRounds++ === 0) this.#hiddenQueueMs = queueMs
    if (this.#hiddenRounds <= HIDDEN_ROUNDS) return true
    this.#hiddenRounds = 0
    if (Math.abs(queueMs - this.#hiddenQueueMs) > MOVED_MS) return true
    this.#pathQueueMs = queueMs
    return false
  }

  #endRound(isHidden: boolean, now: number): void {
    const delivered = (this.#ackedBytes * 1000) / (now - this.#roundAt)
    this.#delivered = Math.max((1 - FORGETS) * this.#delivered, delivered)
    this.#ackedBytes = 0
    if (isHidden) this.#isHeld = true
    const { samples, expectedMs, varianceMs } = this.#rtt
    const { burstDown } = this.#path
    const lossesMs = burstDown >= 1 ? Math.min(MOST_BURST_MS, SILENCE_BURSTS * burstDown * this.#spacingMs) : 0
    const burstMs = Math.max(SILENCE_MS, SILENCE_PACKETS * this.#spacingMs, lossesMs)
    if (!this.#isOff) this.#patienceMs = expectedMs + Math.max(burstMs, samples === 0 ? 0 : 4 * varianceMs)
    this.#roundAt = now
    this.#freeRounds = this.#isHeld ? 0 : this.#freeRounds + 1
    if (this.#isHeld && !this.#hasBulk && !this.#isOff) {
      // A queue that nobody tells of has to become shorter, so it is the rate of now that counts.
      const carried = DECREASE * (isHidden ? delivered : this.#delivered)
      this.bytesPerSecond = Math.min(this.bytesPerSecond, Math.max(this.#leastBytesPerSecond, carried))
      this.#tokens = Math.min(0, this.#tokens)
      this.#idleRounds = 0
    } else if (this.bytesPerSecond < Number.POSITIVE_INFINITY) {
      this.#idleRounds = this.#hasSkipped ? 0 : this.#idleRounds + 1
      this.bytesPerSecond *= 1 + GROWTH * 2 ** Math.min(3, this.#freeRounds - 1)
      if (this.#idleRounds >= IDLE_ROUNDS) this.bytesPerSecond = Number.POSITIVE_INFINITY
    }
    this.#isHeld = false
    this.#hasSkipped = false
    this.#hasBulk = false
  }
}
