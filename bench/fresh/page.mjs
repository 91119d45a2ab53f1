// The browser's side of Gannet and of a naive DataChannel, in one page.
import { connect } from 'gannet/browser'
import { Load, piecesOf } from './load.mjs'
import { tapped } from './tap.mjs'

/** @typedef {import('./load.mjs').Plan} Plan */
/** @typedef {import('./load.mjs').Account} Account */
/** @typedef {import('./load.mjs').Carrier} Carrier */

/** Exchanges with the clock of the other processes, of which the fastest counts: so many at least. */
const CLOCK_TRIES = 60
/** One that takes no longer is enough at once, ms. */
const FAST_MS = 1
/** One that takes no longer is enough after a while, ms. */
const FAIR_MS = 4
const PATIENCE_MS = 1500
const MAX_PATIENCE_MS = 15_000

/** What must be added to this page's clock, ms. */
let offsetMs = 0
const clock = () => performance.now() + offsetMs

/**
 * Sets this page's clock by that of the other processes; says by how much it may be wrong, ms.
 * @param {string} url
 */
async function setClock(url) {
  let best = Number.POSITIVE_INFINITY
  const startedAt = performance.now()
  const isEnough = (/** @type {number} */ tries) => {
    const elapsedMs = performance.now() - startedAt
    if (elapsedMs > MAX_PATIENCE_MS) return true
    return tries >= CLOCK_TRIES && best <= (elapsedMs < PATIENCE_MS ? FAST_MS : FAIR_MS)
  }
  for (let tries = 0; !isEnough(tries); tries++) {
    const sentAt = performance.now()
    const there = Number(await (await fetch(url)).text())
    const gotAt = performance.now()
    if (gotAt - sentAt >= best) continue
    best = gotAt - sentAt
    offsetMs = there - (sentAt + gotAt) / 2
  }
  return { errorMs: best / 2 }
}

/** @type {Partial<Record<'gannet' | 'naive', { load: Load, carrier: Carrier, stats: () => unknown, isOpen: () => boolean }>>} */
const contenders = {}

/** @param {{ url: string, redundancy: 'full' | 'lean', options: object }} request */
async function joinGannet({ url, redundancy, options }) {
  const load = new Load(clock)
  /** @type {import('gannet/browser').Peer<any> | undefined} */
  let peer
  const poll = () => {
    for (let event = peer?.pollEvent(); event !== undefined; event = peer?.pollEvent()) {
      if (event.type === 'message') load.take(event.payload)
    }
  }
  peer = await connect(url, {
    channels: {
      state: { kind: 'sequenced', verdicts: false },
      reliable: { kind: 'reliable', priority: 1, redundancy, verdicts: false },
      transfer: { kind: 'reliable', priority: -1, verdicts: false },
    },
    timeoutMs: 60_000,
    wrapTransport: (transport) => tapped(transport, poll),
    ...options,
  })
  /** @type {Carrier} */
  const carrier = {
    beginTick: () => {
      peer.update()
      poll()
    },
    send: (kind, message) => peer.trySend(kind, message),
    endTick: () => peer.flush(),
  }
  contenders.gannet = { load, carrier, stats: () => ({ ...peer.stats }), isOpen: () => peer.state === 'open' }
}

/** @param {{ url: string }} request */
async function joinNaive({ url }) {
  const load = new Load(clock)
  const connection = new RTCPeerConnection()
  const state = connection.createDataChannel('state', { ordered: false, maxRetransmits: 0 })
  const reliable = connection.createDataChannel('reliable')
  const opened = [state, reliable].map((channel) => {
    channel.binaryType = 'arraybuffer'
    channel.onmessage = ({ data }) => load.take(new Uint8Array(data))
    return new Promise((resolve) => {
      channel.onopen = resolve
    })
  })
  await connection.setLocalDescription()
  if (connection.iceGatheringState !== 'complete') {
    await new Promise((resolve) => {
      connection.onicegatheringstatechange = () => connection.iceGatheringState === 'complete' && resolve(undefined)
      setTimeout(resolve, 1000)
    })
  }
  const response = await fetch(url, { method: 'POST', body: connection.localDescription?.sdp ?? '' })
  await connection.setRemoteDescription({ type: 'answer', sdp: await response.text() })
  await Promise.all(opened)
  /** @type {Carrier} */
  const carrier = {
    send: (kind, message) => {
      const channel = kind === 'state' ? state : reliable
      try {
        for (const piece of piecesOf(message)) channel.send(piece)
      } catch {
        // The browser's queue is full, 16 MiB of it.
      }
    },
  }
  contenders.naive = {
    load,
    carrier,
    stats: () => ({ bufferedAmount: state.bufferedAmount }),
    isOpen: () => state.readyState === 'open',
  }
}

/** @param {{ contender: 'gannet' | 'naive', plan: Plan }} request */
async function run({ contender, plan }) {
  const { load, carrier } = found(contender)
  await load.run(plan, carrier)
}

/** @param {'gannet' | 'naive'} contender */
function report(contender) {
  const { load, stats, isOpen } = found(contender)
  return { account: load.account, stats: stats(), isOpen: isOpen() }
}

/** @param {'gannet' | 'naive'} contender */
function found(contender) {
  const joined = contenders[contender]
  if (joined === undefined) throw new Error(`${contender} has not joined`)
  return joined
}

export const answers = { setClock, joinGannet, joinNaive, run, report }
