/**
 * A game's whole connection to its server: connect, come back after a drop, hand over what arrives, send. It knows nothing of this
 * game: copy the file, give it your channels, call `update` at the start of each tick and `flush` at its end.
 */
import type { ChannelTable, CloseReason, EventOf, MessageId, MessageOf, SendOptions } from 'gannet'
import { type ConnectOptions, connect, type Peer } from 'gannet/browser'

export type NetStatus<C extends ChannelTable> =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open'; readonly peer: Peer<C> }
  /** `why`: the typed end of the connection, or what kept it from coming about. `retryAt`: instant of the next attempt, ms. */
  | { readonly kind: 'closed'; readonly why: CloseReason | Error; readonly retryAt: number }

export interface NetOptions<C extends ChannelTable> extends ConnectOptions<C> {
  /** Where the server takes offers. */
  readonly url: string
  /** Another way to a peer than over the network, such as a server in this page. */
  readonly dial?: () => Promise<Peer<C>>
  readonly onStatus: (status: NetStatus<C>) => void
  /** Messages, verdicts and the rest, in order, from inside `update` only. */
  readonly onEvent: (event: EventOf<C>) => void
}

/** Longest pause between two attempts, ms. */
const LONGEST_PAUSE_MS = 4_000

export class Net<const C extends ChannelTable> {
  readonly #options: NetOptions<C>
  #peer: Peer<C> | undefined
  #failures = 0
  #isStopped = false

  constructor(options: NetOptions<C>) {
    this.#options = options
    void this.#connect()
  }

  /** The present connection; `undefined` between two. */
  get peer(): Peer<C> | undefined {
    return this.#peer
  }

  /** Start of a tick: time passes, and what has arrived is handed over. */
  update(): void {
    const peer = this.#peer
    peer?.update()
    for (let event = peer?.pollEvent(); event; event = peer?.pollEvent()) {
      this.#options.onEvent(event)
      if (event.type === 'closed') this.#retry(event.reason)
    }
  }

  /** `undefined`: not connected, or a reliable channel is full. Otherwise its verdict will come under this number. */
  send<Name extends keyof C & string>(
    channel: Name,
    message: MessageOf<C, Name>,
    options?: SendOptions,
  ): MessageId | undefined {
    return this.#peer?.trySend(channel, message, options)
  }

  /** End of a tick: what was sent goes out, in one packet if it fits. */
  flush(): void {
    this.#peer?.flush()
  }

  /** Says goodbye and stays away. */
  stop(): void {
    this.#isStopped = true
    this.#peer?.close()
    this.#peer = undefined
  }

  async #connect(): Promise<void> {
    const { url, dial } = this.#options
    if (this.#isStopped) return
    this.#options.onStatus({ kind: 'connecting' })
    try {
      const peer = await (dial ? dial() : connect(url, this.#options))
      if (this.#isStopped) return peer.close()
      this.#peer = peer
      this.#failures = 0
      this.#options.onStatus({ kind: 'open', peer })
    } catch (error) {
      this.#retry(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #retry(why: CloseReason | Error): void {
    this.#peer = undefined
    const pauseMs = Math.min(LONGEST_PAUSE_MS, 250 * 2 ** this.#failures++)
    this.#options.onStatus({ kind: 'closed', why, retryAt: performance.now() + pauseMs })
    setTimeout(() => void this.#connect(), pauseMs)
  }
}
