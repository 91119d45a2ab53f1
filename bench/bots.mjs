// N real WebRTC clients against one server process: what a peer costs, and at how many the server's tick overruns.
import { Child } from './live/child.mjs'
import { quantile } from './live/figures.mjs'
import { table } from './pair.mjs'

/**
 * @typedef {'raw' | 'gannet'} Contender
 *
 * @typedef {object} Row
 * @property {Contender} contender
 * @property {number} hz
 * @property {number} peers
 * @property {number} workP50Ms of a tick: everything for every peer
 * @property {number} workP99Ms
 * @property {number} late share of ticks that began more than a tick late
 * @property {number} cpuPercent of one core, the server's process
 * @property {number} cpuUs of the server's process for a peer and tick: one message in, one out
 * @property {number} rssKib resident memory of the server's process for each peer
 * @property {number} arrived share of the clients' messages that came
 */

const CONTENDERS = /** @type {const} */ (['raw', 'gannet'])
const STATE_BYTES = 200
const INPUT_BYTES = 32
const CLIENTS_PER_PROCESS = 16
/** Ticks that begin late, from which on the tick counts as overrun. */
const OVERRUN_SHARE = 0.05
const SETTLE_MS = 500
const WARM_UP_HZ = 200

/** @param {{ quick?: boolean }} [options] */
export async function runBots({ quick = false } = {}) {
  const plan = quick
    ? { rates: [60], counts: [4], ms: 800, rounds: 1, warmUpMs: 800 }
    : { rates: [30, 60], counts: [16, 64, 128], ms: 2000, rounds: 3, warmUpMs: 4000 }
  /** @type {Row[]} */
  const rows = []
  for (const contender of CONTENDERS) rows.push(...(await measure(contender, plan)))
  return { rows, text: textOf(rows) }
}

/**
 * @param {Contender} contender
 * @param {{ rates: readonly number[], counts: readonly number[], ms: number, rounds: number, warmUpMs: number }} plan
 * @returns {Promise<Row[]>}
 */
async function measure(contender, { rates, counts, ms, rounds, warmUpMs }) {
  const server = new Child('server.mjs')
  /** @type {Child[]} */
  const clients = []
  /** @type {Row[]} */
  const rows = []
  const overrun = new Set()
  try {
    const { url } = await server.ask({ serve: { contender, isPrompt: false } })
    const before = (await server.ask({ tally: {} })).rssBytes
    let peers = 0
    for (const count of counts) {
      while (peers < count) {
        const child = new Child('client.mjs')
        clients.push(child)
        const more = Math.min(CLIENTS_PER_PROCESS, count - peers)
        await child.ask({ join: { url, contender, clients: more } })
        peers += more
      }
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
      // The compiler has its say before anything is judged: a game's server runs for hours.
      if (count === counts[0]) await play(server, clients, { hz: WARM_UP_HZ, ms: warmUpMs })
      for (const hz of rates) {
        if (overrun.has(hz)) continue
        /** @type {Omit<Row, 'rssKib'>[]} */
        const taken = []
        for (let round = 0; round < rounds; round++) {
          const played = await play(server, clients, { hz, ms })
          const ticks = played.worksMs.length
          taken.push({
            contender,
            hz,
            peers: played.peers,
            workP50Ms: quantile(played.worksMs, 0.5),
            workP99Ms: quantile(played.worksMs, 0.99),
            late: played.late,
            cpuPercent: (100 * played.cpuMs) / played.wallMs,
            cpuUs: (1000 * played.cpuMs) / (ticks * played.peers),
            arrived: played.received / (ticks * played.peers),
          })
        }
        const median = (/** @type {Exclude<keyof Row, 'contender' | 'rssKib'>} */ name) =>
          quantile(
            taken.map((one) => one[name]),
            0.5,
          )
        const { rssBytes } = await server.ask({ tally: {} })
        const late = median('late')
        rows.push({
          contender,
          hz,
          peers: median('peers'),
          workP50Ms: median('workP50Ms'),
          workP99Ms: median('workP99Ms'),
          late,
          cpuPercent: median('cpuPercent'),
          cpuUs: median('cpuUs'),
          rssKib: (rssBytes - before) / 1024 / peers,
          arrived: median('arrived'),
        })
        if (late > OVERRUN_SHARE) overrun.add(hz)
      }
    }
  } finally {
    for (const child of [...clients, server]) await child.close()
  }
  return rows
}

/**
 * All play at once; what the server says about it.
 * @param {Child} server
 * @param {readonly Child[]} clients
 * @param {{ hz: number, ms: number }} plan
 */
async function play(server, clients, { hz, ms }) {
  const [played] = await Promise.all([
    server.ask({ play: { hz, ms, bytes: STATE_BYTES } }),
    ...clients.map((child) => child.ask({ play: { hz, ms, bytes: INPUT_BYTES } })),
  ])
  return played
}

/** @param {readonly Row[]} rows */
function textOf(rows) {
  const head = ['bots', 'Hz', 'peers', 'tick p50 ms', 'p99 ms', 'late %', 'CPU %', 'CPU us', 'KiB/peer', 'x raw: CPU']
  const body = rows.map((row) => {
    const raw = rows.find((other) => other.contender === 'raw' && other.hz === row.hz && other.peers === row.peers)
    return [
      row.contender,
      row.hz,
      row.peers,
      row.workP50Ms,
      row.workP99Ms,
      100 * row.late,
      row.cpuPercent,
      row.cpuUs,
      row.rssKib,
      raw === undefined || raw === row ? '' : row.cpuUs / raw.cpuUs,
    ]
  })
  const ends = CONTENDERS.flatMap((contender) =>
    [...new Set(rows.map((row) => row.hz))].map((hz) => {
      const of = rows.filter((row) => row.contender === contender && row.hz === hz)
      const first = of.find((row) => row.late > OVERRUN_SHARE)
      return `${contender} at ${hz} Hz: ${first ? `overruns at ${first.peers}` : `holds at ${of.at(-1)?.peers}`}`
    }),
  )
  return [
    `Each client sends ${INPUT_BYTES} B a tick and gets ${STATE_BYTES} B; ${CLIENTS_PER_PROCESS} clients a process, on the same cores as the server.`,
    'CPU us: of the server process for each peer and tick. KiB/peer: growth of its resident memory. Medians.',
    `A tick overruns when more than ${100 * OVERRUN_SHARE} % begin a whole tick late: ${ends.join('; ')}.`,
    '',
    table([head, ...body]),
  ].join('\n')
}
