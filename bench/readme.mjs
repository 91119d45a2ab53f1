// The table of README.md, from the rows of a run.
import { readFileSync, writeFileSync } from 'node:fs'
import { figure } from './pair.mjs'

/** Benches whose rows the table needs. */
export const FIGURES_OF = ['long', 'core', 'pipe', 'bots']

const BEGIN = '<!-- figures: written by npm run bench -- --readme -->'
const END = '<!-- end of figures -->'

/**
 * Replaces the table between the two marks.
 * @param {string} path
 * @param {Record<string, readonly object[]>} results
 * @param {{ node: string, processor: string, cores: number }} machine
 */
export function writeReadme(path, results, machine) {
  for (const name of FIGURES_OF) if (results[name] === undefined) throw new Error(`--readme needs ${name} as well`)
  const text = readFileSync(path, 'utf8')
  const from = text.indexOf(BEGIN)
  const to = text.indexOf(END)
  if (from < 0 || to < from) throw new Error(`${path}: expected ${BEGIN} and then ${END}`)
  const table = tableOf(results)
  const where = `Node ${machine.node}, ${machine.cores} × ${machine.processor}, both ends on it; medians.`
  writeFileSync(path, `${text.slice(0, from)}${BEGIN}\n${table}\n\n${where}\n${text.slice(to)}`)
}

/** @param {Record<string, any>} results */
function tableOf({ core, long, pipe, bots }) {
  /** @type {string[][]} */
  const rows = [['what', 'Gannet', 'beside it, in the same run']]
  for (const [kind, messages] of /** @type {const} */ ([
    ['unreliable', 100],
    ['reliable', 100],
    ['reliable', 10],
  ])) {
    const row = core.find(
      (/** @type {any} */ one) => one.kind === kind && one.messageBytes === 64 && one.messages === messages,
    )
    rows.push([
      `${messages} ${kind} message${messages > 1 ? 's' : ''} of 64 B a tick, sent, packed, read, delivered, acked`,
      `${figure(row.tickNs / messages)} ns a message, ${figure(row.heapBytes / messages)} B of heap`,
      `${figure(row.tickNs / row.floorNs)} × a bare copy, ${figure(row.tickNs / row.jsonNs)} × JSON and a packet each`,
    ])
  }
  for (const name of ['Node to Node', 'Chromium to Node']) {
    const of = (/** @type {string} */ contender) =>
      pipe.find((/** @type {any} */ one) => one.pipe === name && one.contender === contender)
    const [ours, raw] = [of('gannet'), of('raw')]
    if (ours === undefined || raw === undefined) continue
    rows.push([
      `${name}, loopback: echo of 64 B`,
      `p50 ${figure(ours.echoP50Ms)}, p99 ${figure(ours.echoP99Ms)} ms`,
      `raw channel: p50 ${figure(raw.echoP50Ms)}, p99 ${figure(raw.echoP99Ms)} ms`,
    ])
    rows.push([
      `${name}: 64 B as fast as they go`,
      `${figure(Math.round(ours.messagesPerSecond))} messages/s`,
      `raw channel: ${figure(Math.round(raw.messagesPerSecond))}`,
    ])
  }
  const last = bots.findLast((/** @type {any} */ one) => one.contender === 'gannet' && one.hz === 60)
  const beside = bots.find(
    (/** @type {any} */ one) => one.contender === 'raw' && one.hz === 60 && one.peers === last.peers,
  )
  rows.push([
    `server of ${last.peers} peers at 60 Hz, 200 B out and 32 B in a tick each`,
    `${figure(last.cpuPercent)} % of a core, ${figure(last.rssKib / 1024)} MiB a peer`,
    beside === undefined ? '' : `raw channels: ${figure(beside.cpuPercent)} %, ${figure(beside.rssKib / 1024)} MiB`,
  ])
  const end = long.at(-1)
  rows.push([
    `heap after ${end.minute} minutes of a game, both ends`,
    `${figure(end.heapBytes / 1024 / 1024)} MiB`,
    `after ${long[0].minute}: ${figure(long[0].heapBytes / 1024 / 1024)} MiB`,
  ])
  const lines = rows.map((row) => `| ${row.join(' | ')} |`)
  lines.splice(1, 0, '|---|---|---|')
  return lines.join('\n')
}
