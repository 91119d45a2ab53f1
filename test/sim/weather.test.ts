import { describe, expect, test } from 'vitest'
import { Link, type LinkOptions, meanLoss, profileNames, profiles } from '../../src/sim/index.ts'
import { HASHES_OF_SEVEN, weatherHashes } from '../support/weather-run.ts'
import { type Arrival, binomialTolerance, mean, numbered, pass, runsOf } from './support.ts'

const PACKETS = 25_000
/** One packet in each profile's own time: far below every rate, so that only loss, delay and jitter show. */
const CALM_GAP_MS = 20

/**
 * Share by which the estimate of a bursty loss may be off: 4.5 standard deviations, missed once in 150,000. A chain with the
 * correlation ρ between neighbours tells as little as (1 − ρ)/(1 + ρ) times as many independent packets.
 */
function lossTolerance(loss: number, burst: number): number {
  if (burst <= 1) return binomialTolerance(loss, PACKETS)
  const correlation = 1 - 1 / burst - loss / (1 - loss) / burst
  return binomialTolerance(loss, PACKETS) * Math.sqrt((1 + correlation) / (1 - correlation))
}

/** 4.5 standard errors of the mean. */
function meanTolerance(values: readonly number[]): number {
  const middle = mean(values)
  const variance = mean(values.map((value) => (value - middle) ** 2))
  return 4.5 * Math.sqrt(variance / values.length)
}

/** Every delay of its own: an ordered link hands the delay of a late packet on to those behind it. */
function delaysOf(options: LinkOptions): number[] {
  const link = new Link({ ...options, seed: 'delay', reorder: true, duplicate: 0, loss: 0, blackouts: [] })
  return pass(link, PACKETS, { gapMs: CALM_GAP_MS, length: 100 }).map(
    ({ index, at }: Arrival) => at - index * CALM_GAP_MS,
  )
}

const directions = profileNames.flatMap((name) =>
  (['up', 'down'] as const).map((way) => [`${name} ${way}`, profiles[name][way]] as const),
)

describe.each(directions)('profile %s keeps what it says, missed by chance once in 150,000', (name, profile) => {
  const loss = meanLoss(profile.loss ?? 0)
  const burst = profile.burst ?? 1

  test('loss and length of its runs', () => {
    const link = new Link({ ...profile, seed: name })
    pass(link, PACKETS, { gapMs: CALM_GAP_MS, length: 100 })
    expect(Math.abs(link.counters.lost / PACKETS - loss)).toBeLessThanOrEqual(lossTolerance(loss, burst))
    const runs = runsOf(link.decisions())
    if (burst > 1 && runs.length > 20) {
      // Runs are geometric: their deviation is √(burst · (burst − 1)).
      const tolerance = 4.5 * Math.sqrt((burst * (burst - 1)) / runs.length)
      expect(Math.abs(mean(runs) - burst)).toBeLessThanOrEqual(tolerance)
    }
  })

  test('delay and jitter', () => {
    const delays = delaysOf(profile)
    const serialisationMs = ((100 + (profile.overheadBytes ?? 0)) * 1000) / (profile.bytesPerSecond ?? Infinity)
    // Exponential, cut at six means: the cut takes e^-6 of the mean away.
    const jitterMs = (profile.jitterMs ?? 0) * (1 - Math.exp(-6))
    const expected = (profile.delayMs ?? 0) + serialisationMs + jitterMs
    expect(Math.abs(mean(delays) - expected)).toBeLessThanOrEqual(meanTolerance(delays) + 1e-6)
  })

  test('share of copies', () => {
    const share = profile.duplicate ?? 0
    const link = new Link({ ...profile, seed: name, loss: 0, blackouts: [] })
    pass(link, PACKETS, { gapMs: CALM_GAP_MS, length: 100 })
    expect(Math.abs(link.counters.duplicated / PACKETS - share)).toBeLessThanOrEqual(binomialTolerance(share, PACKETS))
  })

  test('rate and depth of its queue', () => {
    const { bytesPerSecond = Infinity, queueBytes = 65_536, overheadBytes = 0 } = profile
    if (bytesPerSecond === Infinity) return
    const link = new Link({ ...profile, seed: name, loss: 0, blackouts: [], duplicate: 0, jitterMs: 0 })
    // Half as much again as it carries, until the queue has been full for long.
    const bytes = 1000 + overheadBytes
    const gapMs = (bytes * 1000) / bytesPerSecond / 1.5
    const arrivals = pass(link, 5000, { gapMs, length: 1000 })
    const steady = arrivals.slice(1000)
    const seconds = (steady.at(-1)!.at - steady[0]!.at) / 1000
    const rate = ((steady.length - 1) * bytes) / seconds
    expect(Math.abs(rate / bytesPerSecond - 1)).toBeLessThan(0.001)
    // Only where the flood is long enough to fill the queue; then the last packet waited for all of it, to within two packets: one under way, one that did not fit.
    if (link.counters.overflowed === 0) return
    const last = steady.at(-1)!
    const waitedMs = last.at - last.index * gapMs - (profile.delayMs ?? 0)
    expect(Math.abs(waitedMs - (queueBytes * 1000) / bytesPerSecond)).toBeLessThan((2 * bytes * 1000) / bytesPerSecond)
  })
})

describe('a schedule', () => {
  test('changes the weather at its instants, counted from the start', () => {
    const link = new Link({
      seed: 1,
      startsAt: 1000,
      schedule: [
        { fromMs: 100, loss: 1 },
        { fromMs: 200, loss: 0, delayMs: 5 },
      ],
    })
    const at = (now: number): string => {
      const { lost } = link.counters
      link.push(numbered(0), now)
      return link.counters.lost > lost ? 'lost' : `+${link.wakeAt - now}`
    }
    const seen = [1000, 1099, 1100, 1199, 1200].map((now) => {
      const fate = at(now)
      while (link.poll(now) !== undefined);
      return fate
    })
    expect(seen).toEqual(['+0', '+0', 'lost', 'lost', '+5'])
  })

  test('names the instant at which it lets go of what waits', () => {
    const link = new Link({
      seed: 1,
      startsAt: 0,
      bytesPerSecond: 0,
      schedule: [{ fromMs: 500, bytesPerSecond: 1000 }],
    })
    link.push(numbered(0, 100), 10)
    expect(link.wakeAt).toBe(500)
    expect(link.poll(500)).toBeUndefined()
    expect(link.wakeAt).toBe(600)
    expect(link.poll(600)).toBeDefined()
  })

  test('holds from the first packet on when the link has no start of its own', () => {
    const link = new Link({ seed: 1, schedule: [{ fromMs: 0, loss: 1 }] })
    link.push(numbered(0), 77)
    expect(link.counters.lost).toBe(1)
  })

  test('is the same whether time comes in one stride or in many', () => {
    const run = (strideMs: number): number => {
      const link = new Link({
        seed: 1,
        startsAt: 0,
        bytesPerSecond: 2000,
        schedule: [{ fromMs: 333, bytesPerSecond: 500, delayMs: 9 }],
      })
      for (let i = 0; i < 8; i++) link.push(numbered(i, 200), 0)
      let last = 0
      for (let now = 0; now <= 10_000; now += strideMs)
        while (link.poll(now) !== undefined) last = link.counters.eventHash
      return last
    }
    expect(run(1)).toBe(run(5000))
  })

  test('refuses stages out of order or out of range', () => {
    expect(() => new Link({ seed: 1, schedule: [{ fromMs: 2 }, { fromMs: 1 }] })).toThrow('stage fromMs: 1')
    expect(() => new Link({ seed: 1, schedule: [{ fromMs: 2, delayMs: -1 }] })).toThrow('delayMs: -1')
  })
})

test('the event hash is the same in every engine and release, and another for another seed', () => {
  expect(weatherHashes('seven')).toEqual(HASHES_OF_SEVEN)
  expect(weatherHashes('eight')).not.toEqual(weatherHashes('seven'))
})
