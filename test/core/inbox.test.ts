import { describe, expect, test } from 'vitest'
import { Inbox } from '../../src/core/inbox.ts'
import { bytesOf } from './support.ts'

const message = (text: string) => ({ type: 'message', channel: 'chat', payload: bytesOf(text), key: -1 }) as const
const verdict = (id: number) => ({ type: 'verdict', channel: 'chat', id, verdict: 'acked', at: 0 }) as const

describe('Inbox of 4 events and 10 bytes', () => {
  test('gives events back in order', () => {
    const inbox = new Inbox(4, 10)
    inbox.push({ type: 'open' })
    inbox.push(message('a'))
    inbox.push(verdict(0))
    expect([inbox.poll()?.type, inbox.poll()?.type, inbox.poll()?.type]).toEqual(['open', 'message', 'verdict'])
    expect(inbox.poll()).toBeUndefined()
  })

  test('has no room for messages at its number of events, whatever they are, until some are polled', () => {
    const inbox = new Inbox(4, 10)
    for (let i = 0; i < 3; i++) inbox.push(verdict(i))
    expect(inbox.hasRoom).toBe(true)
    inbox.push(verdict(3))
    expect(inbox.hasRoom).toBe(false)
    inbox.poll()
    expect(inbox.hasRoom).toBe(true)
  })

  test('has no room at its number of payload bytes, until they are polled', () => {
    const inbox = new Inbox(4, 10)
    inbox.push(message('12345'))
    expect(inbox.hasRoom).toBe(true)
    inbox.push(message('1234567'))
    expect(inbox.hasRoom).toBe(false)
    inbox.poll()
    expect(inbox.hasRoom).toBe(true)
    inbox.poll()
    inbox.push(message('123456789'))
    expect(inbox.hasRoom).toBe(true)
  })

  test('overflows at 16 times its events, but takes what comes', () => {
    const inbox = new Inbox(4, 10)
    for (let i = 0; i < 63; i++) inbox.push(verdict(i))
    expect(inbox.isOverflowing).toBe(false)
    inbox.push(verdict(63))
    expect(inbox.limit).toBe(64)
    expect(inbox.isOverflowing).toBe(true)
    inbox.push({ type: 'closed', reason: { kind: 'overflow', what: 'events', limit: 64 } })
    let last: string | undefined
    for (let event = inbox.poll(); event !== undefined; event = inbox.poll()) last = event.type
    expect(last).toBe('closed')
  })
})
