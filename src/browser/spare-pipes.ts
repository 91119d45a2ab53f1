import { Deadline } from '../signal/deadline.ts'
import { SignalError } from '../signal/errors.ts'
import type { Bundle } from '../transport/bundle.ts'
import type { Host } from '../transport/host.ts'
import type { Peer } from '../transport/peer.ts'
import { PipeDemand, type PipeOptions } from '../transport/pipe-demand.ts'
import { type AttemptOptions, openPipe } from './attempt.ts'

/** How often it is looked whether another pipe would help, ms. */
const LOOK_MS = 100
/** Time for a further pipe to open, ms. */
const OPEN_TIMEOUT_MS = 15_000
/** Pause after an attempt that failed, ms; doubled with each that follows, up to the limit. */
const PAUSE_MS = 1_000
const MAX_PAUSE_MS = 60_000

/** What the keeper of a peer's pipes works with. */
export interface SparePipesOptions {
  readonly peer: Pick<Peer, 'state' | 'stats' | 'closed' | 'isAway'>
  readonly bundle: Bundle
  readonly range: Required<PipeOptions>
  /** How to reach the server: the place of the peer's first offer, with its ticket. */
  readonly attempt: AttemptOptions
  readonly host: Host
}

/** Opens further pipes to the server of an open peer when they would help, for as long as the peer lives. */
export class SparePipes {
  readonly #options: SparePipesOptions
  readonly #demand: PipeDemand
  readonly #leaving = new AbortController()
  #opening = 0
  #limit: number
  #retryAt: number = Number.NEGATIVE_INFINITY
  #pauseMs = PAUSE_MS
  #cancelAlarm: (() => void) | undefined

  constructor(options: SparePipesOptions) {
    this.#options = options
    this.#limit = options.range.max
    this.#demand = new PipeDemand(options.range)
    void options.peer.closed.then(() => this.#leave())
    this.#look()
  }

  readonly #look = (): void => {
    const { peer, bundle, host } = this.#options
    if (peer.state !== 'open') {
      this.#leave()
      return
    }
    const now = host.now()
    const wanted = this.#demand.look(now, peer.stats, bundle.backlogBytes > 0, bundle.size)
    const missing = Math.min(wanted, this.#limit) - bundle.size - this.#opening
    // While the path is gone, `Resumption` looks for another.
    if (now >= this.#retryAt && !peer.isAway) for (let i = 0; i < missing; i++) void this.#open()
    this.#cancelAlarm = host.at(now + LOOK_MS, this.#look)
  }

  async #open(): Promise<void> {
    const { bundle, attempt, host } = this.#options
    const deadline = new Deadline(OPEN_TIMEOUT_MS, this.#leaving.signal)
    this.#opening++
    try {
      const { transport } = await openPipe(attempt, deadline)
      bundle.add(transport)
      this.#pauseMs = PAUSE_MS
    } catch (error) {
      // The server has its own limit, or takes no further pipes at all: what there is must do.
      if (error instanceof SignalError && error.status !== undefined && error.status < 500) this.#limit = bundle.size
      this.#retryAt = host.now() + this.#pauseMs
      this.#pauseMs = Math.min(MAX_PAUSE_MS, 2 * this.#pauseMs)
    } finally {
      this.#opening--
      deadline.release()
    }
  }

  #leave(): void {
    this.#cancelAlarm?.()
    this.#leaving.abort()
  }
}
