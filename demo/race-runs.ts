/** Carriers of the race in the page. Each queues what arrives until the next tick: that is when a game would see it. */
import type { Peer } from 'gannet/browser'
import { Net } from './net.ts'
import type { Run } from './place.ts'
import { decodeParcel, KIND, type Parcel, RACE_CHANNELS, RACE_PROTOCOL } from './race-protocol.ts'

export interface RunListener {
  onOpen(isOpen: boolean): void
  onState(state: Parcel): void
  onMessage(message: Parcel): void
}

/** Pause before another attempt, ms. */
const RETRY_MS = 1_000
/** Time for an attempt, ms. */
const ATTEMPT_MS = 15_000
/** How long to wait for ICE candidates, ms. */
const GATHERING_MS = 2_000

/** Gannet, with the file that games copy. */
export class GannetRun implements Run {
  readonly #net: Net<typeof RACE_CHANNELS>

  constructor(url: string, listener: RunListener, dial?: () => Promise<Peer<typeof RACE_CHANNELS>>) {
    this.#net = new Net({
      url,
      channels: RACE_CHANNELS,
      protocol: RACE_PROTOCOL,
      ...(dial && { dial }),
      onStatus: ({ kind }) => listener.onOpen(kind === 'open'),
      onEvent(event) {
        const parcel = event.type === 'message' ? decodeParcel(event.payload) : undefined
        if (!parcel || event.type !== 'message') return
        if (event.channel === 'state') listener.onState(parcel)
        else listener.onMessage(parcel)
      },
    })
  }

  update(): void {
    this.#net.update()
    this.#net.flush()
  }

  stop(): void {
    this.#net.stop()
  }
}

/** Packets of a carrier that knows no channels: a kind, then a parcel. */
export class Unpacking {
  readonly #listener: RunListener
  #packets: Uint8Array[] = []

  constructor(listener: RunListener) {
    this.#listener = listener
  }

  push(packet: Uint8Array): void {
    this.#packets.push(packet)
  }

  drain(): void {
    const packets = this.#packets
    this.#packets = []
    for (const packet of packets) {
      const parcel = decodeParcel(packet.subarray(1))
      if (!parcel) continue
      if (packet[0] === KIND.state) this.#listener.onState(parcel)
      else if (packet[0] === KIND.message) this.#listener.onMessage(parcel)
    }
  }
}

/** A bare DataChannel, as one writes it without a library. */
export class ChannelRun implements Run {
  readonly #url: string
  readonly #options: RTCDataChannelInit
  readonly #listener: RunListener
  readonly #unpacking: Unpacking
  #connection: RTCPeerConnection | undefined
  #isStopped = false

  constructor(url: string, options: RTCDataChannelInit, listener: RunListener) {
    this.#url = url
    this.#options = options
    this.#listener = listener
    this.#unpacking = new Unpacking(listener)
    void this.#keepConnecting()
  }

  update(): void {
    this.#unpacking.drain()
  }

  stop(): void {
    this.#isStopped = true
    this.#connection?.close()
  }

  async #keepConnecting(): Promise<void> {
    while (!this.#isStopped) {
      this.#listener.onOpen(false)
      try {
        await this.#connect()
      } catch {
        // The server is away; the lane says so.
      }
      this.#connection?.close()
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }

  /** Resolves when the connection has ended. */
  async #connect(): Promise<void> {
    const connection = new RTCPeerConnection()
    this.#connection = connection
    const channel = connection.createDataChannel('race', { ...this.#options, negotiated: true, id: 0 })
    channel.binaryType = 'arraybuffer'
    channel.onmessage = ({ data }) => this.#unpacking.push(new Uint8Array(data as ArrayBuffer))
    const ended = new Promise<void>((resolve) => {
      const attempt = setTimeout(resolve, ATTEMPT_MS)
      channel.onopen = () => {
        clearTimeout(attempt)
        this.#listener.onOpen(true)
      }
      channel.onclose = () => resolve()
      connection.onconnectionstatechange = () => {
        if (['failed', 'closed'].includes(connection.connectionState)) resolve()
      }
    })
    await connection.setLocalDescription()
    await gathered(connection)
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp' },
      body: connection.localDescription?.sdp ?? '',
    })
    if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`)
    await connection.setRemoteDescription({ type: 'answer', sdp: await response.text() })
    await ended
  }
}

async function gathered(connection: RTCPeerConnection): Promise<void> {
  if (connection.iceGatheringState === 'complete') return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, GATHERING_MS)
    connection.onicegatheringstatechange = () => {
      if (connection.iceGatheringState !== 'complete') return
      clearTimeout(timer)
      resolve()
    }
  })
}
