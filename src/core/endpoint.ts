import { type Bytes, EMPTY, SharedPayload } from './bytes.ts'
import type { ReceiveChannel, SendChannel } from './channel/channel.ts'
import { createReceiver, createSender } from './channel/halves.ts'
import { Outbox } from './channel/outbox.ts'
import { ChannelNames } from './channel-names.ts'
import { ClockSync } from './clock/clock-sync.ts'
import { type ChannelConfig, type ChannelTable, type Config, type EndpointOptions, resolveConfig } from './config.ts'
import { Handshake, type HandshakeOutcome } from './connection/handshake.ts'
import { Lifecycle } from './connection/lifecycle.ts'
import { Patience } from './connection/patience.ts'
import { BlockPool } from './container/block-pool.ts'
import { type CloseOptions, checkCode, checkData, checkKey, checkTtl, type SendOptions } from './door.ts'
import { NetcodeError } from './errors.ts'
import type { AwayEvent, BackEvent, CloseReason, ConnectionState, MessageId, ReceiveResult } from './events.ts'
import { Inbox } from './inbox.ts'
import { decodeEvent, type EventOf, type MessageOf, payloadOf } from './messages.ts'
import { WIRE_OVERHEAD_BYTES } from './packet/ack-timing.ts'
import { PacketFlow } from './packet/packet-flow.ts'
import { channelStatsOf, createStats, type EndpointStats } from './stats.ts'
import { FORM_DATA, FORM_HELLO, FORM_MASK, FORM_WELCOME, MAX_CLOSE_DATA_BYTES } from './wire/layout.ts'
import { Reader } from './wire/reader.ts'
import { Writer } from './wire/writer.ts'

/** Free blocks kept of each size. */
const POOL_LIMIT = 1024
/** Default time that a graceful close may take, ms. */
const CLOSE_DEADLINE_MS = 1000
/** Pause after the first goodbye when the round trip is short, ms. */
const GOODBYE_PAUSE_MS = 50

/**
 * One end of a connection, sans-IO: no socket, no timer, no clock. The game (or the driver) brings packets and time in, and
 * takes packets, events and the next deadline out.
 *
 * - Any call order is safe; not draining only adds latency.
 * - Nothing is ever called from inside; nothing re-enters.
 * - `update` may be called early, late, or twice. Time going backwards is ignored.
 * - After `closed`, every method is a no-op that returns its quiet value (`send`: −1), but for the last packet to the peer.
 */
export class Endpoint<Table extends ChannelTable = ChannelTable> {
  readonly stats: EndpointStats = createStats()
  /** The time that both ends share: the server's. */
  readonly clock: ClockSync
  readonly #config: Config
  readonly #channels: ChannelNames
  readonly #lifecycle = new Lifecycle()
  readonly #handshake: Handshake
  readonly #inbox: Inbox
  readonly #senders: readonly SendChannel[]
  readonly #flow: PacketFlow
  readonly #reader = new Reader()
  readonly #writer: Writer
  readonly #pool: BlockPool
  #now: number
  readonly #patience: Patience
  #closing: { code: number; data: Bytes; deadlineAt: number; isGoodbye: boolean } | undefined

  /** Throws `bad-option` if an option is out of its range. */
  constructor(options: EndpointOptions<Table>) {
    const config = resolveConfig(options)
    this.#config = config
    this.#channels = new ChannelNames(config.channels)
    this.clock = new ClockSync(options.role === 'server')
    this.#now = options.now
    this.#patience = new Patience(config.timeoutMs, config.awayMs, options.now)
    this.#inbox = new Inbox(config, this.stats)
    // A block to spare, so that blocks can be copied whole.
    this.#writer = new Writer(Math.max(config.maxPacketBytes, MAX_CLOSE_DATA_BYTES + 16) + config.fragmentBytes)
    this.#handshake = new Handshake(options.role, config, options.random, options.now)
    this.#pool = new BlockPool(config.fragmentBytes, POOL_LIMIT, config.pooled)
    const outbox = new Outbox(this.#pool, config.fragmentBytes, this.stats, ({ name, verdicts }, id, verdict) => {
      if (verdicts) this.#inbox.push({ type: 'verdict', channel: name, id, verdict, at: this.#now }, this.#now)
    })
    this.#senders = config.channels.map((channel) => createSender(channel, outbox))
    const receivers = config.channels.map((channel) => this.#createReceiver(channel))
    this.#flow = new PacketFlow(config, this.#senders, receivers, this.#writer, this.stats, this.clock, options.now)
  }

  get state(): ConnectionState {
    return this.#lifecycle.state
  }

  /** Bytes that wait below us; the driver sets it before polling packets. Above `maxBacklogBytes` nothing leaves. */
  get backlogBytes(): number {
    return this.#flow.backlogBytes
  }

  set backlogBytes(bytes: number) {
    this.#flow.backlogBytes = bytes
    this.stats.backlogBytes = bytes
  }

  /** The driver's word that of the packets polled for `pipe`, 0 to 255, `bytes` still wait below it: those tell nothing of the path. */
  hold(pipe: number, bytes: number): void {
    this.#flow.hold(pipe, bytes, this.#now)
  }

  /** Server with `autoAccept: false`: a client has said hello and waits for `accept` or `reject`. */
  get isAsking(): boolean {
    return this.state === 'connecting' && this.#handshake.isAsking
  }

  /** The path has gone, and the connection waits for another. */
  get isAway(): boolean {
    return this.#patience.isAway
  }

  /** How long nothing has been heard, ms, at the latest instant given. */
  get silentMs(): number {
    return this.#patience.silentMs(this.#now)
  }

  /** Instant of the next useful `update` and `pollPacket`, ms; `Infinity` when idle; never before the latest instant given. */
  get wakeAt(): number {
    let at = this.#handshake.wakeAt
    if (this.state !== 'closed') at = Math.min(at, this.#patience.endsAt)
    if (this.#closing !== undefined) at = Math.min(at, this.#closing.deadlineAt)
    if (this.state === 'open' || (this.#closing !== undefined && !this.#closing.isGoodbye)) {
      at = Math.min(at, this.#flow.wakeAt(this.#now))
      for (const sender of this.#senders) at = Math.min(at, sender.expiresAt)
    }
    return Math.max(at, this.#now)
  }

  /**
   * Instant of the next packet that should not wait for the game's tick, ms: an early ack, a lost message of a channel with
   * `redundancy: 'lean'`, an urgent message, bulk, a probe, a handshake. Never after `wakeAt` or before the latest instant.
   */
  get hasteAt(): number {
    let at = this.#handshake.wakeAt
    if (this.state === 'open' || (this.#closing !== undefined && !this.#closing.isGoodbye)) {
      at = Math.min(at, this.#flow.hasteAt(this.#now))
    }
    return Math.max(at, this.#now)
  }

  /**
   * Queues a copy of `message`: bytes, or a value of the channel's codec; a `SharedPayload` is queued as it is. Returns the message's
   * number, which its verdict event will carry.
   * Throws `NetcodeError`: `unknown-channel`, `message-too-large`, `bad-message`, or `backpressure` when a reliable channel
   * is at its limit; then nothing has changed.
   */
  send<Name extends keyof Table & string>(
    channel: Name,
    message: MessageOf<Table, Name>,
    options?: SendOptions,
  ): MessageId {
    const id = this.trySend(channel, message, options)
    if (id !== undefined) return id
    if (!this.#isTaking) return -1
    const { name, maxQueuedMessages, maxQueuedBytes } = this.#channels.find(channel)
    throw new NetcodeError(
      'backpressure',
      `${name}: full at ${maxQueuedMessages} unsettled messages or ${maxQueuedBytes} bytes; the message was not queued`,
    )
  }

  /** As `send`, but returns `undefined` where `send` would throw `backpressure`, and once the connection is closing. */
  trySend<Name extends keyof Table & string>(
    channel: Name,
    message: MessageOf<Table, Name>,
    options?: SendOptions,
  ): MessageId | undefined {
    const config = this.#channels.find(channel)
    const key = checkKey(config, options?.key)
    const ttlMs = checkTtl(config, options?.ttlMs)
    const payload = payloadOf(config, message)
    if (!this.#isTaking) return undefined
    this.#flow.feed(options?.urgent === true)
    return this.#senders[config.index]!.enqueue(payload, key, this.#now + ttlMs)
  }

  /** `message` as bytes that can be sent on this channel of many endpoints, encoded and stored once. Throws as `send`. */
  share<Name extends keyof Table & string>(channel: Name, message: MessageOf<Table, Name>): SharedPayload {
    const config = this.#channels.find(channel)
    const payload = payloadOf(config, message)
    return payload instanceof SharedPayload ? payload : new SharedPayload(payload)
  }

  /** How long a message sent now on `channel` would wait for bytes that go first, ms, at the present byte budget. */
  queuedMs(channel: keyof Table & string): number {
    return this.#flow.queuedMs(this.#senders[this.#channels.find(channel).index]!)
  }

  /**
   * Takes a packet that arrived at `now`. The buffer becomes the endpoint's: messages are views on it. Never throws,
   * whatever the bytes; its cost is linear in their number.
   */
  receive(packet: Bytes, now: number): ReceiveResult {
    this.#advance(now)
    const { stats } = this
    stats.packetsReceived++
    stats.bytesReceived += packet.length
    stats.wireBytesReceived += packet.length + WIRE_OVERHEAD_BYTES
    const form = packet.length === 0 ? -1 : packet[0]! & FORM_MASK
    this.#reader.reset(packet)
    if (form === FORM_DATA) return this.#receiveData()
    if (form < 0) {
      stats.refusals.encoding++
      return this.#malformed()
    }
    const outcome =
      form === FORM_HELLO
        ? this.#handshake.onHello(this.#reader)
        : form === FORM_WELCOME
          ? this.#handshake.onWelcome(this.#reader)
          : this.#handshake.onClose(this.#reader)
    if (this.state === 'closed') return 'closed'
    return this.#apply(outcome)
  }

  /** Lets time pass: timeouts, expiry, loss detection. Nothing is sent from inside. */
  update(now: number): void {
    this.#advance(now)
    if (this.state === 'closed') return
    if (this.#now >= this.#patience.endsAt && !this.#leave()) {
      this.#end({ kind: 'timeout', silentMs: this.#patience.silentMs(this.#now), during: this.state })
      return
    }
    if (this.state !== 'connecting') this.#flow.update(this.#now)
    for (let i = 0; i < this.#senders.length; i++) this.#senders[i]!.expire(this.#now)
    this.#updateClosing()
    if (this.#inbox.isOverflowing) this.#overflow()
  }

  /** The next event, in order; `undefined` when there is none. */
  pollEvent(): EventOf<Table> | undefined {
    const event = this.#inbox.poll()
    if (!this.#config.hasCodecs || event?.type !== 'message') return event as EventOf<Table> | undefined
    return decodeEvent(event, this.#channels.find(event.channel), this.stats) as EventOf<Table>
  }

  /** The next packet to send, if any; valid until the next `pollPacket`. `pipe`, 0 to 255, will carry it: see `stats.pipes`. */
  pollPacket(pipe: number = 0): Bytes | undefined {
    this.#writer.reset(Math.max(this.#config.maxPacketBytes, MAX_CLOSE_DATA_BYTES + 16))
    if (this.#handshake.wakeAt <= this.#now && this.#handshake.write(this.#writer, this.#now)) {
      return this.#sent(this.#writer.view())
    }
    if (this.state !== 'open' && (this.state !== 'closing' || this.#closing!.isGoodbye)) return undefined
    const packet = this.#flow.poll(this.#now, pipe)
    return packet === undefined ? undefined : this.#sent(packet)
  }

  /** Ends the connection: reliable messages get through first, up to a deadline; then the peer is told. Idempotent. */
  close(options: CloseOptions = {}): void {
    const code = checkCode(options.code)
    const data = checkData(options.data)
    const deadlineMs = options.deadlineMs ?? CLOSE_DEADLINE_MS
    if (!(deadlineMs >= 0)) throw new NetcodeError('bad-call', `close: deadlineMs ${deadlineMs}, expected 0 or more`)
    if (this.state === 'connecting' || (this.state !== 'closed' && deadlineMs === 0)) {
      this.#handshake.end('goodbye', code, data, 2)
      this.#end({ kind: 'local', code })
    } else if (this.state === 'open') {
      this.#lifecycle.move('closing')
      this.#closing = { code, data, deadlineAt: this.#now + deadlineMs, isGoodbye: false }
      this.#updateClosing()
    }
  }

  /** Server with `autoAccept: false`: welcomes the client, now or when it says hello. */
  accept(): void {
    if (this.state === 'connecting' && this.#handshake.accept()) this.#open()
  }

  /** Server: refuses the client with a code and data of the game's own, now or when it says hello. */
  reject(options: Omit<CloseOptions, 'deadlineMs'> = {}): void {
    const code = checkCode(options.code)
    const data = checkData(options.data)
    if (this.state !== 'connecting') return
    this.#handshake.end('rejected', code, data, this.#handshake.isAsking ? 1 : 0)
    this.#end({ kind: 'local', code })
  }

  /**
   * The driver's way to report that the pipe has gone and that another may come: `away`, if `awayMs` allows it. Says whether it does;
   * if not, `abort` is what is left.
   */
  leave(now: number): boolean {
    this.#advance(now)
    return this.isAway || this.#leave()
  }

  /** The driver's way to report that there is a new pipe: a ping goes out at once. */
  knock(now: number): void {
    this.#advance(now)
    this.#flow.ping()
  }

  /** Ends at once without a word to the peer; the driver's way to report that the pipe has gone. */
  abort(reason: CloseReason): void {
    if (this.state !== 'closed') this.#end(reason)
  }

  get #isTaking(): boolean {
    return this.state === 'connecting' || this.state === 'open'
  }

  /** Goes away, if there is a time to be away. */
  #leave(): boolean {
    const away = this.state === 'open' ? this.#patience.leave(this.#now) : undefined
    if (away !== undefined) this.#turn(away)
    return away !== undefined
  }

  #heard(): void {
    const back = this.#patience.hear(this.#now)
    if (back !== undefined) this.#turn(back)
  }

  #turn(event: AwayEvent | BackEvent): void {
    this.#inbox.push(event, this.#now)
    this.#flow.hush(this.isAway)
  }

  #createReceiver(config: ChannelConfig): ReceiveChannel {
    const own = channelStatsOf(this.stats, config)
    const deliver = (channel: ChannelConfig, key: number, payload: Bytes): void => {
      this.stats.messagesReceived++
      this.stats.appBytesReceived += payload.length
      own.messagesReceived++
      own.appBytesReceived += payload.length
      this.#inbox.push({ type: 'message', channel: channel.name, payload, key }, this.#now)
    }
    return createReceiver(config, this.stats, this.#config.reassemblyMs, deliver)
  }

  #advance(now: number): void {
    if (now > this.#now) this.#now = now
  }

  #receiveData(): ReceiveResult {
    if (this.state === 'closed') return 'closed'
    if (this.state === 'connecting') {
      this.stats.packetsRefused++
      return 'refused'
    }
    // First of all: the game hears of the return before the messages of it.
    if (this.isAway) this.#heard()
    const result = this.#flow.receive(this.#reader, this.#now, this.#inbox.hasRoom)
    if (result === 'malformed') return this.#malformed()
    if (result === 'accepted' || result === 'refused') this.#heard()
    if (this.#inbox.isOverflowing) this.#overflow()
    return result
  }

  #malformed(): ReceiveResult {
    const { stats } = this
    stats.packetsMalformed++
    if (this.state === 'closed') return 'closed'
    if (stats.packetsMalformed > this.#config.maxMalformed) {
      const detail = `${stats.packetsMalformed} malformed packets, at most ${this.#config.maxMalformed}`
      this.#handshake.end('violation', 0, EMPTY, 1)
      this.#end({ kind: 'protocol', violation: 'malformed', detail })
    }
    return 'malformed'
  }

  #apply(outcome: HandshakeOutcome): ReceiveResult {
    if (outcome.kind === 'malformed') {
      this.stats.refusals.encoding++
      return this.#malformed()
    }
    if (outcome.kind === 'ignored') {
      this.stats.refusals.unexpected++
      this.stats.packetsRefused++
      return 'refused'
    }
    this.#heard()
    if (outcome.kind === 'open') this.#open()
    else if (outcome.kind === 'closed') this.#end(outcome.reason)
    else if (outcome.kind === 'heard' && this.#closing?.isGoodbye)
      this.#end({ kind: 'local', code: this.#closing.code })
    return 'accepted'
  }

  #open(): void {
    this.#lifecycle.move('open')
    this.#flow.start(this.#now)
    this.clock.start(this.#handshake.peerClockMs, this.#handshake.helloSentAt, this.#now)
    this.#inbox.push({ type: 'open' }, this.#now)
  }

  #updateClosing(): void {
    const closing = this.#closing
    if (closing === undefined || this.state !== 'closing') return
    if (closing.isGoodbye) {
      if (this.#handshake.isSpent || this.#now >= closing.deadlineAt) this.#end({ kind: 'local', code: closing.code })
      return
    }
    if (this.#now < closing.deadlineAt && this.#senders.some((sender) => sender.hasUnsettled)) return
    closing.isGoodbye = true
    const pauseMs = Math.max(GOODBYE_PAUSE_MS, this.#flow.probeMs)
    this.#handshake.startGoodbye(closing.code, closing.data, this.#now, pauseMs)
    // The answer gets as long as its repeats need: 1 + 2 + 4 + 8 pauses; where nobody hears us, one will do.
    closing.deadlineAt = this.#now + (this.isAway ? 1 : 15) * pauseMs
  }

  #overflow(): void {
    this.#handshake.end('goodbye', 0, EMPTY, 1)
    this.#end({ kind: 'overflow', what: 'events', limit: this.#inbox.limit })
  }

  #end(reason: CloseReason): void {
    this.#lifecycle.move('closed')
    this.#closing = undefined
    this.#handshake.stop()
    for (const sender of this.#senders) sender.end()
    this.#flow.end(this.#senders)
    this.#inbox.push({ type: 'closed', reason }, this.#now)
  }

  #sent(packet: Bytes): Bytes {
    this.stats.packetsSent++
    this.stats.bytesSent += packet.length
    this.stats.wireBytesSent += packet.length + WIRE_OVERHEAD_BYTES
    this.stats.poolMisses = this.#pool.misses
    this.stats.poolDiscards = this.#pool.discards
    return packet
  }
}
