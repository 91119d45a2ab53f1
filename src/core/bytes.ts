/** Bytes backed by an `ArrayBuffer` of their own world (never a `SharedArrayBuffer`): what DataChannels accept. */
export type Bytes = Uint8Array<ArrayBuffer>

/** No bytes at all; shared, so never written to. */
export const EMPTY: Bytes = new Uint8Array(0)

/** A fresh copy of `source`. */
export function copyOf(source: Uint8Array): Bytes {
  const copy = new Uint8Array(source.length)
  copy.set(source)
  return copy
}

/** Whether two byte strings are the same. Not constant time: for tests and tables, never for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/**
 * A payload that goes to many peers and is stored once: a copy made at construction, held by every endpoint that it is sent on until
 * the last is done with it.
 */
export class SharedPayload {
  /** The copy. Not to be written to: it may be on its way. */
  readonly bytes: Bytes

  constructor(payload: Uint8Array) {
    this.bytes = copyOf(payload)
  }

  get length(): number {
    return this.bytes.length
  }
}

/** What can be sent: bytes that are copied at the door, or a copy made before. */
export type Payload = Uint8Array | SharedPayload
