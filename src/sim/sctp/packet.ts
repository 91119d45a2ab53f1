import type { Bytes } from '../../core/bytes.ts'

/** Common header: ports, verification tag, checksum (RFC 9260 section 3.1). */
export const HEADER_BYTES = 12
/** Header of a DATA chunk (section 3.3.1). */
export const DATA_BYTES = 16
/** SACK without gap blocks (section 3.3.4), and each of its blocks. */
export const SACK_BYTES = 16
export const GAP_BYTES = 4
/** FORWARD-TSN for unordered messages (RFC 3758 section 3.2). */
export const FORWARD_BYTES = 8

const DATA = 0
const SACK = 3
const FORWARD_TSN = 192

const LAST = 1
const FIRST = 2
const IMMEDIATE = 8

/** Bytes that a chunk with this payload takes, padded. */
export function chunkBytes(payloadBytes: number): number {
  return DATA_BYTES + ((payloadBytes + 3) & ~3)
}

/** A part of a message, as sent. */
export interface DataChunk {
  readonly tsn: number
  readonly isFirst: boolean
  readonly isLast: boolean
  readonly payload: Bytes
}

/** What was received, as the peer is told: everything up to `cumulative`, and `[start, end]` pairs beyond it. */
export interface Sack {
  readonly cumulative: number
  readonly gaps: readonly number[]
}

/** Told what is in a packet. */
export interface ChunkListener {
  onData(tsn: number, isFirst: boolean, isLast: boolean, isImmediate: boolean, payload: Bytes): void
  onSack(sack: Sack): void
  onForwardTsn(tsn: number): void
}

/**
 * Writes one SCTP packet, sizes and order of chunks as on the wire; ports, tag and checksum stay zero but for `tag`, which names the
 * association. TSNs grow from zero and do not wrap: a model does not live for 2³² chunks.
 */
export class PacketWriter {
  readonly #tag: number
  readonly #bytes: Bytes
  readonly #view: DataView
  #length = HEADER_BYTES

  constructor(tag: number, mtuBytes: number) {
    this.#tag = tag
    this.#bytes = new Uint8Array(mtuBytes)
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** Bytes still free. */
  get room(): number {
    return this.#bytes.length - this.#length
  }

  get isEmpty(): boolean {
    return this.#length === HEADER_BYTES
  }

  begin(): void {
    this.#bytes.fill(0)
    this.#view.setUint32(4, this.#tag)
    this.#length = HEADER_BYTES
  }

  data(chunk: DataChunk, isImmediate: boolean): void {
    const { payload } = chunk
    const flags = (chunk.isFirst ? FIRST : 0) | (chunk.isLast ? LAST : 0) | (isImmediate ? IMMEDIATE : 0)
    this.#head(DATA, flags, DATA_BYTES + payload.length)
    this.#view.setUint32(this.#length + 4, chunk.tsn)
    this.#bytes.set(payload, this.#length + DATA_BYTES)
    this.#length += chunkBytes(payload.length)
  }

  /** Gaps that do not fit are left out. */
  sack(sack: Sack): void {
    const blocks = Math.min(sack.gaps.length / 2, Math.floor((this.room - SACK_BYTES) / GAP_BYTES))
    this.#head(SACK, 0, SACK_BYTES + blocks * GAP_BYTES)
    this.#view.setUint32(this.#length + 4, sack.cumulative)
    this.#view.setUint16(this.#length + 12, blocks)
    for (let i = 0; i < 2 * blocks; i++) {
      this.#view.setUint16(this.#length + SACK_BYTES + 2 * i, sack.gaps[i]! - sack.cumulative)
    }
    this.#length += SACK_BYTES + blocks * GAP_BYTES
  }

  forwardTsn(tsn: number): void {
    this.#head(FORWARD_TSN, 0, FORWARD_BYTES)
    this.#view.setUint32(this.#length + 4, tsn)
    this.#length += FORWARD_BYTES
  }

  finish(): Bytes {
    return this.#bytes.slice(0, this.#length)
  }

  #head(type: number, flags: number, length: number): void {
    this.#view.setUint8(this.#length, type)
    this.#view.setUint8(this.#length + 1, flags)
    this.#view.setUint16(this.#length + 2, length)
  }
}

/** Which association a packet belongs to. */
export function tagOf(packet: Bytes): number {
  return new DataView(packet.buffer, packet.byteOffset, packet.length).getUint32(4)
}

/** Hands the chunks of a packet over, in order. */
export function readPacket(packet: Bytes, listener: ChunkListener): void {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length)
  for (let at = HEADER_BYTES; at < packet.length; ) {
    const type = view.getUint8(at)
    const flags = view.getUint8(at + 1)
    const length = view.getUint16(at + 2)
    const tsn = view.getUint32(at + 4)
    if (type === DATA) {
      const payload = packet.subarray(at + DATA_BYTES, at + length)
      listener.onData(tsn, (flags & FIRST) !== 0, (flags & LAST) !== 0, (flags & IMMEDIATE) !== 0, payload)
    } else if (type === SACK) {
      const gaps: number[] = []
      const count = 2 * view.getUint16(at + 12)
      for (let i = 0; i < count; i++) gaps.push(tsn + view.getUint16(at + SACK_BYTES + 2 * i))
      listener.onSack({ cumulative: tsn, gaps })
    } else {
      listener.onForwardTsn(tsn)
    }
    at += (length + 3) & ~3
  }
}
