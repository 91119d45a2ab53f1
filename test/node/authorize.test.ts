import { afterEach, describe, expect, expectTypeOf, test, vi } from 'vitest'
import { authorizeWith, issueToken, type Player } from '../../examples/tokens.ts'
import { type ListenOptions, listen, type Server, SignalRefusal } from '../../src/node/index.ts'
import { NativeChannel } from '../../src/node/native-channel.ts'
import { postOffer, SignalError } from '../../src/signal/index.ts'
import { until } from '../transport/until.ts'
import { connectNative } from './native-client.ts'
import { createConnection, offerOf } from './native-pair.ts'

const LOOPBACK = '127.0.0.1'
const CHANNELS = { chat: { kind: 'ordered' } } as const
type Options<Data> = Partial<ListenOptions<typeof CHANNELS, Data>>
const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  vi.useRealTimers()
})

async function serve<Data = undefined>(options: Options<Data> = {}): Promise<Server<typeof CHANNELS, Data>> {
  const server = await listen<typeof CHANNELS, Data>({
    channels: CHANNELS,
    bindAddress: LOOPBACK,
    host: LOOPBACK,
    port: 0,
    ...options,
  })
  closing.push(() => server.close({ deadlineMs: 0 }))
  return server
}

async function offer(): Promise<string> {
  const connection = createConnection('never')
  const channel = new NativeChannel(connection)
  closing.push(() => channel.close())
  return await offerOf(connection)
}

async function refusal(work: Promise<unknown>): Promise<SignalError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(SignalError)
  return error as SignalError
}

describe('authorize', () => {
  test('gives the peer its data, typed', async () => {
    const server = await serve({ authorize: (request) => ({ name: request.headers.get('x-name') ?? '?', score: 0 }) })
    const client = await connectNative(server.url!, { channels: CHANNELS }, { 'x-name': 'Ada' })
    closing.push(() => client.close({ deadlineMs: 0 }))
    await until(() => server.peers.size === 1)
    const event = server.pollEvent()!
    expectTypeOf(event.peer.data).toEqualTypeOf<{ name: string; score: number }>()
    event.peer.data = { ...event.peer.data, score: 3 }
    expect(server.peers.get(client.id)?.data).toEqual({ name: 'Ada', score: 3 })
  })

  test('refuses, returned or thrown, with status, code and data that reach the client', async () => {
    const refuse = new SignalRefusal(403, 'banned', 'not until Monday', { data: { until: 'Monday' } })
    for (const authorize of [() => refuse, () => Promise.reject(refuse)]) {
      const server = await serve<undefined>({ authorize })
      const error = await refusal(postOffer(server.url!, await offer()))
      expect([error.code, error.status, error.problem]).toEqual([
        'refused',
        403,
        { code: 'banned', detail: 'not until Monday', data: { until: 'Monday' } },
      ])
      expect(server.refusals).toEqual({ banned: 1 })
    }
  })

  test('that fails is a 500 without its text, and an error in the log', async () => {
    const logged: unknown[] = []
    const nothing = () => {}
    const logger = { debug: nothing, info: nothing, warn: nothing, error: (...line: unknown[]) => logged.push(line) }
    const secret = new Error('the password is swordfish')
    const server = await serve<undefined>({ authorize: () => Promise.reject(secret), logger })
    const error = await refusal(postOffer(server.url!, await offer()))
    expect([error.status, error.problem?.code]).toEqual([500, 'internal'])
    expect(JSON.stringify(error.problem)).not.toContain('swordfish')
    expect(logged).toEqual([['an offer failed', { code: 'internal', address: LOOPBACK, error: secret }]])
  })

  test('comes before anything native, and its signal fires when the client has gone', async () => {
    let asked: AbortSignal | undefined
    const server = await serve({
      authorize: (_request, { signal }) => {
        asked = signal
        return new Promise<undefined>(() => {})
      },
    })
    const body = await offer()
    const leaving = new AbortController()
    const request = fetch(server.url!, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp' },
      body,
      signal: leaving.signal,
    })
    request.catch(() => {})
    await until(() => asked !== undefined)
    expect([server.pending, asked!.aborted]).toEqual([0, false])
    leaving.abort()
    await until(() => asked!.aborted)
    expect(server.pending).toBe(0)
  })

  test('may be under way only so often at once', async () => {
    const waiting: (() => void)[] = []
    const server = await serve<undefined>({
      maxPending: 2,
      authorize: () => new Promise((resolve) => waiting.push(() => resolve(undefined))),
    })
    const body = await offer()
    const first = [postOffer(server.url!, body), postOffer(server.url!, body)].map((one) => one.catch(() => {}))
    await until(() => waiting.length === 2)
    expect((await refusal(postOffer(server.url!, body))).problem?.code).toBe('too-many-pending')
    for (const go of waiting.splice(0)) go()
    await Promise.all(first)
  })
})

describe('short-lived tokens', () => {
  const SECRET = new TextEncoder().encode('a secret of thirty-two bytes or more')
  const ADA: Player = { id: '7', name: 'Ada' }
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  const protectedServer = () => serve<Player>({ authorize: authorizeWith(SECRET) })

  test('let their player in', async () => {
    const server = await protectedServer()
    const client = await connectNative(server.url!, { channels: CHANNELS }, bearer(await issueToken(ADA, SECRET)))
    closing.push(() => client.close({ deadlineMs: 0 }))
    await until(() => server.peers.size === 1)
    expect(server.peers.get(client.id)?.data).toEqual(ADA)
  })

  test('are refused the second time', async () => {
    const server = await protectedServer()
    const headers = bearer(await issueToken(ADA, SECRET))
    await postOffer(server.url!, await offer(), { headers })
    const error = await refusal(postOffer(server.url!, await offer(), { headers }))
    expect([error.status, error.problem?.code]).toEqual([401, 'token-used'])
    await postOffer(server.url!, await offer(), { headers: bearer(await issueToken(ADA, SECRET)) })
  })

  test.each([
    ['no-token', async () => ({})],
    ['bad-token', async () => bearer('x.y.z')],
    ['bad-token', async () => bearer(await issueToken(ADA, new TextEncoder().encode('another secret, just as long')))],
    ['token-expired', async () => bearer(await issueToken(ADA, SECRET, Date.now() - 31_000))],
  ])('are refused with %s when they should be', async (code, headersOf) => {
    const server = await protectedServer()
    const error = await refusal(postOffer(server.url!, await offer(), { headers: await headersOf() }))
    expect([error.status, error.problem?.code]).toEqual([401, code])
    expect(server.pending).toBe(0)
  })
})
