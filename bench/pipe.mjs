// What Gannet adds to a DataChannel on loopback, between two Node processes and between Chromium and Node.

import { Browser } from './live/browsers.mjs'
import { Child } from './live/child.mjs'
import { quantile } from './live/figures.mjs'
import { table } from './pair.mjs'

/**
 * @typedef {'raw' | 'gannet'} Contender
 * @typedef {{ ask: (request: object) => Promise<any>, close: () => Promise<void> }} Client
 *
 * @typedef {object} Row medians of the rounds
 * @property {string} pipe
 * @property {Contender} contender
 * @property {number} echoP50Ms
 * @property {number} echoP99Ms
 * @property {number} messagesPerSecond of 64 B, one way, as fast as they go
 * @property {number} cpuUs of both processes for a message and its echo, one each tick (in Chromium's case: of Node's alone)
 */

const CONTENDERS = /** @type {const} */ (['raw', 'gannet'])
const BYTES = 64
/** Time between two ticks of the paced messages, ms. */
const EVERY_MS = 4

/** @param {{ quick?: boolean }} [options] */
export async function runPipe({ quick = false } = {}) {
  const effort = quick
    ? { rounds: 1, warmUps: 50, times: 100, floodMs: 200, pacedMs: 400 }
    : { rounds: 5, warmUps: 6000, times: 500, floodMs: 1000, pacedMs: 2000 }
  /** @type {Row[]} */
  const rows = []
  rows.push(...(await measure('Node to Node', async () => new Child('client.mjs'), effort)))
  // A browser takes longer to start than a quick run may take.
  const browser = quick ? 'left out of a quick run' : await Browser.open()
  let note = ''
  if (typeof browser === 'string') note = `\nChromium to Node: ${browser}`
  else {
    try {
      rows.push(...(await measure('Chromium to Node', () => browser.page(), effort)))
    } finally {
      await browser.close()
    }
  }
  return { rows, text: textOf(rows) + note }
}

/**
 * @param {string} pipe
 * @param {() => Promise<Client>} startClient
 * @param {{ rounds: number, warmUps: number, times: number, floodMs: number, pacedMs: number }} effort
 * @returns {Promise<Row[]>}
 */
async function measure(pipe, startClient, { rounds, warmUps, times, floodMs, pacedMs }) {
  /** @type {{ contender: Contender, server: Child, client: Client }[]} */
  const sides = []
  try {
    for (const contender of CONTENDERS) {
      const server = new Child('server.mjs')
      const { url } = await server.ask({ serve: { contender, isPrompt: true } })
      const client = await startClient()
      sides.push({ contender, server, client })
      await client.ask({ join: { url, contender, clients: 1 } })
      // Code that runs once in milliseconds is compiled late: the first few thousand messages cost more.
      await client.ask({ echo: { bytes: BYTES, times: warmUps } })
    }
    /** @type {Record<Contender, Omit<Row, 'pipe' | 'contender'>[]>} */
    const taken = { raw: [], gannet: [] }
    for (let round = 0; round < rounds; round++) {
      // They take turns at going first, so that a busy machine is unkind to both alike.
      for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
        const { server, client } = side
        const { tripsMs } = await client.ask({ echo: { bytes: BYTES, times } })
        await server.ask({ reset: {} })
        await client.ask({ flood: { bytes: BYTES, ms: floodMs } })
        await settled(server)
        const { received, spanMs } = await server.ask({ tally: {} })
        const cpuMs = async () => {
          const { cpuMs: here = 0 } = await client.ask({ cpu: {} })
          return (await server.ask({ tally: {} })).cpuMs + here
        }
        const before = await cpuMs()
        const { echoes } = await client.ask({ paced: { bytes: BYTES, ms: pacedMs, everyMs: EVERY_MS } })
        const cpuUs = (1000 * ((await cpuMs()) - before)) / echoes
        taken[side.contender].push({
          echoP50Ms: quantile(tripsMs, 0.5),
          echoP99Ms: quantile(tripsMs, 0.99),
          messagesPerSecond: (1000 * received) / spanMs,
          cpuUs,
        })
      }
    }
    return CONTENDERS.map((contender) => {
      const median = (/** @type {keyof Omit<Row, 'pipe' | 'contender'>} */ name) =>
        quantile(
          taken[contender].map((one) => one[name]),
          0.5,
        )
      return {
        pipe,
        contender,
        echoP50Ms: median('echoP50Ms'),
        echoP99Ms: median('echoP99Ms'),
        messagesPerSecond: median('messagesPerSecond'),
        cpuUs: median('cpuUs'),
      }
    })
  } finally {
    for (const { server, client } of sides) {
      await client.close()
      await server.close()
    }
  }
}

/**
 * Waits until nothing comes any more.
 * @param {Child} server
 */
async function settled(server) {
  for (let before = -1; ; ) {
    const { received } = await server.ask({ tally: {} })
    if (received === before) return
    before = received
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** @param {readonly Row[]} rows */
function textOf(rows) {
  const head = ['pipe, 64 B', 'echo p50 ms', 'p99 ms', 'messages/s', 'CPU us/echo', 'x raw: p50', 'CPU']
  const body = rows.map((row) => {
    const raw = rows.find((other) => other.pipe === row.pipe && other.contender === 'raw')
    const isRaw = raw === undefined || raw === row
    return [
      `${row.pipe}, ${row.contender}`,
      row.echoP50Ms,
      row.echoP99Ms,
      Math.round(row.messagesPerSecond),
      row.cpuUs,
      isRaw ? '' : row.echoP50Ms / raw.echoP50Ms,
      isRaw ? '' : row.cpuUs / raw.cpuUs,
    ]
  })
  return [
    'Loopback. Echo: one message in flight, there and back. Messages/s: one way, as fast as the channel takes them.',
    `CPU: of the Node processes for a message and its echo, one each ${EVERY_MS} ms. Medians.`,
    '',
    table([head, ...body]),
  ].join('\n')
}
