// Pages of the live benches, in whatever browser: the server that they come from, and the questions they are asked.
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { root } from '../../scripts/tool.mjs'

/** @typedef {import('./browsers.mjs').Opener} Opener */
/** @typedef {import('./browsers.mjs').Tab} Tab */

const LOOPBACK = '127.0.0.1'
/** A browser that has not asked for its first question by then never will, ms. */
const LOAD_LIMIT_MS = 30_000
const TYPES = new Map([
  ['.js', 'text/javascript'],
  ['.mjs', 'text/javascript'],
])

/** Serves bench/ and the built package, tells the time, and keeps each page's questions until it fetches them. */
export class Pages {
  #server
  #clock
  /** @type {Map<string, Page>} */
  #pages = new Map()
  #count = 0

  /** @param {() => number} clock */
  constructor(clock) {
    this.#clock = clock
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  /**
   * @param {() => number} [clock] what `clock` of the server tells, ms
   */
  static async open(clock = () => performance.now()) {
    const pages = new Pages(clock)
    pages.#server.listen(0, LOOPBACK)
    await once(pages.#server, 'listening')
    return pages
  }

  get url() {
    const { port } = /** @type {import('node:net').AddressInfo} */ (this.#server.address())
    return `http://${LOOPBACK}:${port}`
  }

  /**
   * A page with the answers that the module `script` exports.
   * @param {Opener} opener
   * @param {string} script path from the root of the repository
   */
  async page(opener, script) {
    const id = String(this.#count++)
    const page = new Page(script)
    this.#pages.set(id, page)
    try {
      await page.open(await opener.open(`${this.url}/page/${id}`), () => this.#pages.delete(id))
    } catch (error) {
      await page.close()
      throw error
    }
    return page
  }

  close() {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {import('node:http').ServerResponse} response
   */
  async #serve(request, response) {
    // Isolated pages have a clock of 5 us (Firefox 20), others of 100 (1,000).
    response.setHeader('cross-origin-opener-policy', 'same-origin')
    response.setHeader('cross-origin-embedder-policy', 'require-corp')
    response.setHeader('cache-control', 'no-store')
    const { pathname } = new URL(request.url ?? '/', 'http://bench')
    if (pathname === '/clock') return response.end(String(this.#clock()))
    const [, what = '', id = ''] = pathname.split('/')
    const page = this.#pages.get(id)
    if (page !== undefined && what === 'page') {
      return response.setHeader('content-type', 'text/html').end(htmlOf(id, page.script))
    }
    if (page !== undefined && what === 'question') return page.fetchedBy(response)
    if (page !== undefined && what === 'answer') {
      let text = ''
      for await (const chunk of request) text += chunk
      page.take(JSON.parse(text))
      return response.end()
    }
    const path = normalize(pathname).replaceAll('\\', '/')
    if (!path.startsWith('/bench/') && !path.startsWith('/dist/')) return response.writeHead(404).end()
    response.setHeader('content-type', TYPES.get(extname(path)) ?? 'application/octet-stream')
    createReadStream(join(root, path))
      .on('error', () => response.writeHead(404).end())
      .pipe(response)
  }
}

/** A page that can be asked as a `Child` can, several things at once. */
class Page {
  /** Module of the answers. */
  script
  /** @type {Tab | undefined} */
  #tab
  /** Why nothing more can be asked. @type {string | undefined} */
  #fault
  /** @type {string[]} */
  #questions = []
  /** The page's request for the next question, while it waits. @type {import('node:http').ServerResponse | undefined} */
  #request
  #next = 0
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
  #waiting = new Map()
  /** @type {() => void} */
  #onLoad = () => {}
  #onClose = () => {}

  /** @param {string} script */
  constructor(script) {
    this.script = script
  }

  /**
   * Waits for the page to ask for its first question.
   * @param {Tab} tab
   * @param {() => void} onClose
   */
  async open(tab, onClose) {
    this.#tab = tab
    this.#onClose = onClose
    void tab.ended.then((fault) => this.#fail(fault))
    if (this.#request !== undefined) return
    /** @type {Promise<void>} */
    const loaded = new Promise((resolve) => {
      this.#onLoad = resolve
    })
    const timer = setTimeout(() => this.#fail('the page did not load'), LOAD_LIMIT_MS)
    await Promise.race([loaded, tab.ended])
    clearTimeout(timer)
    if (this.#fault !== undefined) throw new Error(this.#fault)
  }

  /**
   * @param {object} request with one property: the name of what is asked, and what with
   * @returns {Promise<any>}
   */
  ask(request) {
    return new Promise((resolve, reject) => {
      if (this.#fault !== undefined) return reject(new Error(this.#fault))
      const [name, value] = Object.entries(request)[0] ?? []
      const number = this.#next++
      this.#waiting.set(number, { resolve, reject })
      this.#questions.push(JSON.stringify({ number, name, value }))
      this.#hand()
    })
  }

  async close() {
    this.#fail('the page was closed')
    this.#request?.end()
    this.#onClose()
    await this.#tab?.close()
  }

  /** @param {import('node:http').ServerResponse} response */
  fetchedBy(response) {
    this.#request = response
    this.#onLoad()
    this.#hand()
  }

  /** @param {{ number: number, value?: unknown, error?: string }} answer */
  take({ number, value, error }) {
    const waiting = this.#waiting.get(number)
    this.#waiting.delete(number)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(new Error(`in the page: ${error}`))
  }

  #hand() {
    if (this.#request === undefined) return
    const question = this.#questions.shift()
    if (question === undefined) return
    this.#request.end(question)
    this.#request = undefined
  }

  /** @param {string} fault */
  #fail(fault) {
    this.#fault ??= fault
    for (const { reject } of this.#waiting.values()) reject(new Error(this.#fault))
    this.#waiting.clear()
    this.#onLoad()
  }
}

/**
 * @param {string} id
 * @param {string} script
 */
function htmlOf(id, script) {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>bench</title>
    <link rel="icon" href="data:," />
    <script type="importmap">
      { "imports": { "gannet": "/dist/index.js", "gannet/browser": "/dist/browser/index.js" } }
    </script>
  </head>
  <body>
    <script type="module">
      import { answer } from '/bench/live/answer.mjs'
      import { answers } from '/${script}'
      await answer('${id}', answers)
    </script>
  </body>
</html>
`
}
