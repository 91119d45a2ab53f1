/** Everything this game needs from Gannet: connect, tick, send input, read state and chat, come back after a drop. */
import type { EndpointStats, MessageId, Verdict } from 'gannet'
import { connect, type Peer } from 'gannet/browser'
import * as protocol from './protocol.ts'
import { describeReason, type Status } from './status.ts'

/** What the game wants to hear. Called from inside {@link Net.update} only, except `onStatus`. */
export interface NetListener {
  readonly onStatus: (status: Status) => void
  readonly onSnapshot: (snapshot: protocol.Snapshot) => void
  readonly onRelayReport: (report: protocol.RelayReport) => void
  readonly onCountEcho: (echo: protocol.CountEcho) => void
  readonly onRoster: (roster: protocol.RosterEntry[]) => void
  readonly onChat: (line: protocol.ChatLine) => void
  readonly onVerdict: (channel: keyof protocol.Channels, id: MessageId, verdict: Verdict) => void
}

export class Net {
  readonly #url: string
  readonly #listener: NetListener
  #peer: Peer<protocol.Channels> | undefined
  #failures = 0

  constructor(url: string, listener: NetListener) {
    this.#url = url
    this.#listener = listener
    void this.#connect()
  }

  /** Live figures of the present connection. */
  get stats(): EndpointStats | undefined {
    return this.#peer?.stats
  }

  /** Start of a tick: time passes, and whatever arrived is handed to the listener. */
  update(): void {
    const peer = this.#peer
    if (!peer) return
    peer.update()
    for (let event = peer.pollEvent(); event; event = peer.pollEvent()) {
      if (event.type === 'message') this.#hear(event.channel, event.payload)
      else if (event.type === 'verdict') this.#listener.onVerdict(event.channel, event.id, event.verdict)
      else if (event.type === 'closed') this.#retry(describeReason(event.reason))
    }
  }

  sendInput(input: protocol.InputMessage): void {
    this.#peer?.send('input', protocol.encodeInput(input))
  }

  /** `undefined`: not connected, or too much is still waiting. Otherwise `onVerdict` will say `acked` or `closed`. */
  sendNumber(number: number): MessageId | undefined {
    return this.#peer?.trySend('count', protocol.encodeNumber(number))
  }

  say(text: string): MessageId | undefined {
    return this.#peer?.trySend('chat', protocol.encodeChat({ from: 0, name: '', text }))
  }

  /** End of a tick: what was sent goes out. */
  flush(): void {
    this.#peer?.flush()
  }

  #hear(channel: keyof protocol.Channels, payload: Uint8Array): void {
    if (channel === 'snapshot') hand(protocol.decodeSnapshot(payload), this.#listener.onSnapshot)
    else if (channel === 'relay') hand(protocol.decodeRelayReport(payload), this.#listener.onRelayReport)
    else if (channel === 'count') hand(protocol.decodeCountEcho(payload), this.#listener.onCountEcho)
    else if (channel === 'roster') hand(protocol.decodeRoster(payload), this.#listener.onRoster)
    else if (channel === 'chat') hand(protocol.decodeChat(payload), this.#listener.onChat)
  }

  async #connect(): Promise<void> {
    this.#listener.onStatus({ kind: 'connecting' })
    try {
      this.#peer = await connect(this.#url, { channels: protocol.CHANNELS, protocol: protocol.PROTOCOL })
      this.#failures = 0
      this.#listener.onStatus({ kind: 'open' })
    } catch (error) {
      this.#retry(error instanceof Error ? error.message : String(error))
    }
  }

  #retry(why: string): void {
    this.#peer = undefined
    const waitMs = Math.min(4_000, 500 * 2 ** this.#failures++)
    this.#listener.onStatus({ kind: 'closed', why, retryAt: performance.now() + waitMs })
    setTimeout(() => void this.#connect(), waitMs)
  }
}

/** Passes on what could be decoded; a message that is not in our language is none. */
function hand<T>(value: T | undefined, to: (value: T) => void): void {
  if (value !== undefined) to(value)
}
