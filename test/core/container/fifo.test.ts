import { describe, expect, test } from 'vitest'
import { Fifo } from '../../../src/core/container/fifo.ts'
import { randomOf } from '../support.ts'

describe('Fifo', () => {
  test('gives back in the order in which it took', () => {
    const fifo = new Fifo<number>(2)
    for (let i = 0; i < 10; i++) fifo.push(i)
    expect(fifo.length).toBe(10)
    expect(Array.from({ length: 10 }, () => fifo.shift())).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(fifo.shift()).toBeUndefined()
    expect(fifo.length).toBe(0)
  })

  test('can be looked into, up to its end', () => {
    const fifo = new Fifo<string>(4)
    fifo.push('a')
    fifo.push('b')
    fifo.shift()
    fifo.push('c')
    expect([fifo.at(0), fifo.at(1), fifo.at(2)]).toEqual(['b', 'c', undefined])
  })

  test('takes something back at its front, also when it is full', () => {
    const fifo = new Fifo<number>(2)
    fifo.push(2)
    fifo.push(3)
    fifo.unshift(1)
    fifo.unshift(0)
    expect([fifo.shift(), fifo.shift(), fifo.shift(), fifo.shift()]).toEqual([0, 1, 2, 3])
  })

  test('agrees with an array for any story', () => {
    const random = randomOf(5)
    const fifo = new Fifo<number>(2)
    const array: number[] = []
    for (let i = 0; i < 5_000; i++) {
      const choice = random()
      if (choice < 0.45) {
        fifo.push(i)
        array.push(i)
      } else if (choice < 0.5) {
        fifo.unshift(i)
        array.unshift(i)
      } else if (choice < 0.999) expect(fifo.shift()).toBe(array.shift())
      else {
        fifo.clear()
        array.length = 0
      }
      expect(fifo.length).toBe(array.length)
      expect(fifo.at(array.length >> 1)).toBe(array[array.length >> 1])
    }
  })
})
