import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { chromium } from 'playwright'
import { findBrowser, unthrottledSwitches, webrtcSwitches } from '../../scripts/browser.mjs'
import { root } from '../../scripts/tool.mjs'

const LOOPBACK = '127.0.0.1'
const TYPES = new Map([
  ['.html', 'text/html'],
  ['.js', 'text/javascript'],
  ['.mjs', 'text/javascript'],
])

/** Serves bench/ and the built package. */
async function startPages() {
  const server = createServer((request, response) => {
    // Isolated pages have a clock of 5 us, others of 100.
    response.setHeader('cross-origin-opener-policy', 'same-origin')
    response.setHeader('cross-origin-embedder-policy', 'require-corp')
    const { pathname } = new URL(request.url ?? '/', 'http://bench')
    const path = normalize(pathname).replaceAll('\\', '/')
    if (!path.startsWith('/bench/') && !path.startsWith('/dist/')) return response.writeHead(404).end()
    response.setHeader('content-type', TYPES.get(extname(path)) ?? 'application/octet-stream')
    createReadStream(join(root, path))
      .on('error', () => response.writeHead(404).end())
      .pipe(response)
  })
  server.listen(0, LOOPBACK)
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://${LOOPBACK}:${port}`, close }
}

/** A browser with pages of the live benches, or the reason why there is none. */
export class Browser {
  #browser
  #pages

  /**
   * @param {import('playwright').Browser} browser
   * @param {Awaited<ReturnType<typeof startPages>>} pages
   */
  constructor(browser, pages) {
    this.#browser = browser
    this.#pages = pages
  }

  /** @returns {Promise<Browser | string>} */
  static async open() {
    const found = await findBrowser()
    if (found.executablePath === undefined) return found.reason ?? 'no browser'
    const { executablePath } = found
    const browser = await chromium.launch({ executablePath, args: [...webrtcSwitches, ...unthrottledSwitches] })
    return new Browser(browser, await startPages())
  }

  /** A page that can be asked as a `Child` can. */
  async page() {
    const page = await this.#browser.newPage()
    await page.goto(`${this.#pages.url}/bench/live/page.html`)
    await page.waitForFunction('globalThis.live !== undefined')
    return {
      /** @param {object} request */
      ask: async (request) => {
        const [name, value] = Object.entries(request)[0] ?? []
        return /** @type {any} */ (await page.evaluate(`live.${name}(${JSON.stringify(value)})`))
      },
      close: () => page.close(),
    }
  }

  async close() {
    await this.#browser.close()
    this.#pages.close()
  }
}
