import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ListenOptions, listen, type Server, turnCredentials } from 'gannet/node'
import { UdpRelay, withoutCandidates } from 'gannet/sim/relay'
import { type BrowserContext, expect, type Page, test } from 'playwright/test'
import { authorizeWith, issueToken, type Player } from '../examples/tokens.ts'
import { type Coturn, missingCoturn, startCoturn } from './fixtures/coturn.ts'
import { type PageServer, startPageServer } from './fixtures/page-server.ts'

const LOOPBACK = '127.0.0.1'
const CHANNELS = { chat: { kind: 'ordered' }, state: { kind: 'sequenced' } } as const
const closing: (() => unknown)[] = []

test.afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Game<Data> {
  readonly server: Server<typeof CHANNELS, Data>
  readonly pages: PageServer
}

/** A server that sends every message back, behind a page server. */
async function game<Data = undefined>(
  options: Partial<ListenOptions<typeof CHANNELS, Data>> = {},
): Promise<Game<Data>> {
  const server = await listen<typeof CHANNELS, Data>({ channels: CHANNELS, bindAddress: LOOPBACK, ...options })
  const timer = setInterval(() => {
    for (let event = server.pollEvent(); event !== undefined; event = server.pollEvent()) {
      if (event.type === 'message') event.peer.send('chat', event.payload)
    }
    server.flush()
  }, 10)
  const pages = await startPageServer(server.nodeListener)
  closing.push(
    () => pages.close(),
    () => server.close({ deadlineMs: 0 }),
    () => clearInterval(timer),
  )
  return { server, pages }
}

async function open(page: Page, { pages }: { pages: PageServer }): Promise<void> {
  await page.goto(`${pages.url}/server/`)
  await page.waitForFunction(() => window.isReady === true)
}

test('a server behind a mapped UDP port is reached at the address that it announces', async ({ page }) => {
  const inner = await game()
  const forwarder = await UdpRelay.open({ target: { address: LOOPBACK, port: inner.server.udpPort }, seed: 1 })
  closing.push(() => forwarder.close())
  // The same port announced from outside: a second server object would have another.
  await inner.server.close({ deadlineMs: 0 })
  const { server, pages } = await game({
    udpPort: inner.server.udpPort,
    announce: [{ address: LOOPBACK, port: forwarder.port }],
    transformOffer: withoutCandidates,
  })
  await open(page, { pages })
  expect(await page.evaluate(() => window.enter('/gannet'))).toEqual({ code: 'open' })
  expect(await page.evaluate(() => window.echo([1, 2, 3]))).toEqual([1, 2, 3])
  expect(forwarder.port).not.toBe(server.udpPort)
  expect(forwarder.counters.up.received).toBeGreaterThan(5)
})

test.describe('through TURN', () => {
  const missing = missingCoturn()
  if (missing !== undefined) console.log(`  SKIPPED: TURN specs: ${missing}`)
  test.skip(missing !== undefined, missing)
  let coturn: Coturn

  test.beforeEach(async () => {
    coturn = await startCoturn()
    closing.push(() => coturn.close())
  })

  test('a page and a server that take no other way meet, with credentials made for each', async ({ page }) => {
    const { secret, url: urls } = coturn
    const turned = await game({
      iceServers: async () => [await turnCredentials({ secret, urls, user: 'server', ttlSeconds: 60 })],
      iceTransportPolicy: 'relay',
    })
    await open(page, turned)
    const iceServers = [await turnCredentials({ secret, urls: [urls], user: 'page', ttlSeconds: 60 })] as RTCIceServer[]
    const options = { iceServers, iceTransportPolicy: 'relay' } as const
    expect(await page.evaluate((given) => window.enter('/gannet', given), options)).toEqual({ code: 'open' })
    expect(await page.evaluate(() => window.echo([4, 5]))).toEqual([4, 5])
  })

  test('the doctor sees credentials that the TURN server refuses', async ({ page }) => {
    await open(page, await game())
    const wrong = await turnCredentials({ secret: 'another', urls: [coturn.url] })
    const options = { iceServers: [wrong as RTCIceServer], iceTransportPolicy: 'relay' as const }
    const { ailment } = await page.evaluate((given) => window.diagnose('/gannet', given), options)
    expect([ailment?.code, ailment?.detail]).toEqual(['turn-refused', expect.stringContaining('401')])
  })
})

test('tokens let a page in once, and tell it why not when they are refused, expired or used', async ({ page }) => {
  const secret = new TextEncoder().encode('a secret of thirty-two bytes or more')
  const ada: Player = { id: '7', name: 'Ada' }
  const { server, pages } = await game<Player>({ authorize: authorizeWith(secret) })
  await open(page, { pages })
  const enter = (token?: string) => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
    return page.evaluate((given) => window.enter('/gannet', given), { headers })
  }
  const good = await issueToken(ada, secret)
  expect(await enter()).toMatchObject({ code: 'refused', problem: { code: 'no-token' } })
  expect(await enter('x.y.z')).toMatchObject({ code: 'refused', problem: { code: 'bad-token' } })
  const issuedAt = Date.now() - 31_000
  expect(await enter(await issueToken(ada, secret, issuedAt))).toMatchObject({
    code: 'refused',
    problem: { code: 'token-expired', data: { expiredAt: Math.floor(issuedAt / 1000) + 30 } },
  })
  expect(server.pending).toBe(0)
  expect(await enter(good)).toEqual({ code: 'open' })
  expect(await enter(good)).toMatchObject({ code: 'refused', problem: { code: 'token-used' } })
  expect([...server.peers.values()].map((peer) => peer.data)).toEqual([ada])
})

test('30 pages at once share one UDP port', async ({ browser }) => {
  test.slow()
  const thirty = await game()
  const context: BrowserContext = await browser.newContext()
  const pages = await Promise.all(Array.from({ length: 30 }, () => context.newPage()))
  for (const page of pages) await open(page, thirty)
  const startedAt = performance.now()
  const attempts = await Promise.all(pages.map((page) => page.evaluate(() => window.enter('/gannet'))))
  const tookMs = performance.now() - startedAt
  expect(attempts).toEqual(Array(30).fill({ code: 'open' }))
  expect(thirty.server.peers.size).toBe(30)
  const echoes = await Promise.all(pages.map((page, i) => page.evaluate((n) => window.echo([n]), i)))
  expect(echoes).toEqual(pages.map((_, i) => [i]))
  console.log(`  30 pages were in after ${Math.round(tookMs)} ms`)
  await context.close()
  await expect.poll(() => thirty.server.peers.size, { timeout: 5_000 }).toBe(0)
})

test.describe('the doctor in a page', () => {
  test('finds a server healthy, with the pair that was chosen', async ({ page }) => {
    await open(page, await game())
    const diagnosis = await page.evaluate((channels) => window.diagnose('/gannet', { channels }), CHANNELS)
    expect(diagnosis.ailment).toBeUndefined()
    expect(diagnosis.pairs.join()).toMatch(/127\.0\.0\.1:\d+ \(host\): succeeded/)
  })

  test('tells a server without CORS, an origin that is refused, and a path that is closed apart', async ({ page }) => {
    const far = await listen({
      channels: CHANNELS,
      bindAddress: LOOPBACK,
      host: LOOPBACK,
      port: 0,
      allowOrigin: 'https://a.test',
    })
    const walled = await listen({
      channels: CHANNELS,
      bindAddress: LOOPBACK,
      host: LOOPBACK,
      port: 0,
      announce: [{ address: LOOPBACK, port: 40_009 }],
      transformOffer: withoutCandidates,
    })
    closing.push(
      () => far.close(),
      () => walled.close(),
    )
    const home = await game()
    await open(page, home)
    const codeOf = async (url: string) => {
      const { ailment, pairs } = await page.evaluate((to) => window.diagnose(to, { timeoutMs: 2_000 }), url)
      return { code: ailment?.code, pairs }
    }
    expect((await codeOf(far.url!)).code).toBe('origin-refused')
    const closed = await codeOf(walled.url!)
    expect([closed.code, closed.pairs.join()]).toEqual([
      'ice-failed',
      expect.stringMatching(/127\.0\.0\.1:40009 .* 0 answers/),
    ])
    expect((await codeOf(far.url!.replace(/:\d+/, ':1'))).code).toBe('unreachable')
    const bare = createServer((_request, response) => response.end('no CORS here'))
    await new Promise<void>((resolve) => bare.listen(0, LOOPBACK, resolve))
    closing.push(
      () => bare.close(),
      () => bare.closeAllConnections(),
    )
    expect((await codeOf(`http://${LOOPBACK}:${(bare.address() as AddressInfo).port}/`)).code).toBe('cors-blocked')
  })
})
