import { excerptOf, readText } from './body.ts'
import { Deadline } from './deadline.ts'
import { type Problem, SignalError } from './errors.ts'
import { isSdpType, missingInSdp, SDP_TYPE } from './sdp.ts'
import { AWAY_HEADER, CERTIFICATE_HEADER, TICKET_HEADER, ticketOf } from './ticket.ts'

/** An SDP answer has about 600 bytes; with dozens of candidates it stays far below this. */
const MAX_ANSWER_BYTES = 65_536

export interface OfferOptions {
  /** Stands in for the global `fetch`. */
  readonly fetch?: typeof fetch
  /** Headers to add, such as `Authorization`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Ticket of the peer that this offer is to join, when the address is that of its first offer. */
  readonly ticket?: string | undefined
  /** All further offers of this peer will come with the certificate of this one; a ticket that is stolen is worth nothing then. */
  readonly keepsCertificate?: boolean
  /** Ends the exchange with code `aborted`. */
  readonly signal?: AbortSignal
  /** Time for the whole exchange, ms. Default 10,000. */
  readonly timeoutMs?: number
  /** Largest body that is read, bytes. Default 65,536. */
  readonly maxAnswerBytes?: number
}

/** The other side's answer to an offer. */
export interface Answer {
  readonly sdp: string
  /** Address at which the offer can be withdrawn, absolute, or `undefined` if the server named none. */
  readonly location: string | undefined
  /** With it, further offers may be posted to `location`, for further pipes; `undefined` if the server takes none. */
  readonly ticket: string | undefined
  /** How long the server keeps the peer when its path is gone, ms; 0: not at all. */
  readonly awayMs: number
}

/**
 * Posts an SDP offer and resolves to the SDP answer (the exchange of WHIP, RFC 9725, without media). A relative `url` is
 * resolved against the page. Rejects with {@link SignalError}.
 */
export async function postOffer(url: string | URL, offer: string, options: OfferOptions = {}): Promise<Answer> {
  const address = addressOf(url)
  const timeoutMs = options.timeoutMs ?? 10_000
  const deadline = new Deadline(timeoutMs, options.signal)
  try {
    return await exchange(address, offer, options, deadline.signal)
  } catch (error) {
    if (error instanceof SignalError) throw error
    if (deadline.ending === 'aborted') {
      throw new SignalError('aborted', `POST ${address}: aborted by the caller`, { cause: error })
    }
    if (deadline.ending === 'timeout') {
      throw new SignalError('timeout', `POST ${address}: no complete answer within ${timeoutMs} ms`, { cause: error })
    }
    throw new SignalError(
      'unreachable',
      `POST ${address}: no response (${causeOf(error)}); is the server running, is the address right, and, from a page of ` +
        'another origin, does the server allow it (CORS)?',
      { cause: error },
    )
  } finally {
    deadline.release()
  }
}

/** Tells the server that an answered offer will not be used, so that it frees it early. Never rejects: the server has a timeout too. */
export async function withdrawOffer(
  location: string,
  options: Pick<OfferOptions, 'fetch' | 'headers'> = {},
): Promise<void> {
  const send = options.fetch ?? fetch
  try {
    // keepalive: the page may be on its way out.
    await send(location, { method: 'DELETE', headers: { ...options.headers }, keepalive: true })
  } catch {}
}

/** An absolute http or https address; a relative one is resolved against the page. Throws {@link SignalError} `bad-url`. */
export function addressOf(url: string | URL): URL {
  const page = (globalThis as { location?: { href?: string } }).location?.href
  let address: URL
  try {
    address = new URL(url, page)
  } catch (cause) {
    const hint =
      page === undefined ? 'an absolute http or https URL' : 'an http or https URL, or a path on this page’s server'
    throw new SignalError('bad-url', `expected ${hint}, got ${JSON.stringify(String(url))}`, { cause })
  }
  if (address.protocol !== 'http:' && address.protocol !== 'https:') {
    throw new SignalError('bad-url', `expected an http or https URL, got ${JSON.stringify(address.href)}`)
  }
  return address
}

async function exchange(address: URL, offer: string, options: OfferOptions, signal: AbortSignal): Promise<Answer> {
  const send = options.fetch ?? fetch
  const maxBytes = options.maxAnswerBytes ?? MAX_ANSWER_BYTES
  const response = await send(address, {
    method: 'POST',
    headers: {
      ...options.headers,
      ...(options.ticket !== undefined && { [TICKET_HEADER]: options.ticket }),
      ...(options.keepsCertificate === true && { [CERTIFICATE_HEADER]: 'kept' }),
      'content-type': SDP_TYPE,
      accept: SDP_TYPE,
    },
    body: offer,
    signal,
  })
  const { status } = response
  const from = `POST ${response.redirected ? `${address} (redirected to ${response.url})` : address}`
  const text = await readText(response.body, maxBytes, signal)
  const type = response.headers.get('content-type')
  if (!response.ok) throw refusalOf(from, status, type, text ?? '')
  if (text === undefined) {
    throw new SignalError('too-large', `${from}: the answer has more than ${maxBytes} bytes`, { status })
  }
  if (!isSdpType(type)) {
    throw new SignalError(
      'not-sdp',
      `${from}: expected ${SDP_TYPE}, got status ${status} with ${bodyText(type, text)}`,
      { status },
    )
  }
  const lack = missingInSdp(text)
  if (lack !== undefined) {
    throw new SignalError('bad-answer', `${from}: not an SDP answer: ${lack}; it starts with ${excerptOf(text)}`, {
      status,
    })
  }
  return {
    sdp: text,
    location: locationOf(response, address),
    ticket: ticketOf(response.headers) || undefined,
    awayMs: Math.max(0, Math.min(3_600_000, Number(response.headers.get(AWAY_HEADER)) || 0)),
  }
}

function refusalOf(from: string, status: number, type: string | null, text: string): SignalError {
  const problem = problemOf(type, text)
  if (status === 404 && (problem === undefined || problem.code === 'not-found')) {
    const what = problem === undefined ? bodyText(type, text) : problem.detail
    return new SignalError('not-found', `${from}: nothing answers there (404, ${what}); is the path right?`, {
      status,
      ...(problem && { problem }),
    })
  }
  if (problem !== undefined) {
    return new SignalError('refused', `${from}: refused, ${problem.code}: ${problem.detail}`, { status, problem })
  }
  return new SignalError('http-status', `${from}: expected 201, got status ${status} with ${bodyText(type, text)}`, {
    status,
  })
}

/** What came in place of an answer: its type and how it starts. */
function bodyText(type: string | null, text: string): string {
  return text === '' ? 'an empty body' : `${type ?? 'no content type'} that starts with ${excerptOf(text)}`
}

function problemOf(type: string | null, text: string): Problem | undefined {
  if (type === null || !/^application\/(problem\+)?json\b/i.test(type)) return undefined
  try {
    const { code, detail, data } = JSON.parse(text) as Partial<Problem>
    if (typeof code !== 'string') return undefined
    return { code, detail: typeof detail === 'string' ? detail : '', ...(data !== undefined && { data }) }
  } catch {
    return undefined
  }
}

function locationOf(response: Response, address: URL): string | undefined {
  const location = response.headers.get('location')
  if (location === null) return undefined
  try {
    return new URL(location, response.url || address).href
  } catch {
    return undefined
  }
}

/** Node hides the errno two causes deep. */
function causeOf(error: unknown): string {
  const cause = (error as { cause?: { code?: string; message?: string } } | undefined)?.cause
  return cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : String(error))
}
