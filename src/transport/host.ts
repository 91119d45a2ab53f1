/** What a driver needs of the world: a clock, chance, and alarms. Tests pass one that stands still. */
export interface Host {
  /** Present instant, ms, on a monotonic clock. */
  now(): number
  /** A uint32 that nobody can foretell. */
  random(): number
  /** Runs `run` at the instant `timeMs` or a little later, never during this call; the returned function cancels it. */
  at(timeMs: number, run: () => void): () => void
}

/** Longest delay that `setTimeout` takes, ms: a signed 32-bit integer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Host of browsers and Node alike. Only `getRandomValues`: `crypto.subtle` and `randomUUID` are missing on plain-http pages. */
export const systemHost: Host = {
  now: () => performance.now(),
  random: () => crypto.getRandomValues(new Uint32Array(1))[0]!,
  at(timeMs, run) {
    // Rounded up, because timers drop the fraction and would come just before the instant.
    const delayMs = Math.min(LONGEST_TIMER_MS, Math.max(0, Math.ceil(timeMs - performance.now())))
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}

/** A name that nobody can foretell: 128 random bits in 32 hexadecimal digits. */
export function randomId(host: Host): string {
  let id = ''
  for (let i = 0; i < 4; i++) id += host.random().toString(16).padStart(8, '0')
  return id
}
