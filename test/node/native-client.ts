import type { ChannelTable } from '../../src/index.ts'
import { NativeChannel } from '../../src/node/native-channel.ts'
import { postOffer } from '../../src/signal/index.ts'
import { createEndpoint, type ProtocolOptions } from '../../src/transport/endpoint.ts'
import { systemHost } from '../../src/transport/host.ts'
import { Peer } from '../../src/transport/peer.ts'
import { createConnection, offerOf, opened } from './native-pair.ts'

export interface NativePipe {
  readonly transport: NativeChannel
  readonly location: string
  /** Lets further pipes join the same peer; `''` for a pipe that has joined one. */
  readonly ticket: string
}

/** What a page does, with libdatachannel in place of a browser: offer, POST, answer, open channel. */
export async function openNativePipe(
  url: string,
  headers: Record<string, string> = {},
  ticket?: string,
): Promise<NativePipe> {
  const connection = createConnection('client')
  const transport = new NativeChannel(connection)
  try {
    const open = opened(transport)
    open.catch(() => {})
    const answer = await postOffer(url, await offerOf(connection), { headers, ticket })
    connection.setRemoteDescription(answer.sdp, 'answer')
    await open
    return { transport, location: answer.location!, ticket: answer.ticket ?? '' }
  } catch (error) {
    transport.close()
    throw error
  }
}

/** A client peer on such a pipe; open or refused when its state says so. */
export async function connectNative<const C extends ChannelTable>(
  url: string,
  options: ProtocolOptions<C>,
  headers: Record<string, string> = {},
): Promise<Peer<C>> {
  const { transport, location } = await openNativePipe(url, headers)
  const endpoint = createEndpoint('client', options, transport, systemHost)
  return new Peer<C>({ id: location.split('/').pop()!, endpoint, transport, host: systemHost })
}
