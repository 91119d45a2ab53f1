import { HZ, randomOf } from './load.mjs'

/** @typedef {import('./load.mjs').Account} Account */
/** @typedef {import('./load.mjs').Kind} Kind */
/** @typedef {{ p50: number, p95: number, p99: number }} Percentiles ms; Infinity where so much never came, NaN without any */

/**
 * @typedef {object} Direction
 * @property {Account} from the side that sent
 * @property {Account} to the side that heard
 */

/**
 * Share of the messages sent within the window that came, however late within the run.
 * @param {Direction} direction
 * @param {Kind} kind
 * @param {number} fromAt
 * @param {number} toAt
 */
export function deliveredShare({ from, to }, kind, fromAt, toAt) {
  const sent = from.sent[kind].filter((at) => at >= fromAt && at < toAt).length
  return sent === 0 ? Number.NaN : latencies(to, kind, fromAt, toAt).length / sent
}

/**
 * Latency of the messages sent within the window. What never came counts as infinitely late where a message must come
 * (`mustCome`), else not at all.
 * @param {Direction} direction
 * @param {Kind} kind
 * @param {number} fromAt
 * @param {number} toAt
 * @param {boolean} mustCome
 */
export function latencyOf({ from, to }, kind, fromAt, toAt, mustCome) {
  const came = latencies(to, kind, fromAt, toAt)
  const sent = from.sent[kind].filter((at) => at >= fromAt && at < toAt).length
  const missing = mustCome ? sent - came.length : 0
  return percentiles([...came, ...Array.from({ length: Math.max(0, missing) }, () => Number.POSITIVE_INFINITY)])
}

/**
 * How old the newest state that has come is, looked at 60 times a second, at a random instant of each 60th: at a fixed one, the
 * phase between sender and observer would decide.
 * @param {Account} to
 * @param {Kind} kind
 * @param {number} fromAt
 * @param {number} toAt
 * @param {number} seed
 */
export function ageOf(to, kind, fromAt, toAt, seed) {
  const pairs = to.got[kind]
  if (pairs.length === 0) return percentiles([])
  /** @type {{ sentAt: number, at: number }[]} */
  const arrivals = []
  for (let i = 0; i < pairs.length; i += 2) arrivals.push({ sentAt: pairs[i] ?? 0, at: pairs[i + 1] ?? 0 })
  arrivals.sort((a, b) => a.at - b.at)
  const random = randomOf(seed)
  const ages = []
  let newest = Number.NEGATIVE_INFINITY
  let next = 0
  for (let slotAt = fromAt; slotAt < toAt; slotAt += 1000 / HZ) {
    const at = slotAt + (random() * 1000) / HZ
    for (let arrival = arrivals[next]; arrival !== undefined && arrival.at <= at; arrival = arrivals[++next]) {
      newest = Math.max(newest, arrival.sentAt)
    }
    ages.push(at - newest)
  }
  return percentiles(ages)
}

/**
 * What came after an outage that ended at `endAt`.
 * @typedef {object} AfterOutage
 * @property {number} firstMs latency of the first state that came; Infinity if none did
 * @property {number} stale states that came, and had been sent more than a tick before the end
 * @property {number} missing reliable messages of the whole run that never came
 *
 * @param {Direction} direction
 * @param {number} endAt
 * @returns {AfterOutage}
 */
export function afterOutage({ from, to }, endAt) {
  let firstAt = Number.POSITIVE_INFINITY
  let firstMs = Number.POSITIVE_INFINITY
  let stale = 0
  for (let i = 0; i < to.got.state.length; i += 2) {
    const [sentAt = 0, at = 0] = to.got.state.slice(i, i + 2)
    if (at < endAt) continue
    if (at < firstAt) {
      firstAt = at
      firstMs = at - sentAt
    }
    if (sentAt < endAt - 1000 / HZ) stale++
  }
  return { firstMs, stale, missing: from.sent.reliable.length - to.got.reliable.length / 2 }
}

/**
 * @param {readonly number[]} values
 * @returns {Percentiles}
 */
export function percentiles(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (/** @type {number} */ share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

/**
 * @param {readonly number[]} values
 */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/**
 * @param {Account} to
 * @param {Kind} kind
 * @param {number} fromAt
 * @param {number} toAt
 */
function latencies(to, kind, fromAt, toAt) {
  const pairs = to.got[kind]
  const found = []
  for (let i = 0; i < pairs.length; i += 2) {
    const sentAt = pairs[i] ?? 0
    if (sentAt >= fromAt && sentAt < toAt) found.push((pairs[i + 1] ?? 0) - sentAt)
  }
  return found
}
