import { describe, expect, test } from 'vitest'
import { VirtualHost } from '../../src/sim/index.ts'

describe('VirtualHost', () => {
  test('runs alarms at their instants, equal ones in the order in which they were set', () => {
    const host = new VirtualHost({ seed: 1, now: 1000 })
    const log: [string, number][] = []
    host.at(1020, () => log.push(['b', host.now()]))
    host.at(1010, () => log.push(['a', host.now()]))
    host.at(1020, () => log.push(['c', host.now()]))
    host.at(900, () => log.push(['past', host.now()]))
    expect(log).toEqual([])
    host.advance(20)
    expect(log).toEqual([
      ['past', 1000],
      ['a', 1010],
      ['b', 1020],
      ['c', 1020],
    ])
    expect(host.pending).toBe(0)
  })

  test('runs alarms that alarms set, when they are due on the way', () => {
    const host = new VirtualHost({ seed: 1 })
    const log: number[] = []
    const again = (): void => {
      log.push(host.now())
      host.at(host.now() + 10, again)
    }
    host.at(10, again)
    host.advance(35)
    expect(log).toEqual([10, 20, 30])
    expect(host.now()).toBe(35)
  })

  test('forgets cancelled alarms, also when they are cancelled twice or too late', () => {
    const host = new VirtualHost({ seed: 1 })
    const log: string[] = []
    const cancel = host.at(10, () => log.push('no'))
    const late = host.at(5, () => log.push('yes'))
    cancel()
    cancel()
    host.advance(20)
    late()
    expect(log).toEqual(['yes'])
    expect(host.pending).toBe(0)
  })

  test('gives the same chance for the same seed', () => {
    const one = new VirtualHost({ seed: 3 })
    const two = new VirtualHost({ seed: 3 })
    expect([one.random(), one.random()]).toEqual([two.random(), two.random()])
  })
})
