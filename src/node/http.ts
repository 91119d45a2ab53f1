import { createServer, type Server as HttpServer } from 'node:http'
import { type AddressInfo, isIPv6 } from 'node:net'
import type { NodeListener } from '../signal/node-bridge.ts'
import { listenError } from './listen-error.ts'

/** Time for a whole request, headers and offer, ms. */
const REQUEST_TIMEOUT_MS = 15_000
/** How often that is looked at, ms. Node's default of 30 s would let a slow request stay three times as long. */
const CHECK_INTERVAL_MS = 1_000
/** Largest headers, bytes. */
const MAX_HEADER_BYTES = 8_192

/** An HTTP server for signalling. */
export interface SignalHttp {
  readonly port: number
  /** As this machine sees it: scheme, name and port. */
  readonly origin: string
  /** Ends it and its connections. */
  close(): Promise<void>
}

/** Opens a port for `listener`. Rejects with `TransportError`: `port-in-use`, `port-denied`, `bad-address`, `listen-failed`. */
export async function openHttp(listener: NodeListener, port: number, host: string | undefined): Promise<SignalHttp> {
  const server: HttpServer = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    (request, response) => listener(request, response),
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError('TCP', port, host, error)))
    server.listen({ port, ...(host !== undefined && { host }) }, resolve)
  })
  const address = server.address() as AddressInfo
  return {
    port: address.port,
    origin: `http://${nameOf(host)}:${address.port}`,
    close() {
      return new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

/** What to call `host` in a URL; "all addresses" is none that one can connect to. */
function nameOf(host: string | undefined): string {
  if (host === undefined || host === '0.0.0.0' || host === '::') return 'localhost'
  return isIPv6(host) ? `[${host}]` : host
}
