import { describe, expect, test } from 'vitest'
import { BlockPool, SMALL_BLOCK_BYTES } from '../../../src/core/container/block-pool.ts'

const LARGE_BYTES = 1_000

describe('BlockPool', () => {
  test.each([
    [1, SMALL_BLOCK_BYTES],
    [SMALL_BLOCK_BYTES, SMALL_BLOCK_BYTES],
    [SMALL_BLOCK_BYTES + 1, LARGE_BYTES],
    [LARGE_BYTES, LARGE_BYTES],
    [LARGE_BYTES + 1, LARGE_BYTES + 1],
  ])('for %i bytes it gives a block of %i', (length, bytes) => {
    expect(new BlockPool(LARGE_BYTES, 4, true).take(length).length).toBe(bytes)
  })

  test('a block that came back is given again, and counts as no miss', () => {
    const pool = new BlockPool(LARGE_BYTES, 4, true)
    const small = pool.take(10)
    const large = pool.take(500)
    expect(pool.misses).toBe(2)
    pool.give(small)
    pool.give(large)
    expect(pool.free).toBe(2)
    expect(pool.take(900)).toBe(large)
    expect(pool.take(128)).toBe(small)
    expect(pool.misses).toBe(2)
    expect(pool.free).toBe(0)
  })

  test('keeps at most its limit of each size', () => {
    const pool = new BlockPool(LARGE_BYTES, 2, true)
    const blocks = Array.from({ length: 5 }, () => pool.take(10))
    for (const block of blocks) pool.give(block)
    expect(pool.free).toBe(2)
    expect(pool.discards).toBe(3)
    pool.give(pool.take(500))
    expect(pool.free).toBe(3)
  })

  test('a block larger than a fragment is nobody’s and does not come back', () => {
    const pool = new BlockPool(LARGE_BYTES, 4, true)
    pool.give(pool.take(50_000))
    expect(pool.free).toBe(0)
    expect(pool.discards).toBe(0)
  })

  test('without pooling every block is new and exact', () => {
    const pool = new BlockPool(LARGE_BYTES, 4, false)
    const block = pool.take(10)
    expect(block.length).toBe(10)
    pool.give(block)
    expect(pool.take(10)).not.toBe(block)
    expect(pool.free).toBe(0)
  })
})
