import { describe, expectTypeOf, test } from 'vitest'
import { Endpoint, type MessageId, type SendOptions } from '../../src/index.ts'

const endpoint = new Endpoint({
  role: 'client',
  now: 0,
  random: () => 0,
  channels: { input: { kind: 'unreliable' }, world: { kind: 'sequenced' }, chat: { kind: 'ordered', priority: 1 } },
})
const payload = new Uint8Array(1)

describe('channel names', () => {
  test('are inferred from the table as literals', () => {
    expectTypeOf(endpoint.send).parameter(0).toEqualTypeOf<'input' | 'world' | 'chat'>()
    expectTypeOf(endpoint.trySend).parameter(0).toEqualTypeOf<'input' | 'world' | 'chat'>()
    expectTypeOf(endpoint.queuedMs).parameter(0).toEqualTypeOf<'input' | 'world' | 'chat'>()
  })

  test('that are not in the table do not compile', () => {
    // @ts-expect-error no channel of that name
    endpoint.send('voice', payload)
    // @ts-expect-error no channel of that name
    endpoint.trySend('Chat', payload)
    // @ts-expect-error a string may be any name
    endpoint.send('chat' as string, payload)
  })

  test('of a table that is not known before are strings', () => {
    const channels: Record<string, { kind: 'reliable' }> = { chat: { kind: 'reliable' } }
    const open = new Endpoint({ role: 'server', now: 0, random: () => 0, channels })
    expectTypeOf(open.send).parameter(0).toEqualTypeOf<string>()
  })

  test('are the same at both ends when the table is shared', () => {
    const channels = { chat: { kind: 'ordered' } } as const
    const server = new Endpoint({ role: 'server', now: 0, random: () => 0, channels })
    const client: typeof server = new Endpoint({ role: 'client', now: 0, random: () => 0, channels })
    expectTypeOf(client.send).parameter(0).toEqualTypeOf<'chat'>()
  })
})

describe('options', () => {
  test('of an unknown name, or a kind that there is not, do not compile', () => {
    // @ts-expect-error kinds are a closed list
    new Endpoint({ role: 'client', now: 0, random: () => 0, channels: { chat: { kind: 'stream' } } })
    // @ts-expect-error a channel has a kind
    new Endpoint({ role: 'client', now: 0, random: () => 0, channels: { chat: {} } })
    // @ts-expect-error the random source has no default
    new Endpoint({ role: 'client', now: 0, channels: { chat: { kind: 'ordered' } } })
    // @ts-expect-error there are two roles
    new Endpoint({ role: 'host', now: 0, random: () => 0, channels: { chat: { kind: 'ordered' } } })
  })

  test('left out are left out, not undefined', () => {
    // @ts-expect-error exactOptionalPropertyTypes
    endpoint.send('world', payload, { key: undefined })
    expectTypeOf<SendOptions>().toEqualTypeOf<{
      readonly key?: number
      readonly ttlMs?: number
      readonly urgent?: boolean
    }>()
  })
})

describe('what a call gives', () => {
  test('send a number, trySend perhaps none', () => {
    expectTypeOf(endpoint.send).returns.toEqualTypeOf<MessageId>()
    expectTypeOf(endpoint.trySend).returns.toEqualTypeOf<MessageId | undefined>()
    expectTypeOf(endpoint.pollPacket()).toEqualTypeOf<Uint8Array<ArrayBuffer> | undefined>()
  })

  test('only bytes are sent, of any buffer', () => {
    endpoint.send('chat', Buffer.from('x'))
    endpoint.send('chat', new Uint8Array(new SharedArrayBuffer(1)))
    // @ts-expect-error text must be encoded first
    endpoint.send('chat', 'x')
    // @ts-expect-error a buffer is not a view on it
    endpoint.send('chat', new ArrayBuffer(1))
  })

  test('a packet handed over may not be of shared memory: messages are views on it', () => {
    // @ts-expect-error SharedArrayBuffer
    endpoint.receive(new Uint8Array(new SharedArrayBuffer(1)), 0)
  })

  test('the state and the statistics cannot be written', () => {
    // @ts-expect-error only the endpoint moves it
    endpoint.state = 'open'
    const { stats } = endpoint
    // @ts-expect-error one live object
    endpoint.stats = stats
    endpoint.backlogBytes = 5
  })
})
