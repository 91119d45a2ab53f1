import { CELLS } from './cells.mjs'
import { median } from './figures.mjs'
import { listOf, verdictsOf } from './verdicts.mjs'

/**
 * @typedef {import('./cells.mjs').Cell} Cell
 * @typedef {import('./run.mjs').Row} Row
 */

const BEGIN = '<!-- npm run bench -- fresh --readme -->'
const END = '<!-- end of the table -->'

/**
 * README.md with the table of these rows between its marks. Throws if it has no marks.
 * @param {string} text
 * @param {readonly Row[]} rows
 */
export function withReadmeTable(text, rows) {
  const from = text.indexOf(BEGIN)
  const to = text.indexOf(END)
  if (from < 0 || to < from) throw new Error(`README.md: expected ${BEGIN} and, after it, ${END}`)
  return `${text.slice(0, from + BEGIN.length)}\n${markdownOf(rows)}\n${text.slice(to)}`
}

/** @param {readonly Row[]} rows */
function markdownOf(rows) {
  const lines = [
    '| up / down, ms | plain UDP | DataChannel | Gannet | delivered | goal | reached |',
    '|---|---|---|---|---|---|---|',
  ]
  const seeds = ['| | goal: at most | up, each seed | down, each seed |', '|---|---|---|---|']
  for (const cell of CELLS) {
    const ofCell = rows.filter((row) => row.cell === cell.name)
    if (ofCell.length === 0) continue
    lines.push(`| ${cellsOf(cell, ofCell).join(' | ')} |`)
    const [up, down] = /** @type {const} */ (['up', 'down']).map((direction) => verdictsOf(cell, ofCell, direction))
    if (up && down) seeds.push(`| ${cell.title} | ${up.limit} | ${listOf(up)} | ${listOf(down)} |`)
  }
  const count = new Set(rows.map((row) => row.seed)).size
  const browsers = [...new Set(rows.map((row) => row.browser))].join(' and ')
  return [
    `Median (worst) of ${count} ${count === 1 ? 'seed' : 'seeds'}, ${browsers} with Node. *Reached*: how many seeds reach the goal; **no** where the median does not.`,
    '',
    ...lines,
    '',
    '<details><summary>The figure that each goal is about, seed by seed</summary>',
    '',
    ...seeds,
    '',
    '</details>',
  ].join('\n')
}

/**
 * @param {Cell} cell
 * @param {readonly Row[]} rows
 */
function cellsOf(cell, rows) {
  const both = (/** @type {(direction: 'up' | 'down') => string} */ of) => `${of('up')} / ${of('down')}`
  const figure = (/** @type {Row['transport']} */ transport) =>
    both((direction) => {
      const of = rows.filter((row) => row.transport === transport && row.direction === direction)
      const values = of.map((row) => shownOf(cell, row))
      const middle = median(values)
      return Number.isNaN(middle) || values.length === 1
        ? text(middle)
        : `${text(middle)} (${text(Math.max(...values))})`
    })
  const share = both((direction) => {
    const of = rows.filter((row) => row.transport === 'gannet' && row.direction === direction)
    return `${Math.round(100 * median(of.map((row) => row.delivered)))} %`
  })
  const verdict = both((direction) => {
    const { reached, met, values } = verdictsOf(cell, rows, direction)
    return `${reached === 'no' ? '**no** ' : ''}${met}/${values.length}`
  })
  return [`${cell.title}: ${nameOf(cell)}`, figure('udp'), figure('naive'), figure('gannet'), share, cell.goal, verdict]
}

/** @param {Cell} cell */
function nameOf(cell) {
  if (cell.outageEndsMs !== undefined) return 'age of the first state after it'
  if (cell.judged === 'state') return `age ${cell.quantile ?? 'p95'}`
  return cell.judged === 'reliable' ? 'latency p99' : 'time p50'
}

/**
 * @param {Cell} cell
 * @param {Row} row
 */
function shownOf(cell, row) {
  if (cell.outageEndsMs !== undefined) return row.afterOutage?.firstMs ?? Number.NaN
  if (cell.judged === 'state') return row.age[cell.quantile ?? 'p95']
  return cell.judged === 'reliable' ? row.latency.p99 : row.latency.p50
}

/** @param {number} value */
function text(value) {
  if (Number.isNaN(value)) return '–'
  return Number.isFinite(value) ? Math.round(value).toLocaleString('en-US') : 'never'
}
