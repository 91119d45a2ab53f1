import { describe, expect, test } from 'vitest'
import {
  type Answered,
  type AnswerHandlerOptions,
  answerHandler,
  type Problem,
  type RequestHandler,
  SignalRefusal,
} from '../../src/signal/index.ts'
import { isSameTicket } from '../../src/signal/ticket.ts'
import { sdpOf } from './sdp.ts'

const OFFER = sdpOf('offer')
const ANSWERED: Answered = { sdp: sdpOf('answer'), id: 'id7' }
const URL_OF_OFFERS = 'http://server.test/gannet'

function handlerOf(options: Partial<AnswerHandlerOptions> = {}): RequestHandler {
  return answerHandler({ answer: () => Promise.resolve(ANSWERED), path: '/gannet', ...options })
}

function post(body: BodyInit | null = OFFER, init: RequestInit = {}, url = URL_OF_OFFERS): Request {
  return new Request(url, {
    method: 'POST',
    body,
    duplex: 'half',
    ...init,
    headers: { 'content-type': 'application/sdp', ...(init.headers as Record<string, string>) },
  } as RequestInit)
}

async function problemOf(response: Response): Promise<[number, string]> {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const { code, detail } = (await response.json()) as Problem
  expect(detail).not.toBe('')
  return [response.status, code]
}

/** A body that comes in pieces for as long as somebody asks; counts what it gave. */
function endless(pieceBytes: number): {
  body: ReadableStream<Uint8Array>
  given: () => number
  isCancelled: () => boolean
} {
  let given = 0
  let isCancelled = false
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      given += pieceBytes
      controller.enqueue(new Uint8Array(pieceBytes).fill(0x20))
    },
    cancel() {
      isCancelled = true
    },
  })
  return { body, given: () => given, isCancelled: () => isCancelled }
}

describe('offers of further pipes', () => {
  const join = (headers: Record<string, string> = {}) => post(OFFER, { headers }, `${URL_OF_OFFERS}/id7`)

  test('go to the place of the first one, with its ticket, and are answered beside it', async () => {
    const joins: unknown[] = []
    const handle = handlerOf({
      answer: () => Promise.resolve({ ...ANSWERED, ticket: 'secret' }),
      join: (id, ticket) => async (offer) => {
        joins.push({ id, ticket, offer })
        return { sdp: ANSWERED.sdp, id: 'id8' }
      },
    })
    const first = await handle(post())
    expect([first.status, first.headers.get('gannet-ticket')]).toEqual([201, 'secret'])
    expect(first.headers.get('access-control-expose-headers')).toContain('Gannet-Ticket')
    const second = await handle(join({ 'gannet-ticket': 'secret' }))
    expect([second.status, second.headers.get('location'), second.headers.get('gannet-ticket')]).toEqual([
      201,
      'id8',
      null,
    ])
    expect(joins).toEqual([{ id: 'id7', ticket: 'secret', offer: OFFER }])
  })

  test('come without a ticket, or with one out of measure, as such', async () => {
    const tickets: string[] = []
    const handle = handlerOf({
      join: (_id, ticket) => {
        tickets.push(ticket)
        throw new SignalRefusal(403, 'bad-ticket', 'no')
      },
    })
    expect(await problemOf(await handle(join()))).toEqual([403, 'bad-ticket'])
    expect(await problemOf(await handle(join({ 'gannet-ticket': 'x'.repeat(1000) })))).toEqual([403, 'bad-ticket'])
    expect(tickets).toEqual(['', ''])
  })

  test('are not found where there are none, and refused as any other offer', async () => {
    expect(await problemOf(await handlerOf()(join()))).toEqual([404, 'not-found'])
    const handle = handlerOf({ join: () => () => Promise.resolve(ANSWERED) })
    const html = post(OFFER, { headers: { 'content-type': 'text/html' } }, `${URL_OF_OFFERS}/id7`)
    expect(await problemOf(await handle(html))).toEqual([415, 'not-sdp'])
  })
})

test('tickets are the same only when they are, and there is one', () => {
  expect([
    isSameTicket('abc', 'abc'),
    isSameTicket('abc', 'abd'),
    isSameTicket('abc', 'ab'),
    isSameTicket('', ''),
  ]).toEqual([true, false, false, false])
})

describe('answerHandler', () => {
  test('answers an offer with 201, SDP and a relative location', async () => {
    const offers: string[] = []
    const handle = handlerOf({
      answer: (offer) => {
        offers.push(offer)
        return Promise.resolve(ANSWERED)
      },
    })
    const response = await handle(post())
    expect(response.status).toBe(201)
    expect(response.headers.get('content-type')).toBe('application/sdp')
    expect(response.headers.get('location')).toBe('gannet/id7')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.text()).toBe(ANSWERED.sdp)
    expect(offers).toEqual([OFFER])
  })

  test.each([
    ['http://server.test/gannet/', 'http://server.test/gannet/id7'],
    ['http://server.test/gannet?room=1', 'http://server.test/gannet/id7'],
    ['http://proxy.test/some/prefix/gannet', 'http://proxy.test/some/prefix/gannet/id7'],
    ['http://server.test/', 'http://server.test/id7'],
  ])('names a location that is right from the client’s point of view: %s', async (url, expected) => {
    const handle = answerHandler({ answer: () => Promise.resolve(ANSWERED) })
    const response = await handle(post(OFFER, {}, url))
    expect(new URL(response.headers.get('location')!, url).href).toBe(expected)
  })

  test('ends an offer on DELETE, once', async () => {
    const live = new Set(['id7'])
    const handle = handlerOf({ end: (id) => live.delete(id) })
    const remove = () => handle(new Request(`${URL_OF_OFFERS}/id7`, { method: 'DELETE' }))
    expect((await remove()).status).toBe(204)
    expect(await problemOf(await remove())).toEqual([404, 'unknown-offer'])
  })

  test('lets pages of other origins in, preflight included, on every path and with every status', async () => {
    const handle = handlerOf()
    const preflight = await handle(
      new Request(`${URL_OF_OFFERS}/typo/x`, { method: 'OPTIONS', headers: { origin: 'https://game.test' } }),
    )
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/Authorization/)
    for (const response of [preflight, await handle(post()), await handle(post('junk'))]) {
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
      expect(response.headers.get('access-control-expose-headers')).toContain('Location')
    }
  })

  test('lets only listed origins in when there is a list', async () => {
    const handle = handlerOf({ allowOrigin: ['https://game.test', 'https://beta.test'] })
    const allowed = async (origin?: string) => {
      const response = await handle(post(OFFER, origin === undefined ? {} : { headers: { origin } }))
      expect(response.headers.get('vary')).toBe('Origin')
      return [response.status, response.headers.get('access-control-allow-origin')]
    }
    expect(await allowed('https://beta.test')).toEqual([201, 'https://beta.test'])
    // Its own host's pages, and what is no page.
    expect(await allowed('http://server.test')).toEqual([201, 'http://server.test'])
    expect(await allowed()).toEqual([201, null])
    // Refused, and the page may read that it was.
    expect(await allowed('https://evil.test')).toEqual([403, 'https://evil.test'])
    expect(await allowed('null')).toEqual([403, 'null'])
  })

  test('asks admit before it reads the offer, and hands what it grants to answer and release', async () => {
    const story: unknown[] = []
    const { body, given } = endless(1000)
    const handle = answerHandler<{ name: string }>({
      path: '/gannet',
      admit: (request, { address }) => {
        story.push(request.headers.get('authorization'), address)
        if (address === undefined) throw new SignalRefusal(401, 'who', 'no address', { data: { try: 'again' } })
        return { name: 'Ada' }
      },
      answer: async (_offer, _request, _signal, grant) => {
        story.push(grant)
        return ANSWERED
      },
      release: (grant) => story.push(['over', grant]),
      onRefused: (code) => story.push(code),
    })
    const refused = await handle(post(body))
    expect([refused.status, await refused.json()]).toEqual([
      401,
      { code: 'who', detail: 'no address', data: { try: 'again' } },
    ])
    expect(given()).toBeLessThanOrEqual(1000)
    const request = post(OFFER, { headers: { authorization: 'Bearer x' } })
    expect((await handle(request, { address: '192.0.2.1' })).status).toBe(201)
    expect((await handle(post('junk'), { address: '192.0.2.1' })).status).toBe(400)
    const grant = { name: 'Ada' }
    expect(story).toEqual([
      ...[null, undefined, 'who'],
      ...['Bearer x', '192.0.2.1', grant, ['over', grant]],
      ...[null, '192.0.2.1', ['over', grant], 'bad-offer'],
    ])
  })
})

describe('answerHandler refuses', () => {
  test.each([
    'http://server.test/',
    'http://server.test/gannets',
    'http://server.test/gannet/a/b',
    'http://server.test/x/gannet',
  ])('other paths: %s', async (url) => {
    expect(await problemOf(await handlerOf()(post(OFFER, {}, url)))).toEqual([404, 'not-found'])
  })

  test('offers below its path', async () => {
    expect(await problemOf(await handlerOf()(post(OFFER, {}, `${URL_OF_OFFERS}/id7`)))).toEqual([404, 'not-found'])
  })

  test.each(['GET', 'PUT', 'PATCH', 'DELETE'])('method %s', async (method) => {
    const response = await handlerOf()(new Request(URL_OF_OFFERS, { method }))
    expect(response.headers.get('allow')).toBe('POST, OPTIONS')
    expect(await problemOf(response)).toEqual([405, 'bad-method'])
  })

  test.each(['text/plain', 'application/json', 'application/sdpx', ''])('type %j', async (type) => {
    expect(await problemOf(await handlerOf()(post(OFFER, { headers: { 'content-type': type } })))).toEqual([
      415,
      'not-sdp',
    ])
  })

  test.each(['', 'hello', 'v=0\r\n', OFFER.replace('a=fingerprint', 'a=x')])('what is no offer (%#)', async (body) => {
    expect(await problemOf(await handlerOf()(post(body)))).toEqual([400, 'bad-offer'])
    expect(await problemOf(await handlerOf()(post(body === '' ? null : body)))).toEqual([400, 'bad-offer'])
  })

  test('an offer above the limit, by its claim and by its bytes', async () => {
    const handle = handlerOf({ maxOfferBytes: 1000 })
    const claim = endless(10)
    expect(await problemOf(await handle(post(claim.body, { headers: { 'content-length': '5000' } })))).toEqual([
      413,
      'offer-too-large',
    ])
    // One piece may be pulled in advance by the stream itself.
    expect(claim.given()).toBeLessThanOrEqual(10)
    expect(await problemOf(await handle(post('x'.repeat(1001))))).toEqual([413, 'offer-too-large'])
  })

  test('an endless body that lies about its length, after little more than the limit', async () => {
    const handle = handlerOf({ maxOfferBytes: 1000 })
    const { body, given, isCancelled } = endless(100)
    expect(await problemOf(await handle(post(body, { headers: { 'content-length': '10' } })))).toEqual([
      413,
      'offer-too-large',
    ])
    expect(given()).toBeLessThan(2000)
    expect(isCancelled()).toBe(true)
  })

  test('a body that never ends in time', async () => {
    const slow = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('v=0\r\n'))
      },
    })
    expect(await problemOf(await handlerOf({ timeoutMs: 30 })(post(slow)))).toEqual([408, 'offer-timeout'])
  })

  test('a body that breaks off', async () => {
    const broken = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.error(new Error('reset'))
      },
    })
    expect(await problemOf(await handlerOf()(post(broken)))).toEqual([400, 'offer-cut'])
  })

  test('with the status, code and delay that answer gives', async () => {
    const handle = handlerOf({
      answer: () => Promise.reject(new SignalRefusal(503, 'server-full', 'full', { retryAfterSeconds: 5 })),
    })
    const response = await handle(post())
    expect(response.headers.get('retry-after')).toBe('5')
    expect(await problemOf(response)).toEqual([503, 'server-full'])
  })

  test('an answer that fails, without telling its secrets', async () => {
    const handle = handlerOf({ answer: () => Promise.reject(new Error('password is 1234')) })
    const response = await handle(post())
    expect(await response.clone().text()).not.toContain('1234')
    expect(await problemOf(response)).toEqual([500, 'internal'])
  })

  test('an answer that is not ready in time, and tells the answerer to free what it made', async () => {
    let signal: AbortSignal | undefined
    const handle = handlerOf({
      timeoutMs: 30,
      answer: (_offer, _request, one) => {
        signal = one
        return new Promise(() => {})
      },
    })
    expect(await problemOf(await handle(post()))).toEqual([503, 'answer-timeout'])
    expect(signal!.aborted).toBe(true)
  })

  test('nobody who has gone: the answerer hears of it', async () => {
    const client = new AbortController()
    let signal: AbortSignal | undefined
    const handle = handlerOf({
      answer: (_offer, _request, one) => {
        signal = one
        client.abort()
        return new Promise(() => {})
      },
    })
    expect((await handle(post(OFFER, { signal: client.signal }))).status).toBe(503)
    expect(signal!.aborted).toBe(true)
  })
})
