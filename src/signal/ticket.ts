/**
 * Header that carries a peer's ticket: in the response to its first offer, and in the request of each offer for a further pipe
 * to the same peer. Whoever has it can speak for the peer, so unlike the peer's name it is told to nobody.
 */
export const TICKET_HEADER = 'gannet-ticket'
/** Header of the response to a peer's first offer: how long the server keeps the peer when its path is gone, ms. */
export const AWAY_HEADER = 'gannet-away-ms'
/**
 * Header of a peer's first offer: every further one will come with the same certificate. The server holds the peer to it, so that a
 * ticket without the certificate's private key opens nothing.
 */
export const CERTIFICATE_HEADER = 'gannet-certificate'

/** The certificate's fingerprint that an offer names, or `''`. */
export function fingerprintOf(sdp: string): string {
  return /^a=fingerprint:(.+)$/m.exec(sdp)?.[1]?.trim().toLowerCase() ?? ''
}

/** Longest ticket that is looked at, characters; ours have 32. */
const MAX_TICKET_CHARACTERS = 128

/** The ticket in `headers`, or `''`. */
export function ticketOf(headers: Headers): string {
  const ticket = headers.get(TICKET_HEADER) ?? ''
  return ticket.length <= MAX_TICKET_CHARACTERS ? ticket : ''
}

/** Whether two tickets are the same, in a time that does not tell how far they agree. Empty ones never are. */
export function isSameTicket(a: string, b: string): boolean {
  if (a === '' || a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i)
  return difference === 0
}
