import type { DataChannel, PeerConnection } from 'node-datachannel'
import type { Bytes } from '../index.ts'
import { DATAGRAM_PACKET_BYTES, type Transport, type TransportEnd } from '../transport/transport.ts'

/**
 * Time after which SCTP gives up a packet that it has not got through, ms. As good as no queue below us: what usrsctp cannot send
 * at once it drops, where `maxRetransmits: 0` would hold it back for as long as its window is shut, and send it then. bench/NOTES.md
 * has both. Its congestion control is largely out of the way then, and the endpoint's own decides what may be on its way.
 */
const LIFETIME_MS = 20

/** Both ends agree on the channel in advance, so that each may choose its own delivery. */
const CHANNEL_OPTIONS = { unordered: true, maxPacketLifeTime: LIFETIME_MS, negotiated: true, id: 0 }

/**
 * A DataChannel of libdatachannel and the connection below it as a transport. Closing it closes both, in that order.
 *
 * Each callback of the native library has a queue of its own, served in the order in which the callbacks were set. That of
 * messages is therefore set first: a goodbye is heard before the end. And all are set, because an object whose closing nobody
 * hears is never freed and keeps the process alive.
 */
export class NativeChannel implements Transport {
  readonly maxPacketBytes: number = DATAGRAM_PACKET_BYTES
  onPacket: ((packet: Bytes) => void) | undefined = undefined
  onEnd: ((end: TransportEnd) => void) | undefined = undefined
  /** Called once, before the first packet. */
  onOpen: (() => void) | undefined = undefined
  readonly #connection: PeerConnection
  readonly #channel: DataChannel
  #state: 'connecting' | 'open' | 'over' = 'connecting'

  constructor(connection: PeerConnection) {
    const channel = connection.createDataChannel('gannet', CHANNEL_OPTIONS)
    this.#connection = connection
    this.#channel = channel
    channel.onMessage((message) => {
      if (typeof message === 'string') return
      // A message proves that the channel is open; its own queue may have been served first.
      this.#opened()
      if (this.#state === 'open') this.onPacket?.(bytesOf(message))
    })
    channel.onOpen(() => this.#opened())
    channel.onClosed(() => this.#end('channel-closed'))
    connection.onStateChange((state) => {
      // `disconnected` may pass; the endpoint's own timeout decides.
      if (state === 'failed') this.#end('ice-failed')
      else if (state === 'closed') this.#end('connection-closed')
    })
  }

  /** Truthful once 16 KiB wait in usrsctp's own buffer. */
  get backlogBytes(): number {
    return this.#state === 'open' ? this.#channel.bufferedAmount() : 0
  }

  send(packet: Bytes): void {
    if (this.#state !== 'open') return
    try {
      this.#channel.sendMessageBinary(packet)
    } catch {
      // Closed below, and the word of it still on its way: a lost packet.
    }
  }

  close(): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#channel.close()
    this.#connection.close()
  }

  #opened(): void {
    if (this.#state !== 'connecting') return
    this.#state = 'open'
    this.onOpen?.()
  }

  #end(detail: string): void {
    if (this.#state === 'over') return
    this.close()
    this.onEnd?.({ detail })
  }
}

/** A plain view: `Buffer` overrides methods such as `slice` with others of another meaning. */
function bytesOf(message: Buffer | ArrayBuffer): Bytes {
  if (message instanceof ArrayBuffer) return new Uint8Array(message)
  return new Uint8Array(message.buffer as ArrayBuffer, message.byteOffset, message.byteLength)
}
