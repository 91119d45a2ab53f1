import type { LossRule, SentPacketTimes } from '../config.ts'
import { LossMeter } from '../recovery/loss-meter.ts'
import { type EndpointStats, pipeStatsOf } from '../stats.ts'
import type { AckBits } from '../wire/ack-groups.ts'
import { ACK_WINDOW } from '../wire/layout.ts'
import { Manifests } from './manifests.ts'

/** Records to begin with: a game at 60 Hz on a clean path whose acks come within half a second needs no more. A power of two. */
const FIRST_RECORDS = 32
/** A pipe that had none of so many packets is not in use. */
const PIPE_SPAN = 64
/** Packets behind the oldest open one for which a late ack still corrects the count of losses. */
const LATE_SPAN = 64

export type SentPacketState =
  /** Nothing is known of it yet. */
  | 'in-flight'
  | 'acked'
  /** Declared lost; a late ack may still come. */
  | 'lost'
  /** Its loss is final: the game has been told. */
  | 'final'
  /** Not a packet yet. */
  | 'vacant'

/** A packet that was sent. Preallocated and reused. */
export class SentPacket implements SentPacketTimes {
  sequence = -1
  sentAt = 0
  bytes = 0
  state: SentPacketState = 'vacant'
  /** Asked for an ack. */
  isEliciting = false
  /** Its ack field reached back to the oldest packet that had to be reported. */
  isWholeReport = false
  /** Carried a fragment of a large reliable message. */
  isBulk = false
  /** Seen to wait below us: it left later than `sentAt`. */
  isHeld = false
  /** The driver's number for what carried it. */
  pipe = 0
  /** Instant at which it was declared lost, ms; `Infinity` if it never was. */
  lostAt: number = Number.POSITIVE_INFINITY
  /** What it carried: entries of the manifests from `firstEntry` up to and without `endEntry`. */
  firstEntry = 0
  endEntry = 0
}

/** Told what became of sent packets. */
export interface SentPacketListener {
  onPacketAcked(packet: SentPacket): void
  onPacketLost(packet: SentPacket): void
  onPacketLossFinal(packet: SentPacket): void
  /** The next packet in the order sent has a final fate. */
  onFate(isLost: boolean, sentAt: number): void
}

/** Up to the last 1,024 packets sent, and what became of each: as many as are under way, or may yet be heard of. */
export class SentPackets {
  /** Its length is a power of two, and doubles up to the ack window. */
  #ring: SentPacket[] = Array.from({ length: FIRST_RECORDS }, () => new SentPacket())
  readonly #rule: LossRule
  readonly #listener: SentPacketListener
  readonly #stats: EndpointStats
  readonly #lossUp = new LossMeter(512)
  /** What the open packets carried. */
  readonly manifests: Manifests = new Manifests()
  /** Sequence of the next packet. */
  next = 0
  /** Oldest packet whose fate is open. */
  #oldest = 0
  /** Oldest packet whose loss is not final. */
  #oldestLost = 0
  /** Newest packet whose loss is final. */
  #newestFinal: number = Number.NEGATIVE_INFINITY
  newestAcked = -1
  /** Newest acked packet with a whole ack field: what was heard before it was sent is known to the peer. */
  newestWholeReport = -1
  /** Packets in flight that asked for an ack. */
  elicitingInFlight = 0
  bulkBytesInFlight = 0
  /** Newest packet of each pipe. */
  readonly #newestOf: number[] = []
  /** Instant of the last packet that asked for an ack, ms; −Infinity before any. */
  lastElicitingAt: number = Number.NEGATIVE_INFINITY
  /** Instant at which the loss rule has something to do, ms. */
  lossAt: number = Number.POSITIVE_INFINITY
  /** Instant at which the oldest loss becomes final, ms. */
  finalAt: number = Number.POSITIVE_INFINITY

  constructor(rule: LossRule, listener: SentPacketListener, stats: EndpointStats) {
    this.#rule = rule
    this.#listener = listener
    this.#stats = stats
  }

  /** The record for the next packet, whose manifest begins here. A packet that is still open in its place is declared lost. */
  begin(): SentPacket {
    const wantedFrom = Math.min(this.#oldestNews, this.newestAcked)
    if (this.next - wantedFrom >= this.#ring.length && this.#ring.length < ACK_WINDOW) this.#grow()
    const packet = this.#at(this.next)
    if (packet.state === 'in-flight') this.#lose(packet, packet.sentAt)
    if (packet.state === 'lost') this.#finish(packet)
    const { manifests } = this
    manifests.forget(this.#oldestLost < this.next ? this.#at(this.#oldestLost).firstEntry : manifests.end)
    packet.firstEntry = manifests.end
    return packet
  }

  /** The packet begun last has been written. */
  commit(
    packet: SentPacket,
    now: number,
    bytes: number,
    isEliciting: boolean,
    isWholeReport: boolean,
    isBulk = false,
    pipe = 0,
  ): void {
    packet.sequence = this.next++
    packet.sentAt = now
    packet.bytes = bytes
    packet.endEntry = this.manifests.end
    packet.isEliciting = isEliciting
    packet.isWholeReport = isWholeReport
    packet.lostAt = Number.POSITIVE_INFINITY
    packet.isBulk = isBulk
    packet.isHeld = false
    packet.pipe = pipe
    this.#newestOf[pipe] = packet.sequence
    pipeStatsOf(this.#stats, pipe).packetsSent++
    if (isBulk) this.bulkBytesInFlight += bytes
    packet.state = 'in-flight'
    if (isEliciting) {
      this.lastElicitingAt = now
      this.elicitingInFlight++
    }
    this.#stats.packetsInFlight++
    this.#stats.bytesInFlight += bytes
    const floor = this.next - ACK_WINDOW
    if (this.#oldest < floor) this.#oldest = floor
    if (this.#oldestLost < floor) this.#oldestLost = floor
  }

  /** The packet of this sequence, if it is still remembered. */
  find(sequence: number): SentPacket | undefined {
    const packet = this.#at(sequence)
    return packet.sequence === sequence ? packet : undefined
  }

  /**
   * Takes the ack field of a header. Returns the newest packet that is acked by it for the first time if that is newer than
   * all acked before (the one that gives a round-trip sample), else `undefined`.
   */
  onAck(ack: number, bits: AckBits): SentPacket | undefined {
    let sample: SentPacket | undefined
    const newest = this.find(ack)
    if (newest !== undefined && ack > this.newestAcked) {
      this.newestAcked = ack
      // A packet is sent once, so one that was taken for lost tells the time too, and it is the one that took long.
      if (newest.state !== 'acked') sample = newest
    }
    if (newest !== undefined) this.#ack(newest)
    const oldest = Math.max(this.#oldestNews, this.next - ACK_WINDOW, ack - bits.span, 0)
    for (let sequence = ack - 1; sequence >= oldest; sequence--) {
      const packet = bits.has(ack - 1 - sequence) ? this.find(sequence) : undefined
      if (packet !== undefined) this.#ack(packet)
    }
    return sample
  }

  /** Applies the loss rule and makes old losses final. */
  update(now: number): void {
    this.#detect(now)
    this.#finalise(now)
  }

  /** Pipes that took any of the last 64 packets; at least 1. */
  get pipesInUse(): number {
    const from = this.next - PIPE_SPAN
    return Math.max(
      1,
      this.#newestOf.reduce((count, newest) => (newest >= from ? count + 1 : count), 0),
    )
  }

  /** The newest packets of `pipe`, `bytes` of them, still wait below us; those sent after `before` may be just on their way out. */
  hold(pipe: number, bytes: number, before: number): void {
    let rest = bytes
    for (let sequence = this.next - 1; sequence >= this.#oldest && rest > 0; sequence--) {
      const packet = this.#at(sequence)
      if (packet.pipe !== pipe) continue
      rest -= packet.bytes
      if (packet.sentAt <= before) packet.isHeld = true
    }
  }

  /** The oldest packet in flight that asked for an ack and carried something. */
  oldestEliciting(): SentPacket | undefined {
    for (let sequence = this.#oldest; sequence < this.next; sequence++) {
      const packet = this.#at(sequence)
      if (packet.state === 'in-flight' && packet.isEliciting) return packet
    }
    return undefined
  }

  /** Visits every packet whose fate is not final. */
  forEachOpen(visit: (packet: SentPacket) => void): void {
    for (const packet of this.#ring) if (packet.state === 'in-flight' || packet.state === 'lost') visit(packet)
  }

  /**
   * Oldest packet of which an ack would be news. Of those that are done with, only a loss that was none is; without one lately there is
   * nothing to look at but what is under way.
   */
  get #oldestNews(): number {
    const late = this.#oldestLost - LATE_SPAN
    return this.#newestFinal < late ? this.#oldestLost : late
  }

  /** The record of this sequence, or whichever has its place. */
  #at(sequence: number): SentPacket {
    return this.#ring[sequence & (this.#ring.length - 1)]!
  }

  #grow(): void {
    const ring = Array.from({ length: 2 * this.#ring.length }, () => new SentPacket())
    for (const packet of this.#ring) if (packet.sequence >= 0) ring[packet.sequence & (ring.length - 1)] = packet
    this.#ring = ring
  }

  #ack(packet: SentPacket): void {
    const { state } = packet
    if (state === 'acked' || state === 'vacant') return
    const pipe = pipeStatsOf(this.#stats, packet.pipe)
    pipe.packetsAcked++
    pipe.lostInRow = 0
    if (state === 'in-flight') {
      pipe.lateInRow = 0
      this.#landed(packet)
    } else {
      this.#stats.packetsLost--
      pipe.packetsLost--
    }
    packet.state = 'acked'
    if (packet.isWholeReport && packet.sequence > this.newestWholeReport) this.newestWholeReport = packet.sequence
    this.#stats.packetsAcked++
    // After a final loss only the count is mended: the game has been told.
    if (state === 'final') return
    this.#lossUp.observe(false)
    this.#stats.lossUp = this.#lossUp.share
    this.#listener.onPacketAcked(packet)
  }

  #lose(packet: SentPacket, at: number): void {
    this.#landed(packet)
    packet.state = 'lost'
    packet.lostAt = at
    this.#stats.packetsLost++
    const pipe = pipeStatsOf(this.#stats, packet.pipe)
    pipe.packetsLost++
    pipe.lostInRow++
    pipe.lateInRow++
    this.#listener.onPacketLost(packet)
  }

  #finish(packet: SentPacket): void {
    packet.state = 'final'
    if (packet.sequence > this.#newestFinal) this.#newestFinal = packet.sequence
    this.#lossUp.observe(true)
    this.#stats.lossUp = this.#lossUp.share
    this.#listener.onPacketLossFinal(packet)
  }

  #landed(packet: SentPacket): void {
    this.#stats.packetsInFlight--
    this.#stats.bytesInFlight -= packet.bytes
    if (packet.isEliciting) this.elicitingInFlight--
    if (packet.isBulk) this.bulkBytesInFlight -= packet.bytes
  }

  #detect(now: number): void {
    this.lossAt = Number.POSITIVE_INFINITY
    let isOldestOpen = false
    for (let sequence = this.#oldest; sequence < this.next; sequence++) {
      const packet = this.#at(sequence)
      if (packet.state !== 'in-flight') {
        if (!isOldestOpen) this.#oldest = sequence + 1
        continue
      }
      const lostAt = this.#rule.lostAt(packet, this.newestAcked)
      // Later packets were sent later: nothing has been said of them either.
      if (lostAt === Number.POSITIVE_INFINITY) return
      if (lostAt <= now) {
        this.#lose(packet, now)
        if (!isOldestOpen) this.#oldest = sequence + 1
        continue
      }
      isOldestOpen = true
      if (lostAt < this.lossAt) this.lossAt = lostAt
    }
  }

  #finalise(now: number): void {
    this.finalAt = Number.POSITIVE_INFINITY
    const wait = this.#rule.finalAfterMs
    for (; this.#oldestLost < this.#oldest; this.#oldestLost++) {
      const packet = this.#at(this.#oldestLost)
      if (packet.state === 'lost') {
        if (packet.lostAt + wait > now) {
          this.finalAt = packet.lostAt + wait
          return
        }
        this.#finish(packet)
      }
      this.#listener.onFate(packet.state !== 'acked', packet.sentAt)
    }
  }
}
