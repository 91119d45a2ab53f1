import type { Bytes } from '../../src/core/bytes.ts'

/** Bytes of the number at the front. */
const NUMBER_BYTES = 4

export interface PayloadOptions {
  /** Tells two streams apart, so that a message on the wrong channel or side is noticed. uint32. */
  readonly salt: number
  /** Longest small payload, bytes, at least 4. Default 60. */
  readonly smallBytes?: number
  /** Longest payload of all, bytes. Default `smallBytes`. */
  readonly maxBytes?: number
  /** Share of payloads between `smallBytes` and `maxBytes`, 0 to 1. Default 0. */
  readonly largeShare?: number
}

/**
 * Payloads that prove themselves: length and bytes are functions of a number, and the number stands in front. So a test
 * needs no memory of what it sent to know that every byte of what came is right.
 */
export class PayloadPlan {
  readonly #salt: number
  readonly #smallBytes: number
  readonly #maxBytes: number
  readonly #largeShare: number

  constructor(options: PayloadOptions) {
    this.#salt = options.salt >>> 0
    this.#smallBytes = options.smallBytes ?? 60
    this.#maxBytes = Math.max(this.#smallBytes, options.maxBytes ?? 0)
    this.#largeShare = options.largeShare ?? 0
  }

  lengthOf(number: number): number {
    const chance = mixed(number, this.#salt)
    const place = mixed(number, this.#salt ^ 0x5bd1e995)
    const isLarge = chance < this.#largeShare * 2 ** 32
    const [from, to] = isLarge ? [this.#smallBytes, this.#maxBytes] : [NUMBER_BYTES, this.#smallBytes]
    return from + (place % (to - from + 1))
  }

  of(number: number): Bytes {
    return written(number, this.lengthOf(number), this.#salt)
  }

  /** The number that `payload` carries; throws if any byte, or the length, is not the one that belongs to it. */
  numberOf(payload: Uint8Array): number {
    const number = provenNumber(payload, this.#salt)
    const length = this.lengthOf(number)
    if (payload.length !== length) throw new Error(`payload ${number}: ${payload.length} bytes, expected ${length}`)
    return number
  }
}

/** A payload of a chosen length, at least 4 bytes, that carries `number`. */
export function written(number: number, length: number, salt: number): Bytes {
  if (length < NUMBER_BYTES) throw new RangeError(`length ${length}, at least ${NUMBER_BYTES}`)
  const payload = new Uint8Array(length)
  payload[0] = number >>> 24
  payload[1] = number >>> 16
  payload[2] = number >>> 8
  payload[3] = number
  let state = mixed(number, salt)
  for (let i = NUMBER_BYTES; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    payload[i] = state >>> 24
  }
  return payload
}

/** The number of a payload that `written` made, whatever its length; throws if a byte is wrong. */
export function provenNumber(payload: Uint8Array, salt: number): number {
  if (payload.length < NUMBER_BYTES) throw new Error(`payload of ${payload.length} bytes, at least ${NUMBER_BYTES}`)
  const number = ((payload[0]! << 24) | (payload[1]! << 16) | (payload[2]! << 8) | payload[3]!) >>> 0
  let state = mixed(number, salt)
  for (let i = NUMBER_BYTES; i < payload.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    if (payload[i] !== state >>> 24) throw new Error(`payload ${number} of ${payload.length} bytes: byte ${i} is wrong`)
  }
  return number
}

/** A uint32 from two (the finaliser of MurmurHash3, Austin Appleby, public domain). */
export function mixed(value: number, salt: number): number {
  let hash = Math.imul(value ^ salt, 0x9e3779b1) ^ salt
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
