import { describe, expect, test } from 'vitest'
import { copyBoundMs, resendBoundMs } from '../../bench/reliable-bounds.mjs'
import { CELLS, POLICIES, RIVALS } from '../../bench/reliable-cells.mjs'
import { echo } from '../../bench/reliable-contest.mjs'
import { Path } from '../../bench/reliable-link.mjs'
import { simulate } from '../../bench/reliable-run.mjs'
import * as core from '../../src/index.ts'
import * as sim from '../../src/sim/index.ts'

const TICK_US = 1e6 / 60
const reference = { rttMs: 100, hz: 60, perSecond: 10, weather: { loss: 0.05 } }

describe('bench of reliable messages', () => {
  test.each(Object.values(POLICIES))('delivers everything once with redundancy $name', (policy) => {
    const outcome = simulate(core, sim, reference, policy, 20, 1)
    expect(outcome.messages).toBeGreaterThan(300)
    expect(outcome).toMatchObject({ lost: 0, duplicated: 0 })
    // A timer takes for lost what is only on its way, so at the end too.
    if (!RIVALS.includes(policy.name)) expect(outcome.unacked).toBe(0)
    expect(outcome.excessMs[0]).toBe(0)
    for (const [name, figure] of Object.entries(outcome)) {
      if (typeof figure === 'number') expect(figure, name).toBeGreaterThanOrEqual(0)
    }
    expect(outcome.excessMs.at(-1)).toBeLessThan(1000)
  })

  test('shows what timers cost: nearly all resends after 100 ms were for nothing', () => {
    const spurious = ['fixed-100', 'rto', 'none'].map(
      (name) => simulate(core, sim, reference, POLICIES[name]!, 60, 1).spurious,
    )
    expect(spurious[0]).toBeGreaterThan(0.9)
    expect(spurious[1]).toBeGreaterThan(0.3)
    expect(spurious[2]).toBe(0)
  })

  test('gives the same figures for the same seed', () => {
    const runs = [1, 1, 2].map((seed) => simulate(core, sim, reference, POLICIES.full!, 5, seed))
    expect(runs[1]).toEqual(runs[0])
    expect(runs[2]).not.toEqual(runs[0])
  })

  test('loses nothing in the worst weather of its cells', () => {
    for (const cell of CELLS.filter(({ id }) => id.startsWith('G-never'))) {
      const outcome = simulate(core, sim, cell.scenario, POLICIES[cell.policy]!, 25, 1)
      expect(outcome, cell.id).toMatchObject({ lost: 0, duplicated: 0, unacked: 0 })
    }
  })

  test('hears every echo in order', () => {
    const echoes = echo(core, sim, 0.05, POLICIES.full!, 1)
    expect(echoes.excessMs).toHaveLength(1000)
    expect(echoes.meanMs).toBeGreaterThan(60)
    expect(echoes.worstMs).toBeLessThan(1000)
  })
})

describe('its path', () => {
  test('loses the share it should, in runs of the length it should', () => {
    const path = new Path(new sim.Random(3), { loss: 0.05, burst: 3 }, 50_000, TICK_US)
    const count = 200_000
    let runs = 0
    let wasLost = false
    for (let i = 0; i < count; i++) {
      const isLost = path.arrival(Math.round(i * TICK_US)) < 0
      if (isLost && !wasLost) runs++
      wasLost = isLost
    }
    expect(path.lost / count).toBeCloseTo(0.05, 2)
    expect(path.lost / runs).toBeGreaterThan(2.8)
    expect(path.lost / runs).toBeLessThan(3.2)
  })

  test('has packets of one moment share their fate in bursts, and only there', () => {
    const differing = (burst: object): number => {
      const path = new Path(new sim.Random(4), { loss: 0.2, ...burst }, 50_000, TICK_US)
      let count = 0
      for (let at = 0; at < 1e9; at += 1e6) if (path.arrival(at) < 0 !== path.arrival(at + 1000) < 0) count++
      return count / 1000
    }
    expect(differing({ burst: 8 })).toBeLessThan(0.01)
    expect(differing({})).toBeGreaterThan(0.25)
  })
})

describe('its bounds', () => {
  const bounds = (weather: object): number[] =>
    [copyBoundMs, resendBoundMs].flatMap((bound) =>
      [0.01, 0.001].map((tail) => Math.round(10 * bound({ ...reference, weather }, tail)) / 10),
    )

  test('count ticks and round trips', () => {
    expect(bounds({ loss: 0.05 })).toEqual([16.7, 33.3, 100, 200])
    expect(bounds({ loss: 0.01 })).toEqual([0, 16.7, 0, 100])
    expect(bounds({ loss: 0.1 })).toEqual([16.7, 33.3, 100, 200])
    expect(bounds({})).toEqual([0, 0, 0, 0])
  })

  test('cannot be below what a burst leaves, nor below what jitter adds to each copy', () => {
    expect(bounds({ loss: 0.05, burst: 3 }).slice(0, 2)).toEqual([66.7, 166.7])
    expect(bounds({ loss: 0.05, jitterMs: 10 }).slice(0, 2)).toEqual([23, 35.9])
  })
})
