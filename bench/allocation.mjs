// What the core allocates in the steady state, bytes. A child process of test/allocation.test.ts runs this file with
// --expose-gc and a young generation so large that nothing is collected in between:
// node --expose-gc --min-semi-space-size=64 --max-semi-space-size=64 bench/allocation.mjs URL_OF_THE_CORE
import { getHeapStatistics } from 'node:v8'
import { randomFrom, TICK_MS } from './pair.mjs'

/**
 * @typedef {object} Allocation bytes on the JavaScript heap
 * @property {string} kind
 * @property {number} messageBytes
 * @property {number} copiesPerMessage
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
/** With copies: so many as the budget for them can pay, every 19th packet is lost, and one comes three ticks later. */
const COPIED_MESSAGES = 4
const LOST_EACH = 19
const DELAY_TICKS = 4

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
 * @param {boolean} [isLossy] packets are lost, and `redundancy` is `full`
 * @returns {Allocation}
 */
function measure(core, kind, messageBytes, isLossy = false) {
  /** @type {import('./pair.mjs').ChannelTable} */
  const channels = {
    c: {
      kind: /** @type {import('../src/index.ts').ChannelKind} */ (kind),
      verdicts: false,
      ...(isLossy && { redundancy: 'full' }),
    },
  }
  const common = { now: 0, random: randomFrom(3), channels, bytesPerSecond: 1e10 }
  const client = new core.Endpoint({ ...common, role: 'client' })
  const server = new core.Endpoint({ ...common, role: 'server' })
  const payload = new Uint8Array(messageBytes)
  const perTick = isLossy ? COPIED_MESSAGES : MESSAGES
  const hasKeys = kind === 'sequenced' || kind === 'latest'
  const options = Array.from({ length: perTick }, (_, key) => (hasKeys ? { key } : {}))
  const phases = { send: new Phase(), out: new Phase(), in: new Phase(), ackOut: new Phase(), ackIn: new Phase() }
  let now = 0
  let packets = 0
  let acks = 0
  let messages = 0
  let passed = 0

  /** What is under way each way, by the tick in which it left; the copies are made outside of the phases. */
  const ways = [0, 1].map(() =>
    Array.from({ length: isLossy ? DELAY_TICKS : 1 }, () => /** @type {Uint8Array<ArrayBuffer>[]} */ ([])),
  )
  let ticks = 0
  /**
   * @param {typeof client} from
   * @param {Phase} phase
   * @param {Uint8Array[]} wire
   */
  const drain = (from, phase, wire) => {
    wire.length = 0
    let polled = 0
    for (;;) {
      phase.begin()
      const packet = from.pollPacket()
      phase.end()
      if (packet === undefined) return polled
      polled++
      if (!isLossy || client.state !== 'open' || ++passed % LOST_EACH > 0) wire.push(packet.slice())
    }
  }
  const tick = () => {
    now += TICK_MS
    client.update(now)
    server.update(now)
    if (client.state === 'open') {
      phases.send.begin()
      for (let i = 0; i < perTick; i++) client.send('c', payload, options[i])
      phases.send.end()
    }
    const [up, down] = ways.map((way) => way[ticks % way.length] ?? [])
    const [upNext, downNext] = ways.map((way) => way[(ticks + 1) % way.length] ?? [])
    ticks++
    packets += drain(client, phases.out, up)
    phases.in.begin()
    for (let i = 0; i < upNext.length; i++) server.receive(upNext[i], now)
    for (let event = server.pollEvent(); event !== undefined; event = server.pollEvent()) messages++
    phases.in.end()
    acks += drain(server, phases.ackOut, down)
    phases.ackIn.begin()
    for (let i = 0; i < downNext.length; i++) client.receive(downNext[i], now)
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
    if (messages < TICKS * perTick * 0.99) throw new Error(`${kind}: only ${messages} messages arrived`)
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
    kind: isLossy ? `${kind}, full` : kind,
    messageBytes,
    copiesPerMessage: client.stats.copies / client.stats.messagesSent,
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
for (const messageBytes of [16, 64, 200]) rows.push(measure(core, 'reliable', messageBytes, true))
console.log(JSON.stringify(rows))
