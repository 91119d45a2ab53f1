// What the core allocates in the steady state, bytes. A child process of test/allocation.test.ts runs this file with
// --expose-gc and a young generation so large that nothing is collected in between:
// node --expose-gc --min-semi-space-size=64 --max-semi-space-size=64 bench/allocation.mjs URL_OF_THE_CORE
import { getHeapStatistics } from 'node:v8'
import { randomFrom, TICK_MS } from './pair.mjs'

/**
 * @typedef {object} Allocation bytes on the JavaScript heap
 * @property {string} kind
 * @property {number} messageBytes
 * @property {number} sendPerMessage `send`
 * @property {number} outPerPacket `pollPacket`
 * @property {number} inPerMessage `receive` and `pollEvent` of the messages
 * @property {number} ackOutPerPacket `pollPacket` of a packet that only acknowledges
 * @property {number} ackInPerPacket `receive` of it
 * @property {number} totalPerMessage all of it
 * @property {number} poolMisses blocks allocated after the warm-up
 */

const WARM_UP_TICKS = 3_000
/** The compiler allocates now and then too: of several blocks of ticks the leanest counts. */
const BLOCKS = 5
const TICKS = 120
const MESSAGES = 60

/** @returns {number} */
const heapBytes = () => getHeapStatistics().used_heap_size

/** What asking costs by itself, bytes. */
function askingCost() {
  const costs = []
  for (let i = 0; i < 200; i++) {
    const before = heapBytes()
    costs.push(heapBytes() - before)
  }
  return costs.sort((a, b) => a - b)[100] ?? 0
}

/** A sum of what one phase allocates over many ticks. */
class Phase {
  #before = 0
  bytes = 0

  begin() {
    this.#before = heapBytes()
  }

  end() {
    this.bytes += heapBytes() - this.#before
  }
}

/**
 * @param {import('./pair.mjs').Core} core
 * @param {string} kind
 * @param {number} messageBytes
 * @returns {Allocation}
 */
function measure(core, kind, messageBytes) {
  const channels = { c: { kind: /** @type {import('../src/index.ts').ChannelKind} */ (kind), verdicts: false } }
  const common = { now: 0, random: randomFrom(3), channels, bytesPerSecond: 1e10 }
  const client = new core.Endpoint({ ...common, role: 'client' })
  const server = new core.Endpoint({ ...common, role: 'server' })
  const payload = new Uint8Array(messageBytes)
  const hasKeys = kind === 'sequenced' || kind === 'latest'
  const options = Array.from({ length: MESSAGES }, (_, key) => (hasKeys ? { key } : {}))
  const phases = { send: new Phase(), out: new Phase(), in: new Phase(), ackOut: new Phase(), ackIn: new Phase() }
  let now = 0
  let packets = 0
  let acks = 0
  let messages = 0

  /** The transport's copies are made outside of the phases. @type {Uint8Array<ArrayBuffer>[]} */
  const wire = []
  /**
   * @param {typeof client} from
   * @param {Phase} phase
   */
  const drain = (from, phase) => {
    wire.length = 0
    for (;;) {
      phase.begin()
      const packet = from.pollPacket()
      phase.end()
      if (packet === undefined) return wire.length
      wire.push(packet.slice())
    }
  }
  const tick = () => {
    now += TICK_MS
    client.update(now)
    server.update(now)
    if (client.state === 'open') {
      phases.send.begin()
      for (let i = 0; i < MESSAGES; i++) client.send('c', payload, options[i])
      phases.send.end()
    }
    packets += drain(client, phases.out)
    phases.in.begin()
    for (let i = 0; i < wire.length; i++) server.receive(/** @type {Uint8Array<ArrayBuffer>} */ (wire[i]), now)
    for (let event = server.pollEvent(); event !== undefined; event = server.pollEvent()) messages++
    phases.in.end()
    acks += drain(server, phases.ackOut)
    phases.ackIn.begin()
    for (let i = 0; i < wire.length; i++) client.receive(/** @type {Uint8Array<ArrayBuffer>} */ (wire[i]), now)
    while (client.pollEvent() !== undefined);
    phases.ackIn.end()
  }

  const all = () => Object.values(phases).reduce((sum, phase) => sum + phase.bytes, 0)
  const block = () => {
    for (const phase of Object.values(phases)) phase.bytes = 0
    packets = 0
    acks = 0
    messages = 0
    for (let i = 0; i < TICKS; i++) tick()
    if (messages < TICKS * MESSAGES * 0.99) throw new Error(`${kind}: only ${messages} messages arrived`)
    const once = TICKS * asking
    return {
      sendPerMessage: (phases.send.bytes - once) / messages,
      // The last poll of each tick finds nothing.
      outPerPacket: (phases.out.bytes - once - packets * asking) / packets,
      inPerMessage: (phases.in.bytes - once) / messages,
      ackOutPerPacket: (phases.ackOut.bytes - once - acks * asking) / acks,
      ackInPerPacket: (phases.ackIn.bytes - once) / acks,
      totalPerMessage: (all() - (5 * TICKS + packets + acks) * asking) / messages,
    }
  }

  for (let i = 0; i < WARM_UP_TICKS; i++) tick()
  globalThis.gc?.()
  const asking = askingCost()
  const misses = client.stats.poolMisses
  const blocks = Array.from({ length: BLOCKS }, block)
  const least = (/** @type {keyof ReturnType<typeof block>} */ name) => Math.min(...blocks.map((one) => one[name]))
  return {
    kind,
    messageBytes,
    sendPerMessage: least('sendPerMessage'),
    outPerPacket: least('outPerPacket'),
    inPerMessage: least('inPerMessage'),
    ackOutPerPacket: least('ackOutPerPacket'),
    ackInPerPacket: least('ackInPerPacket'),
    totalPerMessage: least('totalPerMessage'),
    poolMisses: client.stats.poolMisses - misses,
  }
}

const core = await import(process.argv[2] ?? '../dist/index.js')
// Once for the compiler alone.
measure(core, 'reliable', 16)
const rows = ['unreliable', 'sequenced', 'reliable', 'ordered', 'latest'].flatMap((kind) =>
  [16, 64, 200].map((messageBytes) => measure(core, kind, messageBytes)),
)
console.log(JSON.stringify(rows))
