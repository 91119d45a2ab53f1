import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { PeerConnection } from 'node-datachannel'
import { Ailment, type AilmentCode } from '../doctor/diagnosis.ts'
import type { Probe, ProbedConnection, Reached } from '../doctor/examine.ts'
import { loadNative } from '../node/native.ts'
import { NativeChannel } from '../node/native-channel.ts'

/** What an examination needs, of Node. `bindAddress`: for a machine with more than one network. */
export function nativeProbe(bindAddress: string | undefined): Probe {
  return {
    async lookup(hostname) {
      if (isIP(hostname) !== 0) return [hostname]
      return (await lookup(hostname, { all: true })).map(({ address }) => address)
    },
    explain: (_url, error) => Promise.resolve(codeOf(error)),
    async connect() {
      try {
        const native = await loadNative()
        const connection = new native.PeerConnection('doctor', {
          iceServers: [],
          disableAutoNegotiation: true,
          ...(bindAddress !== undefined && { bindAddress }),
        })
        return new NativeConnection(connection)
      } catch (error) {
        throw new Ailment('no-webrtc', error instanceof Error ? error.message : String(error))
      }
    },
  }
}

/** Node hides the errno in causes. */
function codeOf(error: unknown): AilmentCode {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code = '' } = cause as { code?: string }
    if (code === 'ECONNREFUSED') return 'connection-refused'
    if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'dns-failed'
    if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|UNABLE_TO|SELF_SIGNED|EPROTO)/.test(code)) return 'tls-failed'
  }
  return 'unreachable'
}

class NativeConnection implements ProbedConnection {
  readonly transport: NativeChannel
  readonly #connection: PeerConnection
  readonly #settled: Promise<'open' | 'ended'>

  constructor(connection: PeerConnection) {
    this.#connection = connection
    this.transport = new NativeChannel(connection)
    this.#settled = new Promise((resolve) => {
      this.transport.onOpen = () => resolve('open')
      this.transport.onEnd = () => resolve('ended')
    })
  }

  /**
   * Without candidates, as a page behind mDNS names is: the server's first checks could come before its answer is known here, and
   * the library then fails the DTLS handshake for want of a fingerprint.
   */
  async offer(): Promise<string> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 3_000)
      this.#connection.onGatheringStateChange((state) => {
        if (state !== 'complete') return
        clearTimeout(timer)
        resolve()
      })
      this.#connection.setLocalDescription('offer')
    })
    return this.#connection.localDescription()?.sdp.replace(/^a=candidate:.*\r?\n/gm, '') ?? ''
  }

  async answer(sdp: string): Promise<void> {
    this.#connection.setRemoteDescription(sdp, 'answer' as Parameters<PeerConnection['setRemoteDescription']>[1])
  }

  async reach(timeoutMs: number): Promise<Reached> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), timeoutMs)
    })
    const pairs = this.#pairs()
    // The library forgets the states below once the connection has ended.
    let ice = this.#connection.iceState()
    this.#connection.onIceStateChange((state) => {
      if (state !== 'closed') ice = state as typeof ice
    })
    const outcome = await Promise.race([this.#settled, late])
    clearTimeout(timer)
    const detail = `ICE is ${ice}, ${outcome === 'late' ? `not open after ${timeoutMs} ms` : `the channel ${outcome}`}`
    if (outcome === 'open') return { stage: 'open', detail, pairs: this.#pairs() }
    const hasPath = ice === 'connected' || ice === 'completed'
    // A handshake that fails ends the connection; SCTP that does not come leaves it waiting.
    return { stage: hasPath ? (outcome === 'ended' ? 'dtls' : 'sctp') : 'ice', detail, pairs }
  }

  close(): void {
    this.transport.close()
  }

  /** The library does not tell each pair's checks: what there is to pair, or the pair that was chosen. */
  #pairs(): string[] {
    const chosen = this.#connection.getSelectedCandidatePair()
    if (chosen !== null) {
      const { local, remote } = chosen
      return [
        `${local.address}:${local.port} (${local.type}) → ${remote.address}:${remote.port} (${remote.type}): chosen`,
      ]
    }
    const ends = (sdp = ''): string[] =>
      [...sdp.matchAll(/^a=candidate:\S+ \d+ \S+ \d+ (\S+) (\d+) typ (\w+)/gm)].map((m) => `${m[1]}:${m[2]} (${m[3]})`)
    const remote = ends(this.#connection.remoteDescription()?.sdp)
    return ends(this.#connection.localDescription()?.sdp).flatMap((from) =>
      remote.map((to) => `${from} → ${to}: no answer`),
    )
  }
}
