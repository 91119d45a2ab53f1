import { type Answered, SignalRefusal } from '../signal/index.ts'
import { hasCandidates } from '../signal/sdp.ts'
import { type Host, randomId } from '../transport/host.ts'
import { Admission } from './admission.ts'
import type { Native } from './native.ts'
import type { NativeChannel } from './native-channel.ts'
import type { UdpAddress } from './udp.ts'

export interface AdmissionsOptions {
  readonly udp: UdpAddress
  readonly maxPending: number
  readonly gatheringTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly transformAnswer: (sdp: string) => string | Promise<string>
  /** Whether another peer fits in beside `pending` ones that may come of it. */
  readonly hasRoom: (pending: number) => boolean
  /** The pipe of an offer is open; called before its first packet. It counts as pending until `settle`. */
  readonly onOpen: (id: string, transport: NativeChannel) => void
}

interface Pending {
  readonly transport: NativeChannel
  isOpen: boolean
  cancelTimeout: () => void
}

/** Offers that were taken and are no peers yet: bounded in number and in time. */
export class Admissions {
  readonly #native: Native
  readonly #host: Host
  readonly #options: AdmissionsOptions
  readonly #pending = new Map<string, Pending>()
  #isClosed = false

  constructor(native: Native, host: Host, options: AdmissionsOptions) {
    this.#native = native
    this.#host = host
    this.#options = options
  }

  /** Offers that wait for their connection or for the handshake on it. */
  get size(): number {
    return this.#pending.size
  }

  /** Takes an offer. Throws {@link SignalRefusal}. When `signal` fires before the answer is out, what was made is freed. */
  async answer(offer: string, signal: AbortSignal): Promise<Answered> {
    this.#checkRoom()
    const { transformAnswer, gatheringTimeoutMs, connectTimeoutMs, udp } = this.#options
    const id = randomId(this.#host)
    const admission = new Admission(id, offer, this.#native, udp)
    const { transport } = admission
    const cancelTimeout = this.#host.at(this.#host.now() + connectTimeoutMs, () => this.end(id))
    const pending: Pending = { transport, isOpen: false, cancelTimeout }
    this.#pending.set(id, pending)
    transport.onEnd = () => this.end(id)
    transport.onOpen = () => {
      pending.isOpen = true
      cancelTimeout()
      this.#options.onOpen(id, transport)
    }
    const aborted = () => this.end(id)
    signal.addEventListener('abort', aborted)
    try {
      const sdp = await transformAnswer(await admission.answer(gatheringTimeoutMs))
      if (!this.#pending.has(id))
        throw new SignalRefusal(503, 'gone', 'the connection ended before its answer was ready')
      if (!hasCandidates(sdp)) {
        throw new SignalRefusal(503, 'no-candidates', 'the server has no address to be reached at; see its bindAddress')
      }
      return { sdp, id }
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
    pending.transport.close()
    return true
  }

  /** The pipe of `id` has become a peer, or has ended on the way. */
  settle(id: string): void {
    this.#pending.delete(id)
  }

  /** Takes no more offers, and gives all up whose connection is not open yet. */
  close(): void {
    this.#isClosed = true
    for (const id of this.#pending.keys()) this.end(id)
  }

  #checkRoom(): void {
    if (this.#isClosed) throw new SignalRefusal(503, 'server-closing', 'the server is closing')
    if (!this.#options.hasRoom(this.size)) throw new SignalRefusal(503, 'server-full', 'the server is full', 5)
    if (this.size >= this.#options.maxPending) {
      throw new SignalRefusal(503, 'too-many-pending', 'too many players are connecting at this moment', 1)
    }
  }
}
