import { describe, expect, test } from 'vitest'
import { CELLS } from '../bench/fresh/cells.mjs'
import { afterOutage, ageOf, deliveredShare, latencyOf } from '../bench/fresh/figures.mjs'
import { type Account, Load, piecesOf } from '../bench/fresh/load.mjs'
import { withReadmeTable } from '../bench/fresh/readme.mjs'
import { jsonOf, rowsOf } from '../bench/fresh/rows.mjs'
import type { Row } from '../bench/fresh/run.mjs'

const TICK_MS = 1000 / 60

/** A state each tick for ten seconds, of which each comes `delayMs` later unless `isLost`. */
function accounts(delayMs: number, isLost: (n: number) => boolean = () => false): { from: Account; to: Account } {
  const sent = Array.from({ length: 600 }, (_, n) => n * TICK_MS)
  const got = sent.flatMap((at, n) => (isLost(n) ? [] : [at, at + delayMs]))
  const empty = () => ({ reliable: [], transfer: [] })
  return {
    from: { sent: { state: sent, ...empty() }, got: { state: [], ...empty() } },
    to: { sent: { state: [], ...empty() }, got: { state: got, ...empty() } },
  }
}

describe('the figures of the fresh bench', () => {
  test('the age of the newest state runs from the delay to a tick beyond it, and to two after a loss', () => {
    const steady = ageOf(accounts(50).to, 'state', 1000, 9000, 1)
    expect(steady.p50).toBeCloseTo(50 + TICK_MS / 2, -1)
    expect(steady.p99).toBeLessThanOrEqual(50 + TICK_MS)
    const lossy = ageOf(accounts(50, (n) => n % 10 === 0).to, 'state', 1000, 9000, 1)
    expect(lossy.p99).toBeGreaterThan(50 + TICK_MS)
    expect(lossy.p99).toBeLessThanOrEqual(50 + 2 * TICK_MS)
  })

  test('a state that comes after a newer one makes nothing younger', () => {
    const { to } = accounts(50)
    to.got.state.push(1000, 1060, 1000, 5000)
    expect(ageOf(to, 'state', 1000, 9000, 1)).toEqual(ageOf(accounts(50).to, 'state', 1000, 9000, 1))
  })

  test('shares and latencies are of what was sent in the window; what must come and does not is infinitely late', () => {
    const direction = accounts(50, (n) => n % 10 === 0)
    expect(deliveredShare(direction, 'state', 1000, 9000)).toBeCloseTo(0.9)
    expect(latencyOf(direction, 'state', 1000, 9000, false).p99).toBeCloseTo(50)
    expect(latencyOf(direction, 'state', 1000, 9000, true)).toMatchObject({ p99: Number.POSITIVE_INFINITY })
  })

  test('what comes after an outage is told by when it came, not by when it was sent', () => {
    const { from, to } = accounts(50, (n) => n * TICK_MS >= 3000 && n * TICK_MS < 5000)
    expect(afterOutage({ from, to }, 5000)).toEqual({ firstMs: 50, stale: 0, missing: 0 })
    to.got.state.push(3500, 5001, 4000, 5300)
    from.sent.reliable.push(1, 2)
    to.got.reliable.push(2, 52)
    expect(afterOutage({ from, to }, 5000)).toEqual({ firstMs: 1501, stale: 2, missing: 1 })
  })

  test('a message is counted once, and a cut one when its last piece comes', () => {
    let now = 0
    const load = new Load(() => ++now)
    const message = new Uint8Array(300_000)
    message[0] = 2
    const pieces = piecesOf(message)
    expect(pieces.reduce((sum, piece) => sum + piece.length, 0)).toBe(message.length)
    for (const piece of [...pieces, ...pieces]) load.take(piece)
    expect(load.account.got.transfer.length).toBe(2)
    load.take(new Uint8Array(3))
    expect(load.account.got.state).toEqual([])
  })
})

test('the README gets a line for each cell that was run, with the verdict on its goal', () => {
  const [cell] = CELLS
  const figures = (ageMs: number) => ({ p50: ageMs, p95: ageMs, p99: ageMs })
  const rows = (['up', 'down'] as const).flatMap((direction): Row[] =>
    (
      [
        [60, 'udp'],
        [1000, 'naive'],
        [direction === 'up' ? 70 : 90, 'gannet'],
      ] as const
    ).map(([ageMs, transport]) => ({
      cell: cell!.name,
      seed: 1,
      transport,
      direction,
      delivered: 0.9,
      latency: figures(ageMs),
      age: figures(ageMs),
      browser: 'Chromium 1.2',
    })),
  )
  const text = 'a\n<!-- npm run bench -- fresh --readme -->\nold\n<!-- end of the table -->\nb\n'
  const table = withReadmeTable(text, rows)
  expect(table).toContain('1 seed, Chromium 1.2 with Node')
  expect(table).toContain('60 / 60 | 1,000 / 1,000 | 70 / 90 | 90 % / 90 %')
  expect(table).toContain('1/1 / **no** 0/1')
  const two = withReadmeTable(text, [...rows, ...rows.map((row) => ({ ...row, seed: 2, age: figures(60) }))])
  expect(two).toContain('60 (60) / 60 (60) | 530 (1,000) / 530 (1,000) | 65 (70) / 75 (90)')
  expect(two).toContain('2/2 / 1/2')
  expect(two).toContain('1.3 | 1.00 1.17 | 1.00 1.50 |')
  expect(table).not.toContain('old')
  expect(withReadmeTable(table, rows)).toBe(table)
  expect(() => withReadmeTable('a\nb\n', rows)).toThrow(/README/)
  const odd = rows.map((row) => ({ ...row, latency: { p50: 1, p95: Number.POSITIVE_INFINITY, p99: Number.NaN } }))
  expect(rowsOf(jsonOf(odd))).toEqual(odd)
})
