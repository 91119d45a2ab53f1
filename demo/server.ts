/**
 * The Node side of the demo: an authoritative peer behind a relay that loses, delays and reorders real datagrams, and the race.
 * The development server loads it; it needs nothing of Vite.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { networkInterfaces } from 'node:os'
import { listen } from 'gannet/node'
import { Random } from 'gannet/sim'
import { relayAnswer, UdpRelay, withoutCandidates } from 'gannet/sim/relay'
import { type Conditions, changeConditions, INITIAL, weatherOf } from './conditions.ts'
import { CHANNELS, type LineReport, PROTOCOL } from './protocol.ts'
import { freeUdpPort, RaceServer } from './race-server.ts'
import { Referee } from './referee.ts'
import { STEP_MS } from './world.ts'

/** Everything random in the demo grows from this, so that two runs meet the same weather. */
const SEED = 'a gannet dives'
/** Where the authoritative peer itself is: only the relay talks to it. */
const LOOPBACK = '127.0.0.1'
/** Steps of the delay that one turn makes up for after a pause: the process slept. */
const MOST_STEPS = 15
/**
 * How fast the relay's delay grows, ms a tick: 150 ms a second. SCTP takes a round trip that jumps past its retransmission timeout
 * for loss of everything and hardly recovers; a hand on a slider means the delay, not the jump.
 */
const DELAY_PER_TICK_MS = 2.5
/** Largest body of a request to change the conditions, bytes. */
const MAX_BODY_BYTES = 4_096

/** A running demo server. */
export interface DemoServer {
  /** What the relay does now. */
  readonly conditions: Conditions
  /** Answers `/gannet` and `/race/…` (signalling), `/conditions` (the weather) and `/clock`. */
  handle(request: IncomingMessage, response: ServerResponse, next: () => void): void
  /** Ends every connection and frees sockets and timers. */
  close(): Promise<void>
}

/** The clock that the race's parcels carry, ms. */
const clock = (): number => performance.timeOrigin + performance.now()

/** Starts the peers, the relays before them with the weather of `initial`, and the game's clock. */
export async function startServer(initial: Conditions = INITIAL): Promise<DemoServer> {
  const random = new Random(SEED)
  const udpPort = await freeUdpPort()
  let conditions = initial
  let delayMs = Math.max(...delaysOf(conditions))
  const relay = await UdpRelay.open({
    target: { address: LOOPBACK, port: udpPort },
    bindAddress: '0.0.0.0',
    seed: SEED,
    ...weatherOf(conditions),
  })
  const server = await listen({
    channels: CHANNELS,
    protocol: PROTOCOL,
    bindAddress: LOOPBACK,
    udpPort,
    // Without the page's addresses: the peer would try them directly, and what goes around the relay meets no weather.
    transformOffer: withoutCandidates,
    transformAnswer: (sdp) => relayAnswer(sdp, { address: lanAddress(), port: relay.port }).sdp,
  })
  const race = await RaceServer.open({ seed: SEED, address: lanAddress, weather: weatherOf(conditions) })
  const report = (): LineReport => {
    const { up, down } = relay.counters
    return {
      conditions,
      up: { offered: up.received, dropped: up.dropped },
      down: { offered: down.received, dropped: down.dropped },
    }
  }
  const referee = new Referee(server, () => random.float(), report)

  let tick = 0
  let timer = setTimeout(turn, 0)
  function turn(): void {
    // The clock of the peers, `peer.clock`, is this one here.
    const now = performance.now()
    const ticks = Math.floor(now / STEP_MS) - tick
    if (ticks > 0) {
      tick += ticks
      if (delayMs < Math.max(...delaysOf(conditions))) {
        setWeather(delayMs + DELAY_PER_TICK_MS * Math.min(MOST_STEPS, ticks))
      }
      referee.run(now)
      race.tick(clock(), conditions.stateHz, conditions.stateBytes)
    }
    timer = setTimeout(turn, Math.max(0, (tick + 1) * STEP_MS - performance.now()))
  }

  /** Brings the conditions to the relays, with at most `mostDelayMs` of their delay. */
  function setWeather(mostDelayMs: number): void {
    delayMs = Math.min(mostDelayMs, Math.max(...delaysOf(conditions)))
    const weather = weatherOf(conditions, delayMs)
    relay.set(weather)
    race.set(weather)
  }

  async function answerConditions(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'POST') {
      // A page of another origin cannot send this type without asking first, so it cannot move our sliders.
      if (!request.headers['content-type']?.startsWith('application/json')) {
        return respond(response, 415, { error: 'expected content-type application/json' })
      }
      const changed = changeConditions(conditions, await readJson(request))
      if (typeof changed === 'string') return respond(response, 400, { error: changed })
      conditions = changed
      setWeather(delayMs)
    } else if (request.method !== 'GET') {
      return respond(response, 405, { error: `expected GET or POST, got ${request.method}` })
    }
    respond(response, 200, { conditions, counters: relay.counters, lanAddress: lanAddress() })
  }

  return {
    get conditions() {
      return conditions
    },
    handle(request, response, next) {
      const path = (request.url ?? '').replace(/\?.*/, '')
      if (path === '/clock') return respond(response, 200, clock())
      if (path.startsWith('/race/')) return race.handle(request, response, next)
      if (path !== '/conditions') return server.nodeListener(request, response, next)
      answerConditions(request, response).catch((error: unknown) => {
        respond(response, 400, { error: error instanceof Error ? error.message : String(error) })
      })
    },
    async close() {
      clearTimeout(timer)
      await Promise.all([server.close(), race.close()])
      await relay.close()
    },
  }
}

function delaysOf(conditions: Conditions): number[] {
  const { up, down } = weatherOf(conditions)
  return [up.delayMs ?? 0, down.delayMs ?? 0]
}

/**
 * Where a browser finds the relay: an address of this machine on its network, because browsers gather no candidate on the
 * loopback interface, and only Linux lets the others reach it. Asked anew for each answer: laptops move.
 */
function lanAddress(): string {
  for (const addresses of Object.values(networkInterfaces())) {
    const found = addresses?.find((address) => address.family === 'IPv4' && !address.internal)
    if (found) return found.address
  }
  return LOOPBACK
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of request) {
    text += chunk
    if (text.length > MAX_BODY_BYTES) throw new Error(`the body is above ${MAX_BODY_BYTES} bytes`)
  }
  return JSON.parse(text)
}

function respond(response: ServerResponse, status: number, value: unknown): void {
  response.statusCode = status
  response.setHeader('content-type', 'application/json')
  response.setHeader('cache-control', 'no-store')
  response.end(JSON.stringify(value))
}
