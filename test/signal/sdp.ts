/** A small SDP description of one DataChannel association. */
export function sdpOf(name: string): string {
  return `${[
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    `s=${name}`,
    't=0 0',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    'a=ice-ufrag:abcd',
    'a=ice-pwd:0123456789012345678901',
    'a=fingerprint:sha-256 00:11:22',
    'a=setup:actpass',
    'a=mid:0',
    'a=sctp-port:5000',
  ].join('\r\n')}\r\n`
}
