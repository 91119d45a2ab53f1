// What the live benches send with, alike for a raw DataChannel and for Gannet, in Node and in a page.
/**
 * @typedef {object} Wire
 * @property {(bytes: Uint8Array<ArrayBuffer>) => void} post sends at once
 * @property {(bytes: Uint8Array<ArrayBuffer>) => void} queue sends with the next flush; a raw channel knows no difference
 * @property {() => void} flush end of a tick
 * @property {() => boolean} hasRoom whether more may be queued without waiting long
 * @property {((bytes: Uint8Array) => void) | undefined} onMessage called when a message comes
 */

/** Bytes below which a queue of ours or of the channel counts as short. */
const SHORT_BYTES = 65_536

/** One unreliable channel for all; a benchmark has no use for verdicts. */
export const channels = /** @type {const} */ ({ c: { kind: 'unreliable', verdicts: false, maxQueuedMessages: 4096 } })

/**
 * @typedef {object} RawChannel a DataChannel of a browser or of node-datachannel
 * @property {(bytes: Uint8Array<ArrayBuffer>) => unknown} send
 * @property {() => number} backlogBytes
 */

/**
 * @param {RawChannel} channel
 * @returns {Wire}
 */
export function rawWire({ send, backlogBytes }) {
  return { post: send, queue: send, flush: () => {}, hasRoom: () => backlogBytes() < SHORT_BYTES, onMessage: undefined }
}

/**
 * A wire over a peer. `poll` hands its messages on, and is to be called when a packet has come.
 * @param {Pick<import('../../src/transport/peer.ts').Peer<typeof channels>, 'trySend' | 'flush' | 'update' | 'stats'>} peer
 * @param {() => { readonly type: string, readonly payload?: Uint8Array } | undefined} pollEvent
 * @returns {{ wire: Wire, poll: () => void }}
 */
export function peerWire(peer, pollEvent) {
  /** @type {Wire} */
  const wire = {
    post: (bytes) => {
      peer.trySend('c', bytes, { urgent: true })
    },
    queue: (bytes) => {
      peer.trySend('c', bytes)
    },
    flush: () => peer.flush(),
    hasRoom: () => peer.stats.queuedBytes < SHORT_BYTES,
    onMessage: undefined,
  }
  const poll = () => {
    for (let event = pollEvent(); event !== undefined; event = pollEvent()) {
      if (event.type === 'message' && event.payload !== undefined) wire.onMessage?.(event.payload)
    }
  }
  return { wire, poll }
}
