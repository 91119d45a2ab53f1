import type { Bytes } from '../core/bytes.ts'
import type { PipeStats } from '../core/stats.ts'

/**
 * Largest packet that travels in one datagram on every WebRTC stack we know, bytes. libdatachannel splits messages above 1,156.
 * dcSCTP puts what it has to say first and cuts the message to the room that is left (`SendBufferedPackets` of
 * net/dcsctp/socket/transmission_control_block.cc): 1,188 − 12 SCTP − 16 SACK − 4 for each of four gaps − 8 FORWARD-TSN − 16 DATA =
 * 1,120. While the other side sends too, every larger message would travel in two datagrams, and be lost twice as often.
 */
export const DATAGRAM_PACKET_BYTES = 1120

/** Why a transport ended, in its own words. */
export interface TransportEnd {
  /** Short and stable: `channel-closed`, `ice-failed`, `connection-closed`, … */
  readonly detail: string
}

/**
 * Carries packets; knows nothing of messages. Unordered and unreliable: a packet arrives whole, once, late, or never.
 * The driver is its only user and sets the three callbacks before the first packet can arrive.
 */
export interface Transport {
  /** Largest packet that travels as one datagram, bytes. */
  readonly maxPacketBytes: number
  /** Bytes accepted by `send` that still wait below us, as far as the layer below tells. */
  readonly backlogBytes: number
  /** Of a transport of several pipes: the number of the one that takes the next packet, 0 to 255. */
  readonly pipe?: number
  /** Of such a transport: calls `tell` for each pipe below which something waits, with its number and the bytes. */
  tellHeld?(tell: (pipe: number, bytes: number) => void): void
  /** Of such a transport: told once where it can read how the packets of each pipe fare, by number. */
  watch?(pipes: readonly PipeStats[]): void
  /** Takes `packet` now: the buffer may be reused when the call returns. Never throws; a dead transport drops. */
  send(packet: Bytes): void
  /** Called with each arriving packet, whose buffer belongs to the receiver from then on. */
  onPacket: ((packet: Bytes) => void) | undefined
  /** Called once, when the pipe has ended for a reason that is not our own `close`. */
  onEnd: ((end: TransportEnd) => void) | undefined
  /** Ends the pipe and frees it. Idempotent. */
  close(): void
}
