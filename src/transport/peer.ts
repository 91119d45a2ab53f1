import type {
  Bytes,
  ChannelTable,
  CloseOptions,
  CloseReason,
  ConnectionState,
  Endpoint,
  EndpointStats,
  EventOf,
  MessageId,
  MessageOf,
  SendOptions,
  SharedPayload,
} from '../index.ts'
import type { Host } from './host.ts'
import { PeerClock } from './peer-clock.ts'
import type { Transport } from './transport.ts'

/**
 * A game that flushed this recently drives its peer itself, ms: the peer's alarm leaves the work to the next flush, so that a
 * tick's messages travel together. Six ticks at 60 Hz; a page that was hidden, or a game without a loop, is taken over soon.
 */
const FLUSH_PATIENCE_MS = 100
/** What one flush may put into an empty layer below, bytes: eight packets, about the smallest send buffer that Node can have. */
const BURST_BYTES = 8 * 1150
/** How often a backlog below us is looked at again when nobody flushes, ms. Nothing tells us that it is gone. */
const BACKLOG_POLL_MS = 10
/**
 * Time between the last word and the closing of the transport, ms. Chromium and libdatachannel drop what they have queued when
 * they are closed; the other side's repeated goodbye still finds somebody to answer it.
 */
const LINGER_MS = 250

export interface PeerOptions<C extends ChannelTable = ChannelTable> {
  readonly id: string
  /** Made with the host's clock and chance, and with packets no larger than the transport's. */
  readonly endpoint: Endpoint<C>
  /** Open: takes packets from now on. */
  readonly transport: Transport
  readonly host: Host
  /**
   * Called after whatever may have moved the state or queued an event. For the code that made the peer (`connect`, `listen`);
   * a game polls.
   */
  readonly onProgress?: () => void
}

/** Options of one flush. */
export interface FlushOptions {
  /** Stop once this many bytes of packets have gone, whole packets. Default: no limit beside the endpoint's own. */
  readonly maxBytes?: number
}

/**
 * One connection as a game sees it: an endpoint on a transport, driven by a host. `update` at the start of a tick, `pollEvent`
 * until there is none, `send`, then `flush` at the end of the tick. Nothing is ever called from inside.
 *
 * Between ticks, and for a game without them, it keeps itself going on one alarm of its own: handshake, acks, resends,
 * keepalive and closing need no game loop.
 */
export class Peer<C extends ChannelTable = ChannelTable> {
  /** Names the peer on both ends, where the signalling told it; random. */
  readonly id: string
  /** Resolves to the reason once the connection has ended and its transport is closed. Never rejects. */
  readonly closed: Promise<CloseReason>
  /** The time that both ends share: the server's clock. */
  readonly clock: PeerClock
  readonly #endpoint: Endpoint<C>
  readonly #transport: Transport
  readonly #host: Host
  readonly #onProgress: (() => void) | undefined
  readonly #resolveClosed: (reason: CloseReason) => void
  /** Events left over when the endpoint closed, last one first. */
  #leftover: EventOf<C>[] = []
  #reason: CloseReason | undefined
  #isFreed = false
  #isDraining = false
  #closeCode = 0
  #flushedAt: number = Number.NEGATIVE_INFINITY
  /** Instant at which the transport is closed, once the endpoint is. */
  #freeAt: number = Number.POSITIVE_INFINITY
  /** Instant of the next try to hand packets down, while the layer below holds some back. */
  #retryAt: number | undefined
  #alarmAt: number = Number.POSITIVE_INFINITY
  #cancelAlarm: (() => void) | undefined

  constructor(options: PeerOptions<C>) {
    this.id = options.id
    this.#endpoint = options.endpoint
    this.#transport = options.transport
    this.#host = options.host
    this.clock = new PeerClock(options.endpoint, options.host)
    this.#onProgress = options.onProgress
    let resolveClosed = (_reason: CloseReason): void => {}
    this.closed = new Promise((resolve) => {
      resolveClosed = resolve
    })
    this.#resolveClosed = resolveClosed
    options.transport.watch?.(options.endpoint.stats.pipes)
    options.transport.onPacket = (packet) => this.#arrived(packet)
    options.transport.onEnd = ({ detail }) => this.#ended(detail)
    this.#arm()
  }

  get state(): ConnectionState {
    return this.#endpoint.state
  }

  /** One live object: read it, do not keep copies of its fields. */
  get stats(): EndpointStats {
    return this.#endpoint.stats
  }

  /** The path has gone, and the connection waits for another: between the events `away` and `back`. */
  get isAway(): boolean {
    return this.#endpoint.isAway
  }

  /** How long nothing has been heard, ms. */
  get silentMs(): number {
    this.#endpoint.update(this.#host.now())
    return this.#endpoint.silentMs
  }

  /** Start of a tick: time passes. */
  update(): void {
    if (this.#isFreed) return
    const now = this.#host.now()
    this.#endpoint.update(now)
    this.#settle(now)
  }

  /** The next event, in order; `undefined` when there is none. `closed` is the last. */
  pollEvent(): EventOf<C> | undefined {
    return this.#leftover.pop() ?? this.#endpoint.pollEvent()
  }

  /**
   * Queues a copy of `message`, bytes or a value of the channel's codec, or a `SharedPayload` as it is; it leaves at the next
   * `flush`. Returns the message's number, which its verdict event will carry, or −1 once the connection is closing.
   * Throws `NetcodeError`: `unknown-channel`, `message-too-large`, `bad-message`, or `backpressure` when a reliable channel is at
   * its limit; then nothing has changed.
   */
  send<Name extends keyof C & string>(channel: Name, message: MessageOf<C, Name>, options?: SendOptions): MessageId {
    const id = this.#endpoint.send(channel, message, options)
    this.#sent(options)
    return id
  }

  /** As `send`, but returns `undefined` where `send` would throw `backpressure`, and once the connection is closing. */
  trySend<Name extends keyof C & string>(
    channel: Name,
    message: MessageOf<C, Name>,
    options?: SendOptions,
  ): MessageId | undefined {
    const id = this.#endpoint.trySend(channel, message, options)
    this.#sent(options)
    return id
  }

  /** `message` as bytes that can be sent on this channel of many peers, encoded and stored once. Throws as `send`. */
  share<Name extends keyof C & string>(channel: Name, message: MessageOf<C, Name>): SharedPayload {
    return this.#endpoint.share(channel, message)
  }

  /** How long a message sent now on `channel` would wait for bytes that go first, ms, at the present byte budget. */
  queuedMs(channel: keyof C & string): number {
    return this.#endpoint.queuedMs(channel)
  }

  /** End of a tick: what is due leaves, as far as the layers below have room. */
  flush(options: FlushOptions = {}): void {
    if (this.#isFreed) return
    const now = this.#host.now()
    this.#flushedAt = now
    // What the game did since `update` took time, and packets are stamped with the instant at which they leave.
    this.#endpoint.update(now)
    this.#drain(now, options.maxBytes ?? Number.POSITIVE_INFINITY)
    this.#settle(now)
  }

  /**
   * Ends the connection gracefully: reliable messages get through first, up to a deadline; then the other side is told. Goes on
   * by itself; `closed` resolves at the end. Idempotent.
   */
  close(options: CloseOptions = {}): void {
    if (this.#isFreed) return
    if (this.state === 'connecting' || this.state === 'open') this.#closeCode = options.code ?? 0
    const now = this.#host.now()
    // The deadline counts from here, not from the last tick.
    this.#endpoint.update(now)
    this.#endpoint.close(options)
    this.#drain(now, Number.POSITIVE_INFINITY)
    this.#settle(now)
  }

  /**
   * For the code that made the peer: its last pipe has gone, and another may come. Says whether the connection waits for it
   * (`awayMs`); if not, the transport must end.
   */
  leave(): boolean {
    if (this.#isFreed) return false
    const now = this.#host.now()
    const waits = this.#endpoint.leave(now)
    this.#settle(now)
    return waits
  }

  /** For the code that made the peer: there is a new pipe, and the other side shall hear of it. */
  knock(): void {
    if (this.#isFreed) return
    const now = this.#host.now()
    this.#endpoint.knock(now)
    this.#pump(now)
  }

  /** What is urgent leaves at once, the rest at the next flush. */
  #sent(options: SendOptions | undefined): void {
    if (options?.urgent === true && !this.#isFreed) this.#pump(this.#host.now())
    else this.#arm()
  }

  #arrived(packet: Bytes): void {
    if (this.#isFreed) return
    const now = this.#host.now()
    this.#endpoint.receive(packet, now)
    // In a hidden page that may have no worker timers are late by up to a second; arrivals are not.
    if (!this.#isDriven(now) && this.#dueAt <= now) this.#pump(now)
    else this.#settle(now)
  }

  #ended(detail: string): void {
    if (this.#isFreed) return
    // A side that is closing has what it wants; whoever hung up first, it was closed from here.
    const isOurs = this.state === 'closing'
    this.#endpoint.abort(isOurs ? { kind: 'local', code: this.#closeCode } : { kind: 'transport', detail })
    this.#freeAt = Number.NEGATIVE_INFINITY
    this.#settle(this.#host.now())
  }

  #pump(now: number): void {
    this.#endpoint.update(now)
    this.#drain(now, Number.POSITIVE_INFINITY)
    this.#settle(now)
  }

  /**
   * Hands packets down. What still waits below from earlier ticks holds everything back: it would be sent first, and what is
   * sent now would be old by then. What this very flush has put there does not count, up to a burst.
   */
  #drain(now: number, maxBytes: number): void {
    // A transport that delivers at once can bring us back here in the middle.
    if (this.#isDraining) return
    this.#isDraining = true
    const endpoint = this.#endpoint
    const transport = this.#transport
    let sentBytes = 0
    endpoint.backlogBytes = transport.backlogBytes
    if (transport.tellHeld !== undefined) transport.tellHeld(this.#hold)
    else if (endpoint.backlogBytes > 0) endpoint.hold(transport.pipe ?? 0, endpoint.backlogBytes)
    while (sentBytes < maxBytes) {
      const packet = endpoint.pollPacket(transport.pipe)
      if (packet === undefined) break
      sentBytes += packet.length
      transport.send(packet)
      endpoint.backlogBytes = Math.max(0, transport.backlogBytes - Math.min(sentBytes, BURST_BYTES))
    }
    this.#isDraining = false
    // What stays due is held back by the layer below, which sends no word when it has room again.
    const isHeld = endpoint.backlogBytes > 0 || (!this.#isDriven(now) && endpoint.wakeAt <= now)
    this.#retryAt = isHeld ? now + BACKLOG_POLL_MS : undefined
  }

  readonly #hold = (pipe: number, bytes: number): void => this.#endpoint.hold(pipe, bytes)

  /** After anything that happened: the end if it came, the next alarm, the word to our maker. */
  #settle(now: number): void {
    if (this.state === 'closed') this.#settleClosed(now)
    this.#arm()
    this.#onProgress?.()
  }

  #settleClosed(now: number): void {
    if (this.#reason === undefined) {
      for (let event = this.#endpoint.pollEvent(); event !== undefined; event = this.#endpoint.pollEvent()) {
        this.#leftover.push(event)
        if (event.type === 'closed') this.#reason = event.reason
      }
      this.#leftover.reverse()
      // After a silence nobody is there to hear a last word.
      const lingerMs = this.#reason?.kind === 'timeout' ? 0 : LINGER_MS
      this.#freeAt = Math.min(this.#freeAt, now + lingerMs)
    }
    if (now >= this.#freeAt) this.#free()
  }

  #free(): void {
    if (this.#isFreed) return
    this.#isFreed = true
    this.#transport.close()
    this.#resolveClosed(this.#reason ?? { kind: 'local', code: this.#closeCode })
  }

  /** Whether the game can be counted on to flush soon. */
  #isDriven(now: number): boolean {
    return now < this.#flushedAt + FLUSH_PATIENCE_MS && this.state === 'open'
  }

  /** Instant at which there is something to do that nobody else will do, ms. */
  get #dueAt(): number {
    const at = Math.min(this.#retryAt ?? this.#endpoint.wakeAt, this.#freeAt)
    if (this.state !== 'open') return at
    const hasteAt = this.#retryAt ?? this.#endpoint.hasteAt
    return Math.min(hasteAt, Math.max(at, this.#flushedAt + FLUSH_PATIENCE_MS))
  }

  /** Keeps one alarm. One that comes too early does no harm: it sets the next. */
  #arm(): void {
    if (this.#isFreed) {
      this.#cancelAlarm?.()
      return
    }
    // The usual case in a game loop: nothing is due before the alarm that is set.
    if (this.#isDriven(this.#alarmAt)) return
    const at = this.#dueAt
    if (at >= this.#alarmAt) return
    this.#cancelAlarm?.()
    this.#alarmAt = at
    this.#cancelAlarm = this.#host.at(at, this.#onAlarm)
  }

  readonly #onAlarm = (): void => {
    this.#alarmAt = Number.POSITIVE_INFINITY
    const now = this.#host.now()
    if (this.#dueAt <= now) this.#pump(now)
    else this.#arm()
  }
}
