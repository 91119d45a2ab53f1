// `npm run bench -- model [--from FILE]... [--seeds N] [--json FILE]`: the cells of `fresh` that are about state, in the model of SCTP of
// `gannet/sim` and in virtual time; with `--from`, the JSON of runs of `fresh`, beside the real thing.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createServer } from 'vite'
import { root } from '../scripts/tool.mjs'
import { CELLS } from './fresh/cells.mjs'
import { ageOf, deliveredShare, median } from './fresh/figures.mjs'
import { HZ } from './fresh/load.mjs'
import { readRows } from './fresh/rows.mjs'
import { table } from './pair.mjs'

/**
 * @typedef {import('./fresh/cells.mjs').Cell} Cell
 * @typedef {import('./fresh/run.mjs').Row} RealRow
 * @typedef {import('./fresh/load.mjs').Account} Account
 * @typedef {typeof import('../src/sim/index.ts')} Sim
 * @typedef {typeof import('../test/support/sctp-game.ts')} Games
 * @typedef {import('../test/support/sctp-game.ts').Direction} Direction
 *
 * @typedef {'udp' | 'naive' | 'gannet'} Contender
 * @typedef {Pick<RealRow, 'cell' | 'seed' | 'transport' | 'direction' | 'delivered' | 'age'>} Row
 */

const SEEDS = 5
/** As the real runs have it. */
const WARM_UP_MS = 3500
const SECONDS = 20

/** @param {readonly string[]} args */
export async function benchModel(args) {
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== 'model'),
    options: {
      from: { type: 'string', multiple: true, default: [] },
      seeds: { type: 'string', default: String(SEEDS) },
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
    },
  })
  const real = values.from.flatMap(readRows)
  const seeds = Array.from({ length: values.quick ? 1 : Number(values.seeds) }, (_, i) => i + 1)
  // The game is the one of the tests, in TypeScript.
  const vite = await createServer({
    configFile: false,
    root,
    appType: 'custom',
    logLevel: 'error',
    server: { middlewareMode: true, ws: false, watch: null },
    optimizeDeps: { noDiscovery: true },
  })
  /** @type {Row[]} */
  const rows = []
  try {
    const sim = /** @type {Sim} */ (await vite.ssrLoadModule(join(root, 'src', 'sim', 'index.ts')))
    const games = /** @type {Games} */ (await vite.ssrLoadModule(join(root, 'test', 'support', 'sctp-game.ts')))
    const cells = CELLS.filter((cell) => cell.judged === 'state' && cell.browser === undefined)
    for (const cell of cells) for (const seed of seeds) rows.push(...modelled(sim, games, cell, seed))
  } finally {
    await vite.close()
  }
  console.log(textOf(rows, real))
  if (real.length === 0)
    console.log('Beside the real thing: npm run bench -- fresh --json FILE, then this with --from FILE')
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`)
  return 0
}

/**
 * One run of one cell.
 * @param {Sim} sim
 * @param {Games} games
 * @param {Cell} cell
 * @param {number} seed
 * @returns {Row[]}
 */
function modelled(sim, { SctpGame }, cell, seed) {
  const toMs = WARM_UP_MS + 1000 * (cell.seconds ?? SECONDS)
  const fromMs = WARM_UP_MS + (cell.judgedFromMs ?? 0)
  const agedFromMs = cell.agedFromMs === undefined ? fromMs : WARM_UP_MS + cell.agedFromMs
  const game = new SctpGame({ seed, path: cell.weather, stateBytes: cell.stateBytes })
  const naive = naiveGame(sim, cell, seed)
  for (const { atMs, ...path } of cell.changes ?? []) {
    game.at(WARM_UP_MS + atMs, () => game.set({ path }))
    naive.host.at(WARM_UP_MS + atMs, () => naive.path.set({ up: path, down: path }))
  }
  game.run(toMs + 1000)
  naive.host.advance(toMs + 1000)
  /** @type {[Contender, 'up' | 'down', { from: Account, to: Account }][]} */
  const directions = [
    ['udp', 'up', accountsOf(game.plainUp)],
    ['udp', 'down', accountsOf(game.plainDown)],
    ['naive', 'up', naive.up],
    ['naive', 'down', naive.down],
    ['gannet', 'up', accountsOf(game.up)],
    ['gannet', 'down', accountsOf(game.down)],
  ]
  return directions.map(([transport, direction, accounts]) => ({
    cell: cell.name,
    seed,
    transport,
    direction,
    delivered: deliveredShare(accounts, 'state', fromMs, toMs),
    age: ageOf(accounts.to, 'state', agedFromMs, toMs, seed),
  }))
}

/**
 * A state a tick each way over one association, as `maxRetransmits: 0` gives it, and nothing that looks at what waits below.
 * @param {Sim} sim
 * @param {Cell} cell
 * @param {number} seed
 */
function naiveGame({ SctpPath, VirtualHost, DCSCTP, LIBDATACHANNEL }, cell, seed) {
  const host = new VirtualHost({ seed })
  const path = new SctpPath({ seed, host, up: cell.weather, down: cell.weather })
  const { client, server } = path.open({ options: DCSCTP }, { options: LIBDATACHANNEL })
  /**
   * @param {typeof client} from
   * @param {typeof client} to
   * @param {number} startsAt
   */
  const play = (from, to, startsAt) => {
    const accounts = { from: emptyAccount(), to: emptyAccount() }
    to.onPacket = (packet) => {
      const sentAt = new DataView(packet.buffer, packet.byteOffset).getFloat64(0)
      accounts.to.got.state.push(sentAt, host.now())
    }
    const tick = (/** @type {number} */ n) => {
      const message = new Uint8Array(cell.stateBytes)
      new DataView(message.buffer).setFloat64(0, host.now())
      accounts.from.sent.state.push(host.now())
      from.send(message)
      host.at(startsAt + ((n + 1) * 1000) / HZ, () => tick(n + 1))
    }
    host.at(startsAt, () => tick(0))
    return accounts
  }
  return { host, path, up: play(client, server, 3), down: play(server, client, 9) }
}

/** @returns {Account} */
function emptyAccount() {
  return { sent: { state: [], reliable: [], transfer: [] }, got: { state: [], reliable: [], transfer: [] } }
}

/** @param {Direction} direction */
function accountsOf({ sentAt, arrivals }) {
  const [from, to] = [emptyAccount(), emptyAccount()]
  from.sent.state.push(...sentAt)
  for (const { sentAt: at, at: arrivedAt } of arrivals) to.got.state.push(at, arrivedAt)
  return { from, to }
}

/**
 * @param {readonly Row[]} rows
 * @param {readonly RealRow[]} real
 */
function textOf(rows, real) {
  const head = [
    'age p95 ms, delivered; median of seeds',
    '',
    'plain UDP',
    'real',
    'naive',
    'real',
    'x',
    'Gannet',
    'real',
    'x',
  ]
  const lines = CELLS.flatMap(({ name, title }) =>
    /** @type {const} */ (['up', 'down']).flatMap((direction) => {
      const figures = /** @type {const} */ (['udp', 'naive', 'gannet']).flatMap((transport) => {
        const [model, seen] = [rows, real].map((all) => {
          const of = all.filter(
            (row) => row.cell === name && row.transport === transport && row.direction === direction,
          )
          return { age: median(of.map((row) => row.age.p95)), share: median(of.map((row) => row.delivered)) }
        })
        if (model === undefined || seen === undefined) return []
        const texts = [model, seen].map(({ age, share }) =>
          Number.isNaN(age) ? '-' : `${age.toFixed(0)}, ${(100 * share).toFixed(0)} %`,
        )
        const ratio = model.age / seen.age
        return transport === 'udp' ? texts : [...texts, Number.isNaN(ratio) ? '-' : ratio.toFixed(2)]
      })
      return figures[0] === '-' ? [] : [[title, direction, ...figures]]
    }),
  )
  return table([head, ...lines])
}
