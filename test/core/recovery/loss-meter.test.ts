import { describe, expect, test } from 'vitest'
import { LossMeter } from '../../../src/core/recovery/loss-meter.ts'

const LOST = true
const HEARD = false

function shareAfter(memory: number, ...outcomes: boolean[]): number {
  const meter = new LossMeter(memory)
  for (const outcome of outcomes) meter.observe(outcome)
  return meter.share
}

describe('LossMeter', () => {
  test('knows nothing before the first outcome', () => {
    expect(shareAfter(512)).toBeNaN()
  })

  test.each([
    { outcomes: [HEARD], share: 0 },
    { outcomes: [LOST], share: 1 },
    { outcomes: [LOST, HEARD], share: 1 / 2 },
    { outcomes: [HEARD, LOST, HEARD], share: 1 / 3 },
    { outcomes: [HEARD, LOST, HEARD, LOST], share: 1 / 2 },
    // From here on the mean forgets: three quarters of the old, a quarter of the new.
    { outcomes: [HEARD, LOST, HEARD, LOST, HEARD], share: 3 / 8 },
    { outcomes: [HEARD, LOST, HEARD, LOST, LOST], share: 5 / 8 },
  ])('a memory of 4 after $outcomes: $share', ({ outcomes, share }) => {
    expect(shareAfter(4, ...outcomes)).toBeCloseTo(share, 10)
  })

  test('comes to the true share, from either side', () => {
    const every = (n: number) => Array.from({ length: 20_000 }, (_, i) => i % n === 0)
    expect(shareAfter(512, ...every(20))).toBeCloseTo(0.05, 2)
    expect(shareAfter(512, ...new Array<boolean>(3_000).fill(LOST), ...every(20))).toBeCloseTo(0.05, 2)
  })

  test('never leaves 0 to 1', () => {
    const meter = new LossMeter(512)
    for (let i = 0; i < 5_000; i++) meter.observe(LOST)
    expect(meter.share).toBeLessThanOrEqual(1)
    for (let i = 0; i < 50_000; i++) meter.observe(HEARD)
    expect(meter.share).toBeGreaterThanOrEqual(0)
    expect(meter.share).toBeLessThan(1e-9)
  })
})
