/** Constants and shapes of the wire; the prose is in WIRE.md beside this file. */

/** Version of everything in WIRE.md; the second byte of a handshake. */
export const WIRE_VERSION = 1

/** Packet forms: the two high bits of byte 0. */
export const FORM_DATA = 0x00
export const FORM_HELLO = 0x40
export const FORM_WELCOME = 0x80
export const FORM_CLOSE = 0xc0
export const FORM_MASK = 0xc0

/** Flags of a data packet. */
export const FLAG_ACK_SHIFT = 4
export const FLAG_ACK_MASK = 0x30
export const FLAG_DELAY = 0x08
export const FLAG_HORIZON = 0x04
export const FLAG_EARLY = 0x01
export const FLAGS_RESERVED = 0x02

export const ACK_NONE = 0
export const ACK_FULL = 1
export const ACK_GROUPS = 2

/** Packets before `ack` that form {@link ACK_FULL} says were all heard. */
export const ACK_FULL_SPAN = 32
/** Packets that one ack group describes. */
export const GROUP_SPAN = 7
/** Ack groups at most; 147 · 7 = 1,029 covers {@link ACK_WINDOW}. */
export const MAX_GROUPS = 147
/** A packet further behind the newest than this is stale. A power of two: it is the size of the rings. */
export const ACK_WINDOW = 1024

/** Flags, sequence, timestamp, ack, ack delay: what every packet in play costs. */
export const HEADER_BYTES = 8
/** A data packet without any ack. */
export const HEADER_MIN_BYTES = 5
/** Most bytes of ack groups beside a record that needs the room; see {@link PACKET_OVERHEAD_BYTES}. */
export const GROUPS_TRIMMED_BYTES = 36

/** Timestamp units per ms. */
export const TIMESTAMP_PER_MS = 4

/** Record types: the two high bits of a record's head. */
export const RECORD_MESSAGE = 0
export const RECORD_KEYED = 1
export const RECORD_FRAGMENT = 2
export const RECORD_CONTROL = 3

export const CONTROL_PING = 0
export const CONTROL_SKIP = 1
export const CONTROL_SKIP_GROUP = 2

/** Largest record overhead: a first fragment: head 1, group 2, index 1, count 3, parity 2, id 3, key 5, with one to spare. */
export const RECORD_OVERHEAD_BYTES = 18
/**
 * What a packet keeps free of payload: the header with trimmed ack groups and horizon (8 + 1 + 36 + 1) and the largest record overhead.
 * 46 + 18 = 64. So a message of up to `maxPacketBytes − 64` always fits into one packet, and so does a fragment.
 */
export const PACKET_OVERHEAD_BYTES = 64

/** Ids that a reliable channel may have under way: lowest unsettled + 4,095. */
export const RELIABLE_WINDOW = 4096
/** Fragmented messages that one channel may have under way. */
export const GROUP_WINDOW = 64
/** Data and parity fragments of a message with parity, together. GF(2^8) has no more points. */
export const MAX_PARITY_FRAGMENTS = 255
/** Fragments that one repair fragment may combine, and runs of them that it may name. */
export const MAX_REPAIR_MEMBERS = 256
export const MAX_REPAIR_RANGES = 4
/** Repair fragments of one message that a sender may number. */
export const MAX_REPAIRS = 0x10000
/** Largest key of a message. */
export const MAX_KEY = 0x7fffffff
export const MAX_CHANNELS = 64
/** Most data that a close or a rejection carries, bytes. */
export const MAX_CLOSE_DATA_BYTES = 1024

export const CLOSE_GOODBYE = 0
export const CLOSE_REJECTED = 1
export const CLOSE_VERSION = 2
export const CLOSE_PROTOCOL = 3
export const CLOSE_TABLE = 4
export const CLOSE_VIOLATION = 5
export const CLOSE_HEARD = 6

/** Bytes of messages that a sender may have between its oldest unsettled and its newest sent message on a channel. */
export function windowBytesOf(maxMessageBytes: number): number {
  return Math.max(65_536, 2 * maxMessageBytes)
}
