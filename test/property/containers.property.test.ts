import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BitWindow } from '../../src/core/container/bit-window.ts'
import { BlockPool } from '../../src/core/container/block-pool.ts'
import { Fifo } from '../../src/core/container/fifo.ts'
import { must } from '../support/must.ts'
import { checkProperty } from '../support/seeds.ts'

describe('Fifo is an array with a cheap front', () => {
  const step = fc.oneof(
    fc.record({ op: fc.constant('push' as const), value: fc.nat() }),
    fc.record({ op: fc.constant('unshift' as const), value: fc.nat() }),
    fc.record({ op: fc.constantFrom('shift' as const, 'shift' as const, 'clear' as const), value: fc.constant(0) }),
  )

  test('for any sequence of operations', () => {
    const property = fc.property(
      fc.array(step, { maxLength: 200, size: 'max' }),
      fc.constantFrom(1, 2, 16),
      (steps, capacity) => {
        const fifo = new Fifo<number>(capacity)
        const model: number[] = []
        for (const { op, value } of steps) {
          if (op === 'push') {
            fifo.push(value)
            model.push(value)
          } else if (op === 'unshift') {
            fifo.unshift(value)
            model.unshift(value)
          } else if (op === 'shift') {
            expect(fifo.shift()).toBe(model.shift())
          } else {
            fifo.clear()
            model.length = 0
          }
          must(fifo.length === model.length, () => `length ${fifo.length}, expected ${model.length}`)
          for (let i = 0; i <= model.length; i++) must(fifo.at(i) === model[i], () => `item ${i}`)
        }
      },
    )
    checkProperty(property, 200)
  })
})

describe('BitWindow is a set that forgets what is old', () => {
  test('for any marks, near and far', () => {
    const jump = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: -40, max: 40 }) },
      { weight: 2, arbitrary: fc.integer({ min: -140, max: 140 }) },
      { weight: 1, arbitrary: fc.constantFrom(63, 64, 65, 127, 128, 129, 70_000) },
    )
    const property = fc.property(
      fc.array(jump, { maxLength: 80, size: 'max' }),
      fc.constantFrom(32, 64, 128),
      (jumps, size) => {
        const window = new BitWindow(size)
        const marked = new Set<number>()
        let newest = -1
        for (const by of jumps) {
          const sequence = Math.max(0, newest + by)
          window.mark(sequence)
          if (sequence > newest - size) marked.add(sequence)
          newest = Math.max(newest, sequence)
          expect(window.newest).toBe(newest)
          expect(window.oldest).toBe(Math.max(0, newest - size + 1))
          for (let s = Math.max(0, newest - 2 * size); s < newest + 3; s++) {
            must(window.has(s) === (s > newest - size && marked.has(s)), () => `sequence ${s}, newest ${newest}`)
          }
        }
      },
    )
    checkProperty(property, 150)
  })

  test('a size that is no power of two is refused', () => {
    for (const size of [0, 16, 33, 1000]) expect(() => new BitWindow(size)).toThrow(/power of two/)
  })
})

describe('BlockPool lends each block to one borrower', () => {
  test('for any order of taking and giving', () => {
    const step = fc.record({
      take: fc.boolean(),
      length: fc.constantFrom(0, 1, 127, 128, 129, 1086, 1087, 4000),
      at: fc.nat(),
    })
    const property = fc.property(fc.array(step, { maxLength: 120, size: 'max' }), fc.boolean(), (steps, pooled) => {
      const pool = new BlockPool(1086, 4, pooled)
      const lent: Uint8Array<ArrayBuffer>[] = []
      let taken = 0
      for (const { take, length, at } of steps) {
        if (take || lent.length === 0) {
          const block = pool.take(length)
          taken++
          expect(block.length).toBeGreaterThanOrEqual(length)
          expect(lent).not.toContain(block)
          lent.push(block)
        } else {
          pool.give(lent.splice(at % lent.length, 1)[0]!)
        }
        expect(pool.free).toBeLessThanOrEqual(pooled ? 8 : 0)
        expect(pool.misses).toBeLessThanOrEqual(taken)
      }
      if (!pooled) expect(pool.misses).toBe(taken)
    })
    checkProperty(property, 200)
  })
})
