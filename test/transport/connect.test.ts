import { afterEach, describe, expect, test, vi } from 'vitest'
import { type ConnectOptions, connect, SignalError, TransportError } from '../../src/browser/index.ts'
import { NetcodeError } from '../../src/index.ts'
import { sdpOf } from '../signal/sdp.ts'
import { FakeWebRtc, type Fate } from './fake-webrtc.ts'
import { until } from './until.ts'

const CHANNELS = { chat: { kind: 'ordered' } } as const
const URL_OF_SERVER = 'http://server.test/gannet'

interface Page {
  readonly webrtc: FakeWebRtc<typeof CHANNELS>
  /** What was asked of the server, as method and path. */
  readonly requests: string[]
  /** The tickets that its offers showed. */
  readonly tickets: (string | undefined)[]
}

/** A page in a browser of which only WebRTC, fetch and events exist. */
function page(fates: Fate[], answer: () => Response = answered, protocol = 'p'): Page {
  const webrtc = new FakeWebRtc({ channels: CHANNELS, protocol }, ...fates)
  const requests: string[] = []
  const tickets: (string | undefined)[] = []
  const fetchLike = async (url: URL | string, init: RequestInit): Promise<Response> => {
    requests.push(`${init.method} ${new URL(url).pathname}`)
    if (init.method === 'DELETE') return new Response(null, { status: 204 })
    tickets.push((init.headers as Record<string, string>)['gannet-ticket'])
    const response = answer()
    init.signal?.throwIfAborted()
    return response
  }
  vi.stubGlobal('RTCPeerConnection', webrtc.connectionClass())
  vi.stubGlobal('fetch', fetchLike)
  const events = new EventTarget()
  for (const name of ['addEventListener', 'removeEventListener', 'dispatchEvent'] as const) {
    vi.stubGlobal(name, events[name].bind(events))
  }
  return { webrtc, requests, tickets }
}

function answered(): Response {
  return new Response(sdpOf('answer'), {
    status: 201,
    headers: { 'content-type': 'application/sdp', location: '/gannet/id7' },
  })
}

function answeredWithTicket(): Response {
  const response = answered()
  response.headers.set('gannet-ticket', 'secret')
  return response
}

function connecting(options: Partial<ConnectOptions<typeof CHANNELS>> = {}) {
  return connect(URL_OF_SERVER, { channels: CHANNELS, protocol: 'p', ...options })
}

async function failure(work: Promise<unknown>): Promise<TransportError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(TransportError)
  return error as TransportError
}

afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

describe('connect', () => {
  test('resolves to an open peer named by the server, whose open event waits to be polled', async () => {
    const { webrtc, requests } = page(['opens'])
    const iceServers = [{ urls: 'stun:stun.test' }]
    const peer = await connecting({ iceServers })
    expect([peer.state, peer.id, peer.pollEvent()]).toEqual(['open', 'id7', { type: 'open' }])
    expect(requests).toEqual(['POST /gannet'])
    const [connection] = webrtc.connections
    expect(connection!.configuration).toEqual({ iceServers, iceTransportPolicy: 'all' })
    expect(connection!.channelOptions).toEqual({ ordered: false, maxRetransmits: 0, negotiated: true, id: 0 })
    peer.close()
    expect((await webrtc.peers[0]!.closed).kind).toBe('peer')
    await peer.closed
    expect(webrtc.live).toBe(0)
  })

  test.each(['ice-fails', 'dtls-fails', 'closes'] as const)(
    'tries again with a new connection after one that %s, and withdraws its offer',
    async (fate) => {
      const { webrtc, requests } = page([fate, fate, 'opens'])
      const peer = await connecting()
      expect(peer.state).toBe('open')
      expect(webrtc.connections.length).toBe(3)
      expect(webrtc.live).toBe(1)
      expect(requests.filter((request) => request === 'DELETE /gannet/id7').length).toBe(2)
      peer.close({ deadlineMs: 0 })
      await peer.closed
    },
  )

  test('tries again after a connection on which nothing comes through', async () => {
    const { webrtc } = page(['silent', 'opens'])
    const peer = await connecting({ endpoint: { timeoutMs: 500 } })
    expect(webrtc.connections.length).toBe(2)
    peer.close({ deadlineMs: 0 })
    await peer.closed
    expect(webrtc.live).toBe(0)
  })

  test('says goodbye when the page goes, and stops listening for that when it is over', async () => {
    const { webrtc } = page(['opens'])
    const peer = await connecting()
    globalThis.dispatchEvent(new Event('pagehide'))
    expect(peer.state).toBe('closed')
    expect(await webrtc.peers[0]!.closed).toMatchObject({ kind: 'peer', code: 0 })
    await peer.closed
  })

  test('uses the transport that wrapTransport makes of its own', async () => {
    page(['opens'])
    let sends = 0
    const peer = await connecting({
      wrapTransport: (transport) => {
        const send = transport.send.bind(transport)
        transport.send = (packet) => {
          sends++
          send(packet)
        }
        return transport
      },
    })
    expect(sends).toBeGreaterThan(0)
    peer.close({ deadlineMs: 0 })
    await peer.closed
  })
})

describe('connect fails with', () => {
  test('webrtc-missing where there is no RTCPeerConnection', async () => {
    vi.stubGlobal('RTCPeerConnection', undefined)
    expect((await failure(connecting())).code).toBe('webrtc-missing')
  })

  test('bad-url and bad-option before any connection is made', async () => {
    const { webrtc } = page(['opens'])
    await expect(connect('ws://x', { channels: CHANNELS })).rejects.toThrow(SignalError)
    await expect(connecting({ endpoint: { timeoutMs: 1 } })).rejects.toThrow(NetcodeError)
    expect(webrtc.connections).toEqual([])
  })

  test('the word of signalling, at once', async () => {
    const { webrtc } = page(['opens'], () => new Response('<html>', { status: 404 }))
    await expect(connecting()).rejects.toMatchObject({ name: 'SignalError', code: 'not-found' })
    expect([webrtc.connections.length, webrtc.live]).toEqual([1, 0])
  })

  test('protocol when the ends differ, at once, with the difference', async () => {
    const { webrtc } = page(['opens'], answered, 'another')
    const error = await failure(connecting())
    expect([error.code, error.reason]).toMatchObject(['protocol', { kind: 'protocol', violation: 'protocol' }])
    expect(webrtc.connections.length).toBe(1)
    await until(() => webrtc.live === 0)
  })

  test.each([
    ['ice-fails', 'ice-failed'],
    // Firefox, when no candidate of the answer goes with one of its own.
    ['ice-finds-no-pair', 'ice-failed'],
    ['dtls-fails', 'dtls-failed'],
    ['closes', 'channel-closed'],
  ] as const)('timeout when no attempt succeeds, with what the last one said: %s, %s', async (fate, code) => {
    const { webrtc } = page([fate])
    const error = await failure(connecting({ timeoutMs: 400 }))
    expect([error.code, (error.cause as TransportError).code]).toEqual(['timeout', code])
    expect(error.message).toMatch(/400 ms, 2 attempt/)
    expect(webrtc.live).toBe(0)
  })

  test.each([
    ['hangs', 'ice-failed'],
    ['hangs-after-ice', 'channel-timeout'],
  ] as const)('timeout after a connection that %s: the last attempt’s word is %s', async (fate, code) => {
    vi.useFakeTimers()
    const { webrtc } = page([fate])
    const outcome = failure(connecting({ timeoutMs: 12_000 }))
    await vi.advanceTimersByTimeAsync(12_000)
    const error = await outcome
    expect([error.code, (error.cause as TransportError).code]).toEqual(['timeout', code])
    expect([webrtc.connections.length, webrtc.live]).toEqual([2, 0])
  })

  test.each(['hangs', 'silent', 'ice-fails'] as const)(
    'aborted at any time, with the caller’s reason: %s',
    async (fate) => {
      const { webrtc } = page([fate])
      const controller = new AbortController()
      const reason = new Error('the player went back to the menu')
      const outcome = failure(connecting({ signal: controller.signal }))
      setTimeout(() => controller.abort(reason), 40)
      const error = await outcome
      expect([error.code, error.cause]).toEqual(['aborted', reason])
      await until(() => webrtc.live === 0)
    },
  )

  test('aborted before it began', async () => {
    const { webrtc } = page(['opens'])
    expect((await failure(connecting({ signal: AbortSignal.abort() }))).code).toBe('aborted')
    await until(() => webrtc.live === 0)
  })

  test('what wrapTransport throws, and frees the pipe', async () => {
    const { webrtc } = page(['opens'])
    const wrapTransport = () => {
      throw new Error('bad weather')
    }
    await expect(connecting({ wrapTransport })).rejects.toThrow('bad weather')
    await until(() => webrtc.live === 0)
  })
})

describe('further pipes', () => {
  test('are opened at the place of the first, with its ticket, and end with the peer', async () => {
    const { webrtc, requests, tickets } = page(['opens'], answeredWithTicket)
    const peer = await connecting({ pipes: { min: 3 } })
    await until(() => requests.length === 3)
    expect(requests).toEqual(['POST /gannet', 'POST /gannet/id7', 'POST /gannet/id7'])
    expect(tickets).toEqual([undefined, 'secret', 'secret'])
    await until(() => webrtc.connections.filter((one) => one.connectionState === 'connected').length === 3)
    peer.close({ deadlineMs: 0 })
    await peer.closed
    expect(webrtc.live).toBe(0)
  })

  test('are not asked for where there is no ticket or no wish', async () => {
    for (const [answer, pipes] of [
      [answered, { min: 3 }],
      [answeredWithTicket, { max: 1 }],
    ] as const) {
      const { requests } = page(['opens'], answer)
      const peer = await connecting({ pipes })
      await new Promise((resolve) => setTimeout(resolve, 50))
      peer.close({ deadlineMs: 0 })
      await peer.closed
      expect(requests).toEqual(['POST /gannet'])
    }
  })

  test('that fail leave the peer as it is, and are not asked for again at once', async () => {
    const { webrtc, requests } = page(['opens', 'ice-fails'], answeredWithTicket)
    const peer = await connecting({ pipes: { min: 2 } })
    await until(() => webrtc.connections.length === 2 && webrtc.live === 1)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect([peer.state, requests.length]).toEqual(['open', 3])
    expect(requests[2]).toBe('DELETE /gannet/id7')
    peer.close({ deadlineMs: 0 })
    await peer.closed
  })

  test('out of range are refused before anything is opened', async () => {
    const { requests } = page(['opens'])
    await expect(connecting({ pipes: { max: 0 } })).rejects.toThrow(NetcodeError)
    expect(requests).toEqual([])
  })
})
