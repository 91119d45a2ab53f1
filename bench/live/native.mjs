// node-datachannel as both contenders use it: the same settings below, so that what differs is what lies above.
import nodeDatachannel from 'node-datachannel'

/** @typedef {import('node-datachannel').PeerConnection} PeerConnection */
/** @typedef {import('node-datachannel').DataChannel} DataChannel */

export const LOOPBACK = '127.0.0.1'
const CHANNEL_OPTIONS = { unordered: true, maxRetransmits: 0, negotiated: true, id: 0 }
/** How often gathering is looked at, ms. */
const POLL_MS = 2

/** Set before the first connection of the process, as `gannet/node` does. */
export function setUpNative() {
  nodeDatachannel.setSctpSettings({ sendBufferSize: 16_384 })
}

/** @param {string} name */
export function createConnection(name) {
  return new nodeDatachannel.PeerConnection(name, {
    iceServers: [],
    bindAddress: LOOPBACK,
    disableAutoNegotiation: true,
    maxMessageSize: 16_384,
  })
}

/** @param {PeerConnection} connection */
export function createChannel(connection) {
  return connection.createDataChannel('raw', CHANNEL_OPTIONS)
}

/** @param {DataChannel} channel */
export function opened(channel) {
  return new Promise((resolve) => channel.onOpen(() => resolve(undefined)))
}

/**
 * The local description once all candidates are known.
 * @param {PeerConnection} connection
 * @param {'offer' | 'answer'} type
 */
export async function describe(connection, type) {
  connection.setLocalDescription(type)
  while (connection.gatheringState() !== 'complete') await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  return connection.localDescription()?.sdp ?? ''
}

/**
 * An offer without candidates: the other side's first checks must not come before its answer is known here.
 * @param {PeerConnection} connection
 */
export async function offerOf(connection) {
  return (await describe(connection, 'offer')).replace(/^a=candidate:.*\r\n/gm, '')
}

/**
 * @param {Buffer | ArrayBuffer | string} message
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function bytesOf(message) {
  if (typeof message === 'string') return new TextEncoder().encode(message)
  if (message instanceof ArrayBuffer) return new Uint8Array(message)
  return new Uint8Array(/** @type {ArrayBuffer} */ (message.buffer), message.byteOffset, message.byteLength)
}
