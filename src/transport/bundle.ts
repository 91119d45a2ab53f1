import type { Bytes } from '../index.ts'
import type { Transport, TransportEnd } from './transport.ts'

/**
 * Several pipes to one peer as one transport. Each packet takes the pipe that will deliver it first: one below which nothing
 * waits, the longest unused among those; else the one below which least waits. So what SCTP holds back on one association, its
 * window shut by losses, goes around it on another.
 *
 * Sequence numbers, acks and the byte budget belong to the endpoint above, which knows of no pipes: several are not greedier
 * than one.
 */
export class Bundle implements Transport {
  readonly maxPacketBytes: number
  onPacket: ((packet: Bytes) => void) | undefined = undefined
  /** Called once, when the last pipe has ended and `onEmpty` keeps nothing open. */
  onEnd: ((end: TransportEnd) => void) | undefined = undefined
  /**
   * Called when the last pipe has ended, with its word. True: the bundle stays open without pipes, and drops what is sent, until
   * `add` or `close`. Default: it ends.
   */
  onEmpty: ((end: TransportEnd) => boolean) | undefined = undefined
  readonly #pipes: Transport[] = []
  /** Place of the pipe that was unused for longest. */
  #next = 0
  #isOver = false

  /** Throws a `RangeError` without pipes. */
  constructor(...pipes: readonly Transport[]) {
    if (pipes[0] === undefined) throw new RangeError('a bundle of 0 pipes, expected at least 1')
    this.maxPacketBytes = Math.min(...pipes.map((pipe) => pipe.maxPacketBytes))
    for (const pipe of pipes) this.add(pipe)
  }

  /** Pipes that are open. */
  get size(): number {
    return this.#pipes.length
  }

  /** The open pipes, oldest first. */
  get pipes(): readonly Transport[] {
    return this.#pipes
  }

  /** What waits below the pipe that would take the next packet, bytes. */
  get backlogBytes(): number {
    return this.#pipes.length === 0 ? 0 : this.#pipes[this.#choose()]!.backlogBytes
  }

  /**
   * Takes an open pipe into use; it belongs to the bundle then. One that comes when the bundle is over is closed.
   * Throws a `RangeError` if its packets are smaller than the bundle's.
   */
  add(pipe: Transport): void {
    if (this.#isOver) {
      pipe.close()
      return
    }
    if (pipe.maxPacketBytes < this.maxPacketBytes) {
      throw new RangeError(`a pipe of ${pipe.maxPacketBytes}-byte packets, expected ${this.maxPacketBytes} or more`)
    }
    this.#pipes.push(pipe)
    pipe.onPacket = (packet) => this.onPacket?.(packet)
    pipe.onEnd = (end) => this.#remove(pipe, end)
  }

  /** Closes one pipe and does without it, as if it had ended. False if it is not of this bundle. */
  retire(pipe: Transport, detail: string): boolean {
    if (!this.#pipes.includes(pipe)) return false
    pipe.close()
    this.#remove(pipe, { detail })
    return true
  }

  send(packet: Bytes): void {
    if (this.#pipes.length === 0) return
    const at = this.#choose()
    this.#next = at + 1
    this.#pipes[at]!.send(packet)
  }

  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const pipe of this.#pipes.splice(0)) pipe.close()
  }

  /** Place of the pipe that takes the next packet; there must be one. */
  #choose(): number {
    const pipes = this.#pipes
    if (pipes.length === 1) return 0
    let best = 0
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < pipes.length; i++) {
      const at = (this.#next + i) % pipes.length
      const { backlogBytes } = pipes[at]!
      if (backlogBytes >= least) continue
      best = at
      least = backlogBytes
      if (least === 0) break
    }
    return best
  }

  #remove(pipe: Transport, end: TransportEnd): void {
    const at = this.#pipes.indexOf(pipe)
    if (at < 0) return
    this.#pipes.splice(at, 1)
    if (this.#next > at) this.#next--
    if (this.#pipes.length > 0 || this.#isOver || this.onEmpty?.(end)) return
    this.#isOver = true
    this.onEnd?.(end)
  }
}
