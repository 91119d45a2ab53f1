import { AckBits, type AckGroupEncoder } from './ack-groups.ts'
import {
  ACK_FULL,
  ACK_GROUPS,
  ACK_NONE,
  FLAG_ACK_MASK,
  FLAG_ACK_SHIFT,
  FLAG_DELAY,
  FLAG_EARLY,
  FLAG_HORIZON,
  FLAGS_RESERVED,
  FORM_DATA,
  HEADER_BYTES,
  HEADER_MIN_BYTES,
  TIMESTAMP_PER_MS,
} from './layout.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/** Ack delays from this code on are in whole ms; 255 means no sample. */
const DELAY_MS_FROM = 192
const DELAY_NONE = 255

/** The `u8` for an ack delay in ms (0 or more; `Infinity` for unknown): 0.25 ms steps to 48 ms, then 1 ms to 110. */
export function encodeAckDelay(delayMs: number): number {
  if (delayMs <= 48) return Math.round(delayMs * 4)
  const code = DELAY_MS_FROM + Math.round(delayMs - 48)
  return code < DELAY_NONE ? code : DELAY_NONE
}

/** The delay in ms of a code, or `Infinity` when it says that there is no sample. */
export function decodeAckDelay(code: number): number {
  if (code <= DELAY_MS_FROM) return code / 4
  return code < DELAY_NONE ? 48 + code - DELAY_MS_FROM : Number.POSITIVE_INFINITY
}

/** The low 16 bits of an instant in units of 0.25 ms. */
export function timestampOf(now: number): number {
  const units = Math.floor(now * TIMESTAMP_PER_MS)
  return units - Math.floor(units / 0x10000) * 0x10000
}

/** The low 48 bits of an instant in units of 0.25 ms: 2,231 years. */
export function clockUnits(now: number): number {
  const units = Math.floor(now * TIMESTAMP_PER_MS)
  return units - Math.floor(units / 2 ** 48) * 2 ** 48
}

/** Codes of the loss horizon: 0.5 ms steps around the first, 1 ms steps from the second, from the third octaves in 8 steps. */
const HORIZON_ZERO = 128
const HORIZON_MS_FROM = 192
const HORIZON_OCTAVES_FROM = 224

/**
 * The `u8` for a loss horizon in ms after the acked packet's timestamp, rounded down, or −1 if it says nothing: 0.5 ms steps from
 * −63.5 to 32 ms, 1 ms to 64, then an eighth of the octave to 960.
 */
export function encodeHorizon(horizonMs: number): number {
  if (horizonMs < 32) {
    const code = HORIZON_ZERO + Math.floor(horizonMs * 2)
    return code < 1 ? -1 : code
  }
  if (horizonMs < 64) return HORIZON_MS_FROM + Math.floor(horizonMs - 32)
  let code = HORIZON_OCTAVES_FROM
  let octave = 64
  for (; horizonMs >= 2 * octave && code < 248; code += 8) octave *= 2
  return Math.min(255, code + Math.floor((horizonMs - octave) / (octave / 8)))
}

/** The loss horizon of a code, ms. */
export function decodeHorizon(code: number): number {
  if (code < HORIZON_MS_FROM) return (code - HORIZON_ZERO) / 2
  if (code < HORIZON_OCTAVES_FROM) return 32 + code - HORIZON_MS_FROM
  const eighths = code - HORIZON_OCTAVES_FROM
  return (64 + 8 * (eighths & 7)) << (eighths >> 3)
}

/** Header of a data packet as read; one is reused for all packets. Sequences are still cut to 16 bits. */
export class Header {
  sequence = 0
  timestamp = 0
  hasAck = false
  ack = 0
  readonly bits: AckBits = new AckBits()
  /** ms; `Infinity` when the packet gives no sample. */
  ackDelayMs: number = Number.POSITIVE_INFINITY
  /** What was sent until this long after the acked packet and is not acked is lost, ms; −Infinity when nothing is said. */
  horizonMs: number = Number.NEGATIVE_INFINITY
  /** The sender wants to hear of a loss at once. */
  wantsEarlyAcks = false

  /** Reads byte 0 (already known to be a data packet) and what follows up to the records. */
  read(reader: Reader): void {
    const flags = reader.u8()
    const form = (flags & FLAG_ACK_MASK) >> FLAG_ACK_SHIFT
    this.sequence = reader.u16()
    this.timestamp = reader.u16()
    this.hasAck = form !== ACK_NONE
    this.ack = this.hasAck ? reader.u16() : 0
    if (form === ACK_FULL) this.bits.setFull()
    else this.bits.clear()
    if (form === ACK_GROUPS) this.bits.read(reader)
    const hasDelay = (flags & FLAG_DELAY) !== 0
    this.ackDelayMs = hasDelay ? decodeAckDelay(reader.u8()) : Number.POSITIVE_INFINITY
    const hasHorizon = (flags & FLAG_HORIZON) !== 0
    const code = hasHorizon ? reader.u8() : 0
    this.horizonMs = hasHorizon ? decodeHorizon(code) : Number.NEGATIVE_INFINITY
    this.wantsEarlyAcks = (flags & FLAG_EARLY) !== 0
    if (hasHorizon && (code === 0 || !this.hasAck)) reader.fail()
    if (form > ACK_GROUPS || (flags & FLAGS_RESERVED) !== 0 || (hasDelay && !this.hasAck)) reader.fail()
  }
}

/** What a header says about the packets that we heard. */
export interface AckReport {
  form: typeof ACK_NONE | typeof ACK_FULL | typeof ACK_GROUPS
  ack: number
  groups: AckGroupEncoder
  /** Code of the ack delay, or −1 for none. */
  delayCode: number
  /** Code of the loss horizon, or −1 for none. */
  horizonCode: number
  wantsEarlyAcks: boolean
}

/** Bytes that {@link writeHeader} will write. */
export function headerBytes(report: AckReport): number {
  if (report.form === ACK_NONE) return HEADER_MIN_BYTES
  const groups = report.form === ACK_GROUPS ? report.groups.bytes : 0
  return HEADER_BYTES - 1 + groups + (report.delayCode < 0 ? 0 : 1) + (report.horizonCode < 0 ? 0 : 1)
}

/** Writes the header of a data packet. */
export function writeHeader(writer: Writer, sequence: number, now: number, report: AckReport): void {
  const early = report.wantsEarlyAcks ? FLAG_EARLY : 0
  const horizon = report.horizonCode < 0 ? 0 : FLAG_HORIZON
  writer.u8(FORM_DATA | (report.form << FLAG_ACK_SHIFT) | (report.delayCode < 0 ? 0 : FLAG_DELAY) | horizon | early)
  writer.u16(sequence & 0xffff)
  writer.u16(timestampOf(now))
  if (report.form === ACK_NONE) return
  writer.u16(report.ack & 0xffff)
  if (report.form === ACK_GROUPS) report.groups.write(writer)
  if (report.delayCode >= 0) writer.u8(report.delayCode)
  if (report.horizonCode >= 0) writer.u8(report.horizonCode)
}
