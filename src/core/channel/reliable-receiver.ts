import type { Bytes } from '../bytes.ts'
import type { ChannelConfig } from '../config.ts'
import type { EndpointStats } from '../stats.ts'
import { RELIABLE_WINDOW } from '../wire/layout.ts'
import { expand24 } from '../wire/sequence.ts'
import type { DeliverMessage, FragmentRecord, ReceiveChannel, RecordResult } from './channel.ts'
import { detach, Reassembly } from './reassembly.ts'

const MASK = RELIABLE_WINDOW - 1

/** Delivers each message once: kind `reliable` at once, kind `ordered` when all before it have been delivered. */
export class ReliableReceiver implements ReceiveChannel {
  readonly config: ChannelConfig
  readonly #deliver: DeliverMessage
  readonly #stats: EndpointStats
  /** Made when the first fragment comes. */
  #pieces: Reassembly | undefined
  readonly #isOrdered: boolean
  /** Ids from `next` on that were received or skipped; made when the first comes out of turn. */
  #seen: Uint32Array | undefined
  /** Ordered: messages that wait for an earlier one; made with the first. */
  #held: Map<number, Bytes> | undefined
  #heldBytes = 0
  /** Lowest id neither received nor skipped. */
  #next = 0

  constructor(config: ChannelConfig, stats: EndpointStats, deliver: DeliverMessage) {
    this.config = config
    this.#stats = stats
    this.#deliver = deliver
    this.#isOrdered = config.kind === 'ordered'
  }

  get idReference(): number {
    return this.#next
  }

  get groupReference(): number {
    return this.#pieces?.groupReference ?? -1
  }

  get expiresAt(): number {
    return Number.POSITIVE_INFINITY
  }

  /** Bytes of messages that wait for an earlier one. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  onMessage(id: number, _key: number, payload: Bytes): RecordResult {
    if (payload.length > this.config.maxMessageBytes) {
      this.#stats.refusals.messageTooLarge++
      return 'malformed'
    }
    const standing = this.#standingOf(id)
    return standing === 'new' ? this.#take(id, payload) : standing
  }

  onFragment(fragment: FragmentRecord, sequence: number, now: number): RecordResult {
    if (fragment.hasParticulars) {
      // A repeat of a message already whole must not open its group again.
      const standing = this.#standingOf(expand24(fragment.idLow, this.#next))
      if (standing !== 'new') {
        if (standing === 'taken') this.#reassembly.skip(fragment.group)
        return standing
      }
    }
    const reassembly = this.#reassembly
    const result = reassembly.add(fragment, sequence, now)
    const group = reassembly.completed
    if (result !== 'taken' || group === undefined) return result
    const id = expand24(group.idLow, this.#next)
    const standing = this.#standingOf(id)
    // The sum of what an honest sender has under way fits (WIRE.md section 7, point 3), so a whole message is always taken.
    return standing === 'new' ? this.#accept(id, reassembly.message!) : standing
  }

  onSkip(id: number, group: number): RecordResult {
    if (group >= 0) this.#reassembly.skip(group)
    const standing = this.#standingOf(id)
    if (standing !== 'new') return standing
    this.#see(id)
    this.#advance()
    return 'taken'
  }

  expire(): void {}

  #standingOf(id: number): RecordResult | 'new' {
    if (id < 0 || id >= this.#next + RELIABLE_WINDOW) {
      this.#stats.refusals.idOutOfWindow++
      return 'malformed'
    }
    if (id < this.#next || this.#isSeen(id)) {
      this.#stats.duplicateMessages++
      return 'taken'
    }
    return 'new'
  }

  #take(id: number, payload: Bytes): RecordResult {
    if (this.#isOrdered && id !== this.#next && this.#heldBytes + payload.length > this.config.windowBytes)
      return 'refused'
    return this.#accept(id, payload)
  }

  #accept(id: number, payload: Bytes): RecordResult {
    if (id !== this.#next) {
      this.#see(id)
      if (!this.#isOrdered) {
        this.#deliver(this.config, -1, payload)
        return 'taken'
      }
      const kept = detach(payload)
      this.#held ??= new Map()
      this.#held.set(id, kept)
      this.#heldBytes += kept.length
      return 'taken'
    }
    this.#next++
    this.#deliver(this.config, -1, payload)
    this.#advance()
    return 'taken'
  }

  /** Moves `next` over what has been seen, and releases what waited. */
  #advance(): void {
    while (this.#isSeen(this.#next)) {
      const id = this.#next++
      this.#seen![(id & MASK) >>> 5]! &= ~(1 << (id & 31))
      const held = this.#held?.get(id)
      if (held === undefined) continue
      this.#held!.delete(id)
      this.#heldBytes -= held.length
      this.#deliver(this.config, -1, held)
    }
  }

  #see(id: number): void {
    this.#seen ??= new Uint32Array(RELIABLE_WINDOW / 32)
    this.#seen[(id & MASK) >>> 5]! |= 1 << (id & 31)
  }

  #isSeen(id: number): boolean {
    return this.#seen !== undefined && (this.#seen[(id & MASK) >>> 5]! & (1 << (id & 31))) !== 0
  }

  get #reassembly(): Reassembly {
    this.#pieces ??= new Reassembly(this.config, this.#stats, Number.POSITIVE_INFINITY)
    return this.#pieces
  }
}
