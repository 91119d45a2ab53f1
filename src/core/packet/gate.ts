import type { Config } from '../config.ts'
import type { Governor, Hold } from '../recovery/governor.ts'
import type { SendBudget } from '../recovery/send-budget.ts'
import type { TickMeter } from '../recovery/tick-meter.ts'
import type { EndpointStats, SendLimit } from '../stats.ts'
import type { Lanes } from './lanes.ts'
import type { SentPackets } from './sent-packets.ts'

/** What still waits below us so long after it was handed down is held back there, ms; before that it is only on its way out. */
export const HELD_MS = 4
/** A line of messages this long, full packets, is a flood: eight are about what waits below us at most. */
const LINE_PACKETS = 8
/** Losses below this share, 0 to 1, shut no window of SCTP for long; a thread that waits for its core makes some up. */
const CALM_LOSS = 0.01

/** Whether anything may leave now, and of what sort: asks what lies below, the governor and the byte budget, and tells in stats. */
export class Gate {
  readonly #maxBacklogBytes: number
  readonly #lineBytes: number
  readonly #lanes: Lanes
  readonly #budget: SendBudget
  readonly #governor: Governor
  readonly #ticks: TickMeter
  readonly #sent: SentPackets
  readonly #stats: EndpointStats
  /** Bytes that wait below us. */
  backlogBytes = 0
  /** Instant of the last packet, ms. */
  lastSentAt: number
  /** Something was queued since the last tick, and wants to leave at once. */
  isFed = false
  #isUrgent = false
  /** That this tick is held back below has been counted. */
  #isHeldCounted = false
  /** A packet of the game has left since the tick began. */
  #isTickServed = false
  /** More waits than can leave; see `judge`. */
  #isFlooded = false
  /** What `judge` found: why the governor holds the game's data back, and whether data, copies and bulk may leave. */
  hold: Hold = 'nothing'
  data = false
  copies = false
  bulk = false

  constructor(
    config: Config,
    lanes: Lanes,
    budget: SendBudget,
    governor: Governor,
    ticks: TickMeter,
    sent: SentPackets,
    stats: EndpointStats,
    now: number,
  ) {
    this.#maxBacklogBytes = config.maxBacklogBytes
    this.#lineBytes = LINE_PACKETS * config.maxPacketBytes
    this.#lanes = lanes
    this.#budget = budget
    this.#governor = governor
    this.#ticks = ticks
    this.#sent = sent
    this.#stats = stats
    this.lastSentAt = now
  }

  /** A game whose backlog has not been empty for a tick is bulk itself, and takes its share beside the other. */
  get isFlooded(): boolean {
    return this.#isFlooded
  }

  /** So much waits below us that nothing may leave. */
  get isBlocked(): boolean {
    return this.backlogBytes > this.#maxBacklogBytes
  }

  /** A message was queued: the game's tick is here. */
  feed(isUrgent: boolean): void {
    this.isFed = true
    this.#isHeldCounted = false
    if (isUrgent) this.#isUrgent = true
  }

  /** The game's tick begins. */
  startTick(): void {
    this.#isTickServed = false
    this.isFed = false
  }

  /** A packet has left; `hasServed`: with messages of the game. */
  onSent(hasServed: boolean, now: number): void {
    this.lastSentAt = now
    if (hasServed) this.#isTickServed = true
  }

  /** A packet is asked for while so much waits below us that none may leave. */
  refuse(now: number): void {
    if (!this.#lanes.isPending && !this.#lanes.hasBulk) return
    this.#stats.limitedBy = 'backlog'
    if (now >= this.lastSentAt + HELD_MS && !this.#isPoured) this.#governor.onHeld()
    if (this.isFed && !this.#isHeldCounted) this.#stats.heldTicks.backlog++
    this.#isHeldCounted = true
  }

  /** Finds what may leave now. `isTick`: this begins a tick. */
  judge(now: number, isTick: boolean): void {
    // Also when this is no new tick, because the last one began within the same millisecond.
    this.#isUrgent = false
    const lanes = this.#lanes
    const { isPending, hasBulk } = lanes
    if (!isPending) this.#isFlooded = false
    const hold = this.#holdAt(now)
    const gameLimit = this.#gameLimit
    if (isPending && gameLimit !== 'nothing') this.#isFlooded = true
    const bulkLimit = hasBulk && !this.#isFlooded ? this.#budget.bulkLimit : gameLimit
    this.hold = hold
    this.data = isPending && gameLimit === 'nothing' && hold !== 'silence'
    this.copies = gameLimit === 'nothing' && hold === 'nothing' && lanes.hasCopies
    this.bulk = hasBulk && bulkLimit === 'nothing' && hold !== 'silence'
    const limit = hold === 'silence' ? hold : bulkLimit
    this.#stats.limitedBy = (isPending || hasBulk) && !this.data ? limit : 'nothing'
    if (isTick && hold !== 'nothing' && isPending) this.#stats.heldTicks[hold]++
  }

  /** Instant of the next packet of the game or of bulk that should not wait for the tick, ms; none may be `isBlocked`. */
  hasteAt(now: number, isTickFar: boolean): number {
    if (this.#governor.hold(now) === 'silence') return Number.POSITIVE_INFINITY
    const at = this.#lanes.hasBulk ? this.#budget.bulkAt : Number.POSITIVE_INFINITY
    if (!this.#isUrgent && !this.#lanes.hasHaste(isTickFar)) return at
    // What may not leave is in no haste.
    const limit = this.#gameLimit
    return limit === 'nothing' ? now : limit === 'rate' ? Math.min(at, this.#budget.gameAt) : at
  }

  /** Instant of the next packet of the game or of bulk, ms; none may be `isBlocked`. */
  wakeAt(now: number, isTickFar: boolean): number {
    const hold = this.#holdAt(now)
    if (hold === 'silence') return Number.POSITIVE_INFINITY
    const at = this.#lanes.hasBulk ? this.#budget.bulkAt : Number.POSITIVE_INFINITY
    const limit = this.#gameLimit
    if (!this.#lanes.isPending || (limit !== 'nothing' && limit !== 'rate')) return at
    // A tick that is late may still come; what was lost and can wait for it goes along then.
    const isTime = (this.isFed && hold === 'nothing') || this.#lanes.hasHaste(isTickFar)
    const tickAt = isTime ? now : this.#ticks.nextAt + this.#ticks.intervalMs / 2
    return Math.min(at, Math.max(tickAt, this.#budget.gameAt))
  }

  /**
   * The game pours more into line than the layer below takes at once, and next to nothing is lost. Then what comes late has waited
   * in line and not below; and what shuts for a moment is no window of SCTP, but a thread that waits for a core.
   */
  get #isPoured(): boolean {
    return !(this.#stats.lossUp > CALM_LOSS) && this.#lanes.lineBytes > this.#lineBytes
  }

  #holdAt(now: number): Hold {
    const hold = this.#governor.hold(now)
    return hold === 'share' && this.#isPoured ? 'nothing' : hold
  }

  /** The first packet of a tick always finds room: without it a silent path would never be tried again. */
  get #gameLimit(): SendLimit {
    const limit = this.#budget.gameLimit(this.#isFlooded ? 0 : this.#sent.bulkBytesInFlight)
    return limit === 'window' && !this.#isTickServed ? 'nothing' : limit
  }
}
