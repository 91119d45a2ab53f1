// `npm run bench -- wire core [--quick] [--json FILE]`: figures about the built package; without a name, all of them.
// `--readme` puts the main ones into README.md.
import { existsSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { runBots } from '../bench/bots.mjs'
import { runCore } from '../bench/core.mjs'
import { benchFresh } from '../bench/fresh.mjs'
import { runLinear } from '../bench/linear.mjs'
import { runLong } from '../bench/long.mjs'
import { benchModel } from '../bench/model.mjs'
import { runParity } from '../bench/parity.mjs'
import { runPipe } from '../bench/pipe.mjs'
import { FIGURES_OF, writeReadme } from '../bench/readme.mjs'
import { benchReliable } from '../bench/reliable.mjs'
import { runSize } from '../bench/size.mjs'
import { runSnapshot } from '../bench/snapshot.mjs'
import { benchTransfer } from '../bench/transfer.mjs'
import { runWire } from '../bench/wire.mjs'
import { build, isStale } from './build.mjs'
import { isMain, root } from './tool.mjs'

/** @typedef {{ rows: readonly object[], text: string }} Result */

/**
 * Each bench by its name.
 * @type {Readonly<Record<string, (options: { quick: boolean }) => Promise<Result>>>}
 */
const BENCHES = {
  // First: what others leave behind on the heap would go meanwhile.
  long: async (options) => runLong(await built('index.js'), await built('sim/index.js'), options),
  wire: async (options) => runWire(await built('index.js'), await built('sim/index.js'), options),
  parity: async (options) => runParity(await built('index.js'), await built('sim/index.js'), options),
  core: async (options) => runCore(await built('index.js'), options),
  snapshot: async (options) =>
    runSnapshot(await built('index.js'), await built('codec/index.js'), await built('sim/index.js'), options),
  linear: async (options) => runLinear(pathToFileURL(join(root, 'dist', 'index.js')).href, options),
  size: async (options) => runSize(options),
  pipe: async (options) => runPipe(options),
  bots: async (options) => runBots(options),
  // It runs the packed form in processes of its own, so that must exist before it is loaded.
  cluster: async (options) => (await import('../bench/cluster.mjs')).runCluster(options),
}

/**
 * A module of dist/.
 * @param {string} path
 * @returns {Promise<any>}
 */
function built(path) {
  return import(pathToFileURL(join(root, 'dist', path)).href)
}

const USAGE = `npm run bench -- [${Object.keys(BENCHES).join('] [')}] [--quick] [--readme] [--json FILE]`

/** @param {readonly string[]} args */
async function main(args) {
  if (args.includes('reliable')) return benchReliable(args)
  if (args.includes('transfer')) return benchTransfer(args)
  if (args.includes('fresh')) return benchFresh(args)
  if (args.includes('model')) return benchModel(args)
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      readme: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
    allowPositionals: true,
  })
  const unknown = positionals.filter((name) => !(name in BENCHES))
  if (unknown.length > 0) {
    console.error(`no bench ${unknown.join(', ')}; ${USAGE}`)
    return 1
  }
  if (isStale()) {
    const { code, output } = await build({ quiet: true })
    if (code !== 0 && !existsSync(join(root, 'dist', 'index.js'))) {
      console.error(`the build failed:\n${output}`)
      return 1
    }
  }
  const usual = values.readme ? FIGURES_OF : Object.keys(BENCHES)
  const names = positionals.length > 0 ? positionals : usual
  /** @type {Record<string, readonly object[]>} */
  const results = {}
  for (const name of names) {
    const result = await BENCHES[name]?.({ quick: values.quick })
    if (result === undefined) continue
    results[name] = result.rows
    console.log(`── ${name}\n\n${result.text}\n`)
  }
  const machine = { node: process.version, processor: cpus()[0]?.model ?? 'unknown', cores: cpus().length }
  console.log(`node ${machine.node}, ${machine.cores} × ${machine.processor}`)
  if (values.readme) writeReadme(join(root, 'README.md'), results, machine)
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ machine, ...results }, undefined, 2)}\n`)
  }
  return 0
}

if (isMain(import.meta)) process.exitCode = await main(process.argv.slice(2))
