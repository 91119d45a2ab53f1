import type { Config } from './config.ts'
import { Fifo } from './container/fifo.ts'
import type { EndpointEvent, MessageEvent } from './events.ts'
import type { EndpointStats } from './stats.ts'

/** Verdicts may pile up to this many times `maxEvents` before the connection ends with `overflow`. */
const OVERFLOW_FACTOR = 16
/**
 * A game that leaves an event waiting for this long is not looking, ms: its page is hidden, or it loads. Many ticks, and half the
 * pause between the timers of a hidden page.
 */
const UNREAD_MS = 500
/** Gaps are closed once they outnumber what waits, but not before there are this many: so each costs a constant. */
const MIN_GAPS = 64

/** What the inbox must know of the endpoint's configuration. */
type InboxConfig = Pick<Config, 'maxEvents' | 'maxEventBytes' | 'channels'>

/**
 * Events that wait for the game, in order and bounded. While the game does not look, only the newest message of each key is kept of
 * channels where the newest wins: a game that returns finds what is, not what led to it.
 */
export class Inbox {
  readonly #config: InboxConfig
  readonly #stats: Pick<EndpointStats, 'messagesUnread'>
  /** With a gap in the place of each message that was dropped since. */
  #events: Fifo<EndpointEvent | undefined> = new Fifo(64)
  #gaps = 0
  #bytes = 0
  /** When the first event came since the game last looked, ms. */
  #waitsSince = 0
  /** No event has come since the game last looked. */
  #isPolled = true
  /** While the game does not look: where the message of each key waits, by channel in which the newest wins. No more entries than events. */
  #places: Map<string, Map<number, number>> | undefined

  /** Counts what is dropped in `stats`. */
  constructor(config: InboxConfig, stats: Pick<EndpointStats, 'messagesUnread'>) {
    this.#config = config
    this.#stats = stats
  }

  /** Whether messages may be taken; when not, packets with messages are refused and reliable ones come again. */
  get hasRoom(): boolean {
    return this.#length < this.#config.maxEvents && this.#bytes < this.#config.maxEventBytes
  }

  /** Events at which the connection ends. */
  get limit(): number {
    return this.#config.maxEvents * OVERFLOW_FACTOR
  }

  get isOverflowing(): boolean {
    return this.#length >= this.limit
  }

  push(event: EndpointEvent, now: number): void {
    if (this.#isPolled) this.#waitsSince = now
    this.#isPolled = false
    if (event.type === 'message') {
      this.#bytes += event.payload.length
      if (this.#places === undefined && now > this.#waitsSince + UNREAD_MS) this.#tidy()
      if (this.#places !== undefined) this.#note(event)
    }
    this.#events.push(event)
    if (this.#gaps > Math.max(MIN_GAPS, this.#length)) this.#tidy()
  }

  poll(): EndpointEvent | undefined {
    this.#isPolled = true
    this.#places = undefined
    while (this.#events.length > 0) {
      const event = this.#events.shift()
      if (event === undefined) {
        this.#gaps--
        continue
      }
      if (event.type === 'message') this.#bytes -= event.payload.length
      return event
    }
    return undefined
  }

  get #length(): number {
    return this.#events.length - this.#gaps
  }

  /** Drops what is old, and closes the gaps; linear in what waits. */
  #tidy(): void {
    const old = this.#events
    this.#events = new Fifo(64)
    this.#gaps = 0
    const newestWins = this.#config.channels.filter(({ kind }) => kind === 'sequenced' || kind === 'latest')
    this.#places = new Map(newestWins.map(({ name }) => [name, new Map()]))
    while (old.length > 0) {
      const event = old.shift()
      if (event === undefined) continue
      if (event.type === 'message') this.#note(event)
      this.#events.push(event)
    }
  }

  /** A message is about to be put last: the one of its key that waits is dropped, if the newest wins. */
  #note({ channel, key }: MessageEvent): void {
    const places = this.#places!.get(channel)
    if (places === undefined) return
    const place = places.get(key)
    if (place !== undefined) this.#drop(place)
    places.set(key, this.#events.length)
  }

  #drop(place: number): void {
    const older = this.#events.replace(place, undefined)
    if (older?.type === 'message') this.#bytes -= older.payload.length
    this.#gaps++
    this.#stats.messagesUnread++
  }
}
