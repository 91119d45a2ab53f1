import type { CloseReason } from '../index.ts'

/**
 * Codes of {@link TransportError}. Stable: a game may switch on them.
 *
 * Of `connect`:
 * - `webrtc-missing`: this page has no `RTCPeerConnection`.
 * - `ice-failed`: no path to the server was found; most likely UDP is blocked or its address is not reachable from here.
 * - `dtls-failed`: a path was found, the encrypted handshake over it failed.
 * - `channel-timeout`: the DataChannel did not open in time.
 * - `channel-closed`: the pipe ended before Gannet's own handshake was done.
 * - `timeout`: no attempt succeeded within `timeoutMs`; `cause` says why the last one failed.
 * - `aborted`: the caller's `AbortSignal` fired; `cause` is its reason.
 * - `rejected`: the server's game refused; `reason` has its code and data.
 * - `protocol`: the two ends do not speak the same protocol; `reason` says where they differ.
 *
 * Of `listen`:
 * - `worker-thread`: `node-datachannel` would abort the process in a worker thread; run it on the main thread or in a process of its own.
 * - `native-missing`: the package `node-datachannel` is not installed, or not for this platform.
 * - `port-in-use`: somebody else has the HTTP or UDP port.
 * - `port-denied`: this user may not open the port.
 * - `bad-address`: `host` or `bindAddress` is no address of this machine.
 * - `listen-failed`: the port could not be opened for another reason; see `cause`.
 */
export type TransportErrorCode =
  | 'webrtc-missing'
  | 'ice-failed'
  | 'dtls-failed'
  | 'channel-timeout'
  | 'channel-closed'
  | 'timeout'
  | 'aborted'
  | 'rejected'
  | 'protocol'
  | 'worker-thread'
  | 'native-missing'
  | 'port-in-use'
  | 'port-denied'
  | 'bad-address'
  | 'listen-failed'

export interface TransportErrorDetails {
  readonly cause?: unknown
  readonly reason?: CloseReason
}

/** A connection that did not come about, or a server that did not start. The message says what was expected and what came. */
export class TransportError extends Error {
  override readonly name = 'TransportError'
  readonly code: TransportErrorCode
  /** With `rejected` and `protocol`: what the closed event would have said. */
  readonly reason: CloseReason | undefined

  constructor(code: TransportErrorCode, message: string, details: TransportErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.code = code
    this.reason = details.reason
  }
}
