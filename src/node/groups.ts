import type { ChannelTable, MessageOf, SendOptions, SharedPayload } from '../index.ts'
import type { ServerPeer } from './server-peer.ts'

export interface GroupSendOptions<Member> extends SendOptions {
  /** Who gets nothing: one or several. */
  readonly except?: Member | Iterable<Member>
}

/** Members by the name of their group; a group that nobody is in has no entry. */
type Table<C extends ChannelTable, Data> = Map<string, Set<ServerPeer<C, Data>>>

/**
 * Some of a server's peers, by a name of the game's own: a team, a room, those who can see something. A message to all is stored
 * once. A peer leaves its groups when it closes; a group that nobody is in costs nothing.
 */
export class Group<C extends ChannelTable = ChannelTable, Data = undefined> {
  readonly name: string
  readonly #table: Table<C, Data>

  /** Use `server.group`. */
  constructor(name: string, table: Table<C, Data>) {
    this.name = name
    this.#table = table
  }

  get size(): number {
    return this.#table.get(this.name)?.size ?? 0
  }

  /** Takes a peer in. One that is closing or closed is not taken. */
  add(peer: ServerPeer<C, Data>): void {
    if (peer.state !== 'open') return
    const members = this.#table.get(this.name)
    if (members === undefined) this.#table.set(this.name, new Set([peer]))
    else members.add(peer)
  }

  /** Lets a peer go; says whether it was in. */
  delete(peer: ServerPeer<C, Data>): boolean {
    const members = this.#table.get(this.name)
    const was = members?.delete(peer) ?? false
    if (members?.size === 0) this.#table.delete(this.name)
    return was
  }

  has(peer: ServerPeer<C, Data>): boolean {
    return this.#table.get(this.name)?.has(peer) ?? false
  }

  [Symbol.iterator](): IterableIterator<ServerPeer<C, Data>> {
    return (this.#table.get(this.name) ?? new Set<ServerPeer<C, Data>>()).values()
  }

  /**
   * Queues one copy of `message`, bytes or a value of the channel's codec, for all. Returns the peers that it was not queued for, because their reliable channel is full:
   * empty, unless something is wrong. Throws `NetcodeError` as `peer.send` does, but for `backpressure`.
   */
  send<Name extends keyof C & string>(
    channel: Name,
    message: MessageOf<C, Name>,
    options: GroupSendOptions<ServerPeer<C, Data>> = {},
  ): readonly ServerPeer<C, Data>[] {
    return sendToAll(this, channel, message, options)
  }
}

const NOBODY: readonly never[] = []

/** One copy of `message` for all of `peers`; returns those whose channel is full. */
export function sendToAll<C extends ChannelTable, Data, Name extends keyof C & string>(
  peers: Iterable<ServerPeer<C, Data>>,
  channel: Name,
  message: MessageOf<C, Name>,
  { except, ...options }: GroupSendOptions<ServerPeer<C, Data>>,
): readonly ServerPeer<C, Data>[] {
  let full: ServerPeer<C, Data>[] | undefined
  let shared: SharedPayload | undefined
  const left = except === undefined || !(Symbol.iterator in except) ? undefined : new Set(except)
  for (const peer of peers) {
    if (peer === except || left?.has(peer)) continue
    shared ??= peer.share(channel, message)
    if (peer.trySend(channel, shared as MessageOf<C, Name>, options) !== undefined || peer.state !== 'open') continue
    full ??= []
    full.push(peer)
  }
  return full ?? NOBODY
}

/** The groups of a server. */
export class Groups<C extends ChannelTable, Data> {
  readonly #table: Table<C, Data> = new Map()

  /** Groups that somebody is in. */
  get size(): number {
    return this.#table.size
  }

  get(name: string): Group<C, Data> {
    return new Group(name, this.#table)
  }

  /** A peer has closed. */
  leave(peer: ServerPeer<C, Data>): void {
    for (const name of this.#table.keys()) this.get(name).delete(peer)
  }
}
