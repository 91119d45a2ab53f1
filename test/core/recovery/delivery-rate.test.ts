import { describe, expect, test } from 'vitest'
import { DeliveryRate } from '../../../src/core/recovery/delivery-rate.ts'

describe('DeliveryRate', () => {
  test('knows nothing before two arrivals', () => {
    const rate = new DeliveryRate()
    expect(rate.bytesPerSecond(100)).toBe(0)
    rate.add(1000)
    rate.mark(10)
    expect(rate.bytesPerSecond(100)).toBe(0)
  })

  test('is what arrived over the last half round trip, however unevenly the acks came', () => {
    const rate = new DeliveryRate()
    for (let at = 0; at <= 300; at += 5) {
      rate.add(at <= 200 ? 500 : 2500)
      rate.mark(1e6 + at)
    }
    expect(rate.bytesPerSecond(100)).toBeCloseTo(500_000, -3)
    expect(rate.bytesPerSecond(300)).toBeCloseTo((2500 * 20 + 500 * 10) / 0.15, -3)
  })

  test('bytes whose instant is not known count with the next arrival', () => {
    const rate = new DeliveryRate()
    rate.mark(0)
    rate.add(3000)
    rate.add(2000)
    rate.mark(50)
    expect(rate.bytesPerSecond(100)).toBe(100_000)
    // An older packet that is confirmed late changes nothing in time.
    rate.mark(40)
    expect(rate.bytesPerSecond(100)).toBe(100_000)
  })
})
