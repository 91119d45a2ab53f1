// Whether cost grows as the work does: how often any piece of the core's code runs, counted by V8, while the work doubles.
// Counts, not times: the same in every run and on every machine.
import { Session } from 'node:inspector/promises'
import { fileURLToPath } from 'node:url'
import { isMain, run } from '../scripts/tool.mjs'
import { Pair, table } from './pair.mjs'

/**
 * @typedef {import('./pair.mjs').Core} Core
 *
 * @typedef {object} Row
 * @property {string} what grows
 * @property {readonly number[]} sizes
 * @property {readonly number[]} counts of executed pieces of code
 * @property {number} exponent of the power law fitted through them; 1 is linear
 */

const SIZES = [64, 128, 256, 512]
const KINDS = /** @type {const} */ (['unreliable', 'sequenced', 'reliable', 'ordered', 'latest'])

/** @type {Readonly<Record<string, (core: Core, size: number) => void>>} */
const CASES = {
  ...Object.fromEntries(
    KINDS.map((kind) => [
      `${kind} messages in a tick`,
      (/** @type {Core} */ core, /** @type {number} */ size) => {
        const pair = pairOf(core, { c: { kind } })
        const keyed = kind === 'sequenced' || kind === 'latest'
        for (let tick = 0; tick < 4; tick++) {
          for (let i = 0; i < size; i++) pair.client.send('c', new Uint8Array(32), keyed ? { key: i } : {})
          pair.tick()
          drain(pair)
        }
      },
    ]),
  ),
  'packets, one a tick': (core, size) => {
    const pair = pairOf(core, { c: { kind: 'reliable' } })
    for (let tick = 0; tick < size; tick++) play(pair)
  },
  'packets, every third lost': (core, size) => {
    const pair = pairOf(core, { c: { kind: 'ordered', redundancy: 'full' } })
    for (let tick = 0; tick < size; tick++) {
      pair.client.send('c', new Uint8Array(32))
      pair.now += 1000 / 60
      pair.client.update(pair.now)
      pair.server.update(pair.now)
      if (tick % 3 === 0) while (pair.client.pollPacket() !== undefined);
      else pair.carry(pair.client, pair.server)
      pair.carry(pair.server, pair.client)
      drain(pair)
    }
  },
  'packets lost in a row, then found again': (core, size) => {
    const pair = pairOf(core, { c: { kind: 'reliable' } })
    for (let tick = 0; tick < size; tick++) {
      pair.client.send('c', new Uint8Array(32))
      pair.now += 1000 / 60
      pair.client.update(pair.now)
      while (pair.client.pollPacket() !== undefined);
    }
    for (let tick = 0; tick < 20; tick++) pair.tick()
    drain(pair)
  },
  'fragments of a message': (core, size) => {
    const pair = pairOf(core, { c: { kind: 'reliable', maxMessageBytes: 1 << 20 } })
    pair.client.send('c', new Uint8Array(size * 1000))
    for (let tick = 0; tick < 60; tick++) pair.tick()
    drain(pair)
  },
  'peers of a server': (core, size) => {
    for (let peer = 0; peer < size / 32; peer++) {
      const pair = pairOf(core, { c: { kind: 'reliable' } })
      for (let tick = 0; tick < 20; tick++) play(pair)
    }
  },
}

/**
 * @param {string} url of the core's module; scripts whose address begins with that of its folder are counted
 * @param {{ quick?: boolean }} [options]
 */
export async function runLinear(url, { quick = false } = {}) {
  // A process of its own, without the compiler: optimised code is not counted in full.
  const file = fileURLToPath(import.meta.url)
  const args = ['--no-opt', file, url, String(quick ? SIZES.length - 1 : SIZES.length)]
  const { code, output, stdout } = await run(process.execPath, args, { quiet: true })
  if (code !== 0) throw new Error(output)
  /** @type {Row[]} */
  const rows = JSON.parse(stdout)
  return { rows, text: textOf(rows) }
}

/**
 * @param {string} url
 * @param {readonly number[]} sizes
 */
async function measureAll(url, sizes) {
  const core = /** @type {Core} */ (await import(url))
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  /** @type {Row[]} */
  const rows = []
  for (const [what, run] of Object.entries(CASES)) {
    // Once for what is compiled lazily.
    run(core, 1)
    /** @type {number[]} */
    const counts = []
    for (const size of sizes) counts.push(await countOf(session, new URL('.', url).href, () => run(core, size)))
    rows.push({ what, sizes, counts, exponent: exponentOf(sizes, counts) })
  }
  return rows
}

/**
 * @param {Core} core
 * @param {import('../src/index.ts').ChannelTable} channels
 */
function pairOf(core, channels) {
  return new Pair(core.Endpoint, channels, { timeoutMs: 600_000 })
}

/** @param {Pair} pair */
function play(pair) {
  pair.client.send('c', new Uint8Array(32))
  pair.tick()
  drain(pair)
}

/** @param {Pair} pair */
function drain({ client, server }) {
  while (client.pollEvent() !== undefined);
  while (server.pollEvent() !== undefined);
}

/**
 * @param {Session} session
 * @param {string} folder
 * @param {() => void} work
 */
async function countOf(session, folder, work) {
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  work()
  const { result } = await session.post('Profiler.takePreciseCoverage')
  await session.post('Profiler.stopPreciseCoverage')
  let count = 0
  for (const script of result) {
    if (!script.url.startsWith(folder)) continue
    for (const { ranges } of script.functions) for (const range of ranges) count += range.count
  }
  return count
}

/**
 * Slope of the straight line through the logarithms, by least squares.
 * @param {readonly number[]} sizes
 * @param {readonly number[]} counts
 */
function exponentOf(sizes, counts) {
  const x = sizes.map(Math.log)
  const y = counts.map(Math.log)
  const mean = (/** @type {readonly number[]} */ values) => values.reduce((sum, one) => sum + one, 0) / values.length
  const [meanX, meanY] = [mean(x), mean(y)]
  const covariance = mean(x.map((one, i) => (one - meanX) * ((y[i] ?? 0) - meanY)))
  return covariance / mean(x.map((one) => (one - meanX) ** 2))
}

/** @param {readonly Row[]} rows */
function textOf(rows) {
  const sizes = rows[0]?.sizes ?? []
  const body = rows.map((row) => [row.what, ...row.counts, row.exponent.toFixed(2)])
  return [
    'How often pieces of the core run for so many of each, by V8’s counters; the exponent of the power law through them.',
    'Peers: a 32nd as many.',
    '',
    table([['what', ...sizes.map(String), 'exponent'], ...body]),
  ].join('\n')
}

if (isMain(import.meta)) {
  const [url = '', count] = process.argv.slice(2)
  console.log(JSON.stringify(await measureAll(url, SIZES.slice(0, Number(count)))))
}
