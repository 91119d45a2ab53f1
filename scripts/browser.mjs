// Finds a Chromium that runs WebRTC, or gets one. `node scripts/browser.mjs` prints its path;
// `node scripts/browser.mjs apt playwright deps` may get one in these ways, in this order, if none is found.
import { existsSync, readdirSync } from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { chromium } from 'playwright'
import { isExecutable, isMain, run, runNode, toolPath } from './tool.mjs'

/** A browser start takes about 1 s; a browser that needs longer than this hangs. */
const PROBE_LIMIT_MS = 30_000
/** 110 MB at 1 MB/s. */
const DOWNLOAD_LIMIT_MS = 120_000
const APT_UPDATE_LIMIT_MS = 60_000
const APT_INSTALL_LIMIT_MS = 180_000

/**
 * Switches for pages that talk WebRTC on this machine. Playwright adds its own: a new-style `--headless`,
 * `--no-sandbox` (which root needs), `--no-first-run`, and those that keep hidden pages at full speed.
 */
export const webrtcSwitches = [
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // The last --disable-features wins, so this one repeats those of Playwright's own that change what a page sees.
  // The first lets host candidates carry addresses: with mDNS names a peer without a resolver has nothing to try.
  `--disable-features=${[
    'WebRtcHideLocalIpsWithMdns',
    'AvoidUnnecessaryBeforeUnloadCheckSync',
    'DestroyProfileOnBrowserClose',
    'HttpsFirstBalancedModeAutoEnable',
    'HttpsUpgrades',
    'MediaRouter',
    'OptimizationHints',
    'PaintHolding',
    'TcpPortRandomizationWin',
  ].join(',')}`,
]

/** Switches that keep hidden pages at full speed; where throttling is what is tested, a page needs a browser without them. */
export const unthrottledSwitches = [
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
]

/**
 * How to get a browser: Playwright's download; Debian's package; the system libraries that the download needs.
 * @typedef {'playwright' | 'apt' | 'deps'} Way
 */

/**
 * @typedef {object} Found
 * @property {string} [executablePath] missing when no browser works
 * @property {string} reason where it came from, or every place that was tried and what was wrong there
 */

/**
 * The ways that fit this machine: a download by Playwright anywhere, system packages only where the machine is ours
 * to change, that is, under CI with the rights to do so.
 * @returns {Way[]}
 */
export function usualWays() {
  return process.env.CI ? ['playwright', 'apt', 'deps'] : ['playwright']
}

/**
 * A browser that starts and has WebRTC: `$CHROMIUM_PATH`, Playwright's own, the system's, then whatever `ways` bring.
 * @param {{ headed?: boolean, ways?: readonly Way[], log?: (line: string) => void }} [options]
 *   `headed`: Playwright's headless shell will not do
 * @returns {Promise<Found>}
 */
export async function findBrowser({ headed = false, ways = usualWays(), log = console.error } = {}) {
  const asked = process.env.CHROMIUM_PATH
  if (asked) {
    const fault = await faultOf(asked)
    // Somebody asked for this one: testing with another would hide that it does not work.
    return fault === undefined
      ? { executablePath: asked, reason: 'CHROMIUM_PATH' }
      : { reason: `CHROMIUM_PATH=${asked}: ${fault}` }
  }

  /** @type {Map<string, string>} */
  const faults = new Map()
  const search = async () => {
    for (const { path, from } of [...playwrightBrowsers(headed), ...systemBrowsers()]) {
      const fault = await faultOf(path)
      if (fault === undefined) return { executablePath: path, reason: from }
      faults.set(path, fault)
    }
    return undefined
  }

  let found = await search()
  for (const way of ways) {
    if (found) break
    const fault = await getters[way](log, headed)
    if (fault === undefined) found = await search()
    if (!found) faults.set(way, fault ?? 'went well, but left no browser that works')
  }
  const tried = [...faults].map(([place, fault]) => `${place}: ${fault}`)
  return found ?? { reason: tried.length === 0 ? 'none is installed' : tried.join('; ') }
}

/**
 * What is wrong with a browser, or nothing. Starting it is the only proof: Ubuntu's `chromium-browser` is a note that
 * names a snap, and a downloaded build may lack system libraries.
 * @param {string} executablePath
 * @returns {Promise<string | undefined>}
 */
async function faultOf(executablePath) {
  if (!existsSync(executablePath)) return 'no such file'
  try {
    const server = await chromium.launchServer({ executablePath, timeout: PROBE_LIMIT_MS, args: ['--disable-gpu'] })
    const looking = (async () => {
      const browser = await chromium.connect(server.wsEndpoint())
      const page = await browser.newPage()
      const kind = await page.evaluate('typeof RTCPeerConnection')
      return kind === 'function' ? undefined : 'has no WebRTC'
    })()
    try {
      // Nothing in there has a limit of its own.
      return await Promise.race([looking, pause(PROBE_LIMIT_MS, 'hangs', { ref: false })])
    } finally {
      looking.catch(() => {})
      await server.kill()
    }
  } catch (error) {
    return firstFault(error instanceof Error ? error.message : String(error))
  }
}

/**
 * The telling line of a long message: what the system said, else what the browser said, else the first.
 * @param {string} message
 */
function firstFault(message) {
  const lines = message
    .split('\n')
    .map((line) => line.replace(/^[\s║╔╚═]+|[\s║╗╝═]+$/g, ''))
    .filter(Boolean)
  const system = lines.find((line) => /^E: |error while loading|command not found|ENOTFOUND|ENOENT/.test(line))
  const telling = system ?? lines.find((line) => line.includes('[err]')) ?? lines[0] ?? 'failed without a word'
  return telling.replace(/^.*\[err\] */, '').slice(0, 200)
}

/**
 * @param {boolean} headed
 * @returns {{ path: string, from: string }[]}
 */
function playwrightBrowsers(headed) {
  let path = ''
  try {
    path = chromium.executablePath()
  } catch {
    return [] // Playwright has no build for this system.
  }
  const browsers = [{ path, from: 'Playwright' }]
  const folder = dirname(dirname(path))
  // <cache>/chromium-<revision>/<platform folder>/<file>; the shell lives in a sibling of the second.
  const shellFolder = join(dirname(folder), basename(folder).replace('chromium-', 'chromium_headless_shell-'))
  if (!headed && shellFolder !== folder) {
    for (const file of filesTwoBelow(shellFolder)) {
      if (/[\\/](chrome-headless-shell|headless_shell)(\.exe)?$/.test(file)) {
        browsers.push({ path: file, from: 'Playwright, headless shell' })
      }
    }
  }
  return browsers.filter((browser) => existsSync(browser.path))
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function filesTwoBelow(folder) {
  const namesIn = (/** @type {string} */ place) => {
    try {
      return readdirSync(place)
    } catch {
      return []
    }
  }
  return namesIn(folder).flatMap((name) => namesIn(join(folder, name)).map((file) => join(folder, name, file)))
}

/**
 * Chrome, Chromium and Edge where their installers put them.
 * @returns {{ path: string, from: string }[]}
 */
function systemBrowsers() {
  const env = process.env
  /** @type {string[]} */
  let paths = []
  if (process.platform === 'win32') {
    const bases = [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA].filter((base) => base !== undefined)
    const files = [
      'Google/Chrome/Application/chrome.exe',
      'Chromium/Application/chrome.exe',
      'Microsoft/Edge/Application/msedge.exe',
    ]
    paths = files.flatMap((file) => bases.map((base) => join(base, file)))
  } else if (process.platform === 'darwin') {
    const names = ['Google Chrome', 'Chromium', 'Microsoft Edge']
    const bases = ['/Applications', join(env.HOME ?? '', 'Applications')]
    paths = names.flatMap((name) => bases.map((base) => join(base, `${name}.app`, 'Contents/MacOS', name)))
  } else {
    const names = [
      'google-chrome-stable',
      'google-chrome',
      'chromium',
      'chromium-browser',
      'microsoft-edge-stable',
      'microsoft-edge',
    ]
    const folders = [...(env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin', '/snap/bin'].filter(Boolean)
    paths = [...names.flatMap((name) => folders.map((folder) => join(folder, name))), '/opt/google/chrome/chrome']
  }
  return [...new Set(paths)].filter(isExecutable).map((path) => ({ path, from: 'installed on this system' }))
}

/** @type {Record<Way, (log: (line: string) => void, headed: boolean) => Promise<string | undefined>>} what went wrong */
const getters = {
  playwright: async (log, headed) => {
    const args = ['install', 'chromium', headed ? '--no-shell' : '--only-shell', '--no-progress']
    log(`no browser yet: playwright ${args.join(' ')}`)
    return faultOfRun(await runNode(toolPath('playwright'), args, { quiet: true, limitMs: DOWNLOAD_LIMIT_MS }))
  },
  apt: async (log) => {
    const apt = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-y', '-o', 'DPkg::Lock::Timeout=60']
    // Without fresh lists the old ones may still do, so only the second failure counts.
    await asRoot([...apt, 'update'], log, APT_UPDATE_LIMIT_MS)
    return asRoot([...apt, 'install', '--no-install-recommends', 'chromium'], log, APT_INSTALL_LIMIT_MS)
  },
  deps: async (log) => {
    if (playwrightBrowsers(false).length === 0) return 'Playwright has no browser here'
    const script = [process.execPath, toolPath('playwright'), 'install-deps', 'chromium-headless-shell']
    return asRoot(script, log, APT_INSTALL_LIMIT_MS)
  },
}

/**
 * @param {readonly string[]} command
 * @param {(line: string) => void} log
 * @param {number} limitMs
 * @returns {Promise<string | undefined>} what went wrong
 */
async function asRoot(command, log, limitMs) {
  if (process.platform !== 'linux') return 'only on Linux'
  const [file = '', ...args] = process.getuid?.() === 0 ? command : ['sudo', '-n', ...command]
  log(`no browser yet: ${[file, ...args].join(' ')}`)
  return faultOfRun(await run(file, args, { quiet: true, limitMs }))
}

/** @param {import('./tool.mjs').RunResult} result */
function faultOfRun({ code, output, timedOut }) {
  if (timedOut) return 'took too long'
  return code === 0 ? undefined : firstFault(output)
}

if (isMain(import.meta)) {
  const ways = process.argv.slice(2).filter((way) => way === 'playwright' || way === 'apt' || way === 'deps')
  const found = await findBrowser({ ways })
  if (found.executablePath) console.log(found.executablePath)
  else console.error(`no browser: ${found.reason}`)
  process.exitCode = found.executablePath ? 0 : 1
}
