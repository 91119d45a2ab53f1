import { describe, expect, test } from 'vitest'
import { type ChannelTable, NetcodeError, type Payload, SharedPayload } from '../../src/index.ts'
import { Groups, sendToAll } from '../../src/node/groups.ts'
import type { ServerPeer } from '../../src/node/server-peer.ts'

class FakePeer {
  state = 'open'
  isFull = false
  readonly got: Payload[] = []

  share(channel: string, payload: Payload): SharedPayload {
    if (channel !== 'chat') throw new NetcodeError('unknown-channel', channel)
    return payload instanceof SharedPayload ? payload : new SharedPayload(payload)
  }

  trySend(channel: string, payload: Payload): number | undefined {
    if (channel !== 'chat') throw new NetcodeError('unknown-channel', channel)
    if (this.isFull || this.state !== 'open') return undefined
    return this.got.push(payload) - 1
  }
}

type Member = ServerPeer<ChannelTable, string>

function peers(count: number): (FakePeer & Member)[] {
  return Array.from({ length: count }, () => new FakePeer() as unknown as FakePeer & Member)
}

const text = (payload: Payload): string =>
  new TextDecoder().decode(payload instanceof SharedPayload ? payload.bytes : payload)
const bytes = (string: string): Uint8Array => new TextEncoder().encode(string)

describe('a group', () => {
  test('is the same by whatever handle, sends to its members, and stores the payload once', () => {
    const groups = new Groups<ChannelTable, string>()
    const [a, b, c] = peers(3)
    groups.get('red').add(a!)
    groups.get('red').add(b!)
    groups.get('blue').add(c!)
    expect([groups.get('red').size, groups.get('red').has(a!), groups.get('blue').has(a!)]).toEqual([2, true, false])
    expect([...groups.get('red')]).toEqual([a, b])
    expect(groups.get('red').send('chat', bytes('go'))).toEqual([])
    expect([a!.got.map(text), b!.got.map(text), c!.got]).toEqual([['go'], ['go'], []])
    expect(a!.got[0]).toBeInstanceOf(SharedPayload)
    expect(a!.got[0]).toBe(b!.got[0])
  })

  test('leaves out who shall not hear, one or several', () => {
    const groups = new Groups<ChannelTable, string>()
    const all = peers(3)
    const [a, b, c] = all
    for (const peer of all) groups.get('red').add(peer)
    groups.get('red').send('chat', bytes('1'), { except: a! })
    groups.get('red').send('chat', bytes('2'), { except: [a!, b!] })
    expect(all.map((peer) => peer.got.map(text).join())).toEqual(['', '1', '1,2'])
    expect(sendToAll<ChannelTable, string, 'chat'>(all, 'chat', bytes('3'), { except: c! })).toEqual([])
    expect(all.map((peer) => peer.got.map(text).join())).toEqual(['3', '1,3', '1,2'])
  })

  test('names those whose channel is full, and not those who are leaving', () => {
    const groups = new Groups<ChannelTable, string>()
    const [a, b, c] = peers(3)
    for (const peer of [a, b, c]) groups.get('red').add(peer!)
    b!.isFull = true
    c!.state = 'closing' as never
    expect(groups.get('red').send('chat', bytes('x'))).toEqual([b])
    expect(a!.got).toHaveLength(1)
  })

  test('throws what the peer says of a wrong call', () => {
    const groups = new Groups<ChannelTable, string>()
    groups.get('red').add(peers(1)[0]!)
    expect(() => groups.get('red').send('chant', bytes('x'))).toThrow(NetcodeError)
  })

  test('is forgotten when its last member has gone, and takes nobody who is closed', () => {
    const groups = new Groups<ChannelTable, string>()
    const [a, b] = peers(2)
    const red = groups.get('red')
    red.add(a!)
    groups.get('blue').add(a!)
    expect(groups.size).toBe(2)
    groups.leave(a!)
    expect([groups.size, red.size, red.delete(a!)]).toEqual([0, 0, false])
    b!.state = 'closed' as never
    red.add(b!)
    expect(groups.size).toBe(0)
    red.add(a!)
    expect(groups.get('red').size).toBe(1)
  })
})
