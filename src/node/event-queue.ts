import type { ChannelTable, EventOf } from '../index.ts'
import type { ServerPeer } from './server-peer.ts'

/** An event of one of a server's peers. */
export type ServerEvent<C extends ChannelTable = ChannelTable, Data = undefined> = EventOf<C> & {
  readonly peer: ServerPeer<C, Data>
}

/**
 * Events of one peer that may wait here; more stay in its endpoint, where the endpoint's own limits hold. So a peer that floods
 * delays the others by this many events and no more.
 */
const MAX_QUEUED = 1024
/** Empty places at the front before the rest is moved there. */
const MAX_PULLED = 1024

/** A peer whose events are gathered. */
export interface Source<C extends ChannelTable, Data = undefined> {
  readonly peer: ServerPeer<C, Data>
  /** Its events in the queue. */
  queued: number
  /** It has more than may be queued. */
  isHeld: boolean
  /** The game has had, or will have, its `open`. */
  hasOpened: boolean
}

/** Events of many peers in the order of their arrival. */
export class EventQueue<C extends ChannelTable, Data = undefined> {
  readonly #events: (ServerEvent<C, Data> | undefined)[] = []
  readonly #sources: (Source<C, Data> | undefined)[] = []
  #head = 0
  #tail = 0

  /** Takes over what `source` has, up to its limit. */
  collect(source: Source<C, Data>): void {
    while (source.queued < MAX_QUEUED) {
      const event = source.peer.pollEvent()
      if (event === undefined) {
        source.isHeld = false
        return
      }
      this.#events[this.#tail] = { ...event, peer: source.peer }
      this.#sources[this.#tail] = source
      this.#tail++
      source.queued++
    }
    source.isHeld = true
  }

  /** The oldest event, or `undefined`. */
  pull(): ServerEvent<C, Data> | undefined {
    if (this.#head === this.#tail) return undefined
    const event = this.#events[this.#head]
    const source = this.#sources[this.#head]!
    this.#events[this.#head] = undefined
    this.#sources[this.#head] = undefined
    this.#head++
    if (this.#head === this.#tail) {
      this.#head = 0
      this.#tail = 0
    } else if (this.#head === MAX_PULLED) {
      for (const slots of [this.#events, this.#sources]) {
        slots.copyWithin(0, this.#head, this.#tail)
        slots.fill(undefined, this.#tail - this.#head, this.#tail)
      }
      this.#tail -= this.#head
      this.#head = 0
    }
    source.queued--
    if (source.isHeld && source.queued < MAX_QUEUED / 2) this.collect(source)
    return event
  }
}
