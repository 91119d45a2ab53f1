// `npm run bench -- fresh [--quick] [--cell NAME]... [--seeds N] [--json FILE] [--readme] [--verbose]`: how old the state is that
// the other side has, between a real browser and a real Node peer over real lost datagrams, beside plain UDP and a naive channel.
// Five seeds of all cells take 33 minutes or a little more. The JSON is written after each run; one that breaks is tried once more.
// `--readme` puts the table into README.md; with `--from FILE`, once or more, from the JSON of earlier runs instead of a new one.
// `--pref NAME=VALUE` sets something in Firefox.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build, isStale } from '../scripts/build.mjs'
import { root } from '../scripts/tool.mjs'
import { CELLS, QUICK } from './fresh/cells.mjs'
import { median } from './fresh/figures.mjs'
import { withReadmeTable } from './fresh/readme.mjs'
import { readRows, writeRows } from './fresh/rows.mjs'
import { runCell } from './fresh/run.mjs'
import { listOf, verdictsOf } from './fresh/verdicts.mjs'
import { Chromium, firefox } from './live/browsers.mjs'
import { table } from './pair.mjs'

/**
 * @typedef {import('./fresh/cells.mjs').Cell} Cell
 * @typedef {import('./fresh/run.mjs').Row} Row
 * @typedef {import('./live/browsers.mjs').Opener} Opener
 */

const SEEDS = 5
const QUICK_SEEDS = 2
/** A run that breaks is tried once more; what a busy or a broken machine did to it is no figure. */
const TRIES = 2
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
      pref: { type: 'string', multiple: true, default: [] },
      verbose: { type: 'boolean', default: false },
    },
  })
  if (values.from !== undefined) {
    /** @type {Row[]} */
    const known = values.from.flatMap(readRows)
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
  const cells = CELLS.filter(({ name }) => names.includes(name))
  const openers = { chromium: await Chromium.start(), firefox: await firefox(prefsOf(values.pref)) }
  /** @type {Row[]} */
  const rows = []
  const faults = []
  const startedAt = performance.now()
  try {
    for (const cell of cells) {
      const opener = openers[cell.browser ?? 'chromium']
      if (typeof opener === 'string') {
        const remedy =
          cell.browser === 'firefox'
            ? 'install one, or set FIREFOX_PATH'
            : 'npx playwright install chromium --only-shell'
        console.error(
          `SKIPPED: ${cell.name}: no ${cell.browser === 'firefox' ? 'Firefox' : 'Chromium'} (${opener}); remedy: ${remedy}`,
        )
        if (cell.browser !== 'firefox') faults.push(`${cell.name}: no browser`)
        continue
      }
      /** @type {Row[]} */
      const ofCell = []
      for (const seed of seeds) {
        const run = () =>
          runCell(cell, seed, opener, {
            options: JSON.parse(values.options),
            ...(values.verbose && { log: console.error }),
            ...(values.only && { contenders: /** @type {any} */ (values.only) }),
          })
        for (let attempt = 1; attempt <= TRIES; attempt++) {
          try {
            const measured = await run()
            ofCell.push(...measured)
            rows.push(...measured)
            if (values.json !== undefined) writeRows(values.json, rows)
            break
          } catch (error) {
            const fault = `${cell.name}, seed ${seed}, try ${attempt} of ${TRIES}: ${error instanceof Error ? error.message : error}`
            console.error(`FAILED: ${fault}`)
            if (attempt === TRIES) faults.push(fault)
          }
        }
      }
      if (ofCell.length > 0) console.log(textOf(cell, ofCell))
    }
  } finally {
    if (typeof openers.chromium !== 'string') await openers.chromium.close()
  }
  const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1)
  console.log(`${[...new Set(rows.map((row) => row.browser))].join(', ')}, node ${process.version}; ${minutes} minutes`)
  for (const fault of faults) console.log(`left out: ${fault}`)
  if (values.readme) writeReadme(rows)
  return faults.length === 0 ? 0 : 1
}

/**
 * Settings of Firefox: `name=value` each.
 * @param {readonly string[]} given
 * @returns {Record<string, boolean | number | string>}
 */
function prefsOf(given) {
  return Object.fromEntries(
    given.map((text) => {
      const [name = '', value = ''] = text.split(/=(.*)/)
      return [name, /^(true|false|\d+)$/.test(value) ? JSON.parse(value) : value]
    }),
  )
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
  const outages = rows.flatMap(({ transport, direction, seed, afterOutage: after }) => {
    if (after === undefined) return []
    const { firstMs, stale, missing, isOpen } = after
    const end = isOpen ? '' : ', DISCONNECTED'
    return [
      `seed ${seed}, ${transport} ${direction}: first state ${ms(firstMs)} ms old, ${stale} stale, ${missing} reliable ones never came${end}`,
    ]
  })
  const head = ['', 'transport', 'delivered', 'latency p50', 'p95', 'p99', 'age p50', 'p95', 'p99', cell.goal]
  return `── ${cell.name}: ${cell.title}; median (worst) of ${new Set(rows.map((row) => row.seed)).size} seeds, ms\n\n${table([head, ...lines])}\n${outages.map((line) => `${line}\n`).join('')}`
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
  const verdicts = verdictsOf(cell, rows, direction)
  const { values, met, limit, reached } = verdicts
  if (values.length === 0) return ''
  const word = { yes: 'met', median: 'met by the median', no: 'MISSED' }[reached]
  return `${word}: ${listOf(verdicts)}, limit ${limit.toFixed(limit >= 10 ? 0 : 2)} (${met}/${values.length})`
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
