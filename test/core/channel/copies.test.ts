import { describe, expect, test } from 'vitest'
import { ReliableSender } from '../../../src/core/channel/reliable-sender.ts'
import { Redundancy } from '../../../src/core/recovery/redundancy.ts'
import { type Carried, channelOf, SenderRig, wordsOf } from '../support.ts'

const TICK_MS = 20
const LOSS_5 = `${'.'.repeat(19)}x`
const LOSS_12 = '.......x'
const BURSTS = `${'.'.repeat(57)}xxx`

function rigOf(redundancy: 'none' | 'lean' | 'full'): SenderRig {
  return new SenderRig((config, outbox) => new ReliableSender(config, outbox), channelOf('reliable', { redundancy }))
}

/** A budget that is full, on a path with these fates, a round trip of `rttMs` away. */
function budgetOf(fates: string, rttMs = 100): Redundancy {
  const budget = new Redundancy()
  budget.startTick(TICK_MS, rttMs)
  let at = -1e6
  for (let i = 0; i < 400; i++) for (const fate of fates) budget.chain.observe(fate === 'x', (at += TICK_MS))
  budget.earn(1e6)
  budget.startTick(TICK_MS, rttMs)
  return budget
}

/** `count` ticks from `from` on. */
function ticksOf(rig: SenderRig, budget: Redundancy, from: number, count: number): Carried[] {
  return Array.from({ length: count }, (_, i) => rig.tick((from + i) * TICK_MS, budget))
}

describe('redundancy full', () => {
  test('sends a small message again in the next packets until the target is met', () => {
    const rig = rigOf('full')
    rig.send('a')
    expect(wordsOf(ticksOf(rig, budgetOf(LOSS_5), 0, 5))).toEqual(['0', '0', '0', '', ''])
    expect(rig.stats).toMatchObject({ copies: 2, resends: 0 })
  })

  test.each(['none', 'lean'] as const)('%s does not', (redundancy) => {
    const rig = rigOf(redundancy)
    rig.send('a')
    expect(wordsOf(ticksOf(rig, budgetOf(LOSS_5), 0, 4))).toEqual(['0', '', '', ''])
  })

  test('nor what is acknowledged, nor what is large', () => {
    const rig = new SenderRig(
      (config, outbox) => new ReliableSender(config, outbox),
      channelOf('reliable', { redundancy: 'full' }),
      { fragmentBytes: 400 },
    )
    const budget = budgetOf(LOSS_5)
    rig.send(257)
    rig.send(256)
    const [first] = ticksOf(rig, budget, 0, 1)
    expect(wordsOf(ticksOf(rig, budget, 1, 1))).toEqual(['1'])
    rig.ack(first!)
    expect(wordsOf(ticksOf(rig, budget, 2, 1))).toEqual([''])
  })

  test('new messages go before copies, and copies into what room is left', () => {
    const rig = rigOf('full')
    const budget = budgetOf(LOSS_5)
    rig.send('a')
    rig.send('b')
    rig.tick(0, budget)
    rig.send(60)
    // 4 bytes of the second copy do not fit behind the 65 of the new message and 4 of the first.
    expect(rig.tick(TICK_MS, budget, 71).words).toEqual(['2', '0'])
    expect(rig.tick(2 * TICK_MS, budget).words.slice(0, 1)).toEqual(['1'])
  })

  test('without a budget nothing is copied, and a loss is still made good', () => {
    const rig = rigOf('full')
    const budget = budgetOf(LOSS_5)
    budget.spend(1e6)
    rig.send('a')
    const [first] = ticksOf(rig, budget, 0, 3)
    rig.lose(first!)
    // What is sent again goes twice, in two packets.
    expect(wordsOf(ticksOf(rig, budget, 6, 3))).toEqual(['0', '0', ''])
    expect(rig.stats).toMatchObject({ copies: 1, resends: 1 })
  })

  test('a message whose copies are likely all lost is sent again before that is known of each', () => {
    const rig = rigOf('full')
    const budget = budgetOf(`${'.'.repeat(95)}xxxxx`)
    rig.send('a')
    const packets = ticksOf(rig, budget, 0, 5)
    const carriers = packets.filter(({ words }) => words.length > 0)
    expect(carriers.length).toBeGreaterThan(1)
    rig.lose(carriers[0]!)
    budget.chain.judge(true, 0)
    expect(rig.tick(6 * TICK_MS, budget).words).toEqual(['0'])
    expect(rig.stats.resends).toBe(1)
    rig.ack(carriers[1]!)
    expect(rig.verdicts).toEqual(['0 acked'])
    expect(wordsOf(ticksOf(rig, budget, 7, 3))).toEqual(['', '', ''])
  })

  test('with independent losses the others are awaited', () => {
    const rig = rigOf('full')
    const budget = budgetOf(LOSS_5)
    rig.send('a')
    const packets = ticksOf(rig, budget, 0, 3)
    rig.lose(packets[0]!)
    rig.tick(6 * TICK_MS, budget)
    expect(rig.stats.resends).toBe(0)
  })

  test('where copies are short, a message that has lost one of two gets a third', () => {
    const rig = rigOf('full')
    const budget = budgetOf(LOSS_5)
    budget.spend(4_500)
    rig.send('a')
    const packets = ticksOf(rig, budget, 0, 4)
    expect(wordsOf(packets)).toEqual(['0', '0', '', ''])
    rig.lose(packets[0]!)
    expect(rig.tick(6 * TICK_MS, budget).words).toEqual(['0'])
    expect(rig.stats).toMatchObject({ copies: 2, resends: 0 })
  })

  test('bursts are left time to pass between copies', () => {
    const rig = rigOf('full')
    rig.send('a')
    const [first, second] = ticksOf(rig, budgetOf(BURSTS), 0, 2)
    expect([first!.words, second!.words]).toEqual([['0'], []])
  })

  test('a twin goes in a second packet of the same tick', () => {
    const rig = rigOf('full')
    const budget = budgetOf(LOSS_12)
    rig.send('a')
    ticksOf(rig, budget, 0, 2)
    expect(rig.copies().words).toEqual([])
    expect(rig.tick(2 * TICK_MS, budget).words).toEqual(['0'])
    expect(rig.sender.hasCopies).toBe(true)
    expect(rig.copies().words).toEqual(['0'])
    expect(rig.sender.hasCopies).toBe(false)
    expect(rig.stats.copies).toBe(3)
  })

  test('a twin that found no packet in its tick is dropped', () => {
    const rig = rigOf('full')
    const budget = budgetOf(LOSS_12)
    rig.send('a')
    ticksOf(rig, budget, 0, 3)
    rig.now = 3 * TICK_MS
    expect(rig.copies().words).toEqual([])
    expect(rig.sender.hasCopies).toBe(false)
  })

  test('more copies are under way than are told apart, and the count stays right', () => {
    const rig = rigOf('full')
    const budget = budgetOf('.x')
    rig.send('a')
    const packets = [rig.tick(0, budget)]
    for (let i = 1; i < 40; i++) {
      rig.probe(packets[0]!)
      packets.push(rig.tick(i * TICK_MS, budget))
      budget.earn(1e5)
    }
    const carriers = packets.filter(({ words }) => words.length > 0)
    expect(carriers.length).toBe(40)
    const resends = rig.stats.resends
    for (const packet of carriers.slice(0, -1)) rig.lose(packet)
    expect(rig.sender.isPending).toBe(false)
    rig.lose(carriers.at(-1)!)
    expect(rig.sender.isPending).toBe(true)
    expect(rig.stats.resends).toBe(resends)
  })
})

describe('redundancy lean', () => {
  test('sends what was lost twice, in two packets', () => {
    const rig = rigOf('lean')
    const budget = budgetOf(LOSS_5)
    rig.send('a')
    const [first] = ticksOf(rig, budget, 0, 1)
    rig.lose(first!)
    expect(wordsOf(ticksOf(rig, budget, 6, 3))).toEqual(['0', '0', ''])
    expect(rig.stats).toMatchObject({ copies: 1, resends: 1 })
  })

  test('waits for no tick with it, full only when that tick is far off or copies are short, none always', () => {
    const hasteOf = (redundancy: 'none' | 'lean' | 'full', spent = 0): boolean[] => {
      const rig = rigOf(redundancy)
      const budget = budgetOf(LOSS_5)
      budget.spend(spent)
      rig.send('a')
      rig.lose(rig.tick(0, budget))
      return [rig.sender.hasHaste(false), rig.sender.hasHaste(true)]
    }
    expect(hasteOf('lean')).toEqual([true, true])
    expect(hasteOf('full')).toEqual([false, true])
    expect(hasteOf('full', 4_500)).toEqual([true, true])
    expect(hasteOf('none')).toEqual([false, false])
  })
})
