import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../../src/core/bytes.ts'
import { PARITY_HEAD_BYTES, rebuild, writeParity } from '../../../src/core/channel/parity.ts'
import { parityPayload } from '../../wire/oracle.ts'
import { pattern, randomOf } from '../support.ts'

function cut(message: Bytes, size: number): Bytes[] {
  return Array.from({ length: Math.ceil(message.length / size) }, (_, i) => message.slice(i * size, (i + 1) * size))
}

function parityOf(message: Bytes, size: number, index: number): Bytes {
  const target = new Uint8Array(size + PARITY_HEAD_BYTES)
  writeParity(target, message, message.length, Math.ceil(message.length / size), size, index)
  return target
}

describe('parity', () => {
  test('is what the oracle says it is', () => {
    const random = randomOf(2)
    for (let run = 0; run < 60; run++) {
      const size = 1 + Math.floor(random() * 40)
      const message = pattern(size + 1 + Math.floor(random() * size * 8), run)
      const index = Math.floor(random() * 10)
      expect(parityOf(message, size, index), `run ${run}`).toEqual(parityPayload(cut(message, size), index))
    }
  })

  test('leaves nothing of what the scratch buffer held', () => {
    const message = pattern(25)
    const target = new Uint8Array(100).fill(0xdd)
    writeParity(target, message, 25, 3, 10, 0)
    expect(target.subarray(0, 12)).toEqual(parityOf(message, 10, 0))
    expect(target[12]).toBe(0xdd)
  })
})

describe('rebuild', () => {
  test('makes a message from any of its fragments, as many as it has pieces', () => {
    const random = randomOf(6)
    for (let run = 0; run < 150; run++) {
      const size = 1 + Math.floor(random() * 30)
      const count = 2 + Math.floor(random() * 9)
      const parity = 1 + Math.floor(random() * 8)
      const message = pattern((count - 1) * size + 1 + Math.floor(random() * size), run)
      const all = [...cut(message, size), ...Array.from({ length: parity }, (_, j) => parityOf(message, size, j))]
      const chosen = [...all.entries()].sort(() => random() - 0.5).slice(0, count)
      if (chosen.every(([index]) => index < count)) continue
      expect(rebuild(new Map(chosen), count, parity), `run ${run}`).toEqual(message)
    }
  })

  test('works at the end of the field: 200 pieces, 55 of parity', () => {
    const message = pattern(200 * 3 - 1)
    const pieces = new Map(cut(message, 3).entries())
    for (let j = 0; j < 55; j++) {
      pieces.delete(j * 3 + 20)
      pieces.set(200 + j, parityOf(message, 3, j))
    }
    expect(rebuild(pieces, 200, 55)).toEqual(message)
  })

  test('cannot with too few', () => {
    const message = pattern(25)
    const pieces = new Map([...cut(message, 10).entries()].slice(2))
    pieces.set(3, parityOf(message, 10, 0))
    expect(rebuild(pieces, 3, 2)).toBeUndefined()
  })

  test.each<[string, (pieces: Map<number, Bytes>) => void]>([
    ['parity of two sizes', (pieces) => pieces.set(4, pieces.get(4)!.slice(0, -1))],
    ['parity that disagrees about the last piece', (pieces) => pieces.get(4)!.set([0, 9])],
    ['parity without a combination', (pieces) => pieces.set(3, Uint8Array.of(0, 5))],
    ['a last piece of 0 bytes', (pieces) => pieces.get(3)!.set([0, 0])],
  ])('refuses %s', (_, spoil) => {
    const message = pattern(25)
    const pieces = new Map<number, Bytes>([
      [2, cut(message, 10)[2]!],
      [3, parityOf(message, 10, 0)],
      [4, parityOf(message, 10, 1)],
    ])
    expect(rebuild(new Map(pieces), 3, 2)).toEqual(message)
    spoil(pieces)
    expect(rebuild(pieces, 3, 2)).toBeUndefined()
  })
})
