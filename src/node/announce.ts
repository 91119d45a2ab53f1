import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { NetcodeError } from '../index.ts'
import { TransportError } from '../transport/errors.ts'

/** An address at which clients reach this server, when it is not the one that the server itself sees. */
export interface AnnouncedAddress {
  /** IP address, or a name that is resolved once, when the server starts. */
  readonly address: string
  /** UDP port on the outside. Default: the server's own. */
  readonly port?: number
}

/**
 * The answer with its host candidates replaced by `announce`: what a container, a 1:1 NAT or a fleet manager maps to us. RFC 8839
 * allows it, since a candidate is only where the other side sends its first check. Relayed candidates stay.
 */
export function announceIn(sdp: string, announce: readonly AnnouncedAddress[]): string {
  const lines = sdp.split('\r\n')
  const at = lines.findIndex((line) => isHost(line))
  if (at < 0) return sdp
  const [, , , priority, , port] = lines[at]!.split(' ')
  const candidates = announce.map((one, index) => {
    const fields = [`a=candidate:${index + 1}`, 1, 'UDP', Number(priority) - index, one.address, one.port ?? port]
    return `${fields.join(' ')} typ host`
  })
  const rest = (line: string) => !isHost(line)
  return [...lines.slice(0, at), ...candidates, ...lines.slice(at).filter(rest)].join('\r\n')
}

/** Names become addresses. Throws `NetcodeError` for a port out of range, rejects with `TransportError` `bad-address`. */
export function resolveAnnounced(announce: readonly AnnouncedAddress[]): Promise<AnnouncedAddress[]> {
  for (const { port } of announce) {
    if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536)) {
      throw new NetcodeError('bad-option', `announce: port ${port}, expected 1 to 65535`)
    }
  }
  return Promise.all(
    announce.map(async (one) => {
      if (isIP(one.address) !== 0) return one
      try {
        return { ...one, address: (await lookup(one.address)).address }
      } catch (cause) {
        throw new TransportError('bad-address', `announce: ${one.address} is no IP address and could not be resolved`, {
          cause,
        })
      }
    }),
  )
}

function isHost(line: string): boolean {
  return line.startsWith('a=candidate:') && / typ host\b/.test(line)
}
