import { describe, expect, test } from 'vitest'
import type { EndpointEvent } from '../../src/core/events.ts'
import { bytesOf, Duo, drained, eventsOf, messagesOf, pattern, refusal } from './support.ts'

const CHANNELS = { input: { kind: 'unreliable' }, chat: { kind: 'ordered' } } as const

/** An open pair that has measured its round trip. */
function measured(): Duo<typeof CHANNELS> {
  const duo = new Duo(CHANNELS).open()
  for (let i = 0; i < 10; i++) {
    duo.client.send('input', bytesOf('x'))
    duo.server.send('input', bytesOf('x'))
    duo.settle(1)
  }
  eventsOf(duo.client)
  eventsOf(duo.server)
  return duo
}

/** The last event, which must be the only `closed`. */
function closed(endpoint: { pollEvent(): EndpointEvent | undefined }) {
  const events = eventsOf(endpoint)
  expect(events.filter(({ type }) => type === 'closed').length).toBe(1)
  const last = events.at(-1)
  return last?.type === 'closed' ? last.reason : undefined
}

describe('close', () => {
  test('lets reliable messages through first, then says goodbye; both sides hear of it once', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.send('chat', bytesOf('last words'))
    duo.client.close({ code: 9, data: bytesOf('bye') })
    expect(duo.client.state).toBe('closing')
    duo.settle(3)
    const events = eventsOf(duo.server)
    expect(events[0]).toMatchObject({ type: 'message', payload: bytesOf('last words') })
    expect(events[1]).toEqual({ type: 'closed', reason: { kind: 'peer', code: 9, data: bytesOf('bye') } })
    expect(events.length).toBe(2)
    expect(closed(duo.client)).toEqual({ kind: 'local', code: 9 })
    expect([duo.client.state, duo.server.state]).toEqual(['closed', 'closed'])
  })

  test('takes nothing new, but still hears', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.send('chat', bytesOf('a'))
    duo.server.send('chat', bytesOf('answer'))
    duo.client.close()
    expect(duo.client.send('chat', bytesOf('b'))).toBe(-1)
    expect(duo.client.trySend('chat', bytesOf('b'))).toBeUndefined()
    duo.pass(10)
    duo.carry(duo.server, duo.client)
    expect(messagesOf(duo.client)).toEqual(['answer'])
  })

  test('waits for what is unsettled no longer than its deadline', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.send('chat', bytesOf('a'))
    duo.client.close({ deadlineMs: 300 })
    duo.pass(299)
    const before = drained(duo.client).map((packet) => packet[0]! >> 6)
    expect(before).not.toContain(3)
    duo.pass(1)
    expect(drained(duo.client).map((packet) => packet[0]! >> 6)).toEqual([3])
  })

  test('a goodbye that nobody answers is repeated, and ends in time', () => {
    const duo = measured()
    duo.client.close({ code: 1 })
    const startedAt = duo.now
    let goodbyes = 0
    let steps = 0
    while (duo.client.wakeAt < Number.POSITIVE_INFINITY && steps++ < 100) {
      duo.now = duo.client.wakeAt
      duo.client.update(duo.now)
      goodbyes += drained(duo.client).length
    }
    expect(goodbyes).toBe(4)
    expect(duo.now - startedAt).toBeLessThan(1_100)
    expect(closed(duo.client)).toEqual({ kind: 'local', code: 1 })
  })

  test('a lost answer is given again', () => {
    const duo = measured()
    duo.client.close()
    duo.pass(10)
    duo.carry(duo.client, duo.server)
    expect(duo.server.state).toBe('closed')
    expect(drained(duo.server).length).toBe(1)
    duo.settle(30)
    expect(closed(duo.client)).toEqual({ kind: 'local', code: 0 })
    expect(drained(duo.server)).toEqual([])
  })

  test('may come from both sides at once', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.close({ code: 1 })
    duo.server.close({ code: 2 })
    duo.pass(10)
    const [fromClient, fromServer] = [drained(duo.client), drained(duo.server)]
    for (const packet of fromServer) duo.client.receive(packet, duo.now)
    for (const packet of fromClient) duo.server.receive(packet, duo.now)
    duo.settle(200)
    expect(closed(duo.client)).toMatchObject({ kind: 'peer', code: 2 })
    expect(closed(duo.server)).toMatchObject({ kind: 'peer', code: 1 })
  })

  test('with no time at all says goodbye twice and is gone', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.send('chat', bytesOf('never sent'))
    duo.client.close({ code: 5, deadlineMs: 0 })
    expect(duo.client.state).toBe('closed')
    const packets = drained(duo.client)
    expect(packets.length).toBe(2)
    for (const packet of packets) duo.server.receive(packet, duo.now)
    expect(closed(duo.server)).toEqual({ kind: 'peer', code: 5, data: new Uint8Array(0) })
    expect(eventsOf(duo.client)).toEqual([
      { type: 'verdict', channel: 'chat', id: 0, verdict: 'closed', at: duo.now },
      { type: 'closed', reason: { kind: 'local', code: 5 } },
    ])
  })

  test('called again, changes nothing; with no time at all, it cuts the waiting short', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.send('chat', bytesOf('a'))
    duo.client.close({ code: 1 })
    duo.client.close({ code: 2 })
    expect(duo.client.state).toBe('closing')
    duo.client.close({ code: 3, deadlineMs: 0 })
    expect(closed(duo.client)).toEqual({ kind: 'local', code: 3 })
    duo.client.close({ code: 4 })
    expect(eventsOf(duo.client)).toEqual([])
  })

  test('while connecting ends at once, and a server that was reached is told', () => {
    const duo = new Duo(CHANNELS)
    duo.pass(10)
    duo.carry(duo.client, duo.server)
    duo.client.close({ code: 3 })
    expect(closed(duo.client)).toEqual({ kind: 'local', code: 3 })
    duo.carry(duo.client, duo.server)
    expect(closed(duo.server)).toMatchObject({ kind: 'peer', code: 3 })
  })

  test('refuses a deadline that is none', () => {
    const duo = new Duo(CHANNELS).open()
    expect(refusal('bad-call', () => duo.client.close({ deadlineMs: -1 }))).toBe(
      'close: deadlineMs -1, expected 0 or more',
    )
    refusal('bad-call', () => duo.client.close({ deadlineMs: Number.NaN }))
    refusal('bad-call', () => duo.client.close({ code: 70_000 }))
    expect(duo.client.state).toBe('open')
  })
})

describe('a server that asks its game first', () => {
  test('says so, and opens when it is accepted; messages wait', () => {
    const duo = new Duo(CHANNELS, {}, { server: { autoAccept: false } })
    duo.server.send('chat', bytesOf('welcome'))
    duo.settle(2)
    expect(duo.server.isAsking).toBe(true)
    expect([duo.client.state, duo.server.state]).toEqual(['connecting', 'connecting'])
    duo.server.accept()
    expect(duo.server.isAsking).toBe(false)
    duo.settle(2)
    expect(messagesOf(duo.client)).toEqual(['welcome'])
  })

  test('refuses with a code and data of its own', () => {
    const duo = new Duo(CHANNELS, {}, { server: { autoAccept: false } })
    duo.settle(2)
    duo.server.reject({ code: 12, data: bytesOf('full') })
    duo.settle(2)
    expect(closed(duo.client)).toEqual({ kind: 'rejected', code: 12, data: bytesOf('full') })
    expect(closed(duo.server)).toEqual({ kind: 'local', code: 12 })
  })

  test('has nothing to accept or reject once it is open', () => {
    const duo = new Duo(CHANNELS).open()
    duo.server.reject()
    duo.server.accept()
    expect(duo.server.state).toBe('open')
  })
})

describe('ends that differ', () => {
  test('refuse each other, and both say why', () => {
    const duo = new Duo(CHANNELS, {}, { client: { protocol: 'arena 2' }, server: { protocol: 'arena 3' } })
    duo.settle(2)
    expect(closed(duo.server)).toEqual({
      kind: 'protocol',
      violation: 'protocol',
      detail: 'expected protocol "arena 3", got another',
    })
    expect(closed(duo.client)).toMatchObject({
      kind: 'protocol',
      violation: 'protocol',
      detail: 'the peer: expected protocol "arena 3", got another',
    })
  })
})

describe('the end', () => {
  test('gives every message without a verdict one, and closed is the last event', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.send('chat', bytesOf('in flight'))
    duo.client.send('input', bytesOf('in flight'))
    duo.client.send('input', pattern(3_000))
    duo.pass(10)
    drained(duo.client)
    duo.client.send('chat', bytesOf('waiting'))
    duo.client.abort({ kind: 'transport', detail: 'pipe closed' })
    const events = eventsOf(duo.client)
    const verdicts = events.flatMap((event) =>
      event.type === 'verdict' ? `${event.channel} ${event.id} ${event.verdict}` : [],
    )
    expect(verdicts.sort()).toEqual(['chat 0 closed', 'chat 1 closed', 'input 0 closed', 'input 1 closed'])
    expect(events.at(-1)).toEqual({ type: 'closed', reason: { kind: 'transport', detail: 'pipe closed' } })
  })

  test('without a word is without a word: nothing leaves after an abort', () => {
    for (const prepare of [
      (_: Duo<typeof CHANNELS>) => {},
      (duo: Duo<typeof CHANNELS>) => duo.client.send('chat', bytesOf('x')),
      (duo: Duo<typeof CHANNELS>) => {
        duo.client.close()
        duo.pass(10)
        drained(duo.client)
      },
    ]) {
      const duo = new Duo(CHANNELS).open()
      prepare(duo)
      duo.client.abort({ kind: 'transport', detail: 'gone' })
      duo.pass(5_000)
      expect(drained(duo.client)).toEqual([])
      expect(duo.client.wakeAt).toBe(Number.POSITIVE_INFINITY)
    }
  })

  test('a server that has ended without a word answers no hello', () => {
    const duo = new Duo(CHANNELS)
    duo.pass(10)
    const hello = drained(duo.client)
    duo.server.abort({ kind: 'transport', detail: 'gone' })
    for (const packet of hello) expect(duo.server.receive(packet, duo.now)).toBe('closed')
    expect(drained(duo.server)).toEqual([])
  })

  test('after it every method is quiet', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.abort({ kind: 'transport', detail: 'gone' })
    eventsOf(duo.client)
    const { client } = duo
    expect(client.send('chat', bytesOf('x'))).toBe(-1)
    expect(client.trySend('chat', bytesOf('x'))).toBeUndefined()
    client.abort({ kind: 'transport', detail: 'again' })
    client.accept()
    client.reject()
    client.close()
    client.update(duo.now + 1e9)
    expect(client.receive(pattern(50), duo.now)).toBe('closed')
    expect(client.receive(new Uint8Array(0), duo.now)).toBe('closed')
    expect([client.pollEvent(), client.pollPacket()]).toEqual([undefined, undefined])
    expect(client.state).toBe('closed')
    expect(client.isAsking).toBe(false)
    expect(client.stats.messagesSent).toBe(0)
  })
})
