// A process with clients: node-datachannel alone, or with Gannet over it.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../../scripts/tool.mjs'
import { tapped } from '../fresh/tap.mjs'
import { answerParent } from './child.mjs'
import { bytesOf, createChannel, createConnection, offerOf, opened, setUpNative } from './native.mjs'
import { COUNT, echo, flood, paced } from './probes.mjs'
import { channels, peerWire, rawWire } from './wire.mjs'

/** @typedef {import('./wire.mjs').Wire} Wire */

/** @param {string} path below dist/ */
const built = (path) => import(pathToFileURL(join(root, 'dist', path)).href)

/** @type {Wire[]} */
const wires = []
/** Called at each tick. @type {(() => void)[]} */
const updates = []
/** What nobody holds on to is collected, and closed with it. */
const kept = new Set()

/** @param {string} url */
async function joinRaw(url) {
  const connection = createConnection('raw')
  const channel = createChannel(connection)
  kept.add(connection)
  const wire = rawWire({
    send: (bytes) => channel.sendMessageBinary(bytes),
    backlogBytes: () => channel.bufferedAmount(),
  })
  channel.onMessage((message) => wire.onMessage?.(bytesOf(message)))
  const open = opened(channel)
  const response = await fetch(url, { method: 'POST', body: await offerOf(connection) })
  connection.setRemoteDescription(await response.text(), 'answer')
  await open
  wires.push(wire)
}

/** @param {string} url */
async function joinGannet(url) {
  const { NativeChannel } = await built('node/native-channel.js')
  const { postOffer } = await built('signal/index.js')
  const { createEndpoint } = await built('transport/endpoint.js')
  const { systemHost } = await built('transport/host.js')
  const { Peer } = await built('transport/peer.js')
  const connection = createConnection('gannet')
  const channel = new NativeChannel(connection)
  const open = new Promise((resolve) => {
    channel.onOpen = resolve
  })
  const { sdp } = await postOffer(url, await offerOf(connection))
  connection.setRemoteDescription(sdp, 'answer')
  await open
  /** @type {() => void} */
  let poll = () => {}
  const transport = tapped(channel, () => poll())
  let hasOpened = () => {}
  const isOpen = new Promise((resolve) => {
    hasOpened = () => resolve(undefined)
  })
  const peer = new Peer({
    id: 'bench',
    endpoint: createEndpoint('client', { channels }, transport, systemHost),
    transport,
    host: systemHost,
    onProgress: () => peer.state === 'open' && hasOpened(),
  })
  await isOpen
  globalThis.__peer = peer
  const over = peerWire(peer, () => peer.pollEvent())
  poll = over.poll
  poll()
  wires.push(over.wire)
  updates.push(() => peer.update())
}

/**
 * Inputs of every client, each tick of its own.
 * @param {{ hz: number, ms: number, bytes: number }} plan
 */
async function play({ hz, ms, bytes }) {
  const input = new Uint8Array(bytes)
  input[0] = COUNT
  let received = 0
  for (const wire of wires) wire.onMessage = () => received++
  const everyMs = 1000 / hz
  const startedAt = performance.now()
  for (let tick = 1; performance.now() - startedAt < ms; tick++) {
    for (const update of updates) update()
    for (const wire of wires) {
      wire.queue(input)
      wire.flush()
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, startedAt + tick * everyMs - performance.now())))
  }
  return { received }
}

/** @param {Wire | undefined} wire */
function the(wire) {
  if (wire === undefined) throw new Error('nobody has joined')
  return wire
}

answerParent({
  join: async (/** @type {{ url: string, contender: 'raw' | 'gannet', clients: number }} */ given) => {
    const { url, contender, clients } = given
    if (kept.size === 0) setUpNative()
    for (let i = 0; i < clients; i++) await (contender === 'raw' ? joinRaw : joinGannet)(url)
    return { clients: wires.length }
  },
  echo: (plan) => echo(the(wires[0]), plan).then((tripsMs) => ({ tripsMs })),
  flood: (plan) => flood(the(wires[0]), plan),
  paced: (plan) => paced(the(wires[0]), plan).then((echoes) => ({ echoes })),
  cpu: () => {
    const { user, system } = process.cpuUsage()
    return { cpuMs: (user + system) / 1000 }
  },
  stats: () => ({ ...globalThis.__peer?.stats }),
  play,
})
