import { describe, expect, test } from 'vitest'
import { StandingQueue } from '../../../src/core/recovery/standing-queue.ts'

/** A peer whose clock is far from ours; its stamps have 16 bits of 0.25 ms. */
const OFFSET_MS = 123_456

function stamp(sentAt: number, transitMs: number): number {
  return (Math.floor((sentAt + transitMs + OFFSET_MS) * 4) % 65_536) / 4
}

describe('StandingQueue', () => {
  test('knows nothing before the first packet', () => {
    const queue = new StandingQueue()
    queue.update(0, 100)
    expect(queue.queueMs).toBeNaN()
  })

  test('tells how much later than at best the packets of the last eighth of a round trip came', () => {
    const queue = new StandingQueue()
    const table = [
      // now, transit, queue
      [0, 50, 0],
      [10, 52, 0],
      [20, 54, 2],
      [30, 56, 4],
      [40, 58, 6],
      [50, 57, 7],
      [60, 49, 0],
      [70, 50, 0],
      [80, 51, 1],
    ] as const
    for (const [now, transitMs, expected] of table) {
      queue.observe(now - 100, stamp(now - 100, transitMs), now)
      queue.update(now, 80)
      expect(queue.queueMs).toBeCloseTo(expected, 0)
    }
  })

  test('takes no packet that waited before it left, but knows when it arrived', () => {
    const queue = new StandingQueue()
    for (let now = 0; now < 200; now += 10) {
      const isHeld = now % 50 === 40
      const transitMs = isHeld ? 90 : 50
      queue.observe(now - 100, stamp(now - 100, transitMs), now, isHeld)
      queue.update(now, 10)
      expect(queue.queueMs).toBeCloseTo(0, 0)
      expect((queue.arrivedAt - (now - 100 + transitMs + OFFSET_MS)) % 16_384).toBeCloseTo(0, 0)
    }
    expect(queue.noiseMs).toBeLessThan(1)
  })

  test('looks further back the more the packets jitter', () => {
    const queue = new StandingQueue()
    for (let now = 0; now < 1000; now += 5) {
      // Every fifth packet comes without delay, the others up to 20 ms late.
      queue.observe(now - 60, stamp(now - 60, 50 + 5 * ((now / 5) % 5)), now)
      queue.update(now, 60)
      if (now > 500) expect(queue.queueMs).toBeLessThan(1)
    }
    expect(queue.noiseMs).toBeGreaterThan(5)
  })

  test('one late packet is no queue', () => {
    const queue = new StandingQueue()
    for (let now = 0; now < 200; now += 5) {
      queue.observe(now - 60, stamp(now - 60, now === 150 ? 90 : 50), now)
      queue.update(now, 60)
      expect(queue.queueMs).toBeLessThan(0.5)
    }
  })

  test('gives the instants of arrival as differences of one clock, across the wrap of the stamps', () => {
    const queue = new StandingQueue()
    queue.observe(0, stamp(0, 50), 60)
    const first = queue.arrivedAt
    for (let at = 1000; at < 40_000; at += 1000) {
      queue.observe(at, stamp(at, 50), at + 60)
      expect(queue.arrivedAt - first).toBeCloseTo(at, 6)
    }
  })

  test('believes a base for at least five seconds and at most ten', () => {
    const queue = new StandingQueue()
    const seen: number[] = []
    for (let now = 0; now <= 12_000; now += 10) {
      queue.observe(now - 100, stamp(now - 100, now < 100 ? 50 : 80), now)
      queue.update(now, 100)
      if (now === 5000 || now === 12_000) seen.push(Math.round(queue.queueMs))
    }
    expect(seen).toEqual([30, 0])
  })
})
