import { describe, expect } from 'vitest'
import type { Pair as AnyPair } from '../support/pair.ts'
import { Pair } from '../support/pair.ts'
import { seeded } from '../support/seeds.ts'
import type { Side } from '../support/side.ts'

const CHANNELS = {
  pose: { kind: 'unreliable' },
  look: { kind: 'sequenced' },
  hits: { kind: 'reliable', redundancy: 'none' },
  chat: { kind: 'ordered', redundancy: 'none' },
  doors: { kind: 'latest', redundancy: 'none' },
} as const

type Game = Pair<typeof CHANNELS>

/** Something on every channel in every tick: one packet each way at 60 Hz. */
function chatter(side: Side<typeof CHANNELS>, _now: number, tick: number): void {
  side.send('pose')
  side.send('look')
  if (tick % 3 === 0) side.send('hits')
  if (tick % 5 === 0) side.send('chat')
  side.send('doors', { key: tick % 7 })
}

/** Runs for as long as 500 packets of one side take at 60 Hz. */
function runPackets(pair: AnyPair<typeof CHANNELS>, side: Side<typeof CHANNELS>, count: number): void {
  const from = side.packets
  if (!pair.runUntil(() => side.packets >= from + count, 9900)) throw new Error('too few packets')
}

function game(seed: number, drain: 'event' | 'tick'): Game {
  // Nothing adapts: the packets leave although nothing is heard, and there are enough of them to lose.
  const both = { timeoutMs: 30_000, congestion: 'fixed' } as const
  const pair = new Pair({
    seed,
    channels: CHANNELS,
    up: { delayMs: 37 },
    down: { delayMs: 37 },
    both,
    drain,
    lostMeansLost: true,
  })
  return pair.open().play(chatter).run(1000)
}

describe('after a burst of 500 lost packets', () => {
  for (const drain of ['event', 'tick'] as const) {
    seeded(`nothing that came is called lost or sent again (packets leave at each ${drain})`, 2, (seed) => {
      const pair = game(seed, drain)
      const before = { ...pair.client.endpoint.stats }
      const { lost } = pair.world.up.counters
      pair.world.set({ up: { loss: 1 } })
      runPackets(pair, pair.client, 500)
      pair.world.set({ up: { loss: 0 } })
      pair.run(2000)
      pair.finish()
      const { stats } = pair.client.endpoint
      expect(pair.world.up.counters.lost - lost).toBeGreaterThanOrEqual(500)
      // Exactly the lost ones, none taken back.
      expect(stats.packetsLost - before.packetsLost).toBe(pair.world.up.counters.lost - lost)
      expect(pair.server.endpoint.stats.duplicateMessages).toBe(0)
      expect(pair.client.endpoint.stats.duplicateMessages).toBe(0)
      expect(pair.server.endpoint.stats.resends).toBe(0)
    })
  }
})

describe('after a burst of 500 lost acks', () => {
  for (const drain of ['event', 'tick'] as const) {
    seeded(`nothing that came is called lost or sent again (packets leave at each ${drain})`, 2, (seed) => {
      const pair = game(seed, drain)
      // The server has nothing to say in this one: it only acknowledges.
      pair.play((side, now, tick) => {
        if (side === pair.client) chatter(side, now, tick)
      })
      pair.run(1000)
      pair.world.set({ down: { loss: 1 } })
      runPackets(pair, pair.server, 500)
      pair.world.set({ down: { loss: 0 } })
      pair.run(2000)
      pair.finish()
      const { stats } = pair.client.endpoint
      expect(stats.packetsLost).toBe(0)
      expect(stats.resends).toBe(0)
      expect(stats.messagesLost).toBe(0)
      expect(pair.server.endpoint.stats.duplicateMessages).toBe(0)
    })

    seeded(`a peer that talks too sends again only what was lost (packets leave at each ${drain})`, 2, (seed) => {
      const pair = game(seed, drain)
      pair.world.set({ down: { loss: 1 } })
      runPackets(pair, pair.server, 500)
      pair.world.set({ down: { loss: 0 } })
      pair.run(2000)
      pair.finish()
      expect(pair.client.endpoint.stats.packetsLost).toBe(0)
      expect(pair.client.endpoint.stats.resends).toBe(0)
      expect(pair.client.endpoint.stats.messagesLost).toBe(0)
      expect(pair.server.endpoint.stats.duplicateMessages).toBe(0)
      expect(pair.client.endpoint.stats.duplicateMessages).toBe(0)
    })
  }

  seeded('nor when four packets in ten are lost the other way, and half of the acks that then come', 8, (seed) => {
    const channels = { pose: { kind: 'unreliable' }, bulk: { kind: 'reliable', redundancy: 'none' } } as const
    const pair = new Pair({
      seed,
      channels,
      up: { delayMs: 20, loss: 0.4 },
      down: { delayMs: 20 },
      lostMeansLost: true,
    })
    pair.open().play((side, _now, tick) => {
      if (side === pair.client) side.send('pose')
      // Full fragments leave no room for a long ack field beside them.
      else if (tick % 12 === 0) side.send('bulk', { bytes: 2500 })
    })
    pair.run(500)
    pair.world.set({ down: { loss: 1 } })
    pair.run(8400)
    pair.world.set({ down: { loss: 0.5 } })
    pair.run(1500)
    pair.finish()
    expect(pair.server.endpoint.stats.duplicateMessages).toBe(0)
  })

  seeded('an ack field stays at 8 bytes of header in the steady state', 1, (seed) => {
    const pair = game(seed, 'tick')
    const { packetsSent, headerBytesSent } = { ...pair.client.endpoint.stats }
    pair.run(5000)
    const { stats } = pair.client.endpoint
    expect((stats.headerBytesSent - headerBytesSent) / (stats.packetsSent - packetsSent)).toBeLessThanOrEqual(8)
  })
})
