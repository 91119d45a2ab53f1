import type { Bytes } from '../../src/core/bytes.ts'
import type { Host } from '../../src/transport/host.ts'
import type { Transport, TransportEnd } from '../../src/transport/transport.ts'

export interface LoopbackOptions {
  /** Time a packet takes, ms. */
  delayMs?: number
  /** Delivers inside `send`, as no real transport does. */
  synchronous?: boolean
}

/** One end of a transport in memory. Copies at the border, keeps a log, and drops what it is told to. */
export class Loopback implements Transport {
  readonly maxPacketBytes = 1150
  backlogBytes = 0
  onPacket: ((packet: Bytes) => void) | undefined
  onEnd: ((end: TransportEnd) => void) | undefined
  /** Instants at which packets were sent, ms. */
  readonly sentAt: number[] = []
  readonly sentBytes: number[] = []
  closedAt: number | undefined
  /** Packets sent here vanish. */
  isDeaf = false
  other!: Loopback
  readonly #host: Pick<Host, 'now' | 'at'>
  readonly #options: LoopbackOptions
  #isOver = false

  constructor(host: Pick<Host, 'now' | 'at'>, options: LoopbackOptions) {
    this.#host = host
    this.#options = options
  }

  send(packet: Bytes): void {
    if (this.#isOver) return
    this.sentAt.push(this.#host.now())
    this.sentBytes.push(packet.length)
    if (this.isDeaf) return
    const copy = packet.slice()
    if (this.#options.synchronous) this.other.#arrive(copy)
    else this.#host.at(this.#host.now() + (this.#options.delayMs ?? 10), () => this.other.#arrive(copy))
  }

  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.closedAt = this.#host.now()
    this.#host.at(this.#host.now() + (this.#options.delayMs ?? 10), () => this.other.end('channel-closed'))
  }

  /** The pipe ends for a reason of its own. */
  end(detail: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.onEnd?.({ detail })
  }

  #arrive(packet: Bytes): void {
    if (!this.#isOver) this.onPacket?.(packet)
  }
}

export function loopback(host: Pick<Host, 'now' | 'at'>, options: LoopbackOptions = {}): [Loopback, Loopback] {
  const a = new Loopback(host, options)
  const b = new Loopback(host, options)
  a.other = b
  b.other = a
  return [a, b]
}
