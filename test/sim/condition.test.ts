import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../src/core/bytes.ts'
import { type ConditionOptions, conditioned, profiles, VirtualHost } from '../../src/sim/index.ts'
import type { Transport, TransportEnd } from '../../src/transport/transport.ts'
import { numbered, numberOf } from './support.ts'

class FakeTransport implements Transport {
  readonly maxPacketBytes = 1150
  backlogBytes = 0
  readonly sent: [number, number][] = []
  closes = 0
  onPacket: ((packet: Bytes) => void) | undefined = undefined
  onEnd: ((end: TransportEnd) => void) | undefined = undefined
  readonly #host: VirtualHost

  constructor(host: VirtualHost) {
    this.#host = host
  }

  send(packet: Bytes): void {
    this.sent.push([numberOf(packet), this.#host.now()])
  }

  close(): void {
    this.closes++
  }
}

function setUp(options: Partial<ConditionOptions> = {}) {
  const host = new VirtualHost({ seed: 1, now: 5000 })
  const below = new FakeTransport(host)
  const transport = conditioned(below, { seed: 7, host, ...options })
  const heard: [number, number][] = []
  transport.onPacket = (packet) => heard.push([numberOf(packet), host.now()])
  return { host, below, transport, heard }
}

describe('conditioned', () => {
  test('passes packets through at once, without a timer, when the weather is perfect', () => {
    const { host, below, transport, heard } = setUp()
    transport.send(numbered(1))
    below.onPacket!(numbered(2))
    expect(below.sent).toEqual([[1, 5000]])
    expect(heard).toEqual([[2, 5000]])
    expect(host.pending).toBe(0)
  })

  test('delays both directions by their own figures with one timer at most', () => {
    const { host, below, transport, heard } = setUp({ out: { delayMs: 40 }, in: { delayMs: 70 } })
    for (let i = 0; i < 10; i++) {
      transport.send(numbered(i))
      below.onPacket!(numbered(100 + i))
      expect(host.pending).toBe(1)
      host.advance(5)
    }
    host.advance(200)
    expect(below.sent).toEqual(Array.from({ length: 10 }, (_, i) => [i, 5000 + i * 5 + 40]))
    expect(heard).toEqual(Array.from({ length: 10 }, (_, i) => [100 + i, 5000 + i * 5 + 70]))
    expect(host.pending).toBe(0)
  })

  test('copies at the door, so that the driver may reuse its buffer', () => {
    const { host, below, transport } = setUp({ out: { delayMs: 10 } })
    const scratch = numbered(1)
    transport.send(scratch)
    scratch.fill(9)
    host.advance(10)
    expect(below.sent).toEqual([[1, 5010]])
  })

  test('drops the same packets for the same seed', () => {
    const runs = [1, 2].map(() => {
      const { host, below, transport, heard } = setUp({ out: profiles.train.up, in: profiles.train.down })
      for (let i = 0; i < 600; i++) {
        transport.send(numbered(i))
        below.onPacket!(numbered(i))
        host.advance(16)
      }
      host.advance(2000)
      return { sent: below.sent, heard, lost: transport.out.counters.lost + transport.in.counters.lost }
    })
    expect(runs[0]).toEqual(runs[1])
    expect(runs[0]!.lost).toBeGreaterThan(0)
    expect(runs[0]!.sent.length + runs[0]!.heard.length + runs[0]!.lost).toBe(1200)
  })

  test('never delivers from inside send', () => {
    const { host, below, transport, heard } = setUp({ in: { delayMs: 10 } })
    below.onPacket!(numbered(1))
    // A clock that has moved on while its alarm is late, as in a busy page.
    host.now = () => 5050
    transport.send(numbered(2))
    expect(heard).toEqual([])
  })

  test('changes its weather live', () => {
    const { host, below, transport } = setUp()
    transport.set({ out: { loss: 1 } })
    transport.send(numbered(1))
    transport.set({ out: { loss: 0, delayMs: 20 } })
    transport.send(numbered(2))
    host.advance(100)
    expect(below.sent).toEqual([[2, 5020]])
  })

  test('wakes up for what a change of the rate has set free', () => {
    const { host, below, transport } = setUp({ out: { bytesPerSecond: 0 } })
    transport.send(numbered(1))
    host.advance(1000)
    expect([below.sent.length, host.pending]).toEqual([0, 0])
    transport.set({ out: { bytesPerSecond: 1000 } })
    host.advance(100)
    expect(below.sent).toEqual([[1, 6004]])
  })

  test('passes on size and backlog of the transport below', () => {
    const { below, transport } = setUp({ out: { delayMs: 10 } })
    below.backlogBytes = 777
    transport.send(numbered(1))
    expect([transport.maxPacketBytes, transport.backlogBytes]).toEqual([1150, 777])
  })

  test('lets a goodbye leave before it closes the transport below, and hears nothing more', () => {
    const { host, below, transport, heard } = setUp({ out: { delayMs: 40 }, in: { delayMs: 10 } })
    below.onPacket!(numbered(5))
    transport.send(numbered(1))
    transport.close()
    transport.close()
    transport.send(numbered(2))
    below.onPacket!(numbered(6))
    expect(below.closes).toBe(0)
    host.advance(2000)
    expect(below.sent).toEqual([[1, 5040]])
    expect(heard).toEqual([])
    expect([below.closes, host.pending]).toEqual([1, 0])
  })

  test('closes the transport below at once when nothing is on its way', () => {
    const { host, below, transport } = setUp({ out: { delayMs: 40 } })
    transport.close()
    expect([below.closes, host.pending]).toEqual([1, 0])
  })

  test('gives up on packets that cannot leave one second after close', () => {
    const { host, below, transport } = setUp({ out: { bytesPerSecond: 0 } })
    transport.send(numbered(1))
    transport.close()
    host.advance(999)
    expect(below.closes).toBe(0)
    host.advance(1)
    expect([below.closes, below.sent.length, host.pending]).toEqual([1, 0, 0])
  })

  test('reports the end of the transport below once and leaves no timer', () => {
    const { host, below, transport, heard } = setUp({ in: { delayMs: 10 } })
    const ends: TransportEnd[] = []
    transport.onEnd = (end) => ends.push(end)
    below.onPacket!(numbered(1))
    below.onEnd!({ detail: 'ice-failed' })
    below.onEnd!({ detail: 'again' })
    transport.send(numbered(2))
    host.advance(100)
    expect(ends).toEqual([{ detail: 'ice-failed' }])
    expect([heard.length, below.sent.length, host.pending]).toEqual([0, 0, 0])
  })

  test('stops delivering when the receiver closes in the middle of a batch', () => {
    const { host, below, transport } = setUp({ in: { delayMs: 10 } })
    let count = 0
    transport.onPacket = () => {
      count++
      transport.close()
    }
    for (let i = 0; i < 3; i++) below.onPacket!(numbered(i))
    host.advance(50)
    expect([count, below.closes]).toEqual([1, 1])
  })
})
