import { describe, expect, test } from 'vitest'
import { JitterMeter } from '../../../src/core/recovery/jitter.ts'

/** Feeds packets that left at `sentAt` ms and came at `arrivedAt` ms. */
function jitterAfter(...packets: [sentAt: number, arrivedAt: number][]): number {
  const meter = new JitterMeter()
  for (const [sentAt, arrivedAt] of packets) meter.observe((sentAt * 4) & 0xffff, arrivedAt)
  return meter.jitterMs
}

describe('JitterMeter', () => {
  test('knows nothing before two packets', () => {
    expect(jitterAfter()).toBeNaN()
    expect(jitterAfter([0, 50])).toBeNaN()
  })

  test.each([
    {
      packets: [
        [0, 50],
        [16, 66],
      ],
      jitter: 0,
    },
    {
      packets: [
        [0, 50],
        [16, 70],
      ],
      jitter: 4,
    },
    {
      packets: [
        [0, 50],
        [16, 62],
      ],
      jitter: 4,
    },
    // RFC 3550: a sixteenth of the difference each.
    {
      packets: [
        [0, 50],
        [16, 70],
        [32, 82],
      ],
      jitter: 4,
    },
    {
      packets: [
        [0, 50],
        [16, 70],
        [32, 86],
      ],
      jitter: 4 - 4 / 16,
    },
    {
      packets: [
        [0, 50],
        [16, 70],
        [32, 106],
      ],
      jitter: 4 + 16 / 16,
    },
  ] as { packets: [number, number][]; jitter: number }[])('$packets → $jitter ms', ({ packets, jitter }) => {
    expect(jitterAfter(...packets)).toBeCloseTo(jitter, 10)
  })

  test('does not care how far apart the clocks are', () => {
    expect(jitterAfter([10_000, 5], [10_016, 21], [10_032, 37])).toBe(0)
  })

  test('the wrap of the timestamp each 16,384 ms is no jitter', () => {
    expect(jitterAfter([16_380, 50], [16_390, 60], [16_400, 70])).toBe(0)
    expect(jitterAfter([16_380, 50], [16_390, 64])).toBe(4)
  })

  test('a packet that was overtaken counts by its own time', () => {
    expect(jitterAfter([16, 66], [0, 70])).toBe(20)
  })

  test('converges to the mean difference', () => {
    const meter = new JitterMeter()
    for (let i = 0; i < 500; i++) meter.observe((i * 40) & 0xffff, i * 10 + (i % 2 === 0 ? 0 : 6))
    expect(meter.jitterMs).toBeCloseTo(6, 5)
  })
})
