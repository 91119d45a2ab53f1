import { describe, expectTypeOf, test } from 'vitest'
import {
  array,
  bool,
  bytes,
  custom,
  enumOf,
  type Infer,
  latest,
  map,
  optional,
  ordered,
  quantized,
  quaternion,
  string,
  struct,
  tuple,
  uint,
  union,
  unreliable,
} from '../../src/codec/index.ts'
import { type Bytes, Endpoint, type EndpointEvent, type MessageId } from '../../src/index.ts'
import type { ServerEvent } from '../../src/node/index.ts'
import type { Peer } from '../../src/transport/peer.ts'

const Input = struct({ tick: uint(32), x: quantized(-1, 1, 0.01), fire: bool() })
const channels = {
  chat: ordered(string(200)),
  input: unreliable(Input, { priority: 1 }),
  raw: { kind: 'sequenced' },
  other: { kind: 'latest' },
} as const
const endpoint = new Endpoint({ role: 'client', now: 0, random: () => 0, channels })

describe('schemas', () => {
  test('tell the type of their values', () => {
    expectTypeOf<Infer<typeof Input>>().toEqualTypeOf<{ tick: number; x: number; fire: boolean }>()
    const weapon = enumOf('sword', 'bow')
    expectTypeOf<Infer<typeof weapon>>().toEqualTypeOf<'sword' | 'bow'>()
    const list = array(tuple(uint(8), string(4), bool()), 4)
    expectTypeOf<Infer<typeof list>>().toEqualTypeOf<[number, string, boolean][]>()
    const table = map(string(8), bytes(8), 4)
    expectTypeOf<Infer<typeof table>>().toEqualTypeOf<Map<string, Bytes>>()
    const turn = quaternion(10)
    expectTypeOf<Infer<typeof turn>>().toEqualTypeOf<{ x: number; y: number; z: number; w: number }>()
  })

  test('let optional fields be left out', () => {
    const schema = struct({ name: string(8), clan: optional(string(8)) })
    expectTypeOf<Infer<typeof schema>>().toEqualTypeOf<{ name: string; clan?: string | undefined }>()
    schema.encode({ name: 'x' })
    // @ts-expect-error a field that is not optional
    schema.encode({ clan: 'x' })
  })

  test('of several shapes narrow by their tag', () => {
    const schema = union('type', { move: { x: uint(8) }, say: { text: string(80) } })
    const value = schema.decode(new Uint8Array(1))
    expectTypeOf(value).toEqualTypeOf<{ type: 'move'; x: number } | { type: 'say'; text: string } | undefined>()
    if (value?.type === 'say') expectTypeOf(value.text).toEqualTypeOf<string>()
    // @ts-expect-error another shape's field
    schema.encode({ type: 'move', text: 'x' })
  })

  test('of one’s own take their type from the two functions', () => {
    const json = custom({
      schema: 'json/1',
      maxBytes: 100,
      encode: (value: { a: number }) => new TextEncoder().encode(JSON.stringify(value)),
      decode: (payload) => JSON.parse(new TextDecoder().decode(payload)) as { a: number },
    })
    expectTypeOf<Infer<typeof json>>().toEqualTypeOf<{ a: number }>()
  })
})

describe('channels with a codec', () => {
  test('send its values, and nothing else', () => {
    expectTypeOf(endpoint.send('chat', 'hi')).toEqualTypeOf<MessageId>()
    endpoint.trySend('input', { tick: 1, x: 0, fire: true }, { urgent: true })
    endpoint.send('raw', new Uint8Array(1), { key: 1 })
    // @ts-expect-error a value of another channel
    endpoint.send('chat', { tick: 1, x: 0, fire: true })
    // @ts-expect-error bytes where text is meant
    endpoint.send('chat', new Uint8Array(1))
    // @ts-expect-error text where bytes are meant
    endpoint.send('raw', 'hi')
    // @ts-expect-error a field is missing
    endpoint.send('input', { tick: 1, x: 0 })
  })

  test('of a name that may be one of several, take what fits all of them', () => {
    const plain = 'raw' as 'raw' | 'other'
    endpoint.send(plain, new Uint8Array(1))
    const mixed = 'raw' as 'raw' | 'chat'
    // @ts-expect-error nothing is both text and bytes
    endpoint.send(mixed, new Uint8Array(1))
  })

  test('are told apart by name when messages come', () => {
    const event = endpoint.pollEvent()
    if (event === undefined) return
    switch (event.type) {
      case 'message':
        if (event.channel === 'chat') expectTypeOf(event.value).toEqualTypeOf<string>()
        else if (event.channel === 'input') expectTypeOf(event.value).toEqualTypeOf<Infer<typeof Input>>()
        else {
          expectTypeOf(event.channel).toEqualTypeOf<'raw' | 'other'>()
          expectTypeOf(event.payload).toEqualTypeOf<Bytes>()
        }
        break
      case 'undecodable':
        expectTypeOf(event.channel).toEqualTypeOf<'chat' | 'input'>()
        expectTypeOf(event.payload).toEqualTypeOf<Bytes>()
        break
      case 'open':
      case 'verdict':
      case 'away':
      case 'back':
      case 'closed':
        break
      default:
        expectTypeOf(event).toBeNever()
    }
  })

  test('are as typed on a peer and on a server', () => {
    const take = (peer: Peer<typeof channels>, event: ServerEvent<typeof channels>): void => {
      peer.send('chat', 'hi')
      // @ts-expect-error not text
      peer.send('chat', 5)
      if (event.type === 'message' && event.channel === 'chat') event.peer.send('chat', event.value)
      const own = peer.pollEvent()
      if (own?.type === 'message' && own.channel === 'input') expectTypeOf(own.value.fire).toEqualTypeOf<boolean>()
    }
    expectTypeOf(take).toBeFunction()
  })

  test('leave tables of bytes as they are', () => {
    const plain = new Endpoint({ role: 'client', now: 0, random: () => 0, channels: { a: { kind: 'ordered' } } })
    expectTypeOf(plain.pollEvent()).toEqualTypeOf<EndpointEvent<'a'> | undefined>()
  })

  test('carry something: undefined is what a decoder says of bytes that are no message', () => {
    // @ts-expect-error a message that may be undefined
    latest(optional(string(8)))
  })
})
