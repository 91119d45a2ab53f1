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
