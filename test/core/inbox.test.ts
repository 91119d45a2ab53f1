import { describe, expect, test } from 'vitest'
import { Inbox } from '../../src/core/inbox.ts'
import { createStats } from '../../src/core/stats.ts'
import { bytesOf, configOf, textOf } from './support.ts'

const message = (text: string) => ({ type: 'message', channel: 'chat', payload: bytesOf(text), key: -1 }) as const
const verdict = (id: number) => ({ type: 'verdict', channel: 'chat', id, verdict: 'acked', at: 0 }) as const
const state = (channel: 'world' | 'score', key: number, text: string) =>
  ({ type: 'message', channel, payload: bytesOf(text), key }) as const

/** An inbox, and the count of what it dropped. */
function inboxOf(maxEvents: number, maxEventBytes: number): { inbox: Inbox; dropped: () => number } {
  const config = configOf({
    world: { kind: 'sequenced' },
    score: { kind: 'latest' },
    chat: { kind: 'ordered' },
    dust: { kind: 'unreliable' },
  })
  const stats = createStats()
  return { inbox: new Inbox({ ...config, maxEvents, maxEventBytes }, stats), dropped: () => stats.messagesUnread }
}

/** All that waits, messages by their text. */
function drain(inbox: Inbox): string[] {
  const all: string[] = []
  for (let event = inbox.poll(); event !== undefined; event = inbox.poll()) {
    all.push(event.type === 'message' ? textOf(event.payload) : event.type)
  }
  return all
}

describe('Inbox of 4 events and 10 bytes', () => {
  test('gives events back in order', () => {
    const { inbox } = inboxOf(4, 10)
    inbox.push({ type: 'open' }, 0)
    inbox.push(message('a'), 0)
    inbox.push(verdict(0), 0)
    expect(drain(inbox)).toEqual(['open', 'a', 'verdict'])
    expect(inbox.poll()).toBeUndefined()
  })

  test('has no room for messages at its number of events, whatever they are, until some are polled', () => {
    const { inbox } = inboxOf(4, 10)
    for (let i = 0; i < 3; i++) inbox.push(verdict(i), 0)
    expect(inbox.hasRoom).toBe(true)
    inbox.push(verdict(3), 0)
    expect(inbox.hasRoom).toBe(false)
    inbox.poll()
    expect(inbox.hasRoom).toBe(true)
  })

  test('has no room at its number of payload bytes, until they are polled', () => {
    const { inbox } = inboxOf(4, 10)
    inbox.push(message('12345'), 0)
    expect(inbox.hasRoom).toBe(true)
    inbox.push(message('1234567'), 0)
    expect(inbox.hasRoom).toBe(false)
    inbox.poll()
    expect(inbox.hasRoom).toBe(true)
    inbox.poll()
    inbox.push(message('123456789'), 0)
    expect(inbox.hasRoom).toBe(true)
  })

  test('overflows at 16 times its events, but takes what comes', () => {
    const { inbox } = inboxOf(4, 10)
    for (let i = 0; i < 63; i++) inbox.push(verdict(i), 0)
    expect(inbox.isOverflowing).toBe(false)
    inbox.push(verdict(63), 0)
    expect(inbox.limit).toBe(64)
    expect(inbox.isOverflowing).toBe(true)
    inbox.push({ type: 'closed', reason: { kind: 'overflow', what: 'events', limit: 64 } }, 0)
    expect(drain(inbox).at(-1)).toBe('closed')
  })
})

describe('Inbox of a game that does not look', () => {
  test('keeps of each key the newest state alone, everything of other channels, and the order of arrival', () => {
    const { inbox, dropped } = inboxOf(100, 1000)
    for (let i = 0; i < 1000; i++) {
      inbox.push(state('world', i % 2, `w${i}`), 10 * i)
      inbox.push(state('score', -1, `s${i}`), 10 * i)
      if (i % 400 === 0) inbox.push(message(`c${i}`), 10 * i)
      if (i % 400 === 1) inbox.push({ ...message(`d${i}`), channel: 'dust' }, 10 * i)
    }
    expect(inbox.hasRoom).toBe(true)
    expect(drain(inbox)).toEqual(['c0', 'd1', 'c400', 'd401', 'c800', 'd801', 'w998', 'w999', 's999'])
    expect(dropped()).toBe(1997)
  })

  test('has all its room again for what is kept', () => {
    const { inbox } = inboxOf(4, 10)
    for (let i = 0; i < 1000; i++) {
      expect(inbox.hasRoom).toBe(true)
      inbox.push(state('world', i % 3, '12'), 600 * i)
    }
    expect(inbox.isOverflowing).toBe(false)
    expect(drain(inbox)).toEqual(['12', '12', '12'])
    inbox.push(message('123456789'), 600_000)
    expect(inbox.hasRoom).toBe(true)
    inbox.push(message('1'), 600_000)
    expect(inbox.hasRoom).toBe(false)
  })

  test('gives every state to a game that looks twice a second', () => {
    const { inbox, dropped } = inboxOf(100, 1000)
    for (let now = 0; now <= 500; now += 50) inbox.push(state('world', 1, 'x'), now)
    expect(drain(inbox)).toHaveLength(11)
    for (let now = 550; now <= 1000; now += 50) inbox.push(state('world', 1, 'x'), now)
    expect(drain(inbox)).toHaveLength(10)
    expect(dropped()).toBe(0)
  })

  test('counts its absence from the first event that came since it looked', () => {
    const { inbox } = inboxOf(100, 1000)
    inbox.push(state('world', 1, 'a'), 0)
    inbox.push(state('world', 1, 'b'), 400)
    expect(inbox.poll()?.type).toBe('message')
    inbox.push(state('world', 1, 'c'), 900)
    inbox.push(state('world', 1, 'd'), 1400)
    expect(drain(inbox)).toEqual(['b', 'c', 'd'])
    inbox.push(state('world', 1, 'e'), 5000)
    inbox.push(state('world', 1, 'f'), 5400)
    expect(drain(inbox)).toEqual(['e', 'f'])
  })

  test('puts no state of after a return before it', () => {
    const { inbox } = inboxOf(100, 1000)
    inbox.push(state('world', 1, 'old'), 0)
    inbox.push({ type: 'away', silentMs: 1 }, 1000)
    inbox.push({ type: 'back', awayMs: 1 }, 2000)
    inbox.push(state('world', 1, 'new'), 2000)
    expect(drain(inbox)).toEqual(['away', 'back', 'new'])
  })

  test('goes on in order when only some of what waits is taken', () => {
    const { inbox } = inboxOf(1000, 10_000)
    for (let i = 0; i < 300; i++) inbox.push(state('world', i % 100, `${i}`), 10 * i)
    expect([inbox.poll(), inbox.poll()].map((event) => event?.type)).toEqual(['message', 'message'])
    for (let i = 300; i < 600; i++) inbox.push(state('world', i % 100, `${i}`), 10 * i)
    const left = drain(inbox).map(Number)
    expect(left).toEqual(Array.from({ length: 100 }, (_, i) => 500 + i))
  })
})
