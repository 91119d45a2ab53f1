// The echo contest of KCP's own test (skywind3000/kcp, test.cpp and test.h): 8 bytes each 20 ms, reliable and in order, sent
// back by the other side; 10 % of round trips lose a packet, delays of 60 to 125 ms there and back that keep the order.
import { Path } from './reliable-link.mjs'
import { Side, World } from './reliable-world.mjs'

/**
 * @typedef {import('./reliable-run.mjs').Core} Core
 * @typedef {import('./reliable-run.mjs').Sim} Sim
 * @typedef {import('./reliable-run.mjs').Policy} Policy
 * @typedef {import('../src/index.ts').EndpointEvent} EndpointEvent
 */

/** Both sides are driven as often as that test drives its own: its `interval`. */
const TICK_US = 10_000
const EVERY_US = 20_000
const MESSAGES = 1000
/** One-way delay: 30 ms and up to 31 more, in whole ms. */
const DELAY_US = 30_000
const SPREAD_MS = 32
/** Smallest round trip. */
const FLOOR_MS = (2 * DELAY_US) / 1000
const CALM_US = 1_000_000
const LIMIT_US = CALM_US + 2 * MESSAGES * EVERY_US
const WIRE_OVERHEAD_BYTES = 93

/**
 * @typedef {object} Echoes
 * @property {Float64Array} excessMs round trips of messages less the shortest possible, ascending
 * @property {number} meanMs of whole round trips
 * @property {number} worstMs of whole round trips
 * @property {number} wireBytes both ways
 */

/** `loss`: of each direction. */
export const CONTESTS = [
  { id: 'KCP', what: 'echo, 5 % each way as in its test', loss: 0.05, goal: { mean: 120, worst: 300 } },
  { id: 'KCP-10', what: 'echo, 10 % each way', loss: 0.1, goal: { mean: 120, worst: 300 } },
]

/**
 * @param {Core} core
 * @param {Sim} sim
 * @param {number} loss of each direction
 * @param {Policy} policy
 * @param {number} seed
 * @returns {Echoes}
 */
export function echo(core, sim, loss, policy, seed) {
  const random = new sim.Random(seed)
  const sides = /** @type {const} */ (['client', 'server']).map((role, index) => {
    const own = random.fork(role)
    /** @type {import('./pair.mjs').ChannelTable} */
    const channels = { echo: { kind: 'ordered', verdicts: false, ...policy.channel } }
    const endpoint = new core.Endpoint({ role, now: 0, random: () => own.uint32(), channels, ...policy.endpoint })
    const path = new Path(own.fork('path'), { loss, spreadMs: SPREAD_MS }, DELAY_US, TICK_US)
    path.isCalm = true
    return new Side(index, endpoint, path, TICK_US, own.float() * TICK_US)
  })
  const [client, server] = sides
  if (client === undefined || server === undefined) throw new Error('two sides')
  const game = new EchoGame()
  const world = new World([client, server], game)
  world.run(CALM_US)
  for (const side of sides) side.path.isCalm = false
  game.isOn = true
  world.run(LIMIT_US)
  if (game.heard < MESSAGES) throw new Error(`${MESSAGES - game.heard} of ${MESSAGES} echoes never came`)
  const wholeMs = game.roundTripsMs
  return {
    excessMs: wholeMs.map((ms) => ms - FLOOR_MS).sort(),
    meanMs: wholeMs.reduce((sum, ms) => sum + ms, 0) / MESSAGES,
    worstMs: wholeMs.reduce((most, ms) => Math.max(most, ms), 0),
    wireBytes: game.wireBytes,
  }
}

class EchoGame {
  isOn = false
  heard = 0
  wireBytes = 0
  roundTripsMs = new Float64Array(MESSAGES)
  #sent = 0
  #nextAt = 0
  #payload = new Uint8Array(8)
  #view = new DataView(this.#payload.buffer)
  #sentAt = new Float64Array(MESSAGES)

  /**
   * @param {Side} side
   * @param {number} at
   */
  tick(side, at) {
    if (!this.isOn || side.index !== 0 || at < this.#nextAt || this.#sent === MESSAGES) return
    // Ticks are a whole number of µs apart, give or take one.
    this.#nextAt = at + EVERY_US - TICK_US / 2
    this.#view.setUint32(0, this.#sent)
    this.#sentAt[this.#sent++] = at
    side.endpoint.send('echo', this.#payload)
  }

  /**
   * @param {Side} side
   * @param {EndpointEvent} event
   * @param {number} at
   */
  hear(side, event, at) {
    if (event.type !== 'message') return
    if (side.index === 1) {
      side.endpoint.send('echo', event.payload, /** @type {object} */ ({ urgent: true }))
      return
    }
    const id = new DataView(event.payload.buffer, event.payload.byteOffset).getUint32(0)
    if (id !== this.heard) throw new Error(`echo ${id}, expected ${this.heard}`)
    this.roundTripsMs[this.heard++] = (at - (this.#sentAt[id] ?? 0)) / 1000
  }

  /**
   * @param {Side} _side
   * @param {Uint8Array} packet
   */
  sent(_side, packet) {
    if (this.isOn && this.heard < MESSAGES) this.wireBytes += packet.length + WIRE_OVERHEAD_BYTES
  }
}
