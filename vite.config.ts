import type { IncomingMessage, ServerResponse } from 'node:http'
import { defaultClientConditions, defaultServerConditions, defineConfig, type Plugin, type ViteDevServer } from 'vite'

/** What is used here of `demo/server.ts`. */
interface DemoServer {
  readonly conditions: unknown
  handle(request: IncomingMessage, response: ServerResponse, next: () => void): void
  close(): Promise<void>
}

/** Address of the authoritative peer's module below Vite's root. */
const SERVER_MODULE = '/server.ts'
/** Time from a change of its sources to the new peer, ms. */
const RESTART_MS = 100
/** Paths that the peer answers: signalling, the weather of the relay, the clock of the race. */
const SERVER_PATHS = /^\/(gannet|race|conditions|clock)(\/|\?|$)/

/**
 * Runs the authoritative peer inside the development server, and starts it anew when a source of it changes.
 * Started on `listening`, because a restarting Vite makes the new server before it closes the old one, and the native library
 * below the peer is one per process.
 */
function authoritativePeer(): Plugin {
  let running: Promise<DemoServer> | undefined
  let stopped = Promise.resolve()
  /** Kept across restarts of the peer, so that a change of source does not change the weather. */
  let conditions: unknown
  let restartTimer: ReturnType<typeof setTimeout> | undefined
  let start = (): Promise<DemoServer> => Promise.reject(new Error('the development server has not been made yet'))
  const stop = (): Promise<void> => {
    const stopping = running
    running = undefined
    stopped = stopped
      .then(async () => {
        const server = await stopping
        conditions = server?.conditions ?? conditions
        await server?.close()
      })
      .catch(() => {})
    return stopped
  }
  return {
    name: 'gannet-demo:peer',
    apply: 'serve',
    configureServer(vite: ViteDevServer) {
      start = () => {
        running ??= vite.ssrLoadModule(SERVER_MODULE).then((module) => module['startServer'](conditions))
        running.catch((error: unknown) => {
          vite.config.logger.error(
            `The authoritative peer did not start: ${error instanceof Error ? error.stack : error}`,
          )
        })
        return running
      }
      vite.httpServer?.once('listening', () => void start().catch(() => {}))
      vite.middlewares.use((request, response, next) => {
        if (!SERVER_PATHS.test(request.url ?? '')) return next()
        start().then(
          (server) => server.handle(request, response, next),
          (error: unknown) => {
            response.statusCode = 503
            response.end(`The authoritative peer did not start: ${error instanceof Error ? error.message : error}`)
          },
        )
      })
      const printUrls = vite.printUrls.bind(vite)
      vite.printUrls = () => {
        printUrls()
        vite.config.logger.info(
          '\n  Gannet: open the address above and pull the loss slider. A second tab is a second player.',
        )
      }
    },
    hotUpdate({ modules }) {
      if (this.environment.name !== 'ssr' || modules.length === 0) return
      void stop()
      // Later, because Vite forgets the old modules after this hook; and once for several files saved together.
      clearTimeout(restartTimer)
      restartTimer = setTimeout(() => void start().catch(() => {}), RESTART_MS)
    },
    closeBundle() {
      clearTimeout(restartTimer)
      return stop()
    },
  }
}

export default defineConfig(({ command }) => ({
  root: 'demo',
  // Built, the page has no Node peer beside it.
  define: { IS_STATIC: JSON.stringify(command === 'build') },
  // The built page can lie anywhere.
  base: './',
  plugins: [authoritativePeer()],
  // The library's sources, by its own name and export map: the demo imports what a user would.
  resolve: { conditions: ['source', ...defaultClientConditions] },
  ssr: {
    resolve: { conditions: ['source', ...defaultServerConditions] },
    external: ['node-datachannel'],
  },
  optimizeDeps: { include: ['uplot', 'uqr'] },
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2022' },
}))
