// `npm run bench -- transfer [--quick] [--json FILE] [--cells X1,S1] [--controllers delay,aimd,fixed] [--seeds N] [--runs N]`:
// how long large messages take, and what the game's packets feel of it meanwhile.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { build, isStale } from '../scripts/build.mjs'
import { isMain, root } from '../scripts/tool.mjs'
import { table } from './pair.mjs'
import { CELLS, CONTROLLERS, SHARES, SIMULATED } from './transfer-cells.mjs'
import { boundMs, share, transfer } from './transfer-run.mjs'

/**
 * @typedef {import('./transfer-run.mjs').Core} Core
 * @typedef {import('./transfer-run.mjs').Sim} Sim
 * @typedef {import('./transfer-run.mjs').Scenario} Scenario
 * @typedef {import('./transfer-run.mjs').Controller} Controller
 * @typedef {import('./transfer-cells.mjs').Cell} Cell
 * @typedef {import('./transfer-cells.mjs').Goal} Goal
 */

/**
 * Figures of a cell, the worst of its seeds.
 * @typedef {object} Figures
 * @property {number} medianRatio time / (size / rate + delay)
 * @property {number} p90Ratio
 * @property {number} queueP50 of the game's packets during the transfers, ms
 * @property {number} queueP95
 * @property {number} overhead mean share of fragments sent again, and of repair
 * @property {number} ackShare
 */

/** @typedef {{ seeds: number, runs: number, cells?: readonly string[], controllers?: readonly string[], progress?: (line: string) => void }} Effort */

const SEEDS = 3
/** Transfers for each seed. */
const RUNS = 20
const QUICK_RUNS = 5
/** Virtual time that flows share a line, s. */
const SHARE_SECONDS = 30
/** Cells that the other controllers run in too, to compare. */
const COMPARED = ['X1', 'X2', 'X3', 'X5']

/**
 * @param {readonly number[]} values
 * @param {number} q
 */
function quantile(values, q) {
  const ascending = [...values].sort((a, b) => a - b)
  return ascending[Math.max(0, Math.ceil(q * ascending.length) - 1)] ?? Number.NaN
}

/**
 * @param {readonly number[]} values
 */
function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/**
 * @param {Core} core
 * @param {Sim} sim
 * @param {Scenario} scenario
 * @param {Controller} controller
 * @param {Effort} effort
 * @returns {Figures}
 */
function figuresOf(core, sim, scenario, controller, { seeds, runs }) {
  const all = Array.from({ length: seeds }, (_, seed) => {
    const outcomes = Array.from({ length: runs }, (_, run) =>
      transfer(core, sim, scenario, CONTROLLERS[controller], 1000 * (seed + 1) + run),
    )
    const ratios = outcomes.map(({ ms, idealMs }) => ms / idealMs)
    const queueMs = outcomes.flatMap((outcome) => outcome.queueMs)
    return {
      medianRatio: quantile(ratios, 0.5),
      p90Ratio: quantile(ratios, 0.9),
      queueP50: quantile(queueMs, 0.5),
      queueP95: quantile(queueMs, 0.95),
      overhead: mean(outcomes.map(({ overhead }) => overhead)),
      ackShare: mean(outcomes.map(({ ackShare }) => ackShare)),
    }
  })
  const worst = (/** @type {keyof Figures} */ name) => Math.max(...all.map((figures) => figures[name]))
  return {
    medianRatio: worst('medianRatio'),
    p90Ratio: worst('p90Ratio'),
    queueP50: worst('queueP50'),
    queueP95: worst('queueP95'),
    overhead: worst('overhead'),
    ackShare: worst('ackShare'),
  }
}

/** @param {number} value */
function percent(value) {
  return `${(100 * value).toFixed(1)} %`
}

/**
 * @param {Figures} figures
 * @param {Goal} goal
 * @param {number} losslessRatio median of the same transfer without loss, where the goal asks for it
 */
function verdictOf(figures, goal, losslessRatio) {
  const terms =
    /** @type {[name: string, figure: number, most: number | undefined, shown: (value: number) => string][]} */ ([
      ['median', figures.medianRatio, goal.median, (value) => value.toFixed(2)],
      ['queue p50', figures.queueP50, goal.queueP50, (value) => `${value.toFixed(1)} ms`],
      ['queue p95', figures.queueP95, goal.queueP95, (value) => `${value.toFixed(1)} ms`],
      ['p90 / lossless', figures.p90Ratio / losslessRatio, goal.p90OverLossless, (value) => value.toFixed(2)],
      ['overhead', figures.overhead, goal.overhead, percent],
    ])
  const asked = terms.filter(([, , most]) => most !== undefined)
  if (asked.length === 0) return ''
  const text = asked.map(([name, , most, shown]) => `${name} ≤ ${shown(most ?? 0)}`).join(', ')
  const missed = asked.filter(([, figure, most]) => !(figure <= (most ?? 0)))
  const extra =
    goal.p90OverLossless === undefined ? '' : ` (p90 / lossless ${(figures.p90Ratio / losslessRatio).toFixed(3)})`
  if (missed.length === 0) return `met: ${text}${extra}`
  return `MISSED with ${missed.map(([name, figure, , shown]) => `${name} ${shown(figure)}`).join(', ')}: ${text}`
}

/**
 * @param {Core} core
 * @param {Sim} sim
 * @param {Effort} effort
 */
export function runTransfer(core, sim, effort) {
  const { progress = () => {} } = effort
  const isWanted = (/** @type {{ id: string }} */ { id }) => effort.cells?.includes(id) ?? true
  const rows = /** @type {object[]} */ ([])
  const lines = /** @type {string[][]} */ ([])
  const verdicts = /** @type {string[]} */ ([])
  const add = (/** @type {string[]} */ cells, /** @type {string} */ verdict) => {
    lines.push(cells)
    verdicts.push(verdict)
    progress(`${cells.join('  ')}  ${verdict}`)
  }
  for (const cell of CELLS.filter(isWanted)) {
    const names = /** @type {Controller[]} */ (
      effort.controllers ?? (COMPARED.includes(cell.id) ? Object.keys(CONTROLLERS) : ['delay'])
    )
    for (const controller of names) {
      const figures = figuresOf(core, sim, cell.scenario, controller, effort)
      const { ackShare, ...row } = figures
      rows.push({ cell: cell.id, controller, ...row })
      const isGoals = controller === 'delay'
      const lossless =
        isGoals && cell.goal.p90OverLossless !== undefined
          ? figuresOf(core, sim, { ...cell.scenario, loss: 0 }, controller, effort).medianRatio
          : Number.NaN
      add(
        [
          `${cell.id.padEnd(3)}  ${cell.what}`,
          controller,
          figures.medianRatio.toFixed(2),
          figures.p90Ratio.toFixed(2),
          `${figures.queueP50.toFixed(1)} / ${figures.queueP95.toFixed(1)}`,
          percent(figures.overhead),
          percent(ackShare),
        ],
        isGoals ? verdictOf(figures, cell.goal, lossless) : '',
      )
    }
  }
  const figures = lines.length === 0 ? '' : withVerdicts(lines, verdicts)
  const shares = SHARES.filter(isWanted).map((cell) => shareLine(core, sim, cell, effort, rows))
  return { rows, text: textOf(figures, shares, rows, effort) }
}

/**
 * @param {string[][]} lines
 * @param {string[]} verdicts
 */
function withVerdicts(lines, verdicts) {
  const all = ['goal', ...verdicts]
  return table([['cell', 'controller', 'median', 'p90', 'queue p50 / p95', 'overhead', 'acks'], ...lines])
    .split('\n')
    .map((line, i) => `${line}  ${all[i]}`)
    .join('\n')
}

/**
 * @param {Core} core
 * @param {Sim} sim
 * @param {import('./transfer-cells.mjs').Share} cell
 * @param {Effort} effort
 * @param {object[]} rows
 */
function shareLine(core, sim, { id, flows, least, simulated }, { seeds, progress }, rows) {
  const options = flows.map((controller) => CONTROLLERS[controller])
  const scenario = { mbits: 4, rttMs: 100, loss: 0 }
  const outcomes = Array.from({ length: seeds }, (_, seed) =>
    share(core, sim, scenario, options, SHARE_SECONDS, 1000 * (seed + 1)),
  )
  // The most unequal seed counts.
  const outcome = outcomes.reduce((a, b) => (Math.min(...a.shares) <= Math.min(...b.shares) ? a : b))
  const queueP50 = Math.max(...outcomes.map(({ queueMs }) => quantile(queueMs, 0.5)))
  const queueP95 = Math.max(...outcomes.map(({ queueMs }) => quantile(queueMs, 0.95)))
  const { shares } = outcome
  const controller = flows.join(' + ')
  rows.push({ cell: id, controller, medianRatio: null, p90Ratio: null, queueP50, queueP95, overhead: null, shares })
  const isMet = Math.min(...shares) * flows.length >= (least ?? 0)
  const line = [
    id,
    controller,
    `${shares.map((own) => (100 * own).toFixed(0)).join(' / ')} %`,
    `${queueP50.toFixed(1)} / ${queueP95.toFixed(1)}`,
    simulated,
    `${isMet ? 'met' : 'MISSED'}: each at least ${least} of an equal share`,
  ]
  progress?.(line.join('  '))
  return line
}

/**
 * @param {string} figures
 * @param {string[][]} shares
 * @param {readonly object[]} rows
 * @param {Effort} effort
 */
function textOf(figures, shares, rows, effort) {
  const beside = CELLS.flatMap(({ id, scenario, simulated }) => {
    const row = /** @type {Figures | undefined} */ (
      rows.find(
        (other) => 'cell' in other && other.cell === id && 'controller' in other && other.controller === 'delay',
      )
    )
    if (row === undefined) return []
    const { ideal, steady, fromNothing } = boundMs(scenario)
    return [
      [
        id,
        `${row.medianRatio.toFixed(2)}; ${row.queueP50.toFixed(0)} / ${row.queueP95.toFixed(0)}`,
        (steady / ideal).toFixed(2),
        (fromNothing / ideal).toFixed(2),
        ...SIMULATED.map((_, i) => simulated[i] ?? ''),
      ],
    ]
  })
  return [
    `Large reliable messages beside 60 Hz x 200 B of state each way; RTT 100 ms and a queue of one bandwidth-delay product unless said`,
    `otherwise. ${effort.runs} transfers over fresh connections for each of ${effort.seeds} seeds; the worst seed counts. Times as multiples of size / rate + delay;`,
    "queue: what the game's packets take longer than on an empty path meanwhile, ms. overhead: fragments sent again, and repair.",
    '',
    figures,
    ...(beside.length === 0
      ? []
      : [
          '',
          'median; queue beside the bounds and beside other controllers. "rate known": the bytes of header and game alone, loss made good;',
          '"from nothing": when it doubles each round trip from 16 packets. The rest was simulated: models, not runs of them.',
          '',
          table([['cell', 'measured', 'rate known', 'from nothing', ...SIMULATED], ...beside]),
        ]),
    ...(shares.length === 0
      ? []
      : [
          '',
          `Flows without end over one line of 4 Mbit/s, RTT 100 ms, ${SHARE_SECONDS} s:`,
          '',
          table([['cell', 'flows', 'shares', 'queue p50 / p95', 'simulated', 'goal'], ...shares]),
        ]),
  ].join('\n')
}

const USAGE =
  'npm run bench -- transfer [--quick] [--json FILE] [--cells X1,S1] [--controllers delay,aimd,fixed] [--seeds N] [--runs N]'

/**
 * The command line. Resolves to the exit code.
 * @param {readonly string[]} args
 */
export async function benchTransfer(args) {
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== 'transfer'),
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      cells: { type: 'string' },
      controllers: { type: 'string' },
      seeds: { type: 'string', default: String(SEEDS) },
      runs: { type: 'string' },
    },
  })
  const cells = values.cells?.split(',')
  const controllers = values.controllers?.split(',')
  const ids = [...CELLS, ...SHARES].map(({ id }) => id)
  const seeds = Number(values.seeds)
  const runs = Number(values.runs ?? (values.quick ? QUICK_RUNS : RUNS))
  const wrong = [
    ...(cells?.filter((id) => !ids.includes(id)).map((id) => `no cell ${id}, expected some of ${ids.join(',')}`) ?? []),
    ...(controllers?.filter((name) => !(name in CONTROLLERS)).map((name) => `no controller ${name}`) ?? []),
  ]
  if (!Number.isInteger(seeds) || seeds < 1) wrong.push(`--seeds ${values.seeds}, expected a number from 1`)
  if (!Number.isInteger(runs) || runs < 1) wrong.push(`--runs ${values.runs}, expected a number from 1`)
  if (wrong.length > 0) {
    console.error([...wrong, USAGE].join('\n'))
    return 1
  }
  const path = (/** @type {string} */ module) => join(root, 'dist', module)
  if (isStale()) {
    const { code, output } = await build({ quiet: true })
    if (code !== 0 && !existsSync(path('index.js'))) {
      console.error(`the build failed:\n${output}`)
      return 1
    }
  }
  const built = (/** @type {string} */ module) => import(pathToFileURL(path(module)).href)
  const progress = (/** @type {string} */ line) => process.stderr.write(`${line}\n`)
  const effort = { seeds, runs, progress, ...(cells && { cells }), ...(controllers && { controllers }) }
  const { rows, text } = runTransfer(await built('index.js'), await built('sim/index.js'), effort)
  console.log(`── transfer\n\n${text}`)
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`)
  return 0
}

if (isMain(import.meta)) process.exitCode = await benchTransfer(process.argv.slice(2))
