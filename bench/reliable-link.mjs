// One direction of the path between two endpoints, in virtual time. Instants and durations here are whole µs.

/**
 * @typedef {InstanceType<typeof import('../src/sim/index.ts').Random>} Random
 * @typedef {import('../src/index.ts').Bytes} Bytes
 */

/**
 * What happens to packets besides the base delay.
 * @typedef {object} Weather
 * @property {number} [loss] share of packets lost, 0 to 1. Default 0
 * @property {number} [burst] mean length of a run of losses, packets one tick apart. Absent: each packet for itself
 * @property {number} [jitterMs] extra delay: exponential with half of this as its mean, cut at three times this; reorders
 * @property {number} [spreadMs] extra delay: uniform in whole ms below this; keeps the order
 * @property {number} [turnsMs] loss holds in every second stretch of this length only
 * @property {{ everyMs: number, lastsMs: number }} [outage] nothing passes in the last `lastsMs` of each `everyMs`
 */

/** Decides about packets, one call for each, in order of sending. */
export class Path {
  /** Runs of lost packets as first lost, first heard again, …; kept only where the weather has bursts or outages. */
  blackouts = /** @type {number[]} */ ([])
  lost = 0
  /** Nothing is lost while this holds. */
  isCalm = false
  #random
  #weather
  #delay
  /** Rate at which the bursts' state forgets, per µs; 0 without bursts. */
  #forgets = 0
  #isBad = false
  #movedAt = 0
  #blindFrom = -1
  #lastArrival = 0

  /**
   * @param {Random} random
   * @param {Weather} weather
   * @param {number} delay base delay
   * @param {number} tick spacing of the packets that `burst` speaks of
   */
  constructor(random, weather, delay, tick) {
    this.#random = random
    this.#weather = weather
    this.#delay = delay
    const { loss = 0, burst } = weather
    if (burst === undefined) return
    // Two states in continuous time; the bad one loses all and still holds one tick later with chance 1 - 1/burst.
    const kept = (1 - 1 / burst - loss) / (1 - loss)
    if (!(kept > 0)) throw new RangeError(`burst ${burst} at loss ${loss}: independent loss has longer runs`)
    this.#forgets = -Math.log(kept) / tick
  }

  /**
   * When a packet sent at `at` arrives; -1 if it does not.
   * @param {number} at
   */
  arrival(at) {
    const { jitterMs, spreadMs } = this.#weather
    if (this.#loses(at)) {
      this.lost++
      if (this.#blindFrom < 0) this.#blindFrom = at
      return -1
    }
    if (this.#blindFrom >= 0) {
      if (this.#forgets > 0 || this.#weather.outage !== undefined) this.blackouts.push(this.#blindFrom, at)
      this.#blindFrom = -1
    }
    let arrivesAt = at + this.#delay
    if (jitterMs !== undefined) {
      arrivesAt += Math.round(1000 * Math.min(3 * jitterMs, this.#random.exponential(jitterMs / 2)))
    }
    if (spreadMs !== undefined) {
      arrivesAt = Math.max(this.#lastArrival, arrivesAt + 1000 * Math.floor(spreadMs * this.#random.float()))
      this.#lastArrival = arrivesAt
    }
    return arrivesAt
  }

  /** @param {number} at */
  #loses(at) {
    const { loss = 0, turnsMs, outage } = this.#weather
    if (this.isCalm) return false
    if (outage !== undefined) {
      const everyUs = 1000 * outage.everyMs
      if (at % everyUs >= everyUs - 1000 * outage.lastsMs) return true
    }
    if (loss === 0) return false
    if (turnsMs !== undefined && Math.floor(at / (1000 * turnsMs)) % 2 === 0) return false
    if (this.#forgets === 0) return this.#random.chance(loss)
    const memory = Math.exp(-this.#forgets * (at - this.#movedAt))
    this.#movedAt = at
    // The share of time in the bad state is `loss`, so that is where the state's chance tends to.
    this.#isBad = this.#random.chance(loss + ((this.#isBad ? 1 : 0) - loss) * memory)
    return this.#isBad
  }
}

/** Packets under way, by instant of arrival; those of one instant in order of sending. */
export class PacketsUnderWay {
  #at = /** @type {number[]} */ ([])
  #order = /** @type {number[]} */ ([])
  #to = /** @type {number[]} */ ([])
  #packet = /** @type {Bytes[]} */ ([])
  #pushed = 0

  /** Instant of the next arrival; Infinity when nothing is under way. */
  get nextAt() {
    return this.#at[0] ?? Number.POSITIVE_INFINITY
  }

  /** The side that hears next. */
  get nextTo() {
    return this.#to[0] ?? -1
  }

  /**
   * @param {number} at
   * @param {number} to index of the side that will hear it
   * @param {Bytes} packet
   */
  push(at, to, packet) {
    const order = this.#pushed++
    let hole = this.#at.length
    for (let above; hole > 0; hole = above) {
      above = (hole - 1) >> 1
      if (!this.#isBefore(at, order, above)) break
      this.#move(above, hole)
    }
    this.#put(hole, at, order, to, packet)
  }

  /** Takes the next one out; there must be one. */
  pop() {
    const packet = /** @type {Bytes} */ (this.#packet[0])
    const at = /** @type {number} */ (this.#at.pop())
    const order = /** @type {number} */ (this.#order.pop())
    const to = /** @type {number} */ (this.#to.pop())
    const last = /** @type {Bytes} */ (this.#packet.pop())
    const length = this.#at.length
    if (length === 0) return packet
    let hole = 0
    for (;;) {
      let below = 2 * hole + 1
      if (below >= length) break
      if (below + 1 < length && this.#isBefore(this.#at[below + 1] ?? 0, this.#order[below + 1] ?? 0, below)) below++
      if (this.#isBefore(at, order, below)) break
      this.#move(below, hole)
      hole = below
    }
    this.#put(hole, at, order, to, last)
    return packet
  }

  /**
   * @param {number} at
   * @param {number} order
   * @param {number} index
   */
  #isBefore(at, order, index) {
    const other = this.#at[index] ?? 0
    return at < other || (at === other && order < (this.#order[index] ?? 0))
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  #move(from, to) {
    const packet = /** @type {Bytes} */ (this.#packet[from])
    this.#put(to, this.#at[from] ?? 0, this.#order[from] ?? 0, this.#to[from] ?? 0, packet)
  }

  /**
   * @param {number} index
   * @param {number} at
   * @param {number} order
   * @param {number} to
   * @param {Bytes} packet
   */
  #put(index, at, order, to, packet) {
    this.#at[index] = at
    this.#order[index] = order
    this.#to[index] = to
    this.#packet[index] = packet
  }
}
