/** Payload from which a datagram is one of data, bytes; ICE checks and acks of SCTP are smaller. */
const DATA_BYTES = 200
/** How far back it is looked which flows carry, ms. */
const RECENT_MS = 1000

/**
 * What became of a pipe that was cut.
 * @typedef {object} CutReport
 * @property {number} usedForMs time from the cut until the page last sent on it
 * @property {number} carriedBefore flows that carried data in the second before
 * @property {number} carriedAtEnd flows that carried data in the last second
 * @property {number} carriedNew of those, flows that were first heard after the cut
 */

/** Cuts the flow of a relay that carries most, as a NAT does that has forgotten it, and follows what is done about it. */
export class Cut {
  #clock
  /** @type {import('../../src/sim/relay/index.ts').UdpRelay | undefined} */
  #relay
  /** Data datagrams of each flow, both ways: instants. @type {Map<number, number[]>} */
  #data = new Map()
  /** When the page last sent anything, by flow. @type {Map<number, number>} */
  #sentAt = new Map()
  #cutAt = 0
  #victim = -1
  #newest = -1
  #carriedBefore = 0

  /** @param {() => number} clock */
  constructor(clock) {
    this.#clock = clock
  }

  /** @param {import('../../src/sim/relay/index.ts').UdpRelay} relay */
  watch(relay) {
    this.#relay = relay
  }

  /** @type {(packet: import('../../src/sim/relay/index.ts').RelayedPacket) => void} */
  onPacket = ({ direction, client, bytes }) => {
    const now = this.#clock()
    if (direction === 'up') this.#sentAt.set(client, now)
    if (bytes < DATA_BYTES) return
    const instants = this.#data.get(client) ?? []
    instants.push(now)
    this.#data.set(client, instants)
  }

  cut() {
    this.#cutAt = this.#clock()
    this.#newest = Math.max(...this.#sentAt.keys())
    const busiest = this.#recent().sort((a, b) => b.count - a.count)
    this.#carriedBefore = busiest.length
    this.#victim = busiest[0]?.client ?? -1
    this.#relay?.cut(this.#victim)
  }

  /** @returns {CutReport} */
  report() {
    const atEnd = this.#recent()
    return {
      usedForMs: (this.#sentAt.get(this.#victim) ?? Number.NaN) - this.#cutAt,
      carriedBefore: this.#carriedBefore,
      carriedAtEnd: atEnd.length,
      carriedNew: atEnd.filter(({ client }) => client > this.#newest).length,
    }
  }

  /** Flows that carried data up to the last datagram and a second before it. */
  #recent() {
    const lastAt = Math.max(...[...this.#data.values()].map((instants) => instants.at(-1) ?? 0))
    return [...this.#data]
      .map(([client, instants]) => ({ client, count: instants.filter((at) => at > lastAt - RECENT_MS).length }))
      .filter(({ count }) => count > 0)
  }
}
