import { describe, expect, test } from 'vitest'
import { expand16, expand24 } from '../../../src/core/wire/sequence.ts'

describe('expand16: low bits, reference → the nearest value', () => {
  test.each([
    [0, -1, 0],
    [5, -1, 5],
    [0x7ffe, -1, 0x7ffe],
    // Half a circle ahead of nothing: nearer to what lies before the beginning.
    [0x7fff, -1, 0x7fff - 0x10000],
    [0xffff, -1, -1],
    [0xffff, 0, -1],
    [0, 0xffff, 0x10000],
    [3, 0xfffa, 0x10003],
    [0xfffe, 0x20001, 0x1fffe],
    [0x8000, 0, -0x8000],
    [0x7fff, 0, 0x7fff],
    [1, 0x7fffffff, 0x80000001],
    [0xfffe, 0x80000000, 0x7ffffffe],
    [123, 2 ** 40 + 100, 2 ** 40 + 123],
  ])('%i near %i is %i', (low, near, value) => {
    expect(expand16(low, near)).toBe(value)
  })

  test('brings back every value within half a circle, up to 2^52', () => {
    for (const near of [-1, 0, 40_000, 2 ** 31 - 5, 2 ** 31 + 5, 2 ** 32 - 5, 2 ** 32 + 5, 2 ** 45, 2 ** 52]) {
      for (const distance of [-0x8000, -0x7fff, -1_024, -1, 0, 1, 1_024, 0x7fff]) {
        const value = near + distance
        if (value >= 0) expect(expand16(value % 0x10000, near), `${value} near ${near}`).toBe(value)
      }
    }
  })
})

describe('expand24: low bits, reference → the nearest value', () => {
  test.each([
    [0, 0, 0],
    [0xffffff, 0, -1],
    [0, 0xffffff, 0x1000000],
    [0x7fffff, 0, 0x7fffff],
    [0x800000, 0, -0x800000],
    [7, 2 ** 32 - 3, 2 ** 32 + 7],
  ])('%i near %i is %i', (low, near, value) => {
    expect(expand24(low, near)).toBe(value)
  })
})
