import { describe, expect, test } from 'vitest'
import { gilbertElliott, KEPT_DECISIONS, LossProcess, meanLoss, Random } from '../../src/sim/index.ts'
import { binomialTolerance, mean, runsOf } from './support.ts'

/** All decisions of a process, beyond those it keeps. */
function pattern(loss: LossProcess, count: number): string {
  let text = ''
  for (let i = 0; i < count; i++) text += loss.next() ? '1' : '0'
  return text
}

function share(text: string): number {
  return runsOf(text).reduce((sum, length) => sum + length, 0) / text.length
}

describe('LossProcess', () => {
  test.each([0.001, 0.01, 0.05, 0.2, 0.5])('loses the share %d of independent packets', (p) => {
    const text = pattern(new LossProcess(new Random('independent'), p), 200_000)
    expect(Math.abs(share(text) - p)).toBeLessThan(binomialTolerance(p, text.length))
    // Runs of independent losses are geometric.
    const runs = runsOf(text)
    const runMean = 1 / (1 - p)
    const deviation = Math.sqrt(p) / (1 - p)
    expect(Math.abs(mean(runs) - runMean)).toBeLessThan((5 * deviation) / Math.sqrt(runs.length) + 1e-9)
  })

  test.each([
    [0.01, 2],
    [0.05, 4],
    [0.1, 1],
    [0.1, 8],
    [0.5, 3],
  ])('loses the share %d in runs of %d packets on average', (p, burst) => {
    const text = pattern(new LossProcess(new Random('runs'), p, burst), 400_000)
    const runs = runsOf(text)
    // Losses in runs of b count as some n / (2b) independent ones.
    expect(Math.abs(share(text) - p)).toBeLessThan(binomialTolerance(p, text.length / (2 * burst)))
    expect(Math.abs(mean(runs) - burst)).toBeLessThan((5 * burst) / Math.sqrt(runs.length) + 1e-9)
  })

  test('never loses two in a row when runs are one packet long', () => {
    expect(Math.max(...runsOf(pattern(new LossProcess(new Random(1), 0.3, 1), 10_000)))).toBe(1)
  })

  test('follows a raw chain that also loses in the good state and spares some in the bad one', () => {
    const chain = { goodToBad: 0.02, badToGood: 0.2, lossGood: 0.01, lossBad: 0.6 }
    const text = pattern(new LossProcess(new Random('raw'), chain), 400_000)
    expect(meanLoss(chain)).toBeCloseTo((0.2 * 0.01 + 0.02 * 0.6) / 0.22, 12)
    expect(Math.abs(share(text) - meanLoss(chain))).toBeLessThan(binomialTolerance(meanLoss(chain), text.length / 10))
  })

  test('loses nothing at 0 and everything at 1', () => {
    expect(pattern(new LossProcess(new Random(1), 0), 1000)).toBe('0'.repeat(1000))
    expect(pattern(new LossProcess(new Random(1), 0, 4), 1000)).toBe('0'.repeat(1000))
    expect(pattern(new LossProcess(new Random(1), 1), 1000)).toBe('1'.repeat(1000))
  })

  test('loses at 10 % every packet that it loses at 5 %', () => {
    const low = pattern(new LossProcess(new Random(3), 0.05), 5000)
    const high = pattern(new LossProcess(new Random(3), 0.1), 5000)
    for (let i = 0; i < low.length; i++) if (low[i] === '1') expect(high[i]).toBe('1')
  })

  test('meets the same numbers again after the model was changed and changed back', () => {
    const steady = pattern(new LossProcess(new Random(5), 0.1), 3000)
    const changing = new LossProcess(new Random(5), 0.1)
    const head = pattern(changing, 1000)
    changing.set(0.4, 6)
    pattern(changing, 1000)
    changing.set(0.1)
    expect(head + steady.slice(1000, 2000) + pattern(changing, 1000)).toBe(steady)
  })

  test('keeps the first decisions as text and a fingerprint of all', () => {
    const one = new LossProcess(new Random(9), 0.1)
    const two = new LossProcess(new Random(9), 0.1)
    const other = new LossProcess(new Random(10), 0.1)
    const text = pattern(one, 5000)
    expect(one.decisions()).toBe(text.slice(0, KEPT_DECISIONS))
    pattern(two, 4999)
    expect(two.hash).not.toBe(one.hash)
    two.next()
    expect(two.hash).toBe(one.hash)
    pattern(other, 5000)
    expect(other.hash).not.toBe(one.hash)
    expect([one.count, one.lost]).toEqual([5000, text.split('1').length - 1])
  })

  test('refuses figures for which no chain exists, and says which would do', () => {
    expect(() => gilbertElliott(0.9, 2)).toThrow('expected at most burst / (burst + 1) = 0.666')
    expect(() => gilbertElliott(0.1, 0.5)).toThrow('at least 1')
    expect(() => new LossProcess(new Random(1), 1.1)).toThrow('loss: 1.1, expected 0 to 1')
    expect(() => new LossProcess(new Random(1), { goodToBad: -1, badToGood: 1 })).toThrow('goodToBad: -1')
  })
})
