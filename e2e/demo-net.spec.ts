import { readFileSync } from 'node:fs'
import { listen } from 'gannet/node'
import { expect, test } from 'playwright/test'
import { channels, PROTOCOL } from './fixtures/contract.ts'
import { type PageMiddleware, startPageServer } from './fixtures/page-server.ts'

const file = new URL('../demo/net.ts', import.meta.url)

test('demo/net.ts is small and needs nothing but Gannet', () => {
  const source = readFileSync(file, 'utf8')
  expect(source.trimEnd().split('\n').length).toBeLessThanOrEqual(100)
  const imports = [...source.matchAll(/from '([^']+)'/g)].map(([, name]) => name)
  expect([...new Set(imports)].sort()).toEqual(['gannet', 'gannet/browser'])
})

test('lifted into another project it connects, sends, hears, and comes back to a new server', async ({ page }) => {
  const start = () => listen({ channels, protocol: PROTOCOL })
  let server = await start()
  const echo = setInterval(() => {
    server.update()
    for (let event = server.pollEvent(); event; event = server.pollEvent()) {
      if (event.type === 'message' && event.channel === 'chat') event.peer.send('chat', event.payload)
    }
    server.flush()
  }, 1000 / 60)
  const toServer: PageMiddleware = (request, response, next) => server.nodeListener(request, response, next)
  const pages = await startPageServer(toServer)
  try {
    await page.goto(`${pages.url}/lift/`)
    const open = (times: number) =>
      page.waitForFunction((n) => window.lifted?.statuses.filter((status) => status === 'open').length === n, times)
    await open(1)
    expect(await page.evaluate(() => window.say('hello'))).toBe(0)
    await page.waitForFunction(() => window.lifted.heard.length === 1)
    expect(await page.evaluate(() => window.lifted)).toMatchObject({
      statuses: ['connecting', 'open'],
      heard: ['chat hello'],
      verdicts: ['chat 0 acked'],
    })
    await server.close({ deadlineMs: 0 })
    server = await start()
    await open(2)
    await page.evaluate(() => window.say('again'))
    await page.waitForFunction(() => window.lifted.heard.includes('chat again'))
    expect((await page.evaluate(() => window.lifted.statuses)).slice(0, 3)).toEqual(['connecting', 'open', 'closed'])
  } finally {
    clearInterval(echo)
    await server.close({ deadlineMs: 0 })
    await pages.close()
  }
})
