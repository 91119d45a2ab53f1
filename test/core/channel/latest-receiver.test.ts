import { describe, expect, test } from 'vitest'
import { LatestReceiver } from '../../../src/core/channel/latest-receiver.ts'
import type { ChannelOptions } from '../../../src/core/config.ts'
import { channelOf, pattern, ReceiverRig, textOf } from '../support.ts'

function receiver(options: Omit<ChannelOptions, 'kind'> = {}): ReceiverRig<LatestReceiver> {
  return new ReceiverRig(
    (config, stats, deliver) => new LatestReceiver(config, stats, deliver),
    channelOf('latest', options),
  )
}

describe('on a channel of latest values', () => {
  test('a value is delivered unless a newer one of its key was, whatever packet brought it', () => {
    const rig = receiver()
    rig.message(3, 'a3', { key: 1, sequence: 9 })
    rig.message(2, 'a2', { key: 1, sequence: 10 })
    rig.message(1, 'b1', { key: 2, sequence: 11 })
    rig.message(0, 'none', { sequence: 12 })
    rig.message(4, 'a4', { key: 1, sequence: 13 })
    expect(rig.texts).toEqual(['a3', 'b1', 'none', 'a4'])
  })

  test('a repeat is taken and not delivered', () => {
    const rig = receiver()
    rig.message(3, 'a', { key: 1 })
    expect(rig.message(3, 'a', { key: 1 })).toBe('taken')
    expect(rig.texts).toEqual(['a'])
    expect(rig.stats.duplicateMessages).toBe(1)
  })

  test('ids are restored near the newest that was heard, of any key', () => {
    const rig = receiver()
    expect(rig.receiver.idReference).toBe(0)
    rig.message(70, 'a', { key: 1 })
    rig.message(50, 'b', { key: 2 })
    expect(rig.receiver.idReference).toBe(70)
  })

  test('an id before the first, or a message above the limit, is malformed', () => {
    const rig = receiver({ maxMessageBytes: 4 })
    expect(rig.message(-1, 'x')).toBe('malformed')
    expect(rig.message(0, 'fives')).toBe('malformed')
    expect(rig.stats.refusals).toMatchObject({ idOutOfWindow: 1, messageTooLarge: 1 })
  })

  test('a new key above the limit is refused, so that it comes again', () => {
    const rig = receiver({ maxKeys: 2 })
    rig.message(0, 'a', { key: 1, sequence: 0 })
    rig.message(1, 'b', { key: 2, sequence: 1 })
    expect(rig.message(2, 'c', { key: 3, sequence: 2 })).toBe('refused')
    expect(rig.message(2, 'c', { key: 3, sequence: 1_100 })).toBe('taken')
    expect(rig.texts).toEqual(['a', 'b', 'c'])
  })

  test('a large value for whose key there is no room is refused piece by piece, and comes whole when there is', () => {
    const rig = receiver({ maxKeys: 1 })
    rig.message(0, 'a', { key: 1, sequence: 0 })
    const pieces = rig.fragments(0, pattern(250), 100, { id: 1, key: 2 })
    // What tells nothing of the key may come; the piece that does is refused.
    expect(rig.fragment(pieces[1]!, 1)).toBe('taken')
    expect(rig.fragment(pieces[2]!, 2)).toBe('taken')
    expect(rig.fragment(pieces[0]!, 3)).toBe('refused')
    expect(rig.fragment(pieces[0]!, 1_100)).toBe('taken')
    expect(rig.delivered.at(-1)).toEqual({ key: 2, payload: pattern(250) })
  })

  test('room that is gone before the last piece comes loses nothing: it is refused until there is some', () => {
    const rig = receiver({ maxKeys: 1 })
    const pieces = rig.fragments(0, pattern(250), 100, { id: 0, key: 2 })
    expect(rig.fragment(pieces[0]!, 0)).toBe('taken')
    expect(rig.fragment(pieces[1]!, 1)).toBe('taken')
    rig.message(1, 'a', { key: 1, sequence: 2 })
    expect(rig.fragment(pieces[2]!, 3)).toBe('refused')
    expect(rig.fragment(pieces[2]!, 1_100)).toBe('taken')
    expect(rig.delivered.map(({ key }) => key)).toEqual([1, 2])
  })

  test('a large value that is older than what was delivered is dropped when it is whole', () => {
    const rig = receiver()
    const pieces = rig.fragments(0, pattern(150), 100, { id: 3, key: 1 })
    rig.fragment(pieces[0]!)
    rig.message(4, 'newer', { key: 1 })
    expect(rig.fragment(pieces[1]!)).toBe('taken')
    expect(rig.delivered.map(({ payload }) => textOf(payload))).toEqual(['newer'])
  })

  test('a skip frees the pieces of its group, whatever its id; a skip without a group says nothing', () => {
    const rig = receiver()
    const pieces = rig.fragments(7, pattern(150), 100, { id: 3, key: 1 })
    rig.fragment(pieces[0]!)
    expect(rig.receiver.onSkip(99, 7)).toBe('taken')
    expect(rig.fragment(pieces[1]!)).toBe('taken')
    expect(rig.fragment(pieces[0]!)).toBe('taken')
    expect(rig.delivered).toEqual([])
    expect(rig.receiver.onSkip(3, -1)).toBe('malformed')
  })
})
