import { raceSignal } from '../signal/deadline.ts'
import { SignalRefusal } from '../signal/errors.ts'
import type { ClientInfo } from '../signal/handler.ts'
import { RateLimit, type RateLimitOptions } from './rate-limit.ts'

/**
 * Says who a client is, or why it may not play: what it returns becomes `peer.data`; a {@link SignalRefusal}, returned or thrown,
 * reaches the client as a `SignalError` of code `refused` with its status, code, detail and data. Anything else that is thrown
 * becomes status 500, without its text. Called before anything native exists for the client, and before its offer is read;
 * `signal` fires when nobody waits for it any more.
 */
export type Authorize<Data> = (
  request: Request,
  client: ClientInfo & { readonly signal: AbortSignal },
) => Data | SignalRefusal | Promise<Data | SignalRefusal>

export interface GateOptions<Data> {
  readonly authorize: Authorize<Data> | undefined
  /** `false` for none. */
  readonly rateLimit: RateLimitOptions | false
  readonly clientAddress: ((request: Request, client: ClientInfo) => string | undefined) | undefined
  /** Calls of `authorize` that may be under way at once. */
  readonly maxAsking: number
  readonly now: () => number
  /** Throws {@link SignalRefusal} when there is no room for another client. */
  readonly checkRoom: (address: string | undefined) => void
}

/** What a client may do: make an offer. */
export interface Grant<Data> {
  readonly data: Data
  readonly address: string | undefined
  /** Fingerprint of the certificate that every offer of the peer must come with; absent if it made no such promise. */
  readonly fingerprint?: string
}

/** Decides who may make an offer, before the offer costs anything. */
export class Gate<Data> {
  readonly #options: GateOptions<Data>
  readonly #limit: RateLimit | undefined
  #asking = 0

  constructor(options: GateOptions<Data>) {
    this.#options = options
    if (options.rateLimit !== false) this.#limit = new RateLimit(options.rateLimit)
  }

  /** Rejects with {@link SignalRefusal}. */
  async admit(request: Request, client: ClientInfo, signal: AbortSignal): Promise<Grant<Data>> {
    const { clientAddress, checkRoom } = this.#options
    const address = clientAddress === undefined ? client.address : clientAddress(request, client)
    if (address !== undefined) this.#checkRate(address)
    checkRoom(address)
    return { address, data: await this.#authorize(request, { ...client, address, signal }) }
  }

  #checkRate(address: string): void {
    const waitMs = this.#limit?.take(address, this.#options.now()) ?? 0
    if (waitMs === 0) return
    throw new SignalRefusal(429, 'too-many-offers', 'too many offers from this address', {
      retryAfterSeconds: Math.ceil(waitMs / 1000),
    })
  }

  async #authorize(request: Request, client: ClientInfo & { readonly signal: AbortSignal }): Promise<Data> {
    const { authorize, maxAsking } = this.#options
    // Without it, Data is undefined.
    if (authorize === undefined) return undefined as Data
    if (this.#asking >= maxAsking) {
      throw new SignalRefusal(503, 'too-many-pending', 'too many players are connecting at this moment', {
        retryAfterSeconds: 1,
      })
    }
    this.#asking++
    try {
      const verdict = await raceSignal(Promise.resolve(authorize(request, client)), client.signal)
      if (verdict instanceof SignalRefusal) throw verdict
      return verdict
    } finally {
      this.#asking--
    }
  }
}
