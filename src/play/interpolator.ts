/** Span in which the quickest snapshot counts, ms; kept in two halves. */
const QUICKEST_MS = 4000
/** What the delay comes down by with each snapshot, ms: quick to grow, slow to shrink. */
const DECAY_MS = 0.25
/** Smallest delay kept in reserve beyond what was needed, ms. */
const RESERVE_MS = 2
/** How much faster or slower than real time the shown time may run, and the error at which it jumps, ms. */
const SLEW = 0.1
const JUMP_MS = 1000
/** When nothing has been drawn for this long, nobody waited for a state any longer, ms: the page stood still, not the path. */
const PAUSE_MS = 50
/** After a guess, the time in which the shown way comes back to the true one, ms. */
const MERGE_MS = 150

/** A snapshot as `SnapshotReader` gives it; any other with these parts will do. */
export interface PlayedSnapshot<T> {
  readonly tick: number
  /** Every entity was as told at `tick`, also those that have not changed since their `at`. Default true. */
  readonly isComplete?: boolean
  readonly entities: Iterable<{ readonly id: number; readonly at?: number; readonly value: T }>
}

export interface InterpolatorOptions<T> {
  /** Length of the tick that snapshots count in, ms. */
  readonly tickMs: number
  /** A state `share` of the way from `a` to `b`. Above 1 it goes on beyond `b`: a guess. */
  readonly blend: (a: T, b: T, share: number) => T
  /** Whether an entity cannot have moved from `a` to `b`, but was put there. Default: never. */
  readonly isTeleport?: (a: T, b: T) => boolean
  /** How far beyond the newest state movement is guessed before it holds still, ms. Default 150. */
  readonly maxGuessMs?: number
  /** Longest delay, ms. Default 500. */
  readonly maxDelayMs?: number
}

/** True from `from` to `until`, ms of the server's clock. */
interface State<T> {
  readonly from: number
  until: number
  readonly value: T
}

interface Track<T> {
  /** Oldest first. */
  readonly states: State<T>[]
  goneAt: number
  /** A guess that was shown until the truth came: the two states behind it, and the time from which it gives way. */
  ghost: { a: State<T>; b: State<T>; from: number } | undefined
}

/**
 * Shows other entities a little late, so that there are always two states to draw between. The delay follows what the path does:
 * it is the longest that the next state was waited for lately, so it grows with jitter, with losses and with the pause between
 * snapshots, and shrinks slowly (Fiedler, "Snapshot Interpolation", 2014; Ramjee et al., "Adaptive Playout Mechanisms", 1994).
 *
 *     states   ●─────●─────●─────✕─────●        the fourth is lost
 *     shown              ▲◂──── delay ────▸now
 */
export class Interpolator<T> {
  readonly #options: Required<InterpolatorOptions<T>>
  readonly #tracks = new Map<number, Track<T>>()
  #newestMs = Number.NEGATIVE_INFINITY
  /** Server time less arrival of the quickest snapshots. */
  #quickest = Number.NEGATIVE_INFINITY
  #olderQuickest = Number.NEGATIVE_INFINITY
  #quickestUntil = Number.NEGATIVE_INFINITY
  #delayMs = 0
  #shownMs = Number.NaN
  #sampledAt = Number.NaN
  /** Samples in which an entity was guessed beyond its newest state. */
  guesses = 0

  constructor(options: InterpolatorOptions<T>) {
    this.#options = { isTeleport: () => false, maxGuessMs: 150, maxDelayMs: 500, ...options }
  }

  /** What is shown lags the newest snapshots by this, ms. */
  get delayMs(): number {
    return this.#delayMs
  }

  /** Time that was shown last, ms of the server's clock: for lag compensation on the server. */
  get shownMs(): number {
    return this.#shownMs
  }

  /** Takes a snapshot that arrived at `now`, ms. They may come late or not at all; late ones add nothing. */
  push(snapshot: PlayedSnapshot<T>, now: number): void {
    const { tickMs, maxDelayMs } = this.#options
    const time = snapshot.tick * tickMs
    if (time <= this.#newestMs) return
    this.#observe(time - now, now)
    if (this.#newestMs > Number.NEGATIVE_INFINITY) {
      const isPaused = now - this.#sampledAt > PAUSE_MS
      const ready = isPaused ? this.#sampledAt + PAUSE_MS : now
      // From the state before on, this one was waited for.
      const waitedMs = ready + Math.max(this.#quickest, this.#olderQuickest) - this.#newestMs
      const neededMs = Math.min(maxDelayMs, waitedMs + RESERVE_MS)
      this.#delayMs = Math.max(neededMs, this.#delayMs - (isPaused ? 0 : DECAY_MS))
    }
    this.#newestMs = time
    const present = new Set<number>()
    for (const { id, at, value } of snapshot.entities) {
      present.add(id)
      this.#take(id, (at ?? snapshot.tick) * tickMs, time, value, snapshot.isComplete ?? true)
    }
    for (const [id, track] of this.#tracks) if (!present.has(id)) track.goneAt = Math.min(track.goneAt, time)
  }

  /** Everything that is there at `now`, ms, by id. Call it once a frame. */
  sample(now: number): Map<number, T> {
    const shown = new Map<number, T>()
    if (this.#newestMs === Number.NEGATIVE_INFINITY) return shown
    this.#advance(now)
    for (const [id, track] of this.#tracks) {
      if (this.#shownMs >= track.goneAt) {
        this.#tracks.delete(id)
        continue
      }
      const value = this.#valueOf(track, this.#shownMs)
      if (value !== undefined) shown.set(id, value)
    }
    return shown
  }

  #observe(offset: number, now: number): void {
    if (now >= this.#quickestUntil) {
      this.#olderQuickest = this.#quickest
      this.#quickest = Number.NEGATIVE_INFINITY
      this.#quickestUntil = now + QUICKEST_MS / 2
    }
    this.#quickest = Math.max(this.#quickest, offset)
  }

  #take(id: number, at: number, time: number, value: T, isComplete: boolean): void {
    let track = this.#tracks.get(id)
    if (track === undefined || track.goneAt < time) {
      track = { states: [], goneAt: Number.POSITIVE_INFINITY, ghost: undefined }
      this.#tracks.set(id, track)
    }
    const { states } = track
    const last = states.at(-1)
    if (last !== undefined && at <= last.from) {
      // The same as before, and sure to have been so until now.
      if (isComplete && at === last.from) last.until = time
      return
    }
    const before = states.at(-2)
    if (last !== undefined && before !== undefined && this.#shownMs > last.until && this.#goesOn(before, last)) {
      // What was shown since then was a guess; from a teleport nothing leads to the truth.
      const isThere = this.#options.isTeleport(last.value, value)
      track.ghost = isThere ? undefined : { a: before, b: last, from: this.#shownMs }
    }
    states.push({ from: at, until: isComplete ? time : at, value })
    while (states.length > 2 && states[1]!.from < this.#shownMs && states.length > 64) states.shift()
  }

  #advance(now: number): void {
    const target = now + Math.max(this.#quickest, this.#olderQuickest) - this.#delayMs
    const elapsedMs = Math.max(0, now - this.#sampledAt)
    this.#sampledAt = now
    const error = target - this.#shownMs - elapsedMs
    if (!(Math.abs(error) <= JUMP_MS))
      this.#shownMs = Math.max(target, Number.isNaN(this.#shownMs) ? target : this.#shownMs)
    else this.#shownMs += elapsedMs * (1 + Math.max(-SLEW, Math.min(SLEW, error / 100)))
  }

  #valueOf(track: Track<T>, time: number): T | undefined {
    const { states } = track
    while (states.length > 2 && states[1]!.from <= time) states.shift()
    const first = states[0]
    if (first === undefined || time < first.from) return undefined
    const real = this.#between(states, time)
    const { ghost } = track
    if (ghost === undefined) return real
    const share = (time - ghost.from) / MERGE_MS
    if (share >= 1) {
      track.ghost = undefined
      return real
    }
    return this.#options.blend(this.#guess(ghost.a, ghost.b, time), real, share)
  }

  #between(states: readonly State<T>[], time: number): T {
    const { blend, isTeleport } = this.#options
    let at = states.length - 1
    while (at > 0 && states[at]!.from > time) at--
    const a = states[at]!
    const b = states[at + 1]
    if (time <= a.until) return a.value
    if (b !== undefined) {
      if (isTeleport(a.value, b.value)) return a.value
      return blend(a.value, b.value, (time - a.until) / (b.from - a.until))
    }
    const before = states[at - 1]
    if (before === undefined || !this.#goesOn(before, a)) return a.value
    this.guesses++
    return this.#guess(before, a, time)
  }

  /** Whether an entity that went from `a` to `b` can be guessed to go on: it neither rests nor was put there. */
  #goesOn(a: State<T>, b: State<T>): boolean {
    return b.until === b.from && !this.#options.isTeleport(a.value, b.value)
  }

  /** Goes on from `b` as it went from `a` to `b`, for a while. */
  #guess(a: State<T>, b: State<T>, time: number): T {
    const beyond = Math.min(this.#options.maxGuessMs, time - b.from)
    return this.#options.blend(a.value, b.value, 1 + beyond / (b.from - a.until))
  }
}
