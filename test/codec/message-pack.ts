import { decode, encode } from '@msgpack/msgpack'
import { custom, type Schema } from '../../src/codec/index.ts'

export interface Score {
  name: string
  scores: number[]
}

function isScore(value: unknown): value is Score {
  if (typeof value !== 'object' || value === null) return false
  const { name, scores } = value as Partial<Score>
  return typeof name === 'string' && Array.isArray(scores) && scores.every((score) => typeof score === 'number')
}

/** MessagePack by a library of its own, as a codec: two functions and a name. */
export const MessagePack: Schema<Score> = custom({
  schema: 'msgpack/score/1',
  maxBytes: 1024,
  encode: (value: Score) => encode(value),
  decode(payload) {
    const value = decode(payload)
    return isScore(value) ? value : undefined
  },
})
