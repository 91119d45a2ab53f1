// N server processes behind one signalling port. node-datachannel must not run in worker threads, and needs none: each process has
// its own UDP port, so the operating system hands every packet to the right one.
import { fork } from 'node:child_process'
import { createServer } from 'node:http'
import { cpus } from 'node:os'
import { Balancer, nodeListener } from 'gannet/node'

/** How long a process may take to end when it is told to, ms. */
const EXIT_LIMIT_MS = 5000

/**
 * @param {object} [options]
 * @param {number} [options.processes]
 * @param {number} [options.port]
 * @param {string} [options.worker] The module that each process runs.
 * @param {readonly string[]} [options.execArgv]
 */
export async function startCluster({
  processes = cpus().length,
  port = 8080,
  worker = new URL('./worker.mjs', import.meta.url).pathname,
  execArgv = [],
} = {}) {
  const balancer = new Balancer()
  const children = await Promise.all(
    Array.from({ length: processes }, (_, i) => {
      const id = `p${i}`
      const child = fork(worker, { execArgv: [...execArgv] })
      child.on('exit', () => balancer.remove(id))
      return new Promise((resolve, reject) => {
        child.once('error', reject)
        child.on('message', (/** @type {{ url?: string, load?: number }} */ message) => {
          if (message.load !== undefined) balancer.report(id, message.load)
          if (message.url === undefined) return
          balancer.add({ id, url: message.url })
          resolve(child)
        })
      })
    }),
  )
  const http = createServer(nodeListener(balancer.handle))
  await new Promise((resolve) => http.listen(port, '127.0.0.1', () => resolve(undefined)))
  return {
    balancer,
    /** @type {import('node:child_process').ChildProcess[]} */
    children,
    url: `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (http.address()).port}/gannet`,
    async close() {
      http.close()
      http.closeAllConnections()
      await Promise.all(
        children
          .filter((child) => child.exitCode === null && child.signalCode === null)
          .map((child) => {
            const timer = setTimeout(() => child.kill('SIGKILL'), EXIT_LIMIT_MS)
            child.once('exit', () => clearTimeout(timer))
            child.disconnect()
            return new Promise((resolve) => child.once('exit', resolve))
          }),
      )
    },
  }
}
