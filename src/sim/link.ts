import type { Bytes } from '../core/bytes.ts'
import { type Due, Heap } from './heap.ts'
import { changed, isDark, type LinkOptions, type LinkSettings, PERFECT } from './link-options.ts'
import { LossProcess } from './loss.ts'
import { type Random, randomFrom, type Seed } from './random.ts'

/** Where a link starts: its chance, its weather, its beginning. */
export interface LinkInit extends LinkOptions {
  /** Source of every decision. A `Random` is only forked from, never drawn from: give each link a fork of its own. */
  seed: Seed | Random
  /** Instant from which blackouts count, ms. Default: the instant of the first push. */
  startsAt?: number
}

/** What happened to the packets of one link; counts only grow. `pushed` = delivered + all drops − duplicated + still inside. */
export interface LinkCounters {
  pushed: number
  pushedBytes: number
  /** Packets polled, copies included. */
  delivered: number
  deliveredBytes: number
  /** Packets dropped by the loss model. */
  lost: number
  /** Packets dropped by a blackout that the loss model would have let pass. */
  blackedOut: number
  /** Packets dropped because the queue or the link was full. */
  overflowed: number
  /** Copies made. */
  duplicated: number
  /** Packets, not copies, delivered after one that was pushed later. */
  reordered: number
  /** Fingerprint of the loss decisions, uint32: equal for the same seed, model and number of packets, whatever the times. */
  lossHash: number
  /**
   * Fingerprint of everything that happened, uint32: each packet's fate, size and instant, each arrival. Equal for the same seed,
   * weather, packets and instants, in every engine.
   */
  eventHash: number
}

/** Cut of the exponential jitter, in means: 0.25 % of packets reach it. Keeps one unlucky draw from stalling an ordered link. */
const JITTER_CUT = 6

/** FNV-1a's offset and prime, 32 bits (Fowler, Noll, Vo), here over words instead of bytes. */
const EVENT_HASH_START = 0x811c9dc5
const EVENT_HASH_PRIME = 0x01000193

/** What is hashed of an event besides its instant and the packet. */
const EVENT = { lost: 1, blackedOut: 2, overflowed: 3, entered: 4, doubled: 5, arrived: 6 } as const

const NOTHING: Bytes = new Uint8Array(0)

/** A packet inside the link. Reused: a link of millions of packets allocates their bytes and nothing else. */
class Entry implements Due {
  at = 0
  order = 0
  /** Bytes it takes in the queue and at the bottleneck. */
  queueBytes = 0
  /** Extra delay in units of `jitterMs`. */
  jitterShare = 0
  isCopy = false
  tag = 0
  packet: Bytes = NOTHING
  next: Entry | undefined = undefined
}

/**
 * One direction of a simulated path, sans I/O: packets go in with `push`, come out of `poll`, and time is an argument.
 *
 * On its way a packet meets, in this order: the loss model, the blackouts, the queue (tail drop), the bottleneck, the delay
 * with its jitter. As in netem, a lost packet takes nothing from the bottleneck. Loss, jitter and duplication draw from streams of their own, once
 * per pushed packet and in push order, so none of them moves when the times, the sizes or the other settings change.
 */
export class Link {
  readonly counters: LinkCounters = {
    pushed: 0,
    pushedBytes: 0,
    delivered: 0,
    deliveredBytes: 0,
    lost: 0,
    blackedOut: 0,
    overflowed: 0,
    duplicated: 0,
    reordered: 0,
    lossHash: 0,
    eventHash: EVENT_HASH_START,
  }
  #settings: LinkSettings
  readonly #loss: LossProcess
  readonly #jitter: Random
  readonly #duplication: Random
  readonly #copyJitter: Random
  #startsAt: number
  #now = Number.NEGATIVE_INFINITY
  /** Insertions so far; also the number of the next packet. */
  #order = 0
  #newestDelivered = -1
  #heldBytes = 0
  #tag = 0

  // Waiting for the bottleneck, oldest first; the head is being transmitted.
  #head: Entry | undefined = undefined
  #tail: Entry | undefined = undefined
  #queuedBytes = 0
  /** Bytes of the head still to transmit at #headSince. */
  #headLeftBytes = 0
  #headSince = 0

  // On the way.
  readonly #flying: Heap<Entry> = new Heap()
  /** Arrival of the latest packet on the way; the floor for all others unless they may overtake. */
  #lastArrivesAt = Number.NEGATIVE_INFINITY

  #free: Entry | undefined = undefined
  /** Stages of the schedule that hold already. */
  #stages = 0
  readonly #instant = new DataView(new ArrayBuffer(8))

  constructor(init: LinkInit) {
    const { seed, startsAt, ...options } = init
    const random = randomFrom(seed)
    this.#settings = changed(PERFECT, options)
    this.#loss = new LossProcess(random.fork('loss'), this.#settings.loss, this.#settings.burst)
    this.#jitter = random.fork('jitter')
    this.#duplication = random.fork('duplicate')
    this.#copyJitter = random.fork('copy jitter')
    this.#startsAt = startsAt ?? Number.NaN
  }

  /** The weather now, resolved. */
  get settings(): Readonly<LinkSettings> {
    return this.#settings
  }

  /** The tag with which the packet polled last was pushed. */
  get tag(): number {
    return this.#tag
  }

  /** Bytes inside the link: queued and on the way, without overhead. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Bytes before the bottleneck, overhead included; the packet under transmission counts whole. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** Instant of the next `poll` that moves something, ms; `Infinity` when the link is empty or held. */
  get wakeAt(): number {
    const arrivesAt = this.#flying.peek()?.at ?? Number.POSITIVE_INFINITY
    // A stage may let go of what waits.
    return this.#head === undefined ? arrivesAt : Math.min(arrivesAt, this.#headDepartsAt(), this.#nextStageAt)
  }

  /** The first loss decisions, at most 4096: `1` for each lost packet and `0` for each other one. */
  decisions(): string {
    return this.#loss.decisions()
  }

  /**
   * Changes the weather from `now` on (default: the latest instant heard of). What waits before the bottleneck leaves at
   * the new rate; what is on the way keeps its arrival. Drawn numbers keep their places, so the loss pattern goes on.
   */
  set(options: LinkOptions, now: number = this.#now): void {
    const settings = changed(this.#settings, options)
    this.#advance(now)
    if (options.schedule !== undefined) this.#stages = 0
    this.#apply(settings)
    this.#advance(this.#now)
  }

  #apply(settings: LinkSettings): void {
    if (this.#head !== undefined) this.#headLeftBytes = this.#leftBytes(this.#now)
    this.#headSince = this.#now
    this.#settings = settings
    this.#loss.set(settings.loss, settings.burst)
  }

  /**
   * Takes a copy of `packet` at the instant `now`; an instant before the latest one counts as the latest.
   * A spared packet takes no loss decision and is never lost by the loss model; everything else befalls it too.
   * The tag comes out again beside the packet: for several senders on one link.
   */
  push(packet: Uint8Array, now: number, isSpared: boolean = false, tag: number = 0): void {
    this.#advance(now)
    const at = this.#now
    if (Number.isNaN(this.#startsAt)) {
      this.#startsAt = at
      this.#advance(at)
    }
    const settings = this.#settings
    const counters = this.counters
    counters.pushed++
    counters.pushedBytes += packet.length

    // All draws come first: what the queue or a blackout does to a packet must not shift the streams.
    const isLost = !isSpared && this.#loss.next()
    const jitterShare = Math.min(this.#jitter.exponential(1), JITTER_CUT)
    const isDoubled = this.#duplication.chance(settings.duplicate)
    counters.lossHash = this.#loss.hash
    const order = this.#order
    this.#order += 2

    if (isLost) {
      counters.lost++
      this.#note(EVENT.lost, order, packet.length, at)
      return
    }
    if (settings.blackouts.length > 0 && isDark(settings.blackouts, at - this.#startsAt)) {
      counters.blackedOut++
      this.#note(EVENT.blackedOut, order, packet.length, at)
      return
    }
    if (!this.#enter(packet, order, jitterShare, false, tag)) {
      counters.overflowed++
      this.#note(EVENT.overflowed, order, packet.length, at)
      return
    }
    this.#note(EVENT.entered, order, packet.length, at)
    if (isDoubled) {
      const copyJitterShare = Math.min(this.#copyJitter.exponential(1), JITTER_CUT)
      if (this.#enter(packet, order + 1, copyJitterShare, true, tag)) {
        counters.duplicated++
        this.#note(EVENT.doubled, order + 1, packet.length, at)
      }
    }
  }

  /** The next packet that is due at `now`, in order of arrival; it belongs to the caller. */
  poll(now: number): Bytes | undefined {
    this.#advance(now)
    const top = this.#flying.peek()
    if (top === undefined || top.at > this.#now) return undefined
    this.#flying.pop()
    const packet = top.packet
    const counters = this.counters
    counters.delivered++
    counters.deliveredBytes += packet.length
    this.#note(EVENT.arrived, top.order, packet.length, top.at)
    if (!top.isCopy) {
      if (top.order < this.#newestDelivered) counters.reordered++
      else this.#newestDelivered = top.order
    }
    this.#tag = top.tag
    this.#heldBytes -= packet.length
    top.packet = NOTHING
    top.next = this.#free
    this.#free = top
    return packet
  }

  /** Puts a copy of `packet` before the bottleneck, or on the way when there is none. False when there is no room. */
  #enter(packet: Uint8Array, order: number, jitterShare: number, isCopy: boolean, tag: number): boolean {
    const settings = this.#settings
    const queueBytes = packet.length + settings.overheadBytes
    if (this.#heldBytes + packet.length > settings.maxHeldBytes) return false
    // An idle bottleneck takes any packet, even one above queueBytes: it does not have to wait.
    if (this.#head !== undefined && this.#queuedBytes + queueBytes > settings.queueBytes) return false

    const entry = this.#free ?? new Entry()
    this.#free = entry.next
    entry.next = undefined
    entry.order = order
    entry.queueBytes = queueBytes
    entry.jitterShare = jitterShare
    entry.isCopy = isCopy
    entry.tag = tag
    entry.packet = new Uint8Array(packet.length)
    entry.packet.set(packet)
    this.#heldBytes += packet.length

    if (settings.bytesPerSecond === Number.POSITIVE_INFINITY) {
      this.#depart(entry, this.#now)
      return true
    }
    this.#queuedBytes += queueBytes
    if (this.#tail === undefined) {
      this.#head = entry
      this.#headLeftBytes = queueBytes
      this.#headSince = this.#now
    } else {
      this.#tail.next = entry
    }
    this.#tail = entry
    return true
  }

  /** Moves time on, stage by stage: what has passed the bottleneck by `now` is on the way. */
  #advance(now: number): void {
    for (let at = this.#nextStageAt; at < Number.POSITIVE_INFINITY && at <= now; at = this.#nextStageAt) {
      this.#pass(at)
      const { fromMs: _, ...changes } = this.#settings.schedule[this.#stages++]!
      this.#apply(changed(this.#settings, changes))
    }
    this.#pass(now)
  }

  /** Instant of the next change by schedule, ms; `Infinity` when there is none, or the link has not begun. */
  get #nextStageAt(): number {
    const stage = this.#settings.schedule[this.#stages]
    return stage === undefined || Number.isNaN(this.#startsAt)
      ? Number.POSITIVE_INFINITY
      : this.#startsAt + stage.fromMs
  }

  #pass(now: number): void {
    if (now > this.#now) this.#now = now
    for (;;) {
      const head = this.#head
      if (head === undefined) return
      const departsAt = this.#headDepartsAt()
      if (departsAt > this.#now) return
      this.#head = head.next
      if (this.#head === undefined) this.#tail = undefined
      else this.#headLeftBytes = this.#head.queueBytes
      this.#headSince = departsAt
      head.next = undefined
      this.#queuedBytes -= head.queueBytes
      this.#depart(head, departsAt)
    }
  }

  #note(event: number, order: number, length: number, at: number): void {
    this.#instant.setFloat64(0, at)
    let hash = this.counters.eventHash
    hash = Math.imul(hash ^ event, EVENT_HASH_PRIME)
    hash = Math.imul(hash ^ order, EVENT_HASH_PRIME)
    hash = Math.imul(hash ^ length, EVENT_HASH_PRIME)
    hash = Math.imul(hash ^ this.#instant.getInt32(0), EVENT_HASH_PRIME)
    hash = Math.imul(hash ^ this.#instant.getInt32(4), EVENT_HASH_PRIME)
    this.counters.eventHash = (hash ^ (hash >>> 15)) >>> 0
  }

  #headDepartsAt(): number {
    const left = this.#headLeftBytes
    return left <= 0 ? this.#headSince : this.#headSince + (left * 1000) / this.#settings.bytesPerSecond
  }

  /** Bytes of the head still to transmit at `now`. */
  #leftBytes(now: number): number {
    const sent = ((now - this.#headSince) * this.#settings.bytesPerSecond) / 1000
    return Math.max(0, this.#headLeftBytes - sent)
  }

  #depart(entry: Entry, departsAt: number): void {
    const settings = this.#settings
    const arrivesAt = departsAt + settings.delayMs + entry.jitterShare * settings.jitterMs
    entry.at = settings.reorder ? arrivesAt : Math.max(arrivesAt, this.#lastArrivesAt)
    this.#lastArrivesAt = Math.max(this.#lastArrivesAt, entry.at)
    this.#flying.push(entry)
  }
}
