import type { Socket } from 'node:dgram'
import { Link, type LinkCounters } from '../link.ts'
import type { LinkOptions } from '../link-options.ts'
import type { Random } from '../random.ts'
import type { UdpAddress } from './sdp.ts'

/** Which way a packet goes through the relay: `up` from a client to the target, `down` back. */
export type Direction = 'up' | 'down'

/** What the relay did in one direction, all clients together; counts only grow. */
export interface DirectionCounters {
  /** Packets that came in and were given to the link. */
  received: number
  receivedBytes: number
  /** Packets dropped on purpose: `lost + blackedOut + overflowed`. */
  dropped: number
  /** Dropped by the loss model. */
  lost: number
  /** Dropped by a blackout. */
  blackedOut: number
  /** Dropped because a queue or the memory limit was full. */
  overflowed: number
  /** Copies made. */
  duplicated: number
  /** Packets sent on after one that came later. */
  reordered: number
  /** Packets sent on, copies included. */
  forwarded: number
  forwardedBytes: number
  /** Packets that the socket refused to send; they are counted as forwarded too. */
  sendErrors: number
  /** Fingerprint of all loss decisions, uint32; with one client that of its link. */
  lossHash: number
}

/** The weather of a relay, and where its chance comes from. */
export interface Weather {
  readonly random: Random
  up: LinkOptions
  down: LinkOptions
  readonly startsAt: number
}

/** A link in each direction. */
export interface LinkPair {
  readonly up: Link
  readonly down: Link
}

/** The links of client `index`, each with a stream of chance of its own. */
export function newLinks(weather: Weather, index: number): LinkPair {
  const random = weather.random.fork(`client ${index}`)
  return {
    up: new Link({ ...weather.up, seed: random.fork('up'), startsAt: weather.startsAt }),
    down: new Link({ ...weather.down, seed: random.fork('down'), startsAt: weather.startsAt }),
  }
}

/** One client address: its upstream socket and the two links it goes through. */
export class ClientFlow {
  /** 0, 1, 2, … in the order in which clients were first heard; never given twice. */
  readonly index: number
  /** Where the client is. */
  readonly client: UdpAddress
  /** Speaks to the target for this client, from a port of its own. */
  readonly upstream: Socket
  readonly up: Link
  readonly down: Link
  /** Instant of the newest packet from either side, ms. */
  heardAt: number
  /** Nothing of it gets through any more. */
  isCut = false

  /** `links`: its own, or those that all clients share. */
  constructor(index: number, client: UdpAddress, upstream: Socket, links: LinkPair, now: number) {
    this.index = index
    this.client = client
    this.upstream = upstream
    this.up = links.up
    this.down = links.down
    this.heardAt = now
  }

  /** Instant at which a packet of either direction moves, ms. */
  get wakeAt(): number {
    return Math.min(this.up.wakeAt, this.down.wakeAt)
  }
}

export function noCounters(): DirectionCounters {
  return {
    received: 0,
    receivedBytes: 0,
    dropped: 0,
    lost: 0,
    blackedOut: 0,
    overflowed: 0,
    duplicated: 0,
    reordered: 0,
    forwarded: 0,
    forwardedBytes: 0,
    sendErrors: 0,
    lossHash: 0,
  }
}

/** Adds what the link of client `index` counted. */
export function addCounters(sum: DirectionCounters, link: Readonly<LinkCounters>, index: number): void {
  sum.received += link.pushed
  sum.receivedBytes += link.pushedBytes
  sum.dropped += link.lost + link.blackedOut + link.overflowed
  sum.lost += link.lost
  sum.blackedOut += link.blackedOut
  sum.overflowed += link.overflowed
  sum.duplicated += link.duplicated
  sum.reordered += link.reordered
  sum.forwarded += link.delivered
  sum.forwardedBytes += link.deliveredBytes
  // The sum must not depend on the order of clients, since they leave in any order; client 0 alone keeps its own hash.
  sum.lossHash = (sum.lossHash ^ Math.imul(link.lossHash, 2 * index + 1)) >>> 0
}
