import { describe, expect, test } from 'vitest'
import type { ChannelOptions, ChannelTable } from '../../src/index.ts'
import { Pair, type PairOptions } from '../support/pair.ts'
import { pass, plan, step, weather } from '../support/plan.ts'
import { seeded } from '../support/seeds.ts'

const LINE = { delayMs: 20 }
const DARK = { up: { loss: 1 }, down: { loss: 1 } }
const LIGHT = { up: { loss: 0 }, down: { loss: 0 } }
const RELIABLE = ['reliable', 'ordered', 'latest'] as const
const UNRELIABLE = ['unreliable', 'sequenced'] as const

function pairOf<Table extends ChannelTable>(channels: Table, options: Partial<PairOptions<Table>> = {}): Pair<Table> {
  return new Pair<Table>({ seed: 1, channels, up: LINE, down: LINE, ...options }).open()
}

function one(
  options: ChannelOptions,
  more: Partial<PairOptions<{ c: ChannelOptions }>> = {},
): Pair<{ c: ChannelOptions }> {
  return pairOf({ c: options }, more)
}

describe('the queue of a channel', () => {
  for (const kind of UNRELIABLE) {
    const key = (i: number): { key?: number } => (kind === 'sequenced' ? { key: i } : {})

    test(`${kind}: beyond maxQueuedMessages the oldest is lost, and nothing else`, () => {
      const pair = one({ kind, maxQueuedMessages: 10 })
      const lost: number[] = []
      pair.client.onVerdict = (_, number, verdict) => {
        if (verdict === 'lost') lost.push(number)
      }
      for (let i = 0; i < 25; i++) expect(pair.client.send('c', key(i))).toBe(i)
      expect(pair.client.endpoint.stats.queuedMessages).toBe(10)
      pair.finish()
      expect(lost).toEqual(Array.from({ length: 15 }, (_, i) => i))
      expect(pair.client.models.get('c')!.delivered).toBe(10)
    })

    test(`${kind}: beyond maxQueuedBytes the oldest are lost, as many as it takes`, () => {
      const pair = one({ kind, maxMessageBytes: 5000, maxQueuedBytes: 6000 })
      for (let i = 0; i < 10; i++) pair.client.send('c', { bytes: 1000, ...key(i) })
      expect(pair.client.endpoint.stats.queuedBytes).toBe(6000)
      pair.client.send('c', { bytes: 4500, ...key(10) })
      expect(pair.client.endpoint.stats.queuedBytes).toBe(5500)
      pair.finish()
      expect(pair.client.models.get('c')!.verdicts).toMatchObject({ lost: 9, acked: 2 })
    })
  }

  for (const kind of UNRELIABLE) {
    test(`${kind}: one that is always full still completes messages in fragments: what has begun is not dropped for what has not`, () => {
      const pair = one({ kind, maxQueuedMessages: 100, maxMessageBytes: 8192 }, { both: { bytesPerSecond: 20_000 } })
      let key = 0
      pair.play((side) => {
        if (side === pair.client)
          for (let i = 0; i < 3; i++) side.send('c', { bytes: 4000, ...(kind === 'sequenced' ? { key: ++key } : {}) })
      })
      pair.run(10_000)
      // The line has room for 50 messages of 4,000 bytes.
      expect(pair.client.models.get('c')!.delivered).toBeGreaterThan(40)
    })
  }

  test('sequenced: a message that waits is replaced in its place by a newer one of its key', () => {
    const pair = one({ kind: 'sequenced' })
    for (let round = 0; round < 5; round++) for (let key = 0; key < 4; key++) pair.client.send('c', { key })
    expect(pair.client.endpoint.stats.queuedMessages).toBe(4)
    pair.finish()
    expect(pair.client.models.get('c')!.verdicts).toMatchObject({ replaced: 16, acked: 4 })
  })

  for (const kind of RELIABLE) {
    test(`${kind}: is full at its limit, stays up, and takes more once there is room`, () => {
      const pair = one({ kind, maxQueuedMessages: 50 })
      let refused = 0
      let key = 0
      pair.play((side) => {
        if (side !== pair.client) return
        for (let i = 0; i < 30; i++)
          if (side.send('c', kind === 'latest' ? { key: key++ } : {}) === undefined) refused++
        expect(side.endpoint.stats.messagesSent - side.endpoint.stats.messagesAcked).toBeLessThanOrEqual(50 + 30)
      })
      pair.run(3000)
      pair.finish()
      expect(refused).toBeGreaterThan(1000)
      const model = pair.client.models.get('c')!
      expect(model.delivered).toBe(model.sent)
      expect(model.sent).toBeGreaterThan(1000)
    })
  }

  test('latest: 500 entities at 60 Hz for 10 s on a blocked line wait in 500 places', () => {
    const pair = pairOf({ c: { kind: 'latest' } } as const, { both: { timeoutMs: 60_000 } })
    let most = 0
    plan(pair, [
      weather('nothing gets through', DARK),
      step('the game goes on for 10 s', () => {
        pair.play((side) => {
          if (side !== pair.client) return
          for (let key = 0; key < 500; key++) side.send('c', { key })
          most = Math.max(most, side.endpoint.stats.queuedMessages)
        })
        pair.run(10_000)
      }),
      step('no more than one message of each waits', () => expect(most).toBeLessThanOrEqual(500)),
      weather('the line opens', LIGHT),
      step('the last word on each arrives', () => pair.finish()),
    ])
    expect(pair.client.models.get('c')!.sent).toBe(300_000)
  })

  test('sequenced: the same with a stalled driver', () => {
    const pair = pairOf({ c: { kind: 'sequenced' } } as const)
    pair.client.endpoint.backlogBytes = 1e6
    for (let tick = 0; tick < 600; tick++) {
      for (let key = 0; key < 500; key++) pair.client.send('c', { key })
      pair.client.read()
    }
    expect(pair.client.endpoint.stats.queuedMessages).toBe(500)
    pair.client.endpoint.backlogBytes = 0
    pair.finish()
    expect(pair.client.models.get('c')!.verdicts).toMatchObject({ acked: 500 })
  })
})

describe('what the game may leave unread', () => {
  test('maxEvents: more is refused and comes again', () => {
    const pair = one({ kind: 'ordered' }, { both: { maxEvents: 64 } })
    pair.server.isReading = false
    for (let i = 0; i < 300; i++) pair.client.send('c', { bytes: 300 })
    pair.run(3000)
    expect(pair.server.endpoint.stats.messagesReceived).toBeLessThanOrEqual(64 + 3)
    expect(pair.server.endpoint.stats.packetsRefused).toBeGreaterThan(0)
    pair.server.isReading = true
    pair.finish()
    expect(pair.client.models.get('c')!.delivered).toBe(300)
  })

  test('maxEventBytes: more is refused and comes again', () => {
    const pair = one({ kind: 'reliable' }, { both: { maxEventBytes: 10_000 } })
    pair.server.isReading = false
    for (let i = 0; i < 100; i++) pair.client.send('c', { bytes: 1000 })
    pair.run(2000)
    expect(pair.server.endpoint.stats.appBytesReceived).toBeLessThanOrEqual(11_000)
    pair.server.isReading = true
    pair.finish()
  })
})

describe('keys', () => {
  test('sequenced: more than maxKeys at once are not delivered, and not acked', () => {
    const pair = one({ kind: 'sequenced', maxKeys: 10 })
    for (let key = 0; key < 15; key++) pair.client.send('c', { key, bytes: 800 })
    pair.finish()
    expect(pair.client.models.get('c')!.verdicts).toMatchObject({ acked: 10, lost: 5 })
    expect(pair.server.endpoint.stats.refusals.tooManyKeys).toBe(5)
  })

  for (const bytes of [40, 3000]) {
    test(`latest: a key of ${bytes} bytes that finds no room arrives once others have been silent for 1,024 packets`, () => {
      const pair = pairOf({ c: { kind: 'latest', maxKeys: 10 }, pose: { kind: 'unreliable' } } as const)
      for (let key = 0; key < 15; key++) pair.client.send('c', { key, bytes })
      pair.run(2000)
      expect(pair.client.models.get('c')!.delivered).toBe(10)
      pair.play((side) => void side.send('pose'))
      pair.run(60_000)
      pair.finish()
      expect(pair.client.models.get('c')!.verdicts.acked).toBe(15)
    })
  }
})

describe('the largest message', () => {
  for (const kind of [...UNRELIABLE, ...RELIABLE]) {
    test(`${kind}: 1 MiB by default`, () => {
      const bytesPerSecond = 10e6
      const pair = one({ kind }, { both: { bytesPerSecond } })
      pair.client.send('c', { bytes: 1 << 20 })
      pair.finish()
      expect(pair.client.models.get('c')!.delivered).toBe(1)
    })
  }

  test('16 MiB by option, over a line that loses packets', () => {
    const both = { bytesPerSecond: 50e6, maxEventBytes: 64e6 }
    // One packet in 40 is read by the oracle: there are 15,000.
    const checksPackets = (packet: number): boolean => packet % 40 === 0
    const pair = one(
      { kind: 'ordered', maxMessageBytes: 1 << 24 },
      { both, up: { ...LINE, loss: 0.02 }, checksPackets },
    )
    pair.client.send('c', { bytes: 1 << 24 })
    pair.finish()
    expect(pair.client.models.get('c')!.delivered).toBe(1)
    const { stats } = pair.client.endpoint
    // Only what was lost is sent again.
    expect(stats.resends).toBeLessThan(1.2 * pair.world.up.counters.lost)
  })

  seeded('unreliable ones in pieces are given up after reassemblyMs', 3, (seed) => {
    const both = { reassemblyMs: 500 }
    const pair = one({ kind: 'unreliable' }, { seed, both, up: { ...LINE, loss: 0.3 }, lostMeansLost: true })
    pair.play((side, _now, tick) => {
      if (side === pair.client && tick % 4 === 0) side.send('c', { bytes: 4000 })
    })
    pair.run(5000)
    pair.finish()
    const { verdicts } = pair.client.models.get('c')!
    expect(verdicts.acked).toBeGreaterThan(10)
    expect(verdicts.lost).toBeGreaterThan(10)
  })
})

describe('the backlog below', () => {
  test('above maxBacklogBytes nothing leaves, not even an ack, and all of it goes on once it has drained', () => {
    const pair = one({ kind: 'ordered' }, { both: { maxBacklogBytes: 4600 } })
    plan(pair, [
      step('4,601 bytes wait below the client', () => {
        pair.client.endpoint.backlogBytes = 4601
        pair.client.send('c')
        pair.server.send('c')
      }),
      step('a second passes', () => {
        const before = pair.client.packets
        // Nothing can be done before the driver says that the backlog is gone, so it is asked at ticks only.
        pair.world.run(0)
        for (let i = 1; i <= 60; i++) {
          pair.client.update(pair.now + i * 16)
          expect(pair.client.pollPacket()).toBeUndefined()
        }
        expect(pair.client.packets).toBe(before)
      }),
      step('4,600 are not too many', () => {
        pair.client.endpoint.backlogBytes = 4600
        pair.finish()
      }),
    ])
  })
})

describe('time-to-live', () => {
  for (const kind of [...UNRELIABLE, ...RELIABLE]) {
    test(`${kind}: what waits longer expires, in the queue`, () => {
      const pair = one({ kind, ttlMs: 100 })
      pair.client.endpoint.backlogBytes = 1e6
      const at: number[] = []
      pair.client.onVerdict = (_, __, verdict, when) => {
        expect(verdict).toBe('expired')
        at.push(when)
      }
      const sentAt = pair.now
      for (let i = 0; i < 5; i++)
        pair.client.endpoint.send('c', new Uint8Array(10), kind === 'latest' || kind === 'sequenced' ? { key: i } : {})
      for (let ms = 0; ms <= 120; ms += 10) pair.client.endpoint.update(sentAt + ms)
      const events = Array.from({ length: 5 }, () => pair.client.endpoint.pollEvent())
      expect(events).toEqual(
        Array.from({ length: 5 }, (_, id) => ({
          type: 'verdict',
          channel: 'c',
          id,
          verdict: 'expired',
          at: sentAt + 100,
        })),
      )
      expect(pair.client.endpoint.stats).toMatchObject({ queuedMessages: 0, queuedBytes: 0, messagesExpired: 5 })
    })
  }

  for (const kind of RELIABLE) {
    for (const bytes of [40, 4000]) {
      test(`${kind}: what was lost is not sent again after it, ${bytes} bytes, and what comes behind is not held up`, () => {
        const pair = one({ kind })
        const key = (i: number): { key?: number } => (kind === 'latest' ? { key: i } : {})
        pair.run(200)
        pair.world.set(DARK)
        for (let i = 0; i < 10; i++) pair.client.send('c', { bytes, ttlMs: 150, ...key(i) })
        pair.run(400)
        pair.world.set(LIGHT)
        for (let i = 10; i < 20; i++) pair.client.send('c', { bytes, ...key(i) })
        pair.finish()
        const model = pair.client.models.get('c')!
        expect(model.verdicts).toMatchObject({ expired: 10, acked: 10 })
        expect(model.delivered).toBe(10)
      })
    }
  }
})

describe('64 channels', () => {
  test('work side by side', () => {
    const kinds = [...UNRELIABLE, ...RELIABLE]
    const channels = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`channel ${i}`, { kind: kinds[i % 5]! }]))
    const pair = pairOf(channels as ChannelTable, { up: { ...LINE, loss: 0.1 }, down: { ...LINE, loss: 0.1 } })
    pair.play((side) => {
      for (const name of Object.keys(channels)) side.send(name)
    })
    plan(pair, [pass(1000), step('all promises were kept', () => pair.finish())])
  })
})
