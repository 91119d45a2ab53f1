/** Turns Gannet's counters into the figures on the page: shares and rates over short windows, and the strip of numbers. */
import type { EndpointStats } from 'gannet'
import { count, marked, measure, setText } from './elements.ts'
import type { RelayReport } from './protocol.ts'

/** Window over which shares of lost packets are taken, ms: about 300 packets, so 10 % is known to within 2 points. */
const LOSS_WINDOW_MS = 5_000
/** Window over which packets a second are counted, ms. */
const RATE_WINDOW_MS = 1_000
/** State older than this is called late, ms: anyone feels it. */
const LATE_MS = 400
/** Fewer packets than this say nothing about loss. */
const FEWEST_PACKETS = 30

/** Figures at one instant. `NaN`: not measured yet. */
export interface Reading {
  readonly at: number
  readonly rttMs: number
  readonly rttLatestMs: number
  /** Round-trip delay that the relay adds, ms, before jitter. */
  readonly rttSetMs: number
  /** Shares, 0 to 1: as Gannet measured, and as the relay counted. */
  readonly lossUp: number
  readonly lossDown: number
  readonly relayLossUp: number
  readonly relayLossDown: number
  readonly sentPerSecond: number
  readonly receivedPerSecond: number
  readonly messagesAcked: number
  readonly resends: number
  readonly stateAgeMs: number
}

interface Tally {
  readonly at: number
  readonly sent: number
  readonly acked: number
  readonly lost: number
  readonly received: number
  readonly missed: number
  readonly relay: RelayReport | undefined
}

export class Gauges {
  #tallies: Tally[] = []
  #relay: RelayReport | undefined
  #snapshotTick = -1
  #snapshotAt = Number.NaN
  #agesMs: number[] = []
  readonly #outputs = {
    rtt: marked('rtt'),
    lossUp: marked('loss-up'),
    lossDown: marked('loss-down'),
    acked: marked('acked'),
    resends: marked('resends'),
    packetsUp: marked('packets-up'),
    packetsDown: marked('packets-down'),
    age: marked('age'),
  }

  /** A new connection: its counters start at 0. */
  clear(): void {
    this.#tallies = []
    this.#relay = undefined
    this.#snapshotTick = -1
    this.#snapshotAt = Number.NaN
    this.#agesMs = []
  }

  takeRelayReport(report: RelayReport): void {
    this.#relay = report
  }

  takeSnapshot(tick: number, now: number): void {
    if (tick <= this.#snapshotTick) return
    this.#snapshotTick = tick
    this.#snapshotAt = now
  }

  /** Each frame: how old is what we see? */
  noteAge(stats: EndpointStats, now: number): void {
    const ageMs = now - this.#snapshotAt + stats.rttMs / 2
    if (Number.isFinite(ageMs)) this.#agesMs.push(ageMs)
    if (this.#agesMs.length > 60) this.#agesMs.shift()
  }

  /** Ten times a second: the figures of now. */
  read(stats: EndpointStats, now: number): Reading {
    const tally: Tally = {
      at: now,
      sent: stats.packetsSent,
      acked: stats.packetsAcked,
      lost: stats.packetsLost,
      received: stats.packetsReceived,
      missed: stats.packetsMissed,
      relay: this.#relay,
    }
    this.#tallies.push(tally)
    while (this.#tallies.length > 2 && this.#tallies[1]!.at < now - LOSS_WINDOW_MS) this.#tallies.shift()
    const first = this.#tallies[0]!
    const second = this.#tallies.find((candidate) => candidate.at >= now - RATE_WINDOW_MS) ?? tally
    const perSecond = 1_000 / (now - second.at)
    const relayFirst = this.#tallies.find((candidate) => candidate.relay)?.relay
    const relayLast = tally.relay
    const relayShare = (direction: 'up' | 'down') =>
      relayFirst && relayLast
        ? share(
            relayLast[direction].dropped - relayFirst[direction].dropped,
            relayLast[direction].offered - relayFirst[direction].offered,
          )
        : Number.NaN
    const lost = tally.lost - first.lost
    const missed = tally.missed - first.missed
    return {
      at: now,
      rttMs: stats.rttMs,
      rttLatestMs: stats.rttLatestMs,
      rttSetMs: relayLast ? relayLast.conditions.delayMs * 2 : Number.NaN,
      lossUp: share(lost, lost + tally.acked - first.acked),
      lossDown: share(missed, missed + tally.received - first.received),
      relayLossUp: relayShare('up'),
      relayLossDown: relayShare('down'),
      sentPerSecond: (tally.sent - second.sent) * perSecond,
      receivedPerSecond: (tally.received - second.received) * perSecond,
      messagesAcked: stats.messagesAcked,
      resends: stats.resends,
      stateAgeMs: this.#agesMs.reduce((sum, age) => sum + age, 0) / this.#agesMs.length,
    }
  }

  /** Writes the strip; `undefined` while there is no connection. */
  show(reading: Reading | undefined): void {
    const outputs = this.#outputs
    setText(outputs.rtt, measure(reading?.rttMs))
    setText(outputs.lossUp, percent(reading?.lossUp))
    setText(outputs.lossDown, percent(reading?.lossDown))
    setText(outputs.acked, count(reading?.messagesAcked))
    setText(outputs.resends, count(reading?.resends))
    setText(outputs.packetsUp, count(reading?.sentPerSecond))
    setText(outputs.packetsDown, count(reading?.receivedPerSecond))
    setText(outputs.age, measure(reading?.stateAgeMs))
    outputs.age.dataset['level'] = (reading?.stateAgeMs ?? 0) > LATE_MS ? 'late' : 'fresh'
  }
}

/** `NaN` when too few were counted. A late ack may take a loss back: never below 0. */
function share(part: number, whole: number): number {
  return whole >= FEWEST_PACKETS ? Math.min(1, Math.max(0, part / whole)) : Number.NaN
}

function percent(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? '–' : (value * 100).toFixed(1)
}
