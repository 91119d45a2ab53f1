import type { ChannelTable, CloseReason } from '../index.ts'
import { addressOf, postOffer } from '../signal/client.ts'
import { SignalError } from '../signal/errors.ts'
import { createEndpoint } from '../transport/endpoint.ts'
import { systemHost } from '../transport/host.ts'
import { Peer } from '../transport/peer.ts'
import type { Transport } from '../transport/transport.ts'
import { AILMENTS, Ailment, type AilmentCode, type Diagnosis, type Finding, STEPS, type Step } from './diagnosis.ts'

/** Time for our own handshake over an open channel, ms. */
const HANDSHAKE_MS = 5_000
/** Channels of a doctor that was not told the game's: a server that refuses them has understood them. */
const UNKNOWN_CHANNELS = { doctor: { kind: 'reliable' } } as const

export interface ExamineOptions {
  /** The game's channels; without them it is only known that a server of Gannet answers. */
  readonly channels?: ChannelTable
  /** The game's protocol name. Default `''`. */
  readonly protocol?: string
  /** Headers of the offer, such as `Authorization`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Time for the HTTP exchange, and again for the path, ms. Default 10,000. */
  readonly timeoutMs?: number
}

/** How far a connection came. */
export interface Reached {
  readonly stage: 'ice' | 'dtls' | 'sctp' | 'open'
  readonly detail: string
  readonly pairs: readonly string[]
}

/** A connection under examination. */
export interface ProbedConnection {
  /** The offer with what candidates there are; throws {@link Ailment}. */
  offer(): Promise<string>
  answer(sdp: string): Promise<void>
  /** Waits until the channel is open, or it is known that it will not be. */
  reach(timeoutMs: number): Promise<Reached>
  readonly transport: Transport
  close(): void
}

/** What an examination needs of its platform. */
export interface Probe {
  /** Addresses of a name; absent where nobody tells. Rejects when it has none. */
  readonly lookup?: (hostname: string) => Promise<readonly string[]>
  /** Why a request found no response. */
  readonly explain: (url: URL, error: SignalError) => Promise<AilmentCode>
  /** Throws {@link Ailment} `no-webrtc`. */
  readonly connect: () => ProbedConnection | Promise<ProbedConnection>
}

/** Goes through every step of connecting to `url`, and says which one fails. Never rejects. */
export async function examine(url: string | URL, probe: Probe, options: ExamineOptions = {}): Promise<Diagnosis> {
  const seen = new Map<Step, string>()
  let pairs: readonly string[] = []
  let connection: ProbedConnection | undefined
  let failure: Ailment | undefined
  try {
    const address = urlOf(url)
    seen.set('url', address.href)
    const resolved = probe.lookup === undefined ? [] : await lookup(probe.lookup, address.hostname)
    if (resolved.length > 0) seen.set('dns', resolved.join(', '))
    connection = await probe.connect()
    const offer = await connection.offer()
    seen.set('gathering', `${countOf(offer)} candidates of our own`)
    const answer = await signal(address, offer, probe, options)
    for (const step of ['http', 'origin', 'authorize'] as const) seen.set(step, '')
    seen.set('offer', `answered with ${candidatesOf(answer).join(', ')}`)
    await connection.answer(answer)
    const reached = await connection.reach(options.timeoutMs ?? 10_000)
    pairs = reached.pairs
    checkPath(reached, answer, resolved.length > 0 ? resolved : [address.hostname])
    for (const step of ['ice', 'dtls', 'sctp'] as const) seen.set(step, '')
    seen.set('protocol', await shakeHands(connection.transport, options))
  } catch (error) {
    failure = error instanceof Ailment ? error : new Ailment('gathering-failed', String(error))
  } finally {
    connection?.close()
  }
  return diagnosisOf(String(url), seen, pairs, failure)
}

function diagnosisOf(
  url: string,
  seen: ReadonlyMap<Step, string>,
  pairs: readonly string[],
  failure: Ailment | undefined,
): Diagnosis {
  const [failed, hint] = failure === undefined ? [] : AILMENTS[failure.code]
  const at = failed === undefined ? STEPS.length : STEPS.indexOf(failed)
  const findings = STEPS.map((step, i): Finding => {
    if (i === at) return { step, outcome: 'failed', detail: failure!.message, code: failure!.code, hint: hint! }
    const detail = seen.get(step)
    // What comes before the failure went well, though nobody told of it.
    if (i > at || (detail === undefined && step === 'dns')) return { step, outcome: 'skipped', detail: '' }
    return { step, outcome: 'ok', detail: detail ?? '' }
  })
  const ailment = findings[at] as Diagnosis['ailment']
  return { url, isHealthy: ailment === undefined, ailment, findings, pairs }
}

function urlOf(url: string | URL): URL {
  try {
    return addressOf(url)
  } catch (error) {
    throw new Ailment('bad-url', error instanceof Error ? error.message : String(error))
  }
}

async function lookup(resolve: NonNullable<Probe['lookup']>, hostname: string): Promise<readonly string[]> {
  try {
    return await resolve(hostname.replace(/^\[|\]$/g, ''))
  } catch (error) {
    throw new Ailment('dns-failed', `${hostname}: ${error instanceof Error ? error.message : error}`)
  }
}

const BUSY = new Set(['server-full', 'too-many-pending', 'too-many-offers', 'server-closing'])
const OFFER = new Set(['bad-offer', 'offer-too-large', 'offer-cut', 'offer-timeout', 'not-sdp'])

async function signal(address: URL, offer: string, probe: Probe, options: ExamineOptions): Promise<string> {
  const { headers = {}, timeoutMs = 10_000 } = options
  try {
    return (await postOffer(address, offer, { headers, timeoutMs })).sdp
  } catch (error) {
    if (!(error instanceof SignalError)) throw error
    throw new Ailment(await codeOf(address, error, probe), error.message)
  }
}

async function codeOf(address: URL, error: SignalError, probe: Probe): Promise<AilmentCode> {
  const code = error.problem?.code
  switch (error.code) {
    case 'unreachable':
      return probe.explain(address, error)
    case 'timeout':
      return 'http-timeout'
    case 'not-found':
      return 'not-found'
    case 'refused':
      if (code === 'origin-refused') return code
      if (code === 'no-candidates') return 'no-server-candidates'
      if (code === 'internal' || code === 'answer-timeout' || code === 'gone') return 'server-failed'
      if (code !== undefined && BUSY.has(code)) return 'no-room'
      return code !== undefined && OFFER.has(code) ? 'offer-refused' : 'refused'
    default:
      return 'not-gannet'
  }
}

/** `hosts`: what the server is called, or the addresses behind the name. */
function checkPath({ stage, detail }: Reached, answer: string, hosts: readonly string[]): void {
  if (stage === 'open') return
  if (stage !== 'ice') throw new Ailment(`${stage}-failed`, detail)
  const addresses = candidatesOf(answer).map((candidate) => candidate.split(' ')[0]!)
  const isLocal = hosts.some((host) => isPrivate(host) || host === 'localhost')
  const code = !isLocal && addresses.every(isPrivate) ? 'private-address' : 'ice-failed'
  throw new Ailment(code, `${detail}; the server named ${addresses.join(', ')}`)
}

/** RFC 1918, RFC 6598, RFC 3927, RFC 4193, loopback. */
function isPrivate(address: string): boolean {
  return /^(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd][\da-f]{2}:|fe80:|::1$|\[::1\]$)/i.test(
    address,
  )
}

const countOf = (sdp: string): number => sdp.match(/^a=candidate:/gm)?.length ?? 0

/** `address port type` of each candidate. */
function candidatesOf(sdp: string): string[] {
  const lines = sdp.match(/^a=candidate:.*$/gm) ?? []
  return lines.map((line) => {
    const [, , , , address, port, , type] = line.trim().split(' ')
    return `${address} ${port} ${type}`
  })
}

/** Gannet's own handshake over the open channel; returns what was seen. */
async function shakeHands(transport: Transport, options: ExamineOptions): Promise<string> {
  const { channels = UNKNOWN_CHANNELS, protocol = '' } = options
  const endpoint = createEndpoint(
    'client',
    { channels, protocol, endpoint: { timeoutMs: HANDSHAKE_MS } },
    transport,
    systemHost,
  )
  let decide = (): void => {}
  const decided = new Promise<void>((resolve) => {
    decide = resolve
  })
  const onProgress = () => peer.state !== 'connecting' && decide()
  const peer: Peer<ChannelTable> = new Peer({ id: 'doctor', endpoint, transport, host: systemHost, onProgress })
  await decided
  if (peer.state === 'open') {
    peer.close({ deadlineMs: 0 })
    await peer.closed
    return 'the handshake is done'
  }
  return judged(await peer.closed, options)
}

function judged(reason: CloseReason, options: ExamineOptions): string {
  switch (reason.kind) {
    case 'protocol':
      if (options.channels === undefined) return 'a server of Gannet answers; its channels are not known here'
      throw new Ailment('protocol-mismatch', reason.detail)
    case 'timeout':
      throw new Ailment('silent', `nothing came through the channel within ${Math.round(reason.silentMs)} ms`)
    case 'rejected':
    case 'peer':
      throw new Ailment('rejected', `refused with code ${reason.code}`)
    default:
      throw new Ailment('sctp-failed', `the channel ended during the handshake: ${reason.kind}`)
  }
}
