import type { BitReader } from './bit-reader.ts'
import type { BitWriter } from './bit-writer.ts'

/** Ones after which no quotient follows, but the value itself. */
const ESCAPE = 20
/** Bits of a parameter. */
export const RICE_BITS = 5

/**
 * Golomb-Rice codes: small numbers in few bits (Rice 1979). The quotient by 2^k as that many ones and a zero, then the k bits of the rest;
 * when the quotient is too large, twenty ones and the number in `width` bits.
 */
export function writeRice(writer: BitWriter, value: number, k: number, width: number): void {
  const quotient = Math.floor(value / 2 ** k)
  if (quotient >= ESCAPE) {
    writer.bits(2 ** ESCAPE - 1, ESCAPE)
    writer.bits(value, width)
    return
  }
  writer.bits(2 ** quotient - 1, quotient + 1)
  writer.bits(value % 2 ** k, k)
}

export function readRice(reader: BitReader, k: number, width: number): number {
  let quotient = 0
  while (quotient < ESCAPE && reader.bit()) quotient++
  if (quotient === ESCAPE) return reader.bits(width)
  return quotient * 2 ** k + reader.bits(k)
}

/** Bits that {@link writeRice} takes. */
export function riceBits(value: number, k: number, width: number): number {
  const quotient = Math.floor(value / 2 ** k)
  return quotient >= ESCAPE ? ESCAPE + width : quotient + 1 + k
}

/** The parameter for values of this mean: a geometric distribution has its median near 0.69 of it. */
export function riceParameter(mean: number): number {
  return Math.max(0, Math.min(2 ** RICE_BITS - 1, Math.round(Math.log2(0.69 * mean + 0.5))))
}
