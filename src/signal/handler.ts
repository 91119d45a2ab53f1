import { excerptOf, readText } from './body.ts'
import { Deadline } from './deadline.ts'
import { type Problem, SignalRefusal } from './errors.ts'
import { isSdpType, missingInSdp, SDP_TYPE } from './sdp.ts'
import { AWAY_HEADER, TICKET_HEADER, ticketOf } from './ticket.ts'

/** An SDP offer has 500 to 4,000 bytes; 64 KiB leaves room for hundreds of candidates. */
const MAX_OFFER_BYTES = 65_536

/** What `answer` made of an offer. */
export interface Answered {
  readonly sdp: string
  /** Names the offer in the `Location` of the response: URL-safe, hard to guess. */
  readonly id: string
  /** Lets the offerer open further pipes to the same peer, if there may be any: hard to guess. */
  readonly ticket?: string
  /** How long the peer is kept when its path is gone, ms. */
  readonly awayMs?: number
}

/** Makes the answer to an offer of a further pipe. As `answer` of the options in everything else. */
export type JoinAnswerer = (offer: string, request: Request, signal: AbortSignal) => Promise<Answered>

/** What the server around a handler knows of a client and its `Request` does not say. */
export interface ClientInfo {
  /** Network address of the client, as the server's socket or its trusted proxy has it. */
  readonly address?: string | undefined
}

export interface AnswerHandlerOptions<Grant = undefined> {
  /**
   * Asked before a byte of the offer is read. What it resolves to goes on to `answer`; its {@link SignalRefusal}, thrown, says no.
   * `signal` fires when nobody waits any more.
   */
  readonly admit?: (request: Request, client: ClientInfo, signal: AbortSignal) => Grant | Promise<Grant>
  /**
   * Makes the answer. Throw {@link SignalRefusal} to say no with a status, a code and a detail; anything else thrown is
   * reported as status 500 without its text. `signal` fires when nobody waits for the answer any more: free what was made.
   */
  readonly answer: (offer: string, request: Request, signal: AbortSignal, grant: Grant) => Promise<Answered>
  /**
   * Offers of further pipes to a peer that is there: a POST to the place of its first offer, `id`, with what the offerer shows for
   * it, `''` if nothing. Asked before a byte of the offer is read; throws {@link SignalRefusal} to say no. Without it there are none.
   */
  readonly join?: (id: string, ticket: string, client: ClientInfo) => JoinAnswerer
  /** Told when the request of a grant is over, answered or not. */
  readonly release?: (grant: Grant) => void
  /** Told each refusal by its code; `error` is there when it was no refusal but a failure of `admit` or `answer`. */
  readonly onRefused?: (code: string, client: ClientInfo, error?: unknown) => void
  /** Ends the offer `id` on DELETE; false if there is none. Without it DELETE is not allowed. */
  readonly end?: (id: string, request: Request) => boolean | Promise<boolean>
  /** Path that answers, from the root of the server, such as `/gannet`; other paths get 404. Default: every path. */
  readonly path?: string
  /** Largest offer, bytes. Default 65,536. */
  readonly maxOfferBytes?: number
  /** Time to read the offer, and again to answer it, ms. Default 10,000. */
  readonly timeoutMs?: number
  /**
   * Origins whose pages may use it: one, several, or `'*'`. Default `'*'`. Pages of the handler's own host always may, and so may
   * requests without an `Origin`, which no browser sends. Offers of other pages are refused with `origin-refused`, unread.
   */
  readonly allowOrigin?: string | readonly string[]
}

/** Anything that answers requests in the shape of the Fetch standard. */
export type RequestHandler = (request: Request, client?: ClientInfo) => Promise<Response>

/**
 * The answering side of `postOffer` for any framework that speaks `Request` and `Response`. Never rejects: every failure
 * is a response with a JSON body `{ code, detail }`.
 */
export function answerHandler<Grant = undefined>(options: AnswerHandlerOptions<Grant>): RequestHandler {
  const handler = new AnswerHandler(options)
  return (request, client = {}) => handler.handle(request, client)
}

class AnswerHandler<Grant> {
  readonly #options: AnswerHandlerOptions<Grant>
  readonly #path: string | undefined
  readonly #maxOfferBytes: number
  readonly #timeoutMs: number
  readonly #methods: string

  constructor(options: AnswerHandlerOptions<Grant>) {
    this.#options = options
    this.#path = options.path?.replace(/\/+$/, '')
    this.#maxOfferBytes = options.maxOfferBytes ?? MAX_OFFER_BYTES
    this.#timeoutMs = options.timeoutMs ?? 10_000
    this.#methods = options.end === undefined ? 'POST, OPTIONS' : 'POST, DELETE, OPTIONS'
  }

  async handle(request: Request, client: ClientInfo): Promise<Response> {
    let response: Response
    try {
      response = await this.#respond(request, client)
    } catch (error) {
      const refusal = refusalOf(error)
      response = problemResponse(refusal)
      if (refusal === error) this.#options.onRefused?.(refusal.code, client)
      else this.#options.onRefused?.(refusal.code, client, error)
    }
    this.#allow(request, response)
    return response
  }

  async #respond(request: Request, client: ClientInfo): Promise<Response> {
    // On every path: a preflight that fails would hide the reason of the refusal from the page.
    if (request.method === 'OPTIONS') return new Response(null, { status: 204 })
    const { pathname } = new URL(request.url)
    const below = this.#path === undefined ? '' : pathname.slice(this.#path.length)
    if (this.#path !== undefined && !(pathname.startsWith(this.#path) && /^(\/[^/]*)?$/.test(below))) {
      throw new SignalRefusal(404, 'not-found', `offers go to ${this.#path}, not to ${excerptOf(pathname)}`)
    }
    this.#checkOrigin(request)
    switch (request.method) {
      case 'POST':
        if (below.length <= 1) return await this.#post(request, client, pathname)
        if (this.#options.join !== undefined) return await this.#join(request, client, below.slice(1))
        throw new SignalRefusal(404, 'not-found', `offers go to ${this.#path}, not below it`)
      case 'DELETE':
        if (this.#options.end !== undefined) return await this.#delete(request, pathname)
    }
    const refusal = new SignalRefusal(
      405,
      'bad-method',
      `expected ${this.#methods}, got ${request.method}: POST an SDP offer here`,
    )
    const response = problemResponse(refusal)
    response.headers.set('allow', this.#methods)
    this.#options.onRefused?.(refusal.code, client)
    return response
  }

  async #post(request: Request, client: ClientInfo, pathname: string): Promise<Response> {
    this.#checkHeaders(request)
    // Without `admit`, Grant is undefined.
    const grant = (await this.#inTime(request, (signal) => this.#options.admit?.(request, client, signal))) as Grant
    try {
      const offer = await this.#readOffer(request)
      const answered = await this.#inTime(request, (signal) => this.#options.answer(offer, request, signal, grant))
      // Relative to the request, so that it stays right behind a proxy that maps paths.
      const last = pathname.slice(pathname.lastIndexOf('/') + 1)
      return created(answered, last === '' ? answered.id : `${last}/${answered.id}`)
    } finally {
      this.#options.release?.(grant)
    }
  }

  async #join(request: Request, client: ClientInfo, id: string): Promise<Response> {
    this.#checkHeaders(request)
    const answer = this.#options.join!(id, ticketOf(request.headers), client)
    const offer = await this.#readOffer(request)
    const answered = await this.#inTime(request, (signal) => answer(offer, request, signal))
    return created(answered, answered.id)
  }

  /** Part of making an answer, at an end of its time refused. */
  async #inTime<T>(request: Request, work: (signal: AbortSignal) => T | Promise<T>): Promise<T> {
    const deadline = new Deadline(this.#timeoutMs, request.signal)
    try {
      return await deadline.race(Promise.resolve(work(deadline.signal)))
    } catch (error) {
      if (deadline.ending === undefined) throw error
      throw new SignalRefusal(503, 'answer-timeout', `no answer was ready within ${this.#timeoutMs} ms`)
    } finally {
      deadline.release()
    }
  }

  /** Browsers send `Origin` with every POST and DELETE, and pages cannot forge it. */
  #checkOrigin(request: Request): void {
    const origin = request.headers.get('origin')
    if (origin === null || this.#isAllowed(origin)) return
    const host = URL.canParse(origin) ? new URL(origin).host : undefined
    if (host !== undefined && host === new URL(request.url).host) return
    throw new SignalRefusal(403, 'origin-refused', `pages of ${excerptOf(origin)} may not connect here (allowOrigin)`)
  }

  #isAllowed(origin: string): boolean {
    const allowed = this.#options.allowOrigin ?? '*'
    return allowed === '*' || [allowed].flat().includes(origin)
  }

  /** What is wrong before a byte of the offer is read. */
  #checkHeaders(request: Request): void {
    const type = request.headers.get('content-type')
    if (!isSdpType(type)) {
      throw new SignalRefusal(
        415,
        'not-sdp',
        `expected ${SDP_TYPE}, got ${type === null ? 'no content type' : excerptOf(type)}`,
      )
    }
    if (Number(request.headers.get('content-length')) > this.#maxOfferBytes) throw this.#tooLarge()
  }

  #tooLarge(): SignalRefusal {
    return new SignalRefusal(413, 'offer-too-large', `an offer may have at most ${this.#maxOfferBytes} bytes`)
  }

  async #readOffer(request: Request): Promise<string> {
    const deadline = new Deadline(this.#timeoutMs, request.signal)
    let offer: string | undefined
    try {
      offer = await readText(request.body, this.#maxOfferBytes, deadline.signal)
    } catch {
      if (deadline.ending !== 'timeout')
        throw new SignalRefusal(400, 'offer-cut', 'the request ended before the offer did')
      throw new SignalRefusal(408, 'offer-timeout', `the offer was not complete within ${this.#timeoutMs} ms`)
    } finally {
      deadline.release()
    }
    if (offer === undefined) throw this.#tooLarge()
    const lack = missingInSdp(offer)
    if (lack !== undefined) throw new SignalRefusal(400, 'bad-offer', `not an SDP offer: ${lack}`)
    return offer
  }

  async #delete(request: Request, pathname: string): Promise<Response> {
    const id = pathname.slice(pathname.lastIndexOf('/') + 1)
    if (!(await this.#options.end?.(id, request))) {
      throw new SignalRefusal(404, 'unknown-offer', 'no such offer, or it has ended')
    }
    return new Response(null, { status: 204 })
  }

  /** CORS, on every response: a page must be able to read why it was refused. */
  #allow(request: Request, { headers }: Response): void {
    const allowed = this.#options.allowOrigin ?? '*'
    const origin = request.headers.get('origin')
    if (allowed === '*') {
      headers.set('access-control-allow-origin', '*')
    } else {
      headers.append('vary', 'Origin')
      // A page that is refused may read why: the refusal holds nothing else.
      if (origin !== null) headers.set('access-control-allow-origin', origin)
    }
    headers.set('access-control-expose-headers', 'Location, Retry-After, Gannet-Ticket, Gannet-Away-Ms')
    headers.set('cache-control', 'no-store')
    if (request.method === 'OPTIONS') {
      headers.set('access-control-allow-methods', this.#methods)
      // The star does not cover Authorization (Fetch standard, CORS-preflight fetch).
      headers.set('access-control-allow-headers', 'Authorization, Content-Type, Gannet-Ticket, *')
      headers.set('access-control-max-age', '86400')
    }
  }
}

function created({ sdp, ticket, awayMs = 0 }: Answered, location: string): Response {
  const headers = new Headers({ 'content-type': SDP_TYPE, location })
  if (ticket !== undefined) headers.set(TICKET_HEADER, ticket)
  if (awayMs > 0) headers.set(AWAY_HEADER, String(awayMs))
  return new Response(sdp, { status: 201, headers })
}

function refusalOf(error: unknown): SignalRefusal {
  if (error instanceof SignalRefusal) return error
  return new SignalRefusal(500, 'internal', 'the server failed to make an answer')
}

function problemResponse(refusal: SignalRefusal): Response {
  const { code, message: detail, data } = refusal
  const problem: Problem = { code, detail, ...(data !== undefined && { data }) }
  const headers = new Headers({ 'content-type': 'application/problem+json' })
  if (refusal.retryAfterSeconds !== undefined) headers.set('retry-after', String(refusal.retryAfterSeconds))
  return new Response(JSON.stringify(problem), { status: refusal.status, headers })
}
