// `npm run bench -- fresh [--quick] [--cell NAME]... [--seeds N] [--json FILE] [--readme] [--verbose]`: how old the state is that
// the other side has, between a real browser and a real Node peer over real lost datagrams, beside plain UDP and a naive channel.
// `--readme` puts the table into README.md; with `--from FILE`, once or more, from the JSON of earlier runs instead of a new one.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright'
import { findBrowser, webrtcSwitches } from '../scripts/browser.mjs'
import { build, isStale } from '../scripts/build.mjs'
import { root } from '../scripts/tool.mjs'
import { CELLS, QUICK } from './fresh/cells.mjs'
import { median } from './fresh/figures.mjs'
import { withReadmeTable } from './fresh/readme.mjs'
import { runCell } from './fresh/run.mjs'
import { verdictsOf } from './fresh/verdicts.mjs'
import { table } from './pair.mjs'

/**
 * @typedef {import('./fresh/cells.mjs').Cell} Cell
 * @typedef {import('./fresh/run.mjs').Row} Row
 */

const SEEDS = 5
const QUICK_SEEDS = 2
const DIRECTIONS = /** @type {const} */ (['up', 'down'])
const CONTENDERS = /** @type {const} */ (['udp', 'naive', 'gannet'])

/** @param {readonly string[]} args */
export async function benchFresh(args) {
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== 'fresh'),
    options: {
      quick: { type: 'boolean', default: false },
      cell: { type: 'string', multiple: true },
      seeds: { type: 'string' },
      seed: { type: 'string' },
      json: { type: 'string' },
      only: { type: 'string', multiple: true },
      options: { type: 'string', default: '{}' },
      readme: { type: 'boolean', default: false },
      from: { type: 'string', multiple: true },
      verbose: { type: 'boolean', default: false },
    },
  })
  if (values.from !== undefined) {
    /** @type {Row[]} */
    const known = values.from.flatMap((file) =>
      JSON.parse(readFileSync(file, 'utf8'), (_, value) => value ?? Number.NaN),
    )
    for (const cell of CELLS) {
      const ofCell = known.filter((row) => row.cell === cell.name)
      if (ofCell.length > 0) console.log(textOf(cell, ofCell))
    }
    if (values.readme) writeReadme(known)
    return 0
  }
  const names = values.cell ?? (values.quick ? QUICK : CELLS.map((cell) => cell.name))
  const unknown = names.filter((name) => !CELLS.some((cell) => cell.name === name))
  if (unknown.length > 0) {
    console.error(`no cell ${unknown.join(', ')}; there are ${CELLS.map((cell) => cell.name).join(', ')}`)
    return 1
  }
  const seedCount = Number(values.seeds ?? (values.quick ? QUICK_SEEDS : SEEDS))
  const seeds = values.seed ? [Number(values.seed)] : Array.from({ length: seedCount }, (_, i) => i + 1)
  if (isStale()) {
    const { code, output } = await build({ quiet: true })
    if (code !== 0 && !existsSync(join(root, 'dist', 'index.js'))) {
      console.error(`the build failed:\n${output}`)
      return 1
    }
  }
  const { executablePath, reason } = await findBrowser()
  if (executablePath === undefined) {
    console.error(
      `SKIPPED: no browser with WebRTC (${reason}); get one with: npx playwright install chromium --only-shell`,
    )
    return 1
  }
  const browser = await chromium.launch({ executablePath, args: webrtcSwitches })
  /** @type {Row[]} */
  const rows = []
  try {
    for (const cell of CELLS.filter(({ name }) => names.includes(name))) {
      /** @type {Row[]} */
      const ofCell = []
      for (const seed of seeds) {
        ofCell.push(
          ...(await runCell(cell, seed, browser, {
            options: JSON.parse(values.options),
            ...(values.verbose && { log: console.error }),
            ...(values.only && { contenders: /** @type {any} */ (values.only) }),
          })),
        )
      }
      rows.push(...ofCell)
      console.log(textOf(cell, ofCell))
    }
  } finally {
    await browser.close()
  }
  console.log(`${browser.browserType().name()} ${browser.version()}, node ${process.version}`)
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`)
  if (values.readme) writeReadme(rows)
  return 0
}

/**
 * A cell's figures: the median of all seeds, the worst one, and what that is against the goal.
 * @param {Cell} cell
 * @param {readonly Row[]} rows
 */
function textOf(cell, rows) {
  /** @type {(string | number)[][]} */
  const lines = []
  for (const direction of DIRECTIONS) {
    for (const transport of CONTENDERS) {
      const of = rows.filter((row) => row.transport === transport && row.direction === direction)
      if (of.length === 0) continue
      lines.push([
        direction,
        transport,
        percent(median(of.map((row) => row.delivered))),
        .../** @type {const} */ (['latency', 'age']).flatMap((what) =>
          /** @type {const} */ (['p50', 'p95', 'p99']).map((quantile) => spread(of.map((row) => row[what][quantile]))),
        ),
        ...(transport === 'gannet' ? [verdictOf(cell, rows, direction)] : ['']),
      ])
    }
  }
  const head = ['', 'transport', 'delivered', 'latency p50', 'p95', 'p99', 'age p50', 'p95', 'p99', cell.goal]
  return `── ${cell.name}: ${cell.title}; median (worst) of ${new Set(rows.map((row) => row.seed)).size} seeds, ms\n\n${table([head, ...lines])}\n`
}

/** @param {readonly Row[]} rows */
function writeReadme(rows) {
  const file = join(root, 'README.md')
  writeFileSync(file, withReadmeTable(readFileSync(file, 'utf8'), rows))
}

/**
 * @param {Cell} cell
 * @param {readonly Row[]} rows
 * @param {'up' | 'down'} direction
 */
function verdictOf(cell, rows, direction) {
  const { values, met, limit, isMet } = verdictsOf(cell, rows, direction)
  if (values.length === 0) return ''
  const digits = limit >= 10 ? 0 : 2
  const list = values.map((value) => value.toFixed(digits)).join(' ')
  return `${isMet ? 'met' : 'MISSED'}: ${list} (${met}/${values.length})`
}

/** @param {readonly number[]} values */
function spread(values) {
  const middle = median(values)
  if (Number.isNaN(middle)) return '-'
  const worst = Math.max(...values)
  return `${ms(middle)} (${ms(worst)})`
}

/** @param {number} value */
function ms(value) {
  return value < 10 ? value.toFixed(1) : value.toFixed(0)
}

/** @param {number} share */
function percent(share) {
  return Number.isNaN(share) ? '-' : `${(100 * share).toFixed(0)} %`
}
