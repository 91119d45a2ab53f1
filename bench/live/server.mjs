// The process that answers: a raw node-datachannel server, or `gannet/node`. For `pipe` it echoes and counts, for `bots` it is
// the server of a game.
import { createServer } from 'node:http'
import { builtNode } from '../fresh/built.mjs'
import { tapped } from '../fresh/tap.mjs'
import { answerParent } from './child.mjs'
import { bytesOf, createChannel, createConnection, describe, LOOPBACK, opened, setUpNative } from './native.mjs'
import { ECHO } from './probes.mjs'
import { channels } from './wire.mjs'

/** @typedef {(bytes: Uint8Array<ArrayBuffer>) => void} Post */

/** A peer of the game, whatever it stands on. @type {Set<Post>} */
const posts = new Set()
/** The game's turn at a tick: what comes before its messages, and after. */
let beginTick = () => {}
let endTick = () => {}
let received = 0
let firstAt = 0
let lastAt = 0

/**
 * @param {Uint8Array<ArrayBuffer>} message
 * @param {Post} post
 */
function take(message, post) {
  lastAt = performance.now()
  if (received === 0) firstAt = lastAt
  received++
  if (message[0] === ECHO) post(message)
}

async function serveRaw() {
  setUpNative()
  const kept = new Set()
  const http = createServer(async (request, response) => {
    response.setHeader('access-control-allow-origin', '*')
    let offer = ''
    for await (const chunk of request) offer += chunk
    const connection = createConnection('raw')
    const channel = createChannel(connection)
    kept.add(connection)
    const post = (/** @type {Uint8Array<ArrayBuffer>} */ message) => {
      channel.sendMessageBinary(message)
    }
    channel.onMessage((message) => take(bytesOf(message), post))
    void opened(channel).then(() => posts.add(post))
    channel.onClosed(() => posts.delete(post))
    connection.setRemoteDescription(offer, 'offer')
    response.end(await describe(connection, 'answer'))
  })
  await new Promise((resolve) => http.listen(0, LOOPBACK, () => resolve(undefined)))
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address())
  return `http://${LOOPBACK}:${port}/`
}

/** @param {boolean} isPrompt answer when a message comes, or at the tick */
async function serveGannet(isPrompt) {
  const { listen } = await builtNode()
  const options = {
    channels,
    port: 0,
    host: LOOPBACK,
    bindAddress: LOOPBACK,
    maxPeers: 1024,
    maxPending: 1024,
    connectTimeoutMs: 60_000,
  }
  const server = await listen({
    ...options,
    ...(isPrompt && { wrapTransport: (/** @type {any} */ transport) => tapped(transport, () => poll()) }),
  })
  /** @type {Map<object, Post>} */
  const postOf = new Map()
  function poll() {
    for (let event = server.pollEvent(); event !== undefined; event = server.pollEvent()) {
      const { peer } = event
      if (event.type === 'open') {
        const post = (/** @type {Uint8Array<ArrayBuffer>} */ message) => {
          peer.trySend('c', message, isPrompt ? { urgent: true } : undefined)
        }
        postOf.set(peer, post)
        posts.add(post)
      } else if (event.type === 'closed') {
        const post = postOf.get(peer)
        if (post !== undefined) posts.delete(post)
      } else if (event.type === 'message') {
        take(/** @type {Uint8Array<ArrayBuffer>} */ (event.payload), /** @type {Post} */ (postOf.get(peer)))
      }
    }
  }
  beginTick = () => {
    server.update()
    poll()
  }
  endTick = () => server.flush()
  if (!isPrompt) setInterval(() => posts.size === 0 && poll(), 50).unref()
  return String(server.url)
}

/**
 * Ticks of a game: state to every peer. Says what each took, and how many began too late.
 * @param {{ hz: number, ms: number, bytes: number }} plan
 */
async function play({ hz, ms, bytes }) {
  const state = new Uint8Array(bytes)
  /** @type {number[]} */
  const worksMs = []
  let late = 0
  received = 0
  const everyMs = 1000 / hz
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  const ticks = Math.round(ms / everyMs)
  for (let tick = 0; tick < ticks; tick++) {
    const dueAt = startedAt + tick * everyMs
    const waitMs = dueAt - performance.now()
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    else await new Promise((resolve) => setImmediate(resolve))
    const beganAt = performance.now()
    if (beganAt - dueAt > everyMs) late++
    beginTick()
    for (const post of posts) post(state)
    endTick()
    worksMs.push(performance.now() - beganAt)
  }
  const { user, system } = process.cpuUsage(cpu)
  const wallMs = performance.now() - startedAt
  return { worksMs, late: late / ticks, cpuMs: (user + system) / 1000, wallMs, received, peers: posts.size }
}

answerParent({
  serve: async (/** @type {{ contender: 'raw' | 'gannet', isPrompt: boolean }} */ { contender, isPrompt }) => ({
    url: await (contender === 'raw' ? serveRaw() : serveGannet(isPrompt)),
  }),
  reset: () => {
    received = 0
  },
  tally: () => {
    const { user, system } = process.cpuUsage()
    globalThis.gc?.()
    return {
      received,
      spanMs: lastAt - firstAt,
      cpuMs: (user + system) / 1000,
      rssBytes: process.memoryUsage.rss(),
      peers: posts.size,
    }
  },
  play,
})
