import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../src/core/bytes.ts'
import type { ChannelOptions, ChannelTable } from '../../src/index.ts'
import { Pair, type PairOptions } from '../support/pair.ts'
import type { Side } from '../support/side.ts'
import type { FragmentTree, PacketTree } from '../wire/oracle.ts'

const LINE = { delayMs: 20 }
const DARK = { up: { loss: 1 }, down: { loss: 1 } }
const LIGHT = { up: { loss: 0 }, down: { loss: 0 } }
const RELIABLE = ['reliable', 'ordered', 'latest'] as const

function pairOf<Table extends ChannelTable>(channels: Table, options: Partial<PairOptions<Table>> = {}): Pair<Table> {
  return new Pair<Table>({ seed: 1, channels, up: LINE, down: LINE, ...options }).open()
}

function one(
  options: ChannelOptions,
  more: Partial<PairOptions<{ c: ChannelOptions }>> = {},
): Pair<{ c: ChannelOptions }> {
  return pairOf({ c: options }, more)
}

/** Drops the packets that `isHit` names, as a picky network would. */
function droppingPackets<Table extends ChannelTable>(side: Side<Table>, isHit: (tree: PacketTree) => boolean): void {
  const poll = side.pollPacket.bind(side)
  let tree: PacketTree | undefined
  side.onPacket = (read) => {
    tree = read
  }
  side.pollPacket = (): Bytes | undefined => {
    for (;;) {
      const packet = poll()
      if (packet === undefined || tree === undefined || !isHit(tree)) return packet
    }
  }
}

function fragmentOf(tree: PacketTree): FragmentTree | undefined {
  const last = tree.form === 'data' ? tree.records.at(-1) : undefined
  return last?.type === 'fragment' ? last : undefined
}

describe('what may be under way', () => {
  for (const kind of ['reliable', 'ordered'] as const) {
    test(`${kind}: no id beyond the oldest unsettled one + 4,095`, () => {
      const pair = one({ kind, maxQueuedMessages: 4096 }, { both: { timeoutMs: 60_000 } })
      let highest = 0
      let isHeld = true
      droppingPackets(pair.client, (tree) => {
        if (tree.form !== 'data') return false
        const ids = tree.records.flatMap((record) => (record.type === 'message' ? [record.id!] : []))
        if (ids.length > 0) highest = Math.max(highest, ...ids)
        return isHeld && ids.includes(0)
      })
      pair.play((side) => {
        if (side === pair.client) for (let i = 0; i < 60; i++) side.send('c', { bytes: 8 })
      })
      pair.run(5000)
      expect(highest).toBe(4095)
      isHeld = false
      pair.run(2000)
      expect(highest).toBeGreaterThan(4095)
      pair.finish()
      expect(pair.server.endpoint.stats.packetsMalformed).toBe(0)
    })

    test(`${kind}: no skip of an id out of reach when messages expire behind one that is held up`, () => {
      const pair = one({ kind, maxQueuedMessages: 4096 })
      pair.world.set(DARK)
      pair.client.send('c')
      pair.run(20)
      for (let i = 0; i < 9000; i++) {
        pair.client.send('c', { ttlMs: 5 })
        if (i % 500 === 499) pair.run(20)
      }
      pair.run(500)
      pair.world.set(LIGHT)
      pair.finish()
      expect(pair.server.endpoint.stats.packetsMalformed).toBe(0)
    })
  }

  for (const kind of RELIABLE) {
    const key = (i: number): { key?: number } => (kind === 'latest' ? { key: i } : {})

    test(`${kind}: no more bytes of fragmented messages than the window`, () => {
      const pair = one({ kind, maxMessageBytes: 5000 }, { both: { timeoutMs: 60_000 } })
      const begun = new Set<number>()
      droppingPackets(pair.client, (tree) => {
        const fragment = fragmentOf(tree)
        if (fragment !== undefined) begun.add(fragment.group)
        return fragment !== undefined && fragment.index === 0
      })
      for (let i = 0; i < 100; i++) pair.client.send('c', { bytes: 5000, ...key(i) })
      pair.run(5000)
      // max(65,536, 2 · 5,000) bytes hold 13 messages of 5,000.
      expect(begun.size).toBe(13)
    })

    test(`${kind}: no more than 64 fragmented messages`, () => {
      const pair = one({ kind }, { both: { timeoutMs: 60_000, maxPacketBytes: 256, congestion: 'fixed' } })
      const begun = new Set<number>()
      let isHeld = true
      droppingPackets(pair.client, (tree) => {
        const fragment = fragmentOf(tree)
        if (fragment !== undefined) begun.add(fragment.group)
        return isHeld && fragment !== undefined && fragment.index === 0
      })
      for (let i = 0; i < 200; i++) pair.client.send('c', { bytes: 300, ...key(i) })
      pair.run(5000)
      expect(begun.size).toBe(64)
      isHeld = false
      pair.finish()
      expect(pair.server.endpoint.stats.refusals.reassemblyFull).toBe(0)
      expect(pair.client.models.get('c')!.delivered).toBe(200)
    })
  }

  test('latest: a fragmented message is not taken for done when many others begin and end while it is held up', () => {
    const pair = one({ kind: 'latest' }, { both: { maxPacketBytes: 256 } })
    let dropped = 0
    droppingPackets(pair.client, (tree) => {
      const fragment = fragmentOf(tree)
      return fragment !== undefined && fragment.group === 0 && fragment.index === 0 && dropped++ < 40
    })
    pair.client.send('c', { key: 0, bytes: 300 })
    let key = 0
    pair.play((side) => {
      if (side === pair.client) for (let i = 0; i < 8; i++) side.send('c', { key: ++key, bytes: 300 })
    })
    pair.run(3000)
    pair.finish()
    expect(key).toBeGreaterThan(256)
  })

  test('768 packets in flight, and pings beyond', () => {
    const pair = pairOf({ c: { kind: 'unreliable' } } as const, { both: { timeoutMs: 60_000, congestion: 'fixed' } })
    pair.play((side) => void side.send('c')).run(1000)
    pair.world.set(DARK)
    let most = 0
    pair.play((side) => {
      if (side !== pair.client) return
      for (let i = 0; i < 3; i++) side.send('c', { bytes: 1000 })
      most = Math.max(most, side.endpoint.stats.packetsInFlight)
    })
    pair.run(12_000)
    expect(most).toBeGreaterThanOrEqual(768)
    expect(most).toBeLessThan(800)
    pair.world.set(LIGHT)
    pair.run(3000)
    expect(pair.client.endpoint.stats.packetsInFlight).toBeLessThan(20)
    pair.finish()
  })
})
