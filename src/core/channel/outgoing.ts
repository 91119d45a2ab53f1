import { type Bytes, EMPTY } from '../bytes.ts'
import { Fifo } from '../container/fifo.ts'
import type { KeySlot } from '../container/key-slots.ts'

/** Copies of one message in flight that are told apart. */
export const MAX_COPIES = 16

/** Where an outgoing message stands. */
export type OutgoingStatus =
  /** Not a message: in the pool. */
  | 'free'
  /** Its verdict is open. */
  | 'live'
  /** Given up with a verdict; the peer must still be told that it will never come. */
  | 'skip'
  /** Nothing is left to do. */
  | 'settled'

/** Fragment bookkeeping of one large message. */
export class FragmentTable {
  /** Data and parity fragments. */
  readonly total: number
  readonly #acked: Uint8Array
  readonly #copies: Uint8Array
  /** Fragments to be sent again, oldest loss first. */
  readonly lost: Fifo<number> = new Fifo()
  /** First fragment that was never sent; `total` when all were. */
  nextUnsent = 0
  ackedCount = 0
  /** Fragments whose loss is final (unreliable kinds). */
  lostCount = 0

  constructor(total: number) {
    this.total = total
    this.#acked = new Uint8Array(total)
    this.#copies = new Uint8Array(total)
  }

  isAcked(index: number): boolean {
    return this.#acked[index] === 1
  }

  /** Marks a fragment as delivered; says whether that is news. */
  ack(index: number): boolean {
    if (this.#acked[index] === 1) return false
    this.#acked[index] = 1
    this.ackedCount++
    return true
  }

  addCopy(index: number): void {
    this.#copies[index]!++
  }

  /** Takes back a copy that was lost; says whether none is left and the fragment is still wanted. */
  loseCopy(index: number): boolean {
    if (this.#copies[index]! > 0) this.#copies[index]!--
    return this.#copies[index] === 0 && this.#acked[index] === 0
  }
}

/** A message on its way out. Pooled: `generation` tells whether a remembered one is still the same. */
export class OutgoingMessage {
  status: OutgoingStatus = 'free'
  generation = 0
  channel = 0
  id = 0
  /** −1 for none. */
  key = -1
  /** Place of its key among the messages of its channel, where keys count. */
  slot: KeySlot<OutgoingMessage> | undefined = undefined
  length = 0
  block: Bytes = EMPTY
  /** The block is held by others too, and never goes into the pool. */
  isShared = false
  /** Instant after which it is not worth sending; `Infinity` for none. */
  expiresAt: number = Number.POSITIVE_INFINITY
  /** Data fragments; 1 for a message that travels whole. */
  count = 1
  parity = 0
  /** Payload of each data fragment but the last. */
  fragmentBytes = 0
  /** Number of the fragmented message on its channel, −1 when whole. */
  group = -1
  fragments: FragmentTable | undefined = undefined
  /** Some part has been put into a packet. */
  hasBegun = false
  /** Every part has been put into a packet at least once. */
  hasLeft = false
  /** Packets in flight that carry it whole (or its skip). */
  copies = 0
  /** It travels whole (or as a skip) and waits to be sent again. */
  needsCopy = false
  /** It stands in the queue of those to be sent again. */
  isInResend = false
  /** It waits, or waited, among those that travel in fragments at a pace of their own. */
  isBulk = false
  /** It stands there in the queue of those with lost fragments. */
  isInBulkResend = false
  /** Instant of its last copy, ms. */
  lastSentAt = 0
  /** Instants of the copies in flight, oldest first; kept only for messages that may be copied. */
  sentAts: Float64Array | undefined = undefined
  /** A copy of it was declared lost. */
  hasLostCopy = false
  /** A second copy of a resend is due in a packet after this instant, ms; `Infinity` for none. */
  echoAfter: number = Number.POSITIVE_INFINITY
  /** The copy that waits is the second one of a resend, and gets no second one itself. */
  isEcho = false
  /** What one more copy is worth in this tick. */
  worth = 0
  /** The packet that it was put into last. */
  inPacket = -1
  /** Chosen for one more copy, though none is known to be lost. */
  isChosen = false
  /** Queues that still hold it; it returns to the pool when settled and held by none. */
  holders = 0
  /** A newer message of its key exists: if lost, it is not sent again. */
  isSuperseded = false

  /** It waits for its first packet, or for the first packet of some of its fragments. */
  get isQueued(): boolean {
    return this.status === 'live' && !this.hasLeft
  }

  /** Some part of it was lost and waits to be sent again. */
  get lacksParts(): boolean {
    return this.isInResend || this.isInBulkResend
  }

  /** A packet carries it whole (or its skip), since `lastSentAt`. */
  fly(): void {
    const { sentAts } = this
    // Above the limit the oldest is forgotten: none is added on purpose then.
    if (sentAts !== undefined) {
      if (this.copies >= MAX_COPIES) sentAts.copyWithin(0, 1)
      sentAts[Math.min(this.copies, MAX_COPIES - 1)] = this.lastSentAt
    }
    this.copies++
  }

  /** A copy was lost. Fates become known about in the order sent, so it counts as the oldest. */
  loseCopy(): void {
    this.hasLostCopy = true
    if (this.copies === 0) return
    this.copies--
    if (this.copies < MAX_COPIES) this.sentAts?.copyWithin(0, 1)
  }

  /** Payload bytes of data fragment `index`. */
  fragmentLength(index: number): number {
    return index < this.count - 1 ? this.fragmentBytes : this.length - (this.count - 1) * this.fragmentBytes
  }
}
