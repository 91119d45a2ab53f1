/**
 * The other side is in this page: for a page that is hosted without a server. The game, the race and their weather run over the
 * simulated path of `gannet/sim`, with its model of what SCTP does below a DataChannel.
 */
import { type ChannelTable, Endpoint, type EventOf } from 'gannet'
import { type EndpointWatcher, Peer, systemHost } from 'gannet/browser'
import {
  DCSCTP,
  LIBDATACHANNEL,
  Random,
  SctpPath,
  type SctpReliability,
  type SctpSide,
  type SctpTransport,
} from 'gannet/sim'
import { type Conditions, changeConditions, INITIAL, weatherOf } from './conditions.ts'
import type { Place, Run } from './place.ts'
import { CHANNELS, type Channels, type LineReport, PROTOCOL } from './protocol.ts'
import { KIND, RACE_CHANNELS, RACE_PROTOCOL, type RunnerName, Starter, withKind } from './race-protocol.ts'
import { GannetRun, type RunListener, Unpacking } from './race-runs.ts'
import { type GameServer, Referee } from './referee.ts'
import { STEP_MS } from './world.ts'

const SEED = 'a gannet dives'
/** A browser and a Node server, as Gannet sets them up and as they come. */
const BROWSER: SctpSide = { options: DCSCTP }
const GANNET_SERVER: SctpSide = {
  options: { ...LIBDATACHANNEL, sendBufferBytes: 16_384 },
  reliability: { lifetimeMs: 20 },
}
const PLAIN_SERVER: SctpSide = { options: LIBDATACHANNEL }

export class LocalPlace implements Place {
  readonly kind = 'local'
  readonly #random = new Random(SEED)
  readonly #paths: SctpPath[] = []
  readonly #server = new PageServer<Channels>()
  readonly #racers = new PageServer<typeof RACE_CHANNELS>()
  readonly #starter = new Starter()
  readonly #referee: Referee
  readonly #gamePath: SctpPath
  readonly #leaving: Map<string, () => void> = new Map()
  #conditions: Conditions = INITIAL
  #tick = 0

  constructor() {
    this.#gamePath = this.#newPath()
    this.#referee = new Referee(
      this.#server as GameServer,
      () => this.#random.float(),
      () => this.#report,
    )
  }

  readonly dial = (trace: EndpointWatcher): Promise<Peer<Channels>> => {
    const pipe = this.#gamePath.open(BROWSER, GANNET_SERVER)
    this.#server.add(peerOn('server', CHANNELS, PROTOCOL, pipe.server))
    return opened(peerOn('client', CHANNELS, PROTOCOL, pipe.client, trace))
  }

  run(name: RunnerName, listener: RunListener): Run {
    const path = this.#newPath()
    if (name === 'gannet') {
      return new GannetRun('', listener, () => {
        const pipe = path.open(BROWSER, GANNET_SERVER)
        this.#racers.add(peerOn('server', RACE_CHANNELS, RACE_PROTOCOL, pipe.server))
        return opened(peerOn('client', RACE_CHANNELS, RACE_PROTOCOL, pipe.client))
      })
    }
    const reliability: SctpReliability = name === 'plain' ? { maxRetransmits: 0 } : {}
    const { client, server } = path.open({ ...BROWSER, reliability }, { ...PLAIN_SERVER, reliability })
    const unpacking = new Unpacking(listener)
    const order = name === 'reliable' ? new InOrder((packet) => unpacking.push(packet)) : undefined
    client.onPacket = (packet) => (order ? order.take(packet) : unpacking.push(packet))
    let number = 0
    const send = (kind: number, payload: Uint8Array): void => {
      const packet = withKind(kind, payload)
      server.send(order ? InOrder.numbered(number++, packet) : packet)
    }
    const leave = this.#starter.add({
      sendState: (state) => send(KIND.state, state),
      sendMessage: (message) => send(KIND.message, message),
    })
    listener.onOpen(true)
    return { update: () => unpacking.drain(), stop: leave }
  }

  async conditions(): Promise<{ conditions: Conditions }> {
    return { conditions: this.#conditions }
  }

  async change(asked: Partial<Conditions>): Promise<Conditions | string> {
    const changed = changeConditions(this.#conditions, asked)
    if (typeof changed === 'string') return changed
    this.#conditions = changed
    for (const path of this.#paths) path.set(weatherOf(changed))
    return changed
  }

  async clock(): Promise<number> {
    return performance.timeOrigin + performance.now()
  }

  update(): void {
    const now = performance.now()
    const tick = Math.floor(now / STEP_MS)
    if (tick === this.#tick) return
    this.#tick = tick
    this.#referee.run(now)
    this.#racers.update()
    for (let event = this.#racers.pollEvent(); event; event = this.#racers.pollEvent()) this.#takeRacer(event)
    const { stateHz, stateBytes } = this.#conditions
    this.#starter.tick(performance.timeOrigin + now, stateHz, stateBytes)
    this.#racers.flush()
  }

  #takeRacer({ type, peer }: PageEvent<typeof RACE_CHANNELS>): void {
    if (type === 'open') {
      const leave = this.#starter.add({
        sendState: (state) => void peer.send('state', state),
        sendMessage: (message) => void peer.trySend('message', message),
      })
      this.#leaving.set(peer.id, leave)
    } else if (type === 'closed') {
      this.#leaving.get(peer.id)?.()
      this.#leaving.delete(peer.id)
    }
  }

  get #report(): LineReport {
    const { up, down } = this.#gamePath
    const count = ({ counters: { pushed, lost, blackedOut, overflowed } }: typeof up) => ({
      offered: pushed,
      dropped: lost + blackedOut + overflowed,
    })
    return { conditions: this.#conditions, up: count(up), down: count(down) }
  }

  /** Each carrier has a line of its own with the same seed: packet n of each meets the same fate. */
  #newPath(): SctpPath {
    const path = new SctpPath({ seed: SEED, host: systemHost, ...weatherOf(this.#conditions) })
    this.#paths.push(path)
    return path
  }
}

function peerOn<const C extends ChannelTable>(
  role: 'client' | 'server',
  channels: C,
  protocol: string,
  transport: SctpTransport,
  trace?: EndpointWatcher,
): Peer<C> {
  const host = systemHost
  const options = {
    ...{ role, channels, protocol, now: host.now(), random: () => host.random() },
    maxPacketBytes: transport.maxPacketBytes,
  }
  const endpoint = new Endpoint<C>(trace ? trace.begin<C>(options) : options)
  trace?.attach(endpoint)
  return new Peer<C>({ id: `${role} ${host.random()}`, endpoint, transport, host })
}

/** Resolves once the handshake is over. */
async function opened<C extends ChannelTable>(peer: Peer<C>): Promise<Peer<C>> {
  while (peer.state === 'connecting') {
    await new Promise((resolve) => setTimeout(resolve, 10))
    peer.update()
  }
  return peer
}

type PageEvent<C extends ChannelTable> = EventOf<C> & { readonly peer: Peer<C> }

/** What `listen` gives, for peers that are at hand. */
class PageServer<C extends ChannelTable> {
  #peers: Peer<C>[] = []

  add(peer: Peer<C>): void {
    this.#peers.push(peer)
  }

  update(): void {
    for (const peer of this.#peers) peer.update()
  }

  pollEvent(): PageEvent<C> | undefined {
    for (const peer of this.#peers) {
      const event = peer.pollEvent()
      if (event === undefined) continue
      if (event.type === 'closed') this.#peers = this.#peers.filter((other) => other !== peer)
      return { ...event, peer }
    }
    return undefined
  }

  flush(): void {
    for (const peer of this.#peers) peer.flush()
  }
}

/** The order of a reliable, ordered DataChannel: what comes early waits for what comes late. */
class InOrder {
  readonly #deliver: (packet: Uint8Array) => void
  readonly #early: Map<number, Uint8Array> = new Map()
  #next = 0

  constructor(deliver: (packet: Uint8Array) => void) {
    this.#deliver = deliver
  }

  static numbered(number: number, packet: Uint8Array): Uint8Array<ArrayBuffer> {
    const numbered = new Uint8Array(packet.length + 4)
    new DataView(numbered.buffer).setUint32(0, number)
    numbered.set(packet, 4)
    return numbered
  }

  take(numbered: Uint8Array): void {
    const number = new DataView(numbered.buffer, numbered.byteOffset).getUint32(0)
    this.#early.set(number, numbered.subarray(4))
    for (let packet = this.#early.get(this.#next); packet; packet = this.#early.get(this.#next)) {
      this.#early.delete(this.#next++)
      this.#deliver(packet)
    }
  }
}
