import { describe, expect, test } from 'vitest'
import { ReliableSender } from '../../../src/core/channel/reliable-sender.ts'
import type { ChannelOptions } from '../../../src/core/config.ts'
import { channelOf, randomOf, SenderRig, wordsOf } from '../support.ts'

function reliable(options: Omit<ChannelOptions, 'kind'> = {}): SenderRig {
  return new SenderRig((config, outbox) => new ReliableSender(config, outbox), channelOf('reliable', options))
}

describe('a reliable sender', () => {
  test('sends once, and again what was lost, before anything new', () => {
    const rig = reliable()
    rig.send('a')
    rig.send('b')
    const [first, second] = [rig.packet(6), rig.packet(6)]
    rig.send('c')
    rig.lose(first)
    expect(rig.sender.isPending).toBe(true)
    expect(wordsOf([rig.packet()])).toEqual(['0 2'])
    expect(rig.stats.resends).toBe(1)
    rig.ack(second)
    expect(rig.verdicts).toEqual(['1 acked'])
    expect(rig.sender.hasUnsettled).toBe(true)
  })

  test('a late ack of a lost packet settles the message, and it is not sent again', () => {
    const rig = reliable()
    rig.send('a')
    const packet = rig.packet()
    rig.lose(packet)
    rig.ack(packet)
    expect(rig.verdicts).toEqual(['0 acked'])
    expect(rig.packets()).toEqual([])
    expect(rig.sender.hasUnsettled).toBe(false)
  })

  test('the ack of either copy is enough, and counts once', () => {
    const rig = reliable()
    rig.send('a')
    const first = rig.packet()
    rig.lose(first)
    const second = rig.packet()
    rig.ack(second)
    rig.ack(first)
    expect(rig.verdicts).toEqual(['0 acked'])
  })

  test('while a copy is under way another loss asks for no more', () => {
    const rig = reliable()
    rig.send('a')
    const first = rig.packet()
    rig.probe(first)
    const second = rig.packet()
    expect(wordsOf([second])).toEqual(['0'])
    rig.lose(first)
    expect(rig.sender.isPending).toBe(false)
    rig.lose(second)
    expect(wordsOf([rig.packet()])).toEqual(['0'])
  })

  test('a probe sends another copy, however often it is asked for only one', () => {
    const rig = reliable()
    rig.send('a')
    const packet = rig.packet()
    rig.probe(packet)
    rig.probe(packet)
    rig.lose(packet)
    expect(wordsOf(rig.packets())).toEqual(['0'])
  })

  test('losses go out again in the order in which they were declared', () => {
    const rig = reliable()
    for (const text of ['a', 'b', 'c']) rig.send(text)
    const packets = rig.packets(6)
    rig.lose(packets[2]!)
    rig.lose(packets[0]!)
    expect(wordsOf(rig.packets())).toEqual(['2 0'])
  })

  test('a lossy path delivers everything in the end, each verdict once', () => {
    const random = randomOf(9)
    const rig = reliable()
    const open: ReturnType<SenderRig['packet']>[] = []
    for (let i = 0; i < 400; i++) {
      if (i < 300) rig.send(random() < 0.1 ? 300 : 20)
      open.push(...rig.packets(150))
      while (open.length > 5) {
        const [packet] = open.splice(Math.floor(random() * open.length), 1)
        if (random() < 0.3) rig.lose(packet!)
        else rig.ack(packet!)
      }
    }
    while (open.length > 0 || rig.sender.isPending) {
      open.push(...rig.packets(150))
      rig.ack(open.shift()!)
    }
    expect(rig.verdicts.length).toBe(300)
    expect(new Set(rig.verdicts).size).toBe(300)
    expect(rig.sender.hasUnsettled).toBe(false)
    expect(rig.sender.pendingBytes).toBe(0)
    expect(rig.stats).toMatchObject({ queuedMessages: 0, queuedBytes: 0, messagesAcked: 300 })
  })
})

describe('at the door', () => {
  test('its limit of messages counts unsettled ones; over it nothing changes', () => {
    const rig = reliable({ maxQueuedMessages: 2 })
    rig.send('a')
    rig.send('b')
    const packet = rig.packet()
    expect(rig.send('c')).toBeUndefined()
    expect(rig.stats.messagesSent).toBe(2)
    rig.ack(packet)
    expect(rig.send('c')).toBe(2)
  })

  test('its limit of bytes too', () => {
    const rig = reliable({ maxMessageBytes: 100, maxQueuedBytes: 100 })
    expect(rig.send(60)).toBe(0)
    expect(rig.send(41)).toBeUndefined()
    expect(rig.send(40)).toBe(1)
  })

  test('an id never leaves the peer’s reach of 4,096: behind an unsettled message at most 4,095 are taken', () => {
    const rig = reliable({ maxQueuedMessages: 4_096 })
    rig.send('stuck')
    const stuck = rig.packet()
    let taken = 0
    for (let i = 0; i < 5_000; i++) {
      if (rig.send('x') === undefined) break
      taken++
      rig.ack(rig.packet())
    }
    expect(taken).toBe(4_095)
    rig.ack(stuck)
    expect(rig.send('x')).toBe(4_096)
  })

  test('not even a skip is written for an id out of reach, though all that waited expires again and again', () => {
    const rig = reliable({ maxQueuedMessages: 4_096 })
    rig.send('first')
    for (let i = 0; i < 6_000; i++) {
      if (i % 100 === 0) rig.expire(rig.now + 10)
      rig.send('x', { ttlMs: 5 })
    }
    rig.expire(rig.now + 10)
    const ids = rig.packets(4_000).flatMap(({ words }) => words.map((word) => Number(word.replace('skip ', ''))))
    expect(ids).toContain(0)
    expect(Math.max(...ids)).toBe(4_095)
  })
})

describe('the peer’s room', () => {
  test('no more than W bytes from the oldest unsettled to the newest sent', () => {
    const rig = reliable({ maxMessageBytes: 30_000 })
    for (let i = 0; i < 4; i++) rig.send(30_000)
    // W = 65,536: two of them.
    const sent = rig.packets(150).map(({ words }) => words[0]!.split('#')[0])
    expect([...new Set(sent)]).toEqual(['0', '1'])
    expect(rig.sender.isPending).toBe(false)
  })

  test('a single message may always be sent, whatever its size', () => {
    const rig = reliable({ maxMessageBytes: 40_000 })
    rig.send(40_000)
    expect(rig.packets(150).length).toBe(400)
  })

  test('room that the oldest leaves is used at once', () => {
    const rig = reliable({ maxMessageBytes: 30_000 })
    for (let i = 0; i < 3; i++) rig.send(30_000)
    const packets = rig.packets(150)
    for (const packet of packets) if (packet.words[0]!.startsWith('0#')) rig.ack(packet)
    expect(rig.packets(150)[0]?.words).toEqual(['2#0'])
  })

  test('what was settled behind the oldest still takes room there', () => {
    const rig = reliable({ maxMessageBytes: 30_000 })
    for (let i = 0; i < 3; i++) rig.send(30_000)
    for (const packet of rig.packets(150)) if (packet.words[0]!.startsWith('1#')) rig.ack(packet)
    expect(rig.verdicts).toEqual(['1 acked'])
    expect(rig.sender.isPending).toBe(false)
  })

  test('at most 64 fragmented messages are under way; whole ones behind them wait too', () => {
    const rig = reliable()
    for (let i = 0; i < 70; i++) rig.send(150)
    rig.send('whole')
    expect(rig.packets(150).length).toBe(128)
    expect(rig.sender.isPending).toBe(false)
  })
})

describe('a large reliable message', () => {
  test('only the fragments that are missing go again', () => {
    const rig = reliable()
    rig.send(350)
    const packets = rig.packets(150)
    expect(wordsOf(packets)).toEqual(['0#0', '0#1', '0#2', '0#3'])
    rig.ack(packets[0]!)
    rig.ack(packets[3]!)
    rig.lose(packets[1]!)
    rig.lose(packets[2]!)
    const again = rig.packets(150)
    expect(wordsOf(again)).toEqual(['0#1', '0#2'])
    for (const packet of again) rig.ack(packet)
    expect(rig.verdicts).toEqual(['0 acked'])
  })

  test('a late ack of a fragment spares its resend', () => {
    const rig = reliable()
    rig.send(250)
    const packets = rig.packets(150)
    rig.lose(packets[0]!)
    rig.lose(packets[1]!)
    rig.ack(packets[0]!)
    expect(wordsOf(rig.packets(150))).toEqual(['0#1'])
  })

  test('lets small messages go first, whatever was queued before', () => {
    const rig = reliable()
    rig.send(150)
    rig.send('a')
    expect(wordsOf(rig.packets(300))).toEqual(['1 0#0', '0#1'])
  })

  test('a fragment that is lost twice goes a third time', () => {
    const rig = reliable()
    rig.send(150)
    const [zero] = rig.packets(150)
    rig.lose(zero!)
    const again = rig.packet(150)
    rig.lose(again)
    expect(wordsOf([rig.packet(150)])).toEqual(['0#0'])
  })
})

describe('the tail of a large message', () => {
  const tail = (bytes: number, lossUp: number) => {
    const rig = reliable()
    rig.stats.lossUp = lossUp
    rig.send(bytes)
    return { rig, packets: rig.packets(150) }
  }

  test('is repaired as far as losses are to be expected, and not at all where there are none', () => {
    // 3 fragments at 10 %: ⌈0.3 + 2·√0.3⌉ + 1.
    expect(wordsOf(tail(300, 0.1).packets)).toEqual(['0#0', '0#1', '0#2', '0#3', '0#4', '0#5'])
    for (const clean of [0, Number.NaN, 0.001]) expect(wordsOf(tail(300, clean).packets)).toEqual(['0#0', '0#1', '0#2'])
  })

  test('is delivered when what was acknowledged tells the rest', () => {
    const { rig, packets } = tail(300, 0.1)
    rig.lose(packets[1]!)
    rig.ack(packets[0]!)
    rig.ack(packets[2]!)
    expect(rig.verdicts).toEqual([])
    rig.ack(packets[3]!)
    expect(rig.verdicts).toEqual(['0 acked'])
    expect(rig.packets(150)).toEqual([])
    expect(rig.stats).toMatchObject({ repairs: 3, resends: 0 })
  })

  test('goes again when its repair is lost too', () => {
    const { rig, packets } = tail(300, 0.1)
    rig.stats.lossUp = 0
    rig.lose(packets[1]!)
    expect(rig.hasMore).toBe(false)
    for (const i of [3, 4]) rig.lose(packets[i]!)
    expect(rig.hasMore).toBe(false)
    rig.lose(packets[5]!)
    expect(wordsOf(rig.packets(150))).toEqual(['0#1'])
  })

  test('goes again when more is lost than the repair can make good', () => {
    const { rig, packets } = tail(300, 0.1)
    rig.stats.lossUp = 0
    for (const i of [0, 1, 2, 3]) rig.lose(packets[i]!)
    expect(wordsOf(rig.packets(150))).toEqual(['0#0'])
  })

  test('has no repair while something new waits', () => {
    const rig = reliable()
    rig.stats.lossUp = 0.1
    rig.send(200)
    rig.send(200)
    expect(wordsOf(rig.packets(150)).slice(0, 5)).toEqual(['0#0', '0#1', '1#0', '1#1', '1#2'])
  })

  test('of which a repair comes back after the message is settled changes nothing', () => {
    const { rig, packets } = tail(300, 0.1)
    for (const i of [0, 1, 2]) rig.ack(packets[i]!)
    expect(rig.verdicts).toEqual(['0 acked'])
    rig.send(300)
    for (const i of [3, 4]) rig.ack(packets[i]!)
    rig.lose(packets[5]!)
    expect(wordsOf(rig.packets(150)).slice(0, 3)).toEqual(['1#0', '1#1', '1#2'])
    expect(rig.verdicts).toEqual(['0 acked'])
  })
})

describe('what expires', () => {
  test('before it has left: a skip tells the peer that its id will never come', () => {
    const rig = reliable()
    rig.send('a', { ttlMs: 50 })
    rig.send('b')
    expect(rig.sender.expiresAt).toBe(50)
    rig.expire(50)
    expect(rig.verdicts).toEqual(['0 expired'])
    const packet = rig.packet()
    expect(packet.words).toEqual(['skip 0', '1'])
    expect(rig.sender.hasUnsettled).toBe(true)
    rig.ack(packet)
    expect(rig.verdicts).toEqual(['0 expired', '1 acked'])
    expect(rig.sender.hasUnsettled).toBe(false)
  })

  test('a skip that was lost goes again, and is confirmed once', () => {
    const rig = reliable()
    rig.send('a', { ttlMs: 50 })
    rig.expire(50)
    const first = rig.packet()
    rig.lose(first)
    const second = rig.packet()
    expect(second.words).toEqual(['skip 0'])
    rig.ack(second)
    rig.ack(first)
    expect(rig.sender.hasUnsettled).toBe(false)
    expect(rig.verdicts).toEqual(['0 expired'])
  })

  test('what is under way is given its chance: it expires when it is lost', () => {
    const rig = reliable()
    rig.send('a', { ttlMs: 50 })
    const packet = rig.packet()
    rig.expire(100)
    expect(rig.verdicts).toEqual([])
    rig.lose(packet)
    expect(wordsOf([rig.packet()])).toEqual(['skip 0'])
    expect(rig.verdicts).toEqual(['0 expired'])
  })

  test('and if it arrives after all, it is acked, whatever the time', () => {
    const rig = reliable()
    rig.send('a', { ttlMs: 50 })
    const packet = rig.packet()
    rig.expire(100)
    rig.ack(packet)
    expect(rig.verdicts).toEqual(['0 acked'])
  })

  test('in the middle of its fragments: the rest stays, and the skip names the group', () => {
    const rig = reliable()
    rig.send(350, { ttlMs: 50 })
    const begun = rig.packet(120)
    rig.expire(50)
    expect(rig.verdicts).toEqual(['0 expired'])
    const skip = rig.packet(120)
    expect(skip.words).toEqual(['skip 0'])
    expect(skip.manifest.messageAt(0)?.group).toBe(0)
    rig.ack(begun)
    expect(rig.sender.hasUnsettled).toBe(true)
    rig.ack(skip)
    expect(rig.sender.hasUnsettled).toBe(false)
    expect(rig.sender.pendingBytes).toBe(0)
  })

  test('nothing leaves after its time, though expire was not called', () => {
    const rig = reliable()
    rig.send('a', { ttlMs: 50 })
    rig.send('b', { ttlMs: 500 })
    rig.now = 60
    expect(wordsOf(rig.packets())).toEqual(['skip 0 1'])
  })

  test('an expired message makes room at the door', () => {
    const rig = reliable({ maxQueuedMessages: 1 })
    rig.send('a', { ttlMs: 50 })
    expect(rig.send('b')).toBeUndefined()
    rig.expire(50)
    expect(rig.send('b')).toBe(1)
  })
})

describe('at the end', () => {
  test('everything unsettled is closed, once; what has a verdict keeps it', () => {
    const rig = reliable()
    rig.send('acked')
    const acked = rig.packet()
    rig.send('gone', { ttlMs: 5 })
    rig.expire(10)
    rig.send('lost')
    const lost = rig.packet()
    rig.lose(lost)
    rig.send('waiting')
    rig.send(250)
    const begun = rig.packet(150)
    rig.ack(acked)
    rig.end(lost, begun)
    expect(rig.verdicts).toEqual(['1 expired', '0 acked', '2 closed', '3 closed', '4 closed'])
  })
})
