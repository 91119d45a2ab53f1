/** What a stream of chance starts from. A number and its decimal text are the same seed, so `?seed=7` replays `seed: 7`. */
export type Seed = number | string

/** 2^32: a uint32 divided by it lies in [0, 1). */
const UINT32_RANGE = 4_294_967_296

/** Rounds thrown away after seeding; as many as PractRand's own sfc32 with three seed words. */
const WARM_UP_ROUNDS = 15

/**
 * Seeded pseudo-random numbers: sfc32 ("small fast counting") by Chris Doty-Humphrey, from PractRand 0.95, public
 * domain. 128 bits of state, no cycle shorter than 2^32. Good for simulations, never for secrets.
 *
 * Same seed, same numbers in every engine: integers are 32-bit arithmetic, and fractions use nothing but `+ - * /` and
 * the square root, all of which IEEE 754 rounds in one way. `Math.log` is avoided because engines may differ in its last bits.
 */
export class Random {
  /** The seed as text, with the labels of the forks that led here: `new Random(random.seed)` starts the same stream. */
  readonly seed: string
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: Seed) {
    if (typeof seed === 'number' && !Number.isFinite(seed)) {
      throw new RangeError(`seed: ${seed}, expected a finite number or a string`)
    }
    this.seed = String(seed)
    this.#a = hash32(this.seed, 0x9e3779b9)
    this.#b = hash32(this.seed, 0x243f6a88)
    this.#c = hash32(this.seed, 0xb7e15162)
    for (let i = 0; i < WARM_UP_ROUNDS; i++) this.uint32()
  }

  /** An integer from 0 to 2^32 − 1. */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** A fraction: 0 ≤ x < 1, in steps of 2^−32. */
  float(): number {
    return this.uint32() / UINT32_RANGE
  }

  /** True with probability `p`; never for 0, always for 1. Takes exactly one number from the stream, whatever `p` is. */
  chance(p: number): boolean {
    return this.uint32() < p * UINT32_RANGE
  }

  /** Exponentially distributed with the given mean; at most 22.9 times the mean. Takes exactly one number from the stream. */
  exponential(mean: number): number {
    // The half keeps the argument above 0 and below 1.
    return -mean * ln((this.uint32() + 0.5) / UINT32_RANGE)
  }

  /** Normally distributed, mean 0 and standard deviation 1 (Marsaglia's polar method). */
  normal(): number {
    for (;;) {
      const x = 2 * this.float() - 1
      const y = 2 * this.float() - 1
      const square = x * x + y * y
      if (square > 0 && square < 1) return x * Math.sqrt((-2 * ln(square)) / square)
    }
  }

  /**
   * Another stream, told by this one's seed and `label` alone: what was drawn here before or will be drawn later does not matter.
   * One stream per purpose keeps a decision of one kind from moving when traffic of another kind changes.
   */
  fork(label: Seed): Random {
    return new Random(`${this.seed}/${label}`)
  }
}

/** The stream itself, or a new one from a seed. */
export function randomFrom(seed: Seed | Random): Random {
  return seed instanceof Random ? seed : new Random(seed)
}

/** The mixing of MurmurHash3 (x86, 32 bits; Austin Appleby, public domain) over the UTF-16 code units of `text`, one per block. */
function hash32(text: string, salt: number): number {
  let hash = salt
  for (let i = 0; i < text.length; i++) {
    let word = Math.imul(text.charCodeAt(i), 0xcc9e2d51)
    word = Math.imul((word << 15) | (word >>> 17), 0x1b873593)
    hash ^= word
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  hash ^= text.length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/**
 * Natural logarithm of `x` (0 < x ≤ 1) with the same bits in every engine; error below 1e-12.
 * x = m / 2^k with 1 ≤ m < 2, and ln m = 2·(z + z³/3 + z⁵/5 + …) for z = (m − 1)/(m + 1) ≤ 1/3.
 */
function ln(x: number): number {
  let m = x
  let halvings = 0
  while (m < 1) {
    m *= 2
    halvings++
  }
  const z = (m - 1) / (m + 1)
  const square = z * z
  let power = z
  let sum = z
  for (let n = 3; n <= 23; n += 2) {
    power *= square
    sum += power / n
  }
  return 2 * sum - halvings * Math.LN2
}
