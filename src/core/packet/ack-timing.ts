import type { ChannelConfig } from '../config.ts'
import type { TickMeter } from '../recovery/tick-meter.ts'
import type { ReceivedPackets } from './received-packets.ts'

/** Bytes around a packet on the wire: IPv4 20, UDP 8, DTLS 37, SCTP 12, DATA 16. */
export const WIRE_OVERHEAD_BYTES = 93
/** Share of all bytes that early acks may take, and the most that may be saved up, bytes. */
const EARLY_SHARE = 0.05
const EARLY_CAP_BYTES = 2000
/** Pause between two acks while bulk comes in, ms: acks that wait for ticks cost a transfer 2 to 5 % of its time. */
const BULK_ACK_MS = 5
/** When the next tick is this near, ms, an early ack waits for it. */
const TICK_NEAR_MS = 2
/** Ticks further apart are slow, ms: those of 30 Hz and less. */
const SLOW_TICK_MS = 25
/** What is lost waits for a tick that is no further off than this, ms, even where ticks are slow. */
const TICK_FAR_MS = 8
/** An expected tick may be this late, ms. */
const TICK_LATE_MS = 4
/** The longest that an ack waits for a tick, ms. */
const MAX_ACK_DELAY_MS = 50

/**
 * When what came is acknowledged. The game's own packets carry acks for nothing; one of its own pays where a loss should be made
 * good before the next tick, and for the clock of a transfer, within a share of the bytes.
 */
export class AckTiming {
  readonly #ackDelayMs: number
  readonly #ticks: TickMeter
  readonly #received: ReceivedPackets
  /** Redundancy `lean`, `full` in some channel. */
  readonly #isLean: boolean
  readonly #isFull: boolean
  #tokens = EARLY_CAP_BYTES
  #peerWantsEarly = false
  /** Instant at which bulk that came in should be acknowledged, ms; `Infinity` when none did since the last report. */
  #bulkAt: number = Number.POSITIVE_INFINITY
  #reportedAt: number = Number.NEGATIVE_INFINITY
  /** Instant at which what came is acknowledged at the latest, ms; `Infinity` when nothing asks for it. */
  dueAt: number = Number.POSITIVE_INFINITY

  constructor(channels: readonly ChannelConfig[], ackDelayMs: number, ticks: TickMeter, received: ReceivedPackets) {
    this.#ackDelayMs = ackDelayMs
    this.#ticks = ticks
    this.#received = received
    this.#isLean = channels.some((channel) => channel.redundancy === 'lean')
    this.#isFull = channels.some((channel) => channel.redundancy === 'full')
  }

  /** Whether the peer should tell of losses at once: where we send again at once, or ticks, ours or the peer's, are slow. */
  get wantsEarly(): boolean {
    if (this.#isLean || !this.#isFull) return this.#isLean
    return this.#ticks.intervalMs > SLOW_TICK_MS || this.#received.spacingMs > SLOW_TICK_MS
  }

  /** Whether the next tick is so far off that a lost message should not wait for it. */
  isTickFar(now: number): boolean {
    return this.#ticks.intervalMs > SLOW_TICK_MS && this.#ticks.nextAt - now > TICK_FAR_MS
  }

  /** A packet of `packetBytes` was heard. `asks`: it wants an ack; `peerWantsEarly`: its sender wants to hear of losses at once. */
  onHeard(now: number, packetBytes: number, asks: boolean, isBulk: boolean, peerWantsEarly: boolean): void {
    this.#peerWantsEarly = peerWantsEarly
    if (isBulk) {
      if (this.#bulkAt === Number.POSITIVE_INFINITY) this.#bulkAt = Math.max(now, this.#reportedAt + BULK_ACK_MS)
      this.#save(packetBytes + WIRE_OVERHEAD_BYTES)
    }
    if (!asks) return
    const dueAt = now + this.#ackDelayMs
    const tickAt = this.#ticks.nextAt + TICK_LATE_MS
    this.dueAt = Math.min(this.dueAt, tickAt < dueAt ? dueAt : Math.min(tickAt, now + MAX_ACK_DELAY_MS))
  }

  /** Instant at which a loss or bulk should be told with a packet of its own, ms; `Infinity` when the next tick is soon enough. */
  earlyAt(now: number): number {
    if (this.#tokens < WIRE_OVERHEAD_BYTES) return Number.POSITIVE_INFINITY
    const lossAt = this.#peerWantsEarly ? this.#received.lossKnownAt : Number.POSITIVE_INFINITY
    const at = Math.max(now, Math.min(lossAt, this.#bulkAt))
    return this.#ticks.nextAt - at < TICK_NEAR_MS && this.#ticks.nextAt >= at ? Number.POSITIVE_INFINITY : at
  }

  /** A packet of ours has left. `hasReport`: it told what was heard; `isEarly`: that is all it was for. */
  onSent(now: number, wireBytes: number, hasReport: boolean, isEarly: boolean): void {
    if (hasReport) {
      this.#reportedAt = now
      this.#bulkAt = Number.POSITIVE_INFINITY
    }
    this.dueAt = Number.POSITIVE_INFINITY
    if (isEarly) this.#tokens -= wireBytes
    this.#save(wireBytes)
  }

  /** Early acks may take a share of bytes that were sent, or that came in as bulk. */
  #save(wireBytes: number): void {
    this.#tokens = Math.min(EARLY_CAP_BYTES, this.#tokens + EARLY_SHARE * wireBytes)
  }
}
