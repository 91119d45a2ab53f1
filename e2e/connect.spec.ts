import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { listen } from 'gannet/node'
import { expect, test } from 'playwright/test'
import { channels, PROTOCOL } from './fixtures/contract.ts'
import { Match } from './fixtures/match.ts'

let match: Match

test.beforeAll(async () => {
  match = await Match.start({ seed: 1 })
})

test.afterAll(async () => {
  await match.end()
})

test('a page connects, and both ends learn of a goodbye', async ({ page }) => {
  await match.join(page)
  await expect.poll(() => match.server.peers.size).toBe(1)
  expect(await page.evaluate(() => window.leave())).toBe('local')
  const events: string[] = []
  await expect
    .poll(() => {
      for (let e = match.server.pollEvent(); e !== undefined; e = match.server.pollEvent()) {
        events.push(e.type === 'closed' && e.reason.kind === 'peer' ? `peer ${e.reason.code}` : e.type)
      }
      return events
    })
    .toEqual(['open', 'peer 7'])
  expect(match.server.peers.size).toBe(0)
})

test('a page that is closed says goodbye at once', async ({ page }) => {
  await match.join(page)
  await page.close({ runBeforeUnload: false })
  const ends: string[] = []
  await expect
    .poll(
      () => {
        match.server.update()
        match.server.flush()
        for (let e = match.server.pollEvent(); e !== undefined; e = match.server.pollEvent()) {
          if (e.type === 'closed') ends.push(e.reason.kind)
        }
        return ends.length
      },
      { timeout: 3000 },
    )
    .toBe(1)
  expect(['peer', 'transport']).toContain(ends[0])
})

test('the server that closes tells the page', async ({ page }) => {
  const own = await Match.start({ seed: 2 })
  try {
    await own.join(page)
    await own.server.close({ code: 3 })
    await page.waitForFunction(() => window.closedReason !== undefined)
    expect(await page.evaluate(() => window.closedReason)).toBe('peer')
  } finally {
    await own.end()
  }
})

test.describe('each failing step has its own error', () => {
  test('a wrong path: 404', async ({ page }) => {
    await match.open(page)
    const failure = await page.evaluate(() => window.failToJoin('/nowhere-at-all'))
    expect(failure.name).toBe('SignalError')
    expect(failure.message).toMatch(/404/)
  })

  test('an address where nobody listens', async ({ page }) => {
    await match.open(page)
    const failure = await page.evaluate(() => window.failToJoin('http://127.0.0.1:9/gannet'))
    expect(failure).toMatchObject({ name: 'SignalError', code: 'unreachable' })
  })

  test('a text that is no URL', async ({ page }) => {
    await match.open(page)
    const failure = await page.evaluate(() => window.failToJoin('http://:::'))
    expect(failure).toMatchObject({ name: 'SignalError', code: 'bad-url' })
  })

  test('a server that answers with a web page', async ({ page }) => {
    const html = createServer((_request, response) => {
      response.writeHead(200, {
        'content-type': 'text/html',
        'access-control-allow-origin': '*',
        'access-control-allow-headers': '*',
      })
      response.end('<!doctype html><title>hello</title>')
    })
    await new Promise<void>((resolve) => {
      html.listen(0, '127.0.0.1', resolve)
    })
    try {
      await match.open(page)
      const url = `http://127.0.0.1:${(html.address() as AddressInfo).port}/gannet`
      const failure = await page.evaluate((target) => window.failToJoin(target), url)
      expect(failure.name).toBe('SignalError')
      expect(failure.message).toMatch(/html/i)
    } finally {
      html.close()
    }
  })

  test('another protocol', async ({ page }) => {
    await match.open(page)
    const failure = await page.evaluate(() => window.failToJoin('/gannet', { protocol: 'another build' }))
    expect(failure).toMatchObject({ name: 'TransportError', code: 'protocol' })
    expect(failure.message).toContain(PROTOCOL)
  })

  test('another channel table names the channel', async ({ page }) => {
    const other = await listen({
      channels: { ...channels, chat: { kind: 'reliable', maxMessageBytes: 65_536 } },
      protocol: PROTOCOL,
      bindAddress: '127.0.0.1',
      port: 0,
      host: '127.0.0.1',
    })
    try {
      await match.open(page)
      const failure = await page.evaluate((url) => window.failToJoin(url), other.url!)
      expect(failure).toMatchObject({ name: 'TransportError', code: 'protocol' })
      expect(failure.message).toContain('chat')
    } finally {
      await other.close()
    }
  })

  test('a page without WebRTC', async ({ page }) => {
    await page.addInitScript(() => {
      Reflect.deleteProperty(globalThis, 'RTCPeerConnection')
    })
    await match.open(page)
    const failure = await page.evaluate(() => window.failToJoin('/gannet'))
    expect(failure).toMatchObject({ name: 'TransportError', code: 'webrtc-missing' })
  })

  test('a port in use', async () => {
    const first = await listen({ channels, port: 0, host: '127.0.0.1', bindAddress: '127.0.0.1' })
    try {
      const second = listen({ channels, port: first.port!, host: '127.0.0.1', bindAddress: '127.0.0.1' })
      await expect(second).rejects.toMatchObject({ name: 'TransportError', code: 'port-in-use' })
    } finally {
      await first.close()
    }
  })
})
