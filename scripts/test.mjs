// `npm test`: types, lint, build, unit tests, a quick run of the benches, browser tests. Every step runs, whatever became of the ones before it.
// The last line is `N passed, N failed`; a type check, a lint or a build counts as one test.
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { findBrowser } from './browser.mjs'
import { build } from './build.mjs'
import { browserRemedy, e2eReport, runSpecs } from './e2e.mjs'
import { root, runNode, toolPath } from './tool.mjs'

/** Limits that only a step which hangs can reach, ms; together with what `.ci/run` does before, under 20 minutes. */
const CHECK_LIMIT_MS = 120_000
const UNIT_LIMIT_MS = 240_000
const E2E_LIMIT_MS = 360_000

const unitReport = join(root, 'test-results', 'vitest.json')
const inCi = Boolean(process.env.CI)

/**
 * @typedef {{ passed: number, failed: number, skipped: number, note?: string }} Outcome
 * @typedef {{ name: string, ms: number } & Outcome} Row
 */

/** @type {Row[]} */
const rows = []

/**
 * @param {string} name
 * @param {() => Promise<Outcome>} step
 */
async function timed(name, step) {
  // Of a run that hangs this is the last that one sees.
  console.log(`── ${name}`)
  const startedAt = performance.now()
  const outcome = await step().catch((error) => ({ passed: 0, failed: 1, skipped: 0, note: String(error) }))
  rows.push({ name, ms: performance.now() - startedAt, ...outcome })
}

/**
 * A step that is one test: says no more than its name when it passes.
 * @param {string} name
 * @param {(options: import('./tool.mjs').RunOptions) => Promise<import('./tool.mjs').RunResult>} start
 */
function check(name, start) {
  return timed(name, async () => {
    const result = await start({ quiet: true, limitMs: CHECK_LIMIT_MS })
    const failed = result.code !== 0
    if (failed) console.log(`\n── ${name} failed\n${result.output.trimEnd()}`)
    return { passed: failed ? 0 : 1, failed: failed ? 1 : 0, skipped: 0, ...timeNote(result, CHECK_LIMIT_MS) }
  })
}

/** @param {string} project */
function typeCheck(project) {
  const tsc = toolPath('typescript', 'tsc')
  return check(`types ${project}`, (options) => runNode(tsc, ['--noEmit', '-p', join(root, project)], options))
}

/** @returns {Promise<Outcome>} */
async function unit() {
  rmSync(unitReport, { force: true })
  const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${unitReport}`]
  // Vitest colours its output under CI even where nobody sees the colours.
  const env = process.stdout.isTTY ? {} : { NO_COLOR: '1' }
  const result = await runNode(toolPath('vitest'), args, { limitMs: UNIT_LIMIT_MS, env })
  const report = readReport(unitReport)
  // A file that cannot be loaded has failed without a test in it.
  const broken = report?.testResults.filter(
    (/** @type {{ status: string, assertionResults: { status: string }[] }} */ file) =>
      file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length
  return honest(result, UNIT_LIMIT_MS, {
    passed: report?.numPassedTests ?? 0,
    failed: (report?.numFailedTests ?? 0) + (broken ?? 0),
    skipped: (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0),
  })
}

/** @returns {Promise<Outcome>} */
async function e2e() {
  const browser = await findBrowser()
  if (browser.executablePath === undefined) {
    const note = `no browser (${browser.reason}); ${browserRemedy}`
    return { passed: 0, failed: inCi ? 1 : 0, skipped: inCi ? 0 : 1, note }
  }
  rmSync(e2eReport, { force: true })
  const result = await runSpecs(browser.executablePath, [], { limitMs: E2E_LIMIT_MS })
  const stats = readReport(e2eReport)?.stats
  return honest(result, E2E_LIMIT_MS, {
    passed: (stats?.expected ?? 0) + (stats?.flaky ?? 0),
    failed: stats?.unexpected ?? 0,
    skipped: stats?.skipped ?? 0,
  })
}

/**
 * A run that did not end well has at least one failure, whatever its report says.
 * @param {import('./tool.mjs').RunResult} result
 * @param {number} limitMs
 * @param {Outcome} outcome
 * @returns {Outcome}
 */
function honest(result, limitMs, outcome) {
  const failed = result.code === 0 ? outcome.failed : Math.max(1, outcome.failed)
  const note = failed > outcome.failed ? { note: `ended with code ${result.code}` } : {}
  return { ...outcome, failed, ...note, ...timeNote(result, limitMs) }
}

/**
 * @param {import('./tool.mjs').RunResult} result
 * @param {number} limitMs
 */
function timeNote(result, limitMs) {
  return result.timedOut ? { note: `stopped after ${limitMs / 1000} s` } : {}
}

/** @param {string} path */
function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

// Two cores: the checks side by side, then unit tests on both; the browser alone, because its specs measure time.
await Promise.all([
  check('lint', (options) =>
    runNode(toolPath('@biomejs/biome', 'biome'), ['ci', '--error-on-warnings', '--colors=off'], options),
  ),
  (async () => {
    for (const project of ['tsconfig.json', 'src/core/tsconfig.json', 'tsconfig.build.json']) await typeCheck(project)
    await check('build', build)
  })(),
])
await timed('unit', unit)
// That every bench still runs; how fast, nobody asks here. Those that need a browser leave it out.
await check('bench', (options) => runNode(join(root, 'scripts', 'bench.mjs'), ['--quick'], options))
await timed('e2e', e2e)

const width = Math.max(...rows.map((row) => row.name.length))
console.log(`\n${'step'.padEnd(width)}  passed  failed  skipped       time`)
for (const row of rows) {
  const counts = `${String(row.passed).padStart(6)}  ${String(row.failed).padStart(6)}  ${String(row.skipped).padStart(7)}`
  console.log(
    `${row.name.padEnd(width)}  ${counts}  ${(row.ms / 1000).toFixed(1).padStart(7)} s  ${row.note ?? ''}`.trimEnd(),
  )
}

const sum = (/** @type {'passed' | 'failed' | 'skipped'} */ key) => rows.reduce((total, row) => total + row[key], 0)
for (const row of rows)
  if (row.skipped > 0) console.log(`\nSKIPPED: ${row.skipped} in ${row.name}${row.note ? `: ${row.note}` : ''}`)
// Machines read the last line under CI, so it never has a third number there.
const skipped = sum('skipped') > 0 && !inCi ? `, ${sum('skipped')} skipped` : ''
console.log(`\n${sum('passed')} passed, ${sum('failed')} failed${skipped}`)
process.exitCode = sum('failed') > 0 ? 1 : 0
