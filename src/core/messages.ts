import { type Payload, SharedPayload } from './bytes.ts'
import type { ChannelCodec, ChannelConfig, ChannelTable } from './config.ts'
import { checkPayload } from './door.ts'
import { NetcodeError } from './errors.ts'
import type {
  AwayEvent,
  BackEvent,
  ClosedEvent,
  MessageEvent,
  OpenEvent,
  UndecodableEvent,
  ValueEvent,
  VerdictEvent,
} from './events.ts'
import { channelStatsOf, type EndpointStats } from './stats.ts'

/** Messages as a game sees them, where channels have codecs: values instead of bytes. */

/** Names of the channels with a codec; none in a table of type `any`. */
type TypedName<Table extends ChannelTable> = 0 extends 1 & Table
  ? never
  : {
      [Name in keyof Table & string]: Table[Name] extends { readonly codec: ChannelCodec<unknown> } ? Name : never
    }[keyof Table & string]

/** Names of the channels that carry bytes. */
type PlainName<Table extends ChannelTable> = Exclude<keyof Table & string, TypedName<Table>>

/** What is sent on channel `Name`: a value of its codec, or bytes; or either, shared. Of several names, what fits each of them. */
export type MessageOf<Table extends ChannelTable, Name extends keyof Table> = {
  [N in Name]: (
    message: (Table[N] extends { readonly codec: ChannelCodec<infer T> } ? T : Uint8Array) | SharedPayload,
  ) => void
}[Name] extends (message: infer Message) => void
  ? Message
  : never

/** What `pollEvent` gives for a channel table: `channel` tells which messages have a `value`, and of which type. */
export type EventOf<Table extends ChannelTable> =
  | OpenEvent
  | AwayEvent
  | BackEvent
  | ClosedEvent
  | VerdictEvent<keyof Table & string>
  | ([PlainName<Table>] extends [never] ? never : MessageEvent<PlainName<Table>>)
  | ([TypedName<Table>] extends [never] ? never : UndecodableEvent<TypedName<Table>>)
  | {
      [Name in TypedName<Table>]: Table[Name] extends { readonly codec: ChannelCodec<infer T> }
        ? ValueEvent<Name, T>
        : never
    }[TypedName<Table>]

/** The bytes of a message, checked. Throws `bad-message`, `message-too-large`, and what the codec throws. */
export function payloadOf(config: ChannelConfig, message: unknown): Payload {
  const isBytes = config.codec === undefined || message instanceof SharedPayload
  const payload = isBytes ? (message as Payload) : encoded(config, message)
  checkPayload(config, payload)
  return payload
}

function encoded(config: ChannelConfig, message: unknown): Payload {
  try {
    return config.codec!.encode(message)
  } catch (error) {
    if (error instanceof NetcodeError) throw new NetcodeError(error.code, `${config.name}: ${error.message}`)
    throw error
  }
}

/** The event of a message as the game gets it: with its value where the channel has a codec. Never throws. */
export function decodeEvent(
  event: MessageEvent,
  config: ChannelConfig,
  stats: EndpointStats,
): MessageEvent | ValueEvent | UndecodableEvent {
  if (config.codec === undefined) return event
  const { channel, payload, key } = event
  let value: unknown
  try {
    value = config.codec.decode(payload)
  } catch {
    // A decoder of the game's own met bytes that it did not expect: the peer's doing.
  }
  if (value !== undefined) return { type: 'message', channel, value, payload, key }
  stats.messagesUndecodable++
  channelStatsOf(stats, config).messagesUndecodable++
  return { type: 'undecodable', channel, payload, key }
}
