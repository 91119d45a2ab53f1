import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build, defaultServerConditions } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
// Inside the repository, so that the child finds node-datachannel.
const folder = join(root, 'test-results', 'node-exit')

/** What every child can use. Node 20 runs no TypeScript, so it is bundled. */
const PRELUDE = `
import { listen } from 'gannet/node'
import { connectNative } from '../../test/node/native-client.ts'
import { offerOf, createConnection } from '../../test/node/native-pair.ts'
import { NativeChannel } from '../../src/node/native-channel.ts'
import { postOffer } from 'gannet/signal'
import { until } from '../../test/transport/until.ts'
import { freeUdpPort } from '../../test/node/free-port.ts'
const channels = { chat: { kind: 'ordered' } }
const serve = (options = {}) => listen({ channels, bindAddress: '127.0.0.1', host: '127.0.0.1', port: 0, ...options })
async function open(server) {
  const client = await connectNative(server.url, { channels })
  await until(() => client.state === 'open')
  return client
}
`

const CHILDREN = {
  idle: 'const server = await serve(); await server.close()',
  mux: 'const server = await serve({ udpPort: await freeUdpPort() }); await server.close()',
  closed: `
const server = await serve()
const client = await open(server)
client.send('chat', new Uint8Array(10))
await server.close()
console.log((await client.closed).kind)`,
  left: `
const server = await serve({ udpPort: await freeUdpPort() })
const client = await open(server)
client.close()
await client.closed
await server.close()`,
  unanswered: `
const server = await serve()
const lost = new NativeChannel(createConnection('lost'))
const connection = createConnection('client')
const channel = new NativeChannel(connection)
await postOffer(server.url, await offerOf(connection))
await server.close()
channel.close()
lost.close()`,
  refused: `
const server = await serve({ udpPort: await freeUdpPort() })
const junk = (body) => fetch(server.url, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body })
const connection = createConnection('client')
const channel = new NativeChannel(connection)
const offer = await offerOf(connection)
channel.close()
const statuses = []
for (const body of ['x', offer + 'm=audio 9 x 0\\r\\n', offer.replace(/fingerprint:.*/, 'fingerprint:sha-256 zz')]) {
  statuses.push((await junk(body)).status)
}
console.log(statuses.join())
await server.close()`,
  worker: `
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
if (isMainThread) new Worker(new URL(import.meta.url)).on('message', console.log)
else parentPort.postMessage(await serve().catch((error) => error.code))`,
  flat: `
import { readdirSync } from 'node:fs'
const handles = () => readdirSync(process.platform === 'linux' ? '/proc/self/fd' : '.').length
const server = await serve({ udpPort: await freeUdpPort() })
const counts = []
for (let i = 0; i < 8; i++) {
  const clients = await Promise.all([open(server), open(server)])
  for (const client of clients) client.close({ deadlineMs: 0 })
  await Promise.all(clients.map((client) => client.closed))
  await until(() => server.peers.size === 0 && server.pending === 0)
  while (server.pollEvent());
  await new Promise((resolve) => setTimeout(resolve, 400))
  counts.push(handles())
}
console.log(Math.max(...counts.slice(3)) - counts[2])
await server.close()`,
}

/** For a machine that has other work; alone, the longest child takes 7 s. */
const LIMIT_MS = 40_000

async function run(name: keyof typeof CHILDREN): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, `${name}.mjs`)], { timeout: LIMIT_MS })
  return stdout.trim()
}

describe('a process', () => {
  beforeAll(async () => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    for (const [name, code] of Object.entries(CHILDREN)) writeFileSync(join(folder, `${name}.src.js`), PRELUDE + code)
    await build({
      configFile: false,
      logLevel: 'silent',
      root,
      ssr: { resolve: { conditions: ['source', ...defaultServerConditions] } },
      build: {
        ssr: true,
        outDir: folder,
        emptyOutDir: false,
        minify: false,
        rolldownOptions: {
          input: Object.fromEntries(Object.keys(CHILDREN).map((name) => [name, join(folder, `${name}.src.js`)])),
          output: { entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' },
        },
      },
    })
  })

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test.concurrent.each([
    ['idle', ''],
    ['mux', ''],
    ['closed', 'peer'],
    ['left', ''],
    ['unanswered', ''],
    ['refused', '400,400,400'],
  ] as const)('exits by itself once its server is closed: %s', async (name, output) => {
    expect(await run(name)).toBe(output)
  })

  test('gets a typed error in a worker thread, where the native library would abort it', async () => {
    expect(await run('worker')).toBe('worker-thread')
  })

  test(
    'keeps no handles of peers that have left',
    async () => {
      expect(Number(await run('flat'))).toBeLessThanOrEqual(1)
    },
    LIMIT_MS,
  )
})
