import { describe, expect, test } from 'vitest'
import { Pair, type PairOptions } from '../support/pair.ts'
import { blackout, pass, plan, step, weather } from '../support/plan.ts'
import { seeded } from '../support/seeds.ts'

const CHANNELS = {
  pose: { kind: 'unreliable' },
  look: { kind: 'sequenced' },
  hits: { kind: 'reliable' },
  chat: { kind: 'ordered' },
  doors: { kind: 'latest' },
} as const
type Table = typeof CHANNELS

function pairOf(options: Partial<PairOptions<Table>> = {}): Pair<Table> {
  return new Pair<Table>({ seed: 1, channels: CHANNELS, up: { delayMs: 25 }, down: { delayMs: 25 }, ...options }).open()
}

/** IP, UDP, DTLS and SCTP around each packet, bytes. */
const OVERHEAD_BYTES = 93

describe('an idle connection', () => {
  for (const drain of ['event', 'tick'] as const) {
    for (const before of ['nothing', 'a message', 'a busy second']) {
      test(`costs less than 1 kbit/s each way after ${before} (packets leave at each ${drain})`, () => {
        const pair = pairOf({ drain })
        if (before === 'a message') pair.client.send('chat')
        if (before === 'a busy second') pair.play((side) => void side.send('pose')).run(1000)
        pair.play(undefined).run(5000)
        const from = pair.sides.map((side) => ({ packets: side.packets, bytes: side.bytes }))
        pair.run(60_000)
        pair.sides.forEach((side, i) => {
          const packets = side.packets - from[i]!.packets
          const bits = 8 * (side.bytes - from[i]!.bytes + OVERHEAD_BYTES * packets)
          expect(bits / 60, side.name).toBeLessThan(1000)
          // Keepalives and their acks: at least one packet each 2 s, at most two.
          expect(packets, side.name).toBeGreaterThanOrEqual(29)
          expect(packets, side.name).toBeLessThanOrEqual(61)
        })
      })
    }
  }

  test('is silent but for keepalives: packets that only acknowledge provoke nothing', () => {
    const pair = pairOf()
    pair.client.send('chat')
    pair.run(3000)
    const told: string[] = []
    for (const side of pair.sides) {
      side.onPacket = (tree) => {
        if (tree?.form === 'data') told.push(tree.records.map((record) => record.type).join(' ') || 'ack')
      }
    }
    pair.run(20_000)
    expect(new Set(told)).toEqual(new Set(['ping', 'ack']))
    const pings = told.filter((what) => what === 'ping').length
    expect(told.length - pings).toBeLessThanOrEqual(pings)
  })

  test('on a line that loses one packet in ten costs little more', () => {
    const pair = pairOf({ up: { delayMs: 25, loss: 0.1 }, down: { delayMs: 25, loss: 0.1 } })
    const from = pair.sides.map((side) => side.bytes + OVERHEAD_BYTES * side.packets)
    pair.run(120_000)
    pair.sides.forEach((side, i) => {
      expect((8 * (side.bytes + OVERHEAD_BYTES * side.packets - from[i]!)) / 120).toBeLessThan(1500)
    })
  })
})

describe('the measured round trip', () => {
  for (const [hz, drain] of [
    [20, 'tick'],
    [20, 'event'],
    [60, 'tick'],
    [60, 'event'],
    [144, 'tick'],
  ] as const) {
    test(`of 50 ms is right within 1 ms at ${hz} Hz, whenever packets leave (at each ${drain})`, () => {
      const pair = pairOf({ hz, drain })
      pair.play((side) => void side.send('pose')).run(10_000)
      for (const { endpoint } of pair.sides) {
        expect(endpoint.stats.rttSamples).toBeGreaterThan(50)
        expect(Math.abs(endpoint.stats.rttMs - 50)).toBeLessThan(1)
        expect(Math.abs(endpoint.stats.rttMinMs - 50)).toBeLessThan(1)
        expect(endpoint.stats.rttVarMs).toBeLessThan(1)
      }
    })
  }

  test('is not a millisecond more for a side that only acknowledges', () => {
    const pair = pairOf({ hz: 20 })
    pair.play((side) => {
      if (side === pair.client) side.send('pose')
    })
    pair.run(10_000)
    expect(Math.abs(pair.client.endpoint.stats.rttMs - 50)).toBeLessThan(1)
  })

  seeded('follows a jittery line to its mean', 3, (seed) => {
    const line = { delayMs: 20, jitterMs: 10, reorder: true }
    const pair = pairOf({ seed, up: line, down: line })
    pair.play((side) => void side.send('pose')).run(20_000)
    // 2 · (20 + 10), less a bit since an overtaken packet gives no sample.
    expect(pair.client.endpoint.stats.rttMs).toBeGreaterThan(45)
    expect(pair.client.endpoint.stats.rttMs).toBeLessThan(70)
    expect(pair.client.endpoint.stats.jitterMs).toBeGreaterThan(6)
    expect(pair.client.endpoint.stats.jitterMs).toBeLessThan(14)
  })
})

describe('loss', () => {
  seeded('is measured as it is, up and down', 3, (seed) => {
    const pair = pairOf({
      seed,
      up: { delayMs: 25, loss: 0.1 },
      down: { delayMs: 25, loss: 0.02 },
      lostMeansLost: true,
    })
    pair.play((side) => void side.send('pose')).run(40_000)
    pair.finish()
    const { up, down } = pair.world
    for (const [share, counters] of [
      [pair.client.endpoint.stats.lossUp, up.counters],
      [pair.server.endpoint.stats.lossDown, up.counters],
      [pair.server.endpoint.stats.lossUp, down.counters],
      [pair.client.endpoint.stats.lossDown, down.counters],
    ] as const) {
      // The estimate weighs the last 512 packets most.
      expect(Math.abs(share - counters.lost / counters.pushed)).toBeLessThan(0.05)
    }
  })

  seeded('of a few packets is repaired in about a round trip and a half', 3, (seed) => {
    const pair = pairOf({ seed, up: { delayMs: 25, loss: 0.05 }, down: { delayMs: 25 } })
    const sentAt: number[] = []
    const lateMs: number[] = []
    pair.server.onMessage = (_, number) => lateMs.push(pair.now - sentAt[number]! - 25)
    pair.play((side) => {
      if (side === pair.client) sentAt[side.send('hits')!] = pair.now
    })
    pair.run(20_000)
    const late = lateMs.filter((ms) => ms > 1).sort((a, b) => a - b)
    expect(late.length).toBeGreaterThan(20)
    // Three later packets, the ack on its way, the copy at the next tick.
    expect(late[Math.floor(late.length / 2)]).toBeLessThan(130)
    expect(late[Math.floor(late.length * 0.9)]).toBeLessThan(260)
  })

  test('of the last packet before a pause is repaired by a probe', () => {
    const pair = pairOf()
    pair.play((side) => void side.send('pose')).run(2000)
    pair.play(undefined).run(500)
    pair.world.set({ up: { loss: 1 } })
    pair.client.send('chat')
    pair.run(20)
    pair.world.set({ up: { loss: 0 } })
    const lostAt = pair.now
    pair.finish()
    // Round trip 50, floor 16, the peer's ack delay 50; a tick each side, and the way back.
    expect(pair.now - lostAt).toBeLessThan(50 + 16 + 50 + 75 + 50)
  })
})

describe('a blackout of 3 s', () => {
  seeded('ends nothing: reliable data completes, in order, soon after', 3, (seed) => {
    const pair = pairOf({ seed, lostMeansLost: true, payloads: { largeShare: 0.1, maxBytes: 4000 } })
    let lightAt = 0
    plan(pair, [
      step('both games are busy', () => {
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
      pass(2000),
      blackout(3000),
      step('the line is back', () => {
        lightAt = pair.now
        pair.play(undefined)
      }),
      step('everything is settled within a second', () => pair.finish(1000)),
    ])
    expect(pair.now - lightAt).toBeLessThan(1000)
    expect(pair.sides.map((side) => side.endpoint.state)).toEqual(['open', 'open'])
    for (const side of pair.sides)
      for (const name of ['hits', 'chat'] as const) {
        expect(side.models.get(name)!.verdicts.acked).toBe(side.models.get(name)!.sent)
      }
  })

  test('is followed by no burst of what was sent during it, on an unreliable channel either', () => {
    const pair = pairOf()
    const sentAt: number[] = []
    const lateMs: number[] = []
    pair.server.onMessage = (_, number) => lateMs.push(pair.now - sentAt[number]!)
    pair.play((side) => {
      if (side === pair.client) sentAt[side.send('pose')!] = pair.now
      else side.send('pose')
    })
    plan(pair, [pass(2000), blackout(3000), pass(2000)])
    // The way, a tick to read it, and a tick for what had been sent when the silence ended.
    expect(Math.max(...lateMs)).toBeLessThan(25 + 2 * (1000 / 60) + 1)
    expect(lateMs.length).toBeGreaterThan(200)
    pair.finish()
  })

  test('is over by the next probe, even if nobody plays', () => {
    const pair = pairOf()
    pair.play((side) => void side.send('pose')).run(1000)
    pair.play(undefined)
    plan(pair, [
      weather('nothing gets through', { up: { loss: 1 }, down: { loss: 1 } }),
      step('one message is sent', () => pair.client.send('chat')),
      pass(3000),
      weather('the line is back', { up: { loss: 0 }, down: { loss: 0 } }),
      pass(2000),
      step('it has arrived', () => expect(pair.client.models.get('chat')!.delivered).toBe(1)),
    ])
    pair.finish()
  })
})

describe('two endpoints with the same inputs', () => {
  test('send the same bytes', () => {
    const trace = (): string[] => {
      const line = { delayMs: 25, loss: 0.1, jitterMs: 5, reorder: true, duplicate: 0.05 }
      const pair = pairOf({ up: line, down: line, payloads: { largeShare: 0.1, maxBytes: 4000 } })
      const packets: string[] = []
      for (const side of pair.sides)
        side.onPacket = (_, packet) => packets.push(`${side.name} ${pair.now} ${packet.join(' ')}`)
      pair.play((side, _now, tick) => {
        for (const name of Object.keys(CHANNELS) as (keyof Table)[]) if (tick % 3 === 0) side.send(name)
      })
      pair.run(1500)
      return packets
    }
    expect(trace()).toEqual(trace())
  })
})
