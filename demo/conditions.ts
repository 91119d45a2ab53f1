/** What the relay does to the datagrams between the two peers, and what a slider may ask of it. */
export interface Conditions {
  /** Share of datagrams lost from page to peer, 0 to 1. */
  readonly lossUp: number
  /** Share of datagrams lost from peer to page, 0 to 1. */
  readonly lossDown: number
  /** Added delay of each direction, ms. */
  readonly delayMs: number
  /** Mean of the random delay on top of that, ms, each direction. Datagrams may overtake each other. */
  readonly jitterMs: number
  /** Share of datagrams that come twice, 0 to 1, each direction. */
  readonly duplicate: number
}

/** No loss at all, but 20 ms each way: a good line to a server in the next town. */
export const CALM: Conditions = { lossUp: 0, lossDown: 0, delayMs: 20, jitterMs: 2, duplicate: 0 }

/** Largest value the relay accepts, field by field; each smallest is 0. */
export const CONDITION_LIMITS: Conditions = { lossUp: 0.5, lossDown: 0.5, delayMs: 500, jitterMs: 100, duplicate: 0.5 }

const NAMES = Object.keys(CONDITION_LIMITS) as (keyof Conditions)[]

/** Takes what a request asks for, on top of `current`; a string says what is wrong with it. */
export function changeConditions(current: Conditions, asked: unknown): Conditions | string {
  if (typeof asked !== 'object' || asked === null || Array.isArray(asked)) {
    return `expected a JSON object with some of ${NAMES.join(', ')}`
  }
  const next: { -readonly [Name in keyof Conditions]: number } = { ...current }
  for (const [name, value] of Object.entries(asked)) {
    const known = NAMES.find((candidate) => candidate === name)
    if (!known) return `${name}: no such condition; there are ${NAMES.join(', ')}`
    const limit = CONDITION_LIMITS[known]
    if (typeof value !== 'number' || !(value >= 0 && value <= limit)) {
      return `${name}: expected a number from 0 to ${limit}, got ${JSON.stringify(value)}`
    }
    next[known] = value
  }
  return next
}
