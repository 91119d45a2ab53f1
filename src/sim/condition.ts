import type { Bytes } from '../core/bytes.ts'
import type { Transport, TransportEnd } from '../transport/transport.ts'
import { Link } from './link.ts'
import type { LinkOptions } from './link-options.ts'
import { type Random, randomFrom, type Seed } from './random.ts'

/** The part of a driver's host that {@link conditioned} needs. `VirtualHost` is one. */
export interface ConditionHost {
  /** The present instant, ms, monotonic. */
  now(): number
  /** Runs `run` at `timeMs` or a little later, never during this call; the returned function cancels it. */
  at(timeMs: number, run: () => void): () => void
}

export interface ConditionOptions {
  seed: Seed | Random
  host: ConditionHost
  /** Weather of what is sent here; default perfect. On the player's side that is a profile's `up`. */
  out?: LinkOptions
  /** Weather of what arrives here; default perfect. On the player's side that is a profile's `down`. */
  in?: LinkOptions
}

/** Time that packets on their way out have after `close`, ms; long enough for any profile's delay, so that a goodbye gets its chance. */
const LINGER_MS = 1000

/**
 * A transport with weather. Packets go out at most as fast as the transport below takes them; its backlog is passed on,
 * the weather's own queue is not, since no sender sees the queues of a real path either.
 */
export class ConditionedTransport implements Transport {
  /** The simulated path out of here. */
  readonly out: Link
  /** The simulated path to here. */
  readonly in: Link
  onPacket: ((packet: Bytes) => void) | undefined = undefined
  onEnd: ((end: TransportEnd) => void) | undefined = undefined
  readonly #below: Transport
  readonly #host: ConditionHost
  #state: 'open' | 'lingering' | 'closed' = 'open'
  #lingersUntil = Number.POSITIVE_INFINITY
  #alarmAt = Number.POSITIVE_INFINITY
  #cancelAlarm: (() => void) | undefined = undefined
  readonly #onAlarm = (): void => {
    this.#alarmAt = Number.POSITIVE_INFINITY
    this.#cancelAlarm = undefined
    const now = this.#host.now()
    this.#drainOut(now)
    this.#drainIn(now)
    this.#arm()
  }

  constructor(transport: Transport, options: ConditionOptions) {
    const random = randomFrom(options.seed)
    const startsAt = options.host.now()
    this.#below = transport
    this.#host = options.host
    this.out = new Link({ ...options.out, seed: random.fork('out'), startsAt })
    this.in = new Link({ ...options.in, seed: random.fork('in'), startsAt })
    transport.onPacket = (packet) => this.#arrived(packet)
    transport.onEnd = (end) => this.#ended(end)
  }

  get maxPacketBytes(): number {
    return this.#below.maxPacketBytes
  }

  get backlogBytes(): number {
    return this.#below.backlogBytes
  }

  send(packet: Bytes): void {
    if (this.#state !== 'open') return
    const now = this.#host.now()
    this.out.push(packet, now)
    // Only the way out: an arrival in the middle of the caller's flush would come as a surprise.
    this.#drainOut(now)
    this.#arm()
  }

  /** Changes the weather now. */
  set(weather: { out?: LinkOptions; in?: LinkOptions }): void {
    const now = this.#host.now()
    if (weather.out !== undefined) this.out.set(weather.out, now)
    if (weather.in !== undefined) this.in.set(weather.in, now)
    this.#arm()
  }

  /** Nothing arrives from here on; what is on its way out gets a second to leave, then the transport below is closed. */
  close(): void {
    if (this.#state !== 'open') return
    this.#state = 'lingering'
    const now = this.#host.now()
    this.#lingersUntil = now + LINGER_MS
    this.#drainOut(now)
    this.#arm()
  }

  #arrived(packet: Bytes): void {
    if (this.#state !== 'open') return
    const now = this.#host.now()
    this.in.push(packet, now)
    this.#drainIn(now)
    this.#arm()
  }

  #ended(end: TransportEnd): void {
    const wasOpen = this.#state === 'open'
    this.#state = 'closed'
    this.#disarm()
    if (wasOpen) this.onEnd?.(end)
  }

  #drainOut(now: number): void {
    if (this.#state === 'closed') return
    for (let packet = this.out.poll(now); packet !== undefined; packet = this.out.poll(now)) this.#below.send(packet)
    if (this.#state === 'lingering' && (this.out.heldBytes === 0 || now >= this.#lingersUntil)) {
      this.#state = 'closed'
      this.#below.close()
    }
  }

  #drainIn(now: number): void {
    // The receiver may close in the middle.
    while (this.#state === 'open') {
      const packet = this.in.poll(now)
      if (packet === undefined) return
      this.onPacket?.(packet)
    }
  }

  /** Keeps one alarm, at the earliest instant at which a packet moves. */
  #arm(): void {
    if (this.#state === 'closed') {
      this.#disarm()
      return
    }
    const inAt = this.#state === 'open' ? this.in.wakeAt : this.#lingersUntil
    const wakeAt = Math.min(this.out.wakeAt, inAt)
    if (wakeAt === this.#alarmAt) return
    this.#disarm()
    if (wakeAt === Number.POSITIVE_INFINITY) return
    this.#alarmAt = wakeAt
    this.#cancelAlarm = this.#host.at(wakeAt, this.#onAlarm)
  }

  #disarm(): void {
    this.#cancelAlarm?.()
    this.#cancelAlarm = undefined
    this.#alarmAt = Number.POSITIVE_INFINITY
  }
}

/**
 * Puts weather between `transport` and its user, in both directions, on any transport and in any browser:
 * `connect(url, { wrapTransport: (t) => conditioned(t, { seed: 7, host, out: profiles.train.up, in: profiles.train.down }) })`.
 * It stands above SCTP, so what SCTP itself does under loss does not show; for that, lose packets below it, with the relay.
 */
export function conditioned(transport: Transport, options: ConditionOptions): ConditionedTransport {
  return new ConditionedTransport(transport, options)
}
