import { listen, type Server } from 'gannet/node'
import { relayAnswer, UdpRelay, udpTargets, withoutCandidates } from 'gannet/sim/relay'
import { expect, test } from 'playwright/test'
import { channels, PROTOCOL } from './fixtures/contract.ts'
import { cutConnections, watchConnections } from './fixtures/instances.ts'
import { type PageServer, startPageServer } from './fixtures/page-server.ts'
import { Player } from './fixtures/player.ts'

const LOOPBACK = '127.0.0.1'
/** Deaths that both ends hear of at once. */
const CUTS = 16
/** Deaths that one end, or neither, hears of; silence takes longest to notice, so they are few. */
const ONE_SIDED = 2
const SILENCES = 2
const CHATS = 3000

let server: Server<typeof channels>
let pages: PageServer
const relays: UdpRelay[] = []
/** What each peer's packets go through. */
const bundles: { pipes: readonly unknown[]; retire(pipe: unknown, detail: string): boolean }[] = []

test.beforeEach(async () => {
  server = await listen({
    channels,
    protocol: PROTOCOL,
    bindAddress: LOOPBACK,
    resumeMs: 30_000,
    rateLimit: false,
    wrapTransport: (bundle) => {
      bundles.push(bundle as never)
      return bundle
    },
    transformOffer: withoutCandidates,
    // Each connection has a path of its own, so that one can die alone.
    transformAnswer: async (sdp) => {
      const [target] = udpTargets(sdp, { bindAddress: LOOPBACK })
      const relay = await UdpRelay.open({ target: target!, seed: relays.length })
      relays.push(relay)
      return relayAnswer(sdp, relay, { bindAddress: LOOPBACK }).sdp
    },
  })
  pages = await startPageServer(server.nodeListener)
})

test.afterEach(async () => {
  bundles.length = 0
  await server.close({ deadlineMs: 0 })
  await Promise.all(relays.splice(0).map((relay) => relay.close()))
  await pages.close()
})

test('a session outlives 20 deaths of its path in mid-stream: nothing reliable is lost or repeated', async ({
  page,
}) => {
  await watchConnections(page)
  await page.goto(`${pages.url}/game/`)
  await page.waitForFunction(() => window.isReady === true)
  await page.evaluate(() => window.join('/gannet'))
  await expect.poll(() => server.peers.size).toBe(1)
  const peer = [...server.peers.values()][0]!

  const durationMs = 20_000
  const player = new Player()
  const turns: string[] = []
  const startedAt = performance.now()
  const timer = setInterval(() => {
    server.update()
    for (let event = server.pollEvent(); event !== undefined; event = server.pollEvent()) {
      if (event.type === 'away' || event.type === 'back' || event.type === 'closed') turns.push(event.type)
      player.take(event)
    }
    player.send(peer, (performance.now() - startedAt) / durationMs, CHATS)
    server.flush()
  }, 1000 / 60)
  const playing = page.evaluate((given) => window.play(given), { durationMs, chats: CHATS, settleMs: 2000 })

  /** Until both ends hear each other again. */
  const isBack = (times: number) =>
    expect.poll(() => turns.join(), { timeout: 10_000, intervals: [20] }).toBe(Array(times).fill('away,back').join())
  for (let i = 0; i < CUTS; i++) {
    await page.waitForTimeout(150)
    for (const pipe of [...bundles[0]!.pipes]) bundles[0]!.retire(pipe, 'cut')
    await isBack(i + 1)
  }
  for (let i = 0; i < ONE_SIDED; i++) {
    expect(await cutConnections(page)).toBeGreaterThan(0)
    await isBack(CUTS + i + 1)
  }
  for (let i = 0; i < SILENCES; i++) {
    const connections = await page.evaluate(() => window.connections.length)
    await Promise.all(relays.map((relay) => relay.close()))
    await expect
      .poll(() => page.evaluate(() => window.connections.length), { timeout: 10_000 })
      .toBeGreaterThan(connections)
    await expect.poll(() => peer.silentMs, { timeout: 10_000, intervals: [50] }).toBeLessThan(200)
  }

  const here = await playing
  clearInterval(timer)
  const there = player.report(peer)
  const all = Array.from({ length: CHATS }, (_, i) => i)
  expect(there.chats).toEqual(all)
  expect(here.chats).toEqual(all)
  expect([here.verdicts['closed'], there.verdicts['closed']]).toEqual([undefined, undefined])
  expect([...server.peers.values()]).toEqual([peer])
  console.log(`  ${turns.length / 2} times away; ${here.states.length} states came down, ${there.states.length} up`)
})
