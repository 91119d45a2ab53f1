import { CELLS } from './cells.mjs'
import { median } from './figures.mjs'
import { verdictsOf } from './verdicts.mjs'

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
    '| up / down, ms | plain UDP | DataChannel | Gannet | Gannet delivers | goal | met by the median, seeds |',
    '|---|---|---|---|---|---|---|',
  ]
  for (const cell of CELLS) {
    const ofCell = rows.filter((row) => row.cell === cell.name)
    if (ofCell.length > 0) lines.push(`| ${cellsOf(cell, ofCell).join(' | ')} |`)
  }
  return lines.join('\n')
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
      return text(median(of.map((row) => shownOf(cell, row))))
    })
  const share = both((direction) => {
    const of = rows.filter((row) => row.transport === 'gannet' && row.direction === direction)
    return `${Math.round(100 * median(of.map((row) => row.delivered)))} %`
  })
  const verdict = both((direction) => {
    const { isMet, met, values } = verdictsOf(cell, rows, direction)
    return `${isMet ? 'yes' : '**no**'} ${met}/${values.length}`
  })
  return [`${cell.title}: ${nameOf(cell)}`, figure('udp'), figure('naive'), figure('gannet'), share, cell.goal, verdict]
}

/** @param {Cell} cell */
function nameOf(cell) {
  if (cell.judged === 'state') return `age ${cell.quantile ?? 'p95'}`
  return cell.judged === 'reliable' ? 'latency p99' : 'time p50'
}

/**
 * @param {Cell} cell
 * @param {Row} row
 */
function shownOf(cell, row) {
  if (cell.judged === 'state') return row.age[cell.quantile ?? 'p95']
  return cell.judged === 'reliable' ? row.latency.p99 : row.latency.p50
}

/** @param {number} value */
function text(value) {
  if (Number.isNaN(value)) return '–'
  return Number.isFinite(value) ? Math.round(value).toLocaleString('en-US') : 'never'
}
