import type { EndpointStats } from '../index.ts'

/** Time between two samples, ms. */
export const SAMPLE_MS = 100
/** What the graph shows, ms. */
export const HISTORY_MS = 15_000
/** Window over which rates are taken, ms. */
const RATE_MS = 1_000
/** Window over which shares of lost packets are taken, ms: about 120 packets, so 10 % is known to within 5 points. */
const LOSS_MS = 2_000
/** Fewer packets than this say nothing about loss. */
const FEWEST_PACKETS = 20
/** Samples kept: the history, the window before it, and some to spare. A power of two. */
const KEEP = 256

/** What one sample holds; each is an index into it. Rates are per second, both ways apart. */
export const FIELD = {
  at: 0,
  rttMs: 1,
  rttVarMs: 2,
  rttLatestMs: 3,
  jitterMs: 4,
  /** Shares over the last 2 s, 0 to 1. */
  lossUp: 5,
  lossDown: 6,
  packetsUp: 7,
  packetsDown: 8,
  /** Payload bytes; packet bytes; bytes on the wire, estimated. */
  appUp: 9,
  appDown: 10,
  bytesUp: 11,
  bytesDown: 12,
  wireUp: 13,
  wireDown: 14,
  /** Bytes that wait in our queues, and below us in SCTP. */
  queuedBytes: 15,
  backlogBytes: 16,
  resends: 17,
  copies: 18,
  /** How old the newest state is. */
  ageMs: 19,
} as const

export type Field = (typeof FIELD)[keyof typeof FIELD]

const FIELDS = 20

/** Counters as they were at one instant, from which rates are differences. */
const COUNTERS = [
  'packetsSent',
  'packetsReceived',
  'packetsAcked',
  'packetsLost',
  'packetsMissed',
  'bytesSent',
  'bytesReceived',
  'wireBytesSent',
  'wireBytesReceived',
  'appBytesSent',
  'appBytesReceived',
  'resends',
  'copies',
] as const

type Counter = (typeof COUNTERS)[number]

/** What a channel did in the last second. */
export interface ChannelRate {
  readonly name: string
  readonly kind: string
  readonly messagesUp: number
  readonly messagesDown: number
  readonly bytesUp: number
  readonly bytesDown: number
  readonly queuedMessages: number
  /** Resends and copies together, per second. */
  readonly again: number
  readonly lost: number
}

interface ChannelCount {
  at: number
  sent: number
  received: number
  bytesSent: number
  bytesReceived: number
  again: number
  lost: number
}

/** Statistics that may be older or newer than this file: what is missing counts as not measured. */
type Loose = Partial<Record<string, unknown>>

const numberOf = (from: Loose, name: string): number => {
  const value = from[name]
  return typeof value === 'number' ? value : Number.NaN
}

/** Turns counters into history: a ring of samples, ten a second, in one block of memory. */
export class Sampler {
  readonly #samples = new Float64Array(KEEP * FIELDS)
  readonly #counters = new Float64Array(KEEP * COUNTERS.length)
  #length = 0
  #next = 0
  #channelCounts: ChannelCount[][] = []
  #channels: ChannelRate[] = []

  /** Samples kept; 0 is the oldest. */
  get length(): number {
    return this.#length
  }

  /** Instant of the newest sample, ms; `-Infinity` before the first. */
  get newestAt(): number {
    return this.#length === 0 ? Number.NEGATIVE_INFINITY : this.get(this.#length - 1, FIELD.at)
  }

  /** Channels in the order of their table, as of the newest sample. */
  get channels(): readonly ChannelRate[] {
    return this.#channels
  }

  get(index: number, field: Field): number {
    return this.#samples[this.#slot(index) * FIELDS + field]!
  }

  /** The newest sample at or before `at`; −1 when there is none. */
  indexAt(at: number): number {
    let low = 0
    let high = this.#length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.get(middle, FIELD.at) <= at) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  clear(): void {
    this.#length = 0
    this.#next = 0
    this.#channelCounts = []
    this.#channels = []
  }

  /** Takes a sample. Counters that fell mean a new connection: the history begins anew. */
  push(stats: Readonly<EndpointStats>, now: number, ageMs: number): void {
    const loose = stats as unknown as Loose
    if (this.#length > 0 && !(numberOf(loose, 'packetsSent') >= this.#counter(this.#length - 1, 'packetsSent')))
      this.clear()
    const slot = this.#next
    this.#next = (slot + 1) & (KEEP - 1)
    this.#length = Math.min(KEEP, this.#length + 1)
    for (let i = 0; i < COUNTERS.length; i++) {
      this.#counters[slot * COUNTERS.length + i] = numberOf(loose, COUNTERS[i]!)
    }
    const set = (field: Field, value: number): void => {
      this.#samples[slot * FIELDS + field] = value
    }
    set(FIELD.at, now)
    set(FIELD.rttMs, stats.rttMs)
    set(FIELD.rttVarMs, stats.rttVarMs)
    set(FIELD.rttLatestMs, stats.rttLatestMs)
    set(FIELD.jitterMs, stats.jitterMs)
    set(FIELD.queuedBytes, stats.queuedBytes)
    set(FIELD.backlogBytes, numberOf(loose, 'backlogBytes'))
    set(FIELD.ageMs, ageMs)

    const last = this.#length - 1
    const long = Math.max(0, this.indexAt(now - LOSS_MS))
    const grown = (counter: Counter): number => this.#counter(last, counter) - this.#counter(long, counter)
    set(FIELD.lossUp, share(grown('packetsLost'), grown('packetsAcked')))
    set(FIELD.lossDown, share(grown('packetsMissed'), grown('packetsReceived')))

    const short = Math.max(0, this.indexAt(now - RATE_MS))
    const seconds = (now - this.get(short, FIELD.at)) / 1_000
    const rate = (counter: Counter): number =>
      seconds > 0 ? Math.max(0, this.#counter(last, counter) - this.#counter(short, counter)) / seconds : Number.NaN
    set(FIELD.packetsUp, rate('packetsSent'))
    set(FIELD.packetsDown, rate('packetsReceived'))
    set(FIELD.appUp, rate('appBytesSent'))
    set(FIELD.appDown, rate('appBytesReceived'))
    set(FIELD.bytesUp, rate('bytesSent'))
    set(FIELD.bytesDown, rate('bytesReceived'))
    set(FIELD.wireUp, rate('wireBytesSent'))
    set(FIELD.wireDown, rate('wireBytesReceived'))
    set(FIELD.resends, rate('resends'))
    set(FIELD.copies, rate('copies'))
    this.#pushChannels(stats, now)
  }

  #pushChannels(stats: Readonly<EndpointStats>, now: number): void {
    const { channels = [] } = stats as Partial<EndpointStats>
    this.#channels = channels.map((channel, i) => {
      const counts = (this.#channelCounts[i] ??= [])
      const count: ChannelCount = {
        at: now,
        sent: channel.messagesSent,
        received: channel.messagesReceived,
        bytesSent: channel.appBytesSent,
        bytesReceived: channel.appBytesReceived,
        again: channel.resends + channel.copies,
        lost: channel.messagesLost,
      }
      counts.push(count)
      while (counts.length > 2 && counts[1]!.at <= now - RATE_MS) counts.shift()
      const first = counts[0]!
      const perSecond = now > first.at ? 1_000 / (now - first.at) : Number.NaN
      return {
        name: channel.name,
        kind: channel.kind,
        messagesUp: (count.sent - first.sent) * perSecond,
        messagesDown: (count.received - first.received) * perSecond,
        bytesUp: (count.bytesSent - first.bytesSent) * perSecond,
        bytesDown: (count.bytesReceived - first.bytesReceived) * perSecond,
        queuedMessages: channel.queuedMessages,
        again: (count.again - first.again) * perSecond,
        lost: (count.lost - first.lost) * perSecond,
      }
    })
  }

  #slot(index: number): number {
    return (this.#next - this.#length + index) & (KEEP - 1)
  }

  #counter(index: number, counter: Counter): number {
    return this.#counters[this.#slot(index) * COUNTERS.length + COUNTERS.indexOf(counter)]!
  }
}

/** `part` of `part + rest`; `NaN` when too few were counted. A late ack may take a loss back: never below 0. */
function share(part: number, rest: number): number {
  return part + rest >= FEWEST_PACKETS ? Math.min(1, Math.max(0, part / (part + rest))) : Number.NaN
}
