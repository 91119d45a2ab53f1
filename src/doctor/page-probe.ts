import { DataChannelTransport, failureOf } from '../browser/data-channel.ts'
import { gatherCandidates } from '../signal/gathering.ts'
import { Ailment, type AilmentCode } from './diagnosis.ts'
import type { Probe, ProbedConnection, Reached } from './examine.ts'

/** Time for a request that only shall show that the server is there, ms. */
const KNOCK_MS = 5_000

/** What an examination needs, of a page. */
export function pageProbe(rtc: RTCConfiguration): Probe {
  return {
    explain,
    connect() {
      if (typeof globalThis.RTCPeerConnection !== 'function') {
        throw new Ailment(
          'no-webrtc',
          'there is no RTCPeerConnection: an old browser, a worker, or WebRTC is switched off',
        )
      }
      return new PageConnection(rtc)
    },
  }
}

/** Browsers tell pages nothing of a request that failed; one without CORS shows whether anybody is there. */
async function explain(url: URL): Promise<AilmentCode> {
  if (globalThis.location?.protocol === 'https:' && url.protocol === 'http:') return 'mixed-content'
  try {
    await fetch(url, { method: 'GET', mode: 'no-cors', signal: AbortSignal.timeout(KNOCK_MS) })
    return 'cors-blocked'
  } catch {
    return 'unreachable'
  }
}

class PageConnection implements ProbedConnection {
  readonly transport: DataChannelTransport
  readonly #connection: RTCPeerConnection
  readonly #channel: RTCDataChannel
  readonly #hasTurn: boolean
  /** What STUN and TURN servers said against us. */
  readonly #complaints: RTCPeerConnectionIceErrorEvent[] = []

  constructor(rtc: RTCConfiguration) {
    const urls = (rtc.iceServers ?? []).flatMap((server) => server.urls)
    this.#hasTurn = urls.some((url) => url.startsWith('turn'))
    this.#connection = new RTCPeerConnection(rtc)
    this.#connection.addEventListener('icecandidateerror', (event) => this.#complaints.push(event))
    this.#channel = this.#connection.createDataChannel('gannet', {
      ordered: false,
      maxRetransmits: 0,
      negotiated: true,
      id: 0,
    })
    this.transport = new DataChannelTransport(this.#connection, this.#channel)
  }

  async offer(): Promise<string> {
    await this.#connection.setLocalDescription()
    const offer = await gatherCandidates(this.#connection, { timeoutMs: 3_000 })
    const refused = this.#complaints.find(
      ({ errorCode }) => errorCode === 401 || errorCode === 403 || errorCode === 441,
    )
    if (this.#hasTurn && refused !== undefined && !/ typ relay/.test(offer)) {
      throw new Ailment('turn-refused', `${refused.url}: ${refused.errorCode} ${refused.errorText}`)
    }
    return offer
  }

  answer(sdp: string): Promise<void> {
    return this.#connection.setRemoteDescription({ type: 'answer', sdp })
  }

  async reach(timeoutMs: number): Promise<Reached> {
    const endsAt = performance.now() + timeoutMs
    let failure: ReturnType<typeof failureOf>
    let pairs: string[] = []
    while (this.#channel.readyState === 'connecting' && failure === undefined && performance.now() < endsAt) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      failure = failureOf(this.#connection)
      // A browser forgets its pairs when ICE gives up.
      const seen = await pairsOf(this.#connection)
      if (seen.length > 0) pairs = seen
    }
    const { iceConnectionState: ice, connectionState } = this.#connection
    const detail = `ICE is ${ice}, the connection ${connectionState}, the channel ${this.#channel.readyState}`
    if (this.#channel.readyState === 'open') return { stage: 'open', detail, pairs }
    if (failure === 'dtls-failed') return { stage: 'dtls', detail, pairs }
    const hasPath = ice === 'connected' || ice === 'completed'
    if (failure === 'ice-failed' || !hasPath) return { stage: 'ice', detail, pairs }
    return { stage: connectionState === 'connected' ? 'sctp' : 'dtls', detail, pairs }
  }

  close(): void {
    this.transport.close()
  }
}

/** Every pair that ICE has tried, with its state. */
async function pairsOf(connection: RTCPeerConnection): Promise<string[]> {
  const report = new Map<string, Record<string, unknown>>()
  ;(await connection.getStats()).forEach((one: Record<string, unknown>, id: string) => {
    report.set(id, one)
  })
  const ends = (id: unknown): string => {
    const candidate = report.get(String(id))
    if (candidate === undefined) return '?'
    return `${candidate['address'] ?? 'hidden'}:${candidate['port']} (${candidate['candidateType']})`
  }
  return [...report.values()]
    .filter(({ type }) => type === 'candidate-pair')
    .map((pair) => {
      const { requestsSent = 0, responsesReceived = 0 } = pair as { requestsSent?: number; responsesReceived?: number }
      const counts = `${requestsSent} checks, ${responsesReceived} answers`
      return `${ends(pair['localCandidateId'])} → ${ends(pair['remoteCandidateId'])}: ${pair['state']}, ${counts}`
    })
}
