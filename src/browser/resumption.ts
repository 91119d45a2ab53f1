import { Deadline } from '../signal/deadline.ts'
import { SignalError } from '../signal/errors.ts'
import type { Bundle } from '../transport/bundle.ts'
import type { Host } from '../transport/host.ts'
import type { Peer } from '../transport/peer.ts'
import type { Transport } from '../transport/transport.ts'
import { type AttemptOptions, openPipe } from './attempt.ts'

/** How often it is looked whether the server is heard, ms. */
const LOOK_MS = 250
/** Silence after which another path is tried, ms: longer than a keepalive, shorter than what ICE needs to notice. */
const SILENT_MS = 3_500
/** Time for one attempt, ms. */
const OPEN_TIMEOUT_MS = 15_000
/** Pause after an attempt that failed, ms; doubled with each that follows, up to the limit. */
const PAUSE_MS = 250
const MAX_PAUSE_MS = 4_000

/** Time for the server's answer through a new path, ms. */
const ANSWER_MS = 2_000

/** What the keeper of a session works with. */
export interface ResumptionOptions {
  readonly peer: Pick<Peer, 'state' | 'isAway' | 'silentMs' | 'closed' | 'leave' | 'knock'>
  readonly bundle: Bundle
  /** How to reach the server: the place of the peer's first offer, with its ticket. */
  readonly attempt: AttemptOptions
  readonly host: Host
}

/** Finds another path to the server when the one that there was has gone, for as long as the peer lives. */
export class Resumption {
  readonly #options: ResumptionOptions
  readonly #leaving = new AbortController()
  #isTrying = false
  #retryAt: number = Number.NEGATIVE_INFINITY
  #pauseMs = PAUSE_MS
  #cancelAlarm: (() => void) | undefined

  constructor(options: ResumptionOptions) {
    const { peer, bundle } = options
    this.#options = options
    bundle.onEmpty = () => {
      const waits = peer.leave()
      this.#retryAt = Number.NEGATIVE_INFINITY
      if (waits) this.#look()
      return waits
    }
    void peer.closed.then(() => this.#end())
    this.#look()
  }

  readonly #look = (): void => {
    const { peer, bundle, host } = this.#options
    this.#cancelAlarm?.()
    if (this.#leaving.signal.aborted) return
    const now = host.now()
    const isLost = bundle.size === 0 || peer.isAway || peer.silentMs > SILENT_MS
    if (isLost && peer.state === 'open' && !this.#isTrying && now >= this.#retryAt) void this.#try()
    this.#cancelAlarm = host.at(now + LOOK_MS, this.#look)
  }

  async #try(): Promise<void> {
    const { peer, bundle, attempt, host } = this.#options
    const deadline = new Deadline(OPEN_TIMEOUT_MS, this.#leaving.signal)
    this.#isTrying = true
    try {
      const old = new Set(bundle.pipes)
      const { transport } = await openPipe(attempt, deadline)
      bundle.add(transport)
      this.#replaceIfSilent(old)
      peer.knock()
      this.#pauseMs = PAUSE_MS
      // The answer to the knock needs a moment, before another attempt makes sense.
      this.#retryAt = host.now() + ANSWER_MS
    } catch (error) {
      // The peer's driver closes the bundle.
      if (isFinal(error)) bundle.onEnd?.({ detail: 'session-ended' })
      this.#retryAt = host.now() + this.#pauseMs
      this.#pauseMs = Math.min(MAX_PAUSE_MS, 2 * this.#pauseMs)
    } finally {
      this.#isTrying = false
      deadline.release()
    }
  }

  /** What has not been heard through the old pipes until now will not be. */
  #replaceIfSilent(old: ReadonlySet<Transport>): void {
    const { peer, bundle } = this.#options
    if (!peer.isAway && peer.silentMs <= SILENT_MS) return
    for (const pipe of old) bundle.retire(pipe, 'replaced')
  }

  #end(): void {
    this.#cancelAlarm?.()
    this.#leaving.abort()
  }
}

/** The server does not know the peer any more, or not by this ticket: no attempt will be better. */
function isFinal(error: unknown): boolean {
  return error instanceof SignalError && (error.status === 404 || error.status === 403)
}
