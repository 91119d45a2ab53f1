import { describe, expect, test } from 'vitest'
import { INITIAL_RTT_MS, RttEstimator } from '../../../src/core/recovery/rtt.ts'

/** An estimator that has seen these samples, 100 ms apart. */
function estimatorAfter(...samples: number[]): RttEstimator {
  const rtt = new RttEstimator()
  samples.forEach((sample, i) => {
    rtt.observe(sample, i * 100)
  })
  return rtt
}

describe('RttEstimator', () => {
  test('before the first sample it guesses, and says that it knows nothing', () => {
    const rtt = new RttEstimator()
    expect(rtt.smoothedMs).toBeNaN()
    expect(rtt.minMs).toBeNaN()
    expect(rtt.expectedMs).toBe(INITIAL_RTT_MS)
    expect(rtt.probeMs(50)).toBe(2 * INITIAL_RTT_MS)
  })

  // Gains 1/8 and 1/4 of RFC 6298, by hand.
  test.each([
    { observed: [100], smoothed: 100, variance: 50 },
    { observed: [100, 100], smoothed: 100, variance: 37.5 },
    { observed: [100, 180], smoothed: 110, variance: 57.5 },
    { observed: [100, 180, 110], smoothed: 110, variance: 43.125 },
    { observed: [100, 20], smoothed: 90, variance: 57.5 },
    { observed: [0], smoothed: 0, variance: 0 },
    { observed: [0, 80], smoothed: 10, variance: 20 },
  ])('observe $observed → smoothed $smoothed, variance $variance', ({ observed, smoothed, variance }) => {
    const rtt = estimatorAfter(...observed)
    expect(rtt.smoothedMs).toBe(smoothed)
    expect(rtt.varianceMs).toBe(variance)
    expect(rtt.latestMs).toBe(observed.at(-1))
    expect(rtt.samples).toBe(observed.length)
  })

  test('a sample below zero, as an exaggerated ack delay makes it, counts as zero', () => {
    expect(estimatorAfter(-30).smoothedMs).toBe(0)
    expect(estimatorAfter(80, -30).latestMs).toBe(0)
  })

  test.each([
    { observed: [100], peer: 0, probe: 100 + 4 * 50 },
    { observed: [100], peer: 50, probe: 100 + 4 * 50 + 50 },
    // A steady path: timers are late by a frame, whatever the variance says.
    { observed: new Array<number>(60).fill(40), peer: 0, probe: 40 + 16 },
    { observed: [0], peer: 50, probe: 66 },
  ])('after $observed.length samples it probes after $probe ms', ({ observed, peer, probe }) => {
    expect(estimatorAfter(...observed).probeMs(peer)).toBeCloseTo(probe, 3)
  })

  test('the smallest sample is believed for 10 to 20 s', () => {
    const rtt = new RttEstimator()
    rtt.observe(30, 0)
    rtt.observe(90, 5_000)
    expect(rtt.minMs).toBe(30)
    rtt.observe(80, 10_000)
    expect(rtt.minMs).toBe(30)
    rtt.observe(85, 19_999)
    expect(rtt.minMs).toBe(30)
    rtt.observe(85, 20_000)
    expect(rtt.minMs).toBe(80)
    rtt.observe(85, 30_000)
    expect(rtt.minMs).toBe(85)
  })

  test('after a long silence only what is new counts', () => {
    const rtt = estimatorAfter(20)
    rtt.observe(300, 60_000)
    expect(rtt.minMs).toBe(300)
  })
})
