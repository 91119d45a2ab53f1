import { describe, expect, test } from 'vitest'
import { FragmentTable, OutgoingMessage } from '../../../src/core/channel/outgoing.ts'
import { TailRepair } from '../../../src/core/channel/tail-repair.ts'

/** A message of `count` fragments, all sent, of which those in `acked` are confirmed. */
function tailOf(count: number, acked: readonly number[] = []): { repair: TailRepair; table: FragmentTable } {
  const message = new OutgoingMessage()
  message.status = 'live'
  message.count = count
  const table = new FragmentTable(count)
  table.nextUnsent = count
  message.fragments = table
  for (const index of acked) table.ack(index)
  return { repair: new TailRepair(message), table }
}

/** How many are sent at once at this share of losses. */
function wanted(repair: TailRepair, loss: number): number {
  let count = 0
  for (; repair.isWanted(loss); count++) {
    const { seed, set } = repair.next()
    repair.left(seed, set)
  }
  return count
}

describe('TailRepair', () => {
  test.each([
    // fragments, loss, repairs: ⌈u·p + 2·√(u·p)⌉ + 1
    [60, Number.NaN, 0],
    [60, 0, 0],
    [60, 0.001, 0],
    [60, 0.01, 4],
    [60, 0.05, 8],
    [256, 0.05, 21],
    [2, 0.05, 2],
    [1000, 0.3, 48],
  ])('of %d fragments at a loss of %d sends %d combinations', (count, loss, expected) => {
    expect(wanted(tailOf(count).repair, loss)).toBe(expected)
  })

  test('sends no more as acks come, and one more for each that is lost', () => {
    const { repair, table } = tailOf(60)
    expect(wanted(repair, 0.05)).toBe(8)
    repair.onLost(3)
    expect(wanted(repair, 0.05)).toBe(1)
    for (let i = 0; i < 55; i++) table.ack(i)
    repair.onLost(4)
    expect(wanted(repair, 0.05)).toBe(0)
  })

  test('combines the last fragments that are not confirmed, in at most four runs', () => {
    const acked = Array.from({ length: 100 }, (_, i) => i).filter((i) => ![3, 20, 40, 60].includes(i) && i < 80)
    const { set } = tailOf(100, acked).repair.next()
    expect(set).toEqual({ runs: [20, 1, 40, 1, 60, 1, 80, 20], members: 23 })
    expect(tailOf(1000).repair.next().set).toEqual({ runs: [744, 256], members: 256 })
    // Confirmed ones between two runs are cheaper to combine than to name.
    expect(tailOf(10, [4, 5]).repair.next().set).toEqual({ runs: [0, 10], members: 10 })
  })

  test('knows from what is confirmed whether the other end has everything', () => {
    const { repair, table } = tailOf(10)
    const sent = [0, 1, 2].map(() => {
      const { seed, set } = repair.next()
      repair.left(seed, set)
      return seed
    })
    for (let i = 0; i < 8; i++) table.ack(i)
    expect(repair.isSolved).toBe(false)
    repair.onAcked(sent[1]!)
    expect(repair.isSolved).toBe(false)
    repair.onAcked(sent[2]!)
    expect(repair.isSolved).toBe(true)
  })

  test('a combination that does not hold what is missing solves nothing', () => {
    const { repair, table } = tailOf(300)
    const { seed, set } = repair.next()
    repair.left(seed, set)
    repair.onAcked(seed)
    for (let i = 1; i < 300; i++) table.ack(i)
    expect(set.runs[0]).toBeGreaterThan(0)
    expect(repair.isSolved).toBe(false)
  })

  test('covers lost fragments while enough are on their way', () => {
    const { repair, table } = tailOf(20)
    const { lost } = table
    lost.push(5)
    expect(repair.covers(lost)).toBe(false)
    const { seed, set } = repair.next()
    repair.left(seed, set)
    expect(repair.covers(lost)).toBe(true)
    lost.push(6)
    expect(repair.covers(lost)).toBe(false)
    lost.shift()
    repair.onAcked(seed)
    expect(repair.covers(lost)).toBe(false)
  })
})
