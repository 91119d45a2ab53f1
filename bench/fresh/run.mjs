// One run of one cell: three relays of the same weather and seed, and behind each one contender.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { Child } from '../live/child.mjs'
import { Pages } from '../live/pages.mjs'
import { builtRelay } from './built.mjs'
import { Cut } from './cut.mjs'
import { afterOutage, ageOf, deliveredShare, latencyOf } from './figures.mjs'
import { HZ, Load } from './load.mjs'

/**
 * @typedef {import('./cells.mjs').Cell} Cell
 * @typedef {import('./cells.mjs').Figures} Figures
 * @typedef {import('./load.mjs').Account} Account
 * @typedef {import('./load.mjs').Plan} Plan
 * @typedef {import('./load.mjs').Kind} Kind
 * @typedef {'udp' | 'naive' | 'gannet'} Contender
 * @typedef {import('../live/browsers.mjs').Opener} Opener
 * @typedef {Figures & { cell: string, seed: number, transport: Contender, direction: 'up' | 'down', browser: string }} Row
 */

const LOOPBACK = '127.0.0.1'
const WARM_UP_MS = 3500
/** Time after the last tick in which things may still come, ms; a reliable transfer gets longer. */
const DRAIN_MS = 1000
const TRANSFER_DRAIN_MS = 4000
const SECONDS = 20
/** Senders do not all wake at once, ms. */
const STAGGER_MS = 4
/** Largest message that plain UDP carries here, bytes. */
const MAX_DATAGRAM_BYTES = 1400
/** Largest error of the page's clock that is put up with, ms. */
const MAX_CLOCK_ERROR_MS = 2.5
/** What connecting and everything else around the ticks may take, ms. */
const OVERHEAD_LIMIT_MS = 60_000

/** One clock for all processes of this host. */
const clock = () => Number(process.hrtime.bigint()) / 1e6

/**
 * @typedef {object} Settings
 * @property {object} [options] more for `connect` and `listen`
 * @property {(line: string) => void} [log]
 * @property {readonly Contender[]} [contenders] default all
 */

/**
 * Rejects when something breaks or hangs; nothing of the run is left behind then either.
 * @param {Cell} cell
 * @param {number} seed
 * @param {Opener} opener of the page
 * @param {Settings} [settings]
 * @returns {Promise<Row[]>}
 */
export async function runCell(cell, seed, opener, settings = {}) {
  /** @type {(() => unknown)[]} */
  const closers = []
  const limitMs = OVERHEAD_LIMIT_MS + (cell.warmUpMs ?? WARM_UP_MS) + 1000 * (cell.seconds ?? SECONDS)
  /** @type {Promise<never>} */
  const hangs = new Promise((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`not done after ${limitMs / 1000} s`)), limitMs)
    closers.push(() => clearTimeout(timer))
  })
  try {
    return await Promise.race([measured(cell, seed, opener, settings, closers), hangs])
  } finally {
    for (const close of closers.reverse()) await close()
  }
}

/**
 * @param {Cell} cell
 * @param {number} seed
 * @param {Opener} opener
 * @param {Settings} settings
 * @param {(() => unknown)[]} closers
 * @returns {Promise<Row[]>}
 */
async function measured(cell, seed, opener, { options = {}, log = () => {}, contenders }, closers) {
  const { UdpRelay } = await builtRelay()
  const names = /** @type {const} */ (['gannet', 'naive']).filter((name) => contenders?.includes(name) ?? true)
  const host = cell.browser === 'firefox' ? ownAddress() : LOOPBACK
  const cut = cell.cutsAtMs === undefined ? undefined : new Cut(clock)
  /**
   * @param {number} port
   * @param {import('../../src/sim/relay/index.ts').UdpRelayOptions['onPacket']} [onPacket]
   */
  const relayTo = async (port, onPacket) => {
    const relay = await UdpRelay.open({
      target: { address: host, port },
      bindAddress: host,
      seed,
      up: cell.weather,
      down: cell.weather,
      // All connections of one player share the player's line.
      sharesLinks: true,
      ...(onPacket && { onPacket }),
    })
    closers.push(() => relay.close())
    return relay
  }
  const pages = await Pages.open(clock)
  closers.push(() => pages.close())
  const udp = await UdpPair.open(host, relayTo)
  closers.push(() => udp.close())
  const relays = [udp.relay]
  const ports = await freePorts(host, names.length)
  const redundancy = cell.redundancy ?? 'lean'
  /** @param {'gannet' | 'naive'} contender */
  const serve = async (contender) => {
    const udpPort = ports.pop() ?? 0
    const relay = await relayTo(udpPort, contender === 'gannet' && cut ? cut.onPacket : undefined)
    relays.push(relay)
    if (contender === 'gannet') cut?.watch(relay)
    const side = new Child(new URL('./node-side.mjs', import.meta.url))
    closers.push(() => side.close())
    const { url } = await side.ask({
      setUp: {
        contender,
        host,
        udpPort,
        relay: { address: relay.address, port: relay.port },
        redundancy,
        options: contender === 'gannet' ? options : {},
      },
    })
    return { contender, side, url }
  }
  const [page, ...served] = await Promise.all([pages.page(opener, 'bench/fresh/page.mjs'), ...names.map(serve)])
  closers.push(() => page.close())
  await Promise.all(
    served.map(({ contender, url }) => {
      const request = { url: String(url), redundancy, options }
      return page.ask(contender === 'gannet' ? { joinGannet: request } : { joinNaive: request })
    }),
  )
  const { errorMs } = await page.ask({ setClock: `${pages.url}/clock` })
  if (!(errorMs <= MAX_CLOCK_ERROR_MS)) throw new Error(`the page's clock may be wrong by ${errorMs} ms`)

  const warmUpMs = cell.warmUpMs ?? WARM_UP_MS
  const measuredMs = (cell.seconds ?? SECONDS) * 1000
  const startAt = clock() + 300
  const fromAt = startAt + warmUpMs
  const toAt = fromAt + measuredMs
  /** @type {(atMs: number, act: () => void) => void} */
  const schedule = (atMs, act) => {
    const timer = setTimeout(act, fromAt + atMs - clock())
    closers.push(() => clearTimeout(timer))
  }
  for (const { atMs, ...weather } of cell.changes ?? []) {
    schedule(atMs, () => {
      for (const relay of relays) relay.set({ up: weather, down: weather })
    })
  }
  if (cell.cutsAtMs !== undefined) schedule(cell.cutsAtMs, () => cut?.cut())
  /** @type {(index: number) => Plan} */
  const planOf = (index) => ({
    startAt: startAt + index * STAGGER_MS,
    ticks: Math.round(((warmUpMs + measuredMs) * HZ) / 1000),
    stateBytes: cell.stateBytes,
    reliablePerSecond: cell.reliablePerSecond ?? 0,
    reliableBytes: cell.reliableBytes ?? 0,
    transferBytes: cell.transferBytes ?? 0,
    transferTicks: transferTicks(cell, warmUpMs, measuredMs),
    seed,
  })
  const runs = served.flatMap(({ contender, side }) => {
    const at = contender === 'gannet' ? 1 : 3
    return [side.ask({ run: planOf(at) }), page.ask({ run: { contender, plan: planOf(at - 1) } })]
  })
  await Promise.all([udp.run(planOf(0), planOf(2)), ...runs])
  await pause(cell.transferBytes === undefined ? DRAIN_MS : TRANSFER_DRAIN_MS)

  /** @type {Row[]} */
  const rows = []
  const judgedFromAt = fromAt + (cell.judgedFromMs ?? 0)
  const agedFromAt = cell.agedFromMs === undefined ? judgedFromAt : fromAt + cell.agedFromMs
  /** @type {(transport: Contender, direction: 'up' | 'down', from: Account, to: Account, isOpen: boolean) => void} */
  const judge = (transport, direction, from, to, isOpen) => {
    const mustCome = cell.judged !== 'state' && transport !== 'udp'
    rows.push({
      cell: cell.name,
      seed,
      transport,
      direction,
      delivered: deliveredShare({ from, to }, cell.judged, judgedFromAt, toAt),
      latency: latencyOf({ from, to }, cell.judged, judgedFromAt, toAt, mustCome),
      age: ageOf(to, cell.aged ?? 'state', agedFromAt, toAt, seed),
      ...(cell.outageEndsMs !== undefined && {
        afterOutage: { ...afterOutage({ from, to }, fromAt + cell.outageEndsMs), isOpen },
      }),
      ...(cut && transport === 'gannet' && { cut: { ...cut.report(), isOpen } }),
      browser: opener.name,
    })
  }
  judge('udp', 'up', udp.client.account, udp.server.account, true)
  judge('udp', 'down', udp.server.account, udp.client.account, true)
  for (const { contender, side } of served) {
    const there = await side.ask({ report: contender })
    const here = await page.ask({ report: contender })
    const isOpen = there.isOpen && here.isOpen
    judge(contender, 'up', here.account, there.account, isOpen)
    judge(contender, 'down', there.account, here.account, isOpen)
    log(`${contender}, page: ${JSON.stringify(here.stats)}\n${contender}, Node: ${JSON.stringify(there.stats)}`)
  }
  return rows
}

/**
 * @param {Cell} cell
 * @param {number} warmUpMs
 * @param {number} measuredMs
 */
function transferTicks(cell, warmUpMs, measuredMs) {
  if (cell.transferEveryMs === undefined) return []
  const ticks = []
  for (let atMs = warmUpMs + 50; atMs < warmUpMs + measuredMs; atMs += cell.transferEveryMs) {
    ticks.push(Math.round((atMs * HZ) / 1000))
  }
  return ticks
}

/** Plain UDP, both ends in this process. */
class UdpPair {
  server = new Load(clock)
  client = new Load(clock)
  relay
  #isClosed = false
  #sockets
  /** Where the server has heard the client from. */
  #back = /** @type {import('node:dgram').RemoteInfo | undefined} */ (undefined)

  /**
   * @param {readonly [import('node:dgram').Socket, import('node:dgram').Socket]} sockets
   * @param {import('../../src/sim/relay/index.ts').UdpRelay} relay
   */
  constructor(sockets, relay) {
    this.#sockets = sockets
    this.relay = relay
    const [client, server] = sockets
    client.on('message', (message) => this.client.take(message))
    server.on('message', (message, from) => {
      this.#back = from
      this.server.take(message)
    })
  }

  /**
   * @param {string} host
   * @param {(port: number) => Promise<import('../../src/sim/relay/index.ts').UdpRelay>} relayTo
   */
  static async open(host, relayTo) {
    const sockets = /** @type {const} */ ([createSocket('udp4'), createSocket('udp4')])
    for (const socket of sockets) {
      socket.bind(0, host)
      await once(socket, 'listening')
    }
    const pair = new UdpPair(sockets, await relayTo(sockets[1].address().port))
    while (pair.#back === undefined) {
      sockets[0].send(new Uint8Array(1), pair.relay.port, pair.relay.address)
      await pause(20)
    }
    return pair
  }

  /**
   * @param {Plan} clientPlan
   * @param {Plan} serverPlan
   */
  run(clientPlan, serverPlan) {
    const [client, server] = this.#sockets
    const fits = (/** @type {Uint8Array} */ message) => !this.#isClosed && message.length <= MAX_DATAGRAM_BYTES
    return Promise.all([
      this.client.run(clientPlan, {
        send: (_, message) => {
          if (fits(message)) client.send(message, this.relay.port, this.relay.address)
        },
      }),
      this.server.run(serverPlan, {
        send: (_, message) => {
          if (fits(message) && this.#back) server.send(message, this.#back.port, this.#back.address)
        },
      }),
    ])
  }

  close() {
    this.#isClosed = true
    for (const socket of this.#sockets) socket.close()
  }
}

/**
 * UDP ports that nobody has at this moment.
 * @param {string} host
 * @param {number} count
 */
async function freePorts(host, count) {
  const sockets = Array.from({ length: count }, () => createSocket('udp4'))
  const ports = []
  for (const socket of sockets) {
    socket.bind(0, host)
    await once(socket, 'listening')
    ports.push(socket.address().port)
  }
  for (const socket of sockets) socket.close()
  return ports
}

/**
 * An IPv4 address of this host that is not a loopback one, if it has any. Firefox goes to no other unless the page has a camera, and
 * takes no answer that names one as its own.
 */
function ownAddress() {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? LOOPBACK
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
