// A client in Node, of the packed form: what a page does, with libdatachannel in place of a browser. For tests and benches.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import native from 'node-datachannel'
import { root } from './tool.mjs'

/** Time for a connection to come about, ms; on a machine that is short of time libjuice's checks take seconds. */
const OPEN_LIMIT_MS = 15_000

/** @param {string} path */
export const built = (path) => import(pathToFileURL(join(root, 'dist', path)).href)

/**
 * Connects to the server at `url`; resolves to an open peer, and rejects when it was refused or takes too long.
 * @param {string} url
 * @param {object} channels
 * @param {object} [tuning]
 */
export async function connect(url, channels, tuning = {}) {
  const { NativeChannel } = await built('node/native-channel.js')
  const { postOffer } = await built('signal/index.js')
  const { createEndpoint } = await built('transport/endpoint.js')
  const { systemHost } = await built('transport/host.js')
  const { Peer } = await built('transport/peer.js')
  const connection = new native.PeerConnection('client', {
    iceServers: [],
    bindAddress: '127.0.0.1',
    disableAutoNegotiation: true,
  })
  const transport = new NativeChannel(connection)
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const open = new Promise((resolve, reject) => {
    transport.onOpen = () => resolve(undefined)
    transport.onEnd = (/** @type {{ detail: string }} */ { detail }) =>
      reject(new Error(`ended before it was open: ${detail}`))
    timer = setTimeout(() => reject(new Error(`not open within ${OPEN_LIMIT_MS} ms`)), OPEN_LIMIT_MS)
  })
  // Whoever waits for it is told; nobody does after a refusal.
  open.catch(() => {})
  await new Promise((resolve) => {
    connection.onGatheringStateChange((state) => {
      if (state === 'complete') resolve(undefined)
    })
    connection.setLocalDescription(/** @type {any} */ ('offer'))
  })
  // Without candidates: the server's first checks could come before its answer is known here.
  const offer = (connection.localDescription()?.sdp ?? '').replace(/^a=candidate:.*\r\n/gm, '')
  try {
    const answer = await postOffer(url, offer)
    connection.setRemoteDescription(answer.sdp, /** @type {any} */ ('answer'))
    await open
  } catch (error) {
    transport.close()
    throw error
  } finally {
    clearTimeout(timer)
  }
  const endpoint = createEndpoint('client', { channels, endpoint: tuning }, transport, systemHost)
  const peer = new Peer({ id: 'client', endpoint, transport, host: systemHost })
  while (peer.state === 'connecting') await new Promise((resolve) => setTimeout(resolve, 5))
  if (peer.state !== 'open') throw new Error(`refused: ${JSON.stringify(await peer.closed)}`)
  return peer
}

/** Lets the process end: the library's threads would keep it. */
export function cleanUp() {
  native.cleanup()
}
