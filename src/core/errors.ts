/**
 * Codes of {@link NetcodeError}. Stable: a game may switch on them.
 *
 * - `bad-option`: an option given to a constructor is outside its range.
 * - `unknown-channel`: no channel of that name in the table.
 * - `message-too-large`: the payload is above the channel's `maxMessageBytes`.
 * - `bad-message`: the message or its send options do not fit the channel (a key where none is allowed, say).
 * - `backpressure`: a reliable channel is at its queue limit; nothing was queued.
 * - `bad-call`: a method was called with an argument it cannot take.
 */
export type NetcodeErrorCode =
  | 'bad-option'
  | 'unknown-channel'
  | 'message-too-large'
  | 'bad-message'
  | 'backpressure'
  | 'bad-call'

/** A mistake of the caller, thrown at the call. The network's weather is never thrown. */
export class NetcodeError extends Error {
  override readonly name = 'NetcodeError'
  readonly code: NetcodeErrorCode

  constructor(code: NetcodeErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
