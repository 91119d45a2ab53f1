import type { SendChannel } from '../channel/channel.ts'
import type { Packer } from './packer.ts'

/** Records to fill a packet with: what should leave at once, fragments of large reliable messages, or both by their shares. */
export type Sort = 'prompt' | 'bulk' | 'any'

/** The reserve of reliable data, or its debt, never grows beyond this many full packets. */
const CREDIT_PACKETS = 4

/** Channels of one priority, and the virtual time at which they were last served. */
interface PriorityClass {
  readonly lanes: Lane[]
  virtualTime: number
}

/** A channel with its place in the order of service. */
class Lane {
  readonly channel: SendChannel
  readonly weight: number
  /** Virtual time at which its last record ends, and so its next one starts while it has one waiting. */
  finish = 0
  /** It had something waiting when last asked. */
  isBacklogged = false
  /** Did not fit into the packet with this stamp. */
  blockedAt = 0

  constructor(channel: SendChannel) {
    this.channel = channel
    this.weight = channel.config.weight
  }
}

/**
 * Which channel writes next: strict priority between classes, start-time fair queueing by weight within one (Goyal, Vin and
 * Cheng, SIGCOMM 1996), and a share of the bytes that reliable channels get first, so that they never starve.
 */
export class Lanes {
  readonly #classes: PriorityClass[] = []
  /** The reliable channels once more, whatever their priority, with an order of their own. */
  readonly #reserve: PriorityClass = { lanes: [], virtualTime: 0 }
  readonly #reliableShare: number
  readonly #maxCredit: number
  /** As if nothing waited. */
  isHushed = false
  #credit = 0
  #stamp = 0
  #hasWrittenBulk = false

  constructor(channels: readonly SendChannel[], reliableShare: number, maxPacketBytes: number) {
    this.#reliableShare = reliableShare
    this.#maxCredit = CREDIT_PACKETS * maxPacketBytes
    const byPriority = new Map<number, PriorityClass>()
    const sorted = [...channels].sort((a, b) => b.config.priority - a.config.priority)
    for (const channel of sorted) {
      let entry = byPriority.get(channel.config.priority)
      if (entry === undefined) {
        entry = { lanes: [], virtualTime: 0 }
        byPriority.set(channel.config.priority, entry)
        this.#classes.push(entry)
      }
      const lane = new Lane(channel)
      entry.lanes.push(lane)
      if (channel.config.isReliable) this.#reserve.lanes.push(new Lane(channel))
    }
  }

  get isPending(): boolean {
    if (this.isHushed) return false
    for (let c = 0; c < this.#classes.length; c++) {
      const { lanes } = this.#classes[c]!
      for (let i = 0; i < lanes.length; i++) if (lanes[i]!.channel.isPending) return true
    }
    return false
  }

  get hasBulk(): boolean {
    if (this.isHushed) return false
    const { lanes } = this.#reserve
    for (let i = 0; i < lanes.length; i++) if (lanes[i]!.channel.hasBulk) return true
    return false
  }

  get hasCopies(): boolean {
    if (this.isHushed) return false
    const { lanes } = this.#reserve
    for (let i = 0; i < lanes.length; i++) if (lanes[i]!.channel.hasCopies) return true
    return false
  }

  get hasHaste(): boolean {
    if (this.isHushed) return false
    const { lanes } = this.#reserve
    for (let i = 0; i < lanes.length; i++) if (lanes[i]!.channel.hasHaste) return true
    return false
  }

  /** Puts chosen copies into what room is left; returns their bytes. */
  fillCopies(packer: Packer): number {
    const { lanes } = this.#reserve
    let bytes = 0
    for (let i = 0; i < lanes.length && !packer.isFull; i++) {
      const { channel } = lanes[i]!
      for (let written = channel.writeCopy(packer); written > 0; written = channel.writeCopy(packer)) bytes += written
    }
    return bytes
  }

  /** Payload bytes that would leave before a message sent now on `channel`. */
  bytesAhead(channel: SendChannel): number {
    let bytes = 0
    for (const { lanes } of this.#classes) {
      for (const lane of lanes) {
        const other = lane.channel
        if (other.config.priority > channel.config.priority || other === channel) bytes += other.pendingBytes
        else if (other.config.priority === channel.config.priority) {
          // Beside us it gets its share for as long as we wait.
          bytes += Math.min(other.pendingBytes, (channel.pendingBytes * other.config.weight) / channel.config.weight)
        }
      }
    }
    return bytes
  }

  /** Fills a packet with one sort of records; says whether a fragment of bulk is among them. */
  fill(packer: Packer, sort: Sort): boolean {
    this.#stamp++
    this.#hasWrittenBulk = false
    let reliableBytes = 0
    for (let lane = this.#next(this.#reserve, sort); lane !== undefined; lane = this.#next(this.#reserve, sort)) {
      if (reliableBytes >= this.#credit || packer.isFull) break
      reliableBytes += this.#serve(this.#reserve, lane, packer, sort)
    }
    let bytes = reliableBytes
    for (let c = 0; c < this.#classes.length; c++) {
      const entry = this.#classes[c]!
      for (let lane = this.#next(entry, sort); lane !== undefined; lane = this.#next(entry, sort)) {
        if (packer.isFull) break
        const written = this.#serve(entry, lane, packer, sort)
        bytes += written
        if (lane.channel.config.isReliable) reliableBytes += written
      }
    }
    const credit = this.#credit + bytes * this.#reliableShare - reliableBytes
    this.#credit = Math.min(this.#maxCredit, Math.max(-this.#maxCredit, credit))
    return this.#hasWrittenBulk
  }

  /** The pending lane with the earliest start among those not blocked in this packet. */
  #next(entry: PriorityClass, sort: Sort): Lane | undefined {
    let best: Lane | undefined
    for (let i = 0; i < entry.lanes.length; i++) {
      const lane = entry.lanes[i]!
      const { isPending, hasBulk } = lane.channel
      // Who comes back to an empty queue starts with the others; who has waited keeps what is owed.
      const isBacklogged = isPending || hasBulk
      if (isBacklogged && !lane.isBacklogged) lane.finish = Math.max(entry.virtualTime, lane.finish)
      lane.isBacklogged = isBacklogged
      const isWanted = (isPending && sort !== 'bulk') || (hasBulk && sort !== 'prompt')
      if (!isWanted || lane.blockedAt === this.#stamp) continue
      if (best === undefined || lane.finish < best.finish) best = lane
    }
    return best
  }

  #serve(entry: PriorityClass, lane: Lane, packer: Packer, sort: Sort): number {
    const isBulk = sort === 'bulk' || (sort === 'any' && !lane.channel.isPending)
    const written = isBulk ? lane.channel.writeBulk(packer) : lane.channel.writeOne(packer)
    if (isBulk && written > 0) this.#hasWrittenBulk = true
    if (written === 0) {
      lane.blockedAt = this.#stamp
      return 0
    }
    entry.virtualTime = lane.finish
    lane.finish += written / lane.weight
    return written
  }
}
