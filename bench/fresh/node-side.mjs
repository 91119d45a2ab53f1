// A Node process that is one contender's server: `gannet` from the built package, or `naive`, node-datachannel as it comes.
// Processes of their own, since SCTP settings hold for a whole process.
import { createServer } from 'node:http'
import { answerParent } from '../live/child.mjs'
import { builtNode, builtRelay } from './built.mjs'
import { Load, piecesOf } from './load.mjs'
import { tapped } from './tap.mjs'

/** @typedef {import('./load.mjs').Plan} Plan */
/** @typedef {import('./load.mjs').Carrier} Carrier */

/**
 * What the parent says at the start.
 * @typedef {object} Setup
 * @property {'gannet' | 'naive'} contender
 * @property {string} host address of the UDP port
 * @property {number} udpPort
 * @property {{ address: string, port: number }} relay
 * @property {'full' | 'lean'} redundancy
 * @property {object} options more for `listen`
 */

const { listen } = await builtNode()
const { relayAnswer, withoutCandidates } = await builtRelay()

const LOOPBACK = '127.0.0.1'
/** How often the built-in gathering of a native connection is looked at, ms. */
const POLL_MS = 5

/** One clock for all processes of this host. */
const clock = () => Number(process.hrtime.bigint()) / 1e6
const load = new Load(clock)

/** @type {(plan: Plan) => Promise<void>} */
let runPlan = async () => {}
/** @type {() => unknown} */
let statsOf = () => undefined
let isOpen = () => true

answerParent({
  setUp: async (/** @type {Setup} */ setup) => {
    const { url, run } = await (setup.contender === 'gannet' ? serveGannet : serveNaive)(setup)
    runPlan = run
    return { url }
  },
  run: (/** @type {Plan} */ plan) => runPlan(plan),
  report: () => ({ account: load.account, stats: statsOf(), isOpen: isOpen() }),
})

/** @param {Setup} setup */
async function serveGannet({ relay, host, udpPort, redundancy, options }) {
  const server = await listen({
    channels: {
      state: { kind: 'sequenced', verdicts: false },
      reliable: { kind: 'reliable', priority: 1, redundancy, verdicts: false },
      transfer: { kind: 'reliable', priority: -1, verdicts: false },
    },
    port: 0,
    host: LOOPBACK,
    udpPort,
    bindAddress: host,
    transformOffer: withoutCandidates,
    transformAnswer: (sdp) => relayAnswer(sdp, relay, { bindAddress: host }).sdp,
    wrapTransport: (transport) => tapped(transport, poll),
    ...options,
  })
  /** @type {import('../../src/node/index.ts').Peer<any> | undefined} */
  let peer
  function poll() {
    for (let event = server.pollEvent(); event !== undefined; event = server.pollEvent()) {
      if (event.type === 'open') peer = event.peer
      else if (event.type === 'message') load.take(event.payload)
    }
  }
  statsOf = () => peer && { ...peer.stats }
  isOpen = () => peer?.state === 'open'
  /** @type {Carrier} */
  const carrier = {
    beginTick: () => {
      server.update()
      poll()
    },
    send: (kind, message) => peer?.trySend(kind, message),
    endTick: () => server.flush(),
  }
  return { url: server.url, run: (/** @type {Plan} */ plan) => load.run(plan, carrier) }
}

/** @param {Setup} setup */
async function serveNaive({ relay, host, udpPort }) {
  const { PeerConnection } = await import('node-datachannel')
  /** @type {Map<string, import('node-datachannel').DataChannel>} */
  const channels = new Map()
  /** What nobody holds on to is collected, and closed with it. */
  const connections = []
  const http = createServer(async (request, response) => {
    response.setHeader('access-control-allow-origin', '*')
    response.setHeader('access-control-allow-headers', '*')
    if (request.method !== 'POST') return response.end()
    let offer = ''
    for await (const chunk of request) offer += chunk
    const connection = new PeerConnection('naive', {
      iceServers: [],
      bindAddress: host,
      portRangeBegin: udpPort,
      portRangeEnd: udpPort,
    })
    connections.push(connection)
    connection.onDataChannel((channel) => {
      channels.set(channel.getLabel(), channel)
      channel.onMessage((message) => {
        if (typeof message !== 'string') load.take(new Uint8Array(message))
      })
    })
    connection.setRemoteDescription(withoutCandidates(offer), 'offer')
    while (connection.gatheringState() !== 'complete') await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    const answer = connection.localDescription()?.sdp ?? ''
    response.end(relayAnswer(answer, relay, { bindAddress: host }).sdp)
  })
  await new Promise((resolve) => http.listen(0, LOOPBACK, () => resolve(undefined)))
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address())
  /** @type {Carrier} */
  const carrier = {
    send: (kind, message) => {
      const channel = channels.get(kind === 'state' ? 'state' : 'reliable')
      if (channel?.isOpen()) for (const piece of piecesOf(message)) channel.sendMessageBinary(piece)
    },
  }
  return { url: `http://${LOOPBACK}:${port}/`, run: (/** @type {Plan} */ plan) => load.run(plan, carrier) }
}
