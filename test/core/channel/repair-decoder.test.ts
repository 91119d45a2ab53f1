import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../../src/core/bytes.ts'
import { readRepair, repairFactor } from '../../../src/core/channel/repair.ts'
import { RepairDecoder } from '../../../src/core/channel/repair-decoder.ts'
import { checkProperty } from '../../support/seeds.ts'
import { repairFactor as oracleFactor, type Run, repairPayload } from '../../wire/oracle.ts'
import { pattern } from '../support.ts'

const SIZE = 20

/** A message of `count` fragments, the last one of 7 bytes. */
function fragments(count: number): Bytes[] {
  return Array.from({ length: count }, (_, i) => pattern(i < count - 1 ? SIZE : 7, i + 1))
}

function decoderOf(): RepairDecoder {
  return new RepairDecoder(SIZE, 7)
}

/** Gives a repair fragment as an independent encoder wrote it. */
function give(decoder: RepairDecoder, data: Bytes[], pieces: Map<number, Bytes>, seed: number, runs: Run[]): void {
  const body = readRepair(repairPayload(data, seed, runs), runs.length, data.length)!
  expect(body.members).toBe(runs.reduce((sum, [, length]) => sum + length, 0))
  decoder.add(seed, body, pieces, data.length)
}

test('the factors are those of the page', () => {
  for (const seed of [0, 1, 2, 77, 65_535]) {
    for (const index of [0, 1, 255, 965, 90_000]) expect(repairFactor(seed, index)).toBe(oracleFactor(seed, index))
  }
})

describe('RepairDecoder', () => {
  test('one combination makes up for one fragment, whichever', () => {
    const data = fragments(10)
    for (let missing = 0; missing < 10; missing++) {
      const pieces = new Map(data.map((piece, i) => [i, piece]))
      pieces.delete(missing)
      give(decoderOf(), data, pieces, missing, [[0, 10]])
      expect([...pieces.get(missing)!]).toEqual([...data[missing]!])
    }
  })

  test('waits until there are as many as are missing, in any order of arrival', () => {
    const data = fragments(6)
    const pieces = new Map<number, Bytes>([[0, data[0]!]])
    const decoder = decoderOf()
    give(decoder, data, pieces, 0, [[0, 6]])
    give(decoder, data, pieces, 1, [[2, 4]])
    give(decoder, data, pieces, 2, [
      [0, 2],
      [3, 3],
    ])
    expect([pieces.size, decoder.rows]).toEqual([1, 3])
    pieces.set(3, data[3]!)
    decoder.known(3, data[3]!, pieces, 6)
    expect(pieces.size).toBe(2)
    give(decoder, data, pieces, 3, [[0, 6]])
    expect(pieces.size).toBe(6)
    expect(decoder.rows).toBe(0)
    for (const [i, piece] of pieces) expect([...piece]).toEqual([...data[i]!])
  })

  test('a combination that tells nothing new takes no room', () => {
    const data = fragments(5)
    const pieces = new Map<number, Bytes>()
    const decoder = decoderOf()
    for (let i = 0; i < 4; i++) give(decoder, data, pieces, 9, [[0, 5]])
    expect(decoder.rows).toBe(1)
    for (let i = 0; i < 5; i++) {
      pieces.set(i, data[i]!)
      decoder.known(i, data[i]!, pieces, 5)
    }
    expect(decoder.rows).toBe(0)
  })

  test('rebuilds what is lost from whatever comes, and never anything else', () => {
    const scene = fc.record({
      count: fc.integer({ min: 2, max: 40 }),
      arrivals: fc.array(
        fc.record({ isRepair: fc.boolean(), a: fc.nat(1000), b: fc.nat(1000), seed: fc.nat(65_535) }),
        { minLength: 1, maxLength: 90 },
      ),
    })
    checkProperty(
      fc.property(scene, ({ count, arrivals }) => {
        const data = fragments(count)
        const pieces = new Map<number, Bytes>()
        const decoder = decoderOf()
        const equations: Set<number>[] = []
        for (const { isRepair, a, b, seed } of arrivals) {
          const first = a % count
          if (isRepair) {
            const length = 1 + (b % (count - first))
            equations.push(new Set(Array.from({ length }, (_, i) => first + i)))
            give(decoder, data, pieces, seed, [[first, length]])
          } else if (!pieces.has(first)) {
            pieces.set(first, data[first]!)
            decoder.known(first, data[first]!, pieces, count)
          }
          expect(decoder.rows).toBeLessThanOrEqual(count - pieces.size)
        }
        for (const [i, piece] of pieces) expect([...piece]).toEqual([...data[i]!])
        // What a single combination leaves one unknown of is known.
        for (const members of equations) expect([...members].filter((i) => !pieces.has(i)).length).not.toBe(1)
      }),
      100,
    )
  })
})

describe('a repair payload', () => {
  const payload = (...bytes: number[]): Bytes => Uint8Array.from(bytes)

  test.each([
    ['no run', payload(0, 1, 7), 0],
    ['more than four runs', payload(0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 7), 5],
    ['runs that touch', payload(0, 1, 0, 0, 0, 0, 7), 2],
    ['a run beyond the last fragment', payload(0, 1, 9, 1, 7), 1],
    ['no sum', payload(0, 1, 0, 1), 1],
    ['a last fragment of no byte', payload(0, 0, 0, 1, 7), 1],
    ['a last fragment longer than the others', payload(0, 2, 0, 1, 7), 1],
    ['an end in the middle', payload(0, 1, 0), 1],
  ])('with %s is refused', (_, bytes, ranges) => {
    expect(readRepair(bytes, ranges, 10)).toBeUndefined()
  })

  test('of 257 fragments is refused, of 256 not', () => {
    expect(readRepair(payload(0, 1, 0, 224, 31, 7), 1, 1000)?.members).toBe(256)
    expect(readRepair(payload(0, 1, 0, 224, 32, 7), 1, 1000)).toBeUndefined()
  })
})
