/**
 * Codes of {@link SignalError}, one per step that can fail. Stable: a game may switch on them.
 *
 * - `bad-url`: the address is not an http or https URL.
 * - `unreachable`: no response at all: DNS, a refused connection, no network, or CORS; browsers do not say which.
 * - `not-found`: status 404, most likely another path than the server's.
 * - `http-status`: any other status that is not success, without a word of ours.
 * - `refused`: a Gannet server said no; `problem` has its code and detail.
 * - `not-sdp`: success, but the body is not `application/sdp` (an HTML page, most likely).
 * - `bad-answer`: the body calls itself an SDP answer and is not one for a DataChannel.
 * - `too-large`: the answer is above `maxAnswerBytes`.
 * - `timeout`: no complete answer within `timeoutMs`.
 * - `aborted`: the caller's `AbortSignal` fired; `cause` is its reason.
 */
export type SignalErrorCode =
  | 'bad-url'
  | 'unreachable'
  | 'not-found'
  | 'http-status'
  | 'refused'
  | 'not-sdp'
  | 'bad-answer'
  | 'too-large'
  | 'timeout'
  | 'aborted'

/** Body of every refusal of the answering side, as JSON. */
export interface Problem {
  /** Stable word to switch on, such as `server-full`. */
  readonly code: string
  /** One sentence for people: what was expected and what came. */
  readonly detail: string
  /** What the game's `authorize` added, as it came through JSON; absent if nothing. */
  readonly data?: unknown
}

export interface SignalErrorDetails {
  readonly cause?: unknown
  readonly status?: number
  readonly problem?: Problem
}

/** A step of signalling that failed on the offering side. The message says what was expected and what came. */
export class SignalError extends Error {
  override readonly name = 'SignalError'
  readonly code: SignalErrorCode
  /** HTTP status of the response, or `undefined` when none came. */
  readonly status: number | undefined
  /** The server's own word; only with `refused` and `not-found`. */
  readonly problem: Problem | undefined

  constructor(code: SignalErrorCode, message: string, details: SignalErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.code = code
    this.status = details.status
    this.problem = details.problem
  }
}

export interface SignalRefusalDetails {
  /** After how many seconds another try makes sense. */
  readonly retryAfterSeconds?: number
  /** Anything that JSON can carry, for the game at the other end: `SignalError.problem.data`. */
  readonly data?: unknown
}

/**
 * Thrown, or returned by `authorize`, to refuse an offer: becomes the response's status and problem body, which the client gets as
 * a `SignalError` of code `refused`.
 */
export class SignalRefusal extends Error {
  override readonly name = 'SignalRefusal'
  readonly status: number
  readonly code: string
  /** After how many seconds another try makes sense, or `undefined`. */
  readonly retryAfterSeconds: number | undefined
  readonly data: unknown

  /** `status`: 400 to 599. `code`: a stable word to switch on. `detail`: one sentence for people. */
  constructor(status: number, code: string, detail: string, details: SignalRefusalDetails = {}) {
    super(detail)
    if (!(Number.isInteger(status) && status >= 400 && status <= 599)) {
      throw new RangeError(`SignalRefusal: status ${status}, expected an integer from 400 to 599`)
    }
    this.status = status
    this.code = code
    this.retryAfterSeconds = details.retryAfterSeconds
    this.data = details.data
  }
}
