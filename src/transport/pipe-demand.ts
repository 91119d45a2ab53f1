import { type EndpointStats, NetcodeError } from '../index.ts'

/** How many pipes a peer may have. */
export interface PipeOptions {
  /** Pipes to open at once, 1 to 8. Default 1. The side that listens opens none. */
  readonly min?: number
  /** Pipes to have at most, 1 to 8, and not below `min`. Default 3. */
  readonly max?: number
}

const MOST_PIPES = 8
const DEFAULT_MAX = 3

/** Throws `bad-option` for what is out of range. */
export function resolvePipes(options: PipeOptions = {}): Required<PipeOptions> {
  const { min = 1, max = Math.max(min, DEFAULT_MAX) } = options
  for (const [name, value] of [
    ['min', min],
    ['max', max],
  ] as const) {
    if (!Number.isInteger(value) || value < 1 || value > MOST_PIPES) {
      throw new NetcodeError('bad-option', `pipes.${name}: ${value}, expected an integer, 1 to ${MOST_PIPES}`)
    }
  }
  if (min > max) throw new NetcodeError('bad-option', `pipes.min: ${min}, expected at most pipes.max, ${max}`)
  return { min, max }
}

/** Bytes of SCTP around a packet: header 12, DATA chunk 16. */
const SCTP_BYTES = 28
/** Bytes that dcSCTP puts into one SCTP packet. */
const SCTP_MTU_BYTES = 1160
/**
 * Share of SCTP's long-run rate that one pipe is trusted with. Well below that rate its window still shuts for a round trip or two
 * after losses that come close together.
 */
const TRUSTED_SHARE = 0.3
/** Losses below this share, 0 to 1, shut no window for long. */
const CALM_LOSS = 0.002
/**
 * From this share of losses on, 0 to 1, whatever the rate, one pipe is not enough: SCTP may lose what it sends to get over a loss,
 * and then waits for a timer of 400 ms and more, which doubles.
 */
const ROUGH_LOSS = 0.015
/** Round trip from which that timer is worse than waiting for it with a second pipe, ms. */
const ROUGH_RTT_MS = 40
/**
 * Bytes that one pipe is trusted to have on the way, loss or not: about SCTP's initial window. It grows only while it is full (RFC 9260,
 * 7.2.1), and it seldom is where nothing may wait below.
 */
const TRUSTED_WINDOW_BYTES = 12 * SCTP_MTU_BYTES
/** How long the rate is averaged, ms. */
const WINDOW_MS = 1000
/**
 * What is left of a remembered rate a second later. A pipe whose window has shut carries little, and of the peer's nothing else is seen
 * here: what came until then is what it should carry.
 */
const REMEMBERED_SHARE = 0.8
/** How long a demand lasts once it was there, ms: opening a pipe takes several round trips. */
const HOLD_MS = 30_000
/** Samples with everything blocked, within the window, that ask for another pipe. */
const BLOCKED_SAMPLES = 3

/**
 * How many pipes help a peer: as many as it takes for none of them to carry more than SCTP's congestion control lets through at the
 * present loss and round trip (1.22 MTU / (RTT √loss), Mathis et al. 1997), what waits in our own queue counted in, for none to have more on the
 * way than a window that does not grow, and another whenever all were blocked.
 */
export class PipeDemand {
  readonly #range: Required<PipeOptions>
  #sinceAt: number = Number.NEGATIVE_INFINITY
  #sentBytes = 0
  #receivedBytes = 0
  #upPerSecond = 0
  #downPerSecond = 0
  #blocked = 0
  #wanted: number
  #wantedAt: number = Number.NEGATIVE_INFINITY

  constructor(range: Required<PipeOptions>) {
    this.#range = range
    this.#wanted = range.min
  }

  /**
   * Takes a look at the peer: a few each second. `isBlocked`: something waits below every one of its `size` pipes. The smoothed round
   * trip counts, not the smallest, which after a jump of the path's is that of the old path for ten seconds and more.
   */
  look(now: number, stats: EndpointStats, isBlocked: boolean, size: number): number {
    if (isBlocked) this.#blocked++
    const elapsedMs = now - this.#sinceAt
    if (elapsedMs >= WINDOW_MS) {
      const sentBytes = stats.bytesSent + SCTP_BYTES * stats.packetsSent
      const receivedBytes = stats.bytesReceived + SCTP_BYTES * stats.packetsReceived
      if (elapsedMs < 10 * WINDOW_MS) {
        this.#upPerSecond = remembered(this.#upPerSecond, ((sentBytes - this.#sentBytes) * 1000) / elapsedMs)
        this.#downPerSecond = remembered(
          this.#downPerSecond,
          ((receivedBytes - this.#receivedBytes) * 1000) / elapsedMs,
        )
        if (this.#blocked >= BLOCKED_SAMPLES) this.#want(size + 1, now)
      }
      this.#sinceAt = now
      this.#sentBytes = sentBytes
      this.#receivedBytes = receivedBytes
      this.#blocked = 0
    }
    // Of the first second only what waits counts, which should be gone within another: a loss or two say nothing yet.
    if (!(this.#upPerSecond > 0 || stats.queuedBytes > 0)) return this.#wanted
    // At every look, with the rates of the last window: a round trip that jumps is not waited out.
    const queuedPerSecond = (stats.queuedBytes * 1000) / WINDOW_MS
    const up = pipesFor(Math.max(this.#upPerSecond, queuedPerSecond), stats.rttMs, stats.lossUp)
    const down = pipesFor(this.#downPerSecond, stats.rttMs, stats.lossDown)
    const windows = windowsFor(Math.max(this.#upPerSecond, this.#downPerSecond), stats.rttMs)
    this.#want(Math.max(up, down, windows), now)
    return this.#wanted
  }

  #want(pipes: number, now: number): void {
    const wanted = Math.min(this.#range.max, Math.max(this.#range.min, pipes))
    if (wanted < this.#wanted && now < this.#wantedAt + HOLD_MS) return
    this.#wanted = wanted
    this.#wantedAt = now
  }
}

/** The rate to go by after a second at `perSecond`. */
function remembered(before: number, perSecond: number): number {
  return Math.max(perSecond, REMEMBERED_SHARE * before)
}

/** Pipes that carry `bytesPerSecond` in one direction without waiting for SCTP's window. */
function pipesFor(bytesPerSecond: number, rttMs: number, loss: number): number {
  if (!(loss > CALM_LOSS) || !(rttMs > 0)) return 1
  const ceiling = (1.22 * SCTP_MTU_BYTES * 1000) / (rttMs * Math.sqrt(loss))
  const byRate = Math.ceil(bytesPerSecond / (TRUSTED_SHARE * ceiling))
  return Math.max(byRate, loss >= ROUGH_LOSS && rttMs >= ROUGH_RTT_MS ? 2 : 1)
}

/** Pipes that have no more than `bytesPerSecond` take on the way. */
function windowsFor(bytesPerSecond: number, rttMs: number): number {
  return rttMs > 0 ? Math.ceil((bytesPerSecond * rttMs) / 1000 / TRUSTED_WINDOW_BYTES) : 1
}
