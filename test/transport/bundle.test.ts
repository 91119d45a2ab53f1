import { describe, expect, test } from 'vitest'
import type { PipeStats } from '../../src/index.ts'
import { VirtualHost } from '../../src/sim/index.ts'
import { Bundle } from '../../src/transport/bundle.ts'
import { systemHost } from '../../src/transport/host.ts'
import { type Loopback, loopback } from './loopback.ts'
import { transportContract } from './transport.contract.ts'

for (const count of [1, 3]) {
  transportContract(`a bundle of ${count}`, async () => {
    const pairs = Array.from({ length: count }, () => loopback(systemHost, { delayMs: 1 }))
    return { a: new Bundle(...pairs.map(([a]) => a)), b: new Bundle(...pairs.map(([, b]) => b)) }
  })
}

interface Setup {
  readonly host: VirtualHost
  readonly pipes: readonly Loopback[]
  readonly bundle: Bundle
  readonly ends: string[]
  send(count: number): void
  /** Packets that each pipe has taken. */
  taken(): number[]
}

function setUp(count: number): Setup {
  const host = new VirtualHost({ seed: 1 })
  const pipes = Array.from({ length: count }, () => loopback(host, { delayMs: 10 })[0])
  const bundle = new Bundle(...pipes)
  const ends: string[] = []
  bundle.onEnd = ({ detail }) => ends.push(detail)
  return {
    host,
    pipes,
    bundle,
    ends,
    send(packets) {
      for (let i = 0; i < packets; i++) bundle.send(new Uint8Array(10))
    },
    taken: () => pipes.map((pipe) => pipe.sentAt.length),
  }
}

describe('the choice of a pipe', () => {
  test('takes turns while nothing waits', () => {
    const { send, taken } = setUp(3)
    send(7)
    expect(taken()).toEqual([3, 2, 2])
  })

  test('goes around a pipe below which something waits, at once, and back when that is gone', () => {
    const { pipes, bundle, send, taken } = setUp(3)
    pipes[1]!.backlogBytes = 1
    expect(bundle.backlogBytes).toBe(0)
    send(6)
    expect(taken()).toEqual([3, 0, 3])
    pipes[1]!.backlogBytes = 0
    send(3)
    expect(taken()).toEqual([4, 1, 4])
  })

  test('falls to the one below which least waits, and tells what that is', () => {
    const { pipes, bundle, send, taken } = setUp(3)
    pipes.forEach((pipe, i) => {
      pipe.backlogBytes = [3000, 1000, 2000][i]!
    })
    expect(bundle.backlogBytes).toBe(1000)
    send(2)
    expect(taken()).toEqual([0, 2, 0])
  })
})

test('each pipe below which something waits is told, by its number', () => {
  const { pipes, bundle } = setUp(3)
  const told: [number, number][] = []
  const tell = (pipe: number, bytes: number) => told.push([pipe, bytes])
  bundle.tellHeld(tell)
  pipes[0]!.backlogBytes = 10
  pipes[2]!.backlogBytes = 30
  bundle.retire(pipes[1]!, 'enough')
  bundle.tellHeld(tell)
  expect(told).toEqual([
    [0, 10],
    [2, 30],
  ])
})

describe('a pipe that carries nothing', () => {
  /** A bundle whose packets have the fates that `carries` says, with the counts that an endpoint would keep. */
  function watched(count: number, carries: (place: number) => boolean | 'late') {
    const setup = setUp(count)
    const stats: PipeStats[] = []
    setup.bundle.watch(stats)
    const send = (packets: number) => {
      for (let i = 0; i < packets; i++) {
        const before = setup.taken()
        const { pipe } = setup.bundle
        setup.bundle.send(new Uint8Array(10))
        const place = setup.taken().findIndex((taken, at) => taken > before[at]!)
        const one = (stats[pipe] ??= { packetsSent: 0, packetsAcked: 0, packetsLost: 0, lostInRow: 0, lateInRow: 0 })
        one.packetsSent++
        const fate = carries(place)
        if (fate) {
          one.packetsAcked++
          one.lostInRow = 0
        } else {
          one.packetsLost++
          one.lostInRow++
        }
        if (fate === true) one.lateInRow = 0
        else one.lateInRow++
      }
    }
    return { ...setup, send }
  }

  test('is left out after four packets, tried with one in sixteen, and closed after eight of those', () => {
    const { pipes, bundle, ends, send, taken } = watched(3, (place) => place !== 1)
    send(12)
    expect(taken()).toEqual([4, 4, 4])
    send(48)
    expect([6, 7]).toContain(taken()[1])
    send(200)
    expect([taken()[1], bundle.pipes, ends]).toEqual([12, [pipes[0], pipes[2]], []])
    expect(pipes[1]!.closedAt).toBeDefined()
  })

  test('is left out as well while it carries late, and closed if that does not end', () => {
    let isLate = true
    const { pipes, bundle, send, taken } = watched(2, (place) => (place === 0 && isLate ? 'late' : true))
    send(100)
    expect(taken()[0]).toBeLessThan(12)
    isLate = false
    send(20)
    const before = taken()
    send(20)
    expect(taken().map((count, i) => count - before[i]!)).toEqual([10, 10])
    isLate = true
    send(400)
    expect(bundle.pipes).toEqual([pipes[1]])
  })

  test('is closed as well when what is to try it waits below it for long', () => {
    const { pipes, bundle, send, taken } = watched(2, (place) => place !== 1)
    send(8)
    pipes[1]!.backlogBytes = 1000
    send(255)
    expect([taken()[1], bundle.size]).toEqual([4, 2])
    send(1)
    expect([taken()[1], bundle.pipes]).toEqual([4, [pipes[0]]])
  })

  test('is back in use as soon as it carries again', () => {
    let isDead = true
    const { bundle, send, taken } = watched(2, (place) => place !== 0 || !isDead)
    send(40)
    isDead = false
    send(20)
    const before = taken()
    send(20)
    expect(bundle.size).toBe(2)
    expect(taken().map((count, i) => count - before[i]!)).toEqual([10, 10])
  })

  test('is kept when no other does better: the path itself has gone', () => {
    const { bundle, send, taken } = watched(3, () => false)
    send(120)
    expect([bundle.size, Math.min(...taken())]).toEqual([3, 40])
  })

  test('does not put its losses down to the one that comes after it', () => {
    const { host, bundle, pipes, send } = watched(2, (place) => place !== 0)
    send(300)
    expect(bundle.pipes).toEqual([pipes[1]])
    const [next] = loopback(host)
    bundle.add(next)
    for (let i = 0; i < 20; i++) bundle.send(new Uint8Array(10))
    expect(next.sentAt.length).toBe(10)
  })
})

describe('pipes that come and go', () => {
  test('one that ends is left out, and nobody is told while there is another', () => {
    const { pipes, bundle, ends, send, taken } = setUp(3)
    send(2)
    pipes[1]!.end('ice-failed')
    expect([bundle.size, ends]).toEqual([2, []])
    send(4)
    expect(taken()).toEqual([3, 1, 2])
  })

  test('the end of the last one is the end, once, in its words', () => {
    const { pipes, bundle, ends } = setUp(2)
    pipes[0]!.end('ice-failed')
    pipes[1]!.end('channel-closed')
    bundle.close()
    expect(ends).toEqual(['channel-closed'])
  })

  test('without pipes it waits for another one if told so, and drops what is sent meanwhile', () => {
    const { host, pipes, bundle, ends, send } = setUp(1)
    const words: string[] = []
    bundle.onEmpty = ({ detail }) => {
      words.push(detail)
      return true
    }
    pipes[0]!.end('ice-failed')
    send(3)
    expect([bundle.size, bundle.backlogBytes, words, ends]).toEqual([0, 0, ['ice-failed'], []])
    const [next] = loopback(host)
    bundle.add(next)
    send(2)
    expect(next.sentAt.length).toBe(2)
    bundle.onEmpty = undefined
    next.end('channel-closed')
    expect(ends).toEqual(['channel-closed'])
  })

  test('a retired one is closed and gone; a stranger is not touched', () => {
    const { host, pipes, bundle, ends } = setUp(2)
    expect(bundle.retire(pipes[0]!, 'stalled')).toBe(true)
    expect([pipes[0]!.closedAt, bundle.pipes]).toEqual([host.now(), [pipes[1]]])
    const [stranger] = loopback(host)
    expect(bundle.retire(stranger, 'stalled')).toBe(false)
    expect(stranger.closedAt).toBeUndefined()
    expect(bundle.retire(pipes[1]!, 'stalled')).toBe(true)
    expect(ends).toEqual(['stalled'])
  })

  test('one that comes too late is closed', () => {
    const { host, pipes, bundle } = setUp(1)
    bundle.close()
    expect(pipes[0]!.closedAt).toBe(host.now())
    const [late] = loopback(host)
    bundle.add(late)
    expect([late.closedAt, bundle.size]).toEqual([host.now(), 0])
  })

  test('a bundle of none, or a pipe of smaller packets, is refused', () => {
    expect(() => new Bundle()).toThrow(RangeError)
    const { host, bundle } = setUp(1)
    const [small] = loopback(host)
    expect(() => bundle.add(Object.assign(Object.create(small), { maxPacketBytes: 500 }))).toThrow(/500.*1150/)
  })
})
