import { describe, expect, test } from 'vitest'
import { PARITY_HEAD_BYTES, writeParity } from '../../../src/core/channel/parity.ts'
import { UnreliableReceiver } from '../../../src/core/channel/unreliable-receiver.ts'
import type { ChannelOptions } from '../../../src/core/config.ts'
import { channelOf, pattern, ReceiverRig } from '../support.ts'

const REASSEMBLY_MS = 2_000

function receiver(
  kind: 'unreliable' | 'sequenced',
  options: Omit<ChannelOptions, 'kind'> = {},
): ReceiverRig<UnreliableReceiver> {
  return new ReceiverRig(
    (config, stats, deliver) => new UnreliableReceiver(config, stats, REASSEMBLY_MS, deliver),
    channelOf(kind, options),
  )
}

describe('on an unreliable channel', () => {
  test('what arrives is delivered, in the order of arrival', () => {
    const rig = receiver('unreliable')
    rig.message(-1, 'b', { sequence: 5 })
    rig.message(-1, 'a', { sequence: 3 })
    expect(rig.texts).toEqual(['b', 'a'])
  })

  test('an empty message is a message', () => {
    const rig = receiver('unreliable')
    rig.message(-1, '')
    expect(rig.texts).toEqual([''])
  })
})

describe('on a sequenced channel', () => {
  test('an older packet never wins over a newer one, key by key', () => {
    const rig = receiver('sequenced')
    rig.message(-1, 'a5', { key: 1, sequence: 5 })
    rig.message(-1, 'a4', { key: 1, sequence: 4 })
    rig.message(-1, 'b4', { key: 2, sequence: 4 })
    rig.message(-1, 'none4', { sequence: 4 })
    rig.message(-1, 'a6', { key: 1, sequence: 6 })
    expect(rig.texts).toEqual(['a5', 'b4', 'none4', 'a6'])
    expect(rig.delivered.map(({ key }) => key)).toEqual([1, 2, -1, 1])
  })

  test('what is dropped as old is still taken: the packet shall be acknowledged', () => {
    const rig = receiver('sequenced')
    rig.message(-1, 'new', { sequence: 5 })
    expect(rig.message(-1, 'old', { sequence: 4 })).toBe('taken')
  })

  test('in one packet the later record is the newer', () => {
    const rig = receiver('sequenced')
    rig.message(-1, 'a', { key: 1, sequence: 5 })
    rig.message(-1, 'b', { key: 1, sequence: 5 })
    expect(rig.texts).toEqual(['a', 'b'])
  })

  test('a fragmented message counts with the oldest of its packets', () => {
    const rig = receiver('sequenced')
    const pieces = rig.fragments(0, pattern(250), 100, { key: 1 })
    rig.fragment(pieces[0]!, 10)
    rig.fragment(pieces[1]!, 11)
    rig.message(-1, 'between', { key: 1, sequence: 11 })
    rig.fragment(pieces[2]!, 12)
    expect(rig.texts).toEqual(['between'])
  })

  test('and is the newer of two in the packet in which it begins', () => {
    const rig = receiver('sequenced')
    const pieces = rig.fragments(0, pattern(150), 100, { key: 1 })
    rig.message(-1, 'before', { key: 1, sequence: 10 })
    rig.fragment(pieces[0]!, 10)
    rig.fragment(pieces[1]!, 11)
    expect(rig.delivered.map(({ payload }) => payload.length)).toEqual([6, 150])
  })

  test('a new key above the limit is refused, until an old one is 1,024 packets behind', () => {
    const rig = receiver('sequenced', { maxKeys: 2 })
    rig.message(-1, 'a', { key: 1, sequence: 0 })
    rig.message(-1, 'b', { key: 2, sequence: 500 })
    expect(rig.message(-1, 'c', { key: 3, sequence: 600 })).toBe('refused')
    expect(rig.message(-1, 'a', { key: 1, sequence: 601 })).toBe('taken')
    expect(rig.stats.refusals.tooManyKeys).toBe(1)
    expect(rig.message(-1, 'c', { key: 3, sequence: 1_530 })).toBe('taken')
    expect(rig.texts).toEqual(['a', 'b', 'a', 'c'])
  })
})

describe.each(['unreliable', 'sequenced'] as const)('on a channel of kind %s', (kind) => {
  test('a message above the limit is malformed', () => {
    const rig = receiver(kind, { maxMessageBytes: 4 })
    expect(rig.message(-1, 'fives')).toBe('malformed')
    expect(rig.stats.refusals.messageTooLarge).toBe(1)
  })

  test('there is nothing to skip', () => {
    const rig = receiver(kind)
    expect(rig.receiver.onSkip()).toBe('malformed')
    expect(rig.stats.refusals.unknownChannel).toBe(1)
  })

  test('pieces wait so long, and no longer; what comes after is refused and not acknowledged', () => {
    const rig = receiver(kind)
    const pieces = rig.fragments(0, pattern(250), 100)
    rig.now = 100
    rig.fragment(pieces[0]!)
    rig.now = 1_500
    rig.fragment(pieces[1]!)
    expect(rig.receiver.expiresAt).toBe(100 + REASSEMBLY_MS)
    rig.receiver.expire(100 + REASSEMBLY_MS)
    expect(rig.receiver.expiresAt).toBe(Number.POSITIVE_INFINITY)
    expect(rig.fragment(pieces[2]!)).toBe('refused')
    expect(rig.delivered).toEqual([])
  })

  test('lost pieces are rebuilt from parity, also when they come first', () => {
    const rig = receiver(kind, { parity: 1, maxMessageBytes: 1_000 })
    const payload = pattern(250)
    const parity = new Uint8Array(100 + PARITY_HEAD_BYTES)
    writeParity(parity, payload, 250, 3, 100, 1)
    const pieces = rig.fragments(0, payload, 100)
    rig.fragment({ group: 0, index: 4, count: 3, parity: 2, payload: parity })
    rig.fragment(pieces[2]!)
    expect(rig.fragment({ ...pieces[0]!, count: 3, parity: 2 })).toBe('taken')
    expect(rig.delivered[0]?.payload).toEqual(payload)
    expect(rig.fragment(pieces[1]!)).toBe('taken')
    expect(rig.delivered.length).toBe(1)
  })
})
