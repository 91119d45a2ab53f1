import { describe, expect, test } from 'vitest'
import { networkOf, RateLimit } from '../../src/node/rate-limit.ts'

describe('a rate limit', () => {
  test('lets a burst in, then so many a second, and says how long to wait', () => {
    const limit = new RateLimit({ burst: 3, perSecond: 2 })
    expect([0, 0, 0, 0].map(() => limit.take('192.0.2.1', 0))).toEqual([0, 0, 0, 500])
    expect(limit.take('192.0.2.1', 400)).toBeCloseTo(100)
    expect(limit.take('192.0.2.1', 500)).toBe(0)
    // Never more than the burst, however long the pause.
    expect([0, 0, 0, 0].map(() => limit.take('192.0.2.1', 60_000))).toEqual([0, 0, 0, 500])
  })

  test('holds for each address apart, and for a /64 of IPv6 as one', () => {
    const limit = new RateLimit({ burst: 1, perSecond: 1 })
    expect(limit.take('192.0.2.1', 0)).toBe(0)
    expect(limit.take('192.0.2.2', 0)).toBe(0)
    expect(limit.take('::ffff:192.0.2.2', 0)).toBeGreaterThan(0)
    expect(limit.take('2001:db8:1:2::1', 0)).toBe(0)
    expect(limit.take('2001:db8:1:2:ffff::9', 0)).toBeGreaterThan(0)
    expect(limit.take('2001:db8:1:3::1', 0)).toBe(0)
  })

  test('forgets those that were silent longest, so that many addresses cost bounded memory', () => {
    const limit = new RateLimit({ burst: 1, perSecond: 1e-6 })
    for (let i = 0; i < 12_000; i++) limit.take(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, i)
    expect(limit.size).toBe(10_000)
    expect(limit.take('10.0.46.223', 12_000)).toBeGreaterThan(0)
    expect(limit.take('10.0.0.0', 12_000)).toBe(0)
  })
})

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
  ['2001:db8::5', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['1::2:3:4:5:6:7', '1:0:2:3::/64'],
])('the network of %s is %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})
