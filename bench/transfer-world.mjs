// Pairs of endpoints whose upward paths share one bottleneck, and a clock that jumps from event to event. Instants are whole µs.
import { PacketsUnderWay, Path } from './reliable-link.mjs'

/**
 * @typedef {import('./pair.mjs').AnyEndpoint} AnyEndpoint
 * @typedef {import('./reliable-link.mjs').Random} Random
 * @typedef {import('../src/index.ts').Bytes} Bytes
 * @typedef {import('../src/index.ts').EndpointEvent} EndpointEvent
 */

/**
 * What plays on all sides.
 * @typedef {object} Game
 * @property {(side: Side, at: number) => void} tick sends what is to leave in this tick
 * @property {(side: Side, event: EndpointEvent, at: number) => void} hear
 * @property {(side: Side, packet: Bytes, at: number) => void} sent
 */

/** IP, UDP, DTLS and SCTP around a packet. */
export const WIRE_OVERHEAD_BYTES = 93
/** Timers are late by up to this, as those of Node and of a page are. */
const TIMER_GRAIN_US = 1000

/** One line with a queue that takes packets in the order in which they come, and drops what does not fit. */
export class Bottleneck {
  overflowed = 0
  #bytesPerUs
  #roomUs
  #freeAt = 0

  /**
   * @param {number} bitsPerSecond
   * @param {number} queueBytes
   */
  constructor(bitsPerSecond, queueBytes) {
    this.#bytesPerUs = bitsPerSecond / 8e6
    this.#roomUs = queueBytes / this.#bytesPerUs
  }

  /**
   * Time that a packet spends on the line itself.
   * @param {number} wireBytes
   */
  lengthUs(wireBytes) {
    return wireBytes / this.#bytesPerUs
  }

  /**
   * When a packet that comes at `at` has passed; -1 if it does not fit.
   * @param {number} at
   * @param {number} wireBytes
   */
  pass(at, wireBytes) {
    const waitsUs = Math.max(0, this.#freeAt - at)
    const lengthUs = this.lengthUs(wireBytes)
    if (waitsUs + lengthUs > this.#roomUs) {
      this.overflowed++
      return -1
    }
    this.#freeAt = at + waitsUs + lengthUs
    return this.#freeAt
  }
}

/**
 * One endpoint with what drives it, as the driver in src/transport does beside a game: packets leave at the ticks of the game,
 * and between them when the endpoint says that something should not wait for the next.
 */
export class Side {
  nextTickAt
  alarmAt = Number.POSITIVE_INFINITY
  #phase
  #tick
  #ticks = 0

  /**
   * @param {number} index the other side of the pair is index ^ 1
   * @param {AnyEndpoint} endpoint
   * @param {Path} path to the other side
   * @param {Bottleneck} line before the path
   * @param {{ tick: number, phase: number }} beat
   */
  constructor(index, endpoint, path, line, { tick, phase }) {
    this.index = index
    this.endpoint = endpoint
    this.path = path
    this.line = line
    this.#tick = tick
    this.#phase = phase
    this.nextTickAt = Math.round(phase)
  }

  /** The present tick is over. */
  advance() {
    this.nextTickAt = Math.round(this.#phase + ++this.#ticks * this.#tick)
  }
}

export class World {
  #sides
  #game
  #underWay = new PacketsUnderWay()

  /**
   * @param {readonly Side[]} sides
   * @param {Game} game
   */
  constructor(sides, game) {
    this.#sides = sides
    this.#game = game
  }

  /**
   * Lives through everything before `until`, or until `isOver` says so after an event.
   * @param {number} until
   * @param {() => boolean} [isOver]
   */
  run(until, isOver = () => false) {
    const underWay = this.#underWay
    for (;;) {
      let next = /** @type {Side | undefined} */ (undefined)
      let at = underWay.nextAt
      for (const side of this.#sides) {
        const sideAt = Math.min(side.alarmAt, side.nextTickAt)
        if (sideAt >= at) continue
        next = side
        at = sideAt
      }
      if (at >= until || isOver()) return
      if (next === undefined) this.#arrive(at)
      else if (next.alarmAt === at) this.#alarm(next, at)
      else this.#tick(next, at)
    }
  }

  /** @param {number} at */
  #arrive(at) {
    const side = this.#sides[this.#underWay.nextTo]
    if (side === undefined) throw new RangeError('a packet for nobody')
    side.endpoint.receive(this.#underWay.pop(), at / 1000)
    this.#hear(side, at)
    this.#arm(side, at)
  }

  /**
   * @param {Side} side
   * @param {number} at
   */
  #alarm(side, at) {
    side.alarmAt = Number.POSITIVE_INFINITY
    side.endpoint.update(at / 1000)
    this.#hear(side, at)
    if (side.endpoint.hasteAt <= at / 1000) this.#flush(side, at)
    this.#arm(side, at)
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
    this.#arm(side, at)
  }

  /**
   * @param {Side} side
   * @param {number} at
   */
  #arm(side, at) {
    const waitUs = side.endpoint.hasteAt * 1000 - at
    const grains = Math.max(1, Math.ceil(waitUs / TIMER_GRAIN_US))
    side.alarmAt = Math.min(side.alarmAt, at + grains * TIMER_GRAIN_US)
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
    const { endpoint, path, line } = side
    for (let packet = endpoint.pollPacket(); packet !== undefined; packet = endpoint.pollPacket()) {
      this.#game.sent(side, packet, at)
      // A packet that is lost takes nothing from the line.
      const delayUs = path.arrival(at) - at
      if (delayUs < 0) continue
      const passedAt = line.pass(at, packet.length + WIRE_OVERHEAD_BYTES)
      if (passedAt >= 0) this.#underWay.push(Math.round(passedAt + delayUs), side.index ^ 1, packet.slice())
    }
  }
}
