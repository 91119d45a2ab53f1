import { describe, expect, test } from 'vitest'
import { UnreliableSender } from '../../../src/core/channel/unreliable-sender.ts'
import type { ChannelOptions } from '../../../src/core/config.ts'
import { channelOf, SenderRig, wordsOf } from '../support.ts'

type Options = Omit<ChannelOptions, 'kind'>

function unreliable(options: Options = {}): SenderRig {
  return new SenderRig((config, outbox) => new UnreliableSender(config, outbox), channelOf('unreliable', options))
}

function sequenced(options: Options = {}): SenderRig {
  return new SenderRig((config, outbox) => new UnreliableSender(config, outbox), channelOf('sequenced', options))
}

describe('an unreliable sender', () => {
  test('numbers messages and sends each once, in order, as many as fit', () => {
    const rig = unreliable()
    for (let i = 0; i < 5; i++) expect(rig.send(30)).toBe(i)
    expect(wordsOf(rig.packets(100))).toEqual(['0 1 2', '3 4'])
    expect(rig.sender.isPending).toBe(false)
    expect(rig.sender.hasUnsettled).toBe(false)
  })

  test('an ack is a verdict, a loss only when it is final', () => {
    const rig = unreliable()
    rig.send('a')
    rig.send('b')
    const [first, second] = [rig.packet(3), rig.packet(3)]
    rig.ack(first)
    rig.lose(second)
    expect(rig.verdicts).toEqual(['0 acked'])
    expect(rig.sender.isPending).toBe(false)
    rig.loseForGood(second)
    expect(rig.verdicts).toEqual(['0 acked', '1 lost'])
  })

  test('a late ack takes a loss back; after the verdict nothing counts', () => {
    const rig = unreliable()
    rig.send('a')
    const packet = rig.packet()
    rig.lose(packet)
    rig.ack(packet)
    rig.loseForGood(packet)
    rig.ack(packet)
    expect(rig.verdicts).toEqual(['0 acked'])
  })

  test('is not probed for', () => {
    const rig = unreliable()
    rig.send('a')
    rig.probe(rig.packet())
    expect(rig.sender.isPending).toBe(false)
  })

  test('above its limit of messages it drops the oldest', () => {
    const rig = unreliable({ maxQueuedMessages: 3 })
    for (let i = 0; i < 5; i++) rig.send('x')
    expect(rig.verdicts).toEqual(['0 lost', '1 lost'])
    expect(wordsOf(rig.packets())).toEqual(['2 3 4'])
    expect(rig.stats).toMatchObject({ messagesLost: 2, queuedMessages: 0, queuedBytes: 0 })
  })

  test('above its limit of bytes it drops as many of the oldest as it takes, never the newest', () => {
    const rig = unreliable({ maxMessageBytes: 100, maxQueuedBytes: 100 })
    rig.send(40)
    rig.send(40)
    rig.send(100)
    expect(rig.verdicts).toEqual(['0 lost', '1 lost'])
    expect(rig.sender.pendingBytes).toBe(100)
    expect(wordsOf(rig.packets())).toEqual(['2'])
  })

  test('a large one of which fragments have left is not dropped: it would never get through a slow path', () => {
    const rig = unreliable({ maxQueuedMessages: 2 })
    rig.send(250)
    rig.packet(115)
    for (let i = 0; i < 4; i++) rig.send('x')
    expect(rig.verdicts).toEqual(['1 lost', '2 lost', '3 lost'])
    expect(wordsOf(rig.packets(115))).toEqual(['0#1', '0#2', '4'])
  })

  test('bytes in flight are not in the queue', () => {
    const rig = unreliable({ maxQueuedMessages: 1 })
    for (let i = 0; i < 10; i++) {
      rig.send('x')
      rig.packet()
    }
    expect(rig.verdicts).toEqual([])
  })

  test('what waited beyond its time expires, in whatever order the times run out', () => {
    const rig = unreliable()
    rig.send('a', { ttlMs: 50 })
    rig.send('b')
    rig.send('c', { ttlMs: 20 })
    expect(rig.sender.expiresAt).toBe(20)
    rig.expire(19)
    expect(rig.verdicts).toEqual([])
    rig.expire(20)
    expect(rig.verdicts).toEqual(['2 expired'])
    expect(rig.sender.expiresAt).toBe(50)
    rig.expire(50)
    expect(rig.sender.expiresAt).toBe(Number.POSITIVE_INFINITY)
    expect(wordsOf(rig.packets())).toEqual(['1'])
  })

  test('nothing leaves after its time, though expire was not called', () => {
    const rig = unreliable()
    rig.send('a', { ttlMs: 50 })
    rig.send('b', { ttlMs: 500 })
    rig.send(250, { ttlMs: 60 })
    rig.now = 70
    expect(wordsOf(rig.packets())).toEqual(['1'])
    expect(rig.verdicts).toEqual(['0 expired', '2 expired'])
    expect(rig.stats.queuedMessages).toBe(0)
  })

  test('what has left does not expire', () => {
    const rig = unreliable()
    rig.send('a', { ttlMs: 50 })
    const packet = rig.packet()
    rig.expire(100)
    rig.ack(packet)
    expect(rig.verdicts).toEqual(['0 acked'])
  })

  test('at the end everything without a verdict gets one, once', () => {
    const rig = unreliable()
    rig.send('acked')
    rig.send('in flight')
    const [acked, open] = [rig.packet(8), rig.packet(12)]
    rig.send('waiting')
    rig.ack(acked)
    rig.end(open)
    expect(rig.verdicts.sort()).toEqual(['0 acked', '1 closed', '2 closed'])
  })

  test('blocks come back to the pool, whatever became of the messages', () => {
    const rig = unreliable({ maxQueuedMessages: 10 })
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < 12; i++) rig.send(20, { ttlMs: i === 11 ? 1 : 100 })
      const packets = rig.packets(70)
      packets.forEach((packet, i) => {
        if (i % 3 === 0) rig.ack(packet)
        else rig.loseForGood(packet)
      })
      rig.expire(rig.now + 5)
    }
    expect(rig.pool.misses).toBeLessThanOrEqual(12)
    expect(rig.verdicts.length).toBe(600)
  })
})

describe('a large unreliable message', () => {
  test('leaves in fragments, each the last of its packet, and is acked when all have arrived', () => {
    const rig = unreliable()
    rig.send('small')
    rig.send(250)
    rig.send('after')
    const packets = rig.packets(115)
    expect(wordsOf(packets)).toEqual(['0 1#0', '1#1', '1#2', '2'])
    rig.ack(packets[0]!)
    rig.ack(packets[2]!)
    expect(rig.verdicts).toEqual(['0 acked'])
    rig.ack(packets[1]!)
    expect(rig.verdicts).toEqual(['0 acked', '1 acked'])
  })

  test('is lost with its first lost fragment, and what has not left stays', () => {
    const rig = unreliable()
    rig.send(250)
    const first = rig.packet(115)
    rig.loseForGood(first)
    expect(rig.verdicts).toEqual(['0 lost'])
    expect(rig.packets()).toEqual([])
    expect(rig.sender.pendingBytes).toBe(0)
  })

  test('with parity is lost only when more are lost than there is parity', () => {
    const rig = unreliable({ parity: 0.5, maxMessageBytes: 1_000 })
    rig.send(250)
    const packets = rig.packets(120)
    expect(wordsOf(packets)).toEqual(['0#0', '0#1', '0#2', '0#3', '0#4'])
    rig.loseForGood(packets[0]!)
    rig.loseForGood(packets[3]!)
    expect(rig.verdicts).toEqual([])
    rig.loseForGood(packets[4]!)
    expect(rig.verdicts).toEqual(['0 lost'])
  })

  test('with parity is acked as soon as enough have arrived', () => {
    const rig = unreliable({ parity: 0.5, maxMessageBytes: 1_000 })
    rig.send(250)
    const packets = rig.packets(120)
    for (const index of [1, 3, 4]) rig.ack(packets[index]!)
    expect(rig.verdicts).toEqual(['0 acked'])
  })

  test('each has a group of its own', () => {
    const rig = unreliable()
    rig.send(150)
    rig.send(150)
    const groups = rig.packets(115).map(({ manifest }) => manifest.messageAt(0)?.group)
    expect(groups).toEqual([0, 0, 1, 1])
  })
})

describe('a sequenced sender', () => {
  test('replaces what waits of the same key in its place', () => {
    const rig = sequenced()
    rig.send('a', { key: 1 })
    rig.send('b', { key: 2 })
    rig.send('c', { key: 1 })
    expect(rig.verdicts).toEqual(['0 replaced'])
    expect(wordsOf(rig.packets())).toEqual(['2 1'])
    expect(rig.stats.queuedMessages).toBe(0)
  })

  test('messages without a key replace one another too', () => {
    const rig = sequenced()
    rig.send('a')
    rig.send('b')
    rig.send('c', { key: 0 })
    expect(wordsOf(rig.packets())).toEqual(['1 2'])
  })

  test('what has left is not replaced: the peer decides', () => {
    const rig = sequenced()
    rig.send('a', { key: 1 })
    const first = rig.packet()
    rig.send('b', { key: 1 })
    const second = rig.packet()
    rig.ack(second)
    rig.loseForGood(first)
    expect(rig.verdicts).toEqual(['1 acked', '0 lost'])
  })

  test('a large one that has begun is abandoned for the newer', () => {
    const rig = sequenced()
    rig.send(250, { key: 1 })
    const begun = rig.packet(115)
    rig.send(250, { key: 1 })
    expect(rig.verdicts).toEqual(['0 replaced'])
    expect(wordsOf(rig.packets(115))).toEqual(['1#0', '1#1', '1#2'])
    rig.ack(begun)
    expect(rig.verdicts).toEqual(['0 replaced'])
  })

  test('a thousand updates of ten keys hold ten messages', () => {
    const rig = sequenced()
    for (let i = 0; i < 1_000; i++) rig.send('x', { key: i % 10 })
    expect(rig.stats.queuedMessages).toBe(10)
    expect(rig.packet().words.length).toBe(10)
  })

  test('a replacement that no longer fits the limit of bytes drops others, not itself', () => {
    const rig = sequenced({ maxMessageBytes: 90, maxQueuedBytes: 100 })
    rig.send(10, { key: 1 })
    rig.send(50, { key: 2 })
    rig.send(90, { key: 1 })
    expect(rig.verdicts).toEqual(['0 replaced', '1 lost'])
    expect(wordsOf(rig.packets())).toEqual(['2'])
  })

  test('after a drop or an expiry the key can wait again', () => {
    const rig = sequenced({ maxQueuedMessages: 1 })
    rig.send('a', { key: 1 })
    rig.send('b', { key: 2 })
    rig.send('c', { key: 1, ttlMs: 5 })
    rig.expire(10)
    rig.send('d', { key: 1 })
    expect(rig.verdicts).toEqual(['0 lost', '1 lost', '2 expired'])
    expect(wordsOf(rig.packets())).toEqual(['3'])
  })
})
