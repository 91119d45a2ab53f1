import { describe, expect, test } from 'vitest'
import { LIBDATACHANNEL, type LinkOptions } from '../../src/sim/index.ts'
import { quantile, SctpGame, stamped } from '../support/sctp-game.ts'

const SEEDS = [1, 2, 3]
const WARM_UP_MS = 5_000
const LENGTH_MS = 17_000

interface Cell {
  readonly path: LinkOptions
  readonly stateBytes: number
  /** Age of state at this share of the looks, at most so many times that of plain UDP: in the median run, and in the worst. */
  readonly share: number
  readonly most: number
  readonly worst: number
  readonly delivered?: number
}

const path = (rttMs: number, loss: number, burst = 0): LinkOptions => ({ delayMs: rttMs / 2, loss, burst })

function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

describe('state over SCTP is as fresh as over plain UDP, but for a little', () => {
  const cells: readonly (Cell & { readonly name: string })[] = [
    {
      name: '1,000 B, RTT 100, 5 %',
      path: path(100, 0.05),
      stateBytes: 1000,
      share: 0.95,
      most: 1.3,
      worst: 1.6,
      delivered: 0.85,
    },
    { name: '1,000 B, RTT 100, 10 %', path: path(100, 0.1), stateBytes: 1000, share: 0.95, most: 1.5, worst: 1.8 },
    { name: '100 B, RTT 200, 10 %', path: path(200, 0.1), stateBytes: 100, share: 0.99, most: 1.5, worst: 1.5 },
    { name: '1,000 B, RTT 200, 5 %', path: path(200, 0.05), stateBytes: 1000, share: 0.95, most: 1.6, worst: 1.9 },
    { name: '1,000 B, RTT 50, bursts', path: path(50, 0.04, 4), stateBytes: 1000, share: 0.95, most: 1.5, worst: 3 },
    {
      name: '200 B, RTT 50, no loss',
      path: path(50, 0),
      stateBytes: 200,
      share: 0.95,
      most: 1.05,
      worst: 1.05,
      delivered: 0.99,
    },
  ]
  test.each(cells)('$name', ({ path, stateBytes, share, most, worst, delivered = 0.6 }) => {
    for (const direction of ['up', 'down'] as const) {
      const ratios: number[] = []
      const shares: number[] = []
      for (const seed of SEEDS) {
        const game = new SctpGame({ seed, path, stateBytes }).run(LENGTH_MS)
        const plain = direction === 'up' ? game.plainUp : game.plainDown
        ratios.push(game[direction].age(share, WARM_UP_MS) / plain.age(share, WARM_UP_MS))
        shares.push(game[direction].delivered(WARM_UP_MS))
      }
      expect(median(ratios), direction).toBeLessThanOrEqual(most)
      expect(Math.max(...ratios), direction).toBeLessThanOrEqual(worst)
      expect(median(shares), direction).toBeGreaterThanOrEqual(delivered)
    }
  })
})

describe('a path whose round trip jumps from 20 to 250 ms, and back', () => {
  test.each(SEEDS)('is fresh again within two seconds, at a loss of 0.01 (seed %i)', (seed) => {
    const game = new SctpGame({ seed, path: path(20, 0.01), stateBytes: 1000 })
    game.at(10_000, () => game.set({ path: { delayMs: 125 } })).at(25_000, () => game.set({ path: { delayMs: 10 } }))
    game.run(35_000)
    for (const direction of ['up', 'down'] as const) {
      const plain = direction === 'up' ? game.plainUp : game.plainDown
      const ratioOf = (from: number, to: number): number =>
        game[direction].age(0.95, from, to) / plain.age(0.95, from, to)
      expect(ratioOf(12_000, 25_000), direction).toBeLessThanOrEqual(1.5)
      expect(ratioOf(27_000, 35_000), direction).toBeLessThanOrEqual(1.5)
    }
  })

  test.each(SEEDS)(
    'has all pipes five seconds after the jump, whatever the window of the first does (seed %i)',
    (seed) => {
      const game = new SctpGame({ seed, path: path(20, 0.01), stateBytes: 1000 })
      game.at(10_000, () => game.set({ path: { delayMs: 125 } }))
      game.run(10_000)
      expect(game.pipes.length).toBeLessThanOrEqual(2)
      expect(game.run(5_000).pipes.length).toBe(3)
    },
  )
})

describe('a blackout of 3 s', () => {
  const darkAt = 8_000
  const lightAt = 11_000
  const tickMs = 1000 / 60

  test.each([50, 100])('leaves nothing stale behind, loses nothing reliable and ends nothing, RTT %i', (rttMs) => {
    const firstAges: number[] = []
    for (let seed = 1; seed <= 8; seed++) {
      const game = new SctpGame({ seed, path: path(rttMs, 0.02), stateBytes: 1000, hitsPerSecond: 10 })
      game.at(darkAt, () => game.set({ path: { loss: 1 } })).at(lightAt, () => game.set({ path: { loss: 0.02 } }))
      game.run(16_000)
      for (const direction of ['up', 'down'] as const) {
        const after = game[direction].arrivals.filter(({ at }) => at > lightAt)
        const first = after[0]!
        firstAges.push(first.at - first.sentAt)
        // Soon: 15 % of the outage, a round trip and a tick; or, if that ping is lost, as long again.
        expect(first.at - lightAt, direction).toBeLessThan(2 * (450 + rttMs) + tickMs)
        expect(after.filter(({ sentAt }) => sentAt < lightAt - tickMs)).toEqual([])
        expect(game[direction].age(0.95, lightAt + 1000), direction).toBeLessThan(1.5 * rttMs)
      }
      for (const side of ['client', 'server'] as const) {
        expect(game.stats(side).heldTicks.silence, side).toBeGreaterThan(60)
        expect(game.peers[side].state).toBe('open')
      }
      const hits = game.up.hitMs.length + game.down.hitMs.length
      expect(game.up.hitsSent + game.down.hitsSent - hits).toBeLessThanOrEqual(8)
      expect(Math.max(...game.up.hitMs, ...game.down.hitMs)).toBeLessThan(3000 + 1000)
    }
    // The first state is at most one tick and the way old; one that finds its pipe's window shut comes a round trip later.
    const fresh = firstAges.filter((ageMs) => ageMs <= rttMs / 2 + tickMs)
    expect(fresh.length / firstAges.length).toBeGreaterThanOrEqual(0.9)
  })
})

describe('reliable messages', () => {
  test('10 a second beside 1,000 B of state, RTT 100, 5 %: p99 within the way, a round trip and 50 ms', () => {
    for (const direction of ['up', 'down'] as const) {
      const p99 = SEEDS.map((seed) => {
        const game = new SctpGame({ seed, path: path(100, 0.05), stateBytes: 1000, hitsPerSecond: 10 }).run(30_000)
        expect(game[direction].hitsSent - game[direction].hitMs.length).toBeLessThan(6)
        return quantile(game[direction].hitMs, 0.99)
      })
      expect(median(p99), direction).toBeLessThanOrEqual(50 + 100 + 50 + 17)
      expect(Math.max(...p99), direction).toBeLessThanOrEqual(300)
    }
  })

  test('30 a second, copied in full, RTT 50, 5 %: p99 within the way and 45 ms', () => {
    for (const direction of ['up', 'down'] as const) {
      const p99 = SEEDS.map((seed) => {
        const options = { seed, path: path(50, 0.05), stateBytes: 0, hitsPerSecond: 30, redundancy: 'full' } as const
        return quantile(new SctpGame(options).run(30_000)[direction].hitMs, 0.99)
      })
      expect(median(p99), direction).toBeLessThanOrEqual(25 + 45)
    }
  })
})

describe('a transfer of 1 MiB beside state, 4 Mbit/s with 200 ms of buffer, RTT 50', () => {
  test('takes at most 1.5 times its size over the rate either way, and adds at most 60 ms to the age of state', () => {
    const bytesPerSecond = 500_000
    const link = { delayMs: 25, bytesPerSecond, queueBytes: 0.2 * bytesPerSecond, overheadBytes: 28 }
    for (const seed of SEEDS) {
      const game = new SctpGame({ seed, path: link, stateBytes: 200 })
      const sent = { client: 0, server: 0 }
      game.onTick = (side, peer, now) => {
        if (now < 4_000 + 10_000 * sent[side]) return
        sent[side]++
        peer.send('hits', stamped(1 << 20, now))
      }
      game.run(30_000)
      for (const direction of ['up', 'down'] as const) {
        // The first is on its way for a second before further pipes are asked for.
        const [, ...later] = game[direction].hitMs
        expect(later, direction).toHaveLength(2)
        expect(Math.max(...later), direction).toBeLessThanOrEqual((1.5 * 1000 * 2 ** 20) / bytesPerSecond)
        expect(game[direction].age(0.95, 4_000), direction).toBeLessThanOrEqual(42 + 60)
      }
    }
  })
})

describe('packets that SCTP holds back', () => {
  test('are no queue of the path, and no fault of the clock', () => {
    for (const seed of SEEDS) {
      const queues: number[] = []
      const errors: number[] = []
      const game = new SctpGame({ seed, path: path(200, 0.05), stateBytes: 1000, pipes: { min: 1, max: 1 } })
      game.onTick = (side, peer, now) => {
        if (side !== 'client' || now < WARM_UP_MS) return
        queues.push(peer.stats.queueMs)
        errors.push(Math.abs(peer.clock.now() - now))
      }
      game.run(LENGTH_MS)
      // Otherwise this shows nothing.
      expect(game.stats('client').heldTicks.backlog, `seed ${seed}`).toBeGreaterThan(50)
      expect(quantile(queues, 0.95), `seed ${seed}`).toBeLessThan(2)
      expect(quantile(errors, 0.95), `seed ${seed}`).toBeLessThan(1)
    }
  })
})

describe('a layer below that takes more than it carries', () => {
  test('and hides it in a send buffer of 1 MiB, holds a queue of tenths of a second, not of seconds', () => {
    const options = { path: path(100, 0.05), stateBytes: 1000, pipes: { min: 1, max: 1 }, serverLifetimeMs: 0 }
    const ages = SEEDS.map((seed) =>
      new SctpGame({ ...options, seed, server: LIBDATACHANNEL }).run(LENGTH_MS).down.age(0.95, WARM_UP_MS),
    )
    expect(median(ages)).toBeLessThan(700)
  })

  test('and tells of it, gets what it carries, and stats say so', () => {
    const game = new SctpGame({ seed: 1, path: path(100, 0.05), stateBytes: 1000, pipes: { min: 1, max: 1 } })
    game.run(LENGTH_MS)
    const { heldTicks } = game.stats('client')
    expect(heldTicks.share).toBeGreaterThan(50)
    expect(heldTicks.silence).toBe(0)
    expect(game.up.age(0.95, WARM_UP_MS) / game.plainUp.age(0.95, WARM_UP_MS)).toBeLessThanOrEqual(1.8)
    expect(game.up.delivered(WARM_UP_MS)).toBeGreaterThan(0.55)
  })
})

describe('queuedMs', () => {
  describe.each([
    { name: 'one pipe that carries less than is sent', path: path(100, 0.05), max: 1 },
    { name: 'three pipes', path: path(50, 0.02), max: 3 },
    { name: 'three pipes at more loss', path: path(100, 0.05), max: 3 },
    { name: 'no loss', path: path(50, 0), max: 1 },
  ])('is about how long a message then waits: $name', ({ path, max }) => {
    test.each([0, 50, 100, 300])('%i ms after a load of them was sent', (afterMs) => {
      for (const seed of SEEDS) {
        const game = new SctpGame({ seed, path, stateBytes: 400, pipes: { min: max, max } }).run(8_000)
        const { client } = game.peers
        for (let i = 0; i < 60; i++) client.send('hits', stamped(1000, game.now))
        game.run(afterMs)
        const toldMs = client.queuedMs('hits')
        const startedAt = game.now
        // They have left when only what is under way is left.
        while (client.stats.queuedBytes > 0 && game.now < startedAt + 10_000) game.run(5)
        const tookMs = game.now - startedAt
        expect(toldMs, `seed ${seed}`).toBeGreaterThan(0.4 * tookMs - 40)
        expect(toldMs, `seed ${seed}`).toBeLessThan(2.5 * tookMs + 40)
      }
    })
  })

  test('is nothing while nothing waits', () => {
    const game = new SctpGame({ seed: 1, path: path(50, 0), stateBytes: 200 }).run(3_000)
    expect(game.peers.client.queuedMs('hits')).toBeLessThan(2)
    expect(game.peers.client.queuedMs('state')).toBeLessThan(2)
  })
})
