import type { ChannelTable, Endpoint } from '../index.ts'
import type { Host } from './host.ts'

/** The time that both ends share: the server's clock, on the server and on each client. */
export class PeerClock {
  readonly #endpoint: Pick<Endpoint<ChannelTable>, 'clock'>
  readonly #host: Host

  constructor(endpoint: Pick<Endpoint<ChannelTable>, 'clock'>, host: Host) {
    this.#endpoint = endpoint
    this.#host = host
  }

  /** The server's clock now, ms. Never runs backwards. `NaN` on a client until the connection is open. */
  now(): number {
    return this.#endpoint.clock.at(this.#host.now())
  }

  /** Whether `now` means anything: from `open` on. */
  get isSynced(): boolean {
    return this.#endpoint.clock.isSynced
  }

  /** What to add to our own clock (`performance.now()`) to have the shared one, ms; changes slowly. */
  get offsetMs(): number {
    const now = this.#host.now()
    return this.#endpoint.clock.at(now) - now
  }

  /** Bound of the error of `now`, ms: about half a round trip when one direction is slower than the other, usually far less. */
  get errorMs(): number {
    return this.#endpoint.clock.errorAt(this.#host.now())
  }

  /** Rate of the server's clock against ours, parts per million. */
  get driftPpm(): number {
    return this.#endpoint.clock.driftPpm
  }
}
