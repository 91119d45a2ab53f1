import type { Bytes } from '../../src/core/bytes.ts'
import { fieldProduct } from './oracle-parity.ts'
import { Cursor, joined, OracleError, unsigned, varint } from './oracle-primitives.ts'

/** A run of fragments: its first, and how many. */
export type Run = readonly [first: number, length: number]

/** Body of a repair fragment. */
export interface RepairTree {
  readonly lastSize: number
  readonly runs: readonly Run[]
  readonly sum: Uint8Array
}

/** Reads the payload of a repair fragment to its last byte, or throws `OracleError`; `at` is where it stands in its packet. */
export function readRepair(payload: Uint8Array, count: number, ranges: number, at: number): RepairTree {
  const cursor = new Cursor(payload)
  const lastSize = cursor.unsigned(2, 'size of the last fragment')
  const runs: Run[] = []
  let end = 0
  let members = 0
  for (let r = 0; r < ranges; r++) {
    const gap = cursor.varint('gap')
    const length = cursor.varint('length') + 1
    if (r > 0 && gap === 0) throw new OracleError('repair-runs', at, `run ${r} touches the one before`)
    runs.push([end + gap, length])
    end += gap + length
    members += length
    if (end > count) throw new OracleError('repair-runs', at, `run ${r} ends at ${end} of ${count}`)
    if (members > 256) throw new OracleError('repair-runs', at, `${members} fragments, at most 256`)
  }
  const sum = cursor.rest()
  if (lastSize < 1 || lastSize > sum.length) {
    throw new OracleError('repair-payload', at, `last data fragment of ${lastSize} bytes, common size ${sum.length}`)
  }
  return { lastSize, runs, sum }
}

/** a · b mod 2³². */
function product32(a: bigint, b: bigint): bigint {
  return (a * b) % 2n ** 32n
}

/** The factor of data fragment `index` in the repair fragment with this seed. */
export function repairFactor(seed: number, index: number): number {
  let x = (BigInt(seed) * 0x9e3779b1n + BigInt(index)) % 2n ** 32n
  x = product32(x ^ (x >> 16n), 0x7feb352dn)
  x = product32(x ^ (x >> 15n), 0x846ca68bn)
  return 1 + Number((x ^ (x >> 16n)) % 255n)
}

/** The payload of the repair fragment with this seed over these runs of `data`. */
export function repairPayload(data: readonly Uint8Array[], seed: number, runs: readonly Run[]): Bytes {
  const sum = new Uint8Array(data[0]!.length)
  const head: Uint8Array[] = [unsigned(data.at(-1)!.length, 2)]
  let end = 0
  for (const [first, length] of runs) {
    head.push(varint(first - end), varint(length - 1))
    end = first + length
    for (let i = first; i < end; i++) {
      data[i]!.forEach((byte, at) => {
        sum[at] = sum[at]! ^ fieldProduct(repairFactor(seed, i), byte)
      })
    }
  }
  return joined([...head, sum])
}
