// Finds a Firefox and opens pages in it. No driver stands between: a page that is to be asked things asks for them itself.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { isExecutable, run } from './tool.mjs'

/** A look at the version takes 0.1 s; a Firefox that needs longer than this hangs. */
const PROBE_LIMIT_MS = 20_000

/**
 * What a fresh profile has that differs from Firefox's own settings: the network is left alone, and WebRTC behaves as on a page
 * that may see its own addresses.
 * @type {Readonly<Record<string, boolean | number | string>>}
 */
const PREFS = {
  // Host candidates carry addresses: with mDNS names a peer without a resolver has nothing to try.
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  // Isolated pages get the clock that they are promised, without jitter.
  'privacy.reduceTimerPrecision': false,
  // Nothing but the page.
  'app.update.enabled': false,
  'app.normandy.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.newtabpage.enabled': false,
  'browser.safebrowsing.downloads.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.sessionstore.resume_from_crash': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.tabs.crashReporting.sendReport': false,
  'captivedetect.canonicalURL': '',
  'datareporting.policy.dataSubmissionEnabled': false,
  'datareporting.healthreport.uploadEnabled': false,
  'dom.push.connection.enabled': false,
  'extensions.blocklist.enabled': false,
  'extensions.getAddons.cache.enabled': false,
  'extensions.systemAddon.update.enabled': false,
  'extensions.update.enabled': false,
  'geo.provider.network.url': '',
  'media.gmp-manager.updateEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.dns.disablePrefetch': true,
  'network.prefetch-next': false,
  'services.settings.server': 'data:,',
  'signon.autofillForms': false,
  'toolkit.telemetry.enabled': false,
  'toolkit.telemetry.server': '',
}

/**
 * @typedef {object} FoundFirefox
 * @property {string} [executablePath] missing when there is none
 * @property {string} reason its version, or what was wrong
 */

/**
 * A Firefox that starts: `$FIREFOX_PATH`, else the system's.
 * @returns {Promise<FoundFirefox>}
 */
export async function findFirefox() {
  const asked = process.env.FIREFOX_PATH
  const paths = asked ? [asked] : systemFirefoxes()
  const faults = []
  for (const path of paths) {
    const { code, stdout, output } = await run(path, ['--version'], { quiet: true, limitMs: PROBE_LIMIT_MS })
    const version = /Firefox \S+/.exec(stdout)?.[0]
    if (code === 0 && version !== undefined) return { executablePath: path, reason: version }
    faults.push(`${path}: ${output.trim().split('\n')[0] || `ended with code ${code}`}`)
  }
  return { reason: faults.length === 0 ? 'none is installed' : faults.join('; ') }
}

/** @returns {string[]} */
function systemFirefoxes() {
  const { env } = process
  /** @type {string[]} */
  let paths = []
  if (process.platform === 'win32') {
    const bases = [env.PROGRAMFILES, env['PROGRAMFILES(X86)']].filter((base) => base !== undefined)
    paths = bases.map((base) => join(base, 'Mozilla Firefox', 'firefox.exe'))
  } else if (process.platform === 'darwin') {
    const bases = ['/Applications', join(env.HOME ?? '', 'Applications')]
    paths = bases.map((base) => join(base, 'Firefox.app', 'Contents', 'MacOS', 'firefox'))
  } else {
    const folders = [...(env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin', '/snap/bin'].filter(Boolean)
    paths = ['firefox', 'firefox-esr'].flatMap((name) => folders.map((folder) => join(folder, name)))
  }
  return [...new Set(paths)].filter(isExecutable)
}

/**
 * Opens `url` in a Firefox of its own, headless and with a fresh profile.
 * @param {string} executablePath
 * @param {string} url
 * @param {Readonly<Record<string, boolean | number | string>>} [prefs] further settings, by name
 * @returns {Promise<{ ended: Promise<string>, close: () => Promise<void> }>} `ended`: what it died of, if it does
 */
export async function openFirefox(executablePath, url, prefs = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'gannet-firefox-'))
  const lines = Object.entries({ ...PREFS, ...prefs }).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  )
  writeFileSync(join(profile, 'user.js'), lines.join(''))
  const args = ['--headless', '--no-remote', '--profile', profile, url]
  const child = spawn(executablePath, args, {
    stdio: 'ignore',
    windowsHide: true,
    env: { ...process.env, MOZ_CRASHREPORTER_DISABLE: '1' },
  })
  /** @type {Promise<string>} */
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(`Firefox ended with ${signal ?? `code ${code}`}`))
  })
  const close = async () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      // Its other processes end with it.
      child.kill('SIGKILL')
      await exited
    }
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
  return { ended, close }
}
