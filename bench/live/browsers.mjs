import { chromium } from 'playwright'
import { findBrowser, unthrottledSwitches, webrtcSwitches } from '../../scripts/browser.mjs'
import { findFirefox, openFirefox } from '../../scripts/firefox.mjs'
import { Pages } from './pages.mjs'

/**
 * An open page. `ended` tells why it is gone, if it goes by itself.
 * @typedef {{ ended: Promise<string>, close: () => Promise<void> }} Tab
 *
 * What opens pages.
 * @typedef {{ name: string, open: (url: string) => Promise<Tab> }} Opener
 */

/**
 * Pages in a browser that Playwright has started.
 * @param {import('playwright').Browser} browser
 * @returns {Opener}
 */
export function inPlaywright(browser) {
  return {
    name: `${browser.browserType().name()} ${browser.version()}`,
    open: async (url) => {
      const page = await browser.newPage()
      page.on('pageerror', (error) => console.error(`in the page: ${error.message}`))
      /** @type {Promise<string>} */
      const ended = new Promise((resolve) => {
        page.once('crash', () => resolve('the page crashed'))
        page.once('close', () => resolve('the page was closed'))
      })
      await page.goto(url)
      return { ended, close: () => page.close() }
    },
  }
}

/** A Chromium that is started again when it has died. */
export class Chromium {
  #executablePath
  #browser

  /**
   * @param {string} executablePath
   * @param {import('playwright').Browser} browser
   */
  constructor(executablePath, browser) {
    this.#executablePath = executablePath
    this.#browser = browser
  }

  /** @returns {Promise<Chromium | string>} the reason why there is none */
  static async start() {
    const { executablePath, reason } = await findBrowser()
    if (executablePath === undefined) return reason
    return new Chromium(executablePath, await launch(executablePath))
  }

  get name() {
    return `Chromium ${this.#browser.version()}`
  }

  /**
   * @param {string} url
   * @returns {Promise<Tab>}
   */
  async open(url) {
    if (!this.#browser.isConnected()) this.#browser = await launch(this.#executablePath)
    return inPlaywright(this.#browser).open(url)
  }

  async close() {
    await this.#browser.close()
  }
}

/** @param {string} executablePath */
function launch(executablePath) {
  return chromium.launch({ executablePath, args: [...webrtcSwitches, ...unthrottledSwitches] })
}

/**
 * A Firefox of its own for each page.
 * @param {Readonly<Record<string, boolean | number | string>>} [prefs]
 * @returns {Promise<Opener | string>} the reason why there is none
 */
export async function firefox(prefs) {
  const { executablePath, reason } = await findFirefox()
  if (executablePath === undefined) return reason
  return { name: reason, open: (url) => openFirefox(executablePath, url, prefs) }
}

/** Chromium, and a server for its pages. */
export class Browser {
  #chromium
  #pages

  /**
   * @param {Chromium} chromium
   * @param {Pages} pages
   */
  constructor(chromium, pages) {
    this.#chromium = chromium
    this.#pages = pages
  }

  /** @returns {Promise<Browser | string>} the reason why there is none */
  static async open() {
    const chromium = await Chromium.start()
    return typeof chromium === 'string' ? chromium : new Browser(chromium, await Pages.open())
  }

  /** A page that can be asked as a `Child` can. */
  page() {
    return this.#pages.page(this.#chromium, 'bench/live/page.mjs')
  }

  async close() {
    await this.#chromium.close()
    this.#pages.close()
  }
}
