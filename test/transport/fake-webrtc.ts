import type { Bytes } from '../../src/core/bytes.ts'
import type { ChannelTable } from '../../src/index.ts'
import { createEndpoint, type ProtocolOptions } from '../../src/transport/endpoint.ts'
import { systemHost } from '../../src/transport/host.ts'
import { Peer } from '../../src/transport/peer.ts'
import { sdpOf } from '../signal/sdp.ts'
import { type Loopback, loopback } from './loopback.ts'

/** What becomes of a connection once it has its answer. */
export type Fate =
  | 'opens'
  | 'ice-fails'
  | 'ice-finds-no-pair'
  | 'dtls-fails'
  | 'closes'
  | 'hangs'
  | 'hangs-after-ice'
  | 'silent'

/** A browser's side of WebRTC in memory, with a Gannet server behind every connection that opens. */
export class FakeWebRtc<C extends ChannelTable> {
  /** Fates of the connections to come; the last one stays. */
  readonly fates: Fate[]
  readonly connections: FakeConnection[] = []
  /** Server peers of the connections that opened. */
  readonly peers: Peer<C>[] = []
  readonly #options: ProtocolOptions<C>

  constructor(options: ProtocolOptions<C>, ...fates: Fate[]) {
    this.#options = options
    this.fates = fates
  }

  /** A class that stands in for `RTCPeerConnection`. */
  connectionClass(): new (configuration?: RTCConfiguration) => FakeConnection {
    const fateOfNext = () => (this.fates.length > 1 ? this.fates.shift()! : this.fates[0]!)
    const serve = (isSilent: boolean) => this.#serve(isSilent)
    const { connections } = this
    return class extends FakeConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration, fateOfNext(), serve)
        connections.push(this)
      }
    }
  }

  /** Connections that were made and not closed. */
  get live(): number {
    return this.connections.filter((connection) => connection.connectionState !== 'closed').length
  }

  #serve(isSilent: boolean): Loopback {
    const [client, server] = loopback(systemHost, { delayMs: 1 })
    if (isSilent) return client
    const endpoint = createEndpoint('server', this.#options, server, systemHost)
    this.peers.push(new Peer<C>({ id: 'server', endpoint, transport: server, host: systemHost }))
    return client
  }
}

class FakeChannel extends EventTarget {
  readyState = 'connecting'
  binaryType = 'blob'
  readonly bufferedAmount = 0
  pipe: Loopback | undefined

  open(pipe: Loopback): void {
    this.pipe = pipe
    pipe.onPacket = (packet) => this.dispatchEvent(new MessageEvent('message', { data: packet.buffer }))
    pipe.onEnd = () => this.close()
    this.readyState = 'open'
    this.dispatchEvent(new Event('open'))
  }

  send(packet: Bytes): void {
    this.pipe?.send(packet)
  }

  close(): void {
    if (this.readyState === 'closed') return
    this.readyState = 'closed'
    this.pipe?.close()
    // Browsers fire it in a task of its own.
    queueMicrotask(() => this.dispatchEvent(new Event('close')))
  }
}

export class FakeConnection extends EventTarget {
  readonly configuration: RTCConfiguration | undefined
  channelOptions: RTCDataChannelInit | undefined
  connectionState = 'new'
  iceConnectionState = 'new'
  iceGatheringState = 'new'
  localDescription: { sdp: string } | null = null
  readonly #fate: Fate
  readonly #serve: (isSilent: boolean) => Loopback
  readonly #channel = new FakeChannel()

  constructor(configuration: RTCConfiguration | undefined, fate: Fate, serve: (isSilent: boolean) => Loopback) {
    super()
    this.configuration = configuration
    this.#fate = fate
    this.#serve = serve
  }

  createDataChannel(_label: string, options: RTCDataChannelInit): FakeChannel {
    this.channelOptions = options
    return this.#channel
  }

  async setLocalDescription(): Promise<void> {
    this.localDescription = { sdp: sdpOf('offer') }
    this.iceGatheringState = 'complete'
  }

  async setRemoteDescription(): Promise<void> {
    setTimeout(() => this.#meetFate(), 1)
  }

  close(): void {
    this.connectionState = 'closed'
    this.#channel.close()
  }

  #meetFate(): void {
    if (this.connectionState === 'closed') return
    switch (this.#fate) {
      case 'opens':
      case 'silent':
        this.#move('connected', 'connected')
        this.#channel.open(this.#serve(this.#fate === 'silent'))
        break
      case 'ice-fails':
        this.#move('failed', 'failed')
        break
      case 'ice-finds-no-pair':
        this.#move('failed', 'new')
        break
      case 'dtls-fails':
        this.#move('failed', 'connected')
        break
      case 'closes':
        this.#channel.close()
        break
      case 'hangs-after-ice':
        this.#move('connecting', 'connected')
        break
      case 'hangs':
        this.#move('connecting', 'checking')
    }
  }

  #move(connectionState: string, iceConnectionState: string): void {
    this.connectionState = connectionState
    this.iceConnectionState = iceConnectionState
    this.dispatchEvent(new Event('connectionstatechange'))
  }
}
