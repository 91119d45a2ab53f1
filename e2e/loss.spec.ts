import { expect, test } from 'playwright/test'
import type { Tally } from './fixtures/contract.ts'
import { Match } from './fixtures/match.ts'

const WEATHER = { loss: 0.1, duplicate: 0.02, delayMs: 50 }
const CHATS = 2000
const GAME = { durationMs: 10_000, chats: CHATS, settleMs: 3000 }

function lossOf(tally: Tally): number {
  const { packetsAcked, packetsLost } = tally.stats
  return packetsLost / (packetsAcked + packetsLost)
}

test('everything ordered arrives once and in order while real datagrams are lost', async ({ page }) => {
  const match = await Match.start({ seed: 20, up: WEATHER, down: WEATHER })
  try {
    await match.join(page)
    const [browser, node] = await match.play(page, GAME)
    const inOrder = Array.from({ length: CHATS }, (_, n) => n)

    for (const [name, here, there, lost] of [
      ['page to Node', browser, node, match.data.up],
      ['Node to page', node, browser, match.data.down],
    ] as const) {
      expect(there.chats, `ordered messages, ${name}`).toEqual(inOrder)
      expect(here.ackedChats.length, `ordered messages acked, ${name}`).toBe(CHATS)

      const arrived = new Set(there.states)
      expect(there.states.length, `no state message twice, ${name}`).toBe(arrived.size)
      expect(arrived.has(-1), `state messages whole, ${name}`).toBe(false)
      expect(
        here.ackedStates.filter((n) => !arrived.has(n)),
        `acks without a delivery, ${name}`,
      ).toEqual([])
      // What arrived was acked too, but for acks still on their way when the game ended.
      expect(here.ackedStates.length, `states acked, ${name}`).toBeGreaterThan(arrived.size * 0.97)
      expect(here.sentStates, `ticks, ${name}`).toBeGreaterThan(500)

      const relayed = lost.lost / lost.all
      // Enough to judge the loss by. A tick that finds the channel blocked joins the next, so there are fewer than ticks.
      expect(lost.all, `datagrams through the relay, ${name}`).toBeGreaterThan(300)
      expect(Math.abs(lossOf(here) - relayed), `loss ${lossOf(here)} against ${relayed}, ${name}`).toBeLessThan(0.02)
      expect(here.stats.rttMinMs, `shortest round trip, ${name}`).toBeGreaterThan(98)
      expect(here.stats.rttMinMs, `shortest round trip, ${name}`).toBeLessThan(125)
    }
  } finally {
    await match.end()
  }
})

test('the same seed drops the same datagrams', async ({ page }) => {
  const patterns: string[] = []
  for (let run = 0; run < 2; run++) {
    const match = await Match.start({ seed: 99, up: { loss: 0.1 }, down: { loss: 0.1 } })
    try {
      await match.join(page)
      await match.play(page, { durationMs: 1500, chats: 50, settleMs: 500 })
      patterns.push(match.relay.decisions('up'), match.relay.decisions('down'))
    } finally {
      await match.end()
    }
  }
  const [up1 = '', down1 = '', up2 = '', down2 = ''] = patterns
  for (const [a, b] of [
    [up1, up2],
    [down1, down2],
  ] as const) {
    const length = Math.min(a.length, b.length)
    expect(length).toBeGreaterThan(100)
    expect(a.slice(0, length)).toBe(b.slice(0, length))
    expect(a).toContain('1')
  }
  expect(up1.slice(0, 100)).not.toBe(down1.slice(0, 100))
})
