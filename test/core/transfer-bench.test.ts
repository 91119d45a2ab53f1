import { describe, expect, test } from 'vitest'
import { CELLS, CONTROLLERS } from '../../bench/transfer-cells.mjs'
import { boundMs, share, transfer } from '../../bench/transfer-run.mjs'
import { Bottleneck } from '../../bench/transfer-world.mjs'
import * as core from '../../src/index.ts'
import * as sim from '../../src/sim/index.ts'

const scenario = { bytes: 256 * 1024, mbits: 4, rttMs: 100, loss: 0 }

describe('bench of transfers', () => {
  test.each(Object.entries(CONTROLLERS))('%s brings a message over, under loss too', (_, options) => {
    for (const loss of [0, 0.05]) {
      const outcome = transfer(core, sim, { ...scenario, loss }, options, 1)
      expect(outcome.ms).toBeGreaterThan(boundMs(scenario).steady)
      expect(outcome.queueMs.length).toBeGreaterThan(30)
      if (loss > 0) expect(outcome.overhead).toBeGreaterThan(0.01)
    }
  })

  test('gives the same figures for the same seed', () => {
    const [a, b, c] = [1, 1, 2].map((seed) => transfer(core, sim, { ...scenario, loss: 0.05 }, {}, seed))
    expect(b).toEqual(a)
    expect(c).not.toEqual(a)
  })

  test('the goals of the default controller hold for one transfer each', () => {
    for (const cell of CELLS) {
      const { ms, idealMs, queueMs } = transfer(core, sim, cell.scenario, CONTROLLERS.delay, 3)
      const ascending = [...queueMs].sort((a, b) => a - b)
      const { median = Number.POSITIVE_INFINITY, queueP95 = Number.POSITIVE_INFINITY } = cell.goal
      // One run in place of the median of twenty.
      expect(ms / idealMs, cell.id).toBeLessThan(1.1 * median)
      expect(ascending[Math.floor(0.95 * ascending.length)], cell.id).toBeLessThan(1.1 * queueP95)
    }
  })

  test('two flows share a line', () => {
    const { shares, used } = share(core, sim, { mbits: 4, rttMs: 100, loss: 0 }, [{}, {}], 10, 1)
    expect(Math.min(...shares)).toBeGreaterThan(0.35)
    expect(used).toBeGreaterThan(0.8)
  })
})

describe('its bottleneck', () => {
  test('takes what it can hold and drops the rest', () => {
    // 1,000 bytes a ms, 3 ms of queue.
    const line = new Bottleneck(8e6, 3000)
    expect([0, 0, 0, 0].map((at) => line.pass(at, 1000))).toEqual([1000, 2000, 3000, -1])
    expect(line.pass(1500, 1000)).toBe(4000)
    expect(line.pass(9000, 500)).toBe(9500)
    expect(line.overflowed).toBe(1)
  })
})

test('its bounds count bytes, and the round trips of a start from nothing', () => {
  const { ideal, steady, fromNothing } = boundMs({ bytes: 1_048_576, mbits: 4, rttMs: 100, loss: 0 })
  expect(ideal).toBeCloseTo(2147, 0)
  expect(steady / ideal).toBeCloseTo(1.14, 2)
  expect(fromNothing - steady).toBeGreaterThan(50)
  expect(fromNothing - steady).toBeLessThan(200)
})
