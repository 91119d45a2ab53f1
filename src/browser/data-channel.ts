import type { Bytes } from '../index.ts'
import { DATAGRAM_PACKET_BYTES, type Transport, type TransportEnd } from '../transport/transport.ts'

/** An `RTCDataChannel` and the connection below it as a transport. Closing it closes both. */
export class DataChannelTransport implements Transport {
  readonly maxPacketBytes: number = DATAGRAM_PACKET_BYTES
  onPacket: ((packet: Bytes) => void) | undefined = undefined
  onEnd: ((end: TransportEnd) => void) | undefined = undefined
  readonly #connection: RTCPeerConnection
  readonly #channel: RTCDataChannel
  #isOver = false

  constructor(connection: RTCPeerConnection, channel: RTCDataChannel) {
    this.#connection = connection
    this.#channel = channel
    channel.binaryType = 'arraybuffer'
    channel.addEventListener('message', this.#onMessage)
    channel.addEventListener('close', this.#onClose)
    connection.addEventListener('connectionstatechange', this.#onState)
  }

  /** Truthful in browsers: what SCTP has not sent yet. */
  get backlogBytes(): number {
    return this.#isOver ? 0 : this.#channel.bufferedAmount
  }

  send(packet: Bytes): void {
    if (this.#channel.readyState !== 'open') return
    try {
      this.#channel.send(packet)
    } catch {
      // The browser's queue is full, or the channel closed this instant: a lost packet.
    }
  }

  close(): void {
    if (!this.#isOver) this.#release()
  }

  readonly #onMessage = (event: MessageEvent<unknown>): void => {
    if (event.data instanceof ArrayBuffer) this.onPacket?.(new Uint8Array(event.data))
  }

  readonly #onClose = (): void => this.#end('channel-closed')

  readonly #onState = (): void => {
    const failure = failureOf(this.#connection)
    if (failure !== undefined) this.#end(failure)
  }

  #end(detail: string): void {
    if (this.#isOver) return
    this.#release()
    this.onEnd?.({ detail })
  }

  #release(): void {
    this.#isOver = true
    this.#channel.removeEventListener('message', this.#onMessage)
    this.#channel.removeEventListener('close', this.#onClose)
    this.#connection.removeEventListener('connectionstatechange', this.#onState)
    this.#channel.close()
    this.#connection.close()
  }
}

/** The step at which a connection failed for good, or `undefined` while it has not. */
export function failureOf(
  connection: RTCPeerConnection,
): 'ice-failed' | 'dtls-failed' | 'connection-closed' | undefined {
  if (connection.connectionState === 'closed') return 'connection-closed'
  if (connection.connectionState !== 'failed') return undefined
  const { iceConnectionState } = connection
  // Firefox says `new` to the end where no candidates make a pair.
  return iceConnectionState === 'failed' || iceConnectionState === 'new' ? 'ice-failed' : 'dtls-failed'
}
