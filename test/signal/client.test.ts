import type { RequestListener } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { postOffer, SignalError, type SignalErrorCode, withdrawOffer } from '../../src/signal/index.ts'
import { httpServer, type TestServer } from './http-server.ts'
import { sdpOf } from './sdp.ts'

const servers: TestServer[] = []
const open: AbortController[] = []

afterEach(async () => {
  for (const controller of open.splice(0)) controller.abort()
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

async function serve(listener: RequestListener): Promise<TestServer> {
  const server = await httpServer(listener)
  servers.push(server)
  return server
}

/** A server that answers every request alike. */
function serveBody(
  status: number,
  headers: Record<string, string>,
  body: string | Uint8Array = '',
): Promise<TestServer> {
  return serve((request, response) => {
    request.resume()
    response.writeHead(status, headers)
    response.end(body)
  })
}

async function failure(work: Promise<unknown>): Promise<SignalError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(SignalError)
  return error as SignalError
}

const OFFER = sdpOf('offer')
const ANSWER = sdpOf('answer')
const SDP = { 'content-type': 'application/sdp' }

describe('postOffer', () => {
  test('posts the offer as SDP, with the caller’s headers, and resolves to answer and absolute location', async () => {
    let seen: unknown
    const server = await serve(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      const { method, url, headers } = request
      seen = { method, url, body, type: headers['content-type'], authorization: headers['authorization'] }
      response.writeHead(201, { ...SDP, location: 'gannet/77' })
      response.end(ANSWER)
    })
    const answer = await postOffer(`${server.origin}/gannet?room=3`, OFFER, { headers: { Authorization: 'Bearer x' } })
    expect(answer).toEqual({ sdp: ANSWER, location: `${server.origin}/gannet/77`, ticket: undefined, awayMs: 0 })
    expect(seen).toEqual({
      method: 'POST',
      url: '/gannet?room=3',
      body: OFFER,
      type: 'application/sdp',
      authorization: 'Bearer x',
    })
  })

  test('takes status 200 and no location as well', async () => {
    const server = await serveBody(200, { 'content-type': 'application/SDP; charset=utf-8' }, ANSWER)
    const answer = { sdp: ANSWER, location: undefined, ticket: undefined, awayMs: 0 }
    expect(await postOffer(server.origin, OFFER)).toEqual(answer)
  })

  test('uses the fetch it is given', async () => {
    const calls: string[] = []
    const fetchLike = async (input: RequestInfo | URL): Promise<Response> => {
      calls.push(String(input))
      return new Response(ANSWER, { status: 201, headers: SDP })
    }
    await postOffer('https://example.test/x', OFFER, { fetch: fetchLike as typeof fetch })
    expect(calls).toEqual(['https://example.test/x'])
  })
})

describe('postOffer fails with', () => {
  test.each(['', '/gannet', 'not a url', 'http://', 'ws://127.0.0.1:1/x', 'file:///etc/passwd'])(
    'bad-url for %j',
    async (url) => {
      const error = await failure(postOffer(url, OFFER))
      expect(error.code).toBe('bad-url')
      expect(error.message).toMatch(/expected an .*got/)
    },
  )

  test('unreachable when nobody listens, naming address and errno', async () => {
    const server = await httpServer(() => {})
    await server.close()
    const error = await failure(postOffer(`${server.origin}/gannet`, OFFER))
    expect(error.code).toBe('unreachable')
    expect(error.message).toContain(`${server.origin}/gannet`)
    expect(error.message).toContain('ECONNREFUSED')
    expect(error.cause).toBeInstanceOf(TypeError)
  })

  test('unreachable when the connection is cut before a response', async () => {
    const server = await serve((request) => request.destroy())
    expect((await failure(postOffer(server.origin, OFFER))).code).toBe('unreachable')
  })

  test('unreachable when the answer is cut', async () => {
    const server = await serve((request, response) => {
      request.resume()
      response.writeHead(201, { ...SDP, 'content-length': '5000' })
      response.write(ANSWER, () => response.destroy())
    })
    expect((await failure(postOffer(server.origin, OFFER))).code).toBe('unreachable')
  })

  test('not-found on 404, with a hint at the path', async () => {
    const server = await serveBody(404, { 'content-type': 'text/html' }, '<html>Not here</html>')
    const error = await failure(postOffer(`${server.origin}/ganet`, OFFER))
    expect([error.code, error.status, error.problem]).toEqual(['not-found', 404, undefined])
    expect(error.message).toMatch(/\/ganet.*404.*text\/html.*Not here.*path/)
  })

  test('not-found on our own 404, with the server’s word', async () => {
    const problem = { code: 'not-found', detail: 'offers go to /gannet' }
    const server = await serveBody(404, { 'content-type': 'application/problem+json' }, JSON.stringify(problem))
    const error = await failure(postOffer(`${server.origin}/ganet`, OFFER))
    expect([error.code, error.problem]).toEqual(['not-found', problem])
    expect(error.message).toContain('offers go to /gannet')
  })

  test('http-status on another status without a word of ours', async () => {
    const server = await serveBody(502, { 'content-type': 'text/plain' }, 'bad gateway')
    const error = await failure(postOffer(server.origin, OFFER))
    expect([error.code, error.status]).toEqual(['http-status', 502])
    expect(error.message).toMatch(/expected 201, got status 502.*bad gateway/)
  })

  test.each(['{"code":5}', '{"code"', 'null', '[]'])('http-status when the problem is none: %s', async (body) => {
    const server = await serveBody(503, { 'content-type': 'application/json' }, body)
    expect((await failure(postOffer(server.origin, OFFER))).code).toBe('http-status')
  })

  test('refused with the server’s code and detail', async () => {
    const problem = { code: 'server-full', detail: 'the server is full' }
    const server = await serveBody(503, { 'content-type': 'application/problem+json' }, JSON.stringify(problem))
    const error = await failure(postOffer(server.origin, OFFER))
    expect([error.code, error.status, error.problem]).toEqual(['refused', 503, problem])
    expect(error.message).toMatch(/server-full: the server is full/)
  })

  test('not-sdp on an HTML page, naming its type and its first characters', async () => {
    const server = await serveBody(
      200,
      { 'content-type': 'text/html; charset=utf-8' },
      `<!doctype html>\n<p>${'x'.repeat(500)}`,
    )
    const error = await failure(postOffer(server.origin, OFFER))
    expect([error.code, error.status]).toEqual(['not-sdp', 200])
    expect(error.message).toMatch(
      /expected application\/sdp, got status 200 with text\/html; charset=utf-8 that starts with "<!doctype html> <p>xxx/,
    )
    expect(error.message.length).toBeLessThan(300)
  })

  test('not-sdp without a content type, and on an empty body', async () => {
    const untyped = await serveBody(201, {}, ANSWER)
    expect((await failure(postOffer(untyped.origin, OFFER))).message).toMatch(/no content type/)
    const empty = await serveBody(204, {})
    expect((await failure(postOffer(empty.origin, OFFER))).message).toMatch(/an empty body/)
  })

  test.each([
    ['hello', 'v=0'],
    ['v=0\r\ns=x\r\n', 'm=application'],
    [ANSWER.replace(/a=ice-ufrag.*\r\n/, ''), 'ICE credentials'],
    [ANSWER.replace(/a=fingerprint.*\r\n/, ''), 'fingerprint'],
    [ANSWER.replace('m=application 9 UDP/DTLS/SCTP', 'm=video 9 UDP/TLS/RTP/SAVPF'), 'm=application'],
  ])('bad-answer when SDP lacks something (%#)', async (body, lack) => {
    const server = await serveBody(201, SDP, body)
    const error = await failure(postOffer(server.origin, OFFER))
    expect(error.code).toBe('bad-answer')
    expect(error.message).toContain(lack)
  })

  test('too-large, whatever the length it claims, without reading on', async () => {
    let written = 0
    const server = await serve((request, response) => {
      request.resume()
      response.writeHead(201, SDP)
      const more = (): void => {
        if (response.destroyed) return
        written += 4096
        if (response.write('x'.repeat(4096))) setImmediate(more)
        else response.once('drain', more)
      }
      more()
    })
    const error = await failure(postOffer(server.origin, OFFER, { maxAnswerBytes: 10_000 }))
    expect(error.code).toBe('too-large')
    expect(error.message).toContain('10000')
    expect(written).toBeLessThan(10_000_000)
  })

  test('timeout when no response comes', async () => {
    const server = await serve((request) => void request.resume())
    const error = await failure(postOffer(server.origin, OFFER, { timeoutMs: 50 }))
    expect(error.code).toBe('timeout')
    expect(error.message).toContain('50 ms')
  })

  test('timeout when the answer never ends', async () => {
    const server = await serve((request, response) => {
      request.resume()
      response.writeHead(201, SDP)
      response.write(ANSWER)
    })
    expect((await failure(postOffer(server.origin, OFFER, { timeoutMs: 50 }))).code).toBe('timeout')
  })

  test('aborted, before, during and in the middle of the answer, with the caller’s reason', async () => {
    const reason = new Error('the player left')
    const silent = await serve((request, response) => {
      request.resume()
      if (request.url === '/started') response.writeHead(201, SDP).write(ANSWER)
    })
    const before = new AbortController()
    before.abort(reason)
    const codes: [SignalErrorCode, unknown][] = []
    for (const path of ['/before', '/during', '/started']) {
      const controller = path === '/before' ? before : new AbortController()
      open.push(controller)
      const post = failure(postOffer(`${silent.origin}${path}`, OFFER, { signal: controller.signal }))
      setTimeout(() => controller.abort(reason), 30)
      const error = await post
      codes.push([error.code, error.cause])
    }
    expect(codes).toEqual(Array(3).fill(['aborted', reason]))
  })
})

describe('withdrawOffer', () => {
  test('deletes with the same headers and never rejects', async () => {
    const seen: (string | undefined)[] = []
    const server = await serve((request, response) => {
      seen.push(request.method, request.url, request.headers.authorization)
      response.writeHead(500).end()
    })
    await withdrawOffer(`${server.origin}/gannet/7`, { headers: { Authorization: 'Bearer x' } })
    expect(seen).toEqual(['DELETE', '/gannet/7', 'Bearer x'])
    await server.close()
    await withdrawOffer(`${server.origin}/gannet/7`)
  })
})
