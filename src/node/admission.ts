import type { PeerConnection, RtcConfig } from 'node-datachannel'
import { SignalRefusal } from '../signal/errors.ts'
import type { Native } from './native.ts'
import { NativeChannel } from './native-channel.ts'
import { cleanOffer } from './offer.ts'

/** A native connection made for one offer, until it is a peer's or given up. */
export class Admission {
  readonly id: string
  readonly transport: NativeChannel
  readonly #connection: PeerConnection
  readonly #gathered: Promise<void>

  /** Throws {@link SignalRefusal} if the offer is none that we can answer; nothing is left behind then. */
  constructor(id: string, offer: string, native: Native, config: RtcConfig) {
    const clean = cleanOffer(offer)
    const connection = new native.PeerConnection(id, config)
    this.id = id
    this.#connection = connection
    this.#gathered = new Promise((resolve) => {
      connection.onGatheringStateChange((state) => {
        if (state === 'complete') resolve()
      })
    })
    try {
      // Makes the answer too. Asked for separately, a gathering that fails would abort the process.
      connection.setRemoteDescription(clean, 'offer')
    } catch (error) {
      // Freed only when somebody hears of its closing.
      connection.onStateChange(() => {})
      connection.close()
      throw refusalOf(error)
    }
    this.transport = new NativeChannel(connection)
  }

  /** The answer with all candidates, or with those that there are after `gatheringTimeoutMs`. */
  async answer(gatheringTimeoutMs: number): Promise<string> {
    if (this.#connection.gatheringState() !== 'complete') {
      let timer: ReturnType<typeof setTimeout> | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, gatheringTimeoutMs)
      })
      await Promise.race([this.#gathered, late])
      clearTimeout(timer)
    }
    return this.#connection.localDescription()?.sdp ?? ''
  }
}

function refusalOf(error: unknown): SignalRefusal {
  const why = error instanceof Error ? error.message : String(error)
  if (/gather/i.test(why)) return new SignalRefusal(503, 'no-candidates', 'the server could not open a UDP port')
  return new SignalRefusal(400, 'bad-offer', 'the offer is SDP, but not one that a DataChannel can be made of')
}
