// Bytes of ours on the wire, counted from packets that the code really wrote.
import { others } from './others.mjs'
import { Pair, randomFrom, TICK_MS, table } from './pair.mjs'

/**
 * @typedef {import('./pair.mjs').Core} Core
 * @typedef {import('./pair.mjs').Bytes} Bytes
 * @typedef {typeof import('../src/sim/index.ts')} Sim what `gannet/sim` exports
 * @typedef {import('../src/sim/index.ts').LinkOptions} LinkOptions
 */

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {number} bytes
 * @property {number} [atMost] what this project asks of itself
 */

const SMALL_BYTES = 20
const CHANNELS = /** @type {const} */ ({
  unreliable: { kind: 'unreliable' },
  sequenced: { kind: 'sequenced' },
  reliable: { kind: 'reliable' },
  ordered: { kind: 'ordered' },
  latest: { kind: 'latest' },
})
/** Form and flags of byte 0 (src/core/wire/WIRE.md, section 3). */
const FORM_MASK = 0xc0
const ACK_MASK = 0x30
const ACK_GROUPS = 0x20
const DELAY = 0x08

/**
 * What a data packet spends before its records.
 * @param {Uint8Array} packet
 * @returns {{ header: number, groups: number } | undefined} bytes; `groups` is what tells of lost packets
 */
export function headerOf(packet) {
  const flags = packet[0] ?? 0xff
  if ((flags & FORM_MASK) !== 0) return undefined
  const groups = (flags & ACK_MASK) === ACK_GROUPS ? 1 + (packet[7] ?? 0) : 0
  const ack = (flags & ACK_MASK) === 0 ? 0 : 2
  return { header: 5 + ack + groups + ((flags & DELAY) === 0 ? 0 : 1), groups }
}

/**
 * Headers of a 60 Hz game that sends one small message per tick both ways, after a second of settling.
 * @param {Core} core
 * @param {Sim} sim
 * @param {LinkOptions} weather
 * @param {number} seconds
 */
export function headersUnder(core, sim, weather, seconds) {
  /** @type {{ header: number, groups: number }[]} */
  const headers = []
  const payload = new Uint8Array(SMALL_BYTES)
  const side = (/** @type {'client' | 'server'} */ role, /** @type {number} */ phaseMs) => {
    const endpoint = new core.Endpoint({ role, now: 0, random: randomFrom(5), channels: CHANNELS })
    const node = {
      receive: (/** @type {Bytes} */ packet, /** @type {number} */ now) => endpoint.receive(packet, now),
      update: (/** @type {number} */ now) => endpoint.update(now),
      pollPacket: () => {
        const packet = endpoint.pollPacket()
        const header = packet && headerOf(packet)
        if (header !== undefined) headers.push(header)
        return packet
      },
      get wakeAt() {
        return endpoint.wakeAt
      },
    }
    const tick = () => {
      while (endpoint.pollEvent() !== undefined);
      if (endpoint.state === 'open') endpoint.send('unreliable', payload)
    }
    return { node, hz: 60, phaseMs, tick, drain: /** @type {const} */ ('tick') }
  }
  const world = new sim.World({
    seed: 11,
    client: side('client', 0),
    server: side('server', 7),
    up: weather,
    down: weather,
  })
  world.run(1_000)
  headers.length = 0
  world.run(1_000 * seconds)
  return {
    header: mean(headers.map(({ header }) => header)),
    groups: mean(headers.map(({ groups }) => groups)),
    mostHeader: Math.max(...headers.map(({ header }) => header)),
  }
}

/**
 * Overhead of small messages that share a packet.
 * @param {Core} core
 * @param {keyof typeof CHANNELS} kind
 * @param {boolean} hasKeys
 * @returns {{ alone: number, further: number }} `alone`: the whole packet less the payload, acks and all
 */
export function smallMessages(core, kind, hasKeys) {
  const pair = settled(core)
  const overheadOf = (/** @type {number} */ messages) => {
    const payload = new Uint8Array(SMALL_BYTES)
    for (let key = 0; key < messages; key++) pair.client.send(kind, payload, hasKeys ? { key } : {})
    pair.now += TICK_MS
    pair.client.update(pair.now)
    const packet = pair.client.pollPacket()
    if (packet === undefined) throw new Error(`${kind}: no packet`)
    const overhead = packet.length - messages * SMALL_BYTES
    pair.server.receive(packet.slice(), pair.now)
    pair.tick()
    return overhead
  }
  const alone = overheadOf(1)
  return { alone, further: (overheadOf(21) - alone) / 20 }
}

/**
 * Overhead of each fragment of a large message, without the packet's header.
 * @param {Core} core
 * @param {keyof typeof CHANNELS} kind
 * @param {number} messageBytes
 */
export function fragments(core, kind, messageBytes) {
  const pair = settled(core)
  pair.client.send(kind, new Uint8Array(messageBytes))
  let packets = 0
  let overhead = -messageBytes
  for (let ticks = 0; ticks < 100 && overhead < 0; ticks++) {
    pair.now += TICK_MS
    pair.client.update(pair.now)
    for (let packet = pair.client.pollPacket(); packet !== undefined; packet = pair.client.pollPacket()) {
      packets++
      overhead += packet.length - (headerOf(packet)?.header ?? 0)
      pair.server.receive(packet.slice(), pair.now)
    }
    pair.carry(pair.server, pair.client)
  }
  return overhead / packets
}

/**
 * Bytes per second of one side when nobody says anything.
 * @param {Core} core
 * @param {Sim} sim
 */
export function idleBytesPerSecond(core, sim) {
  const endpoints = /** @type {const} */ (['client', 'server']).map(
    (role) => new core.Endpoint({ role, now: 0, random: randomFrom(5), channels: CHANNELS }),
  )
  const [client, server] = endpoints
  if (client === undefined || server === undefined) throw new Error('two sides')
  const world = new sim.World({
    seed: 11,
    client: { node: client },
    server: { node: server },
    up: { delayMs: 50 },
    down: { delayMs: 50 },
  })
  world.run(1_000)
  client.send('unreliable', new Uint8Array(SMALL_BYTES))
  world.run(4_000)
  const before = client.stats.bytesSent + server.stats.bytesSent
  world.run(60_000)
  return (client.stats.bytesSent + server.stats.bytesSent - before) / 2 / 60
}

/**
 * A pair in the steady state: each side has heard the other, and knows that it was heard.
 * @param {Core} core
 */
function settled(core) {
  const pair = new Pair(core.Endpoint, CHANNELS)
  for (let i = 0; i < 60; i++) {
    pair.client.send('unreliable', new Uint8Array(1))
    pair.server.send('unreliable', new Uint8Array(1))
    pair.tick()
  }
  return pair
}

/** @param {readonly number[]} values */
function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/**
 * @param {Core} core
 * @param {Sim} sim
 * @param {{ quick?: boolean }} [options]
 */
export function runWire(core, sim, { quick = false } = {}) {
  const seconds = quick ? 10 : 60
  const rtt100 = { delayMs: 50 }
  const clean = headersUnder(core, sim, rtt100, seconds)
  const lossy = headersUnder(core, sim, { ...rtt100, loss: 0.05 }, seconds)
  const awful = headersUnder(core, sim, { ...rtt100, loss: 0.3 }, seconds)
  const unreliable = smallMessages(core, 'unreliable', false)
  const sequenced = smallMessages(core, 'sequenced', true)
  const reliable = smallMessages(core, 'reliable', false)
  const ordered = smallMessages(core, 'ordered', false)
  const latest = smallMessages(core, 'latest', true)
  const fragment = fragments(core, 'unreliable', 65_536)
  const reliableFragment = fragments(core, 'reliable', 65_536)
  /** @type {Row[]} */
  const rows = [
    { name: 'header: ack, delay, timestamp; no loss, mean', bytes: clean.header, atMost: 8 },
    { name: 'header at 5 % loss both ways, RTT 100 ms, 60 Hz, mean', bytes: lossy.header, atMost: 14 },
    { name: 'header at 30 % loss both ways, mean', bytes: awful.header },
    { name: '  of it, what tells of lost packets', bytes: awful.groups, atMost: 4 },
    { name: 'unreliable message of 20 B alone in its packet, all told', bytes: unreliable.alone },
    { name: '  each further one', bytes: unreliable.further, atMost: 2 },
    { name: 'reliable message of 20 B alone in its packet, all told', bytes: reliable.alone },
    { name: '  each further one', bytes: reliable.further, atMost: 3 },
    { name: '  each further one, ordered', bytes: ordered.further, atMost: 3 },
    { name: 'message with a key, sequenced, each further one', bytes: sequenced.further, atMost: 3 },
    { name: 'message with a key, latest, each further one', bytes: latest.further, atMost: 4 },
    { name: 'fragment of 64 KiB, mean', bytes: fragment, atMost: 5 },
    { name: 'fragment of 64 KiB, reliable, mean', bytes: reliableFragment, atMost: 5 },
    { name: 'idle, each side, per second', bytes: idleBytesPerSecond(core, sim) },
  ]
  const ours = {
    system: 'gannet',
    packet: `${Math.round(clean.header)} (1 flags, 2 sequence, 2 timestamp, 2 ack, 1 ack delay)`,
    unreliable: `${unreliable.alone} (${unreliable.further})`,
    reliable: `${reliable.alone} (${reliable.further})`,
    fragment: fragment.toFixed(1),
    acks: `in header; ${lossy.groups.toFixed(1)} more at 5 % loss, ${awful.groups.toFixed(1)} at 30 %`,
  }
  return { rows, text: textOf(rows, ours) }
}

/**
 * @param {readonly Row[]} rows
 * @param {import('./others.mjs').System} ours
 */
function textOf(rows, ours) {
  const targets = rows.map(({ name, bytes, atMost }) => [
    name,
    bytes.toFixed(2),
    atMost === undefined ? '' : `at most ${atMost}`,
    atMost === undefined ? '' : bytes <= atMost ? 'held' : 'MISSED',
  ])
  const systems = [ours, ...others].map((row) => [
    row.system,
    row.packet,
    row.unreliable,
    row.reliable,
    row.fragment,
    row.acks,
  ])
  const head = ['system', 'per packet', 'unreliable 20 B (further)', 'reliable 20 B (further)', 'fragment', 'acks']
  return [
    'Bytes of ours per packet and per message, counted from packets that the code wrote.',
    '',
    table([['', 'bytes', 'target', ''], ...targets]),
    '',
    'Beside others, bytes. Our row is measured; the others were read from those systems’ sources, not measured.',
    'All of it rides on some 93 bytes of IP, UDP, DTLS and SCTP for each packet.',
    '',
    [head, ...systems].map((row) => row.join(' | ')).join('\n'),
  ].join('\n')
}
