import { expect, test } from 'playwright/test'
import type { Cell } from '../bench/fresh/cells.mjs'
import { runCell } from '../bench/fresh/run.mjs'
import { firefox } from '../bench/live/browsers.mjs'

const cell: Cell = {
  name: 'firefox',
  title: 'state and reliable messages, RTT 20, 2 %',
  weather: { delayMs: 10, loss: 0.02 },
  judged: 'reliable',
  aged: 'state',
  stateBytes: 200,
  reliablePerSecond: 20,
  reliableBytes: 64,
  warmUpMs: 1000,
  seconds: 4,
  browser: 'firefox',
  goal: '',
  judge: () => ({ value: 0, limit: 0 }),
}

test('Firefox connects; state goes both ways and reliable messages all come, over a path that loses', async () => {
  const opener = await firefox()
  if (typeof opener === 'string') console.error(`SKIPPED: Firefox (${opener}); install one or set FIREFOX_PATH`)
  test.skip(typeof opener === 'string', 'no Firefox')
  if (typeof opener === 'string') return
  const rows = await runCell(cell, 1, opener, { contenders: ['udp', 'gannet'] })
  for (const row of rows.filter(({ transport }) => transport === 'gannet')) {
    expect(row.delivered, `reliable messages that came ${row.direction}`).toBe(1)
    expect(row.age.p95, `age p95 ${row.direction}, ms`).toBeLessThan(150)
  }
})
