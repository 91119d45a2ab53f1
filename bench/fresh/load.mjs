// What each contender carries, and the account of it: the same code in the page and in Node.

/** Ticks per second. */
export const HZ = 60
/** Bytes of a message that say what it is: kind 1, three spare, number 4, instant of sending 8. */
export const STAMP_BYTES = 16

/** @typedef {'state' | 'reliable' | 'transfer'} Kind */
/** @type {readonly Kind[]} */
const KINDS = ['state', 'reliable', 'transfer']

/**
 * What one side sends.
 * @typedef {object} Plan
 * @property {number} startAt instant of the first tick, ms on the common clock
 * @property {number} ticks
 * @property {number} stateBytes 0: no state
 * @property {number} reliablePerSecond mean
 * @property {number} reliableBytes
 * @property {number} transferBytes 0: none
 * @property {readonly number[]} transferTicks ticks at which a transfer starts
 * @property {number} seed
 */

/**
 * What one side sent, and what it got: triples and pairs in flat arrays, ms on the common clock.
 * @typedef {object} Account
 * @property {Record<Kind, number[]>} sent instants
 * @property {Record<Kind, number[]>} got pairs: sent at, arrived at
 */

/**
 * How a contender carries a message. What it cannot take is lost.
 * @typedef {object} Carrier
 * @property {(kind: Kind, message: Uint8Array<ArrayBuffer>) => void} send
 * @property {() => void} [beginTick]
 * @property {() => void} [endTick]
 */

/** One side of one contender. */
export class Load {
  #clock
  /** @type {Record<Kind, number>} */
  #next = { state: 0, reliable: 0, transfer: 0 }
  /** Message numbers that came: a copy that a network made is no second delivery. */
  #seen = /** @type {Record<Kind, Set<number>>} */ ({ state: new Set(), reliable: new Set(), transfer: new Set() })
  /** @type {Account} */
  account = {
    sent: { state: [], reliable: [], transfer: [] },
    got: { state: [], reliable: [], transfer: [] },
  }

  /** @param {() => number} clock */
  constructor(clock) {
    this.#clock = clock
  }

  /** @param {Uint8Array} message */
  take(message) {
    if (message.length < STAMP_BYTES) return
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
    const kind = KINDS[view.getUint8(0)]
    const number = view.getUint32(4)
    if (kind === undefined || this.#seen[kind].has(number)) return
    this.#seen[kind].add(number)
    this.account.got[kind].push(view.getFloat64(8), this.#clock())
  }

  /**
   * Ticks until the plan is done.
   * @param {Plan} plan
   * @param {Carrier} carrier
   * @returns {Promise<void>}
   */
  run(plan, carrier) {
    const random = randomOf(plan.seed)
    const chance = plan.reliablePerSecond / HZ
    let tick = 0
    return new Promise((resolve) => {
      const step = () => {
        // A tick that was missed is made up for at once, as a game does that keeps its rate.
        while (tick < plan.ticks && this.#clock() >= plan.startAt + (tick * 1000) / HZ) {
          carrier.beginTick?.()
          if (plan.transferTicks.includes(tick)) this.#send('transfer', plan.transferBytes, carrier)
          if (random() < chance) this.#send('reliable', plan.reliableBytes, carrier)
          if (plan.stateBytes > 0) this.#send('state', plan.stateBytes, carrier)
          carrier.endTick?.()
          tick++
        }
        if (tick >= plan.ticks) return resolve()
        setTimeout(step, Math.max(0, plan.startAt + (tick * 1000) / HZ - this.#clock()))
      }
      step()
    })
  }

  /**
   * @param {Kind} kind
   * @param {number} bytes
   * @param {Carrier} carrier
   */
  #send(kind, bytes, carrier) {
    const message = new Uint8Array(bytes)
    const view = new DataView(message.buffer)
    const at = this.#clock()
    view.setUint8(0, KINDS.indexOf(kind))
    view.setUint32(4, this.#next[kind]++)
    view.setFloat64(8, at)
    this.account.sent[kind].push(at)
    carrier.send(kind, message)
  }
}

/** Largest message of node-datachannel as it comes, bytes. */
const MAX_WHOLE_BYTES = 256 * 1024
const PIECE_BYTES = 64 * 1024
const NO_KIND = 255

/**
 * What a reliable, ordered channel is given for `message`: itself, or pieces of which the last tells that all have come.
 * @param {Uint8Array<ArrayBuffer>} message
 */
export function piecesOf(message) {
  if (message.length <= MAX_WHOLE_BYTES) return [message]
  const pieces = []
  for (let at = 0; at < message.length; at += PIECE_BYTES) pieces.push(message.slice(at, at + PIECE_BYTES))
  pieces.at(-1)?.set(message.subarray(0, STAMP_BYTES))
  if (pieces[0] !== undefined) pieces[0][0] = NO_KIND
  for (const piece of pieces.slice(1, -1)) piece[0] = NO_KIND
  return pieces
}

/**
 * A small seeded source of numbers from 0 to 1 (mulberry32 by Tommy Ettinger, public domain).
 * @param {number} seed
 * @returns {() => number}
 */
export function randomOf(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
