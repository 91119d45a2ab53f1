import { isIP } from 'node:net'
import { SignalRefusal } from '../signal/errors.ts'

/** Candidates of an offer that are kept. Each makes us send checks to an address that the client has chosen. */
const MAX_CANDIDATES = 16

/**
 * The offer without what a server must not take from a stranger: candidates that are names (resolving them would block a thread
 * on the client's word; browsers hide local addresses behind mDNS names that mean nothing here), that are not UDP, or that are
 * too many. A client without any left can still connect: its checks tell where it is.
 * Throws {@link SignalRefusal} if the offer asks for more than one DataChannel association.
 */
export function cleanOffer(sdp: string): string {
  const lines = sdp.split(/\r?\n/).filter((line) => line !== '')
  const media = lines.filter((line) => line.startsWith('m='))
  if (media.length !== 1) {
    throw new SignalRefusal(400, 'bad-offer', `expected one media section, for the DataChannel, got ${media.length}`)
  }
  let candidates = 0
  const kept = lines.filter((line) => {
    if (!line.startsWith('a=candidate:')) return true
    return isUsable(line) && ++candidates <= MAX_CANDIDATES
  })
  return `${kept.join('\r\n')}\r\n`
}

/** RFC 8839, section 5.1: foundation, component, transport, priority, address, port. */
function isUsable(line: string): boolean {
  const [, component, transport, , address = ''] = line.split(' ')
  return component === '1' && transport?.toLowerCase() === 'udp' && isIP(address) !== 0
}
