import { describe, expect, test } from 'vitest'
import { Alarms } from '../../src/node/alarms.ts'
import type { Host } from '../../src/transport/host.ts'

/** A host of virtual time that counts its timers. */
class Clock implements Host {
  timeMs = 0
  most = 0
  readonly #timers = new Map<object, { at: number; run: () => void }>()

  now(): number {
    return this.timeMs
  }

  random(): number {
    return 4
  }

  at(timeMs: number, run: () => void): () => void {
    const name = {}
    this.#timers.set(name, { at: timeMs, run })
    this.most = Math.max(this.most, this.#timers.size)
    return () => this.#timers.delete(name)
  }

  get timers(): number {
    return this.#timers.size
  }

  advance(toMs: number): void {
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= toMs).sort((a, b) => a[1].at - b[1].at)[0]
      if (due === undefined) break
      this.#timers.delete(due[0])
      this.timeMs = Math.max(this.timeMs, due[1].at)
      due[1].run()
    }
    this.timeMs = toMs
  }
}

describe('alarms', () => {
  test('ring in order, each once, on one timer', () => {
    const clock = new Clock()
    const alarms = new Alarms(clock)
    const rung: number[] = []
    // A permutation of 0 to 996.
    for (let i = 0; i < 997; i++) alarms.at((i * 391) % 997, () => rung.push(clock.now()))
    expect(alarms.size).toBe(997)
    clock.advance(2000)
    expect(rung).toEqual(Array.from({ length: 997 }, (_, i) => i))
    expect([clock.most, clock.timers, alarms.size]).toEqual([1, 0, 0])
  })

  test('can be cancelled at any time, and set from inside', () => {
    const clock = new Clock()
    const alarms = new Alarms(clock)
    const rung: string[] = []
    const cancels = Array.from({ length: 100 }, (_, i) => alarms.at(100 + ((i * 37) % 100), () => rung.push(`${i}`)))
    for (const [i, cancel] of cancels.entries()) if (i !== 50) cancel()
    alarms.at(10, () => {
      rung.push('first')
      alarms.at(clock.now(), () => rung.push('again'))
    })
    clock.advance(500)
    for (const cancel of cancels) cancel()
    expect(rung).toEqual(['first', 'again', '50'])
    expect(clock.timers).toBe(0)
  })

  test('leave no timer when none is set, and need none for what never comes', () => {
    const clock = new Clock()
    const alarms = new Alarms(clock)
    const cancel = alarms.at(100, () => {})
    expect(clock.timers).toBe(1)
    cancel()
    alarms.at(Number.POSITIVE_INFINITY, () => {})
    expect([clock.timers, alarms.size]).toEqual([0, 0])
  })

  test('go on after one that throws', () => {
    const clock = new Clock()
    const alarms = new Alarms(clock)
    let rung = 0
    alarms.at(1, () => {
      throw new Error('oops')
    })
    alarms.at(2, () => rung++)
    expect(() => clock.advance(1)).toThrow('oops')
    clock.advance(2)
    expect(rung).toBe(1)
  })
})
