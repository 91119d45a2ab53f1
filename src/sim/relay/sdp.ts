import { isIP } from 'node:net'

/** An address that UDP packets can be sent to: an IP literal, never a name. */
export interface UdpAddress {
  readonly address: string
  readonly port: number
}

export interface RelayAnswerOptions {
  /**
   * The answerer's address as the relay reaches it: picks one of several host candidates, and stands in for an mDNS
   * name, which hides it. An answerer bound to one address gives that one. Default: the first candidate of the relay's own family, else the first.
   */
  bindAddress?: string
}

export interface RelayedAnswer {
  /** The answer with the relay's address in place of the answerer's. */
  readonly sdp: string
  /** Where the relay must forward to. */
  readonly target: UdpAddress
  /** Every place at which the answerer can be reached directly, highest priority first; `target` is one of them. */
  readonly targets: readonly UdpAddress[]
}

/** One `a=candidate` line (RFC 8839, section 5.1). */
interface Candidate {
  readonly foundation: string
  readonly component: string
  readonly transport: string
  readonly priority: string
  readonly address: string
  readonly port: number
  readonly type: string
  /** Extension attributes after the type, with their leading blank. */
  readonly rest: string
}

const CANDIDATE = /^a=candidate:(\S+) (\d+) (\S+) (\d+) (\S+) (\d+) typ (\S+)(.*)$/i

/** Port of an `m=` line that says nothing, because candidates will (RFC 8840, section 4.1.1). */
const DISCARD_PORT = '9'

/**
 * The places at which the sender of `sdp` can be reached directly over UDP: its host candidates, highest priority first,
 * each once. Other types, TCP and the second component (RTCP) are left out; so are mDNS names, unless `bindAddress` says what they stand for.
 */
export function udpTargets(sdp: string, options: RelayAnswerOptions = {}): readonly UdpAddress[] {
  const byPriority = candidatesOf(sdp)
    .filter(isHostOverUdp)
    .sort((a, b) => Number(b.priority) - Number(a.priority))
  const targets = new Map<string, UdpAddress>()
  for (const candidate of byPriority) {
    const address = isIP(candidate.address) === 0 ? options.bindAddress : candidate.address
    if (address === undefined || candidate.port === 0) continue
    const target = { address, port: candidate.port }
    targets.set(addressText(target), target)
  }
  return [...targets.values()]
}

/**
 * Sends the reader of an SDP answer to a relay instead of to the answerer: one candidate line per media section stays,
 * with the relay's address and port; all others go, since each would be a way around. Where `m=` and `c=` name an address they name the relay's.
 * Throws when the answer has no candidate that a UDP relay could stand for.
 *
 * The answerer may still find a way around on its own, from the candidates in the offer, and does so when the browser shows its
 * real addresses instead of mDNS names: take them out with {@link withoutCandidates}, or see in the counters that packets pass.
 */
export function relayAnswer(sdp: string, relay: UdpAddress, options: RelayAnswerOptions = {}): RelayedAnswer {
  if (isIP(relay.address) === 0) throw new RangeError(`relay address: ${relay.address}, expected an IP address`)
  if (options.bindAddress !== undefined && isIP(options.bindAddress) === 0) {
    throw new RangeError(`bindAddress: ${options.bindAddress}, expected an IP address`)
  }
  const targets = udpTargets(sdp, options)
  const target = choose(targets, relay, options.bindAddress)
  if (target === undefined) throw new Error(`no usable UDP host candidate in the answer: ${whatIsThere(sdp, options)}`)
  return { sdp: rewritten(sdp, relay, target, options), target, targets }
}

/**
 * `sdp` without its candidates and without addresses in `m=` and `c=`. An offer treated so gives the answerer no address
 * to check directly: it learns only of the relay, from the first packet that comes through it.
 */
export function withoutCandidates(sdp: string): string {
  return mapLines(sdp, (line) => {
    if (line.startsWith('a=candidate:')) return undefined
    if (line.startsWith('m=')) return withMediaPort(line, DISCARD_PORT)
    if (line.startsWith('c=')) return line.startsWith('c=IN IP6') ? 'c=IN IP6 ::' : 'c=IN IP4 0.0.0.0'
    return line
  })
}

function choose(
  targets: readonly UdpAddress[],
  relay: UdpAddress,
  bindAddress: string | undefined,
): UdpAddress | undefined {
  if (bindAddress !== undefined) {
    const wanted = bindAddress.toLowerCase()
    return targets.find((target) => target.address.toLowerCase() === wanted)
  }
  const family = isIP(relay.address)
  // Link-local addresses need a zone, which a candidate does not carry.
  const routable = targets.filter((target) => !/^fe[89ab]/i.test(target.address))
  return routable.find((target) => isIP(target.address) === family) ?? routable[0] ?? targets[0]
}

function rewritten(sdp: string, relay: UdpAddress, target: UdpAddress, options: RelayAnswerOptions): string {
  const connection = `c=IN IP${isIP(relay.address)} ${relay.address}`
  let isInRejected = false
  let hasCandidate = false
  return mapLines(sdp, (line) => {
    if (line.startsWith('m=')) {
      const port = mediaPort(line)
      isInRejected = port === '0'
      hasCandidate = false
      return isInRejected || port === DISCARD_PORT ? line : withMediaPort(line, String(relay.port))
    }
    if (line.startsWith('c=')) return isInRejected || /^c=IN IP[46] (0\.0\.0\.0|::)$/i.test(line) ? line : connection
    if (!line.startsWith('a=candidate:')) return line
    const candidate = parsed(line)
    if (candidate === undefined || hasCandidate || !isHostOverUdp(candidate)) return undefined
    const address = isIP(candidate.address) === 0 ? options.bindAddress : candidate.address
    if (address !== target.address || candidate.port !== target.port) return undefined
    hasCandidate = true
    const { foundation, component, transport, priority, rest } = candidate
    return `a=candidate:${foundation} ${component} ${transport} ${priority} ${relay.address} ${relay.port} typ host${rest}`
  })
}

function candidatesOf(sdp: string): Candidate[] {
  const candidates: Candidate[] = []
  for (const line of sdp.split(/\r?\n/)) {
    const candidate = parsed(line)
    if (candidate !== undefined) candidates.push(candidate)
  }
  return candidates
}

function parsed(line: string): Candidate | undefined {
  const match = CANDIDATE.exec(line.trimEnd())
  if (match === null) return undefined
  const [, foundation, component, transport, priority, address, port, type, rest] = match as unknown as string[]
  return {
    foundation: foundation!,
    component: component!,
    transport: transport!,
    priority: priority!,
    address: address!,
    port: Number(port),
    type: type!,
    rest: rest!,
  }
}

function isHostOverUdp(candidate: Candidate): boolean {
  return candidate.transport.toLowerCase() === 'udp' && candidate.type === 'host' && candidate.component === '1'
}

/** What an answer without a usable candidate has instead, for the message. */
function whatIsThere(sdp: string, options: RelayAnswerOptions): string {
  const found = candidatesOf(sdp).map((it) => `${it.transport} ${it.address}:${it.port} ${it.type}`)
  const wish = options.bindAddress === undefined ? '' : `, expected one at ${options.bindAddress}`
  return `${found.length === 0 ? 'it has no candidates' : `it has ${found.join(', ')}`}${wish}`
}

function addressText(target: UdpAddress): string {
  return `${target.address} ${target.port}`
}

/** `m=application 9 UDP/DTLS/SCTP …`: the second word. */
function mediaPort(line: string): string {
  return line.split(' ')[1] ?? ''
}

function withMediaPort(line: string, port: string): string {
  if (mediaPort(line) === '0') return line
  return line.replace(/^(m=\S+) \S+/, `$1 ${port}`)
}

/** `edit` applied to each line, which is dropped when it returns undefined; the line ends stay as they are. */
function mapLines(sdp: string, edit: (line: string) => string | undefined): string {
  return sdp.replace(/([^\r\n]+)(\r?\n|$)/g, (_, line: string, end: string) => {
    const edited = edit(line)
    return edited === undefined ? '' : edited + end
  })
}
