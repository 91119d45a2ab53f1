// `npm run bench -- reliable [--quick] [--json FILE] [--cells R1,R2] [--policies none,full,rto] [--seeds N] [--first-seed N] [--seconds N] [--parity]`:
// how late reliable messages are under loss, and what that costs.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { build, isStale } from '../scripts/build.mjs'
import { isMain, root } from '../scripts/tool.mjs'
import { table } from './pair.mjs'
import { copyBoundMs, resendBoundMs } from './reliable-bounds.mjs'
import { AT_LEAST, BARE, CELLS, POLICIES, RIVALS, SIMULATED } from './reliable-cells.mjs'
import { CONTESTS, echo } from './reliable-contest.mjs'
import { benchParity } from './reliable-parity.mjs'
import { simulate } from './reliable-run.mjs'

/**
 * @typedef {import('./reliable-run.mjs').Core} Core
 * @typedef {import('./reliable-run.mjs').Sim} Sim
 * @typedef {import('./reliable-run.mjs').Policy} Policy
 * @typedef {import('./reliable-run.mjs').Scenario} Scenario
 * @typedef {import('./reliable-run.mjs').Outcome} Outcome
 * @typedef {import('./reliable-cells.mjs').Cell} Cell
 * @typedef {import('./reliable-cells.mjs').Figures} Figures
 */

/**
 * @typedef {object} Effort
 * @property {readonly string[]} [cells] ids. Default: all
 * @property {readonly string[]} [policies] instead of the one that each cell's goal is for, and the rules of others beside it
 * @property {number} [seeds] how many, one after the other. Default 3
 * @property {number} [firstSeed] default 1
 * @property {number} [seconds] of virtual time for each run at 10 messages per second; more where there are fewer. Default 5,000
 * @property {(line: string) => void} [progress]
 */

/**
 * @typedef {object} Row
 * @property {string} cell
 * @property {string} what
 * @property {string} policy
 * @property {Partial<Figures & { mean: number, worst: number }>} figures
 * @property {readonly string[]} goal
 * @property {readonly string[] | undefined} missed `undefined`: the goal is for another policy
 */

const SEEDS = 3
const SECONDS = 5000
/** All cells in a quarter of a minute on a laptop; p99.9 then rests on 12 messages. */
const QUICK_SECONDS = 200
/** Messages per second and direction that `seconds` is meant for. */
const USUAL_RATE = 10

/** How figures are written: a share as %, others as they are. */
const SHARES = new Set(['overhead', 'spurious', 'spuriousBytes', 'lossWithin'])
/** @type {Readonly<Record<string, string>>} */
const NAMES = {
  p999: 'p99.9',
  overhead: 'wire',
  spuriousBytes: 'spurious bytes',
  late: 'latest',
  rttBias: 'srtt bias',
  lossWithin: 'loss ± 40 %',
}

/** Runs each scenario once, whoever asks. */
class Runs {
  #core
  #sim
  #seconds
  #known = /** @type {Map<string, Omit<Figures, 'overhead'> & { wireBytes: number }>} */ (new Map())

  /**
   * @param {Core} core
   * @param {Sim} sim
   * @param {number} seconds
   */
  constructor(core, sim, seconds) {
    this.#core = core
    this.#sim = sim
    this.#seconds = seconds
  }

  /**
   * @param {Scenario} scenario
   * @param {Policy} policy
   * @param {number} seed
   * @returns {Figures}
   */
  figures(scenario, policy, seed) {
    const run = this.#run(scenario, policy, seed)
    const bare = this.#run({ ...scenario, weather: { ...scenario.weather, loss: 0 } }, BARE, seed)
    return { ...run, overhead: run.wireBytes / bare.wireBytes - 1 }
  }

  /**
   * @param {Scenario} scenario
   * @param {Policy} policy
   * @param {number} seed
   */
  #run(scenario, policy, seed) {
    const { jitterMs, loss } = scenario.weather
    // Without loss only jitter makes a difference, and not saying so saves runs.
    const weather = loss ? scenario.weather : jitterMs === undefined ? {} : { jitterMs }
    const key = JSON.stringify([{ ...scenario, weather }, policy, seed])
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const seconds = this.#seconds * Math.max(1, USUAL_RATE / scenario.perSecond)
    const figures = figuresOf(simulate(this.#core, this.#sim, { ...scenario, weather }, policy, seconds, seed))
    this.#known.set(key, figures)
    return figures
  }
}

/** @param {Outcome} outcome */
function figuresOf(outcome) {
  return {
    ...quantiles(outcome.excessMs),
    spurious: outcome.spurious,
    copies: outcome.copies,
    spuriousBytes: outcome.spuriousBytes,
    lost: outcome.lost,
    duplicated: outcome.duplicated,
    unacked: outcome.unacked,
    late: outcome.lateMs,
    header: outcome.headerBytes,
    mask: outcome.groupBytes,
    rttBias: outcome.rttBiasMs,
    lossWithin: outcome.lossWithin,
    wireBytes: outcome.wireBytes,
  }
}

/** @param {Float64Array} ascending */
function quantiles(ascending) {
  const at = (/** @type {number} */ q) => ascending[Math.ceil(q * ascending.length) - 1] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999) }
}

/**
 * @template {Record<string, number>} F
 * @param {readonly F[]} all
 * @returns {F}
 */
function worst(all) {
  const first = all[0]
  if (first === undefined) throw new RangeError('no seeds')
  const of = (/** @type {string} */ name) => {
    const values = all.map((figures) => figures[name] ?? Number.NaN)
    return AT_LEAST.has(name) ? Math.min(...values) : Math.max(...values)
  }
  return /** @type {F} */ (Object.fromEntries(Object.keys(first).map((name) => [name, of(name)])))
}

/**
 * @param {Core} core
 * @param {Sim} sim
 * @param {Effort} [effort]
 */
export function runReliable(core, sim, effort = {}) {
  const { seconds = SECONDS, firstSeed = 1, progress = () => {} } = effort
  const seeds = Array.from({ length: effort.seeds ?? SEEDS }, (_, i) => firstSeed + i)
  const runs = new Runs(core, sim, seconds)
  const isWanted = (/** @type {{ id: string }} */ { id }) => effort.cells?.includes(id) ?? true
  const cells = CELLS.filter(isWanted)
  /** @type {Row[]} */
  const rows = []
  const add = (
    /** @type {Omit<Row, 'goal' | 'missed'>} */ row,
    /** @type {Record<string, number>} */ goal,
    isGoalsPolicy = true,
  ) => {
    const missed = isGoalsPolicy ? missesOf(row.figures, goal) : undefined
    rows.push({ ...row, goal: Object.keys(goal).map((name) => limit(name, goal[name] ?? 0)), missed })
    progress(lineOf(row))
  }
  for (const cell of cells) {
    const rivals = cell.simulated === undefined ? [] : RIVALS
    for (const name of effort.policies ?? [cell.policy, ...rivals]) {
      const policy = /** @type {Policy} */ (POLICIES[name])
      const figures = worst(seeds.map((seed) => runs.figures(cell.scenario, policy, seed)))
      add({ cell: cell.id, what: cell.what, policy: name, figures }, cell.goal, name === cell.policy)
    }
  }
  for (const contest of CONTESTS.filter(isWanted)) {
    for (const name of effort.policies ?? ['full']) {
      const figures = worst(seeds.map((seed) => echoFigures(core, sim, contest.loss, name, seed)))
      add({ cell: contest.id, what: contest.what, policy: name, figures }, contest.goal, name === 'full')
    }
  }
  return { rows: rows.map(jsonOf), text: textOf(rows, cells, seconds, seeds.length, effort.policies === undefined) }
}

/**
 * @param {Core} core
 * @param {Sim} sim
 * @param {number} loss
 * @param {string} name
 * @param {number} seed
 */
function echoFigures(core, sim, loss, name, seed) {
  const echoes = echo(core, sim, loss, /** @type {Policy} */ (POLICIES[name]), seed)
  const bare = echo(core, sim, 0, BARE, seed)
  return {
    ...quantiles(echoes.excessMs),
    overhead: echoes.wireBytes / bare.wireBytes - 1,
    mean: echoes.meanMs,
    worst: echoes.worstMs,
  }
}

/**
 * @param {Record<string, number | undefined>} figures
 * @param {Record<string, number>} goal
 */
function missesOf(figures, goal) {
  return Object.keys(goal).filter((name) => {
    const figure = figures[name] ?? Number.NaN
    const asked = goal[name] ?? Number.NaN
    return !(AT_LEAST.has(name) ? figure >= asked : figure <= asked)
  })
}

/**
 * @param {string} name
 * @param {number} value
 */
function written(name, value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '-' : 'never'
  if (SHARES.has(name)) return `${(100 * value).toFixed(value !== 0 && Math.abs(value) < 0.01 ? 2 : 1)} %`
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 1)
}

/**
 * @param {string} name
 * @param {number} value
 */
function limit(name, value) {
  return `${NAMES[name] ?? name} ${AT_LEAST.has(name) ? '≥' : '≤'} ${written(name, value)}`
}

/** @param {Pick<Row, 'cell' | 'policy' | 'figures'>} row */
function lineOf({ cell, policy, figures }) {
  const shown = /** @type {const} */ (['p50', 'p99', 'p999', 'overhead', 'spurious'])
  return [
    cell,
    policy,
    ...shown.map((name) => `${NAMES[name] ?? name} ${written(name, figures[name] ?? Number.NaN)}`),
  ].join('  ')
}

/** @param {Row} row */
function verdictOf({ figures, goal, missed }) {
  // What holds everywhere is said once, above the table.
  const text = goal.filter((term) => !/^(lost|duplicated) /.test(term)).join(', ')
  if (missed === undefined) return ''
  if (missed.length === 0) return `met: ${text}`
  const values = /** @type {Record<string, number>} */ (figures)
  const misses = missed.map((name) => `${NAMES[name] ?? name} ${written(name, values[name] ?? Number.NaN)}`)
  return `MISSED with ${misses.join(', ')}: ${text}`
}

/** @param {Row} row */
function jsonOf({ cell, policy, figures }) {
  const { p50, p99, p999, overhead, spurious, mean, worst: slowest } = figures
  const echoes = mean === undefined ? {} : { mean, worst: slowest }
  return { cell, policy, p50, p99, p999, overhead, spurious, ...echoes }
}

/**
 * @param {readonly Row[]} all
 * @param {readonly Cell[]} cells
 * @param {number} seconds
 * @param {number} seeds
 * @param {boolean} isBrief the rules of others only beside the bounds
 */
function textOf(all, cells, seconds, seeds, isBrief) {
  const shown = /** @type {const} */ (['p50', 'p99', 'p999', 'overhead', 'spurious'])
  const rows = isBrief ? all.filter(({ policy }) => !RIVALS.includes(policy)) : all
  const idWidth = Math.max(...rows.map(({ cell }) => cell.length))
  const measured = rows.map(({ cell, what, policy, figures }) => [
    `${cell.padEnd(idWidth)}  ${what}`,
    policy,
    ...shown.map((name) => written(name, figures[name] ?? Number.NaN)),
  ])
  const verdicts = ['goal', ...rows.map(verdictOf)]
  const figures = table([['cell', 'policy', ...shown.map((name) => NAMES[name] ?? name)], ...measured])
    .split('\n')
    .map((line, i) => `${line}  ${verdicts[i]}`)
  const pair = (/** @type {(tail: number) => number} */ of) => `${of(0.01).toFixed(1)} / ${of(0.001).toFixed(1)}`
  const beside = cells
    .filter((cell) => cell.simulated !== undefined)
    .map(({ id, policy, scenario, simulated }) => {
      const measuredWith = (/** @type {string} */ name) => {
        const row = all.find((other) => other.cell === id && other.policy === name)
        return row === undefined ? '' : pair((tail) => row.figures[tail === 0.01 ? 'p99' : 'p999'] ?? Number.NaN)
      }
      return [
        id,
        measuredWith(policy),
        ...RIVALS.map(measuredWith),
        pair((tail) => resendBoundMs(scenario, tail)),
        pair((tail) => copyBoundMs(scenario, tail)),
        ...SIMULATED.map((name) => simulated?.[name] ?? ''),
      ]
    })
  return [
    `Excess latency of reliable messages over the one-way delay, ms; the worst of ${seeds} seeds, ${seconds} s of virtual time each.`,
    '5 % loss, RTT 100 ms, 60 Hz, 10 messages of 16 to 200 B per second and 100 B of state per tick, both ways, unless said otherwise.',
    'wire: bytes beyond those of the same run without loss and redundancy. spurious: resends for which an earlier copy did arrive.',
    'Nothing may be lost or delivered twice anywhere.',
    ...(seconds < SECONDS ? [`${SECONDS} s are needed to judge p99.9: this is a first look.`] : []),
    '',
    ...figures,
    ...(beside.length === 0
      ? []
      : [
          '',
          'p99 / p99.9 beside the bounds and beside other rules. "resends only": n(ε) round trips, where p^(n+1) ≤ ε: nothing that sends a',
          'copy only after all before it are known to be lost is faster. "copy each tick": n(ε) ticks, and in bursts what they leave:',
          'nothing that sends at ticks is faster. fixed-100 and rto: a timer of 100 ms, and that of RFC 6298 with a floor of 100 ms, in',
          'this core. The rest was simulated: models of the rules of those libraries, not runs of them.',
          '"target-driven": copies until P(undelivered) < 0.1 %; lean and none: its resends alone.',
          '',
          table([['cell', 'measured', ...RIVALS, 'resends only', 'copy each tick', ...SIMULATED], ...beside]),
        ]),
  ].join('\n')
}

const USAGE =
  'npm run bench -- reliable [--quick] [--json FILE] [--cells R1,R2] [--policies none,lean,full,fixed-100,rto] [--seeds N] [--first-seed N] [--seconds N] [--parity]'

/**
 * The command line. Resolves to the exit code.
 * @param {readonly string[]} args
 */
export async function benchReliable(args) {
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== 'reliable'),
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      cells: { type: 'string' },
      policies: { type: 'string' },
      seeds: { type: 'string', default: String(SEEDS) },
      'first-seed': { type: 'string', default: '1' },
      seconds: { type: 'string' },
      parity: { type: 'boolean', default: false },
    },
  })
  const cells = values.cells?.split(',')
  const policies = values.policies?.split(',')
  const ids = [...CELLS, ...CONTESTS].map(({ id }) => id)
  const wrong = [
    ...(cells?.filter((id) => !ids.includes(id)).map((id) => `no cell ${id}, expected some of ${ids.join(',')}`) ?? []),
    ...(policies?.filter((name) => !(name in POLICIES)).map((name) => `no policy ${name}`) ?? []),
  ]
  const seeds = Number(values.seeds)
  const firstSeed = Number(values['first-seed'])
  const seconds = Number(values.seconds ?? (values.quick ? QUICK_SECONDS : SECONDS))
  if (!Number.isInteger(seeds) || seeds < 1) wrong.push(`--seeds ${values.seeds}, expected a number from 1`)
  if (!Number.isInteger(firstSeed)) wrong.push(`--first-seed ${values['first-seed']}, expected a whole number`)
  if (!(seconds > 0)) wrong.push(`--seconds ${values.seconds}, expected a number above 0`)
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
  if (values.parity) {
    console.log(benchParity(await built('index.js'), await built('sim/index.js'), seconds, firstSeed))
    return 0
  }
  const effort = { seeds, firstSeed, seconds, progress, ...(cells && { cells }), ...(policies && { policies }) }
  const { rows, text } = runReliable(await built('index.js'), await built('sim/index.js'), effort)
  console.log(`── reliable\n\n${text}`)
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`)
  return 0
}

if (isMain(import.meta)) process.exitCode = await benchReliable(process.argv.slice(2))
