// Where the time of a hot path goes: V8's sampling profiler over one case of bench/core.mjs, self time by function.
// node bench/profile.mjs [--kind reliable] [--bytes 64] [--messages 100] [--seconds 3] [--core URL] [--cpuprofile FILE]
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { parseArgs } from 'node:util'
import { tickOf } from './core.mjs'
import { table } from './pair.mjs'

/** Functions that are listed; the rest is summed up. */
const LISTED = 30
/** Time between two samples, µs. */
const INTERVAL_US = 100

const { values } = parseArgs({
  options: {
    kind: { type: 'string', default: 'reliable' },
    bytes: { type: 'string', default: '64' },
    messages: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '3' },
    core: { type: 'string', default: '../dist/index.js' },
    cpuprofile: { type: 'string' },
  },
})

const core = await import(values.core)
const kind = /** @type {import('../src/index.ts').ChannelKind} */ (values.kind)
const messages = Number(values.messages)
const { tick } = tickOf(core, kind, Number(values.bytes), messages)

/** @param {number} ms */
function runFor(ms) {
  const until = performance.now() + ms
  let ticks = 0
  for (; performance.now() < until; ticks++) tick()
  return ticks
}

runFor(1000)
const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US })
await session.post('Profiler.start')
const ticks = runFor(1000 * Number(values.seconds))
const { profile } = await session.post('Profiler.stop')
if (values.cpuprofile !== undefined) writeFileSync(values.cpuprofile, JSON.stringify(profile))

/** Self time by function, µs. @type {Map<string, number>} */
const selfUs = new Map()
const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
let totalUs = 0
profile.samples?.forEach((id, i) => {
  const us = profile.timeDeltas?.[i] ?? 0
  const frame = nodes.get(id)?.callFrame
  const file = frame?.url.split('/').at(-1) ?? ''
  const name = `${frame?.functionName || '(anonymous)'}${file === '' ? '' : `  ${file}:${(frame?.lineNumber ?? 0) + 1}`}`
  selfUs.set(name, (selfUs.get(name) ?? 0) + us)
  totalUs += us
})
const rows = [...selfUs].sort((a, b) => b[1] - a[1])
const perMessage = (/** @type {number} */ us) => (1000 * us) / (ticks * messages)
const rest = rows.slice(LISTED).reduce((sum, [, us]) => sum + us, 0)
console.log(`${values.kind}, ${messages} messages of ${values.bytes} B a tick, ${ticks} ticks; self time`)
console.log(
  table([
    ['function', 'share %', 'ns/message'],
    ...rows.slice(0, LISTED).map(([name, us]) => [name, (100 * us) / totalUs, perMessage(us)]),
    ['(the rest)', (100 * rest) / totalUs, perMessage(rest)],
    ['all', 100, perMessage(totalUs)],
  ]),
)
