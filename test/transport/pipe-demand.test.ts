import { describe, expect, test } from 'vitest'
import { NetcodeError } from '../../src/index.ts'
import { createEndpoint } from '../../src/transport/endpoint.ts'
import { systemHost } from '../../src/transport/host.ts'
import { PipeDemand, resolvePipes } from '../../src/transport/pipe-demand.ts'

interface Path {
  readonly rttMs: number
  readonly loss: number
  readonly packetBytes: number
  /** Share of looks at which all pipes are blocked. */
  readonly blocked?: number
}

/** What is wanted after some seconds on each path in turn, 60 packets a second. */
function wantedOn(paths: readonly (Path & { seconds: number })[], range = { min: 1, max: 3 }): number[] {
  const options = { channels: { state: { kind: 'sequenced' } } } as const
  const { stats } = createEndpoint('client', options, { maxPacketBytes: 1150 }, systemHost)
  const demand = new PipeDemand(range)
  let now = 0
  return paths.map(({ rttMs, loss, packetBytes, blocked = 0, seconds }) => {
    let wanted = 0
    for (let i = 0; i < seconds * 10; i++) {
      now += 100
      stats.packetsSent += 6
      stats.bytesSent += 6 * packetBytes
      Object.assign(stats, { rttMs: rttMs, lossUp: loss, lossDown: 0 })
      wanted = demand.look(now, stats, (i % 10) / 10 < blocked, wanted || range.min)
    }
    return wanted
  })
}

describe('the demand for pipes', () => {
  test.each([
    [{ rttMs: 50, loss: 0, packetBytes: 1150 }, 1],
    [{ rttMs: 200, loss: 0.001, packetBytes: 1000 }, 1],
    [{ rttMs: 200, loss: 0, packetBytes: 1150 }, 2],
    [{ rttMs: 200, loss: 0, packetBytes: 1150 * 4 }, 3],
    [{ rttMs: 20, loss: 0.01, packetBytes: 200 }, 1],
    [{ rttMs: 100, loss: 0.05, packetBytes: 100 }, 2],
    [{ rttMs: 100, loss: 0.01, packetBytes: 1000 }, 2],
    [{ rttMs: 100, loss: 0.05, packetBytes: 1000 }, 3],
    [{ rttMs: 200, loss: 0.1, packetBytes: 100 }, 2],
  ])('of %o is %i', (path, pipes) => {
    expect(wantedOn([{ ...path, seconds: 5 }])).toEqual([pipes])
  })

  test('rises by one for as long as everything is blocked now and then', () => {
    const path = { rttMs: 100, loss: 0, packetBytes: 1000 }
    expect(
      wantedOn([
        { ...path, seconds: 3 },
        { ...path, blocked: 0.5, seconds: 2 },
      ]),
    ).toEqual([1, 2])
    expect(wantedOn([{ ...path, blocked: 0.2, seconds: 10 }])).toEqual([1])
  })

  test('rises at once for a large message that waits, where losses would hold it up', () => {
    const options = { channels: { state: { kind: 'sequenced' } } } as const
    const wantedWith = (queuedBytes: number, loss: number): number => {
      const { stats } = createEndpoint('client', options, { maxPacketBytes: 1150 }, systemHost)
      const demand = new PipeDemand({ min: 1, max: 3 })
      demand.look(0, stats, false, 1)
      Object.assign(stats, { rttMs: 50, lossUp: loss, lossDown: 0, queuedBytes })
      return demand.look(100, stats, false, 1)
    }
    expect(wantedWith(1 << 18, 0.05)).toBe(3)
    expect(wantedWith(1 << 18, 0.0001)).toBe(1)
    expect(wantedWith(1 << 18, Number.NaN)).toBe(1)
    expect(wantedWith(2_000, 0.01)).toBe(1)
    expect(wantedWith(0, 0.05)).toBe(1)
  })

  test("remembers what came before the round trip jumped and the peer's window shut", () => {
    const options = { channels: { state: { kind: 'sequenced' } } } as const
    const { stats } = createEndpoint('client', options, { maxPacketBytes: 1150 }, systemHost)
    const demand = new PipeDemand({ min: 1, max: 3 })
    let now = 0
    const play = (seconds: number, rttMs: number, receivedPackets: number): number => {
      Object.assign(stats, { rttMs, lossUp: 0.01, lossDown: 0.01 })
      let wanted = 0
      for (let i = 0; i < seconds * 10; i++) {
        now += 100
        stats.packetsSent += 6
        stats.bytesSent += 6 * 20
        stats.packetsReceived += receivedPackets
        stats.bytesReceived += receivedPackets * 1000
        wanted = demand.look(now, stats, false, 1)
      }
      return wanted
    }
    expect(play(10.5, 20, 6)).toBe(1)
    // At once, and not only at the end of a second in which next to nothing came.
    expect(play(0.1, 250, 0)).toBe(3)
  })

  test('outlasts its cause by half a minute, and stays within its range', () => {
    const rough = { rttMs: 100, loss: 0.05, packetBytes: 1000, seconds: 5 }
    const calm = { rttMs: 100, loss: 0, packetBytes: 1000 }
    expect(wantedOn([rough, { ...calm, seconds: 20 }, { ...calm, seconds: 20 }])).toEqual([3, 3, 1])
    expect(wantedOn([{ ...calm, seconds: 5 }, rough], { min: 2, max: 2 })).toEqual([2, 2])
  })
})

describe('the range', () => {
  test('has defaults that make sense together', () => {
    expect([resolvePipes(), resolvePipes({ min: 5 }), resolvePipes({ max: 1 })]).toEqual([
      { min: 1, max: 3 },
      { min: 5, max: 5 },
      { min: 1, max: 1 },
    ])
  })

  test.each([{ min: 0 }, { max: 9 }, { min: 1.5 }, { min: 3, max: 2 }, { max: Number.NaN }])('refuses %o', (range) => {
    expect(() => resolvePipes(range)).toThrow(NetcodeError)
  })
})
