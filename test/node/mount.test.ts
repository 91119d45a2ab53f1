import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { serve as serveHono } from '@hono/node-server'
import { createServer as createViteServer } from 'vite'
import { afterEach, describe, expect, test } from 'vitest'
import { mount as mountHono } from '../../examples/hono.ts'
import { mount as mountHttp } from '../../examples/node-http.ts'
import { gannet } from '../../examples/vite.ts'
import { root } from '../../scripts/tool.mjs'
import { listen, type Server } from '../../src/node/index.ts'
import { postOffer, SignalError } from '../../src/signal/index.ts'
import { until } from '../transport/until.ts'
import { connectNative } from './native-client.ts'

const LOOPBACK = '127.0.0.1'
const CHANNELS = { chat: { kind: 'ordered' } } as const
const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function game(): Promise<Server<typeof CHANNELS>> {
  const server = await listen({ channels: CHANNELS, bindAddress: LOOPBACK, rateLimit: { burst: 3, perSecond: 0.001 } })
  closing.push(() => server.close({ deadlineMs: 0 }))
  return server
}

const MOUNTS: Record<string, (server: Server<typeof CHANNELS>) => Promise<number>> = {
  'node:http': async (server) => {
    const http = mountHttp(server)
    await new Promise<void>((resolve) => http.listen(0, LOOPBACK, resolve))
    closing.push(
      () => new Promise((resolve) => http.close(resolve)),
      () => http.closeAllConnections(),
    )
    return (http.address() as AddressInfo).port
  },
  Vite: async (server) => {
    const vite = await createViteServer({
      configFile: false,
      root: join(root, 'e2e', 'fixtures'),
      cacheDir: join(root, 'node_modules', '.vite-mount'),
      logLevel: 'error',
      optimizeDeps: { noDiscovery: true },
      server: { host: LOOPBACK, port: 0, hmr: false, ws: false, watch: null },
      plugins: [gannet(server)],
    })
    await vite.listen()
    closing.push(() => vite.close())
    return (vite.httpServer!.address() as AddressInfo).port
  },
  Hono: async (server) => {
    const app = mountHono(server)
    const http = await new Promise<ReturnType<typeof serveHono>>((resolve) => {
      const made = serveHono({ fetch: app.fetch, port: 0, hostname: LOOPBACK, createServer: createHttpServer }, () =>
        resolve(made),
      )
    })
    closing.push(() => new Promise((resolve) => http.close(resolve)))
    return (http.address() as AddressInfo).port
  },
}

describe.each(Object.entries(MOUNTS))('a server mounted in %s', (_name, mount) => {
  test('lets players in, knows their address, and leaves other paths alone', async () => {
    const server = await game()
    const origin = `http://${LOOPBACK}:${await mount(server)}`
    const client = await connectNative(`${origin}/gannet`, { channels: CHANNELS })
    closing.push(() => {
      client.close({ deadlineMs: 0 })
      return client.closed
    })
    await until(() => server.peers.size === 1)
    expect(server.peers.get(client.id)?.address).toBe(LOOPBACK)
    expect(String((await fetch(`${origin}/`)).headers.get('content-type'))).not.toMatch(/problem/)
    // The limit of three offers for one address holds, so the address was known at each.
    const codes: (string | undefined)[] = []
    for (let i = 0; i < 3; i++) {
      const refused = await postOffer(`${origin}/gannet`, 'junk').catch((error: SignalError) => error)
      expect(refused).toBeInstanceOf(SignalError)
      codes.push((refused as SignalError).problem?.code)
    }
    expect(codes).toEqual(['bad-offer', 'bad-offer', 'too-many-offers'])
    expect(server.refusals).toEqual({ 'bad-offer': 2, 'too-many-offers': 1 })
  })
})
