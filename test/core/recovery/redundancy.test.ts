import { describe, expect, test } from 'vitest'
import { Redundancy } from '../../../src/core/recovery/redundancy.ts'

const TICK_MS = 20
const RTT_MS = 100

/** After packets a tick apart with these fates, repeated until the estimates rest on them; the budget is full. */
function redundancyAfter(fates: string, repeats = 400): Redundancy {
  const redundancy = new Redundancy()
  redundancy.startTick(TICK_MS, RTT_MS)
  let at = 0
  for (let i = 0; i < repeats; i++) {
    for (const fate of fates) redundancy.chain.observe(fate === 'x', (at += TICK_MS))
  }
  redundancy.earn(1e6)
  redundancy.startTick(TICK_MS, RTT_MS)
  return redundancy
}

/** Copies that a message of 100 bytes gets, one chance a tick, before anything is known: ticks in which they go. */
function ticksOf(redundancy: Redundancy, budget = Number.POSITIVE_INFINITY): number[] {
  const sentAts = new Float64Array(16)
  const ticks = [0]
  for (let tick = 1; tick * TICK_MS < RTT_MS; tick++) {
    const now = tick * TICK_MS
    if (ticks.length > budget || redundancy.worth(sentAts, ticks.length, now, false) < redundancy.price(100)) continue
    sentAts[ticks.length] = now
    ticks.push(tick)
  }
  return ticks
}

const CLEAN = '.'.repeat(1_000)
const LOSS_1 = `${'.'.repeat(99)}x`
const LOSS_5 = `${'.'.repeat(19)}x`
const LOSS_10 = `${'.'.repeat(9)}x`
const BURSTS = `${'.'.repeat(57)}xxx`

describe('Redundancy', () => {
  test('a clean path gets no copies', () => {
    expect(ticksOf(redundancyAfter(CLEAN, 5))).toEqual([0])
  })

  test.each([
    [1, LOSS_1, [0, 1]],
    [5, LOSS_5, [0, 1, 2]],
    [10, LOSS_10, [0, 1, 2]],
    [15, '......x', [0, 1, 2, 3]],
  ])('%i %% of independent losses get copies in the next packets until the target is met', (_, fates, ticks) => {
    expect(ticksOf(redundancyAfter(fates))).toEqual(ticks)
  })

  test('bursts space them out', () => {
    const ticks = ticksOf(redundancyAfter(BURSTS))
    expect(ticks[1]! - ticks[0]!).toBeGreaterThan(1)
  })

  test('undelivered multiplies along the chain', () => {
    const redundancy = redundancyAfter(LOSS_5)
    const { loss } = redundancy.chain
    const sentAts = Float64Array.of(0, 20, 40)
    expect(redundancy.undelivered(sentAts, 0)).toBe(1)
    expect(redundancy.undelivered(sentAts, 1)).toBeCloseTo(loss, 12)
    expect(redundancy.undelivered(sentAts, 3)).toBeCloseTo(loss ** 3, 12)
  })

  test('what is known of packets just before counts', () => {
    const redundancy = redundancyAfter(BURSTS)
    const sentAts = Float64Array.of(1e6)
    const before = redundancy.undelivered(sentAts, 1)
    redundancy.chain.judge(true, 1e6 - TICK_MS)
    expect(redundancy.undelivered(sentAts, 1)).toBeGreaterThan(5 * before)
  })

  test('a message that has lost a copy waits for no spacing', () => {
    const redundancy = redundancyAfter(BURSTS)
    const sentAts = Float64Array.of(0)
    expect(redundancy.worth(sentAts, 1, TICK_MS, false)).toBe(0)
    expect(redundancy.worth(sentAts, 1, TICK_MS, true)).toBeGreaterThan(0)
  })

  test('a copy is worth the less the sooner there will be an answer', () => {
    const redundancy = redundancyAfter(LOSS_5)
    const sentAts = Float64Array.of(0)
    const at = (now: number): number => redundancy.worth(sentAts, 1, now, false)
    expect(at(20)).toBeGreaterThan(at(60))
    expect(at(60)).toBeGreaterThan(at(110))
    expect(at(1_000)).toBeGreaterThan(0)
  })

  test('the price rises as the budget empties, for large messages more', () => {
    const redundancy = redundancyAfter(LOSS_5)
    expect(redundancy.price(100)).toBeCloseTo(1e-3, 12)
    expect(redundancy.price(250)).toBeCloseTo(1e-3, 12)
    redundancy.spend(3_000)
    expect(redundancy.price(100)).toBeGreaterThan(5e-3)
    expect(redundancy.price(250)).toBeGreaterThan(2 * redundancy.price(100))
    redundancy.spend(3_000)
    expect(redundancy.price(100)).toBeCloseTo(0.05, 12)
    expect(redundancy.isOpen).toBe(false)
  })

  test.each([
    ['a usual path where they are short', LOSS_5, 930, 920],
    ['a path with bursts', BURSTS, 960, 950],
    ['a very bad path', '.x', 720, 710],
  ])('on %s copies earn their share of the bytes', (_, fates, enough, tooFew) => {
    const isOpenAfter = (wireBytes: number): boolean => {
      const redundancy = redundancyAfter(fates)
      redundancy.spend(6_000 + 200)
      redundancy.earn(wireBytes)
      return redundancy.isOpen
    }
    expect(isOpenAfter(enough)).toBe(true)
    expect(isOpenAfter(tooFew)).toBe(false)
  })

  test('copies are short when less than half of the budget is left, unless losses come in bursts', () => {
    const isShortAfter = (fates: string, spent: number): boolean => {
      const redundancy = redundancyAfter(fates)
      redundancy.spend(spent)
      return redundancy.isShort
    }
    expect(isShortAfter(LOSS_5, 3_700)).toBe(false)
    expect(isShortAfter(LOSS_5, 3_900)).toBe(true)
    expect(isShortAfter(BURSTS, 3_900)).toBe(false)
  })

  test('a third copy gets a twin when three are just not enough, and losses are independent', () => {
    const sentAts = Float64Array.of(0, 20)
    const wants = (fates: string): boolean => redundancyAfter(fates).wantsTwin(sentAts, 2, 40)
    expect(wants(LOSS_5)).toBe(false)
    expect(wants('.......x')).toBe(true)
    expect(wants('....x')).toBe(false)
    expect(wants(BURSTS)).toBe(false)
    const poor = redundancyAfter('.......x')
    poor.spend(4_000)
    expect(poor.wantsTwin(sentAts, 2, 40)).toBe(false)
  })
})
