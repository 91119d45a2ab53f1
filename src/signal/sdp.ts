/** Media type of an SDP body (RFC 8866, section 8.1). */
export const SDP_TYPE = 'application/sdp'

/** Whether a `Content-Type` header says SDP, with or without parameters. */
export function isSdpType(contentType: string | null): boolean {
  return contentType?.split(';', 1)[0]?.trim().toLowerCase() === SDP_TYPE
}

/** What `sdp` lacks to set up one DataChannel association, in words, or `undefined` if nothing. */
export function missingInSdp(sdp: string): string | undefined {
  if (!sdp.startsWith('v=0')) return 'it does not start with v=0'
  const media = sdp.match(/^m=.*$/gm) ?? []
  if (!media.some((line) => /^m=application \d+ \S*DTLS\/SCTP /i.test(line)))
    return 'it has no DataChannel section (m=application)'
  if (!/^a=ice-ufrag:\S/m.test(sdp) || !/^a=ice-pwd:\S/m.test(sdp)) return 'it has no ICE credentials'
  if (!/^a=fingerprint:\S/m.test(sdp)) return 'it has no certificate fingerprint'
  return undefined
}

/** Whether `sdp` names at least one place to send to. */
export function hasCandidates(sdp: string): boolean {
  return /^a=candidate:/m.test(sdp)
}
