import { describe, expect, test } from 'vitest'
import { median, type StreamCell, stream } from './support.ts'

const SEEDS = [1, 2, 3]

/** Median over three seeds of what one direction showed. */
function typical(
  direction: 'up' | 'down',
  cell: Omit<StreamCell, 'seed'>,
): { p50: number; p95: number; delivered: number } {
  const runs = SEEDS.map((seed) => stream({ ...cell, seed })[direction])
  return {
    p50: median(runs.map((run) => run.p50)),
    p95: median(runs.map((run) => run.p95)),
    delivered: median(runs.map((run) => run.delivered)),
  }
}

/**
 * What real Chromium (up, dcSCTP) and node-datachannel (down, usrsctp) were measured to do with 60 messages a second both ways, added
 * latency in ms. The model must put each cell into the same order of magnitude: clean, some ticks, or seconds.
 */
describe('60 messages a second both ways, unordered, maxRetransmits 0', () => {
  test.each([
    { rttMs: 50, loss: 0.05, bytes: 200 },
    { rttMs: 100, loss: 0.05, bytes: 200 },
    { rttMs: 100, loss: 0.1, bytes: 200 },
    { rttMs: 200, loss: 0.01, bytes: 200 },
    { rttMs: 50, loss: 0.01, bytes: 1100 },
  ])('stay clean: RTT $rttMs, loss $loss, $bytes B', (cell) => {
    for (const direction of ['up', 'down'] as const) {
      const { p50, p95, delivered } = typical(direction, cell)
      expect([p50, p95 < 60], direction).toEqual([0, true])
      expect(delivered).toBeGreaterThan(1 - cell.loss - 0.03)
    }
  })

  test.each([
    // Measured p50/p95: up 494/857, down 609/1035.
    { rttMs: 100, loss: 0.05, bytes: 1100, p50: [100, 1500], p95: [300, 3000] },
    // Measured: up 2083/4006, down 2316/4390.
    { rttMs: 100, loss: 0.1, bytes: 1100, p50: [500, 5000], p95: [1500, 9000] },
    // Measured: up 3745/7085, down 5127/9569.
    { rttMs: 200, loss: 0.05, bytes: 1100, p50: [1200, 8000], p95: [3500, 10_000] },
    // Measured: up 4948/8979, down 5185/10526.
    { rttMs: 200, loss: 0.1, bytes: 1100, p50: [1500, 8000], p95: [4000, 10_500] },
  ])(
    'grow to seconds: RTT $rttMs, loss $loss, $bytes B',
    ({ p50: [least50, most50], p95: [least95, most95], ...cell }) => {
      for (const direction of ['up', 'down'] as const) {
        const { p50, p95 } = typical(direction, cell)
        expect(p50, direction).toBeGreaterThan(least50!)
        expect(p50, direction).toBeLessThan(most50!)
        expect(p95, direction).toBeGreaterThan(least95!)
        expect(p95, direction).toBeLessThan(most95!)
      }
    },
  )

  test('the more packets a second, the longer the queue, above the ceiling of Reno', () => {
    const p95 = [30, 60, 120, 240].map(
      (hz) => typical('up', { rttMs: 100, loss: 0.05, bytes: 1100, hz, lengthMs: 6000 }).p95,
    )
    expect(p95[0]).toBeLessThan(60)
    for (let i = 1; i < p95.length; i++) expect(p95[i]).toBeGreaterThan(p95[i - 1]! * 1.3)
  })

  test('a server whose messages live 20 ms is as good as plain UDP up to RTT 150 and 20 % loss', () => {
    const server = { reliability: { lifetimeMs: 20 } }
    for (const rttMs of [50, 100, 150])
      for (const loss of [0.05, 0.1, 0.2]) {
        const cell = { rttMs, loss, bytes: 1100, server, connectRttMs: 0 }
        const plain = typical('down', { ...cell, isPlain: true })
        const sctp = typical('down', cell)
        expect(sctp.p95, `RTT ${rttMs}, loss ${loss}`).toBeLessThan(60)
        expect(sctp.delivered).toBeGreaterThan(plain.delivered - 0.04)
      }
  })

  test('and falls apart when the round trip has jumped to 300 ms, but not when it connected there', () => {
    const cell = { rttMs: 300, loss: 0.05, bytes: 1100, server: { reliability: { lifetimeMs: 20 } } }
    expect(typical('down', { ...cell, connectRttMs: 0 }).p50).toBeGreaterThan(1000)
    expect(typical('down', cell).p95).toBeLessThan(150)
  })

  test('a lifetime in the browser drops stale messages before they are sent, and its window stays', () => {
    const cell = { rttMs: 100, loss: 0.1, bytes: 1100, client: { reliability: { lifetimeMs: 50 } } }
    const { p95, delivered } = typical('up', cell)
    expect(p95).toBeLessThan(100)
    expect(delivered).toBeLessThan(0.85)
  })
})

test('while both sides send, dcSCTP splits a message for which there is no room beside a SACK', () => {
  const packetsOf = (bytes: number): number => {
    const { pipe } = stream({ seed: 1, rttMs: 50, loss: 0, bytes, lengthMs: 2000 })
    return pipe.client.path.up.counters.pushed
  }
  const [one, two] = [packetsOf(1120), packetsOf(1150)]
  expect(one).toBeLessThan(1.3 * 120)
  expect(two).toBeGreaterThan(1.7 * 120)
})
