import { SignalRefusal } from './errors.ts'
import type { RequestHandler } from './handler.ts'

/**
 * How long a client may go on sending a body that nobody reads, once it has its response, ms. Closing at once would reset the
 * connection, and a reset can overtake the response.
 */
const UNREAD_BODY_MS = 500

/** What is used of `http.IncomingMessage`; `originalUrl` is what Connect and Express keep when they cut off a mount path. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly originalUrl?: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly socket?: { readonly remoteAddress?: string | undefined } | undefined
  /** Whether all of the body has come. */
  readonly complete: boolean
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown
  on(event: 'end' | 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  pause(): unknown
  resume(): unknown
  destroy(): unknown
}

/** What is used of `http.ServerResponse`. */
export interface NodeResponse {
  readonly writableFinished: boolean
  writeHead(status: number, headers: Record<string, string>): unknown
  end(body?: Uint8Array): unknown
  on(event: 'close' | 'finish', listener: () => void): unknown
}

/** A listener of `node:http`, and a middleware of Connect, Express and Vite. */
export type NodeListener = (request: NodeRequest, response: NodeResponse, next?: (error?: unknown) => void) => void

export interface NodeListenerOptions {
  /** Path that `handler` answers; requests elsewhere go to `next`, if there is one. Default: every path. */
  readonly path?: string
}

/** Lets a `(Request) => Promise<Response>` handler serve `node:http` and what is built on it. */
export function nodeListener(handler: RequestHandler, options: NodeListenerOptions = {}): NodeListener {
  const path = options.path?.replace(/\/+$/, '')
  const isOurs = (target: string) =>
    path === undefined || (target.startsWith(path) && /^($|[/?])/.test(target.slice(path.length)))
  return (incoming, outgoing, next) => {
    const target = incoming.originalUrl ?? incoming.url ?? '/'
    if (next !== undefined && !isOurs(target)) {
      next()
      return
    }
    serve(handler, incoming, outgoing, target).catch((error: unknown) => {
      // The handler's own failure, before or after its response.
      if (next === undefined) incoming.destroy()
      else next(error)
    })
  }
}

async function serve(
  handler: RequestHandler,
  incoming: NodeRequest,
  outgoing: NodeResponse,
  target: string,
): Promise<void> {
  const gone = new AbortController()
  outgoing.on('close', () => {
    if (!outgoing.writableFinished)
      gone.abort(new SignalRefusal(400, 'client-gone', 'the client closed the connection'))
  })
  const address = incoming.socket?.remoteAddress
  const response = await handler(requestOf(incoming, target, gone.signal), { address })
  const body = new Uint8Array(await response.arrayBuffer())
  outgoing.on('finish', () => {
    if (incoming.complete) return
    // Read and thrown away: what waits unread in buffers of 64 KiB each is memory that a flood of refused offers would hold.
    incoming.resume()
    const timer = setTimeout(() => incoming.destroy(), UNREAD_BODY_MS)
    incoming.on('close', () => clearTimeout(timer))
  })
  outgoing.writeHead(response.status, {
    ...Object.fromEntries(response.headers),
    'content-length': String(body.length),
  })
  outgoing.end(body)
}

function requestOf(incoming: NodeRequest, target: string, signal: AbortSignal): Request {
  const method = incoming.method ?? 'GET'
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headers)) {
    for (const one of [value ?? []].flat()) headers.append(name, one)
  }
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const init = { method, headers, signal, ...(hasBody && { body: bodyOf(incoming), duplex: 'half' }) }
  return new Request(urlOf(target, headers.get('host')), init as RequestInit)
}

/** The Host header is the client's word, and must not reach into the path. */
const AUTHORITY = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i

function urlOf(target: string, host: string | null): string {
  const path = target.startsWith('/') ? target : `/${target}`
  return `http://${host !== null && AUTHORITY.test(host) ? host : 'localhost'}${path}`
}

/** The body as it comes: no more is read from the connection than the reader asks for. */
function bodyOf(incoming: NodeRequest): ReadableStream<Uint8Array> {
  let isOver = false
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const over = (finish: () => void) => {
        if (isOver) return
        isOver = true
        finish()
      }
      incoming.on('data', (chunk) => {
        if (isOver) return
        controller.enqueue(chunk)
        if ((controller.desiredSize ?? 0) <= 0) incoming.pause()
      })
      incoming.on('end', () => over(() => controller.close()))
      incoming.on('error', (error) => over(() => controller.error(error)))
      incoming.on('close', () => over(() => controller.error(new Error('the connection closed before the body ended'))))
      incoming.pause()
    },
    pull() {
      incoming.resume()
    },
    cancel() {
      isOver = true
      incoming.pause()
    },
  })
}
