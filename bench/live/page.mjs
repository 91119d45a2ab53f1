// The browser's end of `pipe`: a raw DataChannel, or `gannet/browser`.
import { connect } from 'gannet/browser'
import { tapped } from '../fresh/tap.mjs'
import { echo, flood, paced } from './probes.mjs'
import { channels, peerWire, rawWire } from './wire.mjs'

/** @typedef {import('./wire.mjs').Wire} Wire */

/** @type {Wire | undefined} */
let wire

/** @param {string} url */
async function joinRaw(url) {
  const connection = new RTCPeerConnection()
  const channel = connection.createDataChannel('raw', { ordered: false, maxRetransmits: 0, negotiated: true, id: 0 })
  channel.binaryType = 'arraybuffer'
  const made = rawWire({ send: (bytes) => channel.send(bytes), backlogBytes: () => channel.bufferedAmount })
  channel.onmessage = ({ data }) => made.onMessage?.(new Uint8Array(data))
  const open = new Promise((resolve) => {
    channel.onopen = resolve
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
  await open
  wire = made
}

/** @param {string} url */
async function joinGannet(url) {
  /** @type {() => void} */
  let poll = () => {}
  const peer = await connect(url, { channels, wrapTransport: (transport) => tapped(transport, () => poll()) })
  const over = peerWire(peer, () => peer.pollEvent())
  poll = over.poll
  poll()
  wire = over.wire
}

function joined() {
  if (wire === undefined) throw new Error('nobody has joined')
  return wire
}

export const answers = {
  join: (/** @type {{ url: string, contender: 'raw' | 'gannet' }} */ { url, contender }) =>
    (contender === 'raw' ? joinRaw : joinGannet)(url),
  echo: async (/** @type {any} */ plan) => ({ tripsMs: await echo(joined(), plan) }),
  flood: (/** @type {any} */ plan) => flood(joined(), plan),
  paced: async (/** @type {any} */ plan) => ({ echoes: await paced(joined(), plan) }),
  // A browser is several processes, and tells nobody what they take.
  cpu: () => ({}),
}
