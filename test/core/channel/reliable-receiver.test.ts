import { describe, expect, test } from 'vitest'
import { ReliableReceiver } from '../../../src/core/channel/reliable-receiver.ts'
import type { ChannelOptions } from '../../../src/core/config.ts'
import { channelOf, pattern, ReceiverRig, randomOf } from '../support.ts'

type Kind = 'reliable' | 'ordered'

function receiver(kind: Kind, options: Omit<ChannelOptions, 'kind'> = {}): ReceiverRig<ReliableReceiver> {
  return new ReceiverRig(
    (config, stats, deliver) => new ReliableReceiver(config, stats, deliver),
    channelOf(kind, options),
  )
}

describe('on a reliable channel', () => {
  test('messages are delivered at once, in any order', () => {
    const rig = receiver('reliable')
    for (const id of [2, 0, 1]) expect(rig.message(id, `${id}`)).toBe('taken')
    expect(rig.texts).toEqual(['2', '0', '1'])
  })

  test('a repeat is taken and not delivered', () => {
    const rig = receiver('reliable')
    for (const id of [0, 0, 3, 3]) expect(rig.message(id, `${id}`)).toBe('taken')
    expect(rig.texts).toEqual(['0', '3'])
    expect(rig.stats.duplicateMessages).toBe(2)
  })
})

describe('on an ordered channel', () => {
  test('messages wait for those before them', () => {
    const rig = receiver('ordered')
    rig.message(2, 'c')
    rig.message(1, 'b')
    expect(rig.texts).toEqual([])
    expect(rig.receiver.heldBytes).toBe(2)
    rig.message(0, 'a')
    expect(rig.texts).toEqual(['a', 'b', 'c'])
    expect(rig.receiver.heldBytes).toBe(0)
    rig.message(3, 'd')
    expect(rig.texts.at(-1)).toBe('d')
  })

  test('a repeat of a message that waits is not delivered twice', () => {
    const rig = receiver('ordered')
    rig.message(1, 'b')
    rig.message(1, 'b')
    rig.message(0, 'a')
    rig.message(1, 'b')
    expect(rig.texts).toEqual(['a', 'b'])
    expect(rig.stats.duplicateMessages).toBe(2)
  })

  test('more than W bytes that wait are refused, so that they come again; the one they wait for is always taken', () => {
    const rig = receiver('ordered', { maxMessageBytes: 30_000 })
    const text = 'x'.repeat(30_000)
    expect([1, 2, 3].map((id) => rig.message(id, text))).toEqual(['taken', 'taken', 'refused'])
    expect(rig.message(0, text)).toBe('taken')
    expect(rig.texts.length).toBe(3)
    expect(rig.message(3, text)).toBe('taken')
    expect(rig.texts.length).toBe(4)
  })

  test('W bytes to the last one may wait', () => {
    const rig = receiver('ordered', { maxMessageBytes: 32_768 })
    const text = 'x'.repeat(32_768)
    expect([1, 2].map((id) => rig.message(id, text))).toEqual(['taken', 'taken'])
    expect(rig.receiver.heldBytes).toBe(65_536)
    expect(rig.message(3, 'x')).toBe('refused')
  })

  test('a message that waits does not hold on to the packet that it came in, nor change with it', () => {
    const rig = receiver('ordered')
    const packet = new Uint8Array(1_000).fill(65)
    rig.receiver.onMessage(1, -1, packet.subarray(10, 13))
    rig.message(0, 'a')
    const kept = rig.delivered[1]!.payload
    expect(kept.buffer.byteLength).toBe(3)
  })
})

describe.each(['reliable', 'ordered'] as const)('on a channel of kind %s', (kind) => {
  test('ids are taken up to 4,095 beyond the lowest one missing', () => {
    const rig = receiver(kind)
    expect(rig.message(4_095, 'x')).toBe('taken')
    expect(rig.message(4_096, 'x')).toBe('malformed')
    expect(rig.message(-1, 'x')).toBe('malformed')
    expect(rig.stats.refusals.idOutOfWindow).toBe(2)
    rig.message(0, 'a')
    expect(rig.message(4_096, 'x')).toBe('taken')
    expect(rig.message(4_097, 'x')).toBe('malformed')
  })

  test('a message above the limit is malformed', () => {
    const rig = receiver(kind, { maxMessageBytes: 4 })
    expect(rig.message(0, 'four')).toBe('taken')
    expect(rig.message(1, 'fives')).toBe('malformed')
    expect(rig.stats.refusals.messageTooLarge).toBe(1)
  })

  test('a skip closes its gap, once, in any order', () => {
    const rig = receiver(kind)
    rig.message(3, 'd')
    expect(rig.receiver.onSkip(1, -1)).toBe('taken')
    expect(rig.receiver.onSkip(0, -1)).toBe('taken')
    expect(rig.receiver.idReference).toBe(2)
    expect(rig.receiver.onSkip(1, -1)).toBe('taken')
    rig.message(2, 'c')
    expect(rig.texts.sort()).toEqual(['c', 'd'])
    expect(rig.receiver.idReference).toBe(4)
  })

  test('after a skip the message itself is a repeat, and after the message the skip', () => {
    const rig = receiver(kind)
    rig.receiver.onSkip(0, -1)
    expect(rig.message(0, 'late')).toBe('taken')
    rig.message(1, 'b')
    rig.receiver.onSkip(1, -1)
    expect(rig.texts).toEqual(['b'])
  })

  test('a skip out of reach is malformed', () => {
    const rig = receiver(kind)
    expect(rig.receiver.onSkip(4_096, -1)).toBe('malformed')
    expect(rig.receiver.onSkip(4_095, -1)).toBe('taken')
  })

  test('a fragmented message is one message: it comes when its last piece has', () => {
    const rig = receiver(kind)
    const pieces = rig.fragments(0, pattern(250), 100, { id: 0 })
    expect(rig.fragment(pieces[2]!)).toBe('taken')
    expect(rig.fragment(pieces[0]!)).toBe('taken')
    expect(rig.delivered).toEqual([])
    expect(rig.fragment(pieces[1]!)).toBe('taken')
    expect(rig.delivered[0]?.payload).toEqual(pattern(250))
  })

  test('pieces that come again when it is whole change nothing', () => {
    const rig = receiver(kind)
    const pieces = rig.fragments(0, pattern(250), 100, { id: 0 })
    for (const piece of [...pieces, ...pieces]) expect(rig.fragment(piece)).toBe('taken')
    expect(rig.delivered.length).toBe(1)
    expect(rig.stats.duplicateMessages).toBe(3)
  })

  test('a skip frees the pieces, and pieces that come after it change nothing', () => {
    const rig = receiver(kind)
    const pieces = rig.fragments(0, pattern(250), 100, { id: 0 })
    rig.fragment(pieces[0]!)
    rig.receiver.onSkip(0, 0)
    for (const piece of pieces) expect(rig.fragment(piece)).toBe('taken')
    rig.message(1, 'b')
    expect(rig.texts).toEqual(['b'])
  })

  test('any story with repeats and skips delivers each message once', () => {
    const random = randomOf(31)
    const rig = receiver(kind)
    const skipped = new Set<number>()
    let oldest = 0
    const done = new Set<number>()
    while (oldest < 9_000) {
      const id = oldest + Math.floor(random() * 60)
      if (random() < 0.05 && !done.has(id)) {
        rig.receiver.onSkip(id, -1)
        skipped.add(id)
      } else rig.message(id, `${id}`)
      done.add(id)
      while (done.has(oldest)) oldest++
    }
    const ids = rig.texts.map(Number)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.filter((id) => skipped.has(id))).toEqual([])
    expect(ids.filter((id) => id < oldest).length).toBe(
      [...done].filter((id) => id < oldest && !skipped.has(id)).length,
    )
    if (kind === 'ordered') expect(ids).toEqual([...ids].sort((a, b) => a - b))
    expect(rig.stats.refusals.idOutOfWindow).toBe(0)
  })
})
