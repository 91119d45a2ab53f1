import { describe, expect, test } from 'vitest'
import type { Endpoint } from '../../src/core/endpoint.ts'
import type { ReceiveResult } from '../../src/core/events.ts'
import { bytesOf, Duo, dataOf, drained, eventsOf, messagesOf, pattern, refusal, textOf, verdictsOf } from './support.ts'

const CHANNELS = {
  input: { kind: 'unreliable' },
  world: { kind: 'sequenced' },
  hits: { kind: 'reliable' },
  chat: { kind: 'ordered', priority: 1 },
  doors: { kind: 'latest' },
} as const

describe('two endpoints', () => {
  test('open, and say so once', () => {
    const duo = new Duo(CHANNELS)
    expect(duo.client.state).toBe('connecting')
    duo.open()
    expect([duo.client.state, duo.server.state]).toEqual(['open', 'open'])
    duo.settle(50)
    expect(eventsOf(duo.client)).toEqual([])
    expect(eventsOf(duo.server)).toEqual([])
  })

  test('have no haste any more once two urgent messages of the same millisecond have left', () => {
    const duo = new Duo(CHANNELS).open()
    duo.settle(50)
    for (let i = 0; i < 2; i++) {
      duo.client.send('input', pattern(10), { urgent: true })
      expect(duo.client.hasteAt).toBe(duo.now)
      expect(duo.client.pollPacket()).toBeDefined()
      while (duo.client.pollPacket() !== undefined);
    }
    expect(duo.client.hasteAt).toBeGreaterThan(duo.now)
  })

  test('bring messages of every kind over, whole and unchanged', () => {
    const duo = new Duo(CHANNELS).open()
    for (const channel of ['input', 'world', 'hits', 'chat', 'doors'] as const) {
      for (const length of [0, 1, 100, 1_086, 1_087, 20_000]) {
        duo.client.send(channel, pattern(length))
        duo.settle(2)
        const [message, ...more] = eventsOf(duo.server)
        expect(more).toEqual([])
        if (message?.type !== 'message') throw new Error(`${channel}, ${length} bytes: no message`)
        expect(message).toMatchObject({ channel, key: -1 })
        expect(Buffer.compare(message.payload, pattern(length)), `${channel}, ${length} bytes`).toBe(0)
      }
    }
    expect(duo.server.stats.packetsMalformed).toBe(0)
  })

  test('tell the sender what became of each message, with its number and the instant', () => {
    const duo = new Duo(CHANNELS).open()
    expect(duo.client.send('chat', bytesOf('a'))).toBe(0)
    expect(duo.client.send('chat', bytesOf('b'))).toBe(1)
    expect(duo.client.send('hits', bytesOf('c'))).toBe(0)
    duo.settle(1)
    const verdict = (channel: string, id: number) => ({ type: 'verdict', channel, id, verdict: 'acked', at: duo.now })
    expect(eventsOf(duo.client)).toEqual([verdict('chat', 0), verdict('chat', 1), verdict('hits', 0)])
  })

  test('a channel without verdicts has none, but is counted', () => {
    const duo = new Duo({ quiet: { kind: 'reliable', verdicts: false } }).open()
    duo.client.send('quiet', bytesOf('a'))
    duo.settle(1)
    expect(eventsOf(duo.client)).toEqual([])
    expect(duo.client.stats.messagesAcked).toBe(1)
  })

  test('keys come with their messages', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.send('doors', bytesOf('open'), { key: 7 })
    duo.client.send('world', pattern(3_000), { key: 2 ** 31 - 1 })
    duo.settle(1)
    expect(eventsOf(duo.server).map((event) => (event.type === 'message' ? event.key : undefined))).toEqual([
      7,
      2 ** 31 - 1,
    ])
  })

  test('put what was sent in one tick into one packet', () => {
    const duo = new Duo(CHANNELS).open()
    duo.pass(10)
    for (let i = 0; i < 20; i++) duo.client.send('input', bytesOf(`${i}`))
    duo.client.send('chat', bytesOf('first'))
    const packets = drained(duo.client)
    expect(packets.length).toBe(1)
    for (const packet of packets) duo.server.receive(packet, duo.now)
    // Its priority is higher.
    expect(messagesOf(duo.server)[0]).toBe('first')
  })

  test('never send a packet above the limit, whatever is in it', () => {
    for (const maxPacketBytes of [256, 700, 1_150, 9_000]) {
      const duo = new Duo(CHANNELS, { maxPacketBytes }).open()
      for (let i = 0; i < 40; i++) {
        duo.client.send('hits', pattern(37 * i))
        duo.client.send('doors', pattern(100 + i), { key: 2 ** 31 - 1 - i })
      }
      duo.client.send('input', pattern(30_000))
      let count = 0
      for (let tick = 0; tick < 100; tick++) {
        duo.pass(10)
        for (const packet of drained(duo.client)) {
          expect(packet.length).toBeLessThanOrEqual(maxPacketBytes)
          count++
          duo.server.receive(packet, duo.now)
        }
        duo.carry(duo.server, duo.client)
      }
      expect(count).toBeGreaterThan(0)
      expect(eventsOf(duo.server).filter(({ type }) => type === 'message').length).toBe(81)
    }
  })
})

describe('bytes', () => {
  test('the sender may use its buffer again at once', () => {
    const duo = new Duo(CHANNELS).open()
    const buffer = bytesOf('hello')
    duo.client.send('chat', buffer)
    buffer.fill(0)
    duo.settle(1)
    expect(messagesOf(duo.server)).toEqual(['hello'])
  })

  test('a packet is lent until the next poll', () => {
    const duo = new Duo(CHANNELS).open()
    duo.pass(10)
    duo.client.send('input', pattern(2_000))
    const first = duo.client.pollPacket()!
    const copy = first.slice()
    duo.client.pollPacket()
    expect(first).not.toEqual(copy)
  })

  test('what was delivered is never written to again', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.send('chat', bytesOf('hello'))
    duo.client.send('hits', pattern(5_000))
    duo.settle(10)
    const kept = eventsOf(duo.server).flatMap((event) => (event.type === 'message' ? event.payload : []))
    for (let i = 0; i < 200; i++) {
      duo.client.send('hits', pattern(50 + i * 20, i))
      duo.settle(1)
    }
    expect(textOf(kept[0]!)).toBe('hello')
    expect(kept[1]).toEqual(pattern(5_000))
  })

  test('same inputs, same bytes', () => {
    const run = (): string => {
      const duo = new Duo(CHANNELS)
      let all = ''
      for (let tick = 0; tick < 60; tick++) {
        duo.pass(16)
        if (duo.client.state === 'open') duo.client.send('hits', pattern(tick * 50))
        for (const [from, to] of [
          [duo.client, duo.server],
          [duo.server, duo.client],
        ] as const) {
          for (const packet of drained(from)) {
            all += Buffer.from(packet).toString('hex')
            if (tick % 7 !== 3) to.receive(packet, duo.now)
          }
        }
      }
      return all
    }
    expect(run()).toBe(run())
  })
})

describe('the door', () => {
  const endpoint = (): Endpoint<typeof CHANNELS> => new Duo(CHANNELS).client

  test('throws for a channel that is not in the table, and names those that are', () => {
    expect(refusal('unknown-channel', () => endpoint().send('voice' as 'chat', bytesOf('x')))).toBe(
      'channel "voice", expected one of input, world, hits, chat, doors',
    )
    expect(refusal('unknown-channel', () => endpoint().queuedMs('voice' as 'chat'))).toContain('"voice"')
  })

  test('throws for what a channel cannot take, also from trySend', () => {
    refusal('bad-message', () => endpoint().trySend('chat', bytesOf('x'), { key: 1 }))
    refusal('bad-message', () => endpoint().send('world', 'x' as unknown as Uint8Array))
    refusal('message-too-large', () => endpoint().send('chat', new Uint8Array(1_048_577)))
  })

  test('throws backpressure when a reliable channel is full, and trySend says undefined; nothing has changed', () => {
    const duo = new Duo({ chat: { kind: 'ordered', maxQueuedMessages: 2 } }).open()
    duo.client.send('chat', bytesOf('a'))
    duo.client.send('chat', bytesOf('b'))
    expect(refusal('backpressure', () => duo.client.send('chat', bytesOf('c')))).toBe(
      'chat: full at 2 unsettled messages or 8388608 bytes; the message was not queued',
    )
    expect(duo.client.trySend('chat', bytesOf('c'))).toBeUndefined()
    expect(duo.client.stats.messagesSent).toBe(2)
    duo.settle(1)
    expect(duo.client.trySend('chat', bytesOf('c'))).toBe(2)
    duo.settle(1)
    expect(messagesOf(duo.server)).toEqual(['a', 'b', 'c'])
  })

  test('takes messages while connecting, and they go with the first packets', () => {
    const duo = new Duo(CHANNELS)
    duo.client.send('chat', bytesOf('early'))
    duo.server.send('chat', bytesOf('bird'))
    expect(dataOf(drained(duo.client))).toEqual([])
    duo.settle(12)
    expect(messagesOf(duo.server)).toEqual(['early'])
    expect(messagesOf(duo.client)).toEqual(['bird'])
  })

  test('tells how long a message would wait', () => {
    const duo = new Duo(CHANNELS, { bytesPerSecond: 10_000 }).open()
    expect(duo.client.queuedMs('input')).toBe(0)
    duo.client.send('input', new Uint8Array(5_000))
    duo.client.send('chat', new Uint8Array(1_000))
    expect(duo.client.queuedMs('chat')).toBe(100)
    expect(duo.client.queuedMs('input')).toBe(600)
    duo.client.backlogBytes = 2_000
    expect(duo.client.queuedMs('chat')).toBe(300)
  })
})

describe('receive', () => {
  test('says what it made of a packet', () => {
    const duo = new Duo(CHANNELS).open()
    duo.pass(10)
    duo.client.send('input', bytesOf('x'))
    const [packet] = drained(duo.client)
    const results: ReceiveResult[] = []
    results.push(duo.server.receive(packet!.slice(), duo.now))
    results.push(duo.server.receive(packet!.slice(), duo.now))
    results.push(duo.server.receive(packet!.subarray(0, 4).slice(), duo.now))
    results.push(duo.server.receive(new Uint8Array(0), duo.now))
    results.push(duo.server.receive(Uint8Array.of(0xc0, 9, 9, 9, 9, 0, 0), duo.now))
    duo.server.abort({ kind: 'transport', detail: 'x' })
    results.push(duo.server.receive(packet!.slice(), duo.now))
    expect(results).toEqual(['accepted', 'duplicate', 'malformed', 'malformed', 'refused', 'closed'])
    expect(duo.server.stats).toMatchObject({ packetsDuplicate: 1, packetsMalformed: 2 })
    expect(duo.server.stats.refusals).toMatchObject({ encoding: 2, unexpected: 1 })
  })

  test('drops data before the handshake is done, without an ack', () => {
    const duo = new Duo(CHANNELS).open()
    duo.pass(10)
    duo.client.send('chat', bytesOf('x'))
    const [packet] = dataOf(drained(duo.client))
    const early = new Duo(CHANNELS)
    expect(early.server.receive(packet!, early.now)).toBe('refused')
    expect(early.server.state).toBe('connecting')
  })

  test('a packet that acknowledges what was never sent is malformed, and its acks are not believed', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.send('chat', bytesOf('x'))
    const before = duo.client.stats.packetsAcked
    expect(duo.client.receive(Uint8Array.of(0x10, 0, 50, 0, 0, 0, 200), duo.now)).toBe('malformed')
    expect(duo.client.stats.packetsAcked).toBe(before)
    expect(duo.client.stats.refusals.ackOfUnsent).toBe(1)
  })

  test('acks count although the records are broken; the packet is not acknowledged', () => {
    const duo = new Duo(CHANNELS).open()
    duo.pass(10)
    duo.client.send('chat', bytesOf('x'))
    duo.carry(duo.client, duo.server)
    const [ack] = drained(duo.server)
    const broken = Uint8Array.of(...ack!, 0x3f, 0xff)
    expect(duo.client.receive(broken, duo.now)).toBe('malformed')
    expect(verdictsOf(duo.client)).toEqual(['chat 0 acked'])
    duo.pass(100)
    duo.client.send('chat', bytesOf('y'))
    duo.carry(duo.client, duo.server)
    expect(duo.server.stats.packetsAcked).toBe(0)
  })

  test('a stale packet changes nothing', () => {
    const duo = new Duo(CHANNELS).open()
    duo.pass(10)
    duo.client.send('chat', bytesOf('old'))
    const [old] = drained(duo.client)
    for (let i = 0; i < 1_100; i++) {
      duo.pass(10)
      duo.client.send('input', bytesOf('x'))
      duo.carry(duo.client, duo.server)
      duo.carry(duo.server, duo.client)
    }
    eventsOf(duo.server)
    const malformed = duo.server.stats.packetsMalformed
    expect(duo.server.receive(old!, duo.now)).toBe('stale')
    expect(duo.server.stats).toMatchObject({ packetsStale: 1, packetsMalformed: malformed })
    expect(eventsOf(duo.server)).toEqual([])
  })

  test('more malformed packets than are allowed end the connection, and the peer is told once', () => {
    const duo = new Duo(CHANNELS, { maxMalformed: 3 }).open()
    for (let i = 0; i < 3; i++) duo.server.receive(Uint8Array.of(0x07), duo.now)
    expect(duo.server.state).toBe('open')
    duo.server.receive(Uint8Array.of(0x07), duo.now)
    expect(eventsOf(duo.server)).toEqual([
      {
        type: 'closed',
        reason: { kind: 'protocol', violation: 'malformed', detail: '4 malformed packets, at most 3' },
      },
    ])
    expect(duo.carry(duo.server, duo.client)).toBe(1)
    expect(eventsOf(duo.client)).toMatchObject([
      { type: 'closed', reason: { kind: 'protocol', violation: 'malformed' } },
    ])
  })
})

describe('events that nobody polls', () => {
  test('stop messages at the door; reliable ones come again, and nothing is lost or doubled', () => {
    const duo = new Duo(CHANNELS, { maxEvents: 16 }).open()
    for (let i = 0; i < 40; i++) {
      duo.client.send('hits', bytesOf(`${i}`))
      duo.settle(1)
    }
    expect(duo.server.stats.packetsRefused).toBeGreaterThan(0)
    const texts: string[] = []
    for (let i = 0; i < 300; i++) {
      texts.push(...messagesOf(duo.server))
      eventsOf(duo.client)
      duo.settle(1)
    }
    expect(texts.sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 40 }, (_, i) => `${i}`))
  })

  test('acks get through to a side that is full, and keep the connection alive', () => {
    const duo = new Duo(CHANNELS, { maxEvents: 16, timeoutMs: 1_000 }).open()
    for (let i = 0; i < 20; i++) {
      duo.client.send('chat', bytesOf(`${i}`))
      duo.settle(1)
    }
    eventsOf(duo.client)
    duo.server.send('chat', bytesOf('back'))
    duo.settle(300)
    expect(messagesOf(duo.client)).toEqual(['back'])
    expect(duo.server.stats.messagesAcked).toBe(1)
    expect(duo.server.stats.packetsRefused).toBeGreaterThan(0)
    expect([duo.client.state, duo.server.state]).toEqual(['open', 'open'])
  })

  test('verdicts that pile up end the connection', () => {
    const duo = new Duo(CHANNELS, { maxEvents: 16 }).open()
    for (let i = 0; i < 300 && duo.client.state === 'open'; i++) {
      duo.client.send('input', bytesOf('x'))
      duo.settle(1)
      eventsOf(duo.server)
    }
    const events = eventsOf(duo.client)
    expect(events.at(-1)).toEqual({ type: 'closed', reason: { kind: 'overflow', what: 'events', limit: 256 } })
    duo.settle(2)
    expect(eventsOf(duo.server).at(-1)).toMatchObject({ type: 'closed', reason: { kind: 'peer' } })
  })
})

describe('time', () => {
  test('that goes backwards, stands still or is no number is ignored', () => {
    const duo = new Duo(CHANNELS).open()
    for (const now of [0, -1e9, Number.NaN, duo.now]) {
      duo.client.update(now)
      duo.client.receive(Uint8Array.of(1), now)
    }
    expect(duo.client.wakeAt).toBeGreaterThanOrEqual(duo.now)
    duo.client.send('chat', bytesOf('x'))
    duo.settle(1)
    expect(messagesOf(duo.server)).toEqual(['x'])
  })

  test('a client that follows nothing but its own deadlines still connects, and gives up in the end', () => {
    const duo = new Duo(CHANNELS, { timeoutMs: 3_000 })
    let hellos = 0
    let steps = 0
    while (duo.client.wakeAt < Number.POSITIVE_INFINITY && steps++ < 100) {
      duo.client.update(duo.client.wakeAt)
      hellos += drained(duo.client).length
    }
    expect(hellos).toBe(7)
    expect(eventsOf(duo.client)).toEqual([
      { type: 'closed', reason: { kind: 'timeout', silentMs: 3_000, during: 'connecting' } },
    ])
    expect(duo.client.wakeAt).toBe(Number.POSITIVE_INFINITY)
  })

  test('a deadline that was given is never in the past, and following it never spins', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.send('hits', pattern(3_000))
    let steps = 0
    while (duo.client.state === 'open' && steps++ < 1_000) {
      const at = duo.client.wakeAt
      expect(at).toBeGreaterThanOrEqual(duo.now)
      duo.now = at
      duo.client.update(at)
      drained(duo.client)
    }
    expect(duo.client.state).toBe('closed')
    expect(steps).toBeLessThan(60)
  })

  test('an update that comes late does all that was due', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.send('chat', bytesOf('x'), { ttlMs: 50 })
    duo.client.backlogBytes = 1e9
    duo.pass(5_000)
    expect(verdictsOf(duo.client)).toEqual(['chat 0 expired'])
  })

  test('silence ends it', () => {
    const duo = new Duo(CHANNELS, { timeoutMs: 2_000 }).open()
    duo.pass(1_900)
    expect(duo.client.state).toBe('open')
    expect(duo.client.wakeAt).toBeLessThanOrEqual(duo.now + 100)
    duo.pass(100)
    expect(eventsOf(duo.client)).toEqual([
      { type: 'closed', reason: { kind: 'timeout', silentMs: expect.closeTo(2_000, -2), during: 'open' } },
    ])
    // Nobody is told: the path is gone.
    expect(drained(duo.client)).toEqual([])
    expect(duo.client.wakeAt).toBe(Number.POSITIVE_INFINITY)
  })

  test('two sides that have nothing to say keep each other awake for some bytes a second', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.send('chat', bytesOf('x'))
    duo.settle(500)
    const before = duo.client.stats.packetsSent + duo.server.stats.packetsSent
    duo.settle(6_000)
    expect([duo.client.state, duo.server.state]).toEqual(['open', 'open'])
    // A minute: every 2 s a ping, the answer that is a ping itself, and an ack.
    expect(duo.client.stats.packetsSent + duo.server.stats.packetsSent - before).toBeLessThanOrEqual(93)
  })
})

describe('statistics', () => {
  test('count packets and bytes on both sides alike', () => {
    const duo = new Duo(CHANNELS).open()
    for (let i = 0; i < 30; i++) {
      duo.client.send('input', pattern(30))
      duo.server.send('hits', pattern(400))
      duo.settle(1)
    }
    const [client, server] = [duo.client.stats, duo.server.stats]
    expect(server.packetsReceived).toBe(client.packetsSent)
    expect(server.bytesReceived).toBe(client.bytesSent)
    expect(server.wireBytesReceived).toBe(client.bytesSent + 93 * client.packetsSent)
    expect(client).toMatchObject({
      appBytesSent: 900,
      appBytesReceived: 12_000,
      messagesSent: 30,
      messagesReceived: 30,
    })
    expect(client.headerBytesSent).toBeGreaterThan(0)
    expect(client.headerBytesSent).toBeLessThanOrEqual(8 * client.packetsSent)
    expect(client).toMatchObject({ queuedMessages: 0, queuedBytes: 0, packetsLost: 0, lossUp: 0 })
  })

  test('know nothing that was not measured', () => {
    const { stats } = new Duo(CHANNELS).client
    for (const name of ['rttMs', 'rttVarMs', 'rttLatestMs', 'rttMinMs', 'jitterMs', 'lossUp', 'lossDown'] as const) {
      expect(stats[name]).toBeNaN()
    }
  })
})
