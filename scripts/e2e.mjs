// `npm run e2e`: the specs of e2e/ in a real browser. Further arguments go to Playwright: `npm run e2e -- --headed`.
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { findBrowser } from './browser.mjs'
import { build, isStale } from './build.mjs'
import { isMain, root, runNode, toolPath } from './tool.mjs'

/** Where the config's json reporter writes. */
export const e2eReport = join(root, 'test-results', 'e2e.json')

/** The remedy, for a person who reads that there is no browser. */
export const browserRemedy = 'install Chrome, Chromium or Edge, or set CHROMIUM_PATH, then `npm run e2e`'

/**
 * Runs the specs; the packed form in dist/ must be up to date.
 * @param {string} executablePath
 * @param {readonly string[]} [args]
 * @param {import('./tool.mjs').RunOptions} [options]
 */
export function runSpecs(executablePath, args = [], options = {}) {
  if (!hasNetwork()) {
    console.error('WARNING: this machine has a loopback interface only: browsers gather no ICE candidates there,')
    console.error('WARNING: so every spec that connects will fail. Bring up one network interface.')
  }
  return runNode(toolPath('playwright'), ['test', '-c', join(root, 'e2e', 'playwright.config.ts'), ...args], {
    ...options,
    env: { ...options.env, GANNET_BROWSER: executablePath },
  })
}

function hasNetwork() {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some((address) => !address.internal))
}

async function main() {
  const args = process.argv.slice(2)
  if (isStale()) {
    const built = await build()
    if (built.code !== 0) return built.code
  }
  const headed = args.some((arg) => ['--headed', '--debug', '--ui'].includes(arg)) || Boolean(process.env.PWDEBUG)
  const browser = await findBrowser({ headed })
  if (browser.executablePath === undefined) {
    console.error(`No browser: ${browser.reason}\nRemedy: ${browserRemedy}`)
    return 1
  }
  console.error(`browser: ${browser.executablePath} (${browser.reason})`)
  return (await runSpecs(browser.executablePath, args)).code
}

if (isMain(import.meta)) process.exitCode = await main()
