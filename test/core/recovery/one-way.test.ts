import { describe, expect, test } from 'vitest'
import { OneWayMeter } from '../../../src/core/recovery/one-way.ts'

/** Time between two packets, ms; the timestamp's grain of 0.25 ms divides it. */
const TICK_MS = 16.5
const DELAY_MS = 50
const LOSS = 0.05

/** A meter that has heard one packet a tick, `latenessOf` each over 50 ms on the way; `undefined`: lost. */
function heard(ticks: number, latenessOf: (tick: number) => number | undefined): { meter: OneWayMeter; now: number } {
  const meter = new OneWayMeter()
  let now = 0
  for (let tick = 0; tick < ticks; tick++) {
    const lateness = latenessOf(tick)
    if (lateness === undefined) continue
    const sentAt = tick * TICK_MS
    now = sentAt + DELAY_MS + lateness
    meter.observe(tick, (sentAt * 4) & 0xffff, now)
    // As an endpoint does with each packet that it sends.
    meter.horizonMs(now, LOSS)
  }
  return { meter, now }
}

describe('OneWayMeter', () => {
  test('on a steady path what was sent just before the newest packet is overdue when that comes', () => {
    const { meter, now } = heard(200, () => 0)
    const horizonMs = meter.horizonMs(now, LOSS)
    expect(horizonMs).toBeLessThan(0)
    expect(horizonMs).toBeGreaterThan(-2)
    expect(meter.horizonMs(now + 30, LOSS)).toBeCloseTo(horizonMs + 30)
  })

  test('waits for what comes late as usual, up to the share that is lost', () => {
    // One packet in ten comes 20 ms late.
    const { meter, now } = heard(400, (tick) => (tick % 10 === 5 ? 20 : 0))
    expect(meter.horizonMs(now, LOSS)).toBeLessThan(-20)
    const rare = heard(400, (tick) => (tick % 100 === 50 ? 20 : 0))
    expect(rare.meter.horizonMs(rare.now, LOSS)).toBeGreaterThan(-2)
  })

  test.each([
    { what: 'the first second of a connection', from: 0 },
    { what: 'a second in mid-game', from: 600 },
  ])('forgets within 5 s how late packets were in $what', ({ from }) => {
    const late = 60
    const { meter, now } = heard(from + late + 300, (tick) => {
      // A queue that grows and goes.
      if (tick < from + 2 || tick >= from + late) return 0
      return 100 * Math.sin((Math.PI * (tick - from)) / late)
    })
    expect(meter.horizonMs(now, LOSS)).toBeGreaterThan(-2)
  })

  test('tells how late the least late of the last packets was', () => {
    expect(heard(100, () => 0).meter.queueMs).toBeCloseTo(0)
    expect(heard(100, (tick) => (tick < 50 ? 0 : 30)).meter.queueMs).toBeCloseTo(30)
    expect(heard(100, (tick) => (tick < 50 || tick % 2 === 0 ? 0 : 30)).meter.queueMs).toBeCloseTo(0)
  })

  test.each([0, 10, 200])(
    'has its horizon reach the next packet when that is overdue, the newest %i ms late',
    (late) => {
      const { meter } = heard(200, (tick) => (tick === 199 ? late : 0))
      const overdueAt = meter.overdueAt(LOSS)
      // Or else it would be told again and again that there is something to tell.
      expect(meter.horizonMs(overdueAt, LOSS)).toBeGreaterThanOrEqual(meter.spacingMs)
      expect(meter.horizonMs(overdueAt - 3, LOSS)).toBeLessThan(meter.spacingMs)
    },
  )

  test('knows when the next packet is overdue, once there is a rhythm', () => {
    const few = heard(5, () => 0)
    expect(few.meter.overdueAt(LOSS)).toBe(Number.POSITIVE_INFINITY)
    const { meter, now } = heard(100, () => 0)
    expect(meter.overdueAt(LOSS)).toBeGreaterThan(now + TICK_MS)
    expect(meter.overdueAt(LOSS)).toBeLessThan(now + TICK_MS + 4)
  })
})
