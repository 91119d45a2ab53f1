import type { RtcConfig } from 'node-datachannel'
import { NetcodeError } from '../index.ts'

/** A STUN or TURN server, in the shape that browsers take: one list serves both ends. */
export interface IceServer {
  /** `stun:host:port`, `turn:host:port?transport=udp`, `turns:…`; one or several. */
  readonly urls: string | readonly string[]
  readonly username?: string
  readonly credential?: string
}

type NativeServer = RtcConfig['iceServers'][number]

/** RFC 7064, RFC 7065: scheme, host, port, transport. */
const ICE_URL = /^(stuns?|turns?):(\[[\da-f:.]+\]|[^:?[\]@/]+)(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/i

/**
 * The servers as the native library takes them. It speaks TURN over UDP alone, so that what goes over TCP or TLS is left to the
 * browser's end. Throws `NetcodeError` `bad-option` for a URL that is none.
 */
export function nativeIceServers(servers: readonly IceServer[]): NativeServer[] {
  const native: NativeServer[] = []
  for (const { urls, username, credential } of servers) {
    for (const url of typeof urls === 'string' ? [urls] : urls) {
      const [, scheme, host, port = '3478', transport] = ICE_URL.exec(url) ?? []
      if (scheme === undefined || host === undefined) {
        throw new NetcodeError(
          'bad-option',
          `iceServers: ${JSON.stringify(url)}, expected stun:host:port or turn:host:port`,
        )
      }
      if (scheme.toLowerCase().endsWith('s') || transport?.toLowerCase() === 'tcp') continue
      const hostname = host.replace(/^\[|\]$/g, '')
      native.push({
        hostname,
        port: Number(port),
        ...(scheme.toLowerCase() === 'turn' && {
          relayType: 'TurnUdp' as const,
          username: username ?? '',
          password: credential ?? '',
        }),
      })
    }
  }
  return native
}
