// `npm run screenshots`: the demo as people see it, at three widths, light and dark, on a good line and on a bad one; into
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
const PROFILES = ['lan', 'train']
/** Time for the plots to fill, ms: what they show is 15 s long. */
const SETTLE_MS = 17_000

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
      )
      for (const { size, scheme, name } of shots.filter((shot) => wanted(shot.name))) {
        const page = await browser.newPage({ viewport: size, colorScheme: scheme })
        page.on('pageerror', (error) => {
          faults++
          console.error(`${name}: ${error.message}`)
        })
        await page.goto(url)
        await page.getByTestId('state').filter({ hasText: 'open' }).waitFor({ timeout: 20_000 })
        await page.getByRole('button', { name: profile, exact: true }).click()
        await page.getByTestId('chat-input').fill('hello')
        await page.getByTestId('chat-input').press('Enter')
        await page.getByTestId('arena').focus()
        await page.keyboard.down('d')
        await page.waitForTimeout(1_500)
        await page.keyboard.up('d')
        await page.waitForTimeout(SETTLE_MS)
        const text = await page.locator('body').innerText()
        if (text.includes('NaN')) {
          faults++
          console.error(`${name}: shows NaN`)
        }
        const path = join(folder, `${name}${local ? '-local' : ''}.png`)
        await page.screenshot({ path, fullPage: true })
        console.log(path)
        await page.close()
      }
    }
  } finally {
    await browser.close()
    await vite.close()
  }
  return faults === 0 ? 0 : 1
}

if (isMain(import.meta)) process.exitCode = await main()
