import type { Bytes } from '../../src/core/bytes.ts'
import type { Link } from '../../src/sim/index.ts'

/** Four and a half standard deviations of the share of successes in `count` trials of chance `p`: missed once in 150,000. */
export function binomialTolerance(p: number, count: number): number {
  return 4.5 * Math.sqrt((p * (1 - p)) / count)
}

/** A packet that carries `index` and is `length` bytes long, at least 4. */
export function numbered(index: number, length = 4): Bytes {
  const packet = new Uint8Array(length)
  new DataView(packet.buffer).setUint32(0, index)
  return packet
}

export function numberOf(packet: Uint8Array): number {
  return new DataView(packet.buffer, packet.byteOffset, packet.byteLength).getUint32(0)
}

export interface Arrival {
  index: number
  at: number
}

/** Pushes `count` packets `gapMs` apart and follows the link's own wakeAt to its end. */
export function pass(
  link: Link,
  count: number,
  options: { gapMs?: number; length?: number; from?: number } = {},
): Arrival[] {
  const { gapMs = 1, length = 4, from = 0 } = options
  const arrivals: Arrival[] = []
  const drainUntil = (limit: number) => {
    while (link.wakeAt <= limit) {
      const at = link.wakeAt
      for (let packet = link.poll(at); packet !== undefined; packet = link.poll(at)) {
        arrivals.push({ index: numberOf(packet), at })
      }
    }
  }
  for (let i = 0; i < count; i++) {
    const at = from + i * gapMs
    drainUntil(at)
    link.push(numbered(i, length), at)
  }
  drainUntil(1e15)
  return arrivals
}

/** Lengths of the runs of `1` in a decision text. */
export function runsOf(decisions: string): number[] {
  return (decisions.match(/1+/g) ?? []).map((run) => run.length)
}

export function mean(values: readonly number[]): number {
  let sum = 0
  for (const value of values) sum += value
  return sum / values.length
}
