import { describe, expect, test } from 'vitest'
import { HorizonRule } from '../../../src/core/recovery/horizon-rule.ts'
import { RttEstimator } from '../../../src/core/recovery/rtt.ts'

/** A rule for a path of 80 ms, not yet steady: a packet is given 80 + 4 · 40 + 34 = 274 ms. */
function ruleAt80(): HorizonRule {
  const rtt = new RttEstimator()
  rtt.observe(80, 0)
  return new HorizonRule(rtt)
}

const NEVER = Number.POSITIVE_INFINITY
const AT_ONCE = Number.NEGATIVE_INFINITY

describe('HorizonRule: packet, newest acked, horizon → instant from which it counts as lost', () => {
  test.each([
    { what: 'the acked packet itself', packet: [10, 500], horizonAt: 480, lostAt: NEVER },
    { what: 'one sent after the acked', packet: [11, 520], horizonAt: 480, lostAt: NEVER },
    { what: 'one behind, beyond the horizon', packet: [9, 490], horizonAt: 480, lostAt: 490 + 274 },
    { what: 'one behind, at the horizon', packet: [9, 480], horizonAt: 480, lostAt: AT_ONCE },
    { what: 'far behind', packet: [1, 0], horizonAt: 480, lostAt: AT_ONCE },
    { what: 'one sent after the acked, and overdue', packet: [11, 520], horizonAt: 525, lostAt: AT_ONCE },
    { what: 'one behind, without a horizon', packet: [9, 480], horizonAt: AT_ONCE, lostAt: 480 + 274 },
  ])('$what: $lostAt', ({ packet, horizonAt, lostAt }) => {
    const rule = ruleAt80()
    rule.onHorizon(horizonAt)
    expect(rule.lostAt({ sequence: packet[0]!, sentAt: packet[1]! }, 10)).toBe(lostAt)
  })

  test('an older horizon says nothing new', () => {
    const rule = ruleAt80()
    rule.onHorizon(480)
    rule.onHorizon(400)
    expect(rule.lostAt({ sequence: 9, sentAt: 470 }, 10)).toBe(AT_ONCE)
  })

  test('before the first sample a packet gets twice the guessed round trip and the slack', () => {
    const rule = new HorizonRule(new RttEstimator())
    expect(rule.lostAt({ sequence: 0, sentAt: 100 }, 1)).toBe(100 + 500 + 34)
  })

  test('a verdict is final no sooner than a round trip, or four variations, after the loss was declared', () => {
    const rtt = new RttEstimator()
    const rule = new HorizonRule(rtt)
    expect(rule.finalAfterMs).toBe(250)
    rtt.observe(80, 0)
    expect(rule.finalAfterMs).toBe(160)
    for (let i = 0; i < 40; i++) rtt.observe(80, i)
    expect(rule.finalAfterMs).toBeCloseTo(80)
  })

  test('and never sooner than two frames', () => {
    const rtt = new RttEstimator()
    rtt.observe(1, 0)
    expect(new HorizonRule(rtt).finalAfterMs).toBe(30)
  })
})
