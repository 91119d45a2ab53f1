import type { ChannelTable, CloseReason } from '../index.ts'
import { addressOf } from '../signal/client.ts'
import { Deadline } from '../signal/deadline.ts'
import { Bundle } from '../transport/bundle.ts'
import { createEndpoint, type EndpointTuning, type EndpointWatcher } from '../transport/endpoint.ts'
import { TransportError } from '../transport/errors.ts'
import { randomId } from '../transport/host.ts'
import { Peer } from '../transport/peer.ts'
import { type PipeOptions, resolvePipes } from '../transport/pipe-demand.ts'
import { DATAGRAM_PACKET_BYTES, type Transport } from '../transport/transport.ts'
import { type AttemptOptions, openPipe, type Pipe } from './attempt.ts'
import { pageHost } from './page-host.ts'
import { Resumption } from './resumption.ts'
import { SparePipes } from './spare-pipes.ts'

/** Time for one POST of an offer, ms. */
const SIGNAL_TIMEOUT_MS = 10_000
/**
 * Time from the answer to the open DataChannel, ms. A lost DTLS flight costs 1 s and doubles; at 20 % loss nine in ten connect
 * within 6.5 s. Two later attempts still fit into the default `timeoutMs`.
 */
const CHANNEL_TIMEOUT_MS = 9_000
/** Pause before another attempt, ms: a failure that comes at once must not become a flood of offers. */
const RETRY_PAUSE_MS = 250

type OfferHeaders = Readonly<Record<string, string>>

export interface ConnectOptions<C extends ChannelTable> {
  /** The channels that both ends share. */
  readonly channels: C
  /** The game's own protocol or build name; ends that differ refuse each other. Default `''`. */
  readonly protocol?: string
  /** Timeouts and limits of the endpoint. */
  readonly endpoint?: EndpointTuning
  /** Ends the attempt with code `aborted`. Once connected it has no effect. */
  readonly signal?: AbortSignal
  /** Time for everything up to the open connection, with as many attempts as fit, ms. Default 30,000. */
  readonly timeoutMs?: number
  /**
   * STUN and TURN servers; a function is asked for each attempt, so that their credentials may be short-lived. Default none: a
   * server with a public address needs none.
   */
  readonly iceServers?: RTCIceServer[] | (() => RTCIceServer[] | Promise<RTCIceServer[]>)
  /** `relay`: take no way but through a TURN server. Default `all`. */
  readonly iceTransportPolicy?: RTCIceTransportPolicy
  /** Headers of the offer's POST, such as `Authorization`; a function is asked for each attempt, so that a token may be used once. */
  readonly headers?: OfferHeaders | (() => OfferHeaders | Promise<OfferHeaders>)
  /** How long to wait for ICE candidates before the offer goes out with what there is, ms. Default 2,000. */
  readonly gatheringTimeoutMs?: number
  /**
   * Connections to the server that carry this peer's packets, all of them one session. Further ones are opened when they help: one
   * association of SCTP holds packets back when many are lost, and each packet goes where nothing waits. Default
   * `{ min: 1, max: 3 }`; `max: 1` for none beside the first.
   */
  readonly pipes?: PipeOptions
  /** Puts something between the endpoint and the pipe, such as simulated weather. */
  readonly wrapTransport?: (transport: Transport) => Transport
  /** Follows the endpoint from its making on: `record()` of `gannet/devtools` writes down what goes into it. */
  readonly trace?: EndpointWatcher
}

/**
 * Connects this page to a Gannet server. `url` is where the server takes offers, `http:` or `https:`, or a path on the page's own
 * server. Resolves to an open peer; its `open` event is the first to be polled.
 *
 * An attempt whose path fails is repeated within `timeoutMs`. Rejects with `SignalError` when the offer found no answer, with
 * `TransportError` when no connection came of it; nothing is left behind then.
 */
export async function connect<const C extends ChannelTable>(
  url: string | URL,
  options: ConnectOptions<C>,
): Promise<Peer<C>> {
  if (typeof globalThis.RTCPeerConnection !== 'function') {
    throw new TransportError(
      'webrtc-missing',
      'connect() needs RTCPeerConnection, and there is none here: an old browser, a worker, or WebRTC is switched off',
    )
  }
  // What is wrong with the call shall be known before anything is opened.
  const address = addressOf(url)
  createEndpoint('client', options, { maxPacketBytes: DATAGRAM_PACKET_BYTES }, pageHost)
  resolvePipes(options.pipes)
  const timeoutMs = options.timeoutMs ?? 30_000
  const deadline = new Deadline(timeoutMs, options.signal)
  let attempts = 0
  let last: unknown
  try {
    for (;;) {
      attempts++
      try {
        return await attempt(address, options, deadline)
      } catch (error) {
        if (deadline.ending !== undefined) throw error
        if (!isWorthRetrying(error)) throw error
        last = error
      }
      await pause(deadline)
    }
  } catch (error) {
    if (deadline.ending === 'aborted') {
      throw new TransportError('aborted', `connect to ${address}: aborted by the caller`, {
        cause: options.signal?.reason,
      })
    }
    if (deadline.ending === 'timeout') {
      const why = last instanceof Error ? last.message : 'the first attempt was not over'
      throw new TransportError(
        'timeout',
        `connect to ${address}: not connected within ${timeoutMs} ms, ${attempts} attempt(s); ${why}`,
        { cause: last ?? error },
      )
    }
    throw error
  } finally {
    deadline.release()
  }
}

async function attempt<C extends ChannelTable>(
  url: URL,
  options: ConnectOptions<C>,
  deadline: Deadline,
): Promise<Peer<C>> {
  const { iceServers = [], iceTransportPolicy = 'all', headers = {} } = options
  const certificate = await deadline.race(makeCertificate())
  const settings: AttemptOptions = {
    url,
    keepsCertificate: certificate !== undefined,
    rtc: {
      ...(certificate !== undefined && { certificates: [certificate] }),
      iceServers: typeof iceServers === 'function' ? await deadline.race(Promise.resolve(iceServers())) : iceServers,
      iceTransportPolicy,
    },
    headers: typeof headers === 'function' ? await deadline.race(Promise.resolve(headers())) : headers,
    gatheringTimeoutMs: options.gatheringTimeoutMs ?? 2000,
    signalTimeoutMs: SIGNAL_TIMEOUT_MS,
    channelTimeoutMs: CHANNEL_TIMEOUT_MS,
  }
  const pipe = await openPipe(settings, deadline)
  const bundle = new Bundle(pipe.transport)
  let opening: OpeningPeer<C>
  try {
    opening = new OpeningPeer(bundle, pipe, options)
  } catch (error) {
    bundle.close()
    throw error
  }
  try {
    const peer = await deadline.race(opening.open)
    leaveWithPage(peer)
    const { location, ticket, awayMs } = pipe
    if (location !== undefined && ticket !== undefined) {
      const attempt = { ...settings, url: new URL(location), ticket }
      new SparePipes({ peer, bundle, range: resolvePipes(options.pipes), attempt, host: pageHost })
      if (awayMs > 0) new Resumption({ peer, bundle, attempt, host: pageHost })
    }
    return peer
  } catch (error) {
    // Frees the pipe by itself, after a last word to the server.
    opening.peer.close({ deadlineMs: 0 })
    throw error
  }
}

/** Gannet's own handshake over an open pipe. */
class OpeningPeer<C extends ChannelTable> {
  readonly peer: Peer<C>
  /** Resolves once messages flow; rejects as soon as it is known that they will not. */
  readonly open: Promise<Peer<C>>
  #settle: { resolve: (peer: Peer<C>) => void; reject: (error: TransportError) => void } | undefined

  constructor(bundle: Bundle, { location, ticket, awayMs }: Pipe, options: ConnectOptions<C>) {
    const transport = options.wrapTransport?.(bundle) ?? bundle
    const tuning = { ...options.endpoint, awayMs: ticket === undefined ? 0 : awayMs }
    const endpoint = createEndpoint('client', { ...options, endpoint: tuning }, transport, pageHost)
    this.open = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    const onProgress = () => this.#look()
    this.peer = new Peer<C>({ id: idOf(location), endpoint, transport, host: pageHost, onProgress })
  }

  #look(): void {
    if (this.#settle === undefined) return
    const { state } = this.peer
    if (state === 'open') this.#settle.resolve(this.peer)
    else if (state === 'closed') this.#settle.reject(errorOf(reasonOf(this.peer)))
    else return
    this.#settle = undefined
  }
}

/** The reason of a closed peer that the game never got. */
function reasonOf<C extends ChannelTable>(peer: Pick<Peer<C>, 'pollEvent'>): CloseReason {
  for (let event = peer.pollEvent(); event !== undefined; event = peer.pollEvent()) {
    if (event.type === 'closed') return event.reason
  }
  return { kind: 'transport', detail: 'unknown' }
}

/** The server names the offer after the peer. */
function idOf(location: string | undefined): string {
  const id = location === undefined ? undefined : new URL(location).pathname.split('/').pop()
  return id || randomId(pageHost)
}

function errorOf(reason: CloseReason): TransportError {
  switch (reason.kind) {
    case 'protocol':
      return new TransportError('protocol', `the two ends do not speak the same protocol: ${reason.detail}`, { reason })
    case 'rejected':
    case 'peer':
      return new TransportError('rejected', `the server refused the connection with code ${reason.code}`, { reason })
    case 'timeout':
      return new TransportError(
        'channel-timeout',
        `the DataChannel was open, but nothing came through it within ${Math.round(reason.silentMs)} ms`,
        { reason },
      )
    case 'transport':
      return new TransportError('channel-closed', `the pipe ended during the handshake: ${reason.detail}`, { reason })
    case 'local':
    case 'overflow':
      return new TransportError('channel-closed', `the connection ended during the handshake: ${reason.kind}`, {
        reason,
      })
    default:
      return reason satisfies never
  }
}

/** Only what may be another in a moment; who is refused, misconfigured or not let in stays so. */
function isWorthRetrying(error: unknown): boolean {
  if (!(error instanceof TransportError)) return false
  return error.code !== 'rejected' && error.code !== 'protocol'
}

async function pause(deadline: Deadline): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    await deadline.race(
      new Promise<void>((resolve) => {
        timer = setTimeout(resolve, RETRY_PAUSE_MS)
      }),
    )
  } finally {
    clearTimeout(timer)
  }
}

/** One certificate for all pipes of a peer, so that nobody else can bring it one. `undefined` where a browser makes none. */
async function makeCertificate(): Promise<RTCCertificate | undefined> {
  try {
    return await RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' } as AlgorithmIdentifier)
  } catch {
    return undefined
  }
}

/** Says goodbye when the page goes; else the server would learn of it only by silence. */
function leaveWithPage(peer: Pick<Peer, 'close' | 'closed'>): void {
  const leave = () => peer.close({ deadlineMs: 0 })
  globalThis.addEventListener('pagehide', leave)
  void peer.closed.then(() => globalThis.removeEventListener('pagehide', leave))
}
