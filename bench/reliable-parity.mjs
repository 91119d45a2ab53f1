// Small reliable messages that are dense: XOR parity over the last ticks against the core's copies. Parity is not in the core;
// here it lies above it, on an unreliable channel of the same packets, and what it recovers counts as delivered.
import { table } from './pair.mjs'
import { Path } from './reliable-link.mjs'
import { PacketView } from './reliable-packet.mjs'
import { Side, World } from './reliable-world.mjs'

/**
 * @typedef {import('./reliable-run.mjs').Core} Core
 * @typedef {import('./reliable-run.mjs').Sim} Sim
 * @typedef {import('./reliable-run.mjs').Random} Random
 * @typedef {import('./reliable-link.mjs').Weather} Weather
 * @typedef {import('../src/index.ts').Bytes} Bytes
 * @typedef {import('../src/index.ts').EndpointEvent} EndpointEvent
 */

/**
 * @typedef {object} Dense
 * @property {string} what
 * @property {number} perSecond messages in each direction
 * @property {readonly [least: number, most: number]} bytes of a message
 * @property {Weather} weather
 */

/**
 * @typedef {object} Guard what is done before a loss is known
 * @property {string} name
 * @property {'none' | 'lean' | 'full'} redundancy
 * @property {number} ticks over which a parity goes; 0: none
 */

const TICK_US = 1e6 / 60
const DELAY_US = 50_000
const DRIFT = 2e-4
const CALM_US = 1_000_000
const FROM_US = 4_000_000
const DRAIN_US = 5_000_000
const STATE = new Uint8Array(100)
const WIRE_OVERHEAD_BYTES = 93
/** Parities that wait for what they lack, at most, and ids of messages that are remembered, a power of two. */
const PENDING = 16
const MEMORY = 1024

const FIXED = /** @type {const} */ ([64, 64])
/** As in the cells of the other table. */
const MIXED = /** @type {const} */ ([16, 200])
/** @type {readonly Weather[]} */
const WEATHERS = [{ loss: 0.05 }, { loss: 0.1 }, { loss: 0.05, burst: 3 }]

/** @type {readonly Dense[]} */
const CELLS = [
  ...[60, 30].flatMap((perSecond) => WEATHERS.map((weather) => cell(perSecond, FIXED, weather))),
  cell(60, MIXED, { loss: 0.05 }),
]

/**
 * @param {number} perSecond
 * @param {readonly [least: number, most: number]} bytes
 * @param {Weather} weather
 * @returns {Dense}
 */
function cell(perSecond, bytes, weather) {
  const [least, most] = bytes
  const size = least === most ? least : `${least} to ${most}`
  const bursts = weather.burst === undefined ? '' : `, bursts of ${weather.burst}`
  return { what: `${perSecond}/s of ${size} B, ${100 * (weather.loss ?? 0)} %${bursts}`, perSecond, bytes, weather }
}

/** @type {readonly Guard[]} */
const GUARDS = [
  { name: 'full', redundancy: 'full', ticks: 0 },
  ...[1, 2, 3, 4].map((ticks) => ({ name: `parity of ${ticks}`, redundancy: /** @type {const} */ ('none'), ticks })),
  { name: 'none', redundancy: 'none', ticks: 0 },
]

/** Makes one parity of the sections of a few ticks. A section: each message of the tick, with a byte of length before it. */
class ParityWriter {
  #counts = /** @type {number[]} */ ([])
  #first = 0
  #xor = new Uint8Array(1000)
  #length = 0
  #at = 0

  /** @param {number} ticks */
  constructor(ticks) {
    this.ticks = ticks
  }

  /** @param {number} nextId of the first message of the tick that begins */
  beginTick(nextId) {
    if (this.#counts.length === 0) this.#first = nextId
    this.#counts.push(0)
    this.#at = 0
  }

  /** @param {Uint8Array} payload */
  add(payload) {
    this.#counts.push((this.#counts.pop() ?? 0) + 1)
    this.#mix(payload.length)
    for (const byte of payload) this.#mix(byte)
    this.#length = Math.max(this.#length, this.#at)
  }

  /** The parity of the ticks before this one, when it is time; nothing if they had no message. */
  take() {
    if (this.#counts.length < this.ticks) return undefined
    const counts = this.#counts
    const parity = new Uint8Array(2 + counts.length + this.#length)
    parity.set([(this.#first >> 8) & 255, this.#first & 255, ...counts])
    parity.set(this.#xor.subarray(0, this.#length), 2 + counts.length)
    const isEmpty = this.#length === 0
    this.#counts = []
    this.#xor.fill(0)
    this.#length = 0
    return isEmpty ? undefined : parity
  }

  /** @param {number} byte */
  #mix(byte) {
    this.#xor[this.#at] = (this.#xor[this.#at] ?? 0) ^ byte
    this.#at++
  }
}

/** Recovers the one section that a parity's ticks lack. */
class ParityReader {
  #ticks
  #payloads = /** @type {(Uint8Array | undefined)[]} */ (new Array(MEMORY).fill(undefined))
  #ids = new Float64Array(MEMORY).fill(-1)
  #newest = -1
  #pending = /** @type {Uint8Array[]} */ ([])
  #recover

  /**
   * @param {number} ticks
   * @param {(id: number, payload: Uint8Array) => void} recover
   */
  constructor(ticks, recover) {
    this.#ticks = ticks
    this.#recover = recover
  }

  /**
   * @param {number} id
   * @param {Uint8Array} payload
   */
  hear(id, payload) {
    this.#ids[id % MEMORY] = id
    this.#payloads[id % MEMORY] = payload
    this.#newest = Math.max(this.#newest, id)
    this.#pending = this.#pending.filter((parity) => !this.#isDone(parity))
  }

  /** @param {Uint8Array} parity */
  hearParity(parity) {
    if (this.#isDone(parity)) return
    this.#pending.push(parity)
    if (this.#pending.length > PENDING) this.#pending.shift()
  }

  /**
   * Whether nothing is left to do with a parity.
   * @param {Uint8Array} parity
   */
  #isDone(parity) {
    const low = ((parity[0] ?? 0) << 8) | (parity[1] ?? 0)
    const first = low + 65536 * Math.round((this.#newest - low) / 65536)
    let id = first
    let lacking = -1
    let lackingFrom = 0
    const body = parity.slice(2 + this.#ticks)
    for (let i = 0; i < this.#ticks; i++) {
      const count = parity[2 + i] ?? 0
      const isHeard = Array.from({ length: count }, (_, j) => this.#ids[(id + j) % MEMORY] === id + j).every(Boolean)
      if (!isHeard && lacking >= 0) return false
      if (isHeard) this.#unmix(body, id, count)
      else [lacking, lackingFrom] = [i, id]
      id += count
    }
    if (lacking < 0) return true
    for (let j = 0, at = 0; j < (parity[2 + lacking] ?? 0); j++) {
      const length = body[at] ?? 0
      this.#recover(lackingFrom + j, body.slice(at + 1, at + 1 + length))
      at += 1 + length
    }
    return true
  }

  /**
   * @param {Uint8Array} body
   * @param {number} first
   * @param {number} count
   */
  #unmix(body, first, count) {
    for (let j = 0, at = 0; j < count; j++) {
      const payload = this.#payloads[(first + j) % MEMORY] ?? STATE
      body[at] = (body[at] ?? 0) ^ payload.length
      for (const [i, byte] of payload.entries()) body[at + 1 + i] = (body[at + 1 + i] ?? 0) ^ byte
      at += 1 + payload.length
    }
  }
}

/** One direction: who sends, and what came of it on the other side. */
class Direction {
  createdAt = /** @type {number[]} */ ([])
  deliveredAt = /** @type {number[]} */ ([])
  /** When parity recovered it, before a copy came. */
  recoveredAt = /** @type {number[]} */ ([])
  bytes = /** @type {number[]} */ ([])
  nextAt = 0
  wireBytes = 0
  /** Bytes of copies that left when an ack could have told that the message had been recovered. */
  needlessBytes = 0
  writer
  reader
  now = 0

  /**
   * @param {Random} random
   * @param {number} ticks
   */
  constructor(random, ticks) {
    this.random = random
    this.writer = ticks > 0 ? new ParityWriter(ticks) : undefined
    const recover = (/** @type {number} */ id, /** @type {Uint8Array} */ payload) => {
      if (payload[payload.length - 1] !== (id & 255)) throw new Error(`message ${id}: parity gave another`)
      if (this.deliveredAt[id] !== undefined) return
      this.deliveredAt[id] = this.now
      this.recoveredAt[id] = this.now
    }
    this.reader = ticks > 0 ? new ParityReader(ticks, recover) : undefined
  }
}

class DenseGame {
  #dense
  #to
  #directions
  #view = new PacketView()

  /**
   * @param {Dense} dense
   * @param {readonly [Direction, Direction]} directions
   * @param {number} to
   */
  constructor(dense, directions, to) {
    this.#dense = dense
    this.#directions = directions
    this.#to = to
  }

  /**
   * @param {Side} side
   * @param {number} at
   */
  tick(side, at) {
    const { endpoint } = side
    if (endpoint.state !== 'open') return
    const direction = this.#directions[side.index === 0 ? 0 : 1]
    const { createdAt, writer, random } = direction
    const parity = writer?.take()
    if (parity !== undefined) endpoint.send('parity', parity)
    writer?.beginTick(createdAt.length)
    const [least, most] = this.#dense.bytes
    for (
      ;
      direction.nextAt <= at && direction.nextAt < this.#to;
      direction.nextAt += random.exponential(1e6 / this.#dense.perSecond)
    ) {
      const payload = new Uint8Array(least + Math.floor((most - least + 1) * random.float()))
      new DataView(payload.buffer).setUint32(0, createdAt.length)
      payload.fill(createdAt.length & 255, 4)
      writer?.add(payload)
      endpoint.send('reliable', payload)
      createdAt.push(at)
      direction.bytes.push(payload.length)
    }
    endpoint.send('state', STATE)
  }

  /**
   * @param {Side} side
   * @param {EndpointEvent} event
   * @param {number} at
   */
  hear(side, event, at) {
    if (event.type !== 'message' || event.channel === 'state') return
    const direction = this.#directions[side.index === 0 ? 1 : 0]
    direction.now = at
    const payload = event.payload.slice()
    if (event.channel === 'parity') {
      direction.reader?.hearParity(payload)
      return
    }
    const id = new DataView(payload.buffer).getUint32(0)
    direction.deliveredAt[id] ??= at
    direction.reader?.hear(id, payload)
  }

  /**
   * @param {Side} side
   * @param {Bytes} packet
   * @param {boolean} _arrives
   * @param {number} at
   */
  sent(side, packet, _arrives, at) {
    if (at < FROM_US || at >= this.#to) return
    const direction = this.#directions[side.index === 0 ? 0 : 1]
    direction.wireBytes += packet.length + WIRE_OVERHEAD_BYTES
    const view = this.#view
    view.read(packet)
    for (let i = 0; i < view.length; i++) {
      const id = view.ids[i] ?? 0
      const recoveredAt = direction.recoveredAt[id]
      if (recoveredAt !== undefined && recoveredAt + DELAY_US < at) {
        direction.needlessBytes += (direction.bytes[id] ?? 0) + (view.framing[i] ?? 0)
      }
    }
  }
}

/**
 * @param {Core} core
 * @param {Sim} sim
 * @param {Dense} dense
 * @param {Guard} guard
 * @param {number} seconds
 * @param {number} seed
 */
function play(core, sim, dense, guard, seconds, seed) {
  const random = new sim.Random(seed)
  const to = FROM_US + seconds * 1e6
  const sides = /** @type {const} */ (['client', 'server']).map((role, index) => {
    const own = random.fork(role)
    /** @type {import('./pair.mjs').ChannelTable} */
    const channels = {
      reliable: { kind: 'reliable', verdicts: false, redundancy: guard.redundancy },
      state: { kind: 'unreliable', verdicts: false },
      parity: { kind: 'unreliable', verdicts: false },
    }
    const endpoint = new core.Endpoint({ role, now: 0, random: () => own.uint32(), channels })
    const path = new Path(own.fork('path'), dense.weather, DELAY_US, TICK_US)
    path.isCalm = true
    return new Side(index, endpoint, path, index === 0 ? TICK_US : TICK_US * (1 + DRIFT), own.float() * TICK_US)
  })
  const [client, server] = sides
  if (client === undefined || server === undefined) throw new Error('two sides')
  const directions = /** @type {const} */ ([
    new Direction(random.fork('up'), guard.ticks),
    new Direction(random.fork('down'), guard.ticks),
  ])
  const world = new World([client, server], new DenseGame(dense, directions, to))
  world.run(CALM_US)
  for (const side of sides) side.path.isCalm = false
  world.run(to + DRAIN_US)
  const excessMs = directions.flatMap(({ createdAt, deliveredAt }) =>
    createdAt.flatMap((at, id) =>
      at < FROM_US ? [] : [((deliveredAt[id] ?? Number.POSITIVE_INFINITY) - at - DELAY_US) / 1000],
    ),
  )
  return {
    excessMs: Float64Array.from(excessMs).sort(),
    wireBytes: directions[0].wireBytes + directions[1].wireBytes,
    needlessBytes: directions[0].needlessBytes + directions[1].needlessBytes,
  }
}

/**
 * @param {Core} core
 * @param {Sim} sim
 * @param {number} seconds of virtual time for each run
 * @param {number} seed
 */
export function benchParity(core, sim, seconds, seed) {
  const rows = CELLS.flatMap((dense) => {
    const bare = play(core, sim, { ...dense, weather: {} }, { name: '', redundancy: 'none', ticks: 0 }, seconds, seed)
    return GUARDS.map((guard) => {
      const { excessMs, wireBytes, needlessBytes } = play(core, sim, dense, guard, seconds, seed)
      const at = (/** @type {number} */ q) => (excessMs[Math.ceil(q * excessMs.length) - 1] ?? Number.NaN).toFixed(1)
      const mean = excessMs.reduce((sum, ms) => sum + ms, 0) / excessMs.length
      const share = (/** @type {number} */ bytes) => `${(100 * (bytes / bare.wireBytes - 1)).toFixed(1)} %`
      return [
        dense.what,
        guard.name,
        mean.toFixed(2),
        at(0.99),
        at(0.999),
        share(wireBytes),
        guard.ticks > 0 ? share(wireBytes - needlessBytes) : '',
      ]
    })
  })
  return [
    `Small dense reliable messages beside 100 B of state per tick, RTT 100 ms, 60 Hz, both ways; excess latency in ms, seed ${seed},`,
    `${seconds} s of virtual time. full: the core's copies. parity of k: in each k-th tick the XOR of what was sent in the k ticks before,`,
    'beside resends alone (none). wire: bytes beyond those without loss and redundancy. told: without the resends of what had been',
    'recovered and whose sender could have been told so.',
    '',
    table([['messages', 'guard', 'mean', 'p99', 'p99.9', 'wire', 'told'], ...rows]),
  ].join('\n')
}
