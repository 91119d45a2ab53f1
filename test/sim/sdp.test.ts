import { describe, expect, test } from 'vitest'
import { relayAnswer, udpTargets, withoutCandidates } from '../../src/sim/relay/index.ts'

const FINGERPRINT =
  'a=fingerprint:sha-256 4C:FB:C1:78:8E:2A:1E:1D:64:88:0F:1B:77:CC:A1:DC:77:84:3C:CB:2B:E2:BE:7F:2A:A5:39:66:8D:DD:CF:B9'

function lines(...all: string[]): string {
  return `${all.join('\r\n')}\r\n`
}

/** An answer of libdatachannel (node-datachannel 0.33.4) on one mux'd port with IPv4, IPv6 and, as when enabled, TCP. */
const NODE_ANSWER = lines(
  'v=0',
  'o=rtc 251954195 0 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'a=msid-semantic:WMS *',
  'a=ice-options:ice2,trickle',
  FINGERPRINT,
  'm=application 57471 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 192.0.2.2',
  'a=mid:0',
  'a=sendrecv',
  'a=sctp-port:5000',
  'a=max-message-size:262144',
  'a=setup:active',
  'a=ice-ufrag:+Lkc',
  'a=ice-pwd:QO65xHKgz8umRxMBaX5dSC',
  'a=candidate:2 1 UDP 2116026111 2001:db8::2 57471 typ host',
  'a=candidate:1 1 UDP 2114977791 192.0.2.2 57471 typ host',
  'a=candidate:3 1 UDP 2114846719 198.51.100.9 57471 typ host',
  'a=candidate:4 1 TCP 1015021823 192.0.2.2 9 typ host tcptype active',
  'a=candidate:5 1 UDP 1678769919 203.0.113.7 57471 typ srflx raddr 0.0.0.0 rport 0',
  'a=candidate:6 1 UDP 8331007 203.0.113.8 49160 typ relay raddr 0.0.0.0 rport 0',
  'a=end-of-candidates',
)

/** A description of Chromium 156 whose addresses hide behind mDNS names. */
const CHROMIUM = lines(
  'v=0',
  'o=- 5666346403803025089 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'a=extmap-allow-mixed',
  'a=msid-semantic: WMS',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  'a=candidate:13857128 1 udp 2113937151 6f4664de-a98a-4949-8eb6-648a73528473.local 41463 typ host generation 0 network-cost 999',
  'a=candidate:127999448 1 udp 2113942271 0af99487-4bc0-4ae8-a71c-5f1a141ef4a8.local 53893 typ host generation 0 network-cost 999',
  'a=ice-ufrag:6Sda',
  'a=ice-pwd:XVoh0muxYq92ctcfYC0cq1EZ',
  'a=ice-options:trickle',
  FINGERPRINT,
  'a=setup:active',
  'a=mid:0',
  'a=sctp-port:5000',
  'a=max-message-size:262144',
)

const RELAY = { address: '127.0.0.1', port: 40_000 }

function candidates(sdp: string): string[] {
  return sdp.split('\r\n').filter((line) => line.startsWith('a=candidate:'))
}

describe('relayAnswer', () => {
  test('leaves one candidate, the relay, and says where the server is', () => {
    const { sdp, target, targets } = relayAnswer(NODE_ANSWER, RELAY)
    expect(candidates(sdp)).toEqual(['a=candidate:1 1 UDP 2114977791 127.0.0.1 40000 typ host'])
    expect(target).toEqual({ address: '192.0.2.2', port: 57_471 })
    expect(targets).toEqual([
      { address: '2001:db8::2', port: 57_471 },
      { address: '192.0.2.2', port: 57_471 },
      { address: '198.51.100.9', port: 57_471 },
    ])
  })

  test('changes nothing but candidates, the media port and the connection address', () => {
    const { sdp } = relayAnswer(NODE_ANSWER, RELAY)
    const kept = NODE_ANSWER.split('\r\n').filter((line) => !/^(a=candidate|m=|c=)/.test(line))
    expect(sdp.split('\r\n').filter((line) => !/^(a=candidate|m=|c=)/.test(line))).toEqual(kept)
    expect(sdp).toContain('\r\nm=application 40000 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 127.0.0.1\r\n')
    expect(sdp.endsWith('a=end-of-candidates\r\n')).toBe(true)
  })

  test('goes to the address that the server is bound to when that is given', () => {
    const { sdp, target } = relayAnswer(NODE_ANSWER, RELAY, { bindAddress: '198.51.100.9' })
    expect(target).toEqual({ address: '198.51.100.9', port: 57_471 })
    expect(candidates(sdp)).toEqual(['a=candidate:3 1 UDP 2114846719 127.0.0.1 40000 typ host'])
  })

  test('prefers a server address of its own family, so that a relay on ::1 takes IPv6', () => {
    const { sdp, target } = relayAnswer(NODE_ANSWER, { address: '::1', port: 40_001 })
    expect(target.address).toBe('2001:db8::2')
    expect(candidates(sdp)).toEqual(['a=candidate:2 1 UDP 2116026111 ::1 40001 typ host'])
    expect(sdp).toContain('\r\nc=IN IP6 ::1\r\n')
  })

  test('falls back to the other family when there is no choice, but not to a link-local address', () => {
    const only6 = NODE_ANSWER.replace(/^a=candidate:[13] .*\r\n/gm, '').replace(
      'a=candidate:2 ',
      'a=candidate:7 1 UDP 2116026999 fe80::fc:ff:fe00:1 57471 typ host\r\na=candidate:2 ',
    )
    expect(relayAnswer(only6, RELAY).target.address).toBe('2001:db8::2')
    expect(candidates(relayAnswer(only6, RELAY).sdp)).toEqual([
      'a=candidate:2 1 UDP 2116026111 127.0.0.1 40000 typ host',
    ])
  })

  test('lets the bind address stand for mDNS names and keeps what Chromium adds to a candidate', () => {
    const { sdp, target, targets } = relayAnswer(CHROMIUM, RELAY, { bindAddress: '192.0.2.9' })
    expect(targets).toEqual([
      { address: '192.0.2.9', port: 53_893 },
      { address: '192.0.2.9', port: 41_463 },
    ])
    expect(target.port).toBe(53_893)
    expect(candidates(sdp)).toEqual([
      'a=candidate:127999448 1 udp 2113942271 127.0.0.1 40000 typ host generation 0 network-cost 999',
    ])
    // Port 9 and no address: the candidates say it all.
    expect(sdp).toContain('\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n')
  })

  test('says what it found when there is nothing that a UDP relay could stand for', () => {
    expect(() => relayAnswer(CHROMIUM, RELAY)).toThrow(/no usable UDP host candidate.*6f4664de.*\.local:41463 host/)
    expect(() => relayAnswer(withoutCandidates(CHROMIUM), RELAY)).toThrow('it has no candidates')
    expect(() => relayAnswer(NODE_ANSWER, RELAY, { bindAddress: '10.0.0.1' })).toThrow('expected one at 10.0.0.1')
    expect(() => relayAnswer(NODE_ANSWER, { address: 'localhost', port: 1 })).toThrow(
      'localhost, expected an IP address',
    )
  })

  test('gives each media section one candidate and leaves a rejected one alone', () => {
    const two = NODE_ANSWER.replace(
      'a=end-of-candidates\r\n',
      lines(
        'm=audio 57471 UDP/TLS/RTP/SAVPF 111',
        'c=IN IP4 192.0.2.2',
        'a=candidate:1 1 UDP 2114977791 192.0.2.2 57471 typ host',
        'a=candidate:1 2 UDP 2114977790 192.0.2.2 57472 typ host',
        'm=video 0 UDP/TLS/RTP/SAVPF 96',
        'c=IN IP4 192.0.2.2',
      ),
    )
    const { sdp, targets } = relayAnswer(two, RELAY)
    expect(candidates(sdp).length).toBe(2)
    expect(targets.length).toBe(3)
    expect(sdp).toContain('m=audio 40000 ')
    expect(sdp.endsWith('m=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 192.0.2.2\r\n')).toBe(true)
  })

  test('keeps bare line feeds where it finds them', () => {
    const { sdp } = relayAnswer(NODE_ANSWER.replaceAll('\r\n', '\n'), RELAY)
    expect(sdp).not.toContain('\r')
    expect(sdp).toContain('\na=candidate:1 1 UDP 2114977791 127.0.0.1 40000 typ host\n')
  })
})

describe('udpTargets', () => {
  test('lists each direct address once, highest priority first', () => {
    const doubled = NODE_ANSWER.replace('a=end', 'a=candidate:9 1 udp 5 192.0.2.2 57471 typ host\r\na=end')
    expect(udpTargets(doubled).map((it) => it.address)).toEqual(['2001:db8::2', '192.0.2.2', '198.51.100.9'])
    expect(udpTargets(CHROMIUM)).toEqual([])
    expect(udpTargets('')).toEqual([])
  })
})

describe('withoutCandidates', () => {
  test('takes every address out of an offer and nothing else', () => {
    const bare = withoutCandidates(NODE_ANSWER)
    expect(candidates(bare)).toEqual([])
    expect(bare).toContain('\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n')
    expect(bare).toContain('a=ice-pwd:QO65xHKgz8umRxMBaX5dSC\r\n')
    expect(withoutCandidates(CHROMIUM).split('\r\n').length).toBe(CHROMIUM.split('\r\n').length - 2)
  })
})
