// One run: two endpoints exchange state and reliable messages over a lossy path. Instants are whole µs of a virtual clock.
import { Ledger } from './reliable-ledger.mjs'
import { Path } from './reliable-link.mjs'
import { PacketView } from './reliable-packet.mjs'
import { Side, World } from './reliable-world.mjs'

/**
 * @typedef {import('./pair.mjs').Core} Core
 * @typedef {import('./pair.mjs').AnyEndpoint} AnyEndpoint
 * @typedef {typeof import('../src/sim/index.ts')} Sim what `gannet/sim` exports
 * @typedef {InstanceType<Sim['Random']>} Random
 * @typedef {import('../src/index.ts').Bytes} Bytes
 * @typedef {import('../src/index.ts').EndpointEvent} EndpointEvent
 * @typedef {import('./reliable-link.mjs').Weather} Weather
 */

/**
 * @typedef {object} Scenario
 * @property {number} rttMs base delay, there and back
 * @property {number} hz packets per second of each side
 * @property {number} perSecond reliable messages per second in each direction
 * @property {Weather} weather of each direction; each has chance of its own
 */

/**
 * @typedef {object} Policy
 * @property {string} name
 * @property {object} [channel] options of the reliable channel
 * @property {object} [endpoint] options of both endpoints
 */

/**
 * @typedef {object} Outcome
 * @property {number} messages
 * @property {Float64Array} excessMs delivery − creation − base delay (− the median of the jitter), ascending; Infinity: lost
 * @property {number} lost
 * @property {number} duplicated
 * @property {number} lateMs the largest of these, with the time that the path was blind taken off
 * @property {number} wireBytes both ways
 * @property {number} packets per tick
 * @property {number} copies repeated copies per message, whatever their cause
 * @property {number} spurious share of resends for which an earlier copy did arrive; NaN if a packet could not be read
 * @property {number} spuriousBytes bytes of those, as a share of the messages' bytes
 * @property {number} unacked packets whose fate the sender has wrong when all is over
 * @property {number} headerBytes mean
 * @property {number} groupBytes mean of the ack groups with their length
 * @property {number} rttBiasMs mean smoothed round trip less the true one, without sign; the worse side
 * @property {number} lossWithin share of time in which an estimate of loss is within 40 % of the truth; the worst of four
 */

/** IP, UDP, DTLS and SCTP around a packet. */
const WIRE_OVERHEAD_BYTES = 93
const STATE = new Uint8Array(100)
const MIN_BYTES = 16
const MAX_BYTES = 200
/** B's ticks are longer by this share, so that the phases sweep. */
const DRIFT = 2e-4
/** No loss until then: the handshake is not what is measured. */
const CALM_US = 1_000_000
const WARM_UP_US = 3_000_000
/** Time for the last messages to arrive. */
const DRAIN_US = 5_000_000
/** Time without loss at the end, for the last acks. */
const SETTLE_US = 3_000_000
/** An estimate of loss within this share of the truth is right. */
const LOSS_TOLERANCE = 0.4

/**
 * @param {Core} core
 * @param {Sim} sim
 * @param {Scenario} scenario
 * @param {Policy} policy
 * @param {number} seconds measured, of virtual time
 * @param {number} seed
 * @returns {Outcome}
 */
export function simulate(core, sim, scenario, policy, seconds, seed) {
  const random = new sim.Random(seed)
  const from = CALM_US + WARM_UP_US
  const to = from + Math.round(seconds * 1e6)
  const sides = /** @type {const} */ ([
    sideOf(core, random.fork('a'), scenario, policy, 0),
    sideOf(core, random.fork('b'), scenario, policy, 1),
  ])
  const traffic = new Traffic(sides, random, scenario, { from, to })
  const world = new World(sides, traffic)
  world.run(CALM_US)
  for (const side of sides) {
    if (side.endpoint.state !== 'open') throw new Error(`side ${side.index} is still ${side.endpoint.state}`)
    side.path.isCalm = false
  }
  world.run(to + DRAIN_US)
  for (const side of sides) side.path.isCalm = true
  world.run(to + DRAIN_US + SETTLE_US)
  return traffic.outcome()
}

/**
 * @param {Core} core
 * @param {Random} random
 * @param {Scenario} scenario
 * @param {Policy} policy
 * @param {0 | 1} index
 */
function sideOf(core, random, scenario, policy, index) {
  const salt = random.fork('salt')
  /** @type {import('./pair.mjs').ChannelTable} */
  const channels = {
    reliable: { kind: 'reliable', verdicts: false, ...policy.channel },
    state: { kind: 'unreliable', verdicts: false },
  }
  const endpoint = new core.Endpoint({
    role: index === 0 ? 'client' : 'server',
    now: 0,
    random: () => salt.uint32(),
    channels,
    ...policy.endpoint,
  })
  const tick = 1e6 / scenario.hz
  const path = new Path(random.fork('path'), scenario.weather, Math.round(scenario.rttMs * 500), tick)
  path.isCalm = true
  const period = index === 0 ? tick : tick * (1 + DRIFT)
  return new Side(index, endpoint, path, period, random.fork('phase').float() * period)
}

/** What one side sends, and what is measured there. */
class Player {
  nextMessageAt = 0
  wireBytes = 0
  packets = 0
  headerBytes = 0
  groupBytes = 0
  ticks = 0
  rttMs = 0
  withinUp = 0
  withinDown = 0

  /**
   * @param {Side} side
   * @param {Random} random
   * @param {Ledger} ledger
   */
  constructor(side, random, ledger) {
    this.side = side
    this.random = random
    this.ledger = ledger
  }

  /** @param {number} truth share of packets that are lost */
  sample(truth) {
    const { stats } = this.side.endpoint
    this.ticks++
    this.rttMs += stats.rttMs
    if (Math.abs(stats.lossUp - truth) <= LOSS_TOLERANCE * truth) this.withinUp++
    if (Math.abs(stats.lossDown - truth) <= LOSS_TOLERANCE * truth) this.withinDown++
  }
}

/** 100 B of state each tick, and reliable messages at random instants, each made just before the tick's flush. */
class Traffic {
  #scenario
  #span
  #players
  #view = new PacketView()
  #scratch = new Uint8Array(MAX_BYTES)
  #scratchView = new DataView(this.#scratch.buffer)

  /**
   * @param {readonly [Side, Side]} sides
   * @param {Random} random
   * @param {Scenario} scenario
   * @param {{ from: number, to: number }} span what is measured
   */
  constructor(sides, random, scenario, span) {
    this.#scenario = scenario
    this.#span = span
    const mean = scenario.perSecond * (span.to / 1e6)
    const capacity = Math.ceil(mean + 8 * Math.sqrt(mean) + 100)
    const player = (/** @type {Side} */ side) =>
      new Player(side, random.fork(`messages ${side.index}`), new Ledger(capacity, span.from))
    this.#players = /** @type {const} */ ([player(sides[0]), player(sides[1])])
  }

  /**
   * @param {Side} side
   * @param {number} at
   */
  tick(side, at) {
    const { endpoint } = side
    if (endpoint.state !== 'open') return
    const player = this.#players[side.index === 0 ? 0 : 1]
    if (at >= this.#span.from && at < this.#span.to) player.sample(this.#scenario.weather.loss ?? 0)
    const meanGap = 1e6 / this.#scenario.perSecond
    while (player.nextMessageAt <= at && player.nextMessageAt < this.#span.to) {
      player.nextMessageAt += player.random.exponential(meanGap)
      this.#send(player, at)
    }
    endpoint.send('state', STATE)
  }

  /**
   * @param {Side} side
   * @param {EndpointEvent} event
   * @param {number} at
   */
  hear(side, event, at) {
    if (event.type !== 'message' || event.channel !== 'reliable') return
    const { payload } = event
    const id = new DataView(payload.buffer, payload.byteOffset).getUint32(0)
    if (payload[payload.length - 1] !== (id & 255)) throw new Error(`message ${id}: not what was sent`)
    this.#players[side.index === 0 ? 1 : 0].ledger.deliver(id, payload.length, at)
  }

  /**
   * @param {Side} side
   * @param {Bytes} packet
   * @param {boolean} arrives
   * @param {number} at
   */
  sent(side, packet, arrives, at) {
    const player = this.#players[side.index === 0 ? 0 : 1]
    const view = this.#view
    view.read(packet)
    if (view.isData) player.ledger.book(view, side.endpoint.stats.resends, arrives, at)
    if (at < this.#span.from || at >= this.#span.to) return
    player.packets++
    player.wireBytes += packet.length + WIRE_OVERHEAD_BYTES
    player.headerBytes += view.headerBytes
    player.groupBytes += view.groupBytes
  }

  /** @returns {Outcome} */
  outcome() {
    const players = this.#players
    const ledgers = players.map(({ ledger }) => ledger)
    const sum = (/** @type {(player: Player) => number} */ of) => of(players[0]) + of(players[1])
    const packets = sum((player) => player.packets)
    const { excessMs, appBytes, lost, lateMs } = this.#latencies()
    const resends = sum(({ ledger }) => ledger.resends)
    const isRead = ledgers.every(({ unread }) => unread === 0)
    return {
      messages: excessMs.length,
      excessMs,
      lost,
      duplicated: sum(({ ledger }) => ledger.duplicated),
      lateMs,
      wireBytes: sum((player) => player.wireBytes),
      packets: packets / sum((player) => player.ticks),
      copies: sum(({ ledger }) => ledger.repeats) / excessMs.length,
      spurious: isRead ? sum(({ ledger }) => ledger.spurious) / Math.max(1, resends) : Number.NaN,
      spuriousBytes: isRead ? sum(({ ledger }) => ledger.spuriousBytes) / appBytes : Number.NaN,
      unacked: sum(({ side }) => Math.abs(side.endpoint.stats.packetsLost - side.path.lost)),
      headerBytes: sum((player) => player.headerBytes) / packets,
      groupBytes: sum((player) => player.groupBytes) / packets,
      rttBiasMs: Math.max(...players.map(({ rttMs, ticks }) => Math.abs(rttMs / ticks - this.#scenario.rttMs))),
      lossWithin: Math.min(...players.map(({ withinUp, withinDown, ticks }) => Math.min(withinUp, withinDown) / ticks)),
    }
  }

  /**
   * @param {Player} player
   * @param {number} at
   */
  #send(player, at) {
    const bytes = MIN_BYTES + Math.floor((MAX_BYTES - MIN_BYTES + 1) * player.random.float())
    this.#scratchView.setUint32(0, player.ledger.count)
    this.#scratch.fill(player.ledger.count & 255, 4, bytes)
    const id = player.side.endpoint.send('reliable', this.#scratch.subarray(0, bytes))
    player.ledger.create(id, bytes, at)
  }

  #latencies() {
    const { rttMs, weather } = this.#scenario
    // Half of all packets are later than this even without loss, which is not the protocol's doing.
    const baseUs = rttMs * 500 + 500 * (weather.jitterMs ?? 0) * Math.LN2
    const excessMs = []
    let appBytes = 0
    let lost = 0
    let lateMs = Number.NEGATIVE_INFINITY
    const blackouts = unionOf(this.#players.map(({ side }) => side.path.blackouts))
    for (const { ledger } of this.#players) {
      const blindness = new Blindness(blackouts)
      for (let id = 0; id < ledger.count; id++) {
        const createdAt = ledger.createdAt[id] ?? 0
        if (createdAt < this.#span.from) continue
        const deliveredAt = ledger.deliveredAt[id] ?? -1
        if (deliveredAt < 0) lost++
        const ms = deliveredAt < 0 ? Number.POSITIVE_INFINITY : (deliveredAt - createdAt - baseUs) / 1000
        excessMs.push(ms)
        appBytes += ledger.bytes[id] ?? 0
        if (ms > lateMs) lateMs = Math.max(lateMs, ms - blindness.between(createdAt, deliveredAt) / 1000)
      }
    }
    return { excessMs: Float64Array.from(excessMs).sort(), appBytes, lost, lateMs }
  }
}

/**
 * Stretches of time in which at least one of several lists has a stretch; each list is flat: from, to, from, to, …
 * @param {readonly (readonly number[])[]} lists
 */
function unionOf(lists) {
  const stretches = lists
    .flatMap((list) => list.flatMap((from, i) => (i % 2 === 0 ? [{ from, to: list[i + 1] ?? from }] : [])))
    .sort((a, b) => a.from - b.from)
  const union = /** @type {{ from: number, to: number }[]} */ ([])
  for (const stretch of stretches) {
    const last = union.at(-1)
    if (last !== undefined && stretch.from <= last.to) last.to = Math.max(last.to, stretch.to)
    else union.push(stretch)
  }
  return union
}

/** Time in which the path carried nothing in one direction or both. Asked with `from` ascending. */
class Blindness {
  #blackouts
  #first = 0

  /** @param {readonly { from: number, to: number }[]} blackouts */
  constructor(blackouts) {
    this.#blackouts = blackouts
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  between(from, to) {
    const blackouts = this.#blackouts
    while (this.#first < blackouts.length && (blackouts[this.#first]?.to ?? from) <= from) this.#first++
    let sum = 0
    for (let i = this.#first; i < blackouts.length; i++) {
      const blackout = blackouts[i]
      if (blackout === undefined || blackout.from >= to) break
      sum += Math.min(to, blackout.to) - Math.max(from, blackout.from)
    }
    return sum
  }
}
