// One hour of a game in virtual time: whether memory stays where it was.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { randomFrom, table } from './pair.mjs'

/**
 * @typedef {import('./pair.mjs').Core} Core
 * @typedef {typeof import('../src/sim/index.ts')} Sim
 *
 * @typedef {object} Row
 * @property {number} minute of the game
 * @property {number} heapBytes on the heap and in array buffers, both ends and the link between them and their compiled code, garbage collected
 * @property {number} ratio to the first row's
 * @property {number} messages delivered since the row before
 * @property {number} poolMisses blocks allocated since the row before because none was free, both ends
 * @property {number} seconds of real time since the row before
 */

const HZ = 60
const ENTITIES = 8
const CHANNELS = /** @type {const} */ ({
  input: { kind: 'unreliable' },
  world: { kind: 'sequenced' },
  hits: { kind: 'reliable' },
  chat: { kind: 'ordered' },
  doors: { kind: 'latest' },
  level: { kind: 'reliable', priority: -1 },
})

/**
 * @param {Core} core
 * @param {Sim} sim
 * @param {{ quick?: boolean }} [options]
 */
export function runLong(core, sim, { quick = false } = {}) {
  const spanMs = quick ? 10_000 : 600_000
  setFlagsFromString('--expose_gc')
  /** @type {() => void} */
  const collectGarbage = runInNewContext('gc')
  const usedBytes = () => {
    collectGarbage()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }

  const emptyBytes = usedBytes()
  const common = { now: 0, random: randomFrom(5), channels: CHANNELS }
  const client = new core.Endpoint({ ...common, role: 'client' })
  const server = new core.Endpoint({ ...common, role: 'server' })
  const ends = [client, server]
  const input = new Uint8Array(16)
  const entity = new Uint8Array(24)
  const line = new Uint8Array(40)
  const level = new Uint8Array(100_000)
  let messages = 0
  const take = (/** @type {typeof client} */ end) => {
    for (let event = end.pollEvent(); event !== undefined; event = end.pollEvent()) {
      if (event.type === 'message') messages++
      if (event.type === 'closed') throw new Error(`the game ended: ${JSON.stringify(event.reason)}`)
    }
  }
  const world = new sim.World({
    ...sim.profiles.wifi,
    seed: 1,
    client: {
      node: client,
      hz: HZ,
      tick: (_, tick) => {
        take(client)
        client.send('input', input)
        if (tick % 20 === 0) client.trySend('hits', line)
        if (tick % 300 === 0) client.trySend('chat', line)
      },
    },
    server: {
      node: server,
      hz: HZ,
      phaseMs: 5,
      tick: (_, tick) => {
        take(server)
        for (let key = 0; key < ENTITIES; key++) server.send('world', entity, { key })
        if (tick % 20 === 0) server.trySend('hits', line)
        if (tick % 120 === 0) server.trySend('doors', line, { key: tick % 7 })
        if (tick % 3600 === 0) server.trySend('level', level)
      },
    },
  })
  world.run(spanMs / 10)
  const missesOf = () => ends.reduce((sum, { stats }) => sum + stats.poolMisses, 0)
  /** @type {Row[]} */
  const rows = []
  for (let i = 1; i <= 6; i++) {
    const before = { messages, misses: missesOf(), at: performance.now() }
    world.run(spanMs)
    const seconds = (performance.now() - before.at) / 1000
    const heapBytes = usedBytes() - emptyBytes
    rows.push({
      minute: (i * spanMs) / 60_000,
      heapBytes,
      ratio: heapBytes / (rows[0]?.heapBytes ?? heapBytes),
      messages: messages - before.messages,
      poolMisses: missesOf() - before.misses,
      seconds,
    })
  }
  return { rows, text: textOf(rows) }
}

/** @param {readonly Row[]} rows */
function textOf(rows) {
  const head = ['minute', 'heap KiB', 'x first', 'messages', 'pool misses', 'seconds']
  const body = rows.map((row) => [
    row.minute.toFixed(row.minute < 1 ? 2 : 0),
    Math.round(row.heapBytes / 1024),
    row.ratio,
    row.messages,
    row.poolMisses,
    row.seconds,
  ])
  return [
    `A game at ${HZ} Hz over the profile wifi, both ends in one process, in virtual time: what they add to its heap, garbage collected.`,
    '',
    table([head, ...body]),
  ].join('\n')
}
