// Two endpoints, a path each way, and a clock that jumps from event to event. Instants here are whole µs.
import { PacketsUnderWay } from './reliable-link.mjs'

/**
 * @typedef {import('./pair.mjs').AnyEndpoint} AnyEndpoint
 * @typedef {import('./reliable-link.mjs').Path} Path
 * @typedef {import('../src/index.ts').Bytes} Bytes
 * @typedef {import('../src/index.ts').EndpointEvent} EndpointEvent
 */

/**
 * What plays on both sides.
 * @typedef {object} Game
 * @property {(side: Side, at: number) => void} tick sends what is to leave in this tick
 * @property {(side: Side, event: EndpointEvent, at: number) => void} hear
 * @property {(side: Side, packet: Bytes, arrives: boolean, at: number) => void} sent
 */

/** Pause before an endpoint that still wants to be woken right after it was served gets its next turn: a timer's grain. */
const GRAIN_US = 1000

/**
 * One endpoint and what drives it: ticks of a game, arrivals as they come, and between them a timer at `wakeAt`, as the
 * driver in src/transport does it. Packets leave at ticks, and otherwise only when the endpoint asks for it.
 */
export class Side {
  nextTickAt
  wakeAt = Number.POSITIVE_INFINITY
  #phase
  #ticks = 0

  /**
   * @param {number} index 0 or 1
   * @param {AnyEndpoint} endpoint
   * @param {Path} path to the other side
   * @param {number} tick period
   * @param {number} phase instant of the first tick
   */
  constructor(index, endpoint, path, tick, phase) {
    this.index = index
    this.endpoint = endpoint
    this.path = path
    this.tick = tick
    this.#phase = phase
    this.nextTickAt = Math.round(phase)
  }

  /** The present tick is over. */
  advance() {
    this.nextTickAt = Math.round(this.#phase + ++this.#ticks * this.tick)
  }
}

export class World {
  #sides
  #game
  #underWay = new PacketsUnderWay()

  /**
   * @param {readonly [Side, Side]} sides
   * @param {Game} game
   */
  constructor(sides, game) {
    this.#sides = sides
    this.#game = game
  }

  /**
   * Lives through everything before `until`.
   * @param {number} until
   */
  run(until) {
    const [a, b] = this.#sides
    const underWay = this.#underWay
    for (;;) {
      // What came in goes first, then timers, then the game.
      const wakeAt = Math.min(a.wakeAt, b.wakeAt)
      const tickAt = Math.min(a.nextTickAt, b.nextTickAt)
      const at = Math.min(underWay.nextAt, wakeAt, tickAt)
      if (at >= until) return
      if (underWay.nextAt === at) {
        const side = underWay.nextTo === 0 ? a : b
        side.endpoint.receive(underWay.pop(), at / 1000)
        this.#hear(side, at)
        this.#serve(side, at)
      } else if (wakeAt === at) {
        this.#serve(a.wakeAt === at ? a : b, at)
      } else {
        this.#tick(a.nextTickAt === at ? a : b, at)
      }
    }
  }

  /**
   * @param {Side} side
   * @param {number} at
   */
  #tick(side, at) {
    side.advance()
    side.endpoint.update(at / 1000)
    this.#hear(side, at)
    this.#game.tick(side, at)
    this.#flush(side, at)
    this.#rearm(side, at)
  }

  /**
   * Between ticks: nothing happens unless the endpoint asks for it.
   * @param {Side} side
   * @param {number} at
   */
  #serve(side, at) {
    const { endpoint } = side
    if (endpoint.wakeAt <= at / 1000) {
      endpoint.update(at / 1000)
      this.#hear(side, at)
      if (endpoint.wakeAt <= at / 1000) this.#flush(side, at)
    }
    this.#rearm(side, at)
  }

  /**
   * @param {Side} side
   * @param {number} at
   */
  #rearm(side, at) {
    const wakeAt = Math.ceil(side.endpoint.wakeAt * 1000)
    side.wakeAt = wakeAt > at ? wakeAt : at + GRAIN_US
  }

  /**
   * @param {Side} side
   * @param {number} at
   */
  #hear(side, at) {
    const { endpoint } = side
    for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) {
      if (event.type === 'closed') throw new Error(`side ${side.index} closed: ${JSON.stringify(event.reason)}`)
      this.#game.hear(side, event, at)
    }
  }

  /**
   * @param {Side} side
   * @param {number} at
   */
  #flush(side, at) {
    const { endpoint, path } = side
    for (let packet = endpoint.pollPacket(); packet !== undefined; packet = endpoint.pollPacket()) {
      const arrivesAt = path.arrival(at)
      this.#game.sent(side, packet, arrivesAt >= 0, at)
      if (arrivesAt >= 0) this.#underWay.push(arrivesAt, 1 - side.index, packet.slice())
    }
  }
}
