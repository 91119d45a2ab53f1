import type { Bytes } from '../../src/core/bytes.ts'
import { OracleError } from './oracle-primitives.ts'

/** Packets in a group. */
export const GROUP_PACKETS = 7
/** Most groups, and most group bytes, that a packet may hold. */
export const MAX_GROUPS = 147
/** Most groups that one run byte holds. */
export const RUN_GROUPS = 64

const ZEROS = 0
const ONES = 0x7f

/**
 * The group bytes (without the n before them) of an endpoint that heard `received`, whose newest is `ack`, and that must
 * reach back to `floor`: the oldest packet heard whose ack is not yet known to have arrived. Sequences are whole, not cut.
 * Packets below 0 count as heard; the last group tells the truth about its packets below `floor` too.
 */
export function groupsOf(received: ReadonlySet<number>, ack: number, floor: number): Bytes {
  if (floor > ack) throw new RangeError(`floor ${floor} is newer than ack ${ack}`)
  const groups = Math.min(MAX_GROUPS, Math.ceil((ack - floor) / GROUP_PACKETS))
  const offsets: number[] = []
  for (let offset = 1; offset <= groups * GROUP_PACKETS; offset++) {
    if (ack - offset < 0 || received.has(ack - offset)) offsets.push(offset)
  }
  return groupBytes(offsets)
}

/** The canonical group bytes that say that exactly ack − k for each k in `offsets` was heard. */
export function groupBytes(offsets: readonly number[]): Bytes {
  const groups: number[] = new Array(Math.ceil(Math.max(0, ...offsets) / GROUP_PACKETS)).fill(ZEROS)
  for (const offset of offsets) {
    const group = Math.floor((offset - 1) / GROUP_PACKETS)
    const bit = 6 - ((offset - 1) % GROUP_PACKETS)
    groups[group] = groups[group]! | (1 << bit)
  }
  const bytes: number[] = []
  for (let at = 0; at < groups.length; ) {
    const group = groups[at]!
    let run = 0
    if (group === ZEROS || group === ONES) {
      while (run < RUN_GROUPS && groups[at + run] === group) run++
    }
    bytes.push(run === 0 ? group : (group === ONES ? 0xc0 : 0x80) + run - 1)
    at += Math.max(1, run)
  }
  return Uint8Array.from(bytes)
}

/** The ascending offsets that `bytes` call heard; throws `OracleError` for what is not canonical. `start` is the offset of the first group byte. */
export function offsetsOf(bytes: Uint8Array, start = 0): number[] {
  const offsets: number[] = []
  let groups = 0
  bytes.forEach((byte, i) => {
    const kind = byte >> 6
    const previous = i > 0 ? bytes[i - 1]! : ZEROS
    if (byte === ZEROS || byte === ONES) throw new OracleError('group-not-a-run', start + i, `group ${byte}`)
    if (kind >= 2 && previous >> 6 === kind && (previous & 63) + 1 < RUN_GROUPS) {
      throw new OracleError('group-run-split', start + i, `the run before holds ${(previous & 63) + 1} groups`)
    }
    if (kind === 2 && i === bytes.length - 1)
      throw new OracleError('group-zeros-last', start + i, 'a run of zeros ends it')
    const count = kind < 2 ? 1 : (byte & 63) + 1
    if (groups + count > MAX_GROUPS) {
      throw new OracleError('groups-too-many', start + i, `${groups + count} groups, at most ${MAX_GROUPS}`)
    }
    const bits = kind < 2 ? byte : kind === 3 ? ONES : ZEROS
    for (let group = groups; group < groups + count; group++) {
      for (let at = 0; at < GROUP_PACKETS; at++) {
        if (bits & (1 << (6 - at))) offsets.push(group * GROUP_PACKETS + at + 1)
      }
    }
    groups += count
  })
  return offsets
}
