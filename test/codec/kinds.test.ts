import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BitReader, BitWriter } from '../../src/codec/index.ts'
import { must } from '../support/must.ts'
import { checkProperty } from '../support/seeds.ts'
import { kindNames, kindOf } from './arbitraries.ts'

/** Kinds whose values have one encoding each, so that what is read is written with the same bytes. */
const MANY_FORMS = new Set([
  'unitVector',
  'quaternion',
  'custom, JSON',
  'custom inside a struct',
  'custom, MessagePack',
])

describe.each(kindNames)('%s', (name) => {
  const { schema, values, isValue, isNear } = kindOf(name)

  test('brings every value back', () => {
    const property = fc.property(values, (value) => {
      const encoded = schema.encode(value)
      must(encoded.length <= schema.maxBytes, () => `${encoded.length} bytes, at most ${schema.maxBytes}`)
      const back = schema.decode(encoded)
      if (isNear === undefined) expect(back).toEqual(value)
      else must(isNear(value, back), () => `${JSON.stringify(value)} became ${JSON.stringify(back)}`)
      must(isValue(back), () => `${JSON.stringify(back)} is no value of ${schema.schema}`)
    })
    checkProperty(property, 500)
  })

  test('brings back exactly what it once brought back', () => {
    const property = fc.property(values, (value) => {
      const once = schema.decode(schema.encode(value))
      const twice = schema.decode(schema.encode(once))
      if (isNear === undefined) expect(twice).toEqual(once)
      else must(isNear(once, twice), () => `${JSON.stringify(once)} became ${JSON.stringify(twice)}`)
    })
    checkProperty(property, 200)
  })

  test('takes as many bits as it says, wherever in a byte it starts', () => {
    const property = fc.property(values, fc.integer({ min: 0, max: 8 }), (value, shift) => {
      const writer = new BitWriter()
      writer.bits(2 ** shift - 1, shift)
      schema.write(writer, value)
      const bits = writer.length - shift
      must(bits >= schema.minBits && bits <= schema.maxBits, () => `${bits} bits: ${schema.minBits}, ${schema.maxBits}`)
      const reader = new BitReader()
      reader.reset(writer.finish())
      must(reader.bits(shift) === 2 ** shift - 1, () => 'what came before it is gone')
      const back = schema.read(reader)
      must(reader.isSpent, () => 'something is left')
      if (isNear === undefined) expect(back).toEqual(value)
    })
    checkProperty(property, 200)
  })

  test('gives for hostile bytes a value of its own or nothing, and never throws', () => {
    let refused = 0
    const check = (bytes: Uint8Array): void => {
      const value = schema.decode(bytes)
      if (value === undefined) {
        refused++
        return
      }
      must(isValue(value), () => `${JSON.stringify(value)} is no value of ${schema.schema}`)
      if (!MANY_FORMS.has(name)) must(same(schema.encode(value), bytes), () => `a second form: ${bytes.join(' ')}`)
    }
    checkProperty(fc.property(fc.uint8Array({ maxLength: 64 }), check), 1500)
    const mutated = fc
      .tuple(values, fc.nat(), fc.nat(255), fc.integer({ min: -2, max: 2 }))
      .map(([value, at, by, more]) => {
        const bytes = schema.encode(value)
        const changed = new Uint8Array(Math.max(0, bytes.length + more))
        changed.set(bytes.subarray(0, changed.length))
        if (changed.length > 0) changed[at % changed.length]! ^= by
        return changed
      })
    checkProperty(fc.property(mutated, check), 1500)
    must(refused > 0, () => 'everything was accepted: the test says nothing')
  })

  test('refuses a value that is none, and says what was expected', () => {
    for (const value of [undefined, null, Symbol('x'), Number.NaN, -1e300, 'no such text', {}, [[[]]]] as unknown[]) {
      let encoded: Uint8Array
      try {
        encoded = schema.encode(value)
      } catch (error) {
        must(error instanceof Error && error.message.length > 0, () => `${String(error)}`)
        continue
      }
      // What it takes, it gives back, −1e300 moved to the end of a range, say; or its own reader refuses it.
      const back = schema.decode(encoded)
      must(back === undefined || isValue(back), () => `${String(value)} was taken for ${JSON.stringify(back)}`)
    }
  })
})

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
