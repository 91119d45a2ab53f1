import { describe, expect, test } from 'vitest'
import { ChannelNames } from '../../src/core/channel-names.ts'
import type { ChannelOptions, ChannelTable, EndpointOptions } from '../../src/core/config.ts'
import { Endpoint } from '../../src/core/endpoint.ts'
import { channelOf, configOf, refusal } from './support.ts'

const GOOD: EndpointOptions = { role: 'client', now: 0, random: () => 1, channels: { chat: { kind: 'ordered' } } }

/** The message with which an endpoint refuses these options. */
function refused(options: Record<string, unknown>): string {
  return refusal('bad-option', () => new Endpoint({ ...GOOD, ...options } as EndpointOptions))
}

function refusedChannel(options: Record<string, unknown>): string {
  return refused({ channels: { chat: { kind: 'ordered', ...options } } })
}

describe('defaults', () => {
  test('of an endpoint', () => {
    expect(configOf({ chat: { kind: 'ordered' } })).toMatchObject({
      protocol: '',
      maxPacketBytes: 1_150,
      fragmentBytes: 1_150 - 64,
      timeoutMs: 10_000,
      keepaliveMs: 2_000,
      ackDelayMs: 25,
      rtoMinMs: 20,
      rtoMaxMs: 5_000,
      lossRule: undefined,
      congestion: 'delay',
      bytesPerSecond: Number.POSITIVE_INFINITY,
      reliableShare: 0.2,
      maxEvents: 8_192,
      maxEventBytes: 16 * 1_048_576,
      reassemblyMs: 2_000,
      maxMalformed: 32,
      pooled: true,
      autoAccept: true,
    })
  })

  test('of a channel', () => {
    expect(channelOf('ordered')).toMatchObject({
      index: 0,
      name: 'ordered',
      maxMessageBytes: 1_048_576,
      priority: 0,
      weight: 1,
      maxQueuedMessages: 1_024,
      maxQueuedBytes: 8 * 1_048_576,
      ttlMs: Number.POSITIVE_INFINITY,
      verdicts: true,
      maxKeys: 4_096,
      parity: 0,
      windowBytes: 2 * 1_048_576,
    })
  })

  test('fit each other: the keepalive to a short timeout, the queue to a large message, the window to a small one', () => {
    expect(configOf({ chat: { kind: 'ordered' } }, { timeoutMs: 900 }).keepaliveMs).toBe(300)
    expect(channelOf('ordered', { maxMessageBytes: 16 * 1_048_576 }).maxQueuedBytes).toBe(16 * 1_048_576)
    expect(channelOf('ordered', { maxMessageBytes: 100 }).windowBytes).toBe(65_536)
  })

  test.each([
    ['unreliable', { hasIds: false, hasKeys: false, isReliable: false }],
    ['sequenced', { hasIds: false, hasKeys: true, isReliable: false }],
    ['reliable', { hasIds: true, hasKeys: false, isReliable: true }],
    ['ordered', { hasIds: true, hasKeys: false, isReliable: true }],
    ['latest', { hasIds: true, hasKeys: true, isReliable: true }],
  ] as const)('of kind %s', (kind, traits) => {
    expect(channelOf(kind)).toMatchObject(traits)
  })
})

describe('the contract that both ends must share', () => {
  const digest = (name: string, options: ChannelOptions): number => configOf({ [name]: options }).channels[0]!.digest

  test('is name, kind and largest message', () => {
    const own = digest('chat', { kind: 'ordered' })
    expect(digest('chat', { kind: 'ordered', priority: 9, weight: 3, ttlMs: 5, maxKeys: 2, verdicts: false })).toBe(own)
    expect(digest('chat', { kind: 'ordered', maxMessageBytes: 1_048_576 })).toBe(own)
    expect(digest('chatter', { kind: 'ordered' })).not.toBe(own)
    expect(digest('chat', { kind: 'reliable' })).not.toBe(own)
    expect(digest('chat', { kind: 'ordered', maxMessageBytes: 1_048_575 })).not.toBe(own)
  })

  test('keeps the order in which the table was written', () => {
    const { channels } = configOf({ b: { kind: 'reliable' }, a: { kind: 'ordered' } })
    expect(channels.map(({ name }) => name)).toEqual(['b', 'a'])
    expect(new ChannelNames(channels).find('a')).toBe(channels[1])
  })
})

describe('bad options of an endpoint are refused with what was expected and what came', () => {
  test.each<[Record<string, unknown>, string]>([
    [{ role: 'host' }, `role: "host", expected 'client' or 'server'`],
    [{ now: Number.NaN }, 'now: NaN, expected a finite number of ms'],
    [{ now: '5' }, 'now: 5, expected a finite number of ms'],
    [{ random: 4 }, 'random: expected a function that returns 32 random bits'],
    [{ protocol: 7 }, 'protocol: 7, expected a string'],
    [{ channels: { chat: undefined } }, 'channels.chat: undefined, expected an object with a kind'],
    [{ channels: { chat: 'ordered' } }, 'channels.chat: ordered, expected an object with a kind'],
    [{ channels: {} }, 'channels: 0, expected 1 to 64'],
    [{ channels: undefined }, 'channels: 0, expected 1 to 64'],
    [{ maxPacketBytes: 255 }, 'maxPacketBytes: 255, expected 256 to 16384'],
    [{ maxPacketBytes: 16_385 }, 'maxPacketBytes: 16385, expected 256 to 16384'],
    [{ maxPacketBytes: 1_150.5 }, 'maxPacketBytes: 1150.5, expected an integer'],
    [{ maxPacketBytes: '1150' }, 'maxPacketBytes: 1150, expected 256 to 16384'],
    [{ timeoutMs: 499 }, 'timeoutMs: 499, expected 500 to 600000'],
    [{ timeoutMs: Number.POSITIVE_INFINITY }, 'timeoutMs: Infinity, expected 500 to 600000'],
    [{ rtoMinMs: 0 }, 'rtoMinMs: 0, expected 1 to 10000'],
    [{ rtoMinMs: 300, rtoMaxMs: 200 }, 'rtoMaxMs: 200, expected 300 to 60000'],
    [{ lossRule: 'none' }, 'lossRule: expected a function that makes a loss rule'],
    [{ keepaliveMs: 99 }, 'keepaliveMs: 99, expected 100 to 3333.3333333333335'],
    [{ keepaliveMs: 400, timeoutMs: 900 }, 'keepaliveMs: 400, expected 100 to 300'],
    [{ ackDelayMs: -1 }, 'ackDelayMs: -1, expected 0 to 100'],
    [{ ackDelayMs: 101 }, 'ackDelayMs: 101, expected 0 to 100'],
    [{ bytesPerSecond: 999 }, 'bytesPerSecond: 999, expected 1000 to Infinity'],
    [{ reliableShare: 0.91 }, 'reliableShare: 0.91, expected 0 to 0.9'],
    [{ reliableShare: -0.1 }, 'reliableShare: -0.1, expected 0 to 0.9'],
    [{ maxBacklogBytes: -1 }, 'maxBacklogBytes: -1, expected 0 to 16777216'],
    [{ maxEvents: 15 }, 'maxEvents: 15, expected 16 to 1048576'],
    [{ maxEventBytes: 1_023 }, 'maxEventBytes: 1023, expected 1024 to 1073741824'],
    [{ reassemblyMs: 49 }, 'reassemblyMs: 49, expected 50 to 60000'],
    [{ maxMalformed: 0 }, 'maxMalformed: 0, expected 1 to 1048576'],
    [{ maxMalformed: Number.NaN }, 'maxMalformed: NaN, expected 1 to 1048576'],
  ])('%o: %s', (options, message) => {
    expect(refused(options)).toBe(message)
  })

  test('65 channels are one too many, 64 are not', () => {
    const table = (size: number): ChannelTable =>
      Object.fromEntries(Array.from({ length: size }, (_, i) => [`c${i}`, { kind: 'reliable' }]))
    expect(refused({ channels: table(65) })).toBe('channels: 65, expected 1 to 64')
    expect(configOf(table(64)).channels.length).toBe(64)
  })
})

describe('bad options of a channel are refused with its name', () => {
  test.each<[Record<string, unknown>, string]>([
    [
      { kind: 'stream' },
      'channels.chat.kind: "stream", expected one of unreliable, sequenced, reliable, ordered, latest',
    ],
    [
      { kind: undefined },
      'channels.chat.kind: undefined, expected one of unreliable, sequenced, reliable, ordered, latest',
    ],
    [{ maxMessageBytes: 0 }, 'channels.chat.maxMessageBytes: 0, expected 1 to 16777216'],
    [{ maxMessageBytes: 16_777_217 }, 'channels.chat.maxMessageBytes: 16777217, expected 1 to 16777216'],
    [{ maxMessageBytes: 1.5 }, 'channels.chat.maxMessageBytes: 1.5, expected an integer'],
    [{ priority: 128 }, 'channels.chat.priority: 128, expected -128 to 127'],
    [{ priority: 0.5 }, 'channels.chat.priority: 0.5, expected an integer'],
    [{ weight: 0 }, 'channels.chat.weight: 0, expected 0.001 to 1000'],
    [{ weight: 1_001 }, 'channels.chat.weight: 1001, expected 0.001 to 1000'],
    [{ maxQueuedMessages: 0 }, 'channels.chat.maxQueuedMessages: 0, expected 1 to 4096'],
    [{ maxQueuedMessages: 4_097 }, 'channels.chat.maxQueuedMessages: 4097, expected 1 to 4096'],
    [{ maxQueuedBytes: 1_048_575 }, 'channels.chat.maxQueuedBytes: 1048575, expected 1048576 to 9007199254740991'],
    [{ ttlMs: 0 }, 'channels.chat.ttlMs: 0, expected 1 to Infinity'],
    [{ maxKeys: 0 }, 'channels.chat.maxKeys: 0, expected 1 to 1048576'],
    [{ parity: 0.5 }, 'channels.chat.parity: 0.5, expected 0 on a channel of kind ordered'],
    [{ kind: 'unreliable', parity: 1.5 }, 'channels.chat.parity: 1.5, expected 0 to 1'],
    [
      { kind: 'unreliable', parity: 0.5, maxMessageBytes: 1_000_000 },
      'channels.chat.parity: a message of 1000000 bytes has 921 fragments; with parity there can be at most 255 in all',
    ],
  ])('%o: %s', (options, message) => {
    expect(refusedChannel(options)).toBe(message)
  })

  test.each(['', 'ä', 'a\n', 'x'.repeat(65)])('the name %j', (name) => {
    expect(refused({ channels: { [name]: { kind: 'ordered' } } })).toBe(
      `channel name ${JSON.stringify(name)}: expected 1 to 64 printable ASCII characters`,
    )
  })

  test('names of 64 characters, and odd ones, are fine', () => {
    for (const name of ['x'.repeat(64), 'a b|c', '~', 'constructor', 'toString']) {
      const { channels } = configOf({ [name]: { kind: 'ordered' } })
      expect(new ChannelNames(channels).find(name)).toBe(channels[0])
    }
  })

  test('parity 0 may be written on any kind', () => {
    expect(channelOf('ordered', { parity: 0 }).parity).toBe(0)
  })
})
