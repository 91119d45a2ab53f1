import { median } from './figures.mjs'

/**
 * @typedef {import('./cells.mjs').Cell} Cell
 * @typedef {import('./run.mjs').Row} Row
 */

/**
 * A cell's goal against what was measured in one direction.
 * @typedef {object} Verdicts
 * @property {readonly number[]} values of the figure that the goal is about, one for each seed
 * @property {number} limit
 * @property {number} met seeds that reach the goal
 * @property {'yes' | 'median' | 'no'} reached by every seed, by the median but not by the worst, or not even by that
 */

/**
 * @param {Cell} cell
 * @param {readonly Row[]} rows
 * @param {'up' | 'down'} direction
 * @returns {Verdicts}
 */
export function verdictsOf(cell, rows, direction) {
  const found = (/** @type {string} */ transport, /** @type {number} */ seed) =>
    rows.find((row) => row.transport === transport && row.direction === direction && row.seed === seed)
  const verdicts = []
  for (const seed of new Set(rows.map((row) => row.seed))) {
    const ours = found('gannet', seed)
    const udp = found('udp', seed)
    if (ours === undefined || udp === undefined) continue
    verdicts.push({ ...cell.judge(ours, { udp, naive: found('naive', seed) ?? ours }), share: ours.delivered })
  }
  const values = verdicts.map(({ value }) => value)
  const shares = verdicts.map(({ share }) => share)
  const limit = verdicts[0]?.limit ?? Number.NaN
  const least = verdicts[0]?.delivered ?? 0
  const reaches = (/** @type {number} */ value, /** @type {number} */ share) => value <= limit && share >= least
  const met = values.filter((value, i) => reaches(value, shares[i] ?? 0)).length
  return {
    values,
    limit,
    met,
    reached: met === values.length ? 'yes' : reaches(median(values), median(shares)) ? 'median' : 'no',
  }
}

/**
 * @param {Verdicts} verdicts
 * @returns {string} the figure of each seed, sorted
 */
export function listOf({ values, limit }) {
  const digits = limit >= 10 ? 0 : 2
  const text = (/** @type {number} */ value) => (Number.isFinite(value) ? value.toFixed(digits) : '∞')
  return [...values]
    .sort((a, b) => a - b)
    .map(text)
    .join(' ')
}
