import { SignalRefusal } from '../signal/errors.ts'
import type { ClientInfo, RequestHandler } from '../signal/handler.ts'

/** Header that tells a worker process the client's address; `clientAddress` of its options reads it. */
export const FORWARDED_HEADER = 'x-forwarded-for'
const DEFAULT_PATH = '/gannet'

/** A server process that takes players. */
export interface Seat {
  /** Its name, of letters and digits. */
  readonly id: string
  /** `server.url` in that process; only the balancer need reach it. */
  readonly url: string
}

interface Place extends Seat {
  /** Players, as the process reported. */
  load: number
  /** Offers passed on since that report. */
  offered: number
}

/**
 * One signalling handler before several server processes: a new player goes to the process that has fewest, whatever belongs to a
 * player who is there goes to the process that has that one. Only signalling passes through here; the game's packets go straight to
 * the process's own UDP port.
 */
export class Balancer {
  /** Mount it where clients connect to. */
  readonly handle: RequestHandler
  readonly #path: string
  readonly #places = new Map<string, Place>()

  /** `path`: that of the servers' option, where `handle` is mounted too. Default `/gannet`. */
  constructor(path: string = DEFAULT_PATH) {
    this.#path = path.replace(/\/+$/, '')
    this.handle = (request, client = {}) => this.#handle(request, client)
  }

  /** Processes that take players. */
  get size(): number {
    return this.#places.size
  }

  /** A process is ready. Throws a `RangeError` for an id that has other characters. */
  add(seat: Seat): void {
    if (!/^[\da-zA-Z]+$/.test(seat.id))
      throw new RangeError(`seat id ${JSON.stringify(seat.id)}, expected letters and digits`)
    this.#places.set(seat.id, { ...seat, load: 0, offered: 0 })
  }

  /** How many players a process has: `server.peers.size + server.pending`, now and then. */
  report(id: string, load: number): void {
    const place = this.#places.get(id)
    if (place === undefined) return
    place.load = load
    place.offered = 0
  }

  /** A process is gone, or takes nobody any more. */
  remove(id: string): void {
    this.#places.delete(id)
  }

  async #handle(request: Request, client: ClientInfo): Promise<Response> {
    const { pathname, search } = new URL(request.url)
    const below = pathname.startsWith(this.#path) ? pathname.slice(this.#path.length).replace(/^\//, '') : ''
    const [id, rest] = split(below)
    const place = below === '' ? this.#leastLoaded() : this.#places.get(id)
    if (place === undefined) return refused(below)
    const isNew = below === '' && request.method === 'POST'
    if (isNew) place.offered++
    const headers = new Headers(request.headers)
    headers.delete('host')
    headers.delete('connection')
    headers.delete('content-length')
    headers.delete('transfer-encoding')
    if (client.address !== undefined) headers.set(FORWARDED_HEADER, client.address)
    const hasBody = request.method === 'POST'
    try {
      const response = await fetch(`${place.url}${rest === '' ? '' : `/${rest}`}${search}`, {
        method: request.method,
        headers,
        signal: request.signal,
        ...(hasBody && { body: request.body, duplex: 'half' }),
      } as RequestInit)
      if (isNew && response.status !== 201) place.offered--
      return passedOn(response, place.id)
    } catch {
      if (isNew) place.offered--
      return problem(new SignalRefusal(503, 'gone', 'the process that was to answer did not'))
    }
  }

  #leastLoaded(): Place | undefined {
    let least: Place | undefined
    for (const place of this.#places.values()) {
      if (least === undefined || place.load + place.offered < least.load + least.offered) least = place
    }
    return least
  }
}

/** `seat.id` of a player's name as clients know it. */
function split(below: string): [string, string] {
  const at = below.indexOf('.')
  return at < 0 ? [below, ''] : [below.slice(0, at), below.slice(at + 1)]
}

function passedOn(response: Response, id: string): Response {
  const headers = new Headers(response.headers)
  // fetch has undone the encoding already.
  headers.delete('content-encoding')
  headers.delete('content-length')
  const location = headers.get('location')
  if (location !== null) headers.set('location', location.replace(/([^/]+)$/, `${id}.$1`))
  return new Response(response.body, { status: response.status, headers })
}

function refused(below: string): Response {
  if (below === '')
    return problem(new SignalRefusal(503, 'no-process', 'no server process is ready', { retryAfterSeconds: 1 }))
  return problem(new SignalRefusal(404, 'unknown-peer', 'the process of that player is not there'))
}

function problem({ status, code, message: detail, retryAfterSeconds }: SignalRefusal): Response {
  const headers = new Headers({ 'content-type': 'application/problem+json', 'access-control-allow-origin': '*' })
  if (retryAfterSeconds !== undefined) headers.set('retry-after', String(retryAfterSeconds))
  return new Response(JSON.stringify({ code, detail }), { status, headers })
}
