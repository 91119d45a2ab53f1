/** What lies between the page and the peer, and what both do: everything that the control bar can ask for. */
import { type LinkOptions, type ProfileName, profileNames, profiles } from 'gannet/sim'

export interface Conditions {
  /** Named weather, or `custom` for what the fields below say. */
  readonly profile: ProfileName | 'custom'
  /** Share of datagrams lost, 0 to 1, each direction. */
  readonly loss: number
  /** Added delay of each direction, ms. */
  readonly delayMs: number
  /** Mean of the random delay on top of that, ms, each direction. Datagrams may overtake each other. */
  readonly jitterMs: number
  /** Capacity of each direction, kbit/s; 0 for no limit. */
  readonly kbitPerSecond: number
  /** States a second. */
  readonly stateHz: number
  /** Bytes of a state in the race. */
  readonly stateBytes: number
  /** Players without a player. */
  readonly bots: number
}

/** A line on which it shows who copes: one datagram in ten is lost, and the server is in the next country. */
export const INITIAL: Conditions = {
  profile: 'custom',
  loss: 0.1,
  delayMs: 40,
  jitterMs: 4,
  kbitPerSecond: 0,
  stateHz: 60,
  stateBytes: 1_000,
  bots: 2,
}

/** Smallest and largest value of each number. */
export const CONDITION_RANGES: Readonly<Record<Exclude<keyof Conditions, 'profile'>, readonly [number, number]>> = {
  loss: [0, 0.5],
  delayMs: [0, 500],
  jitterMs: [0, 100],
  kbitPerSecond: [0, 100_000],
  stateHz: [10, 60],
  stateBytes: [64, 1_000],
  bots: [0, 24],
}

/** Queue before the bottleneck of custom weather, bytes: a usual home router. */
const QUEUE_BYTES = 65_536

export interface Weather {
  readonly up: LinkOptions
  readonly down: LinkOptions
}

/** Everything that no link does, so that a change takes back what a profile had set. */
const CLEAR: LinkOptions = {
  loss: 0,
  burst: 0,
  delayMs: 0,
  jitterMs: 0,
  reorder: false,
  duplicate: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  queueBytes: QUEUE_BYTES,
  overheadBytes: 0,
  blackouts: [],
}

/** The weather that they ask for, with at most `mostDelayMs` of its delay. */
export function weatherOf(conditions: Conditions, mostDelayMs: number = Number.POSITIVE_INFINITY): Weather {
  const { profile, loss, delayMs, jitterMs, kbitPerSecond } = conditions
  const custom: LinkOptions = {
    loss,
    delayMs,
    jitterMs,
    reorder: true,
    ...(kbitPerSecond > 0 && { bytesPerSecond: kbitPerSecond * 125 }),
  }
  const { up, down } = profile === 'custom' ? { up: custom, down: custom } : profiles[profile]
  const complete = (weather: LinkOptions): LinkOptions => ({
    ...CLEAR,
    ...weather,
    // Below DTLS datagrams come with all but IP and UDP.
    overheadBytes: 28,
    delayMs: Math.min(mostDelayMs, weather.delayMs ?? 0),
  })
  return { up: complete(up), down: complete(down) }
}

/**
 * The same weather for a link that began `elapsedMs` after the others, with its blackouts at the same instants as theirs: a link
 * counts them from its own start.
 */
export function alignedTo(elapsedMs: number, { up, down }: Weather): Weather {
  const shifted = (weather: LinkOptions): LinkOptions => ({
    ...weather,
    blackouts: (weather.blackouts ?? []).map(({ fromMs, lengthMs, everyMs = 60_000 }) => ({
      fromMs: (((fromMs - elapsedMs) % everyMs) + everyMs) % everyMs,
      lengthMs,
      everyMs,
    })),
  })
  return { up: shifted(up), down: shifted(down) }
}

/** What the sliders show of a profile: the mean of both directions. */
export function figuresOf(profile: ProfileName): Pick<Conditions, 'loss' | 'delayMs' | 'jitterMs' | 'kbitPerSecond'> {
  const { up, down } = profiles[profile]
  const mean = (of: (weather: LinkOptions) => number): number => (of(up) + of(down)) / 2
  const rate = Math.min(up.bytesPerSecond ?? Infinity, down.bytesPerSecond ?? Infinity)
  return {
    loss: mean(({ loss }) => (typeof loss === 'number' ? loss : 0)),
    delayMs: mean(({ delayMs }) => delayMs ?? 0),
    jitterMs: mean(({ jitterMs }) => jitterMs ?? 0),
    kbitPerSecond: rate / 125 > CONDITION_RANGES.kbitPerSecond[1] ? 0 : rate / 125,
  }
}

/**
 * Takes what a request asks for, on top of `current`; a string says what is wrong with it. A profile brings its own figures, and
 * a figure of the weather makes it custom.
 */
export function changeConditions(current: Conditions, asked: unknown): Conditions | string {
  if (typeof asked !== 'object' || asked === null || Array.isArray(asked)) return 'expected a JSON object'
  const next: { -readonly [Name in keyof Conditions]: Conditions[Name] } = { ...current }
  for (const [name, value] of Object.entries(asked)) {
    if (name === 'profile') {
      const found = profileNames.find((profile) => profile === value)
      if (found === undefined && value !== 'custom') return `profile: expected custom or ${profileNames.join(', ')}`
      next.profile = found ?? 'custom'
      if (found !== undefined) Object.assign(next, figuresOf(found))
      continue
    }
    if (!Object.hasOwn(CONDITION_RANGES, name)) {
      return `${name}: no such condition; there are profile, ${Object.keys(CONDITION_RANGES).join(', ')}`
    }
    const known = name as keyof typeof CONDITION_RANGES
    const [least, most] = CONDITION_RANGES[known]
    if (typeof value !== 'number' || !(value >= least && value <= most)) {
      return `${name}: expected a number from ${least} to ${most}, got ${JSON.stringify(value)}`
    }
    if (next[known] !== value && known !== 'stateHz' && known !== 'stateBytes' && known !== 'bots')
      next.profile = 'custom'
    next[known] = value
  }
  return next
}
