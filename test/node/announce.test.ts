import { describe, expect, test } from 'vitest'
import { NetcodeError } from '../../src/index.ts'
import { announceIn, resolveAnnounced } from '../../src/node/announce.ts'
import { nativeIceServers } from '../../src/node/ice-servers.ts'
import { turnCredentials } from '../../src/node/turn.ts'

const ANSWER = [
  'v=0',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'a=mid:0',
  'a=candidate:1 1 UDP 2114977791 172.17.0.2 9000 typ host',
  'a=candidate:2 1 UDP 2114977535 fd00::2 9000 typ host',
  'a=candidate:3 1 UDP 8331263 198.51.100.9 4444 typ relay raddr 0.0.0.0 rport 0',
  'a=end-of-candidates',
  '',
].join('\r\n')

const candidatesOf = (sdp: string): string[] => sdp.split('\r\n').filter((line) => line.startsWith('a=candidate:'))

describe('an announced address', () => {
  test('takes the place of what the machine sees of itself; relayed candidates stay', () => {
    const sdp = announceIn(ANSWER, [{ address: '203.0.113.5', port: 30_000 }, { address: '2001:db8::5' }])
    expect(candidatesOf(sdp)).toEqual([
      'a=candidate:1 1 UDP 2114977791 203.0.113.5 30000 typ host',
      'a=candidate:2 1 UDP 2114977790 2001:db8::5 9000 typ host',
      'a=candidate:3 1 UDP 8331263 198.51.100.9 4444 typ relay raddr 0.0.0.0 rport 0',
    ])
    expect(sdp.replace(/a=candidate.*\r\n/g, '')).toBe(ANSWER.replace(/a=candidate.*\r\n/g, ''))
  })

  test('changes nothing where there is no host candidate', () => {
    const none = ANSWER.replace(/a=candidate.*\r\n/g, '')
    expect(announceIn(none, [{ address: '203.0.113.5' }])).toBe(none)
  })

  test('may be a name, which must resolve, and needs a port that exists', async () => {
    expect(await resolveAnnounced([{ address: 'localhost', port: 7 }])).toEqual([
      { address: expect.stringMatching(/^(127\.0\.0\.1|::1)$/), port: 7 },
    ])
    await expect(resolveAnnounced([{ address: 'nowhere.invalid' }])).rejects.toMatchObject({ code: 'bad-address' })
    expect(() => resolveAnnounced([{ address: '203.0.113.5', port: 0 }])).toThrow(NetcodeError)
  })
})

describe('ICE servers', () => {
  test('become what the native library takes, without what it cannot', () => {
    const urls = ['turn:turn.test:3479?transport=udp', 'turn:turn.test?transport=tcp', 'turns:turn.test']
    const turn = { relayType: 'TurnUdp', username: 'u', password: 'p' }
    expect(
      nativeIceServers([{ urls: 'stun:stun.test' }, { urls, username: 'u', credential: 'p' }, { urls: 'turn:[::1]' }]),
    ).toEqual([
      { hostname: 'stun.test', port: 3478 },
      { hostname: 'turn.test', port: 3479, ...turn },
      { hostname: '::1', port: 3478, relayType: 'TurnUdp', username: '', password: '' },
    ])
  })

  test.each(['turn.test:3478', 'http://turn.test', 'turn:', 'stun:a:b', 'turn:user@host'])('%s is none', (urls) => {
    expect(() => nativeIceServers([{ urls }])).toThrow(/expected stun:host:port/)
  })

  test('coturn credentials carry their expiry, and a MAC of it that OpenSSL agrees with', async () => {
    const made = await turnCredentials({
      secret: 'north',
      urls: 'turn:t',
      ttlSeconds: 60,
      user: 'ada',
      now: 1_700_000_000_000,
    })
    // printf '1700000060:ada' | openssl dgst -sha1 -hmac north -binary | base64
    expect(made).toEqual({ urls: 'turn:t', username: '1700000060:ada', credential: 'kkqlIBstN6iLfkuOqWc6JoeqR8g=' })
    expect((await turnCredentials({ secret: 'n', urls: [], now: 5999 })).username).toBe('3605')
  })
})
