// What parity buys large unreliable messages: how many come whole, and what it costs.
import { table } from './pair.mjs'

/**
 * @typedef {typeof import('../src/index.ts')} Core what the package's root exports
 * @typedef {typeof import('../src/sim/index.ts')} Sim what `gannet/sim` exports
 */

const MESSAGE_BYTES = 20_000
const HZ = 20
const CELLS = [
  { loss: 0.01, burst: 0 },
  { loss: 0.02, burst: 0 },
  { loss: 0.05, burst: 0 },
  { loss: 0.05, burst: 3 },
]
const PARITIES = [0, 0.1, 0.2, 0.4]

/**
 * Sends snapshots of 20 kB (19 fragments) twenty times a second over a link that loses packets.
 * @param {Core} core
 * @param {Sim} sim
 * @param {{ loss: number, burst: number }} weather
 * @param {number} parity
 * @param {number} seconds
 */
export function snapshotsUnder(core, sim, weather, parity, seconds) {
  const random = new sim.Random(11)
  const channels = /** @type {const} */ ({ snapshot: { kind: 'unreliable', maxMessageBytes: 32_768, parity } })
  const side = (/** @type {'client' | 'server'} */ role) =>
    new core.Endpoint({ role, now: 0, random: () => random.uint32(), channels, bytesPerSecond: 1e8 })
  const client = side('client')
  const server = side('server')
  const payload = new Uint8Array(MESSAGE_BYTES)
  let sent = 0
  let whole = 0
  const drain = (/** @type {typeof client} */ endpoint) => {
    for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) {
      if (event.type === 'message' && event.payload.length === MESSAGE_BYTES) whole++
    }
  }
  const link = { ...weather, delayMs: 40 }
  const world = new sim.World({
    seed: 3,
    up: link,
    down: link,
    client: { node: client, hz: HZ, tick: () => drain(client) },
    server: {
      node: server,
      hz: HZ,
      tick: () => {
        drain(server)
        if (server.state === 'open' && server.trySend('snapshot', payload) !== undefined) sent++
      },
    },
  })
  world.run(seconds * 1000)
  return { share: whole / sent, bytesPerMessage: server.stats.bytesSent / sent }
}

/**
 * @param {Core} core
 * @param {Sim} sim
 * @param {{ quick: boolean }} options
 */
export function runParity(core, sim, { quick }) {
  const seconds = quick ? 20 : 300
  const rows = []
  for (const weather of CELLS) {
    let plainBytes = 0
    for (const parity of PARITIES) {
      const { share, bytesPerMessage } = snapshotsUnder(core, sim, weather, parity, seconds)
      if (parity === 0) plainBytes = bytesPerMessage
      rows.push({ ...weather, parity, whole: share, overhead: bytesPerMessage / plainBytes - 1 })
    }
  }
  const percent = (/** @type {number} */ share) => `${(100 * share).toFixed(1)} %`
  const text = table(
    [['loss', 'mean burst', 'parity', 'came whole', 'more bytes']].concat(
      rows.map((row) => [
        percent(row.loss),
        row.burst === 0 ? '–' : `${row.burst}`,
        row.parity === 0 ? '–' : percent(row.parity),
        percent(row.whole),
        percent(row.overhead),
      ]),
    ),
  )
  return { rows, text: `20 kB unreliable messages in 19 fragments, ${seconds} s of virtual time a row\n\n${text}` }
}
