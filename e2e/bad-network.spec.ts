import { listen } from 'gannet/node'
import { profiles } from 'gannet/sim'
import { relayAnswer, UdpRelay, withoutCandidates } from 'gannet/sim/relay'
import { expect, test } from 'playwright/test'
import { channels, PROTOCOL } from './fixtures/contract.ts'
import { startPageServer } from './fixtures/page-server.ts'

const LOOPBACK = '127.0.0.1'
const UDP_PORT = 19_321

test('ten lines of chat come through a hotel network, each once and in order', async ({ page }) => {
  const relay = await UdpRelay.open({ target: { address: LOOPBACK, port: UDP_PORT }, seed: 7, ...profiles.hotel })
  const server = await listen({
    channels,
    protocol: PROTOCOL,
    bindAddress: LOOPBACK,
    udpPort: UDP_PORT,
    // The page is told the relay's address in place of the server's, and the server learns none of the page's.
    transformOffer: withoutCandidates,
    transformAnswer: (sdp) => relayAnswer(sdp, relay).sdp,
  })
  const loop = setInterval(() => {
    server.update()
    for (let event = server.pollEvent(); event; event = server.pollEvent()) {
      if (event.type === 'message' && event.channel === 'chat') event.peer.send('chat', event.payload)
    }
    server.flush()
  }, 1000 / 60)
  const pages = await startPageServer(server.nodeListener) // your own development server
  try {
    await page.goto(`${pages.url}/lift/`)
    await page.waitForFunction(() => window.lifted?.statuses.includes('open'))
    for (let i = 0; i < 10; i++) await page.evaluate((n) => window.say(`line ${n}`), i)
    await page.waitForFunction(() => window.lifted.heard.length >= 10)
    expect(await page.evaluate(() => window.lifted.heard)).toEqual(
      Array.from({ length: 10 }, (_, i) => `chat line ${i}`),
    )
    // The test is worth something only if the network was bad.
    expect(relay.counters.up.received).toBeGreaterThan(20)
    relay.set({ up: { loss: 0.2 }, down: { loss: 0.2 } })
    await expect.poll(() => relay.counters.up.lost + relay.counters.down.lost).toBeGreaterThan(5)
    await page.evaluate(() => window.say('still here'))
    await page.waitForFunction(() => window.lifted.heard.includes('chat still here'))
  } finally {
    clearInterval(loop)
    await server.close({ deadlineMs: 0 })
    await relay.close()
    await pages.close()
  }
})
