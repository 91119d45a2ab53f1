/** Arithmetic in GF(2^8) with the polynomial of WIRE.md section 4. */

const POLYNOMIAL = 0x11d

/** Powers of the generator, twice around so that sums of two logarithms need no reduction, and logarithms. */
interface Field {
  readonly exp: Uint8Array
  readonly log: Uint8Array
}

function createField(): Field {
  const exp = new Uint8Array(512)
  const log = new Uint8Array(256)
  for (let i = 0, x = 1; i < 255; i++) {
    exp[i] = x
    exp[i + 255] = x
    log[x] = i
    x <<= 1
    if (x > 255) x ^= POLYNOMIAL
  }
  return { exp, log }
}

const FIELD: Field = /* @__PURE__ */ createField()

export function product(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : FIELD.exp[FIELD.log[a]! + FIELD.log[b]!]!
}

export function inverse(value: number): number {
  return FIELD.exp[255 - FIELD.log[value]!]!
}

/** target ^= factor · source, byte by byte. */
export function addScaled(target: Uint8Array, source: Uint8Array, factor: number): void {
  if (factor === 0) return
  const { exp, log } = FIELD
  const shift = log[factor]!
  for (let i = 0; i < source.length; i++) {
    const byte = source[i]!
    if (byte !== 0) target[i]! ^= exp[log[byte]! + shift]!
  }
}

/** row = factor · row. */
export function scale(row: Uint8Array, factor: number): void {
  for (let i = 0; i < row.length; i++) row[i] = product(row[i]!, factor)
}
