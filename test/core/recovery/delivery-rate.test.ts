import { describe, expect, test } from 'vitest'
import { DeliveryRate } from '../../../src/core/recovery/delivery-rate.ts'

describe('DeliveryRate', () => {
  test('knows nothing before two arrivals', () => {
    const rate = new DeliveryRate()
    rate.update(100)
    expect(rate.bytesPerSecond).toBe(0)
    rate.add(1000)
    rate.mark(10)
    rate.update(100)
    expect(rate.bytesPerSecond).toBe(0)
  })

  test('is what arrived over the last quarter of a round trip, however unevenly the acks came', () => {
    const rate = new DeliveryRate()
    for (let at = 0; at <= 300; at += 5) {
      rate.add(at <= 200 ? 500 : 2500)
      rate.mark(1e6 + at)
    }
    rate.update(100)
    expect(rate.bytesPerSecond).toBeCloseTo(500_000, -3)
    rate.update(600)
    expect(rate.bytesPerSecond).toBeCloseTo((2500 * 20 + 500 * 10) / 0.15, -3)
  })

  test('bytes whose instant is not known count with the next arrival', () => {
    const rate = new DeliveryRate()
    rate.mark(0)
    rate.add(3000)
    rate.add(2000)
    rate.mark(50)
    rate.update(100)
    expect(rate.bytesPerSecond).toBe(100_000)
    // An older packet that is confirmed late changes nothing in time.
    rate.mark(40)
    rate.update(100)
    expect(rate.bytesPerSecond).toBe(100_000)
  })
})
