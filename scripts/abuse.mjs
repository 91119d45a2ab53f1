// `npm run abuse [-- --offers 10000]`: junk offers against a live server of its own process. Fails when the server's memory grows by
// 20 MB or more, or when a real client needs 2 s or more to join in the midst of it.
import { fork } from 'node:child_process'
import { request } from 'node:http'
import { parseArgs } from 'node:util'
import { build, isStale } from './build.mjs'
import { built, cleanUp, connect } from './native-client.mjs'
import { isMain } from './tool.mjs'

const MAX_GROWTH_MB = 20
const MAX_JOIN_MS = 2_000
/** Requests under way at once; of those that dribble, so many more. */
const CONCURRENCY = 64
const SLOW_CONCURRENCY = 256
/** How long one that dribbles goes on, ms. */
const DRIBBLE_MS = 3_000
const MIB = 1024 * 1024
/**
 * As in examples/docker/Dockerfile: Node reads bodies into buffers of up to 64 KiB, and glibc keeps freed ones unless it maps each by
 * itself. Without this the storm leaves up to 90 MB, which lie free. Other C libraries ignore it.
 */
const MALLOC = { MALLOC_MMAP_THRESHOLD_: '32768' }

/** @typedef {{ status: number | 'cut' }} Answer */

/**
 * One POST from an address of 127/8 of its own, so that no limit on addresses does all the work.
 * @param {URL} url
 * @param {string} localAddress
 * @param {Record<string, string | number>} headers
 * @param {(request: import('node:http').ClientRequest) => void} send
 * @returns {Promise<Answer>}
 */
function post(url, localAddress, headers, send) {
  return new Promise((resolve) => {
    const outgoing = request(url, { method: 'POST', headers, localAddress, agent: false }, (response) => {
      response.resume()
      response.on('close', () => resolve({ status: response.statusCode ?? 'cut' }))
      response.on('error', () => {})
    })
    outgoing.on('error', () => resolve({ status: 'cut' }))
    send(outgoing)
  })
}

const SDP = { 'content-type': 'application/sdp' }
const HEAD = 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n'
const SECTION = 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n'

/** @type {Record<'oversized' | 'slow' | 'malformed' | 'wrongType', (url: URL, from: string, n: number) => Promise<Answer>>} */
const JUNK = {
  oversized: (url, from, n) =>
    post(url, from, { ...SDP, ...(n % 2 === 0 && { 'content-length': 300_000 }) }, (outgoing) => {
      outgoing.end(Buffer.alloc(300_000, 0x20))
    }),
  slow: (url, from) =>
    post(url, from, { ...SDP, 'content-length': 4_000 }, (outgoing) => {
      outgoing.write('v=0\r\n')
      const timer = setInterval(() => outgoing.write('a'), 250)
      const end = setTimeout(() => outgoing.destroy(), DRIBBLE_MS)
      outgoing.on('close', () => {
        clearInterval(timer)
        clearTimeout(end)
      })
    }),
  malformed: (url, from, n) =>
    post(url, from, SDP, (outgoing) => {
      // Nonsense, half an offer, and one that looks whole until it is taken apart.
      const bodies = [
        `junk ${n}`,
        HEAD + SECTION,
        `${HEAD}${SECTION}a=ice-ufrag:x\r\na=ice-pwd:x\r\na=fingerprint:sha-256 zz\r\na=setup:actpass\r\n`,
      ]
      outgoing.end(bodies[n % bodies.length])
    }),
  wrongType: (url, from, n) =>
    post(url, from, { 'content-type': n % 2 === 0 ? 'application/json' : 'text/html' }, (outgoing) => {
      outgoing.end('{"sdp":"v=0"}')
    }),
}

/**
 * A real client, in this process, comes and goes; resolves to the time that it took to join, ms.
 * @param {string} url
 */
async function visit(url) {
  const startedAt = performance.now()
  const peer = await connect(url, CHANNELS)
  const tookMs = performance.now() - startedAt
  peer.close({ deadlineMs: 0 })
  await peer.closed
  return tookMs
}

const CHANNELS = { chat: { kind: 'ordered' } }

/** The server's process: tells its address, and its memory when it is asked. */
async function serve() {
  const { listen } = await built('node/index.js')
  const server = await listen({ channels: CHANNELS, bindAddress: '127.0.0.1', host: '127.0.0.1', port: 0 })
  process.send?.({ url: server.url })
  process.on('message', async () => {
    // Two rounds: what the first has freed of native memory is counted by the second.
    for (let i = 0; i < 2; i++) {
      globalThis.gc?.()
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    const { rss, heapUsed, external } = process.memoryUsage()
    process.send?.({ rss, heap: heapUsed + external, pending: server.pending, refusals: server.refusals })
  })
  process.once('disconnect', () => server.close({ deadlineMs: 0 }))
}

/** @param {number} offers */
async function main(offers) {
  if (isStale() && (await build({ quiet: true })).code !== 0) return 1
  const env = { ...process.env, ...MALLOC }
  const child = fork(new URL(import.meta.url), ['--serve'], { execArgv: ['--expose-gc'], env })
  const hear = () => new Promise((resolve) => child.once('message', resolve))
  const { url } = /** @type {{ url: string }} */ (await hear())
  /** @returns {Promise<{ rss: number, heap: number, pending: number, refusals: Record<string, number> }>} */
  const census = async () => {
    const told = hear()
    child.send('census')
    return /** @type {any} */ (await told)
  }
  const address = new URL(url)
  /** @type {Map<string, number>} */
  const answers = new Map()
  /**
   * @param {number} count
   * @param {number} seed
   */
  const throwJunk = async (count, seed) => {
    const kinds = Object.keys(JUNK)
    let next = 0
    const works = Array.from({ length: CONCURRENCY + SLOW_CONCURRENCY }, async (_, worker) => {
      for (;;) {
        const n = next++
        if (n >= count) return
        // Every fifth dribbles; only the workers set apart for it wait for those.
        const kind =
          n % 5 === 4 && worker >= CONCURRENCY
            ? 'slow'
            : /** @type {string} */ (kinds.filter((one) => one !== 'slow')[n % 3])
        // Half of it comes from one address.
        const from = n % 2 === 0 ? '127.0.0.2' : `127.${1 + (seed % 200)}.${(n >> 8) & 255}.${1 + (n & 127)}`
        const { status } = await JUNK[/** @type {keyof typeof JUNK} */ (kind)](address, from, n)
        const name = `${kind} ${status}`
        answers.set(name, (answers.get(name) ?? 0) + 1)
      }
    })
    await Promise.all(works)
  }

  // What a server allocates once, for code and pools, is no growth.
  const fresh = await census()
  await throwJunk(Math.min(2_500, offers), 1)
  for (let i = 0; i < 3; i++) await visit(url)
  const before = await census()
  answers.clear()
  const startedAt = performance.now()
  const storm = throwJunk(offers, 2)
  /** @type {number[]} */
  const joins = []
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 500))
    joins.push(await visit(url))
  }
  await storm
  const tookMs = performance.now() - startedAt
  const after = await census()
  child.disconnect()
  await new Promise((resolve) => child.once('exit', resolve))
  cleanUp()

  const growthMb = (after.rss - before.rss) / MIB
  const slowest = Math.max(...joins)
  console.log(`${offers} junk offers in ${(tookMs / 1000).toFixed(1)} s:`)
  for (const [name, count] of [...answers].sort()) console.log(`  ${name.padEnd(16)} ${count}`)
  console.log(`refusals by code: ${JSON.stringify(after.refusals)}; pending: ${after.pending}`)
  const at = [fresh, before, after].map(({ rss }) => `${(rss / MIB).toFixed(0)} MB`)
  console.log(`resident memory: ${at[0]} fresh, ${at[1]} warm, ${at[2]} after`)
  console.log(
    `memory of the process grew by ${growthMb.toFixed(1)} MB (of the heap, ${((after.heap - before.heap) / MIB).toFixed(1)} MB)`,
  )
  console.log(`real clients joined within ${joins.map((ms) => ms.toFixed(0)).join(', ')} ms meanwhile`)
  const isGood = growthMb < MAX_GROWTH_MB && slowest < MAX_JOIN_MS && after.pending === 0
  console.log(
    isGood ? 'good' : `FAILED: expected less than ${MAX_GROWTH_MB} MB and ${MAX_JOIN_MS} ms, and nothing pending`,
  )
  return isGood ? 0 : 1
}

if (isMain(import.meta)) {
  const { values } = parseArgs({
    options: { offers: { type: 'string', default: '10000' }, serve: { type: 'boolean', default: false } },
  })
  if (values.serve) await serve()
  else process.exitCode = await main(Number(values.offers))
}
