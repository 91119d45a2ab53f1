import type { CongestionMode } from '../config.ts'
import type { EndpointStats, SendLimit } from '../stats.ts'
import { ACK_WINDOW } from '../wire/layout.ts'
import { AimdController } from './aimd-controller.ts'
import type { AckNews, CongestionController } from './congestion.ts'
import { DelayController } from './delay-controller.ts'
import { DeliveryRate } from './delivery-rate.ts'
import { FixedController } from './fixed-controller.ts'
import { Pacer } from './pacer.ts'
import { INITIAL_RTT_MS, type RttEstimator } from './rtt.ts'
import { StandingQueue } from './standing-queue.ts'

/** Packets that may be in flight: three quarters of the ring, so that none is overwritten before its fate is known. */
const MAX_IN_FLIGHT = (ACK_WINDOW * 3) / 4
/** The last of those are not for bulk. */
const MAX_BULK_IN_FLIGHT = MAX_IN_FLIGHT - 64
/** Time worth of bytes that may leave at once under a ceiling, ms, and at least this many packets. */
const BURST_MS = 50
const BURST_PACKETS = 16
/** Of those, packets that bulk leaves to the game. */
const RESERVED_PACKETS = 4
/** Bulk leaves in steps of this length, ms: about the shortest that timers keep in a page. */
const STEP_MS = 4
/** Steps that may be made good when a timer is late, and packets that a pause may save up. */
const SAVED_STEPS = 2
const SAVED_PACKETS = 2

/** The controller of a mode. `packetBytes`: of a full packet; `bytesPerSecond`: the budget of mode `fixed`. */
export function createController(
  mode: CongestionMode,
  packetBytes: number,
  bytesPerSecond: number,
): CongestionController {
  if (mode === 'fixed') return new FixedController(bytesPerSecond)
  return mode === 'aimd' ? new AimdController(packetBytes) : new DelayController(packetBytes)
}

/**
 * Whether a packet may leave now, and when the next one may. The game's own packets need room in the window beside each other,
 * not beside bulk; bulk takes what the window has left, in steps. A ceiling, if there is one, holds for both.
 */
export class SendBudget {
  readonly #controller: CongestionController
  readonly #stats: EndpointStats
  readonly #rtt: RttEstimator
  readonly #packetBytes: number
  readonly #ceiling: Pacer
  readonly #queue = new StandingQueue()
  readonly #delivery = new DeliveryRate()
  readonly #news: AckNews = {
    now: 0,
    ackedPackets: 0,
    ackedBytes: 0,
    rttMs: 0,
    rttMinMs: 0,
    queueMs: Number.NaN,
    noiseMs: 0,
    deliveryRate: 0,
  }
  #ackedPackets = 0
  #ackedBytes = 0
  /** A packet's arrival has been told since the last ack field. */
  #hasNews = false
  /** Rate of bulk while it is not held up by the window. */
  bulkBytesPerSecond = 0
  /** Bytes that bulk may send now; below 0 after a whole packet. */
  #bulkTokens = 0
  #filledAt: number

  constructor(
    controller: CongestionController,
    bytesPerSecond: number,
    packetBytes: number,
    rtt: RttEstimator,
    stats: EndpointStats,
    now: number,
  ) {
    this.#controller = controller
    this.#rtt = rtt
    this.#stats = stats
    this.#packetBytes = packetBytes
    this.#ceiling = new Pacer(
      bytesPerSecond,
      Math.max(BURST_PACKETS * packetBytes, (bytesPerSecond * BURST_MS) / 1000),
      now,
    )
    this.#bulkTokens = SAVED_PACKETS * packetBytes
    this.#filledAt = now
    this.#tell()
  }

  /** Lets time pass. */
  refill(now: number): void {
    this.#ceiling.refill(now)
    if (now <= this.#filledAt) return
    const rate = this.bulkBytesPerSecond / 1000
    const most = Math.max(SAVED_PACKETS * this.#packetBytes, SAVED_STEPS * STEP_MS * rate)
    this.#bulkTokens = Math.min(most, this.#bulkTokens + rate * (now - this.#filledAt))
    this.#filledAt = now
  }

  /** Bytes that must leave before the ceiling lets anything go. */
  get debtBytes(): number {
    return this.#ceiling.debtBytes
  }

  /** What keeps a packet of the game from leaving; `bulkBytes`: of the bytes in flight. */
  gameLimit(bulkBytes: number): SendLimit {
    const { packetsInFlight, bytesInFlight } = this.#stats
    if (packetsInFlight >= MAX_IN_FLIGHT) return 'packets'
    if (!this.#ceiling.isOpen) return 'rate'
    return bytesInFlight - bulkBytes < this.#controller.windowBytes ? 'nothing' : 'window'
  }

  /** What keeps a packet of bulk from leaving. */
  get bulkLimit(): SendLimit {
    if (this.#stats.packetsInFlight >= MAX_BULK_IN_FLIGHT) return 'packets'
    if (this.#stats.bytesInFlight + this.#packetBytes > this.#controller.windowBytes) return 'window'
    if (this.#ceiling.tokens <= RESERVED_PACKETS * this.#packetBytes) return 'rate'
    return this.#bulkTokens > 0 ? 'nothing' : 'pace'
  }

  /** Instant at which the ceiling lets the next packet of the game go, ms. */
  get gameAt(): number {
    return this.#ceiling.opensAt
  }

  /** Instant at which the next packet of bulk may leave, ms; `Infinity` when only news of the path can bring it. */
  get bulkAt(): number {
    const limit = this.bulkLimit
    if (limit === 'nothing') return this.#filledAt
    if (limit === 'rate') return this.#ceiling.holdsAt(RESERVED_PACKETS * this.#packetBytes)
    if (limit !== 'pace') return Number.POSITIVE_INFINITY
    return this.#filledAt + Math.max(STEP_MS, ((1 - this.#bulkTokens) / this.bulkBytesPerSecond) * 1000)
  }

  /** A packet has left, and counts as in flight. */
  onSent(bytes: number, isBulk: boolean, now: number): void {
    this.#ceiling.spend(bytes)
    if (isBulk) this.#bulkTokens -= bytes
    this.#controller.onSent(this.#stats.bytesInFlight, now)
    if (isBulk) this.#tell()
  }

  /** A packet is confirmed; `onAck` follows when its ack field is through. */
  onPacketAcked(bytes: number): void {
    this.#ackedPackets++
    this.#ackedBytes += bytes
    this.#delivery.add(bytes)
  }

  onPacketLost(sentAt: number, now: number): void {
    this.#controller.onLost(sentAt, now)
    this.#tell()
  }

  /**
   * The newest packet confirmed, sent at `sentAt`, arrived at `arrivedAt`, ms on the peer's clock in its low 16,384. `isHeld`: it
   * waited below us before it left.
   */
  onArrival(sentAt: number, arrivedAt: number, now: number, isHeld = false): void {
    this.#queue.observe(sentAt, arrivedAt, now, isHeld)
    this.#delivery.mark(this.#queue.arrivedAt)
    this.#stats.jitterUpMs = this.#queue.noiseMs
    this.#hasNews = true
  }

  /** An ack field is through. */
  onAck(now: number): void {
    const rtt = this.#rtt
    const news = this.#news
    news.now = now
    news.ackedPackets = this.#ackedPackets
    news.ackedBytes = this.#ackedBytes
    news.rttMs = rtt.expectedMs
    news.rttMinMs = rtt.samples === 0 ? INITIAL_RTT_MS : rtt.minMs
    if (this.#hasNews) {
      this.#hasNews = false
      this.#queue.update(now, news.rttMinMs)
      this.#delivery.update(news.rttMinMs, this.#queue.noiseMs)
      this.#stats.queueMs = this.#queue.queueMs
      this.#stats.deliveryRate = this.#delivery.bytesPerSecond
    }
    news.queueMs = this.#queue.queueMs
    news.noiseMs = this.#queue.noiseMs
    news.deliveryRate = this.#delivery.bytesPerSecond
    this.#ackedPackets = 0
    this.#ackedBytes = 0
    // What has gone by until now went by at the old pace.
    this.refill(now)
    this.#controller.onAcked(news)
    this.#tell()
  }

  #tell(): void {
    this.bulkBytesPerSecond = Math.min(this.#controller.paceBytesPerSecond, this.#ceiling.bytesPerSecond)
    this.#stats.windowBytes = this.#controller.windowBytes
    this.#stats.paceRate = this.bulkBytesPerSecond
  }
}
