import { checkLossModel, type LossModel } from './loss.ts'

/** A time during which a link loses every packet pushed into it; what is already on its way still arrives. */
export interface Blackout {
  /** Start, ms after the link's `startsAt`. */
  fromMs: number
  /** Length, ms. */
  lengthMs: number
  /** Start-to-start distance of its repetitions, ms; at least `lengthMs`. Left out: it happens once. */
  everyMs?: number
}

/** A change of the weather at an instant; what it leaves out stays as it is. */
export interface Stage extends Omit<LinkOptions, 'schedule'> {
  /** Instant from which it holds, ms after the link's `startsAt`. */
  fromMs: number
}

/** The weather of one direction. Everything left out is absent: `{}` is a perfect link. */
export interface LinkOptions {
  /** Mean share of lost packets, 0 to 1, or a raw Gilbert-Elliott chain. Default 0. */
  loss?: LossModel
  /** Mean length of a run of lost packets, at least 1; 0 (default) means independent loss. Ignored when `loss` is a chain. */
  burst?: number
  /** One-way delay, ms, added after the bottleneck. Default 0. */
  delayMs?: number
  /**
   * Mean extra delay, ms: exponential, independent per packet, cut at 6 times the mean. Default 0.
   * With `reorder` the jitter of RFC 3550 (section 6.4.1) measured over the link converges to this same figure.
   */
  jitterMs?: number
  /** Whether a packet may overtake another. False (default): a jittered packet holds up those behind it. */
  reorder?: boolean
  /** Chance that a packet arrives twice, 0 to 1; the copy has a delay of its own. Default 0. */
  duplicate?: number
  /** Capacity of the bottleneck, bytes per second; 0 holds everything until it is raised. Default `Infinity`: no bottleneck. */
  bytesPerSecond?: number
  /** Queue before the bottleneck, bytes; what does not fit is dropped (tail drop). Default 65,536. */
  queueBytes?: number
  /**
   * Bytes that each packet takes from `bytesPerSecond` and `queueBytes` beyond its own. Default 0;
   * 93 for what IP, UDP, DTLS and SCTP add to a DataChannel message over IPv4.
   */
  overheadBytes?: number
  /** Default none. */
  blackouts?: readonly Blackout[]
  /** Changes to come, in order of `fromMs`. Default none. */
  schedule?: readonly Stage[]
  /** Bytes that may be inside the link at once, in the queue and on the way; beyond it packets are dropped. Default 64 MiB. */
  maxHeldBytes?: number
}

/** All of {@link LinkOptions}, resolved. */
export type LinkSettings = Required<LinkOptions>

/** A perfect link. The queue is some 50 full packets, a usual size for a home router; 64 MiB only guards against leaks. */
export const PERFECT: Readonly<LinkSettings> = {
  loss: 0,
  burst: 0,
  delayMs: 0,
  jitterMs: 0,
  reorder: false,
  duplicate: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  queueBytes: 65_536,
  overheadBytes: 0,
  blackouts: [],
  schedule: [],
  maxHeldBytes: 64 * 1024 * 1024,
}

/** `settings` with `changes` applied; throws `RangeError` with what was expected when a value is outside its range. */
export function changed(settings: Readonly<LinkSettings>, changes: LinkOptions): LinkSettings {
  const next: LinkSettings = { ...settings, ...changes }
  checkSpan('delayMs', next.delayMs, false)
  checkSpan('jitterMs', next.jitterMs, false)
  checkSpan('bytesPerSecond', next.bytesPerSecond, true)
  checkSpan('queueBytes', next.queueBytes, true)
  checkSpan('overheadBytes', next.overheadBytes, false)
  checkSpan('maxHeldBytes', next.maxHeldBytes, true)
  if (!(next.duplicate >= 0 && next.duplicate <= 1)) {
    throw new RangeError(`duplicate: ${next.duplicate}, expected 0 to 1`)
  }
  checkLossModel(next.loss, next.burst)
  for (const { fromMs, lengthMs, everyMs } of next.blackouts) {
    checkSpan('blackout fromMs', fromMs, false)
    checkSpan('blackout lengthMs', lengthMs, true)
    if (everyMs !== undefined && !(everyMs >= lengthMs && everyMs > 0)) {
      throw new RangeError(`blackout everyMs: ${everyMs}, expected at least lengthMs = ${lengthMs}`)
    }
  }
  if (changes.schedule !== undefined) checkSchedule(next)
  return next
}

/** Each stage must make sense on top of those before it. */
function checkSchedule(settings: Readonly<LinkSettings>): void {
  let soFar: LinkSettings = settings
  let lastMs = 0
  for (const { fromMs, ...changes } of settings.schedule) {
    checkSpan('stage fromMs', fromMs, false)
    if (fromMs < lastMs) throw new RangeError(`stage fromMs: ${fromMs}, expected at least ${lastMs}, the one before`)
    lastMs = fromMs
    soFar = changed(soFar, changes)
  }
}

/** Whether `sinceStartMs` lies within one of the blackouts; the end of a window is outside. */
export function isDark(blackouts: readonly Blackout[], sinceStartMs: number): boolean {
  for (let i = 0; i < blackouts.length; i++) {
    const { fromMs, lengthMs, everyMs } = blackouts[i]!
    const since = sinceStartMs - fromMs
    if (since >= 0 && (everyMs === undefined ? since : since % everyMs) < lengthMs) return true
  }
  return false
}

/** Short text of what is not perfect, for messages: `loss 0.1 burst 4 delayMs 50`. */
export function describeOptions(options: LinkOptions): string {
  const parts: string[] = []
  for (const name of Object.keys(PERFECT) as (keyof LinkOptions)[]) {
    const value = options[name]
    if (value === undefined || value === PERFECT[name] || (Array.isArray(value) && value.length === 0)) continue
    parts.push(`${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
  }
  return parts.length === 0 ? 'perfect' : parts.join(' ')
}

function checkSpan(name: string, value: number, mayBeInfinite: boolean): void {
  if (value >= 0 && (mayBeInfinite || value < Number.POSITIVE_INFINITY)) return
  throw new RangeError(`${name}: ${value}, expected ${mayBeInfinite ? 'at least 0' : 'at least 0 and finite'}`)
}
