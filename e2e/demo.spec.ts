import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type Page, test } from 'playwright/test'
import { createServer, type ViteDevServer } from 'vite'
import { root, runNode } from '../scripts/tool.mjs'

/** The demo as `npm start` serves it, on a port of its own. */
let vite: ViteDevServer
let url = ''

test.beforeAll(async () => {
  vite = await createServer({
    configFile: join(root, 'vite.config.ts'),
    logLevel: 'error',
    server: { host: '127.0.0.1', port: 0, strictPort: false },
  })
  await vite.listen()
  url = vite.resolvedUrls!.local[0]!
})

test.afterAll(async () => {
  await vite.close()
})

async function open(page: Page): Promise<void> {
  await page.goto(url)
  await expect(page.getByTestId('state')).toHaveText('open', { timeout: 20_000 })
}

/** A figure in ms, whatever it is written in; `NaN` for none. */
async function milliseconds(page: Page, id: string): Promise<number> {
  const text = (await page.getByTestId(id).textContent()) ?? ''
  const value = Number.parseFloat(text.replace(/[^\d.]/g, '') || 'NaN')
  return / s$/.test(text) ? value * 1000 : value
}

test('whoever pulls the loss slider sees who copes, and no message of Gannet is missing', async ({ page }) => {
  await open(page)
  await page.getByTestId('slider-delay').fill('50')
  await page.getByTestId('slider-loss').fill('12')
  for (const runner of ['gannet', 'plain', 'reliable']) {
    await expect(page.getByTestId(`lane-${runner}`)).toHaveAttribute('data-level', /fresh|late|stale/, {
      timeout: 20_000,
    })
  }
  await expect
    .poll(
      async () => {
        const [gannet, plain, reliable] = await Promise.all(
          ['gannet', 'plain', 'reliable'].map((runner) => milliseconds(page, `age-${runner}`)),
        )
        return plain! > 2 * gannet! && reliable! > 2 * gannet!
      },
      { timeout: 20_000 },
    )
    .toBe(true)
  await expect(page.getByTestId('missing-gannet')).toHaveText('0')
  await expect.poll(async () => Number(await page.getByTestId('missing-plain').textContent())).toBeGreaterThan(0)
  await expect(page.locator('body')).not.toContainText('NaN')
  await expect(page.getByTestId('netgraph')).not.toContainText('NaN')
})

test('two players meet, chat both ways, and a line gets its tick when it is there', async ({ page, context }) => {
  await open(page)
  const second = await context.newPage()
  await open(second)
  await second.getByTestId('chat-input').fill('hello from the second tab')
  await second.getByTestId('chat-input').press('Enter')
  await expect(page.getByTestId('chat-log')).toContainText('hello from the second tab')
  const own = second.getByTestId('chat-log').locator('li', { hasText: 'hello from the second tab' })
  await expect(own).toContainText('✓')
  await page.getByTestId('chat-input').fill('hello back')
  await page.getByTestId('chat-input').press('Enter')
  await expect(second.getByTestId('chat-log')).toContainText('hello back')
  // Two people and two bots; then a third bot, which both pages see.
  await expect(page.getByTestId('scores').locator('li')).toHaveCount(4)
  await second.getByTestId('bots-more').click()
  await expect(page.getByTestId('bot-count')).toHaveText('3')
  await expect(page.getByTestId('scores').locator('li')).toHaveCount(5)
})

test('the space bar fires; the net graph is paused and looked back in by keyboard, and costs less than half a millisecond a frame', async ({
  page,
}) => {
  await open(page)
  const graph = page.getByTestId('netgraph')
  const plots = graph.getByRole('slider')
  await expect(graph).toContainText(/Round trip\s*\d+ ms/)
  // A shot is a reliable message.
  await page.getByTestId('arena').focus()
  await page.keyboard.press('Space', { delay: 120 })
  const ackedShots = () =>
    page.evaluate(() => {
      const { channels } = document.querySelector('gannet-netgraph')!.source!.stats
      return channels.find(({ name }) => name === 'fire')!.messagesAcked
    })
  await expect.poll(ackedShots).toBeGreaterThan(0)
  await page.waitForTimeout(1500)
  expect(await graph.evaluate((element) => (element as HTMLElement & { costMs: number }).costMs)).toBeLessThan(0.5)
  await plots.focus()
  await page.keyboard.press('Space')
  await expect(graph.getByRole('button')).toHaveAttribute('aria-pressed', 'true')
  // A frame that was under way may still be drawn.
  await page.waitForTimeout(200)
  const still = await plots.innerText()
  await page.waitForTimeout(700)
  expect(await plots.innerText()).toBe(still)
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('ArrowLeft')
  await expect(plots).toHaveAttribute('aria-valuetext', /-1\.0 s: .*rtt \d+/)
  await page.keyboard.press('Escape')
  await graph.getByRole('button', { name: 'Resume' }).click()
  await expect.poll(() => plots.innerText()).not.toBe(still)
})

test('a trace is saved, run again by the command line, and opened in the page', async ({ page }) => {
  await open(page)
  await page.getByTestId('slider-loss').fill('15')
  await page.waitForTimeout(2000)
  const downloading = page.waitForEvent('download')
  await page.getByTestId('trace-save').click()
  const path = await (await downloading).path()
  expect(readFileSync(path).length).toBeGreaterThan(10_000)
  const replayed = await runNode(join(root, 'dist/cli/gannet.js'), ['replay', path], { quiet: true })
  expect(replayed.code, replayed.output).toBe(0)
  const hash = /delivered, hash ([0-9a-f]{8})/.exec(replayed.stdout)![1]!
  await page.getByTestId('trace-file').setInputFiles(path)
  const dialog = page.getByTestId('trace-dialog')
  await expect(dialog.getByTestId('trace-verdict')).toContainText('the same as recorded')
  await expect(dialog.getByTestId('trace-verdict')).toContainText(hash)
  await expect(dialog.locator('gannet-netgraph')).toContainText(/Round trip\s*\d+ ms/)
  await dialog.getByTestId('trace-at').fill('15')
  await expect(dialog).toContainText('1.5 s')
})

test('fits the screens that people have, from the first frame on, without an empty plot', async ({ page }) => {
  await open(page)
  for (const [width, height] of [
    [1440, 900],
    [768, 1024],
    [390, 844],
    [320, 640],
  ] as const) {
    await page.setViewportSize({ width, height })
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), `${width}`).toBe(0)
    expect(await page.locator('body').innerText()).not.toMatch(/NaN|undefined|Infinity/)
  }
  for (const canvas of await page.locator('.lane canvas').all()) {
    const inked = await canvas.evaluate((element) => {
      const { width, height } = element as HTMLCanvasElement
      return (element as HTMLCanvasElement)
        .getContext('2d')!
        .getImageData(0, 0, width, height)
        .data.some((byte) => byte > 0)
    })
    expect(inked).toBe(true)
  }
})
