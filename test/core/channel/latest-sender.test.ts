import { describe, expect, test } from 'vitest'
import { LatestSender } from '../../../src/core/channel/latest-sender.ts'
import type { ChannelOptions } from '../../../src/core/config.ts'
import { channelOf, randomOf, SenderRig, wordsOf } from '../support.ts'

function latest(options: Omit<ChannelOptions, 'kind'> = {}): SenderRig {
  return new SenderRig((config, outbox) => new LatestSender(config, outbox), channelOf('latest', options))
}

describe('a sender of latest values', () => {
  test('replaces what waits of a key in its place', () => {
    const rig = latest()
    rig.send('a', { key: 1 })
    rig.send('b', { key: 2 })
    rig.send('c', { key: 1 })
    expect(rig.verdicts).toEqual(['0 replaced'])
    expect(wordsOf(rig.packets())).toEqual(['2 1'])
  })

  test('sends a lost value again as long as it is the newest', () => {
    const rig = latest()
    rig.send('a', { key: 1 })
    const first = rig.packet()
    rig.lose(first)
    const second = rig.packet()
    expect(second.words).toEqual(['0'])
    rig.ack(second)
    expect(rig.verdicts).toEqual(['0 acked'])
    expect(rig.sender.hasUnsettled).toBe(false)
  })

  test('leaves an older value that is under way to its fate: acked if it arrives, replaced if it is lost', () => {
    const rig = latest()
    rig.send('a', { key: 1 })
    const first = rig.packet()
    rig.send('b', { key: 1 })
    const second = rig.packet()
    rig.send('c', { key: 1 })
    expect(rig.verdicts).toEqual([])
    rig.ack(first)
    rig.lose(second)
    expect(rig.verdicts).toEqual(['0 acked', '1 replaced'])
    expect(wordsOf(rig.packets())).toEqual(['2'])
  })

  test('a value that waits to go again gives way at once', () => {
    const rig = latest()
    rig.send('a', { key: 1 })
    rig.lose(rig.packet())
    rig.send('b', { key: 1 })
    expect(rig.verdicts).toEqual(['0 replaced'])
    expect(wordsOf(rig.packets())).toEqual(['1'])
  })

  test('a probe of an older value asks for nothing: the newer one stands for it', () => {
    const rig = latest()
    rig.send('a', { key: 1 })
    const first = rig.packet()
    rig.send('b', { key: 1 })
    rig.packet()
    rig.probe(first)
    expect(rig.verdicts).toEqual(['0 replaced'])
    expect(rig.sender.isPending).toBe(false)
  })

  test('messages without a key are one value', () => {
    const rig = latest()
    rig.send('a')
    rig.send('b')
    rig.send('c', { key: 0 })
    expect(wordsOf(rig.packets())).toEqual(['1 2'])
  })

  test('holds one waiting message a key, however often the game sends', () => {
    const rig = latest()
    for (let i = 0; i < 5_000; i++) rig.send('x', { key: i % 8 })
    expect(rig.stats.queuedMessages).toBe(8)
    expect(rig.sender.pendingBytes).toBe(8)
  })

  test('its limit of messages is one of keys: a known key always gets in', () => {
    const rig = latest({ maxQueuedMessages: 2 })
    rig.send('a', { key: 1 })
    rig.send('b', { key: 2 })
    expect(rig.send('c', { key: 3 })).toBeUndefined()
    expect(rig.send('d', { key: 2 })).toBe(2)
    rig.ack(rig.packet())
    expect(rig.send('e', { key: 3 })).toBe(3)
  })

  test('its limit of bytes counts what the newest values take', () => {
    const rig = latest({ maxMessageBytes: 100, maxQueuedBytes: 100 })
    rig.send(60, { key: 1 })
    expect(rig.send(41, { key: 2 })).toBeUndefined()
    expect(rig.send(100, { key: 1 })).toBe(1)
    expect(rig.send(10, { key: 1 })).toBe(2)
    expect(rig.send(90, { key: 2 })).toBe(3)
  })

  test('expires in the queue, and when it is lost under way', () => {
    const rig = latest()
    rig.send('a', { key: 1, ttlMs: 20 })
    rig.send('b', { key: 2, ttlMs: 20 })
    const packet = rig.packet(8)
    expect(packet.words).toEqual(['0'])
    rig.expire(20)
    expect(rig.verdicts).toEqual(['1 expired'])
    rig.lose(packet)
    expect(rig.packets()).toEqual([])
    expect(rig.verdicts).toEqual(['1 expired', '0 expired'])
    expect(rig.sender.hasUnsettled).toBe(false)
  })

  test('a replacement brings its own time', () => {
    const rig = latest()
    rig.send('a', { key: 1, ttlMs: 20 })
    rig.send('b', { key: 1, ttlMs: 500 })
    rig.expire(100)
    expect(wordsOf(rig.packets())).toEqual(['1'])
  })
})

describe('a large latest value', () => {
  test('that was replaced in the middle is skipped: the peer frees its pieces', () => {
    const rig = latest()
    rig.send(350, { key: 1 })
    const begun = rig.packet(120)
    expect(begun.words).toEqual(['0#0'])
    rig.send('small', { key: 1 })
    expect(rig.verdicts).toEqual(['0 replaced'])
    const rest = rig.packet()
    expect(rest.words).toEqual(['skip 0', '1'])
    rig.ack(begun)
    rig.ack(rest)
    expect(rig.verdicts).toEqual(['0 replaced', '1 acked'])
    expect(rig.sender.pendingBytes).toBe(0)
  })

  test('of which a piece was lost after it was replaced is skipped too', () => {
    const rig = latest()
    rig.send(250, { key: 1 })
    const pieces = rig.packets(120)
    rig.send('small', { key: 1 })
    rig.packet()
    rig.ack(pieces[0]!)
    rig.lose(pieces[1]!)
    expect(rig.verdicts).toEqual(['0 replaced'])
    const skip = rig.packet()
    expect(skip.words).toEqual(['skip 0'])
    rig.lose(skip)
    expect(wordsOf([rig.packet()])).toEqual(['skip 0'])
  })

  test('at most 64 are under way, and each end of one lets the next begin', () => {
    const rig = latest()
    for (let key = 0; key < 66; key++) rig.send(150, { key })
    const pieces = rig.packets(150)
    expect(pieces.length).toBe(128)
    expect(rig.sender.isPending).toBe(false)
    rig.ack(pieces[0]!)
    rig.ack(pieces[1]!)
    expect(wordsOf(rig.packets(150))).toEqual(['64#0', '64#1'])
  })

  test('no more than W bytes are under way', () => {
    const rig = latest({ maxMessageBytes: 30_000 })
    for (let key = 0; key < 3; key++) rig.send(30_000, { key })
    expect(new Set(rig.packets(150).map(({ words }) => words[0]!.split('#')[0]))).toEqual(new Set(['0', '1']))
  })
})

describe('any story of it', () => {
  test('ends with one verdict for each value, and the newest of each key acked', () => {
    const random = randomOf(21)
    const rig = latest()
    const newest = new Map<number, number>()
    const open: ReturnType<SenderRig['packet']>[] = []
    const resolve = (loss: number): void => {
      const [packet] = open.splice(Math.floor(random() * open.length), 1)
      if (random() < loss) rig.lose(packet!)
      else rig.ack(packet!)
    }
    for (let i = 0; i < 1_500; i++) {
      const key = Math.floor(random() * 6)
      newest.set(key, rig.send(random() < 0.15 ? 250 : 20, { key })!)
      if (random() < 0.5) open.push(...rig.packets(140))
      while (open.length > 6) resolve(0.3)
    }
    while (open.length > 0 || rig.sender.isPending) {
      open.push(...rig.packets(140))
      if (open.length > 0) resolve(0)
    }
    expect(rig.verdicts.length).toBe(1_500)
    expect(new Set(rig.verdicts.map((line) => line.split(' ')[0])).size).toBe(1_500)
    for (const id of newest.values()) expect(rig.verdicts).toContain(`${id} acked`)
    expect(rig.sender.hasUnsettled).toBe(false)
    expect(rig.sender.pendingBytes).toBe(0)
    expect(rig.stats).toMatchObject({ queuedMessages: 0, queuedBytes: 0 })
  })

  test('at the end, what is open is closed', () => {
    const rig = latest()
    rig.send('a', { key: 1 })
    const old = rig.packet()
    rig.send('b', { key: 1 })
    const recent = rig.packet()
    rig.send('c', { key: 2 })
    rig.end(old, recent)
    expect(rig.verdicts.sort()).toEqual(['0 closed', '1 closed', '2 closed'])
  })
})
