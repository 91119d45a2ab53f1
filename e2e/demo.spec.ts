import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, type Page, test } from 'playwright/test'
import { createServer, type ViteDevServer } from 'vite'

/** The demo as `npm start` serves it, on a port of its own. */
let vite: ViteDevServer
let url = ''

test.beforeAll(async () => {
  const repository = dirname(dirname(fileURLToPath(import.meta.url)))
  vite = await createServer({
    configFile: `${repository}/vite.config.ts`,
    logLevel: 'error',
    server: { host: '127.0.0.1', port: 0, strictPort: false },
  })
  await vite.listen()
  url = vite.resolvedUrls!.local[0]!
})

test.afterAll(async () => {
  await vite.close()
})

function figure(page: Page, id: string): Promise<number> {
  return page
    .getByTestId(id)
    .first()
    .textContent()
    .then((text) => Number((text ?? '').replace(/[^\d.]/g, '') || Number.NaN))
}

async function open(page: Page): Promise<void> {
  await page.goto(url)
  await expect(page.getByTestId('state')).toHaveText(/open/, { timeout: 20_000 })
}

test('reliable messages still arrive, once and in order, while the loss slider is up', async ({ page }) => {
  await open(page)
  await page.getByTestId('slider-delay').fill('25')
  await page.getByTestId('slider-loss').fill('10')
  await expect.poll(() => figure(page, 'loss-up'), { timeout: 20_000 }).toBeGreaterThan(3)
  await expect.poll(() => figure(page, 'loss-down'), { timeout: 20_000 }).toBeGreaterThan(3)
  const before = await figure(page, 'reliable-arrived')
  await expect.poll(() => figure(page, 'reliable-arrived'), { timeout: 20_000 }).toBeGreaterThan(before + 40)
  await expect(page.getByTestId('reliable-order')).toHaveText(/in order ✓/)
  expect(await figure(page, 'rtt')).toBeGreaterThan(45)
  expect(await figure(page, 'reliable-waiting')).toBeLessThan(40)
  await expect(page.locator('body')).not.toContainText('NaN')
})

test('two players chat, and a line gets its tick when the peer has it', async ({ page, context }) => {
  await open(page)
  const second = await context.newPage()
  await open(second)
  await second.getByTestId('chat-input').fill('hello from the second tab')
  await second.getByTestId('chat-input').press('Enter')
  await expect(page.getByTestId('chat-log')).toContainText('hello from the second tab')
  await expect(second.getByTestId('chat-log').locator('li', { hasText: 'hello from the second tab' })).toContainText(
    '✓',
  )
})

test('the page fits one screen', async ({ page }) => {
  await page.setViewportSize({ width: 1280, height: 720 })
  await open(page)
  const overflow = await page.evaluate(() => ({
    down: document.documentElement.scrollHeight - innerHeight,
    right: document.documentElement.scrollWidth - innerWidth,
  }))
  expect(overflow).toEqual({ down: 0, right: 0 })
})
