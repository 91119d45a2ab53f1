/** The server's half of the race: Gannet, a plain unreliable DataChannel and a reliable one, each behind a relay with the same seed. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { listen, type Peer, type Server } from 'gannet/node'
import { relayAnswer, UdpRelay, udpTargets, withoutCandidates } from 'gannet/sim/relay'
import type { DataChannel, PeerConnection } from 'node-datachannel'
import { alignedTo, type Weather } from './conditions.ts'
import { KIND, RACE_CHANNELS, RACE_PROTOCOL, Starter, withKind } from './race-protocol.ts'

/** Where the connections themselves are: only relays talk to them. */
const LOOPBACK = '127.0.0.1'
/** Largest offer, bytes. */
const MAX_OFFER_BYTES = 32_768
/** Pages that may race at once; each costs two native connections and two relays beside Gannet's. */
const MOST_PAGES = 8
/** Time for our own candidates, ms. */
const GATHERING_MS = 2_000
/** Time from an answer to the open channel, ms. */
const OPEN_MS = 20_000

/** How each plain carrier asks its channel to behave. */
const POLICIES = {
  plain: { unordered: true, maxRetransmits: 0 },
  reliable: {},
} as const
type Plain = keyof typeof POLICIES

export interface RaceOptions {
  readonly seed: string
  /** Address at which pages find the relays. */
  readonly address: () => string
  readonly weather: Weather
}

/** One plain carrier of one page. */
interface PlainRun {
  readonly relay: UdpRelay
  /** When the relay was opened, ms after Gannet's. */
  readonly elapsedMs: number
  end(): void
}

export class RaceServer {
  readonly #options: RaceOptions
  readonly #server: Server<typeof RACE_CHANNELS>
  readonly #relay: UdpRelay
  readonly #starter = new Starter()
  readonly #beganAt = performance.now()
  readonly #runs: Set<PlainRun> = new Set()
  readonly #leaving: Map<string, () => void> = new Map()
  #weather: Weather

  private constructor(options: RaceOptions, server: Server<typeof RACE_CHANNELS>, relay: UdpRelay) {
    this.#options = options
    this.#server = server
    this.#relay = relay
    this.#weather = options.weather
  }

  static async open(options: RaceOptions): Promise<RaceServer> {
    const udpPort = await freeUdpPort()
    const relay = await UdpRelay.open({
      target: { address: LOOPBACK, port: udpPort },
      bindAddress: '0.0.0.0',
      seed: options.seed,
      // However many connections a peer has, they are on one line, as the others are.
      sharesLinks: true,
      ...options.weather,
    })
    const server = await listen({
      channels: RACE_CHANNELS,
      protocol: RACE_PROTOCOL,
      path: '/race/gannet',
      bindAddress: LOOPBACK,
      udpPort,
      transformOffer: withoutCandidates,
      transformAnswer: (sdp) => relayAnswer(sdp, { address: options.address(), port: relay.port }).sdp,
    })
    return new RaceServer(options, server, relay)
  }

  /** Each tick of the game, with the clock that parcels carry. */
  tick(clockMs: number, stateHz: number, stateBytes: number): void {
    this.#server.update()
    for (let event = this.#server.pollEvent(); event; event = this.#server.pollEvent()) {
      if (event.type === 'open') this.#join(event.peer)
      else if (event.type === 'closed') this.#leave(event.peer.id)
    }
    this.#starter.tick(clockMs, stateHz, stateBytes)
    this.#server.flush()
  }

  set(weather: Weather): void {
    this.#weather = weather
    this.#relay.set(weather)
    for (const { relay, elapsedMs } of this.#runs) relay.set(alignedTo(elapsedMs, weather))
  }

  /** Answers offers below `/race/`. */
  handle(request: IncomingMessage, response: ServerResponse, next: () => void): void {
    const name = /^\/race\/(plain|reliable)$/.exec(request.url ?? '')?.[1]
    if (name === undefined) {
      this.#server.nodeListener(request, response, next)
      return
    }
    this.#answer(name as Plain, request).then(
      (sdp) => response.writeHead(201, { 'content-type': 'application/sdp' }).end(sdp),
      (error: unknown) => response.writeHead(503).end(error instanceof Error ? error.message : String(error)),
    )
  }

  async close(): Promise<void> {
    for (const run of this.#runs) run.end()
    await this.#server.close({ deadlineMs: 0 })
    await this.#relay.close()
  }

  #join(peer: Peer<typeof RACE_CHANNELS>): void {
    const leave = this.#starter.add({
      sendState: (state) => void peer.send('state', state),
      sendMessage: (message) => void peer.trySend('message', message),
    })
    this.#leaving.set(peer.id, leave)
  }

  #leave(id: string): void {
    this.#leaving.get(id)?.()
    this.#leaving.delete(id)
  }

  async #answer(name: Plain, request: IncomingMessage): Promise<string> {
    if (request.method !== 'POST') throw new Error(`expected POST, got ${request.method}`)
    if (this.#runs.size >= 2 * MOST_PAGES) throw new Error(`${MOST_PAGES} pages race already`)
    const offer = withoutCandidates(await textOf(request))
    // The library is loaded and set up by Gannet, whose settings hold for the whole process.
    const native = await import('node-datachannel')
    const connection = new native.PeerConnection(name, { iceServers: [], bindAddress: LOOPBACK })
    try {
      const gathered = new Promise<void>((resolve) => {
        connection.onGatheringStateChange((state) => state === 'complete' && resolve())
      })
      connection.setRemoteDescription(offer, 'offer')
      const channel = connection.createDataChannel('race', { ...POLICIES[name], negotiated: true, id: 0 })
      await Promise.race([gathered, new Promise((resolve) => setTimeout(resolve, GATHERING_MS))])
      const sdp = connection.localDescription()?.sdp ?? ''
      const [target] = udpTargets(sdp, { bindAddress: LOOPBACK })
      if (target === undefined) throw new Error('the connection has no address')
      const elapsedMs = performance.now() - this.#beganAt
      const relay = await UdpRelay.open({
        target,
        bindAddress: '0.0.0.0',
        seed: this.#options.seed,
        sharesLinks: true,
        ...alignedTo(elapsedMs, this.#weather),
      })
      this.#run(connection, channel, relay, elapsedMs)
      return relayAnswer(sdp, { address: this.#options.address(), port: relay.port }, { bindAddress: LOOPBACK }).sdp
    } catch (error) {
      // Freed only when somebody hears of its closing.
      connection.onStateChange(() => {})
      connection.close()
      throw error
    }
  }

  /** Sends every tick without looking back, as is written in every tutorial. */
  #run(connection: PeerConnection, channel: DataChannel, relay: UdpRelay, elapsedMs: number): void {
    let leave: (() => void) | undefined
    const run: PlainRun = {
      relay,
      elapsedMs,
      end: () => {
        if (!this.#runs.delete(run)) return
        clearTimeout(opening)
        leave?.()
        channel.close()
        connection.close()
        void relay.close()
      },
    }
    const opening = setTimeout(run.end, OPEN_MS)
    this.#runs.add(run)
    const send = (kind: number, payload: Uint8Array): void => {
      try {
        channel.sendMessageBinary(withKind(kind, payload))
      } catch {
        // Closed below, and the word of it still on its way.
      }
    }
    channel.onMessage(() => {})
    channel.onOpen(() => {
      clearTimeout(opening)
      if (!this.#runs.has(run)) return
      leave = this.#starter.add({
        sendState: (state) => send(KIND.state, state),
        sendMessage: (message) => send(KIND.message, message),
      })
    })
    channel.onClosed(run.end)
    connection.onStateChange((state) => {
      if (state === 'failed' || state === 'closed') run.end()
    })
  }
}

/** A UDP port that is free now. */
export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind({ address: LOOPBACK, port: 0, exclusive: true })
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) {
    text += chunk
    if (text.length > MAX_OFFER_BYTES) throw new Error(`the offer is above ${MAX_OFFER_BYTES} bytes`)
  }
  return text
}
