import type { ChannelTable } from '../index.ts'
import { createEndpoint } from '../transport/endpoint.ts'
import { systemHost } from '../transport/host.ts'
import { resolvePipes } from '../transport/pipe-demand.ts'
import { DATAGRAM_PACKET_BYTES } from '../transport/transport.ts'
import { resolveAnnounced } from './announce.ts'
import { openHttp, type SignalHttp } from './http.ts'
import { nativeIceServers } from './ice-servers.ts'
import { loadNative } from './native.ts'
import type { ServerOptions } from './options.ts'
import { Server } from './server.ts'
import { defaultBindAddress, holdUdp } from './udp.ts'

export interface ListenOptions<C extends ChannelTable, Data = undefined> extends ServerOptions<C, Data> {
  /** HTTP port to open for offers; 0 picks one. Default none: mount `server.handle` or `server.nodeListener` on a server of yours. */
  readonly port?: number
  /** Address of the HTTP port. Default all. */
  readonly host?: string
  /** The UDP port that all peers share. Default 0: one that is free; `server.udpPort` says which. */
  readonly udpPort?: number
  /** Address of the UDP port. Default all but loopback, and loopback on a machine that has nothing else. */
  readonly bindAddress?: string
}

/**
 * Starts a server that browsers can `connect` to. Rejects with `TransportError` when a port cannot be opened or
 * `node-datachannel` is missing, and throws `NetcodeError` for an option out of its range.
 */
export async function listen<const C extends ChannelTable, Data = undefined>(
  options: ListenOptions<C, Data>,
): Promise<Server<C, Data>> {
  // An option out of its range shall fail here, not at the first player.
  const { idleTimeoutMs: timeoutMs, resumeMs: awayMs = 0, iceServers, announce } = options
  const tuning = { ...options.endpoint, awayMs, ...(timeoutMs !== undefined && { timeoutMs }) }
  createEndpoint('server', { ...options, endpoint: tuning }, { maxPacketBytes: DATAGRAM_PACKET_BYTES }, systemHost)
  resolvePipes(options.pipes)
  if (iceServers !== undefined && typeof iceServers !== 'function') nativeIceServers(iceServers)
  const announced = announce && (await resolveAnnounced(announce))
  const native = await loadNative()
  const udp = await holdUdp(native, {
    bindAddress: options.bindAddress ?? defaultBindAddress(),
    port: options.udpPort ?? 0,
  })
  let http: SignalHttp | undefined
  try {
    if (options.port !== undefined) {
      http = await openHttp((request, response) => server.nodeListener(request, response), options.port, options.host)
    }
  } catch (error) {
    await udp.release()
    throw error
  }
  const server = new Server<C, Data>(
    { native, host: systemHost, udp, http },
    { ...options, endpoint: tuning, ...(announced !== undefined && { announce: announced }) },
  )
  return server
}
