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
  /** The others once more, likewise. */
  readonly #fresh: PriorityClass = { lanes: [], virtualTime: 0 }
  readonly #reliableShare: number
  readonly #maxCredit: number
  /** As if nothing waited. */
  isHushed = false
  #credit = 0
  #stamp = 0
  /** Of the packet being filled. */
  #hasWrittenBulk = false
  #reliableBytes = 0
  /** Virtual time at which the lane that `#next` chose is not the first any more. */
  #turnEnds: number = Number.POSITIVE_INFINITY

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
      const { lanes } = channel.config.isReliable ? this.#reserve : this.#fresh
      lanes.push(new Lane(channel))
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

  /** Payload bytes of messages that stand in line: no newer one replaces them, and they are not bulk. */
  get lineBytes(): number {
    let bytes = 0
    for (let c = 0; c < this.#classes.length; c++) {
      const { lanes } = this.#classes[c]!
      for (let i = 0; i < lanes.length; i++) {
        const { channel } = lanes[i]!
        if (!channel.config.hasKeys && !channel.hasBulk) bytes += channel.pendingBytes
      }
    }
    return bytes
  }

  hasHaste(isFar: boolean): boolean {
    if (this.isHushed) return false
    const { lanes } = this.#reserve
    for (let i = 0; i < lanes.length; i++) if (lanes[i]!.channel.hasHaste(isFar)) return true
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
    this.#reliableBytes = 0
    let bytes = this.#fillFrom(this.#reserve, packer, sort, this.#credit)
    for (let c = 0; c < this.#classes.length; c++) {
      bytes += this.#fillFrom(this.#classes[c]!, packer, sort, Number.POSITIVE_INFINITY)
    }
    const credit = this.#credit + bytes * this.#reliableShare - this.#reliableBytes
    this.#credit = Math.min(this.#maxCredit, Math.max(-this.#maxCredit, credit))
    return this.#hasWrittenBulk
  }

  /** Fills a packet with what is reliable and waits for its first or next packet, and nothing else. */
  fillReliable(packer: Packer): void {
    this.#stamp++
    this.#fillFrom(this.#reserve, packer, 'prompt', Number.POSITIVE_INFINITY)
  }

  /** Fills a packet with what is not reliable, and nothing else. */
  fillFresh(packer: Packer): void {
    this.#stamp++
    this.#fillFrom(this.#fresh, packer, 'prompt', Number.POSITIVE_INFINITY)
  }

  /** Serves one class until nothing of it fits any more or `maxBytes` are reached; returns the bytes. */
  #fillFrom(entry: PriorityClass, packer: Packer, sort: Sort, maxBytes: number): number {
    let bytes = 0
    while (bytes < maxBytes && !packer.isFull) {
      const lane = this.#next(entry, sort)
      if (lane === undefined) break
      bytes += this.#serve(entry, lane, packer, sort, maxBytes - bytes)
    }
    return bytes
  }

  /** The pending lane with the earliest start among those not blocked in this packet; `#turnEnds` is that of the one after it. */
  #next(entry: PriorityClass, sort: Sort): Lane | undefined {
    let best: Lane | undefined
    this.#turnEnds = Number.POSITIVE_INFINITY
    for (let i = 0; i < entry.lanes.length; i++) {
      const lane = entry.lanes[i]!
      const { isPending, hasBulk } = lane.channel
      // Who comes back to an empty queue starts with the others; who has waited keeps what is owed.
      const isBacklogged = isPending || hasBulk
      if (isBacklogged && !lane.isBacklogged) lane.finish = Math.max(entry.virtualTime, lane.finish)
      lane.isBacklogged = isBacklogged
      const isWanted = (isPending && sort !== 'bulk') || (hasBulk && sort !== 'prompt')
      if (!isWanted || lane.blockedAt === this.#stamp) continue
      if (best === undefined || lane.finish < best.finish) {
        if (best !== undefined) this.#turnEnds = best.finish
        best = lane
      } else if (lane.finish < this.#turnEnds) {
        this.#turnEnds = lane.finish
      }
    }
    return best
  }

  /** Serves a lane for as long as it is the first: the others do not change meanwhile. */
  #serve(entry: PriorityClass, lane: Lane, packer: Packer, sort: Sort, maxBytes: number): number {
    const { channel } = lane
    const isBulk = sort === 'bulk' || (sort === 'any' && !channel.isPending)
    let bytes = 0
    do {
      const written = isBulk ? channel.writeBulk(packer) : channel.writeOne(packer)
      if (written === 0) {
        // Nothing fits; or all has been written, and bulk may follow.
        if (bytes === 0 || isBulk || channel.isPending) lane.blockedAt = this.#stamp
        break
      }
      entry.virtualTime = lane.finish
      lane.finish += written / lane.weight
      bytes += written
    } while (lane.finish < this.#turnEnds && bytes < maxBytes && !packer.isFull)
    if (isBulk && bytes > 0) this.#hasWrittenBulk = true
    if (channel.config.isReliable) this.#reliableBytes += bytes
    return bytes
  }
}
