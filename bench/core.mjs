// What a tick costs in the core: messages in on one side, packets over, messages out on the other, acks back.
import { getHeapStatistics } from 'node:v8'
import { medianNs, Pair, table } from './pair.mjs'

/**
 * @typedef {import('./pair.mjs').Core} Core
 * @typedef {import('./pair.mjs').Effort} Effort
 */

const CHANNELS = /** @type {const} */ ({
  unreliable: { kind: 'unreliable' },
  sequenced: { kind: 'sequenced' },
  reliable: { kind: 'reliable' },
  ordered: { kind: 'ordered' },
  latest: { kind: 'latest' },
})
const KINDS = /** @type {(keyof typeof CHANNELS)[]} */ (Object.keys(CHANNELS))

/** Ticks over which packets are counted, and single ticks whose allocation is looked at. */
const PACKET_TICKS = 20
const HEAP_SAMPLES = 15

/**
 * @typedef {object} Row
 * @property {string} kind
 * @property {number} messageBytes
 * @property {number} messages in one tick
 * @property {number} packets in one tick, both ways
 * @property {number} tickNs
 * @property {number} floorNs the same bytes copied into one buffer and out of it
 * @property {number} jsonNs the same bytes as JSON text, a packet for each message
 * @property {number} unpooledNs the same tick without a pool of blocks
 * @property {number} heapBytes allocated in a tick, on the heap and as buffers, by both ends
 * @property {number} unpooledHeapBytes the same without the pool
 * @property {number} packetsPerSecond that one core could handle, both ways
 */

/**
 * @param {Core} core
 * @param {{ quick?: boolean }} [options]
 */
export function runCore(core, { quick = false } = {}) {
  // Many short samples: most of them fall between two interruptions, even on a busy machine.
  const effort = quick ? { samples: 3, sampleMs: 1, warmUpMs: 1 } : { samples: 41, sampleMs: 1, warmUpMs: 20 }
  const rows = []
  for (const kind of KINDS) {
    for (const messageBytes of [16, 64, 200]) {
      for (const messages of [1, 10, 100]) rows.push(measure(core, kind, messageBytes, messages, effort))
    }
  }
  for (const kind of quick ? KINDS.slice(2, 3) : KINDS) {
    for (const messageBytes of [65_536, 1_048_576]) rows.push(measure(core, kind, messageBytes, 1, effort))
  }
  return { rows, text: textOf(rows) }
}

/**
 * One tick of a pair: `messages` messages one way, delivered, acknowledged and told.
 * @param {Core} core
 * @param {keyof typeof CHANNELS} kind
 * @param {number} messageBytes
 * @param {number} messages
 * @param {{ pooled?: boolean }} [options]
 */
export function tickOf(core, kind, messageBytes, messages, options = {}) {
  const pair = new Pair(core.Endpoint, CHANNELS, options)
  // A message of many fragments stays in their buffers until it is whole.
  if (messageBytes <= 1024) pair.reuseBuffers()
  const payload = new Uint8Array(messageBytes).map((_, i) => i)
  const hasKeys = kind === 'sequenced' || kind === 'latest'
  // One object for each key: what a game would keep, so that none is made here.
  const keys = Array.from({ length: messages }, (_, key) => (hasKeys ? { key } : {}))
  const tick = () => {
    for (let i = 0; i < messages; i++) pair.client.send(kind, payload, keys[i])
    let left = messages
    for (let ticks = 0; left > 0; ticks++) {
      if (ticks > 1_000) throw new Error(`${kind}: ${left} of ${messages} messages never came`)
      pair.tick()
      for (let event = pair.server.pollEvent(); event !== undefined; event = pair.server.pollEvent()) {
        if (event.type === 'message') left--
      }
      while (pair.client.pollEvent() !== undefined);
    }
  }
  return { pair, payload, tick }
}

/**
 * @param {Core} core
 * @param {keyof typeof CHANNELS} kind
 * @param {number} messageBytes
 * @param {number} messages
 * @param {Effort} effort
 * @returns {Row}
 */
function measure(core, kind, messageBytes, messages, effort) {
  const { pair, payload, tick } = tickOf(core, kind, messageBytes, messages)
  const { tick: unpooledTick } = tickOf(core, kind, messageBytes, messages, { pooled: false })
  const works = [
    repeated(tick),
    bareCopies(payload, messages),
    jsonPackets(kind, payload, messages),
    repeated(unpooledTick),
  ]
  const [tickNs = Number.NaN, floorNs = Number.NaN, jsonNs = Number.NaN, unpooledNs = Number.NaN] = medianNs(
    works,
    effort,
  )
  const before = pair.client.stats.packetsSent + pair.server.stats.packetsSent
  for (let i = 0; i < PACKET_TICKS; i++) tick()
  const packets = (pair.client.stats.packetsSent + pair.server.stats.packetsSent - before) / PACKET_TICKS
  return {
    kind,
    messageBytes,
    messages,
    packets,
    tickNs,
    floorNs,
    jsonNs,
    unpooledNs,
    heapBytes: allocatedBytes(tick),
    unpooledHeapBytes: allocatedBytes(unpooledTick),
    packetsPerSecond: (1e9 * packets) / tickNs,
  }
}

/**
 * @param {() => void} work
 * @returns {(rounds: number) => void}
 */
function repeated(work) {
  return (rounds) => {
    for (let i = 0; i < rounds; i++) work()
  }
}

/**
 * Bytes that one go allocates: the median of several; those with a garbage collection in them show less than nothing.
 * @param {() => void} work
 */
function allocatedBytes(work) {
  const inUse = () => getHeapStatistics().used_heap_size + process.memoryUsage().arrayBuffers
  const first = inUse()
  const asking = inUse() - first
  const bytes = Array.from({ length: HEAP_SAMPLES }, () => {
    const before = inUse()
    work()
    return inUse() - before - asking
  }).filter((one) => one >= 0)
  return bytes.sort((a, b) => a - b)[bytes.length >> 1] ?? Number.NaN
}

/**
 * The least that anybody pays who batches: each message copied into one buffer, and out of it into bytes of its own.
 * @param {Uint8Array} payload
 * @param {number} messages
 * @returns {(rounds: number) => void}
 */
function bareCopies(payload, messages) {
  const buffer = new Uint8Array(payload.length * messages)
  const out = new Array(messages)
  return (rounds) => {
    for (let r = 0; r < rounds; r++) {
      for (let i = 0; i < messages; i++) buffer.set(payload, i * payload.length)
      for (let i = 0; i < messages; i++) out[i] = buffer.slice(i * payload.length, (i + 1) * payload.length)
    }
  }
}

/**
 * What the plainest netcode pays: `{ channel, data }` as JSON, a packet for each message, no acks, no order. The payload's
 * bytes go as a list of 32-bit numbers, which is kinder to JSON than the usual objects with names.
 * @param {string} channel
 * @param {Uint8Array} payload
 * @param {number} messages
 * @returns {(rounds: number) => void}
 */
function jsonPackets(channel, payload, messages) {
  const data = [...new Int32Array(payload.buffer, 0, payload.length >> 2)]
  const encoder = new TextEncoder()
  const decoder = new TextDecoder()
  let sum = 0
  return (rounds) => {
    for (let r = 0; r < rounds; r++) {
      for (let i = 0; i < messages; i++) {
        const packet = encoder.encode(JSON.stringify({ channel, data })).slice()
        sum += JSON.parse(decoder.decode(packet)).data.length
      }
    }
    if (sum < 0) throw new Error('never')
  }
}

/** @param {readonly Row[]} rows */
function textOf(rows) {
  const head = [
    'kind',
    'bytes',
    'messages',
    'packets',
    'ns/message',
    'ns/packet',
    'packets/s',
    'x floor',
    'x JSON',
    'heap B/message',
    'heap B/tick',
    'unpooled: x time',
    'x heap',
  ]
  const body = rows.map((row) => [
    row.kind,
    row.messageBytes,
    row.messages,
    row.packets,
    row.tickNs / row.messages,
    row.tickNs / row.packets,
    Math.round(row.packetsPerSecond),
    row.tickNs / row.floorNs,
    row.tickNs / row.jsonNs,
    Math.round(row.heapBytes / row.messages),
    Math.round(row.heapBytes),
    row.unpooledNs / row.tickNs,
    row.unpooledHeapBytes / row.heapBytes,
  ])
  return [
    'One tick: send, pack, a copy by the transport, unpack, deliver; acks and verdicts back. Median.',
    '"x floor": times the cost of copying the same bytes into one buffer and out again.',
    '"x JSON": times the cost of JSON text and one packet for each message; below 1 is faster.',
    'Heap: what a tick allocates at both ends together, events and verdicts included. "unpooled": the same with a block of its own for each message.',
    '',
    table([head, ...body]),
  ].join('\n')
}
