import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import {
  type AnswerHandlerOptions,
  answerHandler,
  type NodeListenerOptions,
  nodeListener,
  postOffer,
  type RequestHandler,
} from '../../src/signal/index.ts'
import { until } from '../transport/until.ts'
import { httpServer, type TestServer } from './http-server.ts'
import { sdpOf } from './sdp.ts'

const OFFER = sdpOf('offer')
const ANSWER = sdpOf('answer')
const closing: { close(): unknown }[] = []

afterEach(async () => {
  await Promise.all(closing.splice(0).map((one) => one.close()))
})

async function serve(handler: RequestHandler, options?: NodeListenerOptions): Promise<TestServer> {
  const listener = nodeListener(handler, options)
  const server = await httpServer((request, response) => listener(request, response))
  closing.push(server)
  return server
}

function serveAnswers(options: Partial<AnswerHandlerOptions> = {}): Promise<TestServer> {
  return serve(answerHandler({ answer: async () => ({ sdp: ANSWER, id: 'id7' }), path: '/gannet', ...options }))
}

/** A client of bare TCP: what it sent and what came back. */
async function rawClient(port: number): Promise<{ socket: Socket; text: () => string; isClosed: () => boolean }> {
  let text = ''
  let isClosed = false
  const socket = connect(port, '127.0.0.1')
  closing.push({ close: () => socket.destroy() })
  socket.on('data', (chunk) => (text += chunk.toString()))
  socket.on('error', () => {})
  socket.on('close', () => (isClosed = true))
  await new Promise<void>((resolve) => socket.on('connect', () => resolve()))
  return { socket, text: () => text, isClosed: () => isClosed }
}

const HEAD = 'POST /gannet HTTP/1.1\r\nhost: x\r\ncontent-type: application/sdp\r\n'

describe('nodeListener', () => {
  test('carries a whole exchange over node:http', async () => {
    const server = await serveAnswers()
    expect(await postOffer(`${server.origin}/gannet`, OFFER)).toEqual({
      sdp: ANSWER,
      location: `${server.origin}/gannet/id7`,
      ticket: undefined,
      awayMs: 0,
    })
  })

  test('hands the request over whole: url, method, headers, body', async () => {
    let seen: unknown
    const server = await serve(async (request) => {
      seen = [request.url, request.method, request.headers.get('x-room'), await request.text()]
      return new Response('made', { status: 202, headers: { 'x-answer': 'yes' } })
    })
    const response = await fetch(`${server.origin}/a/b?c=d`, {
      method: 'PUT',
      headers: { 'x-room': '3' },
      body: 'body',
    })
    expect([response.status, response.headers.get('x-answer'), await response.text()]).toEqual([202, 'yes', 'made'])
    expect(seen).toEqual([`${server.origin}/a/b?c=d`, 'PUT', '3', 'body'])
  })

  test('keeps the connection for more exchanges', async () => {
    const server = await serveAnswers()
    const { socket, text } = await rawClient(server.port)
    const request = `${HEAD}content-length: ${OFFER.length}\r\n\r\n${OFFER}`
    socket.write(request + request)
    await until(() => text().split('201 Created').length === 3)
  })

  test('lets others have what is not on its path, when there are others', async () => {
    const listener = nodeListener(answerHandler({ answer: async () => ({ sdp: ANSWER, id: '1' }) }), {
      path: '/gannet/',
    })
    const server = await httpServer((request, response) => listener(request, response, () => response.end('next')))
    closing.push(server)
    for (const path of ['/', '/gannets', '/x/gannet', '/index.html?/gannet']) {
      expect(await (await fetch(server.origin + path)).text()).toBe('next')
    }
    for (const path of ['/gannet', '/gannet/', '/gannet?x=1', '/gannet/1']) {
      expect(await (await fetch(server.origin + path)).text()).toContain('bad-method')
    }
  })

  test('believes the url before a mount path was cut off', async () => {
    let url = ''
    const listener = nodeListener(async (request) => {
      url = request.url
      return new Response(null)
    })
    const server = await httpServer((request, response) => {
      listener(Object.assign(request, { originalUrl: `/mounted${request.url}` }), response)
    })
    closing.push(server)
    await fetch(`${server.origin}/gannet`)
    expect(new URL(url).pathname).toBe('/mounted/gannet')
  })

  test.each(['a b', 'x/../y', '%%', '[', ''])('survives the Host header %j', async (host) => {
    const server = await serveAnswers()
    const { socket, text } = await rawClient(server.port)
    socket.write(`${HEAD.replace('host: x', `host: ${host}`)}content-length: ${OFFER.length}\r\n\r\n${OFFER}`)
    await until(() => text().startsWith('HTTP/1.1 201'))
  })

  test('answers before an endless body ends, and hangs up on it soon after', async () => {
    const server = await serveAnswers({ maxOfferBytes: 1000 })
    const { socket, text, isClosed } = await rawClient(server.port)
    socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n`)
    const piece = `1000\r\n${'x'.repeat(0x1000)}\r\n`
    const timer = setInterval(() => socket.write(piece), 1)
    closing.push({ close: () => clearInterval(timer) })
    await until(() => text().includes('413 Payload Too Large'))
    expect(text()).toContain('offer-too-large')
    await until(isClosed)
  })

  test('tells fetch the same in the middle of its upload', async () => {
    const server = await serveAnswers({ maxOfferBytes: 1000 })
    const response = await fetch(`${server.origin}/gannet`, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp' },
      body: 'x'.repeat(2_000_000),
    })
    expect(response.status).toBe(413)
  })

  test('answers a body that dribbles with 408 and hangs up', async () => {
    const server = await serveAnswers({ timeoutMs: 50 })
    const { socket, text, isClosed } = await rawClient(server.port)
    socket.write(`${HEAD}content-length: 5000\r\n\r\nv=0`)
    await until(() => text().includes('408 Request Timeout'))
    await until(isClosed)
  })

  test('tells the answerer when the client has gone', async () => {
    let signal: AbortSignal | undefined
    const server = await serveAnswers({
      answer: (_offer, _request, one) => {
        signal = one
        return new Promise(() => {})
      },
    })
    const { socket } = await rawClient(server.port)
    socket.write(`${HEAD}content-length: ${OFFER.length}\r\n\r\n${OFFER}`)
    await until(() => signal !== undefined)
    expect(signal!.aborted).toBe(false)
    socket.destroy()
    await until(() => signal!.aborted)
  })

  test('gives a handler’s failure to next, and hangs up where there is none', async () => {
    const broken: RequestHandler = () => Promise.reject(new Error('broken'))
    const listener = nodeListener(broken)
    const server = await httpServer((request, response) =>
      listener(request, response, (error) => response.writeHead(500).end(String(error))),
    )
    closing.push(server)
    expect(await (await fetch(server.origin)).text()).toBe('Error: broken')
    const bare = await serve(broken)
    await expect(fetch(bare.origin)).rejects.toThrow()
  })
})
