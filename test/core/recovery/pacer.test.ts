import { describe, expect, test } from 'vitest'
import { Pacer } from '../../../src/core/recovery/pacer.ts'

describe('Pacer of 1,000 bytes a second with a burst of 300', () => {
  const pacer = (): Pacer => new Pacer(1_000, 300, 5_000)

  test('starts full, and lets a whole packet go while there is any credit', () => {
    const bucket = pacer()
    expect(bucket.isOpen).toBe(true)
    bucket.spend(299)
    expect(bucket.isOpen).toBe(true)
    bucket.spend(500)
    expect(bucket.isOpen).toBe(false)
    expect(bucket.debtBytes).toBe(499)
  })

  test('says to the millisecond when it opens, and then is open', () => {
    const bucket = pacer()
    bucket.spend(800)
    expect(bucket.opensAt).toBe(5_000 + 501)
    bucket.refill(5_500)
    expect(bucket.isOpen).toBe(false)
    expect(bucket.opensAt).toBe(5_501)
    bucket.refill(5_501)
    expect(bucket.isOpen).toBe(true)
    expect(bucket.debtBytes).toBe(0)
  })

  test('never holds more than the burst, however long it rests', () => {
    const bucket = pacer()
    bucket.refill(1_000_000)
    bucket.spend(300)
    expect(bucket.isOpen).toBe(false)
  })

  test('time that goes backwards or stands still gives nothing', () => {
    const bucket = pacer()
    bucket.spend(301)
    bucket.refill(4_000)
    bucket.refill(5_000)
    expect(bucket.debtBytes).toBe(1)
    bucket.refill(5_002)
    expect(bucket.isOpen).toBe(true)
  })

  test('over a long time exactly the rate passes', () => {
    const bucket = pacer()
    let sent = 0
    for (let now = 5_000; now <= 65_000; now += 16) {
      bucket.refill(now)
      while (bucket.isOpen) {
        bucket.spend(100)
        sent += 100
      }
    }
    expect(sent).toBeGreaterThanOrEqual(60_000)
    expect(sent).toBeLessThanOrEqual(60_000 + 300 + 100)
  })

  test('following its own deadlines it is never woken in vain', () => {
    const bucket = new Pacer(12_345, 300, 0)
    let now = 0
    for (let i = 0; i < 500; i++) {
      bucket.spend(77 + (i % 13))
      now = bucket.opensAt
      bucket.refill(now)
      expect(bucket.isOpen).toBe(true)
    }
  })
})
