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

  // RFC 6298 section 2.3: smoothed + max(16, 4 · variance), then floor and ceiling.
  test.each([
    { observed: [], min: 0, max: 9_999, rto: 500 },
    { observed: [], min: 0, max: 300, rto: 300 },
    { observed: [100], min: 0, max: 9_999, rto: 300 },
    { observed: [100], min: 400, max: 9_999, rto: 400 },
    { observed: [100], min: 50, max: 200, rto: 200 },
    { observed: [4], min: 0, max: 9_999, rto: 20 },
    { observed: [4], min: 50, max: 9_999, rto: 50 },
  ])('after $observed, from $min to $max ms: a timeout of $rto ms', ({ observed, min, max, rto }) => {
    const rtt = new RttEstimator(min, max)
    for (const sample of observed) rtt.observe(sample, 0)
    expect(rtt.rtoMs).toBe(rto)
  })

  test('each probe without an answer doubles the wait for the next, up to the ceiling', () => {
    const rtt = new RttEstimator(50, 2_000)
    rtt.observe(100, 0)
    expect([0, 1, 2, 3].map((unanswered) => rtt.probeMs(50, unanswered))).toEqual([350, 700, 1_400, 2_000])
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
