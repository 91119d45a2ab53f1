import { expect, test } from 'vitest'
import { OneWayMinimum } from '../../../src/core/clock/one-way-minimum.ts'

function least(minimum: OneWayMinimum, now: number, slope: number): number {
  minimum.find(now, slope)
  return minimum.leastMs
}

function observe(minimum: OneWayMinimum, transitMs: number, now: number): void {
  minimum.sampleMs = transitMs
  minimum.observe(now)
}

test('keeps the smallest of the last seconds, and forgets it after three', () => {
  const minimum = new OneWayMinimum()
  expect(least(minimum, 0, 0)).toBe(Number.POSITIVE_INFINITY)
  observe(minimum, 50, 0)
  observe(minimum, 10, 400)
  for (let now = 600; now <= 2900; now += 100) observe(minimum, 30, now)
  expect(least(minimum, 2900, 0)).toBe(10)
  observe(minimum, 30, 3000)
  expect(least(minimum, 3000, 0)).toBe(30)
})

test('has nothing left after a pause, however long', () => {
  const minimum = new OneWayMinimum()
  observe(minimum, 10, -5000)
  observe(minimum, 20, 1e9)
  expect(least(minimum, 1e9, 0)).toBe(20)
})

test('moves old samples along as the clocks drift', () => {
  const minimum = new OneWayMinimum()
  observe(minimum, 10, 1000)
  expect(least(minimum, 2000, 0.001)).toBe(11)
  observe(minimum, 10.5, 2000)
  expect(least(minimum, 2000, 0.001)).toBe(10.5)
})
