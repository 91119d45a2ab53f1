import type { Bytes, PipeStats } from '../index.ts'
import type { Transport, TransportEnd } from './transport.ts'

/** Numbers for pipes: twice as many as there may be, so that the losses of one that has gone are not put down to the next. */
const NUMBERS = 16
/**
 * Packets in a row lost or late on one pipe after which it is suspected to carry none, or none in time: at 10 % loss, chance makes one
 * such row in 10,000.
 */
const SUSPECT_LOST = 4
/** Packets in a row after which a suspect is given up, if another pipe carries: eight of them were sent to try it. */
const RETIRE_LOST = 12
/**
 * Packets on other pipes after which a suspect is given up as well: four seconds at 60 Hz. SCTP, its timer backed off, may keep what is
 * to try it for longer than that.
 */
const RETIRE_PASSED = 256
/** Packets on other pipes between two that try a suspect: a quarter of a second at 60 Hz. */
const PROBE_EVERY = 16

/** A pipe in use, and its number. */
interface Member {
  readonly pipe: Transport
  readonly number: number
  /** Packets that others took since it is a suspect. */
  passed: number
}

/**
 * Several pipes to one peer as one transport. Each packet takes the pipe that will deliver it first: one below which nothing
 * waits, the longest unused among those; else the one below which least waits. So what SCTP holds back on one association, its
 * window shut by losses, goes around it on another.
 *
 * A pipe on which packet after packet is lost or late is left out, so that what SCTP holds there without a word drains, tried with one
 * packet now and then, and closed if that goes on while another one carries. Sequence numbers, acks and the byte budget belong to the
 * endpoint above: several pipes are not greedier than one.
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
  readonly #members: Member[] = []
  #stats: readonly PipeStats[] = []
  #nextNumber = 0
  /** Place of the pipe that was unused for longest. */
  #next = 0
  /** Place of the pipe whose number was told for the next packet; −1 for none. */
  #told = -1
  #sinceProbe = 0
  #isOver = false

  /** Throws a `RangeError` without pipes. */
  constructor(...pipes: readonly Transport[]) {
    if (pipes[0] === undefined) throw new RangeError('a bundle of 0 pipes, expected at least 1')
    this.maxPacketBytes = Math.min(...pipes.map((pipe) => pipe.maxPacketBytes))
    for (const pipe of pipes) this.add(pipe)
  }

  /** Pipes that are open. */
  get size(): number {
    return this.#members.length
  }

  /** The open pipes, oldest first. */
  get pipes(): readonly Transport[] {
    return this.#members.map(({ pipe }) => pipe)
  }

  /** What waits below the pipe that would take the next packet, bytes. */
  get backlogBytes(): number {
    return this.#members.length === 0 ? 0 : this.#members[this.#choose()]!.pipe.backlogBytes
  }

  get pipe(): number {
    if (this.#members.length === 0) return 0
    this.#told = this.#choose()
    return this.#members[this.#told]!.number
  }

  tellHeld(tell: (pipe: number, bytes: number) => void): void {
    for (let i = 0; i < this.#members.length; i++) {
      const { pipe, number } = this.#members[i]!
      const { backlogBytes } = pipe
      if (backlogBytes > 0) tell(number, backlogBytes)
    }
  }

  watch(stats: readonly PipeStats[]): void {
    this.#stats = stats
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
    this.#members.push({ pipe, number: this.#nextNumber, passed: 0 })
    this.#nextNumber = (this.#nextNumber + 1) % NUMBERS
    pipe.onPacket = (packet) => this.onPacket?.(packet)
    pipe.onEnd = (end) => this.#remove(pipe, end)
  }

  /** Closes one pipe and does without it, as if it had ended. False if it is not of this bundle. */
  retire(pipe: Transport, detail: string): boolean {
    if (!this.#members.some((member) => member.pipe === pipe)) return false
    pipe.close()
    this.#remove(pipe, { detail })
    return true
  }

  send(packet: Bytes): void {
    if (this.#members.length === 0) return
    const at = this.#told >= 0 ? this.#told : this.#choose()
    this.#told = -1
    const chosen = this.#members[at]!
    if (this.#isSuspect(chosen.number)) this.#sinceProbe = 0
    else this.#sinceProbe++
    this.#next = at + 1
    chosen.pipe.send(packet)
    this.#passBy(chosen)
  }

  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const { pipe } of this.#members.splice(0)) pipe.close()
  }

  /** Counts against suspects that another has taken a packet, and gives up one that has been tried for long enough. */
  #passBy(chosen: Member): void {
    let dead: Member | undefined
    for (const member of this.#members) {
      if (!this.#isSuspect(member.number)) member.passed = 0
      else if (member !== chosen) member.passed++
      if (this.#lostInRow(member.number) >= RETIRE_LOST || member.passed >= RETIRE_PASSED) dead = member
    }
    if (dead !== undefined && this.#isCarriedWithout(dead.number)) this.retire(dead.pipe, 'stalled')
  }

  /** Place of the pipe that takes the next packet; there must be one. */
  #choose(): number {
    const members = this.#members
    const count = members.length
    if (count === 1) return 0
    const mayProbe = this.#sinceProbe >= PROBE_EVERY
    let best = -1
    let least = Number.POSITIVE_INFINITY
    let isBestSuspect = true
    for (let i = 0; i < count; i++) {
      const at = (this.#next + i) % count
      const { pipe, number } = members[at]!
      const isSuspect = this.#isSuspect(number)
      const { backlogBytes } = pipe
      if (isSuspect && mayProbe && backlogBytes === 0) return at
      if (isSuspect && !isBestSuspect) continue
      if (isSuspect === isBestSuspect && backlogBytes >= least) continue
      best = at
      least = backlogBytes
      isBestSuspect = isSuspect
      if (least === 0 && !isSuspect && !mayProbe) break
    }
    // Only suspects: the path itself has gone, and one is as good as another.
    return best
  }

  #isSuspect(number: number): boolean {
    return (this.#stats[number]?.lateInRow ?? 0) >= SUSPECT_LOST
  }

  #lostInRow(number: number): number {
    return this.#stats[number]?.lostInRow ?? 0
  }

  #isCarriedWithout(number: number): boolean {
    return this.#members.some((other) => {
      const stats = this.#stats[other.number]
      return other.number !== number && stats !== undefined && stats.packetsAcked > 0 && stats.lateInRow < SUSPECT_LOST
    })
  }

  #remove(pipe: Transport, end: TransportEnd): void {
    const at = this.#members.findIndex((member) => member.pipe === pipe)
    if (at < 0) return
    this.#members.splice(at, 1)
    this.#told = -1
    if (this.#next > at) this.#next--
    if (this.#members.length > 0 || this.#isOver || this.onEmpty?.(end)) return
    this.#isOver = true
    this.onEnd?.(end)
  }
}
