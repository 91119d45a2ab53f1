// Which reliable messages a packet carries, read from its bytes (src/core/wire/WIRE.md, sections 3 and 4).

const FORM_MASK = 0xc0
const ACK_MASK = 0x30
const ACK_GROUPS = 0x20
/** Flags whose `u8` follows the acks: ack delay, loss horizon, standing queue. */
const BYTE_FLAGS = [0x08, 0x04, 0x02]

const TYPE_MESSAGE = 0
const TYPE_FRAGMENT = 2
const TYPE_CONTROL = 3

/** Reads packets of a connection whose channel 0 is reliable and whose other channels are unreliable. One for all packets. */
export class PacketView {
  /** Whether it is a data packet. */
  isData = false
  /** Bytes before the records, and of these the ack groups with their length. */
  headerBytes = 0
  groupBytes = 0
  /** Message ids on channel 0, low 24 bits, in the packet's order; the first `length` entries. */
  ids = /** @type {number[]} */ ([])
  /** Bytes of the record around each message. */
  framing = /** @type {number[]} */ ([])
  length = 0
  /** Whether every byte was understood. */
  isWhole = false
  #packet = /** @type {Uint8Array} */ (new Uint8Array())
  #at = 0

  /** @param {Uint8Array} packet */
  read(packet) {
    this.#packet = packet
    this.#at = 0
    this.length = 0
    this.groupBytes = 0
    const flags = this.#u8()
    this.isData = (flags & FORM_MASK) === 0
    if (!this.isData) return
    this.#at = 5
    if ((flags & ACK_MASK) !== 0) this.#at += 2
    if ((flags & ACK_MASK) === ACK_GROUPS) {
      this.groupBytes = 1 + this.#u8()
      this.#at += this.groupBytes - 1
    }
    for (const flag of BYTE_FLAGS) if ((flags & flag) !== 0) this.#at++
    this.headerBytes = this.#at
    this.isWhole = this.#records()
  }

  #records() {
    let id = -1
    while (this.#at < this.#packet.length) {
      const from = this.#at
      const head = this.#u8()
      const type = head >> 6
      const channel = head & 63
      // A fragment reaches to the end; of the controls only the ping is as short as its head.
      if (type === TYPE_FRAGMENT) return channel !== 0
      if (type === TYPE_CONTROL && channel === 0) continue
      if (type !== TYPE_MESSAGE) return false
      if (channel === 0) {
        id = id < 0 ? this.#u24() : id + 1 + this.#zigzag()
        const bytes = this.#varint()
        this.ids[this.length] = id
        this.framing[this.length] = this.#at - from
        this.length++
        this.#at += bytes
      } else {
        const bytes = this.#varint()
        this.#at += bytes
      }
    }
    return this.#at === this.#packet.length
  }

  #u8() {
    return this.#packet[this.#at++] ?? 0
  }

  #u24() {
    const high = this.#u8() << 16
    return high | (this.#u8() << 8) | this.#u8()
  }

  #varint() {
    const first = this.#u8()
    if (first < 224) return first
    if (first < 240) return 224 + (first - 224) * 256 + this.#u8()
    // Nothing here is longer: messages have at most 200 bytes, ids lie close together.
    this.#at = this.#packet.length + 1
    return 0
  }

  #zigzag() {
    const code = this.#varint()
    return code % 2 === 0 ? code / 2 : -(code + 1) / 2
  }
}
