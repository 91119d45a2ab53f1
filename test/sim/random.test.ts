import { describe, expect, test } from 'vitest'
import { Random } from '../../src/sim/index.ts'
import { binomialTolerance } from './support.ts'

/** The first numbers of a stream. */
function first(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.uint32())
}

describe('Random', () => {
  test('gives the same numbers for the same seed in every engine and release', () => {
    expect(first(new Random(0x5eed), 4)).toEqual([3359105422, 15602626, 640940008, 127811059])
    expect(first(new Random('train'), 4)).toEqual([1849342808, 4199920425, 4197805606, 2817635438])
    const random = new Random(1)
    expect([random.exponential(1), random.exponential(1), random.normal()]).toEqual([
      1.0787882077237119, 1.4366701300350586, -0.1756566014351331,
    ])
  })

  test('takes a number and its decimal text for the same seed', () => {
    expect(first(new Random(7), 8)).toEqual(first(new Random('7'), 8))
  })

  test('gives unlike streams to seeds that are alike', () => {
    const seeds = [0, 1, 2, -1, 0.5, '', 'a', 'b', 'ab', 'ba', '0/x', '0/y']
    const starts = seeds.map((seed) => new Random(seed).uint32())
    expect(new Set(starts).size).toBe(seeds.length)
  })

  test('refuses a seed that is not a finite number', () => {
    expect(() => new Random(Number.NaN)).toThrow('expected a finite number')
  })

  test('fills all bits and all 256 classes of the top and bottom byte evenly', () => {
    const random = new Random('even')
    const count = 262_144
    const top = new Uint32Array(256)
    const bottom = new Uint32Array(256)
    const bits = new Uint32Array(32)
    for (let i = 0; i < count; i++) {
      const x = random.uint32()
      top[x >>> 24]!++
      bottom[x & 255]!++
      for (let bit = 0; bit < 32; bit++) bits[bit]! += (x >>> bit) & 1
    }
    // Chi-square with 255 degrees of freedom: mean 255, standard deviation 22.6.
    for (const classes of [top, bottom]) {
      let chiSquare = 0
      for (const n of classes) chiSquare += (n - count / 256) ** 2 / (count / 256)
      expect(chiSquare).toBeGreaterThan(160)
      expect(chiSquare).toBeLessThan(360)
    }
    for (const ones of bits) expect(Math.abs(ones / count - 0.5)).toBeLessThan(binomialTolerance(0.5, count))
  })

  test('shows no correlation between neighbours or between a stream and its forks', () => {
    const random = new Random('neighbours')
    const forks = [random.fork('a'), random.fork('b')]
    const count = 100_000
    let neighbours = 0
    let across = 0
    let last = random.float() - 0.5
    for (let i = 0; i < count; i++) {
      const x = random.float() - 0.5
      neighbours += x * last
      across += (forks[0]!.float() - 0.5) * (forks[1]!.float() - 0.5)
      last = x
    }
    // Each product has variance 1/144.
    const tolerance = 4.5 / 12 / Math.sqrt(count)
    expect(Math.abs(neighbours / count)).toBeLessThan(tolerance)
    expect(Math.abs(across / count)).toBeLessThan(tolerance)
  })

  test('forks by label alone, whatever was drawn before', () => {
    const fresh = new Random(7)
    const used = new Random(7)
    first(used, 1000)
    expect(first(used.fork('loss'), 8)).toEqual(first(fresh.fork('loss'), 8))
    expect(first(used.fork('loss'), 8)).not.toEqual(first(fresh.fork('jitter'), 8))
  })

  test('replays a fork from the seed it reports', () => {
    const fork = new Random(7).fork('up').fork('loss')
    expect(first(new Random(fork.seed), 8)).toEqual(first(fork, 8))
  })

  test('never says yes to chance 0 and always to chance 1, taking one number each time', () => {
    const random = new Random('chance')
    const twin = new Random('chance')
    for (let i = 0; i < 1000; i++) {
      expect(random.chance(0)).toBe(false)
      expect(random.chance(1)).toBe(true)
      twin.uint32()
      twin.uint32()
    }
    expect(random.uint32()).toBe(twin.uint32())
  })

  test('keeps fractions at or above 0 and below 1', () => {
    const random = new Random('fraction')
    for (let i = 0; i < 10_000; i++) {
      const x = random.float()
      expect(x >= 0 && x < 1).toBe(true)
    }
  })

  test('draws exponentials with the mean and the tail that they should have', () => {
    const random = new Random('exponential')
    const count = 200_000
    let sum = 0
    let beyond = 0
    for (let i = 0; i < count; i++) {
      const x = random.exponential(10)
      sum += x
      if (x > 30) beyond++
    }
    expect(Math.abs(sum / count - 10)).toBeLessThan((4.5 * 10) / Math.sqrt(count))
    expect(Math.abs(beyond / count - Math.exp(-3))).toBeLessThan(binomialTolerance(Math.exp(-3), count))
  })

  test('draws normals with mean 0, deviation 1 and 4.55 % beyond two deviations', () => {
    const random = new Random('normal')
    const count = 200_000
    let sum = 0
    let squares = 0
    let beyond = 0
    for (let i = 0; i < count; i++) {
      const x = random.normal()
      sum += x
      squares += x * x
      if (Math.abs(x) > 2) beyond++
    }
    expect(Math.abs(sum / count)).toBeLessThan(4.5 / Math.sqrt(count))
    expect(Math.abs(squares / count - 1)).toBeLessThan(4.5 * Math.sqrt(2 / count))
    expect(Math.abs(beyond / count - 0.0455)).toBeLessThan(binomialTolerance(0.0455, count))
  })
})
