import type { Bytes } from '../../core/bytes.ts'
import type { Transport, TransportEnd } from '../../transport/transport.ts'
import type { ConditionHost } from '../condition.ts'
import { Link } from '../link.ts'
import type { LinkOptions } from '../link-options.ts'
import { type Random, randomFrom, type Seed } from '../random.ts'
import { SctpAssociation, type SctpCounters } from './association.ts'
import type { SctpOptions, SctpReliability } from './options.ts'
import { tagOf } from './packet.ts'

/** IPv4 20, UDP 8, DTLS 1.2 AES-GCM 37: around an SCTP packet. */
const DATAGRAM_OVERHEAD_BYTES = 65
/** Largest message of one chunk beside a SACK on every stack (`DATAGRAM_PACKET_BYTES` of the transports). */
const MAX_PACKET_BYTES = 1120
/** Before a plain datagram: its tag, where SCTP has it. */
const PLAIN_HEADER_BYTES = 8

/** One side's end of an association. */
export interface SctpSide {
  /** {@link DCSCTP} or {@link LIBDATACHANNEL}, or what one of them would be with a change. */
  readonly options: SctpOptions
  /** Default: `{ maxRetransmits: 0 }`. */
  readonly reliability?: SctpReliability
}

/** What carries packets of a {@link Flow} over the path. */
interface Carrier {
  readonly bufferedAmount: number
  readonly wakeAt: number
  send(message: Uint8Array, now: number): void
  receive(packet: Bytes, now: number): void
  poll(now: number): Bytes | undefined
  pollMessage(): Bytes | undefined
}

/** Packets as datagrams of their own: plain UDP, the limit that everything above SCTP is held to. */
class PlainCarrier implements Carrier {
  readonly #tag: number
  readonly #out: Bytes[] = []
  readonly #in: Bytes[] = []
  readonly bufferedAmount = 0
  readonly wakeAt: number = Number.POSITIVE_INFINITY

  constructor(tag: number) {
    this.#tag = tag
  }

  send(message: Uint8Array): void {
    const packet = new Uint8Array(PLAIN_HEADER_BYTES + message.length)
    new DataView(packet.buffer).setUint32(4, this.#tag)
    packet.set(message, PLAIN_HEADER_BYTES)
    this.#out.push(packet)
  }

  receive(packet: Bytes): void {
    this.#in.push(packet.slice(PLAIN_HEADER_BYTES))
  }

  poll(): Bytes | undefined {
    return this.#out.shift()
  }

  pollMessage(): Bytes | undefined {
    return this.#in.shift()
  }
}

/** One end of a pipe over a {@link SctpPath}: what a DataChannel would be to a driver. */
export class SctpTransport implements Transport {
  readonly maxPacketBytes: number = MAX_PACKET_BYTES
  onPacket: ((packet: Bytes) => void) | undefined = undefined
  onEnd: ((end: TransportEnd) => void) | undefined = undefined
  /** The association below; `undefined` for plain datagrams. For tests and displays: a real one shows nothing of this. */
  readonly association: SctpAssociation | undefined
  readonly #carrier: Carrier
  readonly path: SctpPath
  readonly #out: Link
  /** The other end. */
  peer: SctpTransport | undefined = undefined
  isOpen = true

  constructor(path: SctpPath, out: Link, carrier: Carrier) {
    this.path = path
    this.#out = out
    this.#carrier = carrier
    this.association = carrier instanceof SctpAssociation ? carrier : undefined
  }

  get backlogBytes(): number {
    return this.#carrier.bufferedAmount
  }

  get counters(): SctpCounters | undefined {
    return this.association?.counters
  }

  get wakeAt(): number {
    return this.isOpen ? this.#carrier.wakeAt : Number.POSITIVE_INFINITY
  }

  send(packet: Bytes): void {
    if (!this.isOpen) return
    this.#carrier.send(packet, this.path.now)
    this.pump(this.path.now)
    this.path.arm()
  }

  close(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.path.closing(this)
  }

  /** The path: a packet has arrived. */
  arrived(packet: Bytes, now: number): void {
    if (!this.isOpen) return
    this.#carrier.receive(packet, now)
    this.pump(now)
    for (let message = this.#carrier.pollMessage(); message !== undefined; message = this.#carrier.pollMessage()) {
      if (this.isOpen) this.onPacket?.(message)
    }
  }

  /** The path: whatever may leave goes into the link. */
  pump(now: number): void {
    for (let packet = this.#carrier.poll(now); packet !== undefined; packet = this.#carrier.poll(now)) {
      this.#out.push(packet, now)
    }
  }
}

export interface SctpPathInit {
  readonly seed: Seed | Random
  readonly host: ConditionHost
  /** Weather from client to server; default perfect. Sizes count 65 bytes of IP, UDP and DTLS unless it says otherwise. */
  readonly up?: LinkOptions
  /** Weather from server to client. */
  readonly down?: LinkOptions
}

/** Both ends of one pipe. */
export interface SctpPipe {
  readonly client: SctpTransport
  readonly server: SctpTransport
}

/**
 * A path with one link each way, in a host's time, and any number of SCTP associations or plain datagram flows that share it: their
 * packets meet the same losses and wait at the same bottleneck.
 */
export class SctpPath {
  readonly up: Link
  readonly down: Link
  readonly #host: ConditionHost
  readonly #pipes: SctpPipe[] = []
  #alarmAt: number = Number.POSITIVE_INFINITY
  #cancelAlarm: (() => void) | undefined = undefined

  constructor(init: SctpPathInit) {
    const random = randomFrom(init.seed)
    const startsAt = init.host.now()
    this.#host = init.host
    this.up = new Link({ overheadBytes: DATAGRAM_OVERHEAD_BYTES, ...init.up, seed: random.fork('up'), startsAt })
    this.down = new Link({ overheadBytes: DATAGRAM_OVERHEAD_BYTES, ...init.down, seed: random.fork('down'), startsAt })
  }

  get now(): number {
    return this.#host.now()
  }

  /** A new association, at once connected: its handshake has measured the present round trip where the stack measures it. */
  open(client: SctpSide, server: SctpSide): SctpPipe {
    const tag = this.#pipes.length
    const rttMs = this.up.settings.delayMs + this.down.settings.delayMs
    const carrierOf = (side: SctpSide): SctpAssociation =>
      new SctpAssociation({
        options: side.options,
        reliability: side.reliability ?? { maxRetransmits: 0 },
        tag,
        // COOKIE-ECHO and COOKIE-ACK are timed by usrsctp, and not by dcSCTP.
        ...(side.options.losesMeasurement ? { rttMs } : {}),
      })
    return this.#add(carrierOf(client), carrierOf(server))
  }

  /** A flow of plain datagrams. */
  openPlain(): SctpPipe {
    const tag = this.#pipes.length
    return this.#add(new PlainCarrier(tag), new PlainCarrier(tag))
  }

  /** Changes the weather now. */
  set(weather: { up?: LinkOptions; down?: LinkOptions }): void {
    if (weather.up !== undefined) this.up.set(weather.up, this.now)
    if (weather.down !== undefined) this.down.set(weather.down, this.now)
    this.arm()
  }

  /** An end was closed: the other hears of it one delay later. */
  closing(end: SctpTransport): void {
    const isClient = this.#pipes.some((pipe) => pipe.client === end)
    const { delayMs } = (isClient ? this.up : this.down).settings
    this.#host.at(this.now + delayMs, () => {
      const { peer } = end
      if (peer?.isOpen !== true) return
      peer.isOpen = false
      peer.onEnd?.({ detail: 'channel-closed' })
    })
  }

  /** Keeps one alarm, at the earliest instant at which something moves. */
  arm(): void {
    let wakeAt = Math.min(this.up.wakeAt, this.down.wakeAt)
    for (const { client, server } of this.#pipes) wakeAt = Math.min(wakeAt, client.wakeAt, server.wakeAt)
    if (wakeAt === this.#alarmAt) return
    this.#cancelAlarm?.()
    this.#cancelAlarm = undefined
    this.#alarmAt = wakeAt
    if (wakeAt < Number.POSITIVE_INFINITY) this.#cancelAlarm = this.#host.at(wakeAt, this.#onAlarm)
  }

  readonly #onAlarm = (): void => {
    this.#alarmAt = Number.POSITIVE_INFINITY
    this.#cancelAlarm = undefined
    const { now } = this
    for (const { client, server } of this.#pipes) {
      if (client.wakeAt <= now) client.pump(now)
      if (server.wakeAt <= now) server.pump(now)
    }
    for (let packet = this.up.poll(now); packet !== undefined; packet = this.up.poll(now)) {
      this.#pipes[tagOf(packet)]!.server.arrived(packet, now)
    }
    for (let packet = this.down.poll(now); packet !== undefined; packet = this.down.poll(now)) {
      this.#pipes[tagOf(packet)]!.client.arrived(packet, now)
    }
    this.arm()
  }

  #add(clientCarrier: Carrier, serverCarrier: Carrier): SctpPipe {
    const client = new SctpTransport(this, this.up, clientCarrier)
    const server = new SctpTransport(this, this.down, serverCarrier)
    client.peer = server
    server.peer = client
    const pipe = { client, server }
    this.#pipes.push(pipe)
    return pipe
  }
}
