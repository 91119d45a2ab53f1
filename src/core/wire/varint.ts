/** First values of the two-, three- and five-byte forms. */
export const VARINT_2 = 224
export const VARINT_3 = 4_320
export const VARINT_5 = 528_608

/** Bytes that `value` (0 to 2^32 − 1) takes. */
export function varintBytes(value: number): number {
  return value < VARINT_2 ? 1 : value < VARINT_3 ? 2 : value < VARINT_5 ? 3 : 5
}

/** Signed to unsigned, small magnitudes first: 0, −1, 1, −2, … */
export function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value
}

/** The inverse of {@link zigzag}. */
export function unzigzag(code: number): number {
  return code % 2 === 0 ? code / 2 : -(code + 1) / 2
}
