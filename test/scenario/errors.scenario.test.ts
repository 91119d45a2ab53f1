import { describe, expect, test } from 'vitest'
import { Endpoint, type EndpointOptions, NetcodeError, type NetcodeErrorCode } from '../../src/index.ts'
import { Pair } from '../support/pair.ts'
import type { Side } from '../support/side.ts'

const CHANNELS = {
  chat: { kind: 'ordered', maxMessageBytes: 1000, maxQueuedMessages: 3, maxQueuedBytes: 2000 },
  hits: { kind: 'reliable', maxMessageBytes: 1000, maxQueuedMessages: 3, maxQueuedBytes: 2000 },
  doors: { kind: 'latest', maxMessageBytes: 1000, maxQueuedMessages: 3, maxQueuedBytes: 2000 },
  pose: { kind: 'unreliable', maxMessageBytes: 1000 },
  look: { kind: 'sequenced', maxMessageBytes: 1000 },
} as const
type Table = typeof CHANNELS

function expectError(code: NetcodeErrorCode, text: RegExp, run: () => unknown): void {
  let error: unknown
  try {
    run()
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(NetcodeError)
  expect(error).toMatchObject({ name: 'NetcodeError', code })
  expect((error as NetcodeError).message).toMatch(text)
}

/** From both sides, on a connection that is open. */
function fromEachSide(name: string, run: (side: Side<Table>, pair: Pair<Table>) => void): void {
  for (const which of ['client', 'server'] as const) {
    test(`${name} (${which})`, () => {
      const pair = new Pair<Table>({ seed: 1, channels: CHANNELS, up: { delayMs: 20 }, down: { delayMs: 20 } }).open()
      run(pair[which], pair)
      // A mistake of the caller changes nothing.
      pair.client.send('chat')
      pair.server.send('chat')
      pair.finish()
    })
  }
}

const bytes = (length: number): Uint8Array => new Uint8Array(length)

describe('a mistake of the caller is thrown at the call', () => {
  fromEachSide('unknown-channel: names the channels there are', ({ endpoint }) => {
    const name = 'chta' as 'chat'
    for (const run of [
      () => endpoint.send(name, bytes(1)),
      () => endpoint.trySend(name, bytes(1)),
      () => endpoint.queuedMs(name),
    ]) {
      expectError('unknown-channel', /"chta".*chat, hits, doors, pose, look/, run)
    }
    expectError('unknown-channel', /"constructor"/, () => endpoint.send('constructor' as 'chat', bytes(1)))
  })

  fromEachSide('message-too-large: says how large and how large it may be', ({ endpoint }) => {
    for (const name of Object.keys(CHANNELS) as (keyof Table)[]) {
      expectError('message-too-large', /1001 bytes, at most 1000/, () => endpoint.send(name, bytes(1001)))
      expectError('message-too-large', /1001/, () => endpoint.trySend(name, bytes(1001)))
    }
  })

  fromEachSide('bad-message: not bytes, a key that does not fit, a time-to-live that is none', ({ endpoint }) => {
    for (const payload of ['text', undefined, null, [1], new ArrayBuffer(3), new Uint16Array(2), { length: 3 }]) {
      expectError('bad-message', /expected a Uint8Array/, () => endpoint.send('chat', payload as unknown as Uint8Array))
    }
    for (const name of ['chat', 'hits', 'pose'] as const) {
      expectError('bad-message', /has none/, () => endpoint.send(name, bytes(1), { key: 0 }))
    }
    for (const key of [-1, 0.5, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY, '1' as unknown as number]) {
      expectError('bad-message', /0 to 2147483647/, () => endpoint.send('doors', bytes(1), { key }))
      expectError('bad-message', /0 to 2147483647/, () => endpoint.trySend('look', bytes(1), { key }))
    }
    for (const ttlMs of [0, -1, Number.NaN]) {
      expectError('bad-message', /ttlMs/, () => endpoint.send('pose', bytes(1), { ttlMs }))
    }
  })

  fromEachSide('backpressure: a reliable kind that is full in messages, and nothing has changed', (side, pair) => {
    for (const name of ['chat', 'hits', 'doors'] as const) {
      const key = (i: number): { key?: number } => (name === 'doors' ? { key: i } : {})
      for (let i = 0; i < 3; i++) expect(side.send(name, key(i))).toBe(i)
      const before = JSON.stringify(side.endpoint.stats)
      expect(side.endpoint.trySend(name, bytes(1), key(9))).toBeUndefined()
      expectError('backpressure', /full at 3 unsettled messages or 2000 bytes/, () =>
        side.endpoint.send(name, bytes(1), key(9)),
      )
      expect(JSON.stringify(side.endpoint.stats)).toBe(before)
    }
    pair.run(500)
    for (const name of ['chat', 'hits', 'doors'] as const) expect(side.send(name)).toBe(3)
  })

  fromEachSide('backpressure: a reliable kind that is full in bytes', (side, pair) => {
    for (const name of ['chat', 'hits', 'doors'] as const) {
      const key = (i: number): { key?: number } => (name === 'doors' ? { key: i } : {})
      for (let i = 0; i < 2; i++) expect(side.send(name, { bytes: 995, ...key(i) })).toBe(i)
      expectError('backpressure', /2000 bytes/, () => side.endpoint.send(name, bytes(11), key(9)))
      expect(side.send(name, { bytes: 10, ...key(2) })).toBe(2)
    }
    pair.run(500)
    expect(side.send('chat', { bytes: 1000 })).toBe(3)
  })

  fromEachSide('bad-call: codes and data that have no bytes on the wire', ({ endpoint }) => {
    for (const code of [-1, 65_536, 1.5, Number.NaN]) {
      expectError('bad-call', /0 to 65535/, () => endpoint.close({ code }))
      expectError('bad-call', /0 to 65535/, () => endpoint.reject({ code }))
    }
    expectError('bad-call', /1025 bytes, at most 1024/, () => endpoint.close({ data: bytes(1025) }))
    expectError('bad-call', /1025 bytes, at most 1024/, () => endpoint.reject({ data: bytes(1025) }))
    for (const deadlineMs of [-1, Number.NaN])
      expectError('bad-call', /deadlineMs/, () => endpoint.close({ deadlineMs }))
    expect(endpoint.state).toBe('open')
  })
})

describe('bad-option: an option outside its range is thrown by the constructor', () => {
  const good: EndpointOptions = { role: 'client', now: 0, random: () => 1, channels: { chat: { kind: 'ordered' } } }
  const cases: [name: string, options: Record<string, unknown>, text: RegExp][] = [
    ['role', { role: 'peer' }, /role: "peer"/],
    ['now', { now: Number.NaN }, /now/],
    ['random', { random: 4 }, /random/],
    ['no channel', { channels: {} }, /channels: 0, expected 1 to 64/],
    [
      '65 channels',
      { channels: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`c${i}`, { kind: 'ordered' }])) },
      /65/,
    ],
    ['an empty name', { channels: { '': { kind: 'ordered' } } }, /1 to 64 printable/],
    ['a long name', { channels: { ['x'.repeat(65)]: { kind: 'ordered' } } }, /1 to 64 printable/],
    ['a name with a letter that is not ASCII', { channels: { é: { kind: 'ordered' } } }, /ASCII/],
    ['kind', { channels: { chat: { kind: 'tcp' } } }, /channels.chat.kind: "tcp"/],
    ['maxMessageBytes 0', { channels: { chat: { kind: 'ordered', maxMessageBytes: 0 } } }, /1 to 16777216/],
    [
      'maxMessageBytes above 16 MiB',
      { channels: { chat: { kind: 'ordered', maxMessageBytes: 2 ** 24 + 1 } } },
      /16777216/,
    ],
    ['maxMessageBytes of a fraction', { channels: { chat: { kind: 'ordered', maxMessageBytes: 1.5 } } }, /integer/],
    ['priority', { channels: { chat: { kind: 'ordered', priority: 128 } } }, /-128 to 127/],
    ['weight', { channels: { chat: { kind: 'ordered', weight: 0 } } }, /weight/],
    ['maxQueuedMessages', { channels: { chat: { kind: 'ordered', maxQueuedMessages: 4097 } } }, /1 to 4096/],
    [
      'maxQueuedBytes below a message',
      { channels: { chat: { kind: 'ordered', maxQueuedBytes: 5 } } },
      /maxQueuedBytes/,
    ],
    ['ttlMs', { channels: { chat: { kind: 'ordered', ttlMs: 0 } } }, /ttlMs/],
    ['maxKeys', { channels: { chat: { kind: 'latest', maxKeys: 0 } } }, /maxKeys/],
    ['parity on a reliable kind', { channels: { chat: { kind: 'ordered', parity: 0.5 } } }, /expected 0/],
    ['parity above 1', { channels: { pose: { kind: 'unreliable', parity: 1.5, maxMessageBytes: 9 } } }, /parity/],
    ['parity of too many fragments', { channels: { pose: { kind: 'unreliable', parity: 1 } } }, /at most 255/],
    ['maxPacketBytes below', { maxPacketBytes: 255 }, /256 to 16384/],
    ['maxPacketBytes above', { maxPacketBytes: 16_385 }, /256 to 16384/],
    ['timeoutMs', { timeoutMs: 499 }, /timeoutMs/],
    ['keepaliveMs above a third of the timeout', { timeoutMs: 3000, keepaliveMs: 1001 }, /keepaliveMs/],
    ['ackDelayMs', { ackDelayMs: 101 }, /ackDelayMs/],
    ['bytesPerSecond', { bytesPerSecond: 999 }, /bytesPerSecond/],
    ['reliableShare', { reliableShare: 1 }, /reliableShare/],
    ['maxBacklogBytes', { maxBacklogBytes: -1 }, /maxBacklogBytes/],
    ['maxEvents', { maxEvents: 15 }, /maxEvents/],
    ['maxEventBytes', { maxEventBytes: 1023 }, /maxEventBytes/],
    ['reassemblyMs', { reassemblyMs: 49 }, /reassemblyMs/],
    ['maxMalformed', { maxMalformed: 0 }, /maxMalformed/],
  ]
  test.each(cases)('%s', (_, options, text) => {
    expectError('bad-option', text, () => new Endpoint({ ...good, ...options } as EndpointOptions))
  })

  test('the edges are inside', () => {
    const channels = Object.fromEntries(
      Array.from({ length: 64 }, (_, i) => [`${i}${'x'.repeat(62)}`, { kind: 'latest', maxMessageBytes: 1 } as const]),
    )
    const edges = {
      maxPacketBytes: 256,
      timeoutMs: 500,
      keepaliveMs: 100,
      ackDelayMs: 0,
      bytesPerSecond: 1000,
      maxEvents: 16,
      maxMalformed: 1,
    }
    expect(() => new Endpoint({ ...good, ...edges, channels })).not.toThrow()
    expect(
      () =>
        new Endpoint({
          ...good,
          channels: { big: { kind: 'ordered', maxMessageBytes: 2 ** 24, maxQueuedMessages: 4096 } },
        }),
    ).not.toThrow()
  })
})
