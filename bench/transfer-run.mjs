// One run: large reliable messages cross a bottleneck beside the traffic of a game. Instants are whole µs of a virtual clock.
import { Path } from './reliable-link.mjs'
import { Bottleneck, Side, WIRE_OVERHEAD_BYTES, World } from './transfer-world.mjs'

/**
 * @typedef {import('./pair.mjs').Core} Core
 * @typedef {typeof import('../src/sim/index.ts')} Sim what `gannet/sim` exports
 * @typedef {import('./reliable-link.mjs').Random} Random
 * @typedef {import('../src/index.ts').Bytes} Bytes
 * @typedef {import('../src/index.ts').EndpointEvent} EndpointEvent
 * @typedef {'delay' | 'aimd' | 'fixed'} Controller
 */

/**
 * @typedef {object} Scenario
 * @property {number} bytes of the message
 * @property {number} mbits of the bottleneck, Mbit/s, each way; its queue holds one bandwidth-delay product
 * @property {number} rttMs base delay, there and back
 * @property {number} loss share of packets lost, each way
 * @property {number} [jitterMs] behind the bottleneck, as in reliable-link.mjs; reorders
 */

/**
 * @typedef {object} Outcome
 * @property {number} ms from sending the message to its delivery
 * @property {number} idealMs size / rate + delay
 * @property {readonly number[]} queueMs how much longer than on an empty path each of the game's packets took meanwhile
 * @property {number} overhead packets with fragments beyond one for each fragment, as a share
 * @property {number} ackShare wire bytes of packets that only acknowledge, as a share of those with fragments
 */

const HZ = 60
const TICK_US = 1e6 / HZ
const STATE_BYTES = 200
/** No loss until then: the handshake is not what is measured. */
const CALM_US = 1_000_000
const WARM_UP_US = 3_000_000
/** Time for the last acks. */
const SETTLE_US = 2_000_000
/** A transfer that takes longer has failed. */
const LIMIT_US = 600_000_000

/**
 * One endpoint of each of `pairs` pairs sends upwards over one line; what comes down has lines of its own.
 * @param {Core} core
 * @param {Random} random
 * @param {Scenario} scenario
 * @param {readonly { client: object, server: object }[]} options of the endpoints, for each pair
 */
function sidesOf(core, random, scenario, options) {
  const bdpBytes = (scenario.mbits * 1e6 * scenario.rttMs) / 8000
  const newLine = () => new Bottleneck(scenario.mbits * 1e6, bdpBytes)
  const up = newLine()
  const { loss, jitterMs } = scenario
  const weather = { loss, ...(jitterMs === undefined ? {} : { jitterMs }) }
  return options.flatMap(({ client, server }, pair) =>
    [client, server].map((chosen, i) => {
      const own = random.fork(`side ${pair} ${i}`)
      const salt = own.fork('salt')
      /** @type {import('./pair.mjs').ChannelTable} */
      const channels = { bulk: { kind: 'reliable' }, state: { kind: 'unreliable', verdicts: false } }
      const endpoint = new core.Endpoint({
        role: i === 0 ? 'client' : 'server',
        now: 0,
        random: () => salt.uint32(),
        channels,
        ...chosen,
      })
      const path = new Path(own.fork('path'), weather, Math.round(scenario.rttMs * 500), TICK_US)
      path.isCalm = true
      const tick = TICK_US * (1 + 2e-4 * i + 1e-4 * pair)
      const phase = own.fork('phase').float() * tick
      return new Side(2 * pair + i, endpoint, path, i === 0 ? up : newLine(), { tick, phase })
    }),
  )
}

/** State each tick on all sides, and what is noted of it and of the transfers. */
class Traffic {
  /** One-way time of the client's state beyond the path's own, ms, while `isNoted`. */
  queueMs = /** @type {number[]} */ ([])
  isNoted = false
  deliveredAt = -1
  isSettled = false
  /** Payload bytes of fragments that left, for each pair. */
  bulkBytes
  bulkPackets = 0
  bulkWireBytes = 0
  ackWireBytes = 0
  #delayUs
  #state = new Uint8Array(STATE_BYTES)
  #view = new DataView(this.#state.buffer)

  /**
   * @param {number} delayUs
   * @param {number} pairs
   */
  constructor(delayUs, pairs) {
    this.#delayUs = delayUs
    this.bulkBytes = new Array(pairs).fill(0)
  }

  /**
   * @param {Side} side
   * @param {number} at
   */
  tick(side, at) {
    if (side.endpoint.state !== 'open') return
    this.#view.setFloat64(0, at)
    side.endpoint.send('state', this.#state)
  }

  /**
   * @param {Side} side
   * @param {EndpointEvent} event
   * @param {number} at
   */
  hear(side, event, at) {
    if (event.type === 'verdict') this.isSettled = event.verdict === 'acked'
    if (event.type !== 'message') return
    const { payload } = event
    if (event.channel === 'bulk') {
      for (const i of [0, 1, payload.length >> 1, payload.length - 1]) {
        if (payload[i] !== byteAt(i)) throw new Error(`byte ${i} of the message is not what was sent`)
      }
      this.deliveredAt = at
      return
    }
    if (!this.isNoted || side.index !== 1) return
    const sentAt = new DataView(payload.buffer, payload.byteOffset).getFloat64(0)
    // Its own time on the line is no queue.
    const lengthUs = side.line.lengthUs(STATE_BYTES + 12 + WIRE_OVERHEAD_BYTES)
    this.queueMs.push(Math.max(0, at - sentAt - this.#delayUs - lengthUs) / 1000)
  }

  /**
   * @param {Side} side
   * @param {Bytes} packet
   */
  sent(side, packet) {
    if (!this.isNoted) return
    const wireBytes = packet.length + WIRE_OVERHEAD_BYTES
    if (side.index % 2 === 0) {
      // State alone is a quarter as long.
      if (packet.length < 2 * STATE_BYTES) return
      this.bulkPackets++
      this.bulkWireBytes += wireBytes
      this.bulkBytes[side.index >> 1] += packet.length
    } else if (packet.length < STATE_BYTES) {
      this.ackWireBytes += wireBytes
    }
  }
}

/** Payload of a full fragment, bytes, and its packet on the wire. */
const FRAGMENT_BYTES = 1086
const FRAGMENT_WIRE_BYTES = FRAGMENT_BYTES + 8 + 5 + WIRE_OVERHEAD_BYTES
/** Packets that may leave before anything is known of the rate. */
const FIRST_PACKETS = 16

/**
 * What no transfer can beat, ms: the bytes that must cross beside those of the game, and the round trips that doubling from
 * the first window takes while the rate is not known.
 * @param {Scenario} scenario
 */
export function boundMs({ bytes, mbits, rttMs, loss }) {
  const bytesPerMs = mbits * 125
  const gameBytesPerMs = (HZ * (STATE_BYTES + 12 + WIRE_OVERHEAD_BYTES)) / 1000
  const wireBytes = (bytes * FRAGMENT_WIRE_BYTES) / FRAGMENT_BYTES
  const freeBytesPerMs = (bytesPerMs - gameBytesPerMs) * (1 - loss)
  let left = wireBytes
  let rounds = 0
  for (let window = FIRST_PACKETS * FRAGMENT_WIRE_BYTES; window < bytesPerMs * rttMs && window < left; window *= 2) {
    left -= window
    rounds++
  }
  return {
    ideal: bytes / bytesPerMs + rttMs / 2,
    steady: wireBytes / freeBytesPerMs + rttMs / 2,
    fromNothing: rounds * rttMs + left / freeBytesPerMs + rttMs / 2,
  }
}

/** @param {number} index */
function byteAt(index) {
  return (index * 31 + (index >> 8)) & 0xff
}

/** @param {number} bytes */
function messageOf(bytes) {
  return Uint8Array.from({ length: bytes }, (_, i) => byteAt(i))
}

const messages = /** @type {Map<number, Uint8Array>} */ (new Map())

/**
 * One transfer over a fresh connection that knows the round trip from three seconds of play, and nothing of the rate.
 * @param {Core} core
 * @param {Sim} sim
 * @param {Scenario} scenario
 * @param {object} options of both endpoints
 * @param {number} seed
 * @returns {Outcome}
 */
export function transfer(core, sim, scenario, options, seed) {
  const random = new sim.Random(seed)
  const sides = sidesOf(core, random, scenario, [{ client: options, server: options }])
  const [client] = sides
  if (client === undefined) throw new RangeError('no sides')
  const traffic = new Traffic(scenario.rttMs * 500, 1)
  const world = new World(sides, traffic)
  opened(world, sides)
  // At an instant of its own, just before a tick of the game.
  world.run(CALM_US + WARM_UP_US + Math.round(random.fork('start').float() * 1e6))
  const startsAt = client.nextTickAt
  world.run(startsAt)
  const { bytes } = scenario
  const message = messages.get(bytes) ?? messageOf(bytes)
  messages.set(bytes, message)
  traffic.isNoted = true
  client.endpoint.update(startsAt / 1000)
  client.endpoint.send('bulk', message)
  world.run(startsAt + LIMIT_US, () => traffic.deliveredAt >= 0)
  const { queueMs } = traffic
  traffic.queueMs = []
  if (traffic.deliveredAt < 0) throw new Error(`not there after ${LIMIT_US / 1e6} s: ${JSON.stringify(scenario)}`)
  world.run(traffic.deliveredAt + SETTLE_US)
  if (!traffic.isSettled) throw new Error('the message has no verdict')
  const { stats } = client.endpoint
  const again = stats.resends + stats.copies + stats.repairs
  return {
    ms: (traffic.deliveredAt - startsAt) / 1000,
    idealMs: (bytes * 8) / (scenario.mbits * 1000) + scenario.rttMs / 2,
    queueMs,
    overhead: again / (traffic.bulkPackets - again),
    ackShare: traffic.ackWireBytes / traffic.bulkWireBytes,
  }
}

/**
 * Flows that all send without end over one line: the share of each, and the game's queue.
 * @param {Core} core
 * @param {Sim} sim
 * @param {Omit<Scenario, 'bytes'>} scenario
 * @param {readonly object[]} options of the sender of each flow
 * @param {number} seconds measured, after five to settle
 * @param {number} seed
 */
export function share(core, sim, scenario, options, seconds, seed) {
  const random = new sim.Random(seed)
  const sides = sidesOf(
    core,
    random,
    { ...scenario, bytes: 0 },
    options.map((client) => ({ client, server: {} })),
  )
  const traffic = new Traffic(scenario.rttMs * 500, options.length)
  const world = new World(sides, traffic)
  opened(world, sides)
  const bytes = 1024 * 1024
  const message = messages.get(bytes) ?? messageOf(bytes)
  messages.set(bytes, message)
  const endsAt = CALM_US + WARM_UP_US + (5 + seconds) * 1e6
  for (let at = CALM_US + WARM_UP_US; at < endsAt; at += 100_000) {
    for (const side of sides.filter(({ index }) => index % 2 === 0)) {
      while (side.endpoint.stats.queuedBytes < bytes) side.endpoint.send('bulk', message)
    }
    traffic.isNoted = at >= endsAt - seconds * 1e6
    world.run(at + 100_000)
  }
  const total = traffic.bulkBytes.reduce((sum, own) => sum + own, 0)
  return {
    shares: traffic.bulkBytes.map((own) => own / total),
    used: (traffic.bulkWireBytes * 8) / (seconds * scenario.mbits * 1e6),
    queueMs: traffic.queueMs,
  }
}

/**
 * @param {World} world
 * @param {readonly Side[]} sides
 */
function opened(world, sides) {
  world.run(CALM_US)
  for (const side of sides) {
    if (side.endpoint.state !== 'open') throw new Error(`side ${side.index} is still ${side.endpoint.state}`)
    side.path.isCalm = false
  }
}
