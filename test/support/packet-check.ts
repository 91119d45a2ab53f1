import type { ChannelTable } from '../../src/core/config.ts'
import type { ChannelKind } from '../../src/core/events.ts'
import { decodePacket, type PacketTree, toHex } from '../wire/oracle.ts'

export function kindsOf(table: ChannelTable): readonly ChannelKind[] {
  return Object.values(table).map((options) => options.kind)
}

/**
 * Reads a packet with the independent decoder, to its last byte; what it can read has only the one encoding. Throws with
 * the packet in hex.
 */
export function checkedPacket(packet: Uint8Array, kinds: readonly ChannelKind[]): PacketTree {
  try {
    return decodePacket(packet, { kinds })
  } catch (error) {
    throw new Error(`packet ${toHex(packet)}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
