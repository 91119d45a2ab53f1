import { describe, expectTypeOf, test } from 'vitest'
import {
  type Bytes,
  type CloseReason,
  type ConnectionState,
  Endpoint,
  type EndpointEvent,
  NetcodeError,
  type NetcodeErrorCode,
  type ProtocolViolation,
  type ReceiveResult,
  type Verdict,
} from '../../src/index.ts'

const endpoint = new Endpoint({
  role: 'client',
  now: 0,
  random: () => 0,
  channels: { input: { kind: 'unreliable' }, chat: { kind: 'ordered' } },
})
type Name = 'input' | 'chat'

describe('events', () => {
  test('are told apart by their type, and know the names of the channels', () => {
    const event = endpoint.pollEvent()
    expectTypeOf(event).toEqualTypeOf<EndpointEvent<Name> | undefined>()
    if (event === undefined) return
    switch (event.type) {
      case 'open':
        expectTypeOf(event).toEqualTypeOf<{ readonly type: 'open' }>()
        break
      case 'message':
        expectTypeOf(event.channel).toEqualTypeOf<Name>()
        expectTypeOf(event.payload).toEqualTypeOf<Bytes>()
        expectTypeOf(event.key).toEqualTypeOf<number>()
        break
      case 'verdict':
        expectTypeOf(event.channel).toEqualTypeOf<Name>()
        expectTypeOf(event.verdict).toEqualTypeOf<Verdict>()
        expectTypeOf(event.at).toEqualTypeOf<number>()
        // @ts-expect-error a verdict has no payload
        event.payload
        break
      case 'away':
        expectTypeOf(event.silentMs).toEqualTypeOf<number>()
        break
      case 'back':
        expectTypeOf(event.awayMs).toEqualTypeOf<number>()
        break
      case 'closed':
        expectTypeOf(event.reason).toEqualTypeOf<CloseReason>()
        break
      default:
        expectTypeOf(event).toBeNever()
    }
  })

  test('a channel’s name narrows what a game does with it', () => {
    const event = endpoint.pollEvent()
    if (event?.type !== 'message') return
    if (event.channel === 'chat') expectTypeOf(event.channel).toEqualTypeOf<'chat'>()
    else expectTypeOf(event.channel).toEqualTypeOf<'input'>()
    // @ts-expect-error there is no such channel
    if (event.channel === 'voice') return
  })

  test('cannot be written', () => {
    const event = endpoint.pollEvent()
    if (event?.type !== 'message') return
    // @ts-expect-error readonly
    event.key = 5
  })
})

describe('the reason of an end', () => {
  test('carries what its kind is about', () => {
    const say = (reason: CloseReason): string => {
      switch (reason.kind) {
        case 'local':
          return `${reason.code}`
        case 'peer':
        case 'rejected':
          expectTypeOf(reason.data).toEqualTypeOf<Bytes>()
          return `${reason.code}`
        case 'timeout':
          expectTypeOf(reason.during).toEqualTypeOf<ConnectionState>()
          return `${reason.silentMs}`
        case 'protocol':
          expectTypeOf(reason.violation).toEqualTypeOf<ProtocolViolation>()
          return reason.detail
        case 'overflow':
          expectTypeOf(reason.what).toEqualTypeOf<'events'>()
          return `${reason.limit}`
        case 'transport':
          return reason.detail
        default:
          expectTypeOf(reason).toBeNever()
          return reason
      }
    }
    expectTypeOf(say).returns.toEqualTypeOf<string>()
  })
})

describe('closed lists', () => {
  test('are what the documents say', () => {
    expectTypeOf<ConnectionState>().toEqualTypeOf<'connecting' | 'open' | 'closing' | 'closed'>()
    expectTypeOf<Verdict>().toEqualTypeOf<'acked' | 'lost' | 'expired' | 'replaced' | 'closed'>()
    expectTypeOf<ReceiveResult>().toEqualTypeOf<
      'accepted' | 'duplicate' | 'stale' | 'malformed' | 'refused' | 'closed'
    >()
    expectTypeOf<ProtocolViolation>().toEqualTypeOf<'version' | 'protocol' | 'channel-table' | 'malformed'>()
    expectTypeOf<NetcodeErrorCode>().toEqualTypeOf<
      'bad-option' | 'unknown-channel' | 'message-too-large' | 'bad-message' | 'backpressure' | 'bad-call'
    >()
  })

  test('an error of ours is known by its class and its code', () => {
    const error: unknown = undefined
    if (!(error instanceof NetcodeError)) return
    expectTypeOf(error.code).toEqualTypeOf<NetcodeErrorCode>()
  })
})
