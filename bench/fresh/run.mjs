// One run of one cell: three relays of the same weather and seed, and behind each one contender.
import { fork } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from '../../scripts/tool.mjs'
import { builtRelay } from './built.mjs'
import { ageOf, deliveredShare, latencyOf } from './figures.mjs'
import { HZ, Load } from './load.mjs'

/**
 * @typedef {import('./cells.mjs').Cell} Cell
 * @typedef {import('./cells.mjs').Figures} Figures
 * @typedef {import('./load.mjs').Account} Account
 * @typedef {import('./load.mjs').Plan} Plan
 * @typedef {import('./load.mjs').Kind} Kind
 * @typedef {'udp' | 'naive' | 'gannet'} Contender
 * @typedef {Figures & { cell: string, seed: number, transport: Contender, direction: 'up' | 'down' }} Row
 */

const LOOPBACK = '127.0.0.1'
/** Time before anything is judged, ms: windows open, estimates settle. */
const WARM_UP_MS = 4000
/** Time after the last tick in which things may still come, ms; a reliable transfer gets longer. */
const DRAIN_MS = 1500
const TRANSFER_DRAIN_MS = 8000
const SECONDS = 20
/** Senders do not all wake at once, ms. */
const STAGGER_MS = 4
/** Largest message that plain UDP carries here, bytes. */
const MAX_DATAGRAM_BYTES = 1400
/** Largest error of the page's clock that is put up with, ms. */
const MAX_CLOCK_ERROR_MS = 2.5

/** One clock for all processes of this host. */
const clock = () => Number(process.hrtime.bigint()) / 1e6

/**
 * @param {Cell} cell
 * @param {number} seed
 * @param {import('playwright').Browser} browser
 * @param {{ options?: object, log?: (line: string) => void, contenders?: readonly Contender[] }} [settings]
 * @returns {Promise<Row[]>}
 */
export async function runCell(cell, seed, browser, { options = {}, log = () => {}, contenders } = {}) {
  const { UdpRelay } = await builtRelay()
  const isWanted = (/** @type {Contender} */ name) => contenders === undefined || contenders.includes(name)
  /** @type {(() => unknown)[]} */
  const closers = []
  try {
    /** @param {number} port */
    const relayTo = async (port) => {
      const relay = await UdpRelay.open({
        target: { address: LOOPBACK, port },
        seed,
        up: cell.weather,
        down: cell.weather,
        // All connections of one player share the player's line.
        sharesLinks: true,
      })
      closers.push(() => relay.close())
      return relay
    }
    const pages = await startPages()
    closers.push(pages.close)
    const page = await browser.newPage()
    closers.push(() => page.close())
    page.on('pageerror', (error) => log(`page: ${error.message}`))
    await page.goto(`${pages.url}/bench/fresh/page.html`)
    await page.waitForFunction('globalThis.fresh !== undefined')

    const udp = await UdpPair.open(relayTo)
    closers.push(() => udp.close())
    const ports = await freePorts(2)
    const redundancy = cell.redundancy ?? 'lean'
    /** @type {Record<'gannet' | 'naive', NodeSide | undefined>} */
    const sides = { gannet: undefined, naive: undefined }
    const relays = [udp.relay]
    for (const contender of /** @type {const} */ (['gannet', 'naive'])) {
      if (!isWanted(contender)) continue
      const udpPort = ports.pop() ?? 0
      const relay = await relayTo(udpPort)
      relays.push(relay)
      const side = new NodeSide()
      sides[contender] = side
      closers.push(() => side.close())
      const url = await side.setUp({
        contender,
        udpPort,
        relay: { address: relay.address, port: relay.port },
        redundancy,
        options: contender === 'gannet' ? options : {},
      })
      const join = `fresh.${contender === 'gannet' ? 'joinGannet' : 'joinNaive'}`
      await page.evaluate(`${join}(${JSON.stringify(url)}, ${JSON.stringify(redundancy)}, ${JSON.stringify(options)})`)
    }
    const errorMs = Number(await page.evaluate(`fresh.setClock(${JSON.stringify(`${pages.url}/clock`)})`))
    if (!(errorMs <= MAX_CLOCK_ERROR_MS)) throw new Error(`the page's clock may be wrong by ${errorMs} ms`)

    const measuredMs = (cell.seconds ?? SECONDS) * 1000
    const startAt = clock() + 300
    const fromAt = startAt + WARM_UP_MS
    const toAt = fromAt + measuredMs
    for (const { atMs, ...weather } of cell.changes ?? []) {
      const timer = setTimeout(
        () => {
          for (const relay of relays) relay.set({ up: weather, down: weather })
        },
        fromAt + atMs - clock(),
      )
      closers.push(() => clearTimeout(timer))
    }
    /** @type {(index: number) => Plan} */
    const planOf = (index) => ({
      startAt: startAt + index * STAGGER_MS,
      ticks: Math.round(((WARM_UP_MS + measuredMs) * HZ) / 1000),
      stateBytes: cell.stateBytes,
      reliablePerSecond: cell.reliablePerSecond ?? 0,
      reliableBytes: cell.reliableBytes ?? 0,
      transferBytes: cell.transferBytes ?? 0,
      transferTicks: transferTicks(cell, measuredMs),
      seed,
    })
    /** @type {Promise<unknown>[]} */
    const runs = [udp.run(planOf(0), planOf(2))]
    for (const contender of /** @type {const} */ (['gannet', 'naive'])) {
      const side = sides[contender]
      if (side === undefined) continue
      const at = contender === 'gannet' ? 1 : 3
      runs.push(side.run(planOf(at)))
      runs.push(page.evaluate(`fresh.run(${JSON.stringify(contender)}, ${JSON.stringify(planOf(at - 1))})`))
    }
    await Promise.all(runs)
    await pause(cell.transferBytes === undefined ? DRAIN_MS : TRANSFER_DRAIN_MS)

    /** @type {Row[]} */
    const rows = []
    const judgedFromAt = fromAt + (cell.judgedFromMs ?? 0)
    const agedFromAt = cell.agedFromMs === undefined ? judgedFromAt : fromAt + cell.agedFromMs
    /** @type {(transport: Contender, direction: 'up' | 'down', from: Account, to: Account) => void} */
    const judge = (transport, direction, from, to) => {
      const mustCome = cell.judged !== 'state' && transport !== 'udp'
      rows.push({
        cell: cell.name,
        seed,
        transport,
        direction,
        delivered: deliveredShare({ from, to }, cell.judged, judgedFromAt, toAt),
        latency: latencyOf({ from, to }, cell.judged, judgedFromAt, toAt, mustCome),
        age: ageOf(to, cell.aged ?? 'state', agedFromAt, toAt, seed),
      })
    }
    judge('udp', 'up', udp.client.account, udp.server.account)
    judge('udp', 'down', udp.server.account, udp.client.account)
    for (const contender of /** @type {const} */ (['naive', 'gannet'])) {
      const side = sides[contender]
      if (side === undefined) continue
      const there = await side.report()
      /** @type {{ account: Account, stats: unknown }} */
      const here = await page.evaluate(`fresh.report(${JSON.stringify(contender)})`)
      judge(contender, 'up', here.account, there.account)
      judge(contender, 'down', there.account, here.account)
      log(`${contender}, page: ${JSON.stringify(here.stats)}\n${contender}, Node: ${JSON.stringify(there.stats)}`)
    }
    return rows
  } finally {
    for (const close of closers.reverse()) await close()
  }
}

/**
 * @param {Cell} cell
 * @param {number} measuredMs
 */
function transferTicks(cell, measuredMs) {
  if (cell.transferEveryMs === undefined) return []
  const ticks = []
  for (let atMs = WARM_UP_MS + 50; atMs < WARM_UP_MS + measuredMs; atMs += cell.transferEveryMs) {
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

  /** @param {(port: number) => Promise<import('../../src/sim/relay/index.ts').UdpRelay>} relayTo */
  static async open(relayTo) {
    const sockets = /** @type {const} */ ([createSocket('udp4'), createSocket('udp4')])
    for (const socket of sockets) {
      socket.bind(0, LOOPBACK)
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
          if (fits(message) && this.#back) server.send(message, this.#back.port, LOOPBACK)
        },
      }),
    ])
  }

  close() {
    this.#isClosed = true
    for (const socket of this.#sockets) socket.close()
  }
}

/** The process of one contender's server. */
class NodeSide {
  #child = fork(fileURLToPath(new URL('./node-side.mjs', import.meta.url)), { serialization: 'advanced' })

  /** @param {import('./node-side.mjs').Setup} setup */
  async setUp(setup) {
    const { url } = await this.#ask({ setup })
    return String(url)
  }

  /** @param {Plan} plan */
  async run(plan) {
    await this.#ask({ plan })
  }

  /** @returns {Promise<{ account: Account, stats: unknown }>} */
  async report() {
    return /** @type {any} */ (await this.#ask({ report: true }))
  }

  async close() {
    if (this.#child.exitCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.disconnect()
    await exited
  }

  /**
   * @param {object} message
   * @returns {Promise<Record<string, unknown>>}
   */
  #ask(message) {
    return new Promise((resolve, reject) => {
      const onExit = (/** @type {number | null} */ code) => reject(new Error(`a server process ended with ${code}`))
      this.#child.once('exit', onExit)
      this.#child.once('message', (answer) => {
        this.#child.off('exit', onExit)
        resolve(/** @type {Record<string, unknown>} */ (answer))
      })
      this.#child.send(message)
    })
  }
}

const TYPES = new Map([
  ['.html', 'text/html'],
  ['.js', 'text/javascript'],
  ['.mjs', 'text/javascript'],
])

/** Serves the bench's page and the built package, and tells the time. */
async function startPages() {
  const server = createServer((request, response) => {
    // Isolated pages have a clock of 5 us, others of 100.
    response.setHeader('cross-origin-opener-policy', 'same-origin')
    response.setHeader('cross-origin-embedder-policy', 'require-corp')
    const { pathname } = new URL(request.url ?? '/', 'http://bench')
    if (pathname === '/clock') return response.end(String(clock()))
    const path = normalize(pathname).replaceAll('\\', '/')
    if (!path.startsWith('/bench/fresh/') && !path.startsWith('/dist/')) return response.writeHead(404).end()
    response.setHeader('content-type', TYPES.get(extname(path)) ?? 'application/octet-stream')
    createReadStream(join(root, path))
      .on('error', () => response.writeHead(404).end())
      .pipe(response)
  })
  server.listen(0, LOOPBACK)
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://${LOOPBACK}:${port}`, close }
}

/**
 * UDP ports that nobody has at this moment.
 * @param {number} count
 */
async function freePorts(count) {
  const sockets = Array.from({ length: count }, () => createSocket('udp4'))
  const ports = []
  for (const socket of sockets) {
    socket.bind(0, LOOPBACK)
    await once(socket, 'listening')
    ports.push(socket.address().port)
  }
  for (const socket of sockets) socket.close()
  return ports
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
