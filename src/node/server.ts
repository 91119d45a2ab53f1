import type { ChannelTable, MessageOf } from '../index.ts'
import { SignalRefusal } from '../signal/errors.ts'
import { answerHandler, type JoinAnswerer, type RequestHandler } from '../signal/handler.ts'
import { type NodeListener, nodeListener } from '../signal/node-bridge.ts'
import { CERTIFICATE_HEADER, fingerprintOf, isSameTicket } from '../signal/ticket.ts'
import { Bundle } from '../transport/bundle.ts'
import { createEndpoint } from '../transport/endpoint.ts'
import type { Host } from '../transport/host.ts'
import type { FlushOptions } from '../transport/peer.ts'
import { resolvePipes } from '../transport/pipe-demand.ts'
import { Admissions, type Admitted } from './admissions.ts'
import { Alarms } from './alarms.ts'
import { announceIn } from './announce.ts'
import { EventQueue, type ServerEvent, type Source } from './event-queue.ts'
import { Gate, type Grant } from './gate.ts'
import { type Group, type GroupSendOptions, Groups, sendToAll } from './groups.ts'
import type { SignalHttp } from './http.ts'
import { nativeIceServers } from './ice-servers.ts'
import { type Logger, silentLogger } from './logger.ts'
import type { Native } from './native.ts'
import { addTo, createTotals, operationsHandler } from './operations.ts'
import type { ServerCloseOptions, ServerOptions } from './options.ts'
import { RefusalCounts } from './refusal-counts.ts'
import { ServerPeer } from './server-peer.ts'
import { configOf, type HeldUdp } from './udp.ts'

/** A peer that was not heard for so long, ms, may bring a new pipe in place of its old ones: longer than its keepalive. */
const SILENT_MS = 3_000
const DEFAULT_PATH = '/gannet'
/** Codes of clients that could not do better; all other refusals are worth a warning. */
const QUIET_CODES = new Set(['not-found', 'bad-method', 'too-many-offers', 'unknown-offer'])

/** What a server stands on; `listen` opens it. */
export interface ServerGround {
  readonly native: Native
  readonly host: Host
  readonly udp: HeldUdp
  /** Our own HTTP port, if there is one. */
  readonly http: SignalHttp | undefined
}

/** What the packets of a peer go through. */
interface Line<Data> {
  readonly bundle: Bundle
  readonly grant: Grant<Data>
  /** What an offer of a further pipe must show. */
  readonly ticket: string
}

/** Peers of one game, fed by offers over HTTP. Driven like a peer: `update`, `pollEvent` until there is none, `flush`. */
export class Server<C extends ChannelTable = ChannelTable, Data = undefined> {
  /** Open peers by id. */
  readonly peers: ReadonlyMap<string, ServerPeer<C, Data>>
  /** Takes offers in the shape of the Fetch standard; mount it anywhere. */
  readonly handle: RequestHandler
  /** The same for `node:http`, Connect, Express and Vite; requests to other paths go to `next`. */
  readonly nodeListener: NodeListener
  /** `/healthz`, `/readyz` and `/metrics`: for a port of your own, not for the public. */
  readonly operations: RequestHandler
  readonly #ground: ServerGround
  readonly #options: Omit<ServerOptions<C, Data>, 'idleTimeoutMs'>
  readonly #logger: Logger
  /** One timer for everything that the game loop does not do. */
  readonly #alarms: Alarms
  readonly #admissions: Admissions<Data>
  readonly #refusals = new RefusalCounts()
  readonly #peers = new Map<string, ServerPeer<C, Data>>()
  /** Every peer whose transport is not closed yet, open or not. */
  readonly #all = new Map<string, ServerPeer<C, Data>>()
  /** What each peer stands on, by id. */
  readonly #lines = new Map<string, Line<Data>>()
  readonly #maxPipes: number
  readonly #queue = new EventQueue<C, Data>()
  readonly #groups = new Groups<C, Data>()
  readonly #gone = createTotals()
  #opened = 0
  #closed = 0
  #closing: Promise<void> | undefined
  /** While draining: called when a peer has gone. */
  #onGone: (() => void) | undefined

  /** Use `listen`. */
  constructor(ground: ServerGround, options: Omit<ServerOptions<C, Data>, 'idleTimeoutMs'>) {
    const { path = DEFAULT_PATH, maxPeers = 256, maxPending = 128, allowOrigin, maxOfferBytes } = options
    this.#ground = ground
    this.#options = options
    this.#maxPipes = resolvePipes(options.pipes).max
    this.#logger = options.logger ?? silentLogger
    this.#alarms = new Alarms(ground.host)
    this.peers = this.#peers
    this.#admissions = new Admissions<Data>(ground.native, this.#alarms, {
      config: () => this.#config(),
      maxPending,
      connectTimeoutMs: options.connectTimeoutMs ?? 15_000,
      gatheringTimeoutMs: options.gatheringTimeoutMs ?? 2_000,
      transformAnswer: (sdp) => {
        const announced = options.announce === undefined ? sdp : announceIn(sdp, options.announce)
        return options.transformAnswer?.(announced) ?? announced
      },
      hasRoom: (pending) => this.#peers.size + pending < maxPeers,
      onOpen: (admitted) => this.#admit(admitted),
    })
    const gate = new Gate<Data>({
      authorize: options.authorize,
      rateLimit: options.rateLimit ?? {},
      clientAddress: options.clientAddress,
      maxAsking: maxPending,
      now: () => ground.host.now(),
      checkRoom: (address) => this.#admissions.checkRoom(address),
    })
    this.handle = answerHandler<Grant<Data>>({
      path,
      admit: (request, client, signal) => gate.admit(request, client, signal),
      answer: async (offer, request, signal, grant) => {
        const keeps = request.headers.get(CERTIFICATE_HEADER) !== null
        const bound = keeps ? { ...grant, fingerprint: fingerprintOf(offer) } : grant
        const changed = (await options.transformOffer?.(offer)) ?? offer
        return { ...(await this.#admissions.answer(changed, signal, bound)), awayMs: options.resumeMs ?? 0 }
      },
      join: (id, ticket) => this.#join(id, ticket),
      end: (id) => this.#admissions.end(id),
      onRefused: (code, client, error) => this.#refused(code, client.address, error),
      ...(allowOrigin !== undefined && { allowOrigin }),
      ...(maxOfferBytes !== undefined && { maxOfferBytes }),
    })
    this.nodeListener = nodeListener(this.handle, { path })
    this.operations = operationsHandler(() => ({
      peers: this.#peers.size,
      away: [...this.#peers.values()].filter((peer) => peer.isAway).length,
      pending: this.pending,
      isClosing: this.isClosing,
      refusals: this.refusals,
      opened: this.#opened,
      closed: this.#closed,
      stats: [...this.#all.values()].map((peer) => peer.stats),
      gone: this.#gone,
    }))
  }

  /** The HTTP port that `listen` opened, or `undefined` if it was given none. */
  get port(): number | undefined {
    return this.#ground.http?.port
  }

  /** The UDP port of all peers. */
  get udpPort(): number {
    return this.#ground.udp.address.port
  }

  /** Where to connect to, as this machine sees it, or `undefined` without a port of our own. */
  get url(): string | undefined {
    const { http } = this.#ground
    return http && `${http.origin}${this.#options.path ?? DEFAULT_PATH}`
  }

  /** Offers that are no peers yet. */
  get pending(): number {
    return this.#admissions.size
  }

  /** Offers refused so far, by code. */
  get refusals(): Readonly<Record<string, number>> {
    return this.#refusals.read()
  }

  /** Whether `close` was called: nobody new gets in. */
  get isClosing(): boolean {
    return this.#closing !== undefined
  }

  /** Start of a tick: time passes for every peer. */
  update(): void {
    for (const peer of this.#peers.values()) peer.update()
  }

  /**
   * The next event of any peer, in the order of arrival; `undefined` when there is none. A peer's first is `open`, its last
   * `closed`. Peers that never opened have none. A peer's own `pollEvent` has nothing left.
   */
  pollEvent(): ServerEvent<C, Data> | undefined {
    return this.#queue.pull()
  }

  /** The group `name`; it need not exist. */
  group(name: string): Group<C, Data> {
    return this.#groups.get(name)
  }

  /** Queues one copy of `message` for every open peer; as `group.send`. */
  broadcast<Name extends keyof C & string>(
    channel: Name,
    message: MessageOf<C, Name>,
    options: GroupSendOptions<ServerPeer<C, Data>> = {},
  ): readonly ServerPeer<C, Data>[] {
    return sendToAll(this.#peers.values(), channel, message, options)
  }

  /** End of a tick: what is due leaves, for every peer; `maxBytes` holds for each. */
  flush(options?: FlushOptions): void {
    for (const peer of this.#peers.values()) peer.flush(options)
  }

  /**
   * Lets nobody new in; lets those who are here play on for `drainMs`, also over a new path if theirs dies (`resumeMs`); then closes
   * every peer gracefully, with a code, and frees ports and everything native; then nothing of it keeps the process alive. Idempotent. Needs no game loop; events may still be
   * polled.
   */
  close(options: ServerCloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  async #close(options: ServerCloseOptions): Promise<void> {
    const { drainMs = 0 } = options
    this.#logger.info('closing', { peers: this.#peers.size, drainMs })
    this.#admissions.drain()
    if (drainMs > 0 && this.#peers.size > 0) await this.#drained(drainMs)
    this.#admissions.close()
    const ends = [...this.#all.values()].map((peer) => {
      peer.close(options)
      return peer.closed
    })
    await Promise.all(ends)
    await this.#ground.http?.close()
    await this.#ground.udp.release()
  }

  #drained(drainMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#alarms.at(this.#alarms.now() + drainMs, resolve)
      this.#onGone = () => {
        if (this.#peers.size > 0) return
        cancel()
        resolve()
      }
    })
  }

  async #config(): Promise<ReturnType<typeof configOf>> {
    const { iceServers, iceTransportPolicy } = this.#options
    const servers = typeof iceServers === 'function' ? await iceServers() : iceServers
    return {
      ...configOf(this.#ground.udp.address, nativeIceServers(servers ?? [])),
      ...(iceTransportPolicy !== undefined && { iceTransportPolicy }),
    }
  }

  #refused(code: string, address: string | undefined, error: unknown): void {
    this.#refusals.add(code)
    if (error !== undefined) this.#logger.error('an offer failed', { code, address, error })
    else if (QUIET_CODES.has(code)) this.#logger.debug('refused an offer', { code, address })
    else this.#logger.warn('refused an offer', { code, address })
  }

  /** An offer of a further pipe to the peer `id`. */
  #join(id: string, ticket: string): JoinAnswerer {
    const line = this.#lines.get(id)
    if (line === undefined) throw new SignalRefusal(404, 'unknown-peer', 'no such peer, or it has ended')
    if (!isSameTicket(line.ticket, ticket)) {
      throw new SignalRefusal(403, 'bad-ticket', 'a further pipe needs the ticket that the peer got when it connected')
    }
    const checkPipes = () => {
      // The pipes of one that is not heard are most likely dead.
      if (isSilent(this.#all.get(id)) || line.bundle.size + this.#admissions.joinsOf(id) < this.#maxPipes) return
      throw new SignalRefusal(409, 'too-many-pipes', `a peer may have ${this.#maxPipes} pipes`)
    }
    checkPipes()
    return async (offer, _request, signal) => {
      const { fingerprint } = line.grant
      if (fingerprint !== undefined && fingerprint !== fingerprintOf(offer)) {
        throw new SignalRefusal(403, 'bad-certificate', 'a further pipe needs the certificate of the peer’s first one')
      }
      const changed = (await this.#options.transformOffer?.(offer)) ?? offer
      checkPipes()
      return this.#admissions.answer(changed, signal, line.grant, id)
    }
  }

  /** A pipe is open: a peer's, or one that becomes a peer. */
  #admit(admitted: Admitted<Data>): void {
    const { id, transport, peerId } = admitted
    if (peerId === undefined) {
      this.#greet(admitted)
      return
    }
    this.#admissions.settle(id)
    const line = this.#lines.get(peerId)
    const peer = this.#all.get(peerId)
    if (line === undefined || peer === undefined) {
      transport.close()
      return
    }
    const dead = isSilent(peer) ? [...line.bundle.pipes] : []
    line.bundle.add(transport)
    for (const pipe of dead) line.bundle.retire(pipe, 'replaced')
    peer.knock()
  }

  /** Runs the handshake on the first pipe of a peer. */
  #greet({ id, transport: pipe, grant, ticket }: Admitted<Data>): void {
    const { handshakeTimeoutMs = 10_000, wrapTransport } = this.#options
    const bundle = new Bundle(pipe)
    this.#lines.set(id, { bundle, grant, ticket })
    const transport = wrapTransport?.(bundle) ?? bundle
    const host = this.#alarms
    const endpoint = createEndpoint('server', this.#options, transport, host)
    const onProgress = () => this.#progress(source)
    const peer = new ServerPeer<C, Data>({ id, endpoint, transport, host, onProgress }, grant.data, grant.address)
    const source: Source<C, Data> = { peer, queued: 0, isHeld: false, hasOpened: false }
    this.#all.set(id, peer)
    bundle.onEmpty = () => peer.leave()
    const cancel = host.at(host.now() + handshakeTimeoutMs, () => {
      if (peer.state === 'connecting') peer.close({ deadlineMs: 0 })
    })
    void peer.closed.then((reason) => {
      cancel()
      this.#all.delete(id)
      addTo(this.#gone, peer.stats)
      this.#lines.delete(id)
      this.#logger.info('a peer has gone', { id, reason })
    })
  }

  #progress(source: Source<C, Data>): void {
    const { peer } = source
    const { id, state } = peer
    if (state === 'connecting') return
    this.#admissions.settle(id)
    if (state !== 'closed') {
      if (!source.hasOpened) {
        this.#opened++
        this.#logger.info('a peer has come', { id, address: peer.address })
      }
      this.#peers.set(id, peer)
    } else {
      // One that was refused was never the game's.
      const wasHere = this.#peers.delete(id)
      if (!wasHere && !source.hasOpened) return
      if (wasHere) this.#closed++
      this.#groups.leave(peer)
      this.#onGone?.()
    }
    source.hasOpened = true
    this.#queue.collect(source)
  }
}

function isSilent(peer: Pick<ServerPeer, 'isAway' | 'silentMs'> | undefined): boolean {
  return peer !== undefined && (peer.isAway || peer.silentMs > SILENT_MS)
}
