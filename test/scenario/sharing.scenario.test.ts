import { describe, expect, test } from 'vitest'
import type { ChannelOptions, ChannelTable } from '../../src/index.ts'
import { Pair, type PairOptions } from '../support/pair.ts'

const LINE = { delayMs: 20 }
/** Scarce enough that every channel always has more to say: 60 kB/s, 1,000 bytes a tick. */
const BUDGET = 60_000

function pairOf<Table extends ChannelTable>(channels: Table, options: Partial<PairOptions<Table>> = {}): Pair<Table> {
  return new Pair<Table>({
    seed: 1,
    channels,
    up: LINE,
    down: LINE,
    both: { bytesPerSecond: BUDGET },
    ...options,
  }).open()
}

/** Keeps every channel of the client full, for a while, and says how many payload bytes of each arrived. */
function flood<Table extends ChannelTable>(
  pair: Pair<Table>,
  bytes: Partial<Record<keyof Table, number>>,
  durationMs: number,
): Record<keyof Table, number> {
  const arrived = Object.fromEntries(Object.keys(bytes).map((name) => [name, 0])) as Record<keyof Table, number>
  let isCounting = false
  pair.server.onMessage = (event) => {
    if (isCounting) arrived[event.channel as keyof Table] += event.payload.length
  }
  pair.play((side) => {
    if (side !== pair.client) return
    for (const name of Object.keys(bytes) as (keyof Table & string)[]) {
      for (let sent = 0; sent < 4000; sent += bytes[name]!) side.send(name, { bytes: bytes[name]! })
    }
  })
  // The first burst is allowed to go beyond the budget.
  pair.run(2000)
  isCounting = true
  pair.run(durationMs)
  isCounting = false
  return arrived
}

const LIVELY: ChannelOptions = { kind: 'unreliable', maxQueuedMessages: 50, verdicts: true }

describe('the budget', () => {
  for (const bytesPerSecond of [2000, 30_000, 300_000]) {
    test(`of ${bytesPerSecond} bytes a second is obeyed in every second, but for the first burst`, () => {
      const pair = pairOf({ a: LIVELY, b: { kind: 'reliable' } }, { both: { bytesPerSecond } })
      const seconds = new Map<number, number>()
      let bytes = 0
      pair.client.onPacket = (_, packet) => {
        bytes += packet.length
        const second = Math.floor(pair.now / 1000)
        seconds.set(second, (seconds.get(second) ?? 0) + packet.length)
      }
      const startedAt = pair.now
      pair.play((side) => {
        if (side === pair.client) for (let i = 0; i < 10; i++) side.send('a', { bytes: 1000 })
        if (side === pair.client) side.send('b', { bytes: 3000 })
      })
      pair.run(20_000)
      const burst = Math.max(16 * 1150, bytesPerSecond * 0.05)
      expect(bytes).toBeLessThanOrEqual(bytesPerSecond * ((pair.now - startedAt) / 1000) + burst + 1150)
      expect(bytes).toBeGreaterThan(0.97 * bytesPerSecond * 20)
      for (const [second, sum] of seconds) {
        if (second >= 11) expect(sum).toBeLessThanOrEqual(bytesPerSecond * 1.02 + 2 * 1150)
      }
    })
  }

  test('that is not used up does not grow beyond one burst', () => {
    const pair = pairOf({ a: LIVELY })
    pair.run(9000)
    const before = pair.client.bytes
    for (let i = 0; i < 50; i++) pair.client.send('a', { bytes: 1000 })
    pair.run(100)
    expect(pair.client.bytes - before).toBeLessThanOrEqual(16 * 1150 + 1150 + BUDGET * 0.1)
  })
})

describe('priority', () => {
  test('is strict between classes: the lower one gets what the higher leaves', () => {
    const high = { ...LIVELY, priority: 1 }
    expect(flood(pairOf({ high, low: LIVELY }), { high: 100, low: 100 }, 5000).low).toBe(0)
    const part = flood(pairOf({ high: { ...high, maxQueuedMessages: 3 }, low: LIVELY }), { high: 100, low: 100 }, 5000)
    expect(part.high).toBeGreaterThan(5000)
    expect(part.low).toBeGreaterThan(100_000)
  })

  test('decides within one packet too: the higher one stands first', () => {
    const pair = pairOf({
      low: LIVELY,
      mid: { kind: 'reliable', priority: 1 },
      high: { kind: 'sequenced', priority: 2 },
    })
    let order: number[] = []
    pair.client.onPacket = (tree) => {
      if (tree?.form === 'data')
        order = tree.records.flatMap((record) => (record.type === 'message' ? [record.channel] : []))
    }
    for (const name of ['low', 'mid', 'high'] as const) pair.client.send(name)
    pair.client.pollPacket()
    expect(order).toEqual([2, 1, 0])
  })

  test('of a large message does not make a small one of the same class wait for all of it', () => {
    const pair = pairOf({ bulk: { kind: 'reliable' }, talk: { kind: 'ordered' } })
    let arrivedAt = 0
    pair.server.onMessage = (event) => {
      if (event.channel === 'talk') arrivedAt = pair.now
    }
    // The burst first, so that the budget is what counts.
    pair.client.send('bulk', { bytes: 200_000 })
    pair.run(500)
    const sentAt = pair.now
    pair.client.send('talk')
    pair.finish()
    expect(arrivedAt - sentAt).toBeLessThan(100)
  })
})

describe('weight', () => {
  const cases: [name: string, bytes: [number, number, number]][] = [
    ['small messages', [40, 40, 40]],
    ['messages of different sizes', [30, 300, 1000]],
    ['messages in fragments', [3000, 3000, 3000]],
    ['small messages beside fragments', [60, 5000, 500]],
  ]
  for (const [name, [a, b, c]] of cases) {
    for (const kind of ['unreliable', 'reliable'] as const) {
      test(`shares one class within 10 %: ${name}, ${kind}`, () => {
        const options = { kind, maxQueuedMessages: 300 } as const
        const channels = { a: { ...options, weight: 1 }, b: { ...options, weight: 2 }, c: { ...options, weight: 5 } }
        const arrived = flood(pairOf(channels), { a, b, c }, 20_000)
        const total = arrived.a + arrived.b + arrived.c
        expect(total).toBeGreaterThan(0.8 * BUDGET * 20)
        // Payload and record overhead together are what is shared; small messages pay more of it.
        const cost = (bytes: number): number => (bytes < 224 ? bytes + 3 : bytes + 4) / bytes
        const spent = { a: arrived.a * cost(a), b: arrived.b * cost(b), c: arrived.c * cost(c) }
        const unit = (spent.a + spent.b + spent.c) / 8
        // What fits in where nothing of the others does is nobody's loss, so shares have a floor and no ceiling.
        expect(spent.a / unit, 'a').toBeGreaterThan(0.9)
        expect(spent.b / unit / 2, 'b').toBeGreaterThan(0.9)
        expect(spent.c / unit / 5, 'c').toBeGreaterThan(0.9)
      })
    }
  }

  test('that a silent channel did not use is not saved up', () => {
    const pair = pairOf({ a: LIVELY, b: { ...LIVELY } })
    flood(pair, { a: 100 }, 3000)
    const arrived = flood(pair, { a: 100, b: 100 }, 1000)
    expect(arrived.b / arrived.a).toBeLessThan(1.3)
    expect(arrived.b / arrived.a).toBeGreaterThan(0.7)
  })
})

describe('reliable data under a flood of unreliable data that goes first', () => {
  for (const reliableShare of [0.2, 0.5]) {
    for (const bytes of [200, 4000]) {
      test(`gets ${reliableShare * 100} % of the bytes, in messages of ${bytes}`, () => {
        const both = { bytesPerSecond: BUDGET, reliableShare }
        const channels = { pose: { ...LIVELY, priority: 100 }, hits: { kind: 'reliable', priority: -100 } } as const
        const arrived = flood(pairOf(channels, { both }), { pose: 200, hits: bytes }, 20_000)
        const share = arrived.hits / (arrived.hits + arrived.pose)
        expect(share).toBeGreaterThan(reliableShare * 0.9)
        expect(share).toBeLessThan(reliableShare * 1.1)
      })
    }
  }

  test('gets nothing without a share, as priority says', () => {
    const both = { bytesPerSecond: BUDGET, reliableShare: 0 }
    const channels = { pose: { ...LIVELY, priority: 100 }, hits: { kind: 'reliable', priority: -100 } } as const
    expect(flood(pairOf(channels, { both }), { pose: 200, hits: 4000 }, 5000).hits).toBe(0)
  })

  test('is shared among all reliable channels, so that none of them starves', () => {
    const channels = {
      pose: { ...LIVELY, priority: 100 },
      hits: { kind: 'reliable', priority: 1 },
      chat: { kind: 'ordered' },
      doors: { kind: 'latest', priority: -1 },
    } as const
    const arrived = flood(pairOf(channels), { pose: 200, chat: 100, hits: 100, doors: 100 }, 20_000)
    expect(arrived.hits + arrived.chat + arrived.doors).toBeGreaterThan(0.18 * BUDGET * 20)
    for (const name of ['hits', 'chat', 'doors'] as const) expect(arrived[name], name).toBeGreaterThan(0)
  })
})

describe('queuedMs', () => {
  const cases: [name: string, queue: Record<string, number>, channel: 'a' | 'b' | 'low'][] = [
    ['behind its own channel', { a: 60_000 }, 'a'],
    ['behind a channel of higher priority', { a: 60_000 }, 'low'],
    ['beside a channel of the same class', { a: 30_000, b: 30_000 }, 'a'],
    ['before a channel of lower priority', { low: 60_000, a: 20_000 }, 'a'],
  ]
  for (const [name, queue, channel] of cases) {
    test(`is right within a fifth, ${name}`, () => {
      const reliable = { kind: 'reliable', maxQueuedMessages: 4096 } as const
      const channels = { a: { ...reliable, priority: 1 }, b: { ...reliable, priority: 1 }, low: reliable }
      const both = { bytesPerSecond: BUDGET, reliableShare: 0 }
      const pair = pairOf(channels, { both })
      // The burst first.
      for (let i = 0; i < 40; i++) pair.client.send('b', { bytes: 1000 })
      pair.run(300)
      pair.runUntil(() => pair.client.endpoint.stats.queuedMessages === 0, 5000)
      for (const [other, bytes] of Object.entries(queue)) {
        for (let sent = 0; sent < bytes; sent += 1000) pair.client.send(other as 'a', { bytes: 1000 })
      }
      const expectedMs = pair.client.endpoint.queuedMs(channel)
      const sentAt = pair.now
      const number = pair.client.send(channel, { bytes: 500 })!
      let leftAt = 0
      pair.server.onMessage = (event, arrived) => {
        if (event.channel === channel && arrived === number) leftAt = pair.now - LINE.delayMs
      }
      pair.finish()
      const waitedMs = leftAt - sentAt
      expect(waitedMs).toBeGreaterThan(expectedMs * 0.8 - 40)
      expect(waitedMs).toBeLessThan(expectedMs * 1.2 + 40)
      expect(expectedMs).toBeGreaterThan(250)
    })
  }

  test('is 0 on an empty queue', () => {
    const pair = pairOf({ a: LIVELY })
    pair.run(2000)
    expect(pair.client.endpoint.queuedMs('a')).toBe(0)
  })

  test('counts what waits below', () => {
    const pair = pairOf({ a: LIVELY })
    pair.client.endpoint.backlogBytes = BUDGET / 2
    expect(pair.client.endpoint.queuedMs('a')).toBeCloseTo(500)
  })
})
