import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../src/core/bytes.ts'
import type { ChannelKind } from '../../src/core/events.ts'
import { Random } from '../../src/sim/index.ts'
import { Pair } from '../support/pair.ts'
import { seeded } from '../support/seeds.ts'
import type { Side } from '../support/side.ts'
import type { PacketTree } from '../wire/oracle.ts'

type Table = {
  readonly c: {
    readonly kind: ChannelKind
    readonly maxMessageBytes: number
    readonly maxQueuedMessages: number
    readonly maxQueuedBytes: number
  }
}

const MESSAGE_BYTES = 2000
const LINE = { delayMs: 20 }

function pairOf(kind: ChannelKind, seed: number): Pair<Table> {
  const channels = {
    c: { kind, maxMessageBytes: MESSAGE_BYTES, maxQueuedMessages: 200, maxQueuedBytes: 400_000 },
  } as const
  return new Pair<Table>({
    seed,
    channels,
    up: LINE,
    down: LINE,
    both: { maxPacketBytes: 256, timeoutMs: 60_000, congestion: 'fixed' },
  }).open()
}

/** Thousands of messages that are lost, expire, are replaced and refused. */
function storm(pair: Pair<Table>, kind: ChannelKind, seed: number): void {
  const random = new Random(seed)
  const isKeyed = kind === 'sequenced' || kind === 'latest'
  const bad = { delayMs: 40, jitterMs: 30, reorder: true, loss: 0.3, duplicate: 0.1 }
  pair.world.set({ up: bad, down: bad })
  pair.play((side) => {
    if (side !== pair.client) return
    side.endpoint.backlogBytes = random.chance(0.1) ? 1e6 : 0
    for (let i = random.uint32() % 12; i > 0; i--) {
      side.send('c', {
        bytes: random.chance(0.4) ? 200 + (random.uint32() % (MESSAGE_BYTES - 200)) : 4 + (random.uint32() % 60),
        ...(isKeyed ? { key: random.uint32() % 40 } : {}),
        ...(random.chance(0.5) ? { ttlMs: 1 + (random.uint32() % 300) } : {}),
      })
    }
  })
  for (let i = 0; i < 3; i++) {
    pair.run(1000)
    pair.world.set({ up: { loss: 1 } })
    pair.run(700)
    pair.world.set({ up: { loss: 0.3 } })
  }
  pair.play(undefined)
  pair.client.endpoint.backlogBytes = 0
  const calm = { ...LINE, jitterMs: 0, reorder: false, loss: 0, duplicate: 0 }
  pair.world.set({ up: calm, down: calm })
  pair.finish()
  pair.run(3000)
}

/** What a channel lets pass while the first fragment of every message is held back: its windows, seen from outside. */
function windowsOf(pair: Pair<Table>, kind: ChannelKind): Record<string, number> {
  const { client, server } = pair
  const begun = new Set<number>()
  let tree: PacketTree | undefined
  const poll = client.pollPacket.bind(client)
  let isHeld = true
  client.onPacket = (read) => {
    tree = read
  }
  client.pollPacket = (): Bytes | undefined => {
    for (;;) {
      const packet = poll()
      const last = packet === undefined || tree?.form !== 'data' ? undefined : tree.records.at(-1)
      if (last?.type !== 'fragment') return packet
      begun.add(last.group)
      if (!isHeld || last.index !== 0) return packet
    }
  }
  const { refusals, packetsRefused } = server.endpoint.stats
  const before = { full: refusals.reassemblyFull, refused: packetsRefused }
  const taken = fill(client, kind)
  pair.run(3000)
  isHeld = false
  const seen = {
    taken,
    begun: begun.size,
    reassemblyFull: refusals.reassemblyFull - before.full,
    refused: server.endpoint.stats.packetsRefused - before.refused,
    inFlight: client.endpoint.stats.packetsInFlight,
  }
  pair.finish()
  return {
    ...seen,
    inFlightAtEnd: client.endpoint.stats.packetsInFlight,
    bytesInFlight: client.endpoint.stats.bytesInFlight,
  }
}

/** Sends large messages until the channel is full; says how many it took. */
function fill(side: Side<Table>, kind: ChannelKind): number {
  for (let taken = 0; taken < 500; taken++) {
    const key = kind === 'latest' || kind === 'sequenced' ? { key: 1000 + taken } : {}
    if (side.send('c', { bytes: MESSAGE_BYTES, ...key }) === undefined) return taken
  }
  return 500
}

describe('after a storm every limit is where it was', () => {
  for (const kind of ['reliable', 'ordered', 'latest'] as const) {
    seeded(kind, 1, (seed) => {
      const fresh = windowsOf(pairOf(kind, seed), kind)
      const worn = pairOf(kind, seed)
      storm(worn, kind, seed)
      expect(worn.client.endpoint.stats.packetsInFlight).toBeLessThan(10)
      const after = windowsOf(worn, kind)
      expect(fresh['taken']).toBe(200)
      expect({ ...after, inFlight: 0, inFlightAtEnd: 0, bytesInFlight: 0 }).toEqual({
        ...fresh,
        inFlight: 0,
        inFlightAtEnd: 0,
        bytesInFlight: 0,
      })
    })
  }

  for (const kind of ['unreliable', 'sequenced'] as const) {
    seeded(kind, 1, (seed) => {
      const pair = pairOf(kind, seed)
      storm(pair, kind, seed)
      pair.client.endpoint.backlogBytes = 1e6
      for (let i = 0; i < 300; i++)
        pair.client.send('c', { bytes: MESSAGE_BYTES, ...(kind === 'sequenced' ? { key: i } : {}) })
      expect(pair.client.endpoint.stats.queuedMessages).toBe(200)
      expect(pair.client.endpoint.stats.queuedBytes).toBe(400_000)
      pair.client.endpoint.backlogBytes = 0
      pair.finish()
    })
  }
})

describe('the pool', () => {
  test('allocates nothing more once it is warm', () => {
    const channels = { pose: { kind: 'unreliable' }, hits: { kind: 'reliable' }, doors: { kind: 'latest' } } as const
    const line = { delayMs: 50, loss: 0.1 }
    const pair = new Pair({
      seed: 1,
      channels,
      up: line,
      down: line,
      payloads: { largeShare: 0.2, maxBytes: 1086 },
    }).open()
    pair.play((side, _now, tick) => {
      side.send('pose')
      side.send('hits')
      side.send('doors', { key: tick % 9 })
    })
    pair.run(10_000)
    const misses = pair.client.endpoint.stats.poolMisses
    pair.run(10_000)
    expect(pair.client.endpoint.stats.poolMisses - misses).toBeLessThan(misses * 0.15)
    pair.finish()
  })

  test('may be left out: every message gets a block of its own then', () => {
    const channels = { hits: { kind: 'reliable' } } as const
    const pair = new Pair({ seed: 1, channels, both: { pooled: false } }).open()
    for (let i = 0; i < 100; i++) pair.client.send('hits')
    pair.finish()
    expect(pair.client.endpoint.stats.poolMisses).toBe(100)
  })
})
