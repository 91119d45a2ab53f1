import { raceSignal } from './deadline.ts'

/** What gathering needs of a peer connection; any `RTCPeerConnection` is one. */
export interface Gatherer {
  readonly iceGatheringState: string
  readonly localDescription: { readonly sdp: string } | null
  addEventListener(type: 'icegatheringstatechange', listener: () => void): void
  removeEventListener(type: 'icegatheringstatechange', listener: () => void): void
}

export interface GatheringOptions {
  /** Time to wait for all candidates, ms. Default 2,000. 0 sends what there is at once. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/**
 * The local description once all ICE candidates are in it, or what there is of it after `timeoutMs`: a STUN server that
 * does not answer would hold everything up, and Chromium with no interface but loopback never completes. None at all is
 * no failure either: a peer that can be reached learns our address from the first check (RFC 8445, section 7.3.1.3).
 * Rejects only with the signal's reason.
 */
export async function gatherCandidates(connection: Gatherer, options: GatheringOptions = {}): Promise<string> {
  let stop = (): void => {}
  const gathered = new Promise<void>((resolve) => {
    const changed = () => {
      if (connection.iceGatheringState === 'complete') resolve()
    }
    const timer = setTimeout(resolve, options.timeoutMs ?? 2000)
    connection.addEventListener('icegatheringstatechange', changed)
    stop = () => {
      clearTimeout(timer)
      connection.removeEventListener('icegatheringstatechange', changed)
    }
    changed()
  })
  try {
    await (options.signal === undefined ? gathered : raceSignal(gathered, options.signal))
  } finally {
    stop()
  }
  return connection.localDescription?.sdp ?? ''
}
