import type { Bytes } from '../bytes.ts'
import type { ReceiveChannel, SendChannel } from '../channel/channel.ts'
import type { ClockSync } from '../clock/clock-sync.ts'
import type { Config, LossRule } from '../config.ts'
import type { ReceiveResult } from '../events.ts'
import { Governor } from '../recovery/governor.ts'
import { HorizonRule } from '../recovery/horizon-rule.ts'
import { JitterMeter } from '../recovery/jitter.ts'
import { Redundancy } from '../recovery/redundancy.ts'
import { renoBytesPerSecond } from '../recovery/reno.ts'
import { RttEstimator } from '../recovery/rtt.ts'
import { createController, SendBudget } from '../recovery/send-budget.ts'
import { TickMeter } from '../recovery/tick-meter.ts'
import type { EndpointStats } from '../stats.ts'
import { Header, headerBytes, writeHeader } from '../wire/header.ts'
import { ACK_NONE, GROUPS_TRIMMED_BYTES, MAX_GROUPS, TIMESTAMP_PER_MS } from '../wire/layout.ts'
import type { Reader } from '../wire/reader.ts'
import { expand16 } from '../wire/sequence.ts'
import type { Writer } from '../wire/writer.ts'
import { AckTiming, WIRE_OVERHEAD_BYTES } from './ack-timing.ts'
import { Gate, HELD_MS } from './gate.ts'
import { Lanes } from './lanes.ts'
import { Packer } from './packer.ts'
import { ReceivedPackets } from './received-packets.ts'
import { type SentPacket, type SentPacketListener, SentPackets } from './sent-packets.ts'
import { Unpacker } from './unpacker.ts'

/** Doublings of the probe interval at most. */
const MAX_BACKOFF = 5
/** Ack delay to expect of the peer beside its own tick, ms. */
const PEER_ACK_DELAY_MS = 50

/** Data packets in both directions once the handshake is done: headers, acks, losses, probes, budget. */
export class PacketFlow implements SentPacketListener {
  readonly #config: Config
  readonly #senders: readonly SendChannel[]
  readonly #receivers: readonly ReceiveChannel[]
  readonly #writer: Writer
  readonly #stats: EndpointStats
  readonly #header = new Header()
  readonly #rtt: RttEstimator
  readonly #clock: ClockSync
  readonly #jitter = new JitterMeter()
  readonly #rule: LossRule
  readonly #redundancy = new Redundancy()
  readonly #ticks = new TickMeter()
  readonly #sent: SentPackets
  readonly #received: ReceivedPackets
  readonly #lanes: Lanes
  readonly #packer: Packer
  readonly #unpacker: Unpacker
  readonly #budget: SendBudget
  readonly #acks: AckTiming
  readonly #governor: Governor
  readonly #gate: Gate
  #wantsPing = false
  /** A silence has just ended. */
  #isBack = false
  #backoff = 0

  constructor(
    config: Config,
    senders: readonly SendChannel[],
    receivers: readonly ReceiveChannel[],
    writer: Writer,
    stats: EndpointStats,
    clock: ClockSync,
    now: number,
  ) {
    this.#config = config
    this.#clock = clock
    this.#senders = senders
    this.#receivers = receivers
    this.#writer = writer
    this.#stats = stats
    this.#rtt = new RttEstimator(config.rtoMinMs, config.rtoMaxMs)
    this.#rule = config.lossRule?.(this.#rtt) ?? new HorizonRule(this.#rtt)
    this.#sent = new SentPackets(this.#rule, this, stats)
    this.#received = new ReceivedPackets(stats)
    this.#lanes = new Lanes(senders, config.reliableShare, config.maxPacketBytes)
    this.#packer = new Packer(writer, config.channels, config.maxPacketBytes)
    this.#unpacker = new Unpacker(receivers, stats)
    const { congestion, maxPacketBytes, bytesPerSecond } = config
    const controller = createController(congestion, maxPacketBytes, bytesPerSecond)
    this.#budget = new SendBudget(controller, bytesPerSecond, maxPacketBytes, this.#rtt, stats, now)
    this.#governor = new Governor(this.#rtt, stats, maxPacketBytes, congestion === 'fixed', now)
    this.#gate = new Gate(config, this.#lanes, this.#budget, this.#governor, this.#ticks, this.#sent, stats, now)
    this.#acks = new AckTiming(config.channels, config.ackDelayMs, this.#ticks, this.#received)
  }

  /** Bytes that wait below us. */
  get backlogBytes(): number {
    return this.#gate.backlogBytes
  }

  set backlogBytes(bytes: number) {
    this.#gate.backlogBytes = bytes
  }

  /** How long the answer to a packet may take, ms. */
  get probeMs(): number {
    return this.#rtt.probeMs(PEER_ACK_DELAY_MS)
  }

  /** The handshake is done. */
  start(now: number): void {
    this.#gate.lastSentAt = now
  }

  queuedMs(channel: SendChannel): number {
    const bytes = Math.max(0, this.#lanes.bytesAhead(channel) + this.backlogBytes + this.#budget.debtBytes)
    const expected = this.#sent.pipesInUse * renoBytesPerSecond(this.#stats.rttMinMs, this.#stats.lossUp)
    const carried = this.#governor.carriedBytesPerSecond(expected)
    // Reliable data leaves in the ticks that the governor leaves out, too.
    const governed = channel.config.isReliable ? Number.POSITIVE_INFINITY : this.#governor.bytesPerSecond
    return (bytes * 1000) / Math.min(this.#budget.bulkBytesPerSecond, carried, governed)
  }

  /** Takes a data packet. `hasRoom`: whether messages may be delivered. */
  receive(reader: Reader, now: number, hasRoom: boolean): ReceiveResult {
    const header = this.#header
    const stats = this.#stats
    const packetBytes = reader.remaining
    header.read(reader)
    const sequence = expand16(header.sequence, this.#received.newest)
    if (reader.failed || sequence < 0) {
      stats.refusals.encoding++
      return 'malformed'
    }
    const ack = header.hasAck ? expand16(header.ack, this.#sent.next - 1) : -1
    if (header.hasAck && (ack < 0 || ack >= this.#sent.next)) {
      stats.refusals.ackOfUnsent++
      return 'malformed'
    }
    const verdict = this.#received.verdict(sequence)
    if (verdict === 'duplicate') {
      stats.packetsDuplicate++
      return 'duplicate'
    }
    if (verdict === 'stale') {
      stats.packetsStale++
      return 'stale'
    }
    // Acks before records: a broken record must not hide news about the path.
    if (header.hasAck) this.#takeAck(ack, now)
    this.#clock.onArrival(header.timestamp, now)
    this.#governor.onHeard(this.#sent.elicitingInFlight > 0)
    this.#jitter.observe(header.timestamp, now)
    stats.jitterMs = this.#jitter.jitterMs
    if (!hasRoom && reader.remaining > 0) {
      stats.packetsRefused++
      return 'refused'
    }
    const result = this.#unpacker.read(reader, sequence, now)
    if (result !== 'taken') this.#received.spoil(sequence)
    if (result === 'malformed') return 'malformed'
    if (result === 'refused') {
      stats.packetsRefused++
      return 'refused'
    }
    // Marked last: what could not be read to its end must never be acknowledged.
    this.#received.mark(sequence, this.#sent.next, now)
    this.#received.time(sequence, header.timestamp, now)
    const { records, hasBulk } = this.#unpacker
    this.#acks.onHeard(now, packetBytes, records > 0, hasBulk, header.wantsEarlyAcks)
    return 'accepted'
  }

  update(now: number): void {
    this.#budget.refill(now)
    this.#sent.update(now)
    for (let i = 0; i < this.#receivers.length; i++) this.#receivers[i]!.expire(now)
    if (now >= this.#probeAt) this.#probe(now)
    this.#governor.update(now)
    if (this.#governor.hold(now) === 'silence' && now >= this.#governor.pingAt(this.#sent.lastElicitingAt)) {
      this.#wantsPing = true
    }
    if (now >= this.#gate.lastSentAt + this.#config.keepaliveMs) this.#wantsPing = true
  }

  /** The next packet, or nothing. `pipe` will take it. */
  poll(now: number, pipe: number): Bytes | undefined {
    const gate = this.#gate
    if (gate.isBlocked) {
      gate.refuse(now)
      return undefined
    }
    const isTick = this.#ticks.isTick(now, gate.isFed)
    if (isTick) this.#startTick(now)
    const wantsEarlyAck = this.#acks.earlyAt(now) <= now
    const wantsAck = wantsEarlyAck || this.#acks.dueAt < Number.POSITIVE_INFINITY
    gate.judge(now, isTick)
    // Else it would all come at once when the path is back.
    if (isTick && gate.hold === 'silence') {
      for (let i = 0; i < this.#senders.length; i++) this.#senders[i]!.comeBack()
      this.#isBack = true
    }
    if (!gate.data && !gate.copies && !gate.bulk && !wantsAck && !this.#wantsPing) return undefined

    const packet = this.#sent.begin()
    // The whole ack field goes first; what follows in the same flush leaves its room to fragments.
    this.#received.prepare(now, wantsAck ? MAX_GROUPS : GROUPS_TRIMMED_BYTES)
    const { report } = this.#received
    report.wantsEarlyAcks = this.#acks.wantsEarly
    this.#writer.reset(this.#config.maxPacketBytes)
    writeHeader(this.#writer, this.#sent.next, now, report)
    this.#packer.begin(this.#sent.manifests, now, this.#governor.softPacketBytes)
    let isBulk = false
    if (gate.data && this.#isBack) {
      // Below us a silence leaves a window of one packet, and what is reliable has gathered: it would fill that one.
      this.#lanes.fillFresh(this.#packer)
      this.#isBack = false
    }
    if (gate.data && gate.hold === 'share') {
      this.#lanes.fillReliable(this.#packer)
      if (this.#lanes.isPending) this.#stats.limitedBy = 'share'
      this.#governor.onSkipped()
    } else if (gate.data) isBulk = this.#lanes.fill(this.#packer, gate.isFlooded ? 'any' : 'prompt')
    if (gate.copies) this.#lanes.fillCopies(this.#packer)
    const hasServed = this.#packer.records > 0
    if (gate.bulk && !this.#packer.isFull) isBulk = this.#lanes.fill(this.#packer, 'bulk') || isBulk
    if (this.#wantsPing && this.#packer.records === 0) this.#packer.addPing()
    if (this.#packer.records === 0 && !wantsAck) return undefined

    const bytes = this.#packer.finish()
    this.#sent.commit(packet, now, bytes.length, this.#packer.records > 0, !this.#received.isLeftOut, isBulk, pipe)
    this.#stats.headerBytesSent += headerBytes(report)
    this.#received.reported(now)
    this.#wantsPing = false
    gate.onSent(hasServed, now)
    this.#budget.onSent(bytes.length, isBulk, now)
    if (this.#stats.pipes[pipe]?.packetsSent === 1) this.#governor.onNewPipe()
    if (this.#packer.records > 0) this.#governor.onSent(bytes.length, isBulk, now)
    const wireBytes = bytes.length + WIRE_OVERHEAD_BYTES
    this.#redundancy.earn(wireBytes)
    this.#acks.onSent(now, wireBytes, report.form !== ACK_NONE, wantsEarlyAck && this.#packer.records === 0)
    return bytes
  }

  /** The path has gone: only pings and acks leave, so that one that comes back, or another, is noticed. Or it is back. */
  hush(isHushed: boolean): void {
    this.#lanes.isHushed = isHushed
    if (!isHushed) for (const sender of this.#senders) sender.comeBack()
  }

  /** Asks for a packet now, whatever waits. */
  ping(): void {
    this.#wantsPing = true
  }

  /** A message was queued: the game's tick is here. */
  feed(isUrgent: boolean): void {
    this.#gate.feed(isUrgent)
  }

  /** The driver's word that of what `pipe` was given `bytes` still wait below it. */
  hold(pipe: number, bytes: number, now: number): void {
    this.#sent.hold(pipe, bytes, now - HELD_MS)
  }

  /** Instant of the next packet that should not wait for the game's tick, ms: an early ack, a resend in haste, bulk, a probe. */
  hasteAt(now: number): number {
    if (this.#gate.isBlocked) return Number.POSITIVE_INFINITY
    if (this.#wantsPing) return now
    const pingAt = this.#governor.pingAt(this.#sent.lastElicitingAt)
    const at = Math.min(this.#probeAt, this.#acks.earlyAt(now), pingAt)
    return Math.min(at, this.#gate.hasteAt(now, this.#acks.isTickFar(now)))
  }

  /** Instant of the next thing to do, ms. */
  wakeAt(now: number): number {
    let at = Math.min(this.#sent.lossAt, this.#sent.finalAt)
    for (let i = 0; i < this.#receivers.length; i++) at = Math.min(at, this.#receivers[i]!.expiresAt)
    // Nothing may leave, so no packet is a reason to wake.
    if (this.#gate.isBlocked) return at
    if (this.#wantsPing) return now
    at = Math.min(at, this.#acks.dueAt, this.#acks.earlyAt(now), this.#probeAt)
    const pingAt = this.#governor.pingAt(this.#sent.lastElicitingAt)
    at = Math.min(at, this.#gate.lastSentAt + this.#config.keepaliveMs, pingAt)
    return Math.min(at, this.#gate.wakeAt(now, this.#acks.isTickFar(now)))
  }

  /** The connection has ended: what is under way gets its verdict. */
  end(senders: readonly SendChannel[]): void {
    this.#sent.forEachOpen((packet) => {
      for (let entry = packet.firstEntry; entry < packet.endEntry; entry++) {
        const message = this.#sent.manifests.messageAt(entry)
        if (message !== undefined) senders[message.channel]!.onEnd(message)
      }
    })
  }

  onFate(isLost: boolean, sentAt: number): void {
    const { chain } = this.#redundancy
    chain.observe(isLost, sentAt)
    this.#stats.lossUpRecent = chain.loss
    this.#stats.burstUp = 1 / (1 - chain.follow)
  }

  onPacketAcked(packet: SentPacket): void {
    this.#redundancy.chain.judge(false, packet.sentAt)
    const { manifests } = this.#sent
    this.#budget.onPacketAcked(packet.bytes)
    this.#governor.onAcked(packet.bytes)
    for (let entry = packet.firstEntry; entry < packet.endEntry; entry++) {
      const message = manifests.messageAt(entry)
      if (message === undefined) continue
      // It was taken for lost, and what it carried has left again since.
      if (message.lastSentAt >= packet.lostAt && message.status === 'live') this.#stats.resendsSpurious++
      this.#senders[message.channel]!.onAcked(message, manifests.fragmentAt(entry))
    }
  }

  onPacketLost(packet: SentPacket): void {
    this.#redundancy.chain.judge(true, packet.sentAt)
    const { manifests } = this.#sent
    this.#budget.onPacketLost(packet.sentAt, packet.lostAt)
    for (let entry = packet.firstEntry; entry < packet.endEntry; entry++) {
      const message = manifests.messageAt(entry)
      if (message !== undefined) this.#senders[message.channel]!.onLost(message, manifests.fragmentAt(entry))
    }
  }

  onPacketLossFinal(packet: SentPacket): void {
    const { manifests } = this.#sent
    for (let entry = packet.firstEntry; entry < packet.endEntry; entry++) {
      const message = manifests.messageAt(entry)
      if (message !== undefined) this.#senders[message.channel]!.onLossFinal(message, manifests.fragmentAt(entry))
    }
  }

  /**
   * Silence after the last packet that asked for an ack: only then is there nothing else to learn from. Packets that only
   * acknowledge owe us no answer; probing for them would have two idle ends answer each other for ever.
   */
  get #probeAt(): number {
    if (this.#lanes.isHushed || this.#sent.elicitingInFlight === 0) return Number.POSITIVE_INFINITY
    return this.#sent.lastElicitingAt + this.#rtt.probeMs(PEER_ACK_DELAY_MS, this.#backoff)
  }

  #takeAck(ack: number, now: number): void {
    const newestBefore = this.#sent.newestAcked
    if (this.#header.horizonMs > Number.NEGATIVE_INFINITY) {
      const acked = this.#sent.find(ack)
      if (acked !== undefined) this.#rule.onHorizon(acked.sentAt + this.#header.horizonMs)
    }
    const sample = this.#sent.onAck(ack, this.#header.bits)
    if (sample !== undefined && this.#header.ackDelayMs < Number.POSITIVE_INFINITY) {
      this.#rtt.observe(now - sample.sentAt - this.#header.ackDelayMs, now)
      const { timestamp, ackDelayMs } = this.#header
      // What waited below us first tells nothing of the way.
      if (!sample.isHeld) this.#clock.onAck(timestamp, ackDelayMs, sample.sentAt, now)
      this.#budget.onArrival(sample.sentAt, timestamp / TIMESTAMP_PER_MS - ackDelayMs, now, sample.isHeld)
      const stats = this.#stats
      stats.rttSamples = this.#rtt.samples
      stats.rttMs = this.#rtt.smoothedMs
      stats.rttVarMs = this.#rtt.varianceMs
      stats.rttLatestMs = this.#rtt.latestMs
      stats.rttMinMs = this.#rtt.minMs
    }
    this.#budget.onAck(now)
    if (this.#sent.newestAcked > newestBefore) this.#backoff = 0
    this.#received.trim(this.#sent.newestWholeReport)
    this.#sent.update(now)
  }

  #startTick(now: number): void {
    this.#gate.startTick()
    this.#redundancy.startTick(this.#ticks.intervalMs, this.#rtt.expectedMs)
    this.#governor.onTick(this.#ticks.intervalMs, this.#stats.queueMs, now)
    for (let i = 0; i < this.#senders.length; i++) this.#senders[i]!.startTick(now, this.#redundancy)
  }

  /** Sends the oldest unconfirmed parts once more, or a ping, to provoke an ack. */
  #probe(now: number): void {
    const packet = this.#sent.oldestEliciting()
    if (this.#backoff < MAX_BACKOFF) this.#backoff++
    // A silent path gets one probe per interval, whatever it carries.
    this.#sent.lastElicitingAt = now
    this.#wantsPing = true
    if (packet === undefined) return
    const { manifests } = this.#sent
    for (let entry = packet.firstEntry; entry < packet.endEntry; entry++) {
      const message = manifests.messageAt(entry)
      if (message !== undefined) this.#senders[message.channel]!.onProbe(message, manifests.fragmentAt(entry))
    }
  }
}
