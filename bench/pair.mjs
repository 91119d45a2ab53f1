import { hrtime } from 'node:process'

/**
 * @typedef {typeof import('../src/index.ts')} Core what the package's root exports
 * @typedef {import('../src/index.ts').ChannelTable} ChannelTable
 * @typedef {import('../src/index.ts').Bytes} Bytes
 * @typedef {InstanceType<Core['Endpoint']>} AnyEndpoint
 * @typedef {Partial<import('../src/index.ts').EndpointOptions>} SomeOptions
 * @typedef {{ readonly samples: number, readonly sampleMs: number, readonly warmUpMs: number }} Effort
 */

/** Milliseconds between two ticks of a 60 Hz game. */
export const TICK_MS = 1000 / 60

/**
 * Numbers that look random and are the same in every run (Numerical Recipes' linear congruential generator).
 * @param {number} seed
 * @returns {() => number} 32 bits at each call
 */
export function randomFrom(seed) {
  let state = seed >>> 0
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0)
}

/** Two endpoints joined without delay or loss, and the clock that both live by. */
export class Pair {
  /**
   * Buffers that packets arrive in, to be used again, and how many are in use; `undefined`: a fresh one for each packet.
   * @type {Bytes[] | undefined}
   */
  #buffers
  #used = 0

  /**
   * @param {Core['Endpoint']} Endpoint
   * @param {ChannelTable} channels
   * @param {SomeOptions} [options]
   */
  constructor(Endpoint, channels, options = {}) {
    const common = { now: 0, random: randomFrom(7), bytesPerSecond: 1e10, ...options, channels }
    this.now = 0
    /** @type {AnyEndpoint} */
    this.client = new Endpoint({ ...common, role: 'client' })
    /** @type {AnyEndpoint} */
    this.server = new Endpoint({ ...common, role: 'server' })
    for (let i = 0; i < 3; i++) this.tick()
    if (this.client.state !== 'open' || this.server.state !== 'open') throw new Error('the pair did not open')
    while (this.client.pollEvent() !== undefined);
    while (this.server.pollEvent() !== undefined);
  }

  /**
   * From now on buffers are used again from tick to tick. What a transport's fresh ones cost is not the core's doing; and nobody
   * here keeps a message beyond its tick.
   */
  reuseBuffers() {
    this.#buffers = []
  }

  /** Lets a tick pass; what waits on either side crosses. */
  tick() {
    this.#used = 0
    this.now += TICK_MS
    this.client.update(this.now)
    this.server.update(this.now)
    this.carry(this.client, this.server)
    this.carry(this.server, this.client)
  }

  /**
   * Carries all packets of one side over, each in a buffer of its own.
   * @param {AnyEndpoint} from
   * @param {AnyEndpoint} to
   */
  carry(from, to) {
    let packets = 0
    for (let packet = from.pollPacket(); packet !== undefined; packet = from.pollPacket()) {
      packets++
      to.receive(this.#copyOf(packet), this.now)
    }
    return packets
  }

  /** @param {Bytes} packet */
  #copyOf(packet) {
    if (this.#buffers === undefined) return packet.slice()
    const at = this.#used++
    if (at === this.#buffers.length) this.#buffers.push(new Uint8Array(16_384))
    const buffer = /** @type {Bytes} */ (this.#buffers[at])
    buffer.set(packet)
    return buffer.subarray(0, packet.length)
  }
}

/**
 * Times several pieces of work side by side: medians of samples that take turns, so that a busy machine is unkind to all alike.
 * @param {readonly ((rounds: number) => void)[]} works each does its thing so many times
 * @param {Effort} effort
 * @returns {number[]} ns for one time of each
 */
export function medianNs(works, { samples, sampleMs, warmUpMs }) {
  for (const work of works) warmUp(work, warmUpMs * 1e6)
  const rounds = works.map((work) => roundsFor(work, sampleMs * 1e6))
  /** @type {number[][]} */
  const taken = works.map(() => [])
  for (let sample = 0; sample < samples; sample++) {
    works.forEach((work, i) => {
      taken[i]?.push(timed(work, rounds[i] ?? 1))
    })
  }
  return taken.map((all) => all.sort((a, b) => a - b)[samples >> 1] ?? Number.NaN)
}

/** Rounds after which the compiler has seen enough of a piece of work. */
const WARM_ROUNDS = 3_000

/**
 * Does a piece of work until it is compiled: for the given time, and ten times as long if it was not done often enough by then.
 * @param {(rounds: number) => void} work
 * @param {number} warmUpNs
 */
function warmUp(work, warmUpNs) {
  const startedAt = hrtime.bigint()
  for (let rounds = 0; ; rounds++) {
    const ns = Number(hrtime.bigint() - startedAt)
    if (ns >= 10 * warmUpNs || (ns >= warmUpNs && rounds >= WARM_ROUNDS)) return
    work(1)
  }
}

/**
 * How often a piece of work must be done to last long enough.
 * @param {(rounds: number) => void} work
 * @param {number} sampleNs
 */
function roundsFor(work, sampleNs) {
  for (let rounds = 1; ; rounds *= 2) {
    const ns = timed(work, rounds) * rounds
    if (ns >= sampleNs) return Math.max(1, Math.round((rounds * sampleNs) / ns))
  }
}

/**
 * @param {(rounds: number) => void} work
 * @param {number} rounds
 */
function timed(work, rounds) {
  const startedAt = hrtime.bigint()
  work(rounds)
  return Number(hrtime.bigint() - startedAt) / rounds
}

/**
 * Rows as text: the first column to the left, the others to the right.
 * @param {readonly (readonly (string | number)[])[]} rows
 */
export function table(rows) {
  const texts = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? figure(cell) : cell)))
  const columns = Math.max(...texts.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...texts.map((row) => row[i]?.length ?? 0)))
  return texts
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/**
 * Three digits or so.
 * @param {number} value
 */
export function figure(value) {
  if (Number.isNaN(value)) return '-'
  return Number.isInteger(value) || Math.abs(value) >= 100
    ? Math.round(value).toLocaleString('en-US')
    : value.toFixed(2)
}
