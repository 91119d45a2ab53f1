import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIP, SocketAddress } from 'node:net'
import { performance } from 'node:perf_hooks'
import { changed, type LinkOptions, PERFECT } from '../link-options.ts'
import { Random, type Seed } from '../random.ts'
import {
  addCounters,
  ClientFlow,
  type Direction,
  type DirectionCounters,
  type LinkPair,
  newLinks,
  noCounters,
  type Weather,
} from './client-flow.ts'
import type { UdpAddress } from './sdp.ts'

export interface UdpRelayOptions {
  /** Where packets of the clients go: an IP address and a UDP port. */
  target: UdpAddress
  /** Address at which clients find the relay; default `127.0.0.1`. */
  bindAddress?: string
  /** Port at which clients find the relay; default 0: the system chooses one. */
  port?: number
  /** Source of every decision: one stream per client and direction. */
  seed: Seed
  /** Weather from clients to the target; default perfect. */
  up?: LinkOptions
  /** Weather from the target to clients; default perfect. */
  down?: LinkOptions
  /**
   * Whether STUN packets take no loss decision. False (default) is real: ICE checks and consent are lost like anything else.
   * True keeps ICE up at any loss and counts only DTLS packets in the pattern. Blackouts, queues and delays always apply.
   */
  sparesStun?: boolean
  /**
   * Whether all clients share one link in each direction, as all connections of one player's line do: one queue, one pattern of
   * losses. False (default): each client has links of its own, so that its pattern does not depend on the others.
   */
  sharesLinks?: boolean
  /** Clients at once; packets of further ones are refused and counted. Default 32. */
  maxClients?: number
  /** Silence of both sides that frees a client's place, ms; default 60,000, twice the 30 s of ICE consent (RFC 7675). */
  idleMs?: number
  /** Told of every packet as it comes in, before it is forwarded: for logs, and for counting what counters do not tell apart. */
  onPacket?: (packet: RelayedPacket) => void
  /** Bytes held per client and direction; more is dropped as `overflowed`. Default 4 MiB, so at most 256 MiB with 32 clients. */
  maxHeldBytes?: number
}

/** A packet that came to the relay, and the decision about it. */
export interface RelayedPacket {
  readonly direction: Direction
  /** Index of the client, in order of first arrival. */
  readonly client: number
  /** Bytes of the UDP payload. */
  readonly bytes: number
  readonly isLost: boolean
}

/** What the relay did so far. */
export interface RelayCounters {
  up: DirectionCounters
  down: DirectionCounters
  /** Clients that have a place now. */
  clientsOpen: number
  /** Clients that ever had one. */
  clientsSeen: number
  /** Clients whose place was freed after `idleMs`. */
  clientsExpired: number
  /** Packets of clients for which there was no place. */
  refusedPackets: number
  /** Packets of clients that were cut, both ways. */
  cutPackets: number
  /** Packets to an upstream port from somewhere other than the target. */
  strangerPackets: number
  /** Errors that sockets reported, such as a target whose port is closed. */
  socketErrors: number
}

/** Kernel buffer asked for, bytes. The kernel loses packets that no counter here sees when it overflows; systems may grant less. */
const SOCKET_BUFFER_BYTES = 1024 * 1024

/** Longest timer, ms: beyond 2^31 − 1 Node fires at once. */
const MAX_TIMER_MS = 1_000_000_000

/**
 * Stands between UDP peers and gives their packets weather, below DTLS and SCTP: loss that a real browser and a real
 * server feel as such. Each client address gets an upstream socket of its own, so the target tells clients apart.
 *
 * Decision `n` of a client and direction depends on the seed alone; two runs that push as many packets drop the same ones.
 * Times are another matter: one `setTimeout`, whose grain is 1 ms, releases all that is due, so a delayed packet leaves
 * up to 1 ms late, more on a busy machine. Packets without delay are forwarded at once.
 */
export class UdpRelay {
  /** Where clients find the relay. */
  readonly address: string
  readonly port: number
  readonly seed: string
  readonly #front: Socket
  readonly #options: Required<Omit<UdpRelayOptions, 'seed' | 'bindAddress' | 'port' | 'onPacket'>>
  readonly #onPacket: ((packet: RelayedPacket) => void) | undefined
  readonly #weather: Weather
  readonly #flows: Map<string, ClientFlow> = new Map()
  /** The links of all clients, when they share. */
  readonly #shared: LinkPair | undefined
  readonly #gone: { up: DirectionCounters; down: DirectionCounters } = { up: noCounters(), down: noCounters() }
  readonly #targetAddress: string
  #clientsSeen = 0
  #clientsExpired = 0
  #refusedPackets = 0
  #cutPackets = 0
  #strangerPackets = 0
  #socketErrors = 0
  #upSendErrors = 0
  #downSendErrors = 0
  #timer: NodeJS.Timeout | undefined = undefined
  #timerAt = Number.POSITIVE_INFINITY
  #closing: Promise<void> | undefined = undefined
  readonly #onUpSent = (error: Error | null): void => {
    if (error !== null) this.#upSendErrors++
  }
  readonly #onDownSent = (error: Error | null): void => {
    if (error !== null) this.#downSendErrors++
  }
  readonly #onTimer = (): void => {
    this.#timer = undefined
    this.#timerAt = Number.POSITIVE_INFINITY
    const now = performance.now()
    for (const flow of this.#flows.values()) this.#drain(flow, now)
    this.#expire(now)
    this.#armAll(now)
  }

  private constructor(front: Socket, options: UdpRelayOptions) {
    const { address, port } = front.address()
    const memory = { maxHeldBytes: options.maxHeldBytes ?? 4 * 1024 * 1024 }
    const random = new Random(options.seed)
    this.address = address
    this.port = port
    this.seed = random.seed
    this.#front = front
    this.#onPacket = options.onPacket
    this.#options = {
      target: options.target,
      up: options.up ?? {},
      down: options.down ?? {},
      sparesStun: options.sparesStun ?? false,
      sharesLinks: options.sharesLinks ?? false,
      maxClients: options.maxClients ?? 32,
      idleMs: options.idleMs ?? 60_000,
      maxHeldBytes: memory.maxHeldBytes,
    }
    this.#targetAddress = canonical(options.target.address)
    this.#weather = {
      random,
      up: { ...memory, ...options.up },
      down: { ...memory, ...options.down },
      startsAt: performance.now(),
    }
    this.#shared = this.#options.sharesLinks ? newLinks(this.#weather, 0) : undefined
    front.on('message', (packet, from) => this.#fromClient(packet, from))
    front.on('error', () => {
      this.#socketErrors++
    })
  }

  /** Opens a relay; rejects when the port cannot be bound. */
  static async open(options: UdpRelayOptions): Promise<UdpRelay> {
    const bindAddress = options.bindAddress ?? '127.0.0.1'
    checkAddress('target', options.target.address)
    checkAddress('bindAddress', bindAddress)
    if (!(Number.isInteger(options.target.port) && options.target.port > 0 && options.target.port < 65_536)) {
      throw new RangeError(`target port: ${options.target.port}, expected 1 to 65535`)
    }
    if (options.maxClients !== undefined && !(options.maxClients >= 1)) {
      throw new RangeError(`maxClients: ${options.maxClients}, expected at least 1`)
    }
    if (options.idleMs !== undefined && !(options.idleMs > 0)) {
      throw new RangeError(`idleMs: ${options.idleMs}, expected more than 0`)
    }
    // Mistakes in the weather show here rather than at the first packet.
    changed(PERFECT, options.up ?? {})
    changed(PERFECT, options.down ?? {})
    const front = newSocket(bindAddress)
    const bound = once(front, 'listening')
    front.bind({ address: bindAddress, port: options.port ?? 0, exclusive: true })
    try {
      await bound
    } catch (error) {
      front.close()
      throw error
    }
    return new UdpRelay(front, options)
  }

  /** Where packets of the clients go. */
  get target(): UdpAddress {
    return this.#options.target
  }

  /** What the relay did so far: a fresh copy at each reading. */
  get counters(): RelayCounters {
    const up = { ...this.#gone.up, sendErrors: this.#upSendErrors }
    const down = { ...this.#gone.down, sendErrors: this.#downSendErrors }
    if (this.#shared !== undefined) {
      addCounters(up, this.#shared.up.counters, 0)
      addCounters(down, this.#shared.down.counters, 0)
    } else {
      for (const flow of this.#flows.values()) {
        addCounters(up, flow.up.counters, flow.index)
        addCounters(down, flow.down.counters, flow.index)
      }
    }
    return {
      up,
      down,
      clientsOpen: this.#flows.size,
      clientsSeen: this.#clientsSeen,
      clientsExpired: this.#clientsExpired,
      refusedPackets: this.#refusedPackets,
      cutPackets: this.#cutPackets,
      strangerPackets: this.#strangerPackets,
      socketErrors: this.#socketErrors,
    }
  }

  /**
   * The first loss decisions of a client, at most 4096: `1` for each lost packet and `0` for each other one; empty for a
   * client that is not there. Of two relays with the same seed and weather the shorter text is the beginning of the longer one.
   */
  decisions(direction: Direction, clientIndex: number = 0): string {
    for (const flow of this.#flows.values()) if (flow.index === clientIndex) return flow[direction].decisions()
    return ''
  }

  /** Changes the weather of all present and future clients, now. */
  set(weather: { up?: LinkOptions; down?: LinkOptions }): void {
    const up = { ...this.#weather.up, ...weather.up }
    const down = { ...this.#weather.down, ...weather.down }
    changed(PERFECT, up)
    changed(PERFECT, down)
    const now = performance.now()
    // What was due under the old weather leaves under it.
    for (const flow of this.#flows.values()) this.#drain(flow, now)
    for (const links of this.#shared === undefined ? this.#flows.values() : [this.#shared]) {
      if (weather.up !== undefined) links.up.set(weather.up, now)
      if (weather.down !== undefined) links.down.set(weather.down, now)
    }
    this.#weather.up = up
    this.#weather.down = down
    this.#armAll(now)
  }

  /**
   * From now on nothing of this client gets through, either way, as when a NAT has forgotten it; what is on its way still does.
   * False if it has no place.
   */
  cut(clientIndex: number): boolean {
    for (const flow of this.#flows.values()) if (flow.index === clientIndex) return (flow.isCut = true)
    return false
  }

  /** Frees every socket and the timer; what is on its way is gone. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const flows = [...this.#flows.values()]
    await Promise.all([closed(this.#front), ...flows.map((flow) => closed(flow.upstream))])
  }

  #fromClient(packet: Uint8Array, from: RemoteInfo): void {
    if (this.#closing !== undefined) return
    const now = performance.now()
    const key = `${from.address} ${from.port}`
    const flow = this.#flows.get(key) ?? this.#newFlow(key, { address: from.address, port: from.port }, now)
    if (flow === undefined) {
      this.#refusedPackets++
      return
    }
    this.#carry(flow, 'up', packet, now)
  }

  #fromTarget(flow: ClientFlow, packet: Uint8Array, from: RemoteInfo): void {
    if (this.#closing !== undefined) return
    if (from.port !== this.#options.target.port || canonical(from.address) !== this.#targetAddress) {
      this.#strangerPackets++
      return
    }
    this.#carry(flow, 'down', packet, performance.now())
  }

  #carry(flow: ClientFlow, direction: Direction, packet: Uint8Array, now: number): void {
    flow.heardAt = now
    const link = flow[direction]
    const lostBefore = link.counters.lost
    if (flow.isCut) this.#cutPackets++
    else link.push(packet, now, this.#options.sparesStun && isStun(packet), flow.index)
    this.#onPacket?.({
      direction,
      client: flow.index,
      bytes: packet.length,
      isLost: flow.isCut || link.counters.lost > lostBefore,
    })
    this.#drain(flow, now)
    this.#arm(Math.min(flow.wakeAt, now + this.#options.idleMs), now)
  }

  #newFlow(key: string, client: UdpAddress, now: number): ClientFlow | undefined {
    if (this.#flows.size >= this.#options.maxClients) this.#expire(now)
    if (this.#flows.size >= this.#options.maxClients) return undefined
    // Not bound by us: the first send picks a free port, and routing the address.
    const upstream = newSocket(this.#options.target.address)
    const index = this.#clientsSeen++
    const flow = new ClientFlow(index, client, upstream, this.#shared ?? newLinks(this.#weather, index), now)
    upstream.on('message', (packet, from) => this.#fromTarget(flow, packet, from))
    upstream.on('error', () => {
      this.#socketErrors++
    })
    this.#flows.set(key, flow)
    return flow
  }

  /** Sends on what is due in both directions: of this client, or of all that share its links. */
  #drain(flow: ClientFlow, now: number): void {
    const { address, port } = this.#options.target
    for (let packet = flow.up.poll(now); packet !== undefined; packet = flow.up.poll(now)) {
      this.#owner(flow, flow.up.tag)?.upstream.send(packet, port, address, this.#onUpSent)
    }
    for (let packet = flow.down.poll(now); packet !== undefined; packet = flow.down.poll(now)) {
      const client = this.#owner(flow, flow.down.tag)?.client
      if (client !== undefined) this.#front.send(packet, client.port, client.address, this.#onDownSent)
    }
  }

  /** The client that a packet from the links of `flow` belongs to; `undefined` when its place was freed meanwhile. */
  #owner(flow: ClientFlow, index: number): ClientFlow | undefined {
    if (flow.index === index) return flow
    for (const other of this.#flows.values()) if (other.index === index) return other
    return undefined
  }

  /** Frees the places of clients that have been silent for `idleMs`. */
  #expire(now: number): void {
    for (const [key, flow] of this.#flows) {
      if (now - flow.heardAt < this.#options.idleMs) continue
      this.#flows.delete(key)
      this.#clientsExpired++
      if (this.#shared === undefined) {
        addCounters(this.#gone.up, flow.up.counters, flow.index)
        addCounters(this.#gone.down, flow.down.counters, flow.index)
      }
      flow.upstream.close()
    }
  }

  #armAll(now: number): void {
    let wakeAt = Number.POSITIVE_INFINITY
    for (const flow of this.#flows.values()) {
      wakeAt = Math.min(wakeAt, flow.wakeAt, flow.heardAt + this.#options.idleMs)
    }
    this.#arm(wakeAt, now)
  }

  /** Makes sure that the one timer fires at `wakeAt` or before. */
  #arm(wakeAt: number, now: number): void {
    if (wakeAt >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = wakeAt
    this.#timer = setTimeout(this.#onTimer, Math.min(MAX_TIMER_MS, Math.max(1, Math.ceil(wakeAt - now))))
  }
}

function newSocket(address: string): Socket {
  return createSocket({ type: isIP(address) === 6 ? 'udp6' : 'udp4', recvBufferSize: SOCKET_BUFFER_BYTES })
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.close(() => resolve())
  })
}

function checkAddress(name: string, address: string): void {
  if (isIP(address) === 0) throw new RangeError(`${name}: ${address}, expected an IP address`)
}

/** One spelling for each address: IPv6 has many, and sockets report the shortest. A zone stays as it is. */
function canonical(address: string): string {
  if (isIP(address) !== 6) return address
  const [plain, zone] = address.split('%', 2)
  const short = new SocketAddress({ address: plain!, family: 'ipv6' }).address
  return zone === undefined ? short : `${short}%${zone}`
}

/** STUN shares the port with DTLS: first byte 0 to 3 (RFC 7983) and the magic cookie (RFC 8489, section 5). */
function isStun(packet: Uint8Array): boolean {
  return (
    packet.length >= 20 &&
    packet[0]! < 4 &&
    packet[4] === 0x21 &&
    packet[5] === 0x12 &&
    packet[6] === 0xa4 &&
    packet[7] === 0x42
  )
}
