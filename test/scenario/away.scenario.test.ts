import { describe, expect, test } from 'vitest'
import { Pair, type PairOptions } from '../support/pair.ts'
import { blackout, pass, plan, step } from '../support/plan.ts'
import { seeded } from '../support/seeds.ts'

const CHANNELS = {
  pose: { kind: 'unreliable' },
  look: { kind: 'sequenced' },
  hits: { kind: 'reliable' },
  chat: { kind: 'ordered' },
  doors: { kind: 'latest' },
} as const
type Table = typeof CHANNELS

const PATIENCE = { timeoutMs: 1000, keepaliveMs: 250, awayMs: 30_000 }

function pairOf(options: Partial<PairOptions<Table>> = {}): Pair<Table> {
  return new Pair<Table>({
    seed: 1,
    channels: CHANNELS,
    both: PATIENCE,
    up: { delayMs: 25 },
    down: { delayMs: 25 },
    ...options,
  }).open()
}

const turnsOf = (pair: Pair<Table>): string[][] => pair.sides.map((side) => side.turns)

describe('an outage longer than the timeout', () => {
  seeded('loses and repeats nothing reliable, whatever was under way', 6, (seed) => {
    const pair = pairOf({ seed, lostMeansLost: true, payloads: { largeShare: 0.1, maxBytes: 4000 } })
    plan(pair, [
      step('both games are busy, and stay so', () => {
        pair.play((side, _now, tick) => {
          side.send('pose')
          side.send('look')
          if (tick % 6 === 0) {
            side.send('hits')
            side.send('chat')
          }
          side.send('doors', { key: tick % 20 })
        })
      }),
      pass(1000 + 37 * (seed % 10)),
      blackout(12_000),
      pass(1000),
      blackout(3000),
      pass(1000),
      step('everything is settled within a second', () => pair.finish(1000)),
    ])
    expect(turnsOf(pair)).toEqual(Array(2).fill(['away', 'back', 'away', 'back']))
    for (const side of pair.sides) {
      for (const name of ['hits', 'chat'] as const) {
        const { sent, delivered, verdicts } = side.models.get(name)!
        expect([verdicts.acked, delivered]).toEqual([sent, sent])
      }
    }
  })

  test('brings sequenced and latest values up to date, drops unreliable ones, and bursts no old state', () => {
    const pair = pairOf()
    const got: string[] = []
    plan(pair, [
      blackout(2000),
      step('both are away', () => expect(pair.sides.map((side) => side.isAway)).toEqual([true, true])),
      step('the server sends 100 ticks of state while nobody hears it', () => {
        pair.world.set({ up: { loss: 1 }, down: { loss: 1 } })
        pair.client.onMessage = (event, number) => got.push(`${event.channel}${number}`)
        for (let i = 0; i < 100; i++) {
          pair.server.send('pose')
          pair.server.send('look', { key: i % 4 })
          pair.server.send('doors', { key: i % 4 })
          pair.run(16)
        }
      }),
      step('the line is back', () => pair.world.set({ up: { loss: 0 }, down: { loss: 0 } })),
      pass(1000),
    ])
    expect(got.filter((one) => one.startsWith('pose'))).toEqual([])
    expect(got.filter((one) => one.startsWith('look'))).toEqual(['look96', 'look97', 'look98', 'look99'])
    expect(got.filter((one) => one.startsWith('doors')).slice(-4)).toEqual(['doors96', 'doors97', 'doors98', 'doors99'])
    expect(pair.server.models.get('pose')!.verdicts.lost).toBe(100)
    pair.finish()
  })

  test('costs a ping each keepalive, and no more, while it lasts', () => {
    const pair = pairOf()
    pair.play((side) => {
      side.send('pose')
      side.send('chat')
    })
    plan(pair, [pass(500), blackout(2000)])
    const before = pair.client.packets
    plan(pair, [blackout(10_000)])
    // 10 s at one in 250 ms.
    expect(pair.client.packets - before).toBeGreaterThanOrEqual(38)
    expect(pair.client.packets - before).toBeLessThanOrEqual(42)
  })

  test('ends the connection when the time to be away is over, on both sides', () => {
    const pair = pairOf()
    pair.world.set({ up: { loss: 1 }, down: { loss: 1 } })
    pair.run(31_500)
    for (const side of pair.sides) {
      expect(side.turns).toEqual(['away'])
      expect(side.reason).toMatchObject({ kind: 'timeout', during: 'open' })
    }
  })

  test('does not outlive a close: who is away and closes is closed by the deadline', () => {
    const pair = pairOf()
    plan(pair, [
      blackout(2000),
      step('nothing gets through', () => pair.world.set({ up: { loss: 1 }, down: { loss: 1 } })),
      step('the client closes', () => pair.client.endpoint.close({ code: 3, deadlineMs: 500 })),
      pass(2000),
    ])
    expect(pair.client.reason).toEqual({ kind: 'local', code: 3 })
  })
})

describe('a driver whose pipe has gone', () => {
  test('says so, and knocks when it has another', () => {
    const pair = pairOf()
    const { client, server } = pair
    expect(client.endpoint.leave(pair.now)).toBe(true)
    expect([client.endpoint.isAway, server.endpoint.isAway]).toEqual([true, false])
    client.endpoint.knock(pair.now)
    pair.run(100)
    expect(client.endpoint.isAway).toBe(false)
    expect(turnsOf(pair)).toEqual([['away', 'back'], []])
    pair.finish()
  })

  test('learns that the connection cannot wait, without awayMs', () => {
    const pair = pairOf({ both: { timeoutMs: 1000 } })
    expect(pair.client.endpoint.leave(pair.now)).toBe(false)
    expect(pair.client.endpoint.isAway).toBe(false)
  })
})
