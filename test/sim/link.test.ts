import { describe, expect, test } from 'vitest'
import { Link, type LinkOptions, profileNames, profiles, Random } from '../../src/sim/index.ts'
import { type Arrival, binomialTolerance, mean, numbered, numberOf, pass } from './support.ts'

function delays(arrivals: readonly Arrival[], gapMs = 1): number[] {
  return arrivals.map((it) => it.at - it.index * gapMs)
}

describe('Link', () => {
  test('delivers every packet at once and in order when nothing is configured', () => {
    const link = new Link({ seed: 1 })
    const arrivals = pass(link, 1000)
    expect(arrivals).toEqual(Array.from({ length: 1000 }, (_, index) => ({ index, at: index })))
    expect(link.counters).toMatchObject({
      pushed: 1000,
      delivered: 1000,
      lost: 0,
      pushedBytes: 4000,
      deliveredBytes: 4000,
    })
    expect([link.heldBytes, link.queuedBytes, link.wakeAt]).toEqual([0, 0, Number.POSITIVE_INFINITY])
  })

  test('copies what is pushed, so that the sender may reuse its buffer', () => {
    const link = new Link({ seed: 1, delayMs: 10, duplicate: 1 })
    const scratch = numbered(7)
    link.push(scratch, 0)
    scratch.fill(255)
    const one = link.poll(10)!
    const two = link.poll(10)!
    expect([numberOf(one), numberOf(two)]).toEqual([7, 7])
    one.fill(0)
    expect(numberOf(two)).toBe(7)
  })

  test('gives nothing before its time and names that time', () => {
    const link = new Link({ seed: 1, delayMs: 30 })
    link.push(numbered(1), 100)
    expect(link.wakeAt).toBe(130)
    expect(link.poll(129.999)).toBeUndefined()
    expect(numberOf(link.poll(130)!)).toBe(1)
    expect(link.poll(1e9)).toBeUndefined()
  })

  test('loses the configured share and counts it exactly', () => {
    const link = new Link({ seed: 'share', loss: 0.1 })
    const arrivals = pass(link, 50_000)
    expect(Math.abs(link.counters.lost / 50_000 - 0.1)).toBeLessThan(binomialTolerance(0.1, 50_000))
    expect(link.counters.lost + arrivals.length).toBe(50_000)
    const lost = new Set(arrivals.map((it) => it.index))
    const decisions = link.decisions()
    for (let i = 0; i < decisions.length; i++) expect(decisions[i]).toBe(lost.has(i) ? '0' : '1')
  })

  test('drops the same packets for the same seed whatever the times, sizes and other settings', () => {
    const plain = new Link({ seed: 42, loss: 0.1, burst: 3 })
    pass(plain, 3000)
    const variants: LinkOptions[] = [
      { delayMs: 80, jitterMs: 30, reorder: true },
      { duplicate: 0.3 },
      { bytesPerSecond: 2000, queueBytes: 4000 },
      { blackouts: [{ fromMs: 0, lengthMs: 500, everyMs: 1000 }] },
    ]
    for (const variant of variants) {
      const link = new Link({ seed: 42, loss: 0.1, burst: 3, ...variant })
      pass(link, 3000, { gapMs: 7.3, length: 300, from: 1e6 })
      expect(link.decisions()).toBe(plain.decisions())
      expect(link.counters.lossHash).toBe(plain.counters.lossHash)
      expect(link.counters.lost).toBe(plain.counters.lost)
    }
  })

  test('drops other packets for another seed', () => {
    const one = new Link({ seed: 1, loss: 0.1 })
    const two = new Link({ seed: 2, loss: 0.1 })
    pass(one, 1000)
    pass(two, 1000)
    expect(one.counters.lossHash).not.toBe(two.counters.lossHash)
  })

  test('repeats a whole run to the last instant for the same seed', () => {
    const { hotel } = profiles
    const runs = [1, 2].map(() => pass(new Link({ seed: 'again', ...hotel.down }), 5000, { gapMs: 2, length: 500 }))
    expect(runs[0]).toEqual(runs[1])
  })

  test('spares a packet from the loss model without taking a decision', () => {
    const link = new Link({ seed: 1, loss: 1 })
    link.push(numbered(1), 0, true)
    expect(numberOf(link.poll(0)!)).toBe(1)
    expect([link.counters.pushed, link.counters.lost, link.decisions()]).toEqual([1, 0, ''])
  })

  test('adds jitter with the configured mean, never less than the delay, cut at six means', () => {
    const link = new Link({ seed: 'jitter', delayMs: 50, jitterMs: 10, reorder: true })
    const extra = delays(pass(link, 50_000)).map((delay) => delay - 50)
    // The cut takes e^-6 = 0.25 % off the mean.
    expect(Math.abs(mean(extra) - 9.975)).toBeLessThan((4.5 * 10) / Math.sqrt(50_000))
    expect(Math.min(...extra)).toBeGreaterThanOrEqual(-1e-6)
    expect(Math.max(...extra)).toBeLessThanOrEqual(60 + 1e-6)
  })

  test('shows its jitter setting to the estimator of RFC 3550', () => {
    const link = new Link({ seed: 'rfc3550', delayMs: 20, jitterMs: 8, reorder: true })
    const arrivals = pass(link, 50_000).sort((a, b) => a.index - b.index)
    let sum = 0
    for (let i = 1; i < arrivals.length; i++) {
      sum += Math.abs(arrivals[i]!.at - arrivals[i]!.index - (arrivals[i - 1]!.at - arrivals[i - 1]!.index))
    }
    expect(Math.abs(sum / arrivals.length - 8)).toBeLessThan(0.2)
  })

  test('lets jitter overtake when told so, and counts it', () => {
    const link = new Link({ seed: 3, delayMs: 20, jitterMs: 10, reorder: true })
    const arrivals = pass(link, 2000)
    let newest = -1
    let late = 0
    for (const { index } of arrivals) {
      if (index < newest) late++
      else newest = index
    }
    expect(late).toBeGreaterThan(500)
    expect(link.counters.reordered).toBe(late)
    expect(arrivals.every((it, i) => i === 0 || it.at >= arrivals[i - 1]!.at)).toBe(true)
  })

  test('keeps the order under any jitter when reordering is off', () => {
    const link = new Link({ seed: 3, loss: 0.1, delayMs: 20, jitterMs: 50 })
    const arrivals = pass(link, 5000)
    for (let i = 1; i < arrivals.length; i++) expect(arrivals[i]!.index).toBeGreaterThan(arrivals[i - 1]!.index)
    expect(link.counters.reordered).toBe(0)
  })

  test('keeps the order when the delay falls while packets are on the way', () => {
    const link = new Link({ seed: 3, delayMs: 100 })
    link.push(numbered(0), 0)
    link.set({ delayMs: 10 }, 1)
    link.push(numbered(1), 1)
    expect(link.poll(99)).toBeUndefined()
    expect([numberOf(link.poll(100)!), numberOf(link.poll(100)!)]).toEqual([0, 1])
  })

  test('lets a shorter route overtake when reordering is on', () => {
    const link = new Link({ seed: 3, delayMs: 100, reorder: true })
    link.push(numbered(0), 0)
    link.set({ delayMs: 10 }, 1)
    link.push(numbered(1), 1)
    expect(numberOf(link.poll(11)!)).toBe(1)
    expect(numberOf(link.poll(100)!)).toBe(0)
    expect(link.counters.reordered).toBe(1)
  })

  test('makes the configured share of copies', () => {
    const link = new Link({ seed: 'twice', duplicate: 0.05, delayMs: 5, jitterMs: 2, reorder: true })
    const arrivals = pass(link, 20_000)
    expect(Math.abs(link.counters.duplicated / 20_000 - 0.05)).toBeLessThan(binomialTolerance(0.05, 20_000))
    expect(arrivals.length).toBe(20_000 + link.counters.duplicated)
    expect(new Set(arrivals.map((it) => it.index)).size).toBe(20_000)
  })

  test('spaces packets by their size at the bottleneck', () => {
    // 100 + 25 bytes at 12,500 bytes per second take 10 ms.
    const link = new Link({ seed: 1, bytesPerSecond: 12_500, overheadBytes: 25, delayMs: 5 })
    for (let i = 0; i < 4; i++) link.push(numbered(i, 100), 0)
    const arrivals: number[] = []
    for (let at = link.wakeAt; at < 1e9; at = link.wakeAt) if (link.poll(at) !== undefined) arrivals.push(at)
    expect(arrivals).toEqual([15, 25, 35, 45])
  })

  test('passes the configured rate under overload, drops the tail and bounds the wait', () => {
    const link = new Link({ seed: 1, bytesPerSecond: 100_000, queueBytes: 20_000 })
    // 200 kB/s offered for 10 s.
    const arrivals = pass(link, 2000, { gapMs: 5, length: 1000 })
    const spanMs = arrivals.at(-1)!.at - arrivals[0]!.at
    expect(((arrivals.length - 1) * 1000) / (spanMs / 1000)).toBeCloseTo(100_000, 3)
    expect(link.counters.overflowed).toBe(2000 - arrivals.length)
    expect(link.counters.overflowed).toBeGreaterThan(950)
    expect(Math.max(...delays(arrivals, 5))).toBeLessThanOrEqual(200 + 1e-6)
    expect(Math.max(...delays(arrivals, 5))).toBeGreaterThan(185)
  })

  test('lets a packet larger than the queue through an idle bottleneck', () => {
    const link = new Link({ seed: 1, bytesPerSecond: 1000, queueBytes: 10 })
    link.push(numbered(0, 100), 0)
    link.push(numbered(1, 100), 0)
    expect(link.counters.overflowed).toBe(1)
    expect(numberOf(link.poll(100)!)).toBe(0)
  })

  test('sends what waits at the new rate once the rate has changed', () => {
    const link = new Link({ seed: 1, bytesPerSecond: 1000 })
    for (let i = 0; i < 3; i++) link.push(numbered(i, 100), 0)
    // Half of packet 0 is sent by 50 ms; the other 50 bytes take 5 ms at 10,000 bytes per second, the others 10 ms each.
    link.set({ bytesPerSecond: 10_000 }, 50)
    const arrivals: number[] = []
    for (let at = link.wakeAt; at < 1e9; at = link.wakeAt) if (link.poll(at) !== undefined) arrivals.push(at)
    expect(arrivals).toEqual([55, 65, 75])
  })

  test('holds everything while the rate is 0 and releases it afterwards', () => {
    const link = new Link({ seed: 1, bytesPerSecond: 1000 })
    link.push(numbered(0, 100), 0)
    link.set({ bytesPerSecond: 0 }, 40)
    link.push(numbered(1, 100), 50)
    expect(link.wakeAt).toBe(Number.POSITIVE_INFINITY)
    expect(link.poll(5000)).toBeUndefined()
    link.set({ bytesPerSecond: Number.POSITIVE_INFINITY }, 5000)
    expect([numberOf(link.poll(5000)!), numberOf(link.poll(5000)!)]).toEqual([0, 1])
    expect([link.queuedBytes, link.heldBytes]).toEqual([0, 0])
  })

  test('loses what is pushed during a blackout and delivers what is already on the way', () => {
    const link = new Link({
      seed: 1,
      delayMs: 50,
      blackouts: [{ fromMs: 100, lengthMs: 50, everyMs: 1000 }],
      startsAt: 1000,
    })
    const seen: number[] = []
    for (let at = 1000; at < 3300; at += 10) {
      for (let packet = link.poll(at); packet !== undefined; packet = link.poll(at)) seen.push(numberOf(packet))
      link.push(numbered(at - 1000), at)
    }
    const dark = (from: number) => [0, 10, 20, 30, 40].map((ms) => from + ms)
    const missing = Array.from({ length: 225 }, (_, i) => i * 10).filter((at) => !seen.includes(at))
    expect(missing).toEqual([...dark(100), ...dark(1100), ...dark(2100)])
    expect(link.counters.blackedOut).toBe(15)
    expect(link.counters.lost).toBe(0)
  })

  test('bounds the bytes that it holds', () => {
    const link = new Link({ seed: 1, delayMs: 1000, maxHeldBytes: 1000 })
    for (let i = 0; i < 20; i++) link.push(numbered(i, 100), 0)
    expect([link.heldBytes, link.counters.overflowed]).toEqual([1000, 10])
  })

  test('takes an instant that lies before the latest one for the latest one', () => {
    const link = new Link({ seed: 1, delayMs: 10 })
    link.push(numbered(0), 100)
    link.push(numbered(1), 50)
    expect(link.wakeAt).toBe(110)
    link.poll(110)
    expect(link.wakeAt).toBe(110)
  })

  test('accounts for every packet under all weather at once', () => {
    const link = new Link({
      seed: 'all',
      loss: 0.05,
      burst: 3,
      delayMs: 30,
      jitterMs: 20,
      reorder: true,
      duplicate: 0.1,
      bytesPerSecond: 50_000,
      queueBytes: 5000,
      blackouts: [{ fromMs: 1000, lengthMs: 300, everyMs: 2000 }],
    })
    const random = new Random('sizes')
    let delivered = 0
    for (let i = 0; i < 20_000; i++) {
      const at = i * 5
      if (i % 1000 === 0) link.set({ bytesPerSecond: 20_000 + random.float() * 60_000 }, at)
      link.push(new Uint8Array(1 + (random.uint32() % 500)), at)
      while (link.poll(at) !== undefined) delivered++
    }
    while (link.wakeAt < 1e12) while (link.poll(link.wakeAt) !== undefined) delivered++
    const it = link.counters
    expect(it.delivered).toBe(delivered)
    expect(it.pushed + it.duplicated).toBe(it.delivered + it.lost + it.blackedOut + it.overflowed)
    expect(Math.min(it.lost, it.blackedOut, it.overflowed, it.duplicated, it.reordered)).toBeGreaterThan(0)
    expect([link.heldBytes, link.queuedBytes]).toEqual([0, 0])
  })

  test('refuses settings outside their range and says what was expected', () => {
    const make = (options: LinkOptions) => () => new Link({ seed: 1, ...options })
    expect(make({ loss: 2 })).toThrow('loss: 2, expected 0 to 1')
    expect(make({ loss: 0.9, burst: 1 })).toThrow('expected at most')
    expect(make({ delayMs: -1 })).toThrow('delayMs: -1')
    expect(make({ delayMs: Number.POSITIVE_INFINITY })).toThrow('finite')
    expect(make({ jitterMs: Number.NaN })).toThrow('jitterMs: NaN')
    expect(make({ duplicate: 1.5 })).toThrow('duplicate: 1.5')
    expect(make({ blackouts: [{ fromMs: 0, lengthMs: 10, everyMs: 5 }] })).toThrow('everyMs: 5')
    const link = new Link({ seed: 1, loss: 0.5 })
    expect(() => link.set({ bytesPerSecond: -1 })).toThrow('bytesPerSecond: -1')
    expect(() => link.set({ loss: -1 })).toThrow('loss: -1')
    expect(link.settings.loss).toBe(0.5)
  })
})

describe('profiles', () => {
  test('are valid, named in the menu, and not perfect', () => {
    expect([...profileNames].sort()).toEqual(Object.keys(profiles).sort())
    for (const name of profileNames) {
      for (const options of [profiles[name].up, profiles[name].down]) {
        const link = new Link({ seed: name, ...options })
        const arrivals = pass(link, 2000, { gapMs: 16, length: 200 })
        expect(arrivals.length).toBeGreaterThan(1000)
        expect(mean(delays(arrivals, 16))).toBeGreaterThan(0.2)
      }
    }
  })

  test('delay by two seconds when the bufferbloat uplink is full', () => {
    const link = new Link({ seed: 1, ...profiles.bufferbloat.up })
    const worst = Math.max(...delays(pass(link, 5000, { gapMs: 2, length: 1000 }), 2))
    expect(worst).toBeGreaterThan(2000)
    expect(worst).toBeLessThan(2200)
  })
})
