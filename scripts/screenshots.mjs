// `npm run screenshots`: the demo as people see it, at three widths, light and dark, on a good line and on bad ones; into
// test-results/screenshots. `npm run screenshots -- 1440 dark train` makes those whose names hold all of these words.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright'
import { createServer } from 'vite'
import { findBrowser, webrtcSwitches } from './browser.mjs'
import { isMain, root } from './tool.mjs'

const WIDTHS = [
  { width: 1440, height: 900 },
  { width: 768, height: 1024 },
  { width: 390, height: 844 },
]
const SCHEMES = /** @type {const} */ (['light', 'dark'])
/** `start`: the line that the page begins with. */
const PROFILES = ['lan', 'train', 'start']
/** Time for the plots to fill, ms: what they show is 15 s long. */
const SETTLE_MS = 17_000
/** Time for a new size and new colours to show, ms. */
const RESTYLE_MS = 1_500

const folder = join(root, 'test-results', 'screenshots')

async function main() {
  const words = process.argv.slice(2)
  const local = words.includes('local')
  const wanted = (/** @type {string} */ name) =>
    words.every((word) => word === 'local' || name.split('-').includes(word))
  const found = await findBrowser()
  if (found.executablePath === undefined) {
    console.error(`No browser: ${found.reason}`)
    return 1
  }
  mkdirSync(folder, { recursive: true })
  const vite = await createServer({
    configFile: join(root, 'vite.config.ts'),
    logLevel: 'error',
    server: { host: '127.0.0.1', port: 0, strictPort: false },
  })
  await vite.listen()
  const url = `${vite.resolvedUrls?.local[0]}${local ? '?local' : ''}`
  const browser = await chromium.launch({ executablePath: found.executablePath, args: webrtcSwitches })
  let faults = 0
  try {
    for (const profile of PROFILES) {
      const shots = WIDTHS.flatMap((size) =>
        SCHEMES.map((scheme) => ({ size, scheme, name: `${size.width}-${scheme}-${profile}` })),
      ).filter((shot) => wanted(shot.name))
      const [first] = shots
      if (first === undefined) continue
      // One page for all of a profile: what it shows took its time to come about.
      const page = await browser.newPage({ viewport: first.size, colorScheme: first.scheme })
      page.on('pageerror', (error) => {
        faults++
        console.error(`${profile}: ${error.message}`)
      })
      await page.goto(url)
      await page.getByTestId('state').filter({ hasText: 'open' }).waitFor({ timeout: 20_000 })
      if (profile !== 'start') await page.getByRole('button', { name: profile, exact: true }).click()
      await page.getByTestId('chat-input').fill('hello')
      await page.getByTestId('chat-input').press('Enter')
      await page.getByTestId('arena').click({ position: { x: 200, y: 40 }, delay: 600 })
      await page.waitForTimeout(SETTLE_MS)
      for (const { size, scheme, name } of shots) {
        await page.setViewportSize(size)
        await page.emulateMedia({ colorScheme: scheme })
        await page.waitForTimeout(RESTYLE_MS)
        if ((await page.locator('body').innerText()).includes('NaN')) {
          faults++
          console.error(`${name}: shows NaN`)
        }
        const path = join(folder, `${name}${local ? '-local' : ''}.png`)
        await page.screenshot({ path, fullPage: true })
        console.log(path)
      }
      await page.close()
    }
  } finally {
    await browser.close()
    await vite.close()
  }
  return faults === 0 ? 0 : 1
}

if (isMain(import.meta)) process.exitCode = await main()
