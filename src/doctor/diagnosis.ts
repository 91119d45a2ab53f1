export type Step =
  | 'url'
  | 'dns'
  | 'gathering'
  | 'http'
  | 'origin'
  | 'authorize'
  | 'offer'
  | 'ice'
  | 'dtls'
  | 'sctp'
  | 'protocol'

/** Steps of connecting, in their order. */
export const STEPS: readonly Step[] = [
  'url',
  'dns',
  'gathering',
  'http',
  'origin',
  'authorize',
  'offer',
  'ice',
  'dtls',
  'sctp',
  'protocol',
]

/** What can be wrong. Stable: a program may switch on the codes. */
export type AilmentCode =
  | 'bad-url'
  | 'dns-failed'
  | 'no-webrtc'
  | 'gathering-failed'
  | 'turn-refused'
  | 'connection-refused'
  | 'tls-failed'
  | 'http-timeout'
  | 'mixed-content'
  | 'cors-blocked'
  | 'unreachable'
  | 'not-found'
  | 'not-gannet'
  | 'origin-refused'
  | 'refused'
  | 'no-room'
  | 'server-failed'
  | 'offer-refused'
  | 'no-server-candidates'
  | 'private-address'
  | 'ice-failed'
  | 'dtls-failed'
  | 'sctp-failed'
  | 'silent'
  | 'protocol-mismatch'
  | 'rejected'

/** The step that each code belongs to, and what to do about it. */
export const AILMENTS: Readonly<Record<AilmentCode, readonly [Step, string]>> = {
  'bad-url': ['url', 'Give the address that the server takes offers at, such as https://game.example/gannet.'],
  'dns-failed': ['dns', 'The name does not resolve here: a typing error, a missing DNS record, or no network.'],
  'no-webrtc': ['gathering', 'There is no WebRTC here: use a current browser, or install node-datachannel.'],
  'gathering-failed': ['gathering', 'This machine makes no offer: see the detail.'],
  'turn-refused': [
    'gathering',
    'The TURN server turned us away: compare its secret with that of turnCredentials, its realm, and both clocks.',
  ],
  'connection-refused': ['http', 'Nothing listens on that TCP port: is the server running, and is that its port?'],
  'tls-failed': ['http', 'The encrypted connection failed: look at the certificate and at http against https.'],
  'http-timeout': [
    'http',
    'The server took the request and did not answer in time: is it overloaded, or authorize stuck?',
  ],
  'mixed-content': ['http', 'A page from https may not ask an http server: serve the game over https.'],
  'cors-blocked': [
    'http',
    'The server answers, but not to pages of this origin: let it send CORS headers (allowOrigin).',
  ],
  unreachable: ['http', 'No response: a firewall drops the packets, a proxy is in the way, or there is no network.'],
  'not-found': ['http', 'A server answers, but nothing of Gannet is at that path: compare it with the option path.'],
  'not-gannet': ['http', 'Something else answers there, most likely a web page: is a proxy or another route in front?'],
  'origin-refused': ['origin', 'Add the page’s origin to allowOrigin.'],
  refused: ['authorize', 'The game’s own authorize says no: look at its code and at what the client sends it.'],
  'no-room': [
    'authorize',
    'The server is full or busy at this moment: maxPeers, maxPending, rateLimit; or it is closing.',
  ],
  'server-failed': ['authorize', 'The server failed on its own account: its log says why.'],
  'offer-refused': ['offer', 'The server cannot make anything of this client’s offer: see the detail.'],
  'no-server-candidates': ['offer', 'The server has no address to be reached at: see its bindAddress and its network.'],
  'private-address': [
    'ice',
    'The server names private addresses, and they cannot be reached from here: set announce to its public address and port.',
  ],
  'ice-failed': [
    'ice',
    'No UDP packet gets through: open the server’s UDP port in every firewall on the way, check announce, or offer a TURN server.',
  ],
  'dtls-failed': ['dtls', 'A path was found, the encrypted handshake on it failed: is something rewriting the SDP?'],
  'sctp-failed': [
    'sctp',
    'The path is there, the DataChannel is not: packets of some size get lost, or the server gave up.',
  ],
  silent: ['protocol', 'The DataChannel is open and nothing answers on it: is another library’s server there?'],
  'protocol-mismatch': ['protocol', 'The two ends were built differently: compare protocol and channels.'],
  rejected: ['protocol', 'The server’s game refused the connection in its handshake.'],
}

/** What came of one step. */
export interface Finding {
  readonly step: Step
  readonly outcome: 'ok' | 'failed' | 'skipped'
  /** What was seen. */
  readonly detail: string
  /** Only of a step that failed. */
  readonly code?: AilmentCode
  /** What to do about it. */
  readonly hint?: string
}

export interface Diagnosis {
  readonly url: string
  readonly isHealthy: boolean
  /** The step that failed, or `undefined`. */
  readonly ailment: (Finding & { readonly code: AilmentCode; readonly hint: string }) | undefined
  /** One for each step. */
  readonly findings: readonly Finding[]
  /** Candidate pairs that ICE tried, as far as the platform tells. */
  readonly pairs: readonly string[]
}

/** Ends an examination: what is wrong, and what was seen of it. */
export class Ailment extends Error {
  readonly code: AilmentCode

  constructor(code: AilmentCode, detail: string) {
    super(detail)
    this.code = code
  }
}

/** The diagnosis as lines for people. */
export function linesOf({ findings, pairs, ailment }: Diagnosis): string[] {
  const marks = { ok: '✓', failed: '✗', skipped: '·' }
  const lines = findings.map(({ step, outcome, detail }) => `${marks[outcome]} ${step.padEnd(10)} ${detail}`.trimEnd())
  if (pairs.length > 0) lines.push('', 'candidate pairs:', ...pairs.map((pair) => `  ${pair}`))
  lines.push('', ailment === undefined ? 'healthy' : `${ailment.code}: ${ailment.hint}`)
  return lines
}
