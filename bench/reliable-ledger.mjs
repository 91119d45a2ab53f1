// What became of the reliable messages of one direction. Instants are whole µs.

/** @typedef {import('./reliable-packet.mjs').PacketView} PacketView */

/** Messages by their id, which counts from 0 without gaps. */
export class Ledger {
  count = 0
  createdAt
  /** −1 until then. */
  deliveredAt
  bytes
  /** Copies put into packets, up to 255. */
  copies
  /** Whether a copy was sent that does arrive. */
  #survives
  delivered = 0
  duplicated = 0
  /** Copies sent after the first, from `measureFrom` on; loss-triggered ones are resends, the others are redundant. */
  repeats = 0
  resends = 0
  /** Resends for which an earlier copy did arrive, or was on its way and will. */
  spurious = 0
  /** Bytes of those with the records around them. */
  spuriousBytes = 0
  /** Packets that could not be read to their end: what they carry is not counted. */
  unread = 0
  #measureFrom
  #resendsSeen = 0

  /**
   * @param {number} capacity
   * @param {number} measureFrom
   */
  constructor(capacity, measureFrom) {
    this.#measureFrom = measureFrom
    this.createdAt = new Float64Array(capacity)
    this.deliveredAt = new Float64Array(capacity).fill(-1)
    this.bytes = new Uint8Array(capacity)
    this.copies = new Uint8Array(capacity)
    this.#survives = new Uint8Array(capacity)
  }

  /**
   * @param {number} id
   * @param {number} bytes
   * @param {number} at
   */
  create(id, bytes, at) {
    if (id !== this.count) throw new Error(`message ${id} created, expected ${this.count}`)
    if (id === this.createdAt.length) throw new Error(`more than ${id} messages`)
    this.createdAt[id] = at
    this.bytes[id] = bytes
    this.count++
  }

  /**
   * @param {number} id
   * @param {number} bytes
   * @param {number} at
   */
  deliver(id, bytes, at) {
    if (!(id < this.count) || bytes !== this.bytes[id])
      throw new Error(`message ${id} of ${bytes} bytes was never sent`)
    if (this.deliveredAt[id] !== -1) {
      this.duplicated++
      return
    }
    this.deliveredAt[id] = at
    this.delivered++
  }

  /**
   * Books the messages of a packet. The endpoint's own count of resends tells how many of the repeated messages are there
   * because of a loss; those lead the packet.
   * @param {PacketView} packet
   * @param {number} resendsSent the endpoint's counter, this packet included
   * @param {boolean} arrives
   * @param {number} at
   */
  book(packet, resendsSent, arrives, at) {
    let resends = resendsSent - this.#resendsSeen
    this.#resendsSeen = resendsSent
    const isMeasured = at >= this.#measureFrom
    if (!packet.isWhole && isMeasured) this.unread++
    for (let i = 0; i < packet.length; i++) {
      const id = packet.ids[i] ?? -1
      const copies = this.copies[id] ?? 0
      if (copies > 0) {
        const isResend = resends > 0
        if (isResend) resends--
        if (isMeasured) {
          this.repeats++
          if (isResend) this.resends++
          if (isResend && this.#survives[id] === 1) {
            this.spurious++
            this.spuriousBytes += (this.bytes[id] ?? 0) + (packet.framing[i] ?? 0)
          }
        }
      }
      if (copies < 255) this.copies[id] = copies + 1
      if (arrives) this.#survives[id] = 1
    }
  }
}
