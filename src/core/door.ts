import { type Bytes, copyOf, EMPTY, type Payload, SharedPayload } from './bytes.ts'
import type { ChannelConfig } from './config.ts'
import { NetcodeError } from './errors.ts'
import { MAX_CLOSE_DATA_BYTES, MAX_KEY } from './wire/layout.ts'

/** What a caller may hand in, and the checks at the door: each throws with what was expected and what came. */

/** Options of one message. */
export interface SendOptions {
  /** `sequenced` and `latest` channels: what the message is the newest value of, 0 to 2^31 − 1. */
  readonly key?: number
  /** Time after which it is not worth delivering, ms, above 0. Default: the channel's. */
  readonly ttlMs?: number
  /** Asks for a packet now instead of at the tick; everything else that waits goes along. Default false. */
  readonly urgent?: boolean
}

export interface CloseOptions {
  /** The game's own code, 0 to 65,535. Default 0. */
  readonly code?: number
  /** The game's own data, at most 1,024 bytes. */
  readonly data?: Uint8Array
  /** How long reliable messages may take to get through first, ms. 0: goodbye at once. Default 1,000. */
  readonly deadlineMs?: number
}

/** Throws `bad-message` or `message-too-large`. */
export function checkPayload(config: ChannelConfig, payload: Payload): void {
  if (!(payload instanceof Uint8Array || payload instanceof SharedPayload)) {
    throw new NetcodeError('bad-message', `${config.name}: expected a Uint8Array, got ${describe(payload)}`)
  }
  if (payload.length > config.maxMessageBytes) {
    throw new NetcodeError(
      'message-too-large',
      `${config.name}: ${payload.length} bytes, at most ${config.maxMessageBytes}`,
    )
  }
}

function describe(value: unknown): string {
  return value === null || typeof value !== 'object' ? typeof value : (value.constructor?.name ?? 'object')
}

/** The key to use, −1 for none; throws `bad-message`. */
export function checkKey(config: ChannelConfig, key: number | undefined): number {
  if (key === undefined) return -1
  if (!config.hasKeys) {
    throw new NetcodeError(
      'bad-message',
      `${config.name}: a key was given, but a channel of kind ${config.kind} has none`,
    )
  }
  if (!Number.isInteger(key) || key < 0 || key > MAX_KEY) {
    throw new NetcodeError('bad-message', `${config.name}: key ${key}, expected an integer from 0 to ${MAX_KEY}`)
  }
  return key
}

/** The time-to-live to use, ms; throws `bad-message`. */
export function checkTtl(config: ChannelConfig, ttlMs: number | undefined): number {
  if (ttlMs === undefined) return config.ttlMs
  if (!(ttlMs > 0)) throw new NetcodeError('bad-message', `${config.name}: ttlMs ${ttlMs}, expected more than 0`)
  return ttlMs
}

/** The close code to use; throws `bad-call`. */
export function checkCode(code = 0): number {
  if (Number.isInteger(code) && code >= 0 && code <= 0xffff) return code
  throw new NetcodeError('bad-call', `code ${code}, expected an integer from 0 to 65535`)
}

/** A copy of the close data; throws `bad-call`. */
export function checkData(data: Uint8Array | undefined): Bytes {
  if (data === undefined) return EMPTY
  if (data.length <= MAX_CLOSE_DATA_BYTES) return copyOf(data)
  throw new NetcodeError('bad-call', `data: ${data.length} bytes, at most ${MAX_CLOSE_DATA_BYTES}`)
}
