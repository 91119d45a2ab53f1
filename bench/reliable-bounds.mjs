// What no policy can beat, by formula; ms of excess over the one-way delay.

/** @typedef {import('./reliable-run.mjs').Scenario} Scenario */

/** Guards against the rounding of p^n: 0.1³ is a little more than 0.001. */
const ROUNDING = 1 + 1e-9

/**
 * Copies that must be lost on top of the first for a message to belong to the share `tail`: the smallest n with p^(n+1) ≤ tail.
 * @param {number} loss
 * @param {number} tail
 */
export function copiesFor(loss, tail) {
  let n = 0
  while (loss ** (n + 1) > tail * ROUNDING) n++
  return n
}

/**
 * Without redundant bytes: a copy is sent only once all before it are known to be lost, which takes a round trip each.
 * @param {Scenario} scenario
 * @param {number} tail
 */
export function resendBoundMs({ weather, rttMs }, tail) {
  return copiesFor(weather.loss ?? 0, tail) * rttMs
}

/**
 * With redundancy without limit: a copy in every tick. In bursts (a bad period ends at rate μ = λ(1−p), and e^(−λT) is the
 * correlation of neighbours) nothing helps before the burst is over: P(X > t) ≥ p·e^(−μt). With jitter each copy may be late.
 * @param {Scenario} scenario
 * @param {number} tail
 */
export function copyBoundMs({ weather, hz }, tail) {
  const { loss = 0, burst, jitterMs } = weather
  const tickMs = 1000 / hz
  if (loss <= tail && jitterMs === undefined) return 0
  if (jitterMs !== undefined) return lateBoundMs(loss, tickMs, jitterMs, tail)
  if (burst === undefined) return copiesFor(loss, tail) * tickMs
  const forgets = -Math.log((1 - 1 / burst - loss) / (1 - loss)) / tickMs
  const ms = Math.log(loss / tail) / (forgets * (1 - loss))
  return Math.ceil(ms / tickMs) * tickMs
}

/**
 * Smallest t with P(no copy sent in ticks 0, T, 2T, … has arrived by t) ≤ tail, less the median of the jitter.
 * @param {number} loss
 * @param {number} tickMs
 * @param {number} jitterMs
 * @param {number} tail
 */
function lateBoundMs(loss, tickMs, jitterMs, tail) {
  const missing = (/** @type {number} */ ms) => {
    let share = 1
    for (let sentAt = 0; sentAt <= ms; sentAt += tickMs) {
      const extraMs = ms - sentAt
      const late = extraMs >= 3 * jitterMs ? 0 : Math.exp((-2 * extraMs) / jitterMs)
      share *= loss + (1 - loss) * late
    }
    return share
  }
  let low = 0
  let high = 10_000
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (missing(middle) > tail) low = middle
    else high = middle
  }
  return high - (jitterMs / 2) * Math.LN2
}
