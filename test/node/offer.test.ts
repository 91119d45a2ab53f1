import { describe, expect, test } from 'vitest'
import { cleanOffer } from '../../src/node/offer.ts'
import { SignalRefusal } from '../../src/signal/index.ts'
import { sdpOf } from '../signal/sdp.ts'

const OFFER = sdpOf('offer')

function withCandidates(...lines: string[]): string {
  return `${OFFER}${lines.map((line) => `a=candidate:${line}\r\n`).join('')}`
}

function candidatesOf(sdp: string): string[] {
  return sdp.match(/^a=candidate:.*$/gm) ?? []
}

describe('cleanOffer', () => {
  test('keeps what can be sent to, IPv4 and IPv6, and every other line', () => {
    const kept = [
      '1 1 udp 2122260223 192.0.2.7 50000 typ host',
      '2 1 UDP 2122260222 2001:db8::7 50001 typ srflx raddr :: rport 0',
    ]
    expect(cleanOffer(withCandidates(...kept))).toBe(withCandidates(...kept))
  })

  test('drops names, TCP, RTCP and what is no candidate', () => {
    const sdp = withCandidates(
      '1 1 udp 1 3c5f1a2e-aaaa-bbbb-cccc-0123456789ab.local 5000 typ host',
      '2 1 udp 1 internal.example 5000 typ host',
      '3 1 tcp 1 192.0.2.7 9 typ host tcptype active',
      '4 2 udp 1 192.0.2.7 5000 typ host',
      '5',
      '',
    )
    expect(candidatesOf(cleanOffer(sdp))).toEqual([])
  })

  test('keeps no more than sixteen addresses that a stranger names', () => {
    const many = Array.from({ length: 100 }, (_, i) => `${i} 1 udp 1 192.0.2.${i} 5000 typ host`)
    expect(candidatesOf(cleanOffer(withCandidates(...many)))).toEqual(
      many.slice(0, 16).map((line) => `a=candidate:${line}`),
    )
  })

  test('mends line ends', () => {
    expect(cleanOffer(OFFER.replaceAll('\r\n', '\n'))).toBe(OFFER)
  })

  test.each([
    ['two media sections', `${OFFER}m=video 9 UDP/TLS/RTP/SAVPF 96\r\n`],
    ['none', 'v=0\r\n'],
  ])('refuses %s', (_name, sdp) => {
    expect(() => cleanOffer(sdp)).toThrow(SignalRefusal)
  })
})
