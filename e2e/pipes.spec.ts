import { expect, test } from 'playwright/test'
import type { Cell } from '../bench/fresh/cells.mjs'
import { runCell } from '../bench/fresh/run.mjs'
import { inPlaywright } from '../bench/live/browsers.mjs'

/** Wide: measured are 1.1 to 1.4 times plain UDP's age, and 1.6 to 4.7 s until the pipe is given up. */
const MOST_TIMES_UDP = 3
const GIVEN_UP_MS = 6500

const cell: Cell = {
  name: 'dead-pipe',
  title: 'one of two pipes dies',
  weather: { delayMs: 25, loss: 0.01 },
  judged: 'state',
  aged: 'state',
  stateBytes: 1000,
  warmUpMs: 2500,
  cutsAtMs: 0,
  seconds: 7,
  goal: '',
  judge: () => ({ value: 0, limit: 0 }),
}

test('a pipe that dies in mid-game is gone around, given up and replaced, and state stays fresh', async ({
  browser,
}) => {
  const rows = await runCell(cell, 1, inPlaywright(browser), {
    contenders: ['udp', 'gannet'],
    options: { pipes: { min: 2, max: 3 } },
  })
  for (const direction of ['up', 'down'] as const) {
    const [udp, gannet] = (['udp', 'gannet'] as const).map(
      (transport) => rows.find((row) => row.transport === transport && row.direction === direction)!,
    )
    expect(gannet!.age.p95, `age p95 ${direction}, plain UDP ${udp!.age.p95}`).toBeLessThan(
      MOST_TIMES_UDP * udp!.age.p95,
    )
    const { carriedBefore, usedForMs, carriedNew, isOpen } = gannet!.cut!
    expect(isOpen).toBe(true)
    expect(carriedBefore, 'pipes that carried before').toBeGreaterThanOrEqual(2)
    expect(usedForMs, 'ms for which the dead pipe was tried').toBeLessThan(GIVEN_UP_MS)
    expect(carriedNew, 'new pipes that carry at the end').toBeGreaterThanOrEqual(1)
  }
})
