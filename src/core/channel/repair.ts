import type { Bytes } from '../bytes.ts'
import { MAX_REPAIR_MEMBERS, MAX_REPAIR_RANGES } from '../wire/layout.ts'
import { Reader } from '../wire/reader.ts'
import { varintBytes } from '../wire/varint.ts'
import type { Writer } from '../wire/writer.ts'

/** Runs of fragments of one message that a repair fragment combines, ascending. Layout in WIRE.md, section 4. */
export interface RepairSet {
  /** First fragment and number of fragments of each run, in turn. */
  readonly runs: readonly number[]
  readonly members: number
}

/** A repair payload as read. */
export interface RepairBody extends RepairSet {
  /** Size of the last data fragment. */
  readonly lastBytes: number
  readonly sum: Bytes
}

/**
 * Factor of fragment `index` in the repair fragment with this seed, 1 to 255: random linear combinations over GF(2^8) (Ho and
 * others, "A Random Linear Network Coding Approach to Multicast", 2006) whose chance is a hash that both ends know (the
 * multipliers are those of Wellons' `lowbias32`).
 */
export function repairFactor(seed: number, index: number): number {
  let x = (Math.imul(seed, 0x9e37_79b1) + index) | 0
  x = Math.imul(x ^ (x >>> 16), 0x7feb_352d)
  x = Math.imul(x ^ (x >>> 15), 0x846c_a68b)
  return 1 + (((x ^ (x >>> 16)) >>> 0) % 255)
}

/** Calls `visit` for each fragment of the set. */
export function eachMember({ runs }: RepairSet, visit: (index: number) => void): void {
  for (let r = 0; r < runs.length; r += 2) {
    for (let i = 0; i < runs[r + 1]!; i++) visit(runs[r]! + i)
  }
}

/** Bytes of a repair payload before the combination. */
export function repairHeadBytes({ runs }: RepairSet): number {
  let bytes = 2
  for (let r = 0, end = 0; r < runs.length; r += 2) {
    bytes += varintBytes(runs[r]! - end) + varintBytes(runs[r + 1]! - 1)
    end = runs[r]! + runs[r + 1]!
  }
  return bytes
}

export function writeRepairHead(writer: Writer, { runs }: RepairSet, lastBytes: number): void {
  writer.u16(lastBytes)
  for (let r = 0, end = 0; r < runs.length; r += 2) {
    writer.varint(runs[r]! - end)
    writer.varint(runs[r + 1]! - 1)
    end = runs[r]! + runs[r + 1]!
  }
}

const reader: Reader = /* @__PURE__ */ new Reader()

/** Reads the payload of a repair fragment with `ranges` runs of a message of `count` fragments; `undefined` if it is nonsense. */
export function readRepair(payload: Bytes, ranges: number, count: number): RepairBody | undefined {
  if (ranges < 1 || ranges > MAX_REPAIR_RANGES) return undefined
  reader.reset(payload)
  const lastBytes = reader.u16()
  const runs: number[] = []
  let members = 0
  for (let r = 0, end = 0; r < ranges; r++) {
    const gap = reader.varint()
    const length = reader.varint() + 1
    // Two runs that touch are one.
    if (r > 0 && gap === 0) return undefined
    runs.push(end + gap, length)
    end += gap + length
    members += length
    if (end > count || members > MAX_REPAIR_MEMBERS) return undefined
  }
  const size = reader.remaining
  const sum = reader.view(size)
  return reader.failed || lastBytes < 1 || lastBytes > size ? undefined : { runs, members, lastBytes, sum }
}
