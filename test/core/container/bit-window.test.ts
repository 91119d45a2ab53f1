import { describe, expect, test } from 'vitest'
import { BitWindow } from '../../../src/core/container/bit-window.ts'
import { randomOf } from '../support.ts'

function marked(window: BitWindow): number[] {
  const all: number[] = []
  for (let sequence = window.oldest; sequence <= window.newest; sequence++) if (window.has(sequence)) all.push(sequence)
  return all
}

describe('BitWindow of 32', () => {
  test('is empty at first', () => {
    const window = new BitWindow(32)
    expect(window.newest).toBe(-1)
    expect(window.oldest).toBe(0)
    expect(window.has(0)).toBe(false)
    expect(window.has(-1)).toBe(false)
  })

  test('remembers what was marked, in any order', () => {
    const window = new BitWindow(32)
    for (const sequence of [3, 1, 7, 7]) window.mark(sequence)
    expect(marked(window)).toEqual([1, 3, 7])
    expect(window.newest).toBe(7)
    expect(window.has(8)).toBe(false)
  })

  test('what falls out of reach is forgotten, and its place is clean for what comes', () => {
    const window = new BitWindow(32)
    for (let sequence = 0; sequence < 32; sequence++) window.mark(sequence)
    window.mark(40)
    expect(window.oldest).toBe(9)
    expect(window.has(8)).toBe(false)
    expect(marked(window)).toEqual([...Array.from({ length: 23 }, (_, i) => 9 + i), 40])
  })

  test('marking what is out of reach changes nothing', () => {
    const window = new BitWindow(32)
    window.mark(100)
    window.mark(68)
    expect(marked(window)).toEqual([100])
    window.mark(69)
    expect(marked(window)).toEqual([69, 100])
  })

  test.each([32, 33, 1_000, 2 ** 40])('a jump of %i leaves nothing but itself', (jump) => {
    const window = new BitWindow(32)
    for (let sequence = 0; sequence < 32; sequence++) window.mark(sequence)
    window.mark(31 + jump)
    expect(marked(window)).toEqual([31 + jump])
  })

  test('agrees with a set for any story, also beyond 2^32', () => {
    const random = randomOf(3)
    for (const start of [0, 2 ** 32 - 40, 2 ** 45]) {
      const window = new BitWindow(64)
      const all = new Set<number>()
      let newest = start
      window.mark(newest)
      all.add(newest)
      for (let i = 0; i < 2_000; i++) {
        const sequence = newest + Math.floor(random() * (random() < 0.02 ? 200 : 4)) - Math.floor(random() * 70)
        if (sequence < start) continue
        if (sequence > newest - 64) all.add(sequence)
        newest = Math.max(newest, sequence)
        window.mark(sequence)
      }
      expect(marked(window)).toEqual([...all].filter((sequence) => sequence > newest - 64).sort((a, b) => a - b))
    }
  })

  test('all of a stretch are seen when each of it is', () => {
    const random = randomOf(5)
    for (let story = 0; story < 20; story++) {
      const window = new BitWindow(64)
      const start = Math.floor(random() * 2) * (2 ** 32 - 90)
      for (let sequence = start; sequence < start + 130; sequence++) if (random() < 0.97) window.mark(sequence)
      for (let from = Math.max(0, window.newest - 70); from <= window.newest + 2; from++) {
        for (let to = from; to <= from + 32; to++) {
          const each = Array.from({ length: to - from }, (_, i) => window.has(from + i)).every(Boolean)
          if (to > from) expect(window.hasAll(from, to)).toBe(each)
        }
      }
    }
  })

  test('nothing is seen before the first, and none of nothing is missing', () => {
    const window = new BitWindow(32)
    expect(window.hasAll(0, 1)).toBe(false)
    expect(window.hasAll(0, 0)).toBe(true)
    window.mark(0)
    expect(window.hasAll(0, 1)).toBe(true)
  })

  test.each([0, 16, 33, 48, 1_000])('a size of %i is refused', (size) => {
    expect(() => new BitWindow(size)).toThrow(`window size: ${size}, expected a power of two from 32`)
  })
})
