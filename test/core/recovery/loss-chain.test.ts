import { describe, expect, test } from 'vitest'
import { LossChain } from '../../../src/core/recovery/loss-chain.ts'
import { randomOf } from '../support.ts'

const TICK_MS = 10

/** A chain that has seen packets a tick apart: `.` came, `x` was lost. */
function chainAfter(fates: string): LossChain {
  const chain = new LossChain()
  chain.startTick(TICK_MS)
  ;[...fates].forEach((fate, i) => {
    chain.observe(fate === 'x', i * TICK_MS)
  })
  chain.startTick(TICK_MS)
  return chain
}

/** `count` fates of a chain that loses `share`, and keeps its state from one tick to the next with `memory`. */
function fatesOf(share: number, memory: number, count: number, seed = 1): string {
  const random = randomOf(seed)
  let isLost = false
  let fates = ''
  for (let i = 0; i < count; i++) {
    isLost = random() < share + ((isLost ? 1 : 0) - share) * memory
    fates += isLost ? 'x' : '.'
  }
  return fates
}

describe('LossChain', () => {
  test('assumes 1 % before it knows better, and forgets that within 4 s at 60 Hz', () => {
    expect(new LossChain().loss).toBe(0.01)
    expect(chainAfter('.'.repeat(180)).loss).toBeLessThan(0.0012)
    expect(chainAfter('.'.repeat(240)).loss).toBeLessThan(0.001)
  })

  test('never believes that nothing will be lost', () => {
    expect(chainAfter('.'.repeat(10_000)).loss).toBe(5e-4)
  })

  test('a loss weighs 1/200', () => {
    const clean = '.'.repeat(10_000)
    expect(chainAfter(`${clean}x`).loss - chainAfter(clean).loss).toBeCloseTo((1 - 5e-4) / 200, 10)
  })

  test.each([
    [0.05, 0],
    [0.05, 0.6],
    [0.2, 0],
    [0.2, 0.8],
  ])('measures a share of %f and a memory of %f', (share, memory) => {
    let loss = 0
    let kept = 0
    const seeds = 20
    for (let seed = 1; seed <= seeds; seed++) {
      const chain = chainAfter(fatesOf(share, memory, 6_000, seed))
      loss += chain.loss / seeds
      kept += chain.memory / seeds
    }
    expect(Math.abs(loss - share)).toBeLessThan(0.35 * share)
    expect(Math.abs(kept - memory)).toBeLessThan(0.12)
  })

  test('takes independent losses for independent, nearly always', () => {
    let seen = 0
    for (let seed = 1; seed <= 200; seed++) if (chainAfter(fatesOf(0.05, 0, 4_000, seed)).memory > 0) seen++
    expect(seen).toBeLessThan(20)
  })

  test('packets of one moment say nothing of what a tick changes', () => {
    const chain = new LossChain()
    chain.startTick(TICK_MS)
    for (let i = 0; i < 400; i++) {
      // Each tick two packets that share their fate, and no loss follows a loss a tick later.
      const isLost = i % 10 === 0
      chain.observe(isLost, i * TICK_MS)
      chain.observe(isLost, i * TICK_MS + 1)
    }
    expect(chain.memory).toBe(0)
    expect(chain.follow).toBeLessThan(0.11)
  })

  test('packets far apart say nothing either', () => {
    const chain = new LossChain()
    chain.startTick(TICK_MS)
    for (let i = 0; i < 400; i++) chain.observe(i % 4 < 2, i * 5 * TICK_MS)
    expect(chain.memory).toBe(0)
  })

  test('after a loss the next is likely lost, and less so the later it goes', () => {
    const chain = chainAfter(fatesOf(0.1, 0.7, 6_000))
    const { loss, memory } = chain
    expect(chain.lossAfter(0)).toBe(1)
    expect(chain.lossAfter(TICK_MS)).toBeCloseTo(loss + (1 - loss) * memory, 10)
    expect(chain.lossAfter(3 * TICK_MS)).toBeCloseTo(loss + (1 - loss) * memory ** 3, 10)
    expect(chain.lossAfter(1e5)).toBeCloseTo(loss, 10)
  })

  test('where losses are independent, packets of one moment are as well', () => {
    const chain = chainAfter('.........x'.repeat(100))
    expect(chain.lossAfter(0)).toBe(chain.loss)
    expect(chain.lossAt(1e6)).toBe(chain.loss)
  })

  test('the newest known fate tells of later packets, and of no earlier ones', () => {
    const chain = chainAfter(fatesOf(0.1, 0.7, 6_000))
    const { loss, memory } = chain
    chain.judge(true, 1_000)
    expect(chain.lossAt(1_000 + TICK_MS)).toBeCloseTo(loss + (1 - loss) * memory, 10)
    expect(chain.lossAt(990)).toBe(loss)
    chain.judge(false, 1_010)
    expect(chain.lossAt(1_010 + TICK_MS)).toBeCloseTo(loss - loss * memory, 10)
    // Old news changes nothing.
    chain.judge(true, 900)
    expect(chain.lossAt(1_010 + TICK_MS)).toBeCloseTo(loss - loss * memory, 10)
  })

  test('a late ack takes a fate back', () => {
    const chain = chainAfter(fatesOf(0.1, 0.7, 6_000))
    chain.judge(true, 1_000)
    chain.judge(false, 1_000)
    expect(chain.lossAt(1_000 + TICK_MS)).toBeLessThan(chain.loss)
  })
})
