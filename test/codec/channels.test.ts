import { PbfReader, PbfWriter } from 'pbf'
import { describe, expect, test } from 'vitest'
import { custom, int, ordered, reliable, string, struct, uint, unreliable } from '../../src/codec/index.ts'
import { type ChannelTable, Endpoint, type EventOf } from '../../src/index.ts'
import { World } from '../../src/sim/index.ts'
import { refusal } from '../core/support.ts'
import { MessagePack } from './message-pack.ts'

/** Two endpoints on a perfect link. */
function joined<C extends ChannelTable, S extends ChannelTable>(clientTable: C, serverTable: S) {
  let salt = 0
  const common = { now: 0, random: () => ++salt }
  const client = new Endpoint<C>({ ...common, role: 'client', channels: clientTable })
  const server = new Endpoint<S>({ ...common, role: 'server', channels: serverTable })
  const world = new World({ seed: 1, client: { node: client }, server: { node: server } })
  world.run(500)
  return { client, server, world }
}

function eventsOf<C extends ChannelTable>(endpoint: Endpoint<C>): EventOf<C>[] {
  const events: EventOf<C>[] = []
  for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) events.push(event)
  return events
}

const Input = struct({ tick: uint(32), turn: int(8) })
const channels = { chat: ordered(string(200)), input: unreliable(Input), raw: { kind: 'reliable' } } as const

describe('a channel with a codec', () => {
  test('carries values, beside channels of bytes', () => {
    const { client, server, world } = joined(channels, channels)
    client.send('chat', 'grüße')
    client.send('input', { tick: 7, turn: -3 })
    client.send('raw', Uint8Array.of(1, 2))
    world.run(100)
    const messages = eventsOf(server).filter((event) => event.type === 'message')
    expect(messages).toEqual([
      { type: 'message', channel: 'chat', value: 'grüße', payload: expect.any(Uint8Array), key: -1 },
      { type: 'message', channel: 'input', value: { tick: 7, turn: -3 }, payload: expect.any(Uint8Array), key: -1 },
      { type: 'message', channel: 'raw', payload: Uint8Array.of(1, 2), key: -1 },
    ])
  })

  test('encodes a value once that goes to many', () => {
    let encoded = 0
    const counting = {
      ...string(200),
      encode(text: string) {
        encoded++
        return string(200).encode(text)
      },
    }
    const table = { chat: ordered(counting) }
    const pairs = [joined(table, table), joined(table, table)] as const
    const shared = pairs[0].server.share('chat', 'to all')
    for (const { server, client, world } of pairs) {
      server.send('chat', shared)
      world.run(100)
      expect(eventsOf(client).at(-1)).toEqual({
        type: 'message',
        channel: 'chat',
        value: 'to all',
        payload: expect.any(Uint8Array),
        key: -1,
      })
    }
    expect(encoded).toBe(1)
    expect(refusal('bad-message', () => pairs[0].server.share('chat', 'x'.repeat(201)))).toContain('chat: expected')
  })

  test('takes no more bytes than its schema can need', () => {
    const { client } = joined(channels, channels)
    expect(refusal('bad-message', () => client.send('chat', 'x'.repeat(201)))).toBe(
      'chat: expected at most 200 UTF-16 units, got 201',
    )
    expect(refusal('bad-message', () => client.send('input', { tick: 1, turn: 200 }))).toBe(
      'input: turn: expected an integer from -128 to 127, got 200',
    )
    expect(client.stats.messagesSent).toBe(0)
  })

  test('passes on what a codec of one’s own throws', () => {
    const failing = {
      codec: {
        schema: 'mine',
        encode: (): Uint8Array => {
          throw new TypeError('a circle')
        },
        decode: () => 1,
      },
      kind: 'ordered',
    } as const
    const { client } = joined({ failing }, { failing })
    expect(() => client.send('failing', 1)).toThrow(TypeError)
  })

  test('refuses an end whose schema is another, and names the channel', () => {
    const other = { ...channels, input: unreliable(struct({ tick: uint(32), turn: int(9) })) }
    const { client, server } = joined(channels, other)
    const ends = [...eventsOf(client), ...eventsOf(server)].filter((event) => event.type === 'closed')
    const sentence =
      "expected channel 1 to be 'input' (unreliable, at most 6 bytes, {tick:uint(32),turn:int(9)}), got another"
    expect(ends.map((event) => event.reason)).toEqual([
      { kind: 'protocol', violation: 'channel-table', detail: `the peer: ${sentence}` },
      { kind: 'protocol', violation: 'channel-table', detail: sentence },
    ])
  })

  test('refuses an end that speaks bytes there', () => {
    const { client } = joined(channels, { ...channels, chat: { kind: 'ordered', maxMessageBytes: 602 } } as const)
    expect(client.state).toBe('closed')
  })

  test('counts and tells what cannot be read, and goes on', () => {
    // The same text, but another mind: what the digest cannot see.
    const liar = { ...string(200), encode: (text: string) => Uint8Array.of(255, 255, text.length) }
    const { client, server, world } = joined({ ...channels, chat: ordered(liar) }, channels)
    client.send('chat', 'lie')
    client.send('input', { tick: 1, turn: 1 })
    world.run(100)
    expect(eventsOf(server).filter((event) => event.type !== 'open')).toEqual([
      { type: 'undecodable', channel: 'chat', payload: Uint8Array.of(255, 255, 3), key: -1 },
      { type: 'message', channel: 'input', value: { tick: 1, turn: 1 }, payload: expect.any(Uint8Array), key: -1 },
    ])
    expect(server.stats.messagesUndecodable).toBe(1)
    expect(server.stats.channels.map((channel) => channel.messagesUndecodable)).toEqual([1, 0, 0])
    expect(server.state).toBe('open')
  })

  test('counts a decoder that throws as one that refuses', () => {
    const throwing = {
      schema: 'mine',
      encode: (value: number) => Uint8Array.of(value),
      decode(payload: Uint8Array): number {
        if (payload[0] === 13) throw new Error('bad luck')
        return payload[0]!
      },
    }
    const table = { luck: reliable(throwing) }
    const { client, server, world } = joined(table, table)
    for (const value of [12, 13, 14]) client.send('luck', value)
    world.run(100)
    expect(eventsOf(server).map((event) => (event.type === 'message' ? event.value : event.type))).toEqual([
      'open',
      12,
      'undecodable',
      14,
    ])
  })

  test('needs two functions and a name', () => {
    const make = (codec: unknown): string =>
      refusal('bad-option', () => joined({ a: { kind: 'ordered', codec } } as ChannelTable, channels))
    expect(make({ schema: 'x', encode: () => 1 })).toBe('channels.a.codec: expected an object with encode and decode')
    expect(make({ encode: () => 1, decode: () => 1 })).toBe('channels.a.codec.schema: undefined, expected a text')
    expect(make(null)).toBe('channels.a.codec: expected an object with encode and decode')
  })
})

describe('formats of one’s own', () => {
  test('JSON, by two functions', () => {
    interface Emote {
      emote: string
      to: number[]
    }
    const Emote = custom<Emote>({
      schema: 'json/emote/1',
      maxBytes: 500,
      encode: (value) => new TextEncoder().encode(JSON.stringify(value)),
      decode(payload) {
        const value: Partial<Emote> = JSON.parse(new TextDecoder().decode(payload))
        return typeof value.emote === 'string' && Array.isArray(value.to) ? (value as Emote) : undefined
      },
    })
    expect(through(Emote, { emote: 'wave', to: [1, 2] })).toEqual({ emote: 'wave', to: [1, 2] })
  })

  test('MessagePack, by its library', () => {
    expect(through(MessagePack, { name: 'Sula', scores: [3, -1] })).toEqual({ name: 'Sula', scores: [3, -1] })
  })

  test('Protocol Buffers, by a library that reads and writes its wire format', () => {
    // message Hit { uint32 target = 1; sint32 damage = 2; }
    interface Hit {
      target: number
      damage: number
    }
    const Hit = custom<Hit>({
      schema: 'protobuf/hit/1',
      maxBytes: 64,
      encode(hit) {
        const pbf = new PbfWriter()
        pbf.writeVarintField(1, hit.target)
        pbf.writeSVarintField(2, hit.damage)
        return pbf.finish()
      },
      decode: (payload) =>
        new PbfReader(payload).readFields<Hit>(
          (tag, hit, pbf) => {
            if (tag === 1) hit.target = pbf.readVarint()
            else if (tag === 2) hit.damage = pbf.readSVarint()
          },
          { target: 0, damage: 0 },
        ),
    })
    expect(through(Hit, { target: 300, damage: -7 })).toEqual({ target: 300, damage: -7 })
  })
})

/** What comes of `value` at the other end of a channel. */
function through<T extends NonNullable<unknown>>(codec: Parameters<typeof ordered<T>>[0], value: T): T | undefined {
  const table = { only: ordered(codec) }
  const { client, server, world } = joined(table, table)
  ;(client as unknown as { send(channel: 'only', value: T): void }).send('only', value)
  world.run(100)
  const message = eventsOf(server).find((event) => event.type === 'message') as { value: T } | undefined
  return message?.value
}
