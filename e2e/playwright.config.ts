import { defineConfig } from 'playwright/test'
import { webrtcSwitches } from '../scripts/browser.mjs'

/** Set by scripts/browser.mjs through `npm run e2e`; without it Playwright looks for its own download. */
const executablePath = process.env['GANNET_BROWSER']
const launchOptions = { ...(executablePath ? { executablePath } : {}), args: webrtcSwitches, chromiumSandbox: false }

export default defineConfig({
  testDir: '.',
  outputDir: '../test-results/e2e',
  // One at a time and no second chance: specs measure time and loss, and a test that fails now and then is a finding.
  workers: 1,
  retries: 0,
  forbidOnly: Boolean(process.env['CI']),
  timeout: 60_000,
  reporter: [[process.env['CI'] ? 'list' : 'line'], ['json', { outputFile: '../test-results/e2e.json' }]],
  use: { browserName: 'chromium', screenshot: 'only-on-failure', launchOptions },
})
