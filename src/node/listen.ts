import type { ChannelTable } from '../index.ts'
import { createEndpoint } from '../transport/endpoint.ts'
import { systemHost } from '../transport/host.ts'
import { DATAGRAM_PACKET_BYTES } from '../transport/transport.ts'
import { openHttp, type SignalHttp } from './http.ts'
import { loadNative } from './native.ts'
import { Server, type ServerOptions } from './server.ts'
import { defaultBindAddress, holdUdp } from './udp.ts'

export interface ListenOptions<C extends ChannelTable> extends ServerOptions<C> {
  /** HTTP port to open for offers; 0 picks one. Default none: mount `server.handle` or `server.nodeListener` on a server of yours. */
  readonly port?: number
  /** Address of the HTTP port. Default all. */
  readonly host?: string
  /** One UDP port for all peers. Default 0: a port of its own for each. */
  readonly udpPort?: number
  /** Address of the UDP ports. Default all but loopback, and loopback on a machine that has nothing else. */
  readonly bindAddress?: string
}

/**
 * Starts a server that browsers can `connect` to. Rejects with `TransportError` when a port cannot be opened or
 * `node-datachannel` is missing, and throws `NetcodeError` for an option out of its range.
 */
export async function listen<const C extends ChannelTable>(options: ListenOptions<C>): Promise<Server<C>> {
  // An option out of its range shall fail here, not at the first player.
  createEndpoint('server', options, { maxPacketBytes: DATAGRAM_PACKET_BYTES }, systemHost)
  const native = await loadNative()
  const udp = { bindAddress: options.bindAddress ?? defaultBindAddress(), port: options.udpPort ?? 0 }
  const { release } = await holdUdp(native, udp)
  let http: SignalHttp | undefined
  try {
    if (options.port !== undefined) {
      http = await openHttp((request, response) => server.nodeListener(request, response), options.port, options.host)
    }
  } catch (error) {
    await release()
    throw error
  }
  const server = new Server<C>({ native, host: systemHost, udp, releaseUdp: release, http }, options)
  return server
}
