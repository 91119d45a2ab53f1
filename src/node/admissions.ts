import type { RtcConfig } from 'node-datachannel'
import { type Answered, SignalRefusal } from '../signal/index.ts'
import { hasCandidates } from '../signal/sdp.ts'
import { type Host, randomId } from '../transport/host.ts'
import { Admission } from './admission.ts'
import type { Grant } from './gate.ts'
import type { Native } from './native.ts'
import type { NativeChannel } from './native-channel.ts'
import { networkOf } from './rate-limit.ts'

/**
 * Offers of one network that may be pending even if they are more than half of all. Offers that nobody follows up would fill the
 * places of everybody else.
 */
const LEAST_SHARE = 8

export interface AdmissionsOptions<Data> {
  /** How the next connection is to be made. */
  readonly config: () => Promise<RtcConfig>
  readonly maxPending: number
  readonly gatheringTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly transformAnswer: (sdp: string) => string | Promise<string>
  /** Whether another peer fits in beside `pending` ones that may come. */
  readonly hasRoom: (pending: number) => boolean
  /** The pipe of an offer is open; called before its first packet. It counts as pending until `settle`. */
  readonly onOpen: (admitted: Admitted<Data>) => void
}

/** A pipe that is open and no peer's yet. */
export interface Admitted<Data> {
  readonly id: string
  readonly transport: NativeChannel
  readonly grant: Grant<Data>
  /** The peer that it was offered to, or `undefined` for a new one. */
  readonly peerId: string | undefined
  /** Of a new peer: what the offers of its further pipes must show. */
  readonly ticket: string
}

interface Pending {
  /** Absent until the connection is made. */
  transport: NativeChannel | undefined
  readonly network: string | undefined
  readonly peerId: string | undefined
  isOpen: boolean
  cancelTimeout: () => void
}

/** Offers that were taken and are no peers yet: bounded in number and in time. */
export class Admissions<Data> {
  readonly #native: Native
  readonly #host: Host
  readonly #options: AdmissionsOptions<Data>
  readonly #pending = new Map<string, Pending>()
  #stage: 'open' | 'draining' | 'closed' = 'open'

  constructor(native: Native, host: Host, options: AdmissionsOptions<Data>) {
    this.#native = native
    this.#host = host
    this.#options = options
  }

  /** Offers that wait for their connection or for the handshake on it. */
  get size(): number {
    return this.#pending.size
  }

  /** Offers of further pipes to the peer `peerId`. */
  joinsOf(peerId: string): number {
    let joins = 0
    for (const pending of this.#pending.values()) if (pending.peerId === peerId) joins++
    return joins
  }

  /** Throws {@link SignalRefusal} if another offer of `address` could not be taken now: of a new peer, or of a further pipe. */
  checkRoom(address: string | undefined, isNewPeer: boolean = true): void {
    if (this.#stage === 'closed' || (this.#stage === 'draining' && isNewPeer)) {
      throw new SignalRefusal(503, 'server-closing', 'the server is closing')
    }
    if (isNewPeer && !this.#options.hasRoom(this.#newPeers)) {
      throw new SignalRefusal(503, 'server-full', 'the server is full', { retryAfterSeconds: 5 })
    }
    const network = address === undefined ? undefined : networkOf(address)
    const shared = [...this.#pending.values()].filter((one) => one.network === network).length
    const { maxPending } = this.#options
    if (this.size >= maxPending || (network !== undefined && shared >= Math.max(LEAST_SHARE, maxPending / 2))) {
      throw new SignalRefusal(503, 'too-many-pending', 'too many players are connecting at this moment', {
        retryAfterSeconds: 1,
      })
    }
  }

  /**
   * Takes an offer: of a new peer, or of a further pipe to `peerId`, whose right to it has been checked. Throws
   * {@link SignalRefusal}. When `signal` fires before the answer is out, what was made is freed.
   */
  async answer(offer: string, signal: AbortSignal, grant: Grant<Data>, peerId?: string): Promise<Answered> {
    const { address } = grant
    this.checkRoom(address, peerId === undefined)
    const { config, transformAnswer, gatheringTimeoutMs, connectTimeoutMs } = this.#options
    const id = randomId(this.#host)
    const ticket = randomId(this.#host)
    const pending: Pending = {
      transport: undefined,
      network: address === undefined ? undefined : networkOf(address),
      peerId,
      isOpen: false,
      cancelTimeout: this.#host.at(this.#host.now() + connectTimeoutMs, () => this.end(id)),
    }
    this.#pending.set(id, pending)
    const aborted = () => this.end(id)
    signal.addEventListener('abort', aborted)
    try {
      const settings = await config()
      this.#checkPending(id)
      const admission = new Admission(id, offer, this.#native, settings)
      const { transport } = admission
      pending.transport = transport
      transport.onEnd = () => this.end(id)
      transport.onOpen = () => {
        pending.isOpen = true
        pending.cancelTimeout()
        this.#options.onOpen({ id, transport, grant, peerId, ticket })
      }
      const sdp = await transformAnswer(await admission.answer(gatheringTimeoutMs))
      this.#checkPending(id)
      if (!hasCandidates(sdp)) {
        throw new SignalRefusal(503, 'no-candidates', 'the server has no address to be reached at; see its bindAddress')
      }
      return peerId === undefined ? { sdp, id, ticket } : { sdp, id }
    } catch (error) {
      this.end(id)
      throw error
    } finally {
      signal.removeEventListener('abort', aborted)
    }
  }

  /** Gives an offer up whose connection is not open yet; false if there is none. */
  end(id: string): boolean {
    const pending = this.#pending.get(id)
    if (pending === undefined || pending.isOpen) return false
    this.#pending.delete(id)
    pending.cancelTimeout()
    pending.transport?.close()
    return true
  }

  /** The pipe of `id` has become a peer, or has ended on the way. */
  settle(id: string): void {
    this.#pending.delete(id)
  }

  /** Takes no more offers of new peers, and gives those up whose connection is not open yet. Peers may still find another path. */
  drain(): void {
    this.#stage = 'draining'
    for (const [id, { peerId }] of this.#pending) if (peerId === undefined) this.end(id)
  }

  /** Takes no more offers, and gives all up whose connection is not open yet. */
  close(): void {
    this.#stage = 'closed'
    for (const id of this.#pending.keys()) this.end(id)
  }

  get #newPeers(): number {
    let count = 0
    for (const pending of this.#pending.values()) if (pending.peerId === undefined) count++
    return count
  }

  #checkPending(id: string): void {
    if (this.#pending.has(id)) return
    throw new SignalRefusal(503, 'gone', 'the connection ended before its answer was ready')
  }
}
