import { describe, expect, test } from 'vitest'
import type { ChannelTable } from '../../src/core/config.ts'
import type { EndpointOptions } from '../../src/index.ts'
import { Hostile } from '../support/hostile.ts'
import { usedBytes } from '../support/memory.ts'
import { type FragmentTree, type RecordCraft, type Run, repairPayload } from '../wire/oracle.ts'

/** The channel under attack comes in each kind; `talk` must not notice. */
const CHANNELS = {
  shots: { kind: 'unreliable', maxMessageBytes: 5000 },
  look: { kind: 'sequenced', maxMessageBytes: 5000, maxKeys: 8 },
  hits: { kind: 'reliable', maxMessageBytes: 5000 },
  chat: { kind: 'ordered', maxMessageBytes: 5000 },
  doors: { kind: 'latest', maxMessageBytes: 5000, maxKeys: 8 },
  talk: { kind: 'ordered' },
} as const satisfies ChannelTable
const SHOTS = 0
const LOOK = 1
const HITS = 2
const CHAT = 3
const DOORS = 4
const TALK = 5
/** Bytes that W = max(65,536, 2 · 5,000) allows under way. */
const WINDOW_BYTES = 65_536

const bytes = (length: number, value = 1): Uint8Array => new Uint8Array(length).fill(value)

/** Runs an attack in the middle of honest talk in both directions, which must go on as if nothing had happened. */
function attack(
  run: (hostile: Hostile<typeof CHANNELS>) => void,
  options: Partial<EndpointOptions<typeof CHANNELS>> = {},
): Hostile<typeof CHANNELS> {
  const hostile = new Hostile(CHANNELS, { maxMalformed: 1 << 20, ...options }).open()
  const talk = (id: number): RecordCraft => ({ type: 'message', channel: TALK, id, payload: Uint8Array.of(id) })
  let id = 0
  const exchange = (): void => {
    hostile.victim.send('talk', bytes(20))
    hostile.pass(10)
    expect(hostile.acknowledge(talk(id++), talk(id++))).toBe('accepted')
    hostile.pass(10)
  }
  for (let i = 0; i < 3; i++) exchange()
  run(hostile)
  for (let i = 0; i < 3; i++) exchange()
  expect(hostile.messagesOn('talk').map((payload) => payload[0])).toEqual(Array.from({ length: id }, (_, i) => i))
  expect(hostile.victim.stats.messagesAcked).toBe(6)
  expect(hostile.victim.stats.resends).toBe(0)
  expect(hostile.victim.state).toBe('open')
  return hostile
}

function fragment(
  channel: number,
  group: number,
  index: number,
  payload: Uint8Array,
  more: Partial<FragmentTree['particulars']> & { count?: number } = {},
): FragmentTree {
  const { count = 3, parity = 0, ...rest } = more
  const id = channel >= HITS ? { id: group } : {}
  const isFirst = index === 0 || index >= count
  return {
    type: 'fragment',
    channel,
    group,
    index,
    payload,
    ...(isFirst ? { particulars: { count, parity, ...id, ...rest } } : {}),
  }
}

describe('a peer that lies is refused under its own name, and other traffic goes on', () => {
  test('about acks of packets never sent', () => {
    const hostile = attack((peer) => {
      for (const ahead of [0, 1, 5, 30_000]) {
        const ack = peer.heard.filter((tree) => tree.form === 'data').length + ahead
        expect(peer.data({ ack: { form: 'groups', ack, offsets: [] } })).toBe('malformed')
        expect(peer.data({ ack: { form: 'all', ack, offsets: [] } })).toBe('malformed')
      }
    })
    expect(hostile.refusals).toEqual({ ackOfUnsent: 8 })
    expect(hostile.victim.stats.packetsMalformed).toBe(8)
  })

  test('about acks before anything was sent', () => {
    const hostile = new Hostile(CHANNELS).open()
    expect(hostile.data({ ack: { form: 'groups', ack: 0, offsets: [] } })).toBe('malformed')
    expect(hostile.refusals).toEqual({ ackOfUnsent: 1 })
  })

  test('about lengths', () => {
    const hostile = attack((peer) => {
      const raw = (...octets: number[]): RecordCraft => ({ type: 'raw', bytes: Uint8Array.from(octets) })
      // Head, then a length beyond the packet, in each form of varint, and an id cut short.
      expect(peer.records(raw(SHOTS, 4, 1, 2, 3))).toBe('malformed')
      expect(peer.records(raw(SHOTS, 224, 0))).toBe('malformed')
      expect(peer.records(raw(SHOTS, 248, 255, 255, 255, 255))).toBe('malformed')
      expect(peer.records(raw(SHOTS))).toBe('malformed')
      expect(peer.records(raw(HITS, 0, 0))).toBe('malformed')
      expect(peer.data({ tail: Uint8Array.of(0) })).toBe('malformed')
    })
    expect(hostile.refusals).toEqual({ encoding: 6 })
  })

  test('about channels', () => {
    const hostile = attack((peer) => {
      expect(peer.records({ type: 'message', channel: 6, payload: bytes(1) })).toBe('malformed')
      expect(peer.records({ type: 'message', channel: 63, payload: bytes(1) })).toBe('malformed')
      expect(peer.records({ type: 'message', channel: SHOTS, key: 1, payload: bytes(1) })).toBe('malformed')
      expect(peer.records({ type: 'message', channel: CHAT, key: 1, id: 0, payload: bytes(1) })).toBe('malformed')
      expect(peer.records({ type: 'skip', channel: SHOTS, id: 0 })).toBe('malformed')
      expect(peer.records({ type: 'skip', channel: 6, id: 0 })).toBe('malformed')
      expect(peer.records({ type: 'skip', channel: 255, id: 0, group: 0 })).toBe('malformed')
      expect(peer.records({ type: 'skip', channel: DOORS, id: 0 })).toBe('malformed')
      expect(peer.records(fragment(9, 0, 0, bytes(1)))).toBe('malformed')
    })
    expect(hostile.refusals).toEqual({ unknownChannel: 9 })
  })

  test('about ids', () => {
    const hostile = attack((peer) => {
      for (const channel of [HITS, CHAT]) {
        for (const id of [4096, 5000, -1, -4096]) {
          expect(peer.records({ type: 'message', channel, id, payload: bytes(1) })).toBe('malformed')
        }
        expect(peer.records({ type: 'skip', channel, id: 4096 })).toBe('malformed')
        expect(peer.records({ type: 'skip', channel, id: 4096, group: 0 })).toBe('malformed')
        expect(peer.records(fragment(channel, 0, 0, bytes(10), { id: 4096 }))).toBe('malformed')
      }
      expect(peer.records({ type: 'message', channel: DOORS, id: -1, payload: bytes(1) })).toBe('malformed')
      // The last one that is allowed.
      expect(peer.records({ type: 'message', channel: HITS, id: 4095, payload: bytes(1) })).toBe('accepted')
    })
    expect(hostile.refusals).toEqual({ idOutOfWindow: 15 })
    expect(hostile.messagesOn('hits')).toHaveLength(1)
    expect(hostile.messagesOn('chat')).toHaveLength(0)
  })

  test('about groups below zero', () => {
    const hostile = attack((peer) => {
      expect(peer.records(fragment(SHOTS, -2, 0, bytes(10)))).toBe('malformed')
      expect(peer.records({ type: 'skip', channel: CHAT, id: 0, group: -2 })).toBe('malformed')
    })
    expect(hostile.refusals).toEqual({ idOutOfWindow: 2 })
  })

  test('about sizes', () => {
    const hostile = attack((peer) => {
      for (const channel of [SHOTS, LOOK, HITS, CHAT, DOORS]) {
        const id = channel >= HITS ? { id: 0 } : {}
        expect(peer.records({ type: 'message', channel, ...id, payload: bytes(5001) })).toBe('malformed')
        // Fragments whose sum is above the limit, or whose count must be.
        expect(peer.records(fragment(channel, 0, 0, bytes(3000)))).toBe('accepted')
        expect(peer.records(fragment(channel, 0, 1, bytes(3000)))).toBe('malformed')
        expect(peer.records(fragment(channel, 1, 0, bytes(1), { count: 6000 }))).toBe('malformed')
        expect(peer.records(fragment(channel, 2, 6000, bytes(1), { count: 7000 }))).toBe('malformed')
      }
    })
    expect(hostile.refusals).toEqual({ messageTooLarge: 20 })
    for (const name of Object.keys(CHANNELS)) if (name !== 'talk') expect(hostile.messagesOn(name)).toHaveLength(0)
  })

  test('with particulars that contradict each other', () => {
    const hostile = attack((peer) => {
      let group = 0
      for (const channel of [SHOTS, LOOK, HITS, CHAT, DOORS]) {
        const isKeyed = channel === LOOK || channel === DOORS
        const contradictions: FragmentTree[] = []
        if (channel === SHOTS || channel === LOOK) {
          // Parity fragments repeat the particulars: another count, another parity, another key.
          const payload = Uint8Array.of(0, 5, ...bytes(10))
          contradictions.push(fragment(channel, 0, 4, payload, { count: 4, parity: 2 }))
          contradictions.push(fragment(channel, 0, 4, payload, { count: 3, parity: 3 }))
          if (isKeyed) contradictions.push(fragment(channel, 0, 4, payload, { count: 3, parity: 2, key: 5 }))
        }
        // An index beyond the count.
        contradictions.push(fragment(channel, 0, 3, bytes(10), { count: 5 }))
        for (const contradiction of contradictions) {
          const parity = channel <= LOOK ? 2 : 0
          const key = isKeyed ? { key: 4 } : {}
          const id = channel >= HITS ? { id: group } : {}
          expect(peer.records(fragment(channel, group, 0, bytes(10), { count: 3, parity, ...key, ...id }))).toBe(
            'accepted',
          )
          expect(peer.records({ ...contradiction, group })).toBe('malformed')
          // The group is dead: what comes of it later is not taken, and not acknowledged.
          expect(peer.records(fragment(channel, group, 1, bytes(10), { count: 5 }))).toBe('refused')
          group++
        }
      }
    })
    expect(hostile.refusals).toEqual({ badFragment: 10 })
  })

  test('with fragments of different sizes', () => {
    const hostile = attack((peer) => {
      for (const channel of [SHOTS, CHAT]) {
        expect(peer.records(fragment(channel, 0, 0, bytes(10)))).toBe('accepted')
        expect(peer.records(fragment(channel, 0, 1, bytes(9)))).toBe('accepted')
        expect(peer.records(fragment(channel, 0, 2, bytes(5)))).toBe('malformed')
        expect(peer.records(fragment(channel, 1, 0, bytes(10)))).toBe('accepted')
        expect(peer.records(fragment(channel, 1, 1, bytes(10)))).toBe('accepted')
        expect(peer.records(fragment(channel, 1, 2, bytes(11)))).toBe('malformed')
      }
    })
    expect(hostile.refusals).toEqual({ badFragment: 4 })
    expect(hostile.messagesOn('shots').length + hostile.messagesOn('chat').length).toBe(0)
  })

  test('with parity that fits no message', () => {
    const hostile = attack((peer) => {
      const parity = (group: number, payload: Uint8Array): FragmentTree =>
        fragment(SHOTS, group, 2, payload, { count: 2, parity: 2 })
      // A last fragment of 0 bytes, one above the common size, and a payload too short to say.
      expect(peer.records(parity(0, Uint8Array.of(0, 0, 1, 1)))).toBe('malformed')
      expect(peer.records(parity(1, Uint8Array.of(0, 9, 1, 1)))).toBe('malformed')
      expect(peer.records(parity(2, Uint8Array.of(0)))).toBe('malformed')
      // Two that disagree about the size, and one that disagrees with the data.
      expect(peer.records(parity(3, Uint8Array.of(0, 1, 1, 1)))).toBe('accepted')
      expect(peer.records({ ...parity(3, Uint8Array.of(0, 2, 1, 1)), index: 3 })).toBe('malformed')
      expect(peer.records(fragment(SHOTS, 4, 0, bytes(5), { count: 2, parity: 2 }))).toBe('accepted')
      expect(peer.records(parity(4, Uint8Array.of(0, 1, 1, 1)))).toBe('malformed')
    })
    expect(hostile.refusals).toEqual({ badFragment: 5 })
    expect(hostile.messagesOn('shots')).toHaveLength(0)
  })

  test('with endless first fragments: reliable kinds refuse beyond 64 groups', () => {
    for (const channel of [HITS, CHAT, DOORS]) {
      const hostile = attack((peer) => {
        for (let group = 0; group < 200; group++) {
          const result = peer.records(fragment(channel, group, 0, bytes(100)))
          expect(result).toBe(group < 64 ? 'accepted' : 'refused')
        }
      })
      expect(hostile.refusals).toEqual({ reassemblyFull: 136 })
    }
  })

  test('with endless first fragments: unreliable kinds forget the oldest', () => {
    const hostile = attack((peer) => {
      for (let group = 0; group < 200; group++)
        expect(peer.records(fragment(SHOTS, group, 0, bytes(100)))).toBe('accepted')
      // The newest 64 are still open, an older one is not.
      expect(peer.records(fragment(SHOTS, 136, 1, bytes(100)))).toBe('accepted')
      expect(peer.records(fragment(SHOTS, 135, 1, bytes(100)))).toBe('refused')
    })
    expect(hostile.refusals).toEqual({})
  })

  test('with more bytes under way than the window', () => {
    const hostile = attack((peer) => {
      // 60 messages of 4,000 bytes, all but their last byte.
      let taken = 0
      let refused = 0
      for (let group = 0; group < 60; group++) {
        for (let index = 0; index < 4; index++) {
          const result = peer.records(fragment(HITS, group, index, bytes(1000), { count: 5, id: group }))
          if (result === 'accepted') taken += 1000
          else refused++
        }
      }
      expect(taken).toBeGreaterThanOrEqual(WINDOW_BYTES)
      expect(taken).toBeLessThanOrEqual(2 * WINDOW_BYTES + 64 * 64)
      expect(refused).toBeGreaterThan(0)
    })
    expect(Object.keys(hostile.refusals)).toEqual(['reassemblyFull'])
  })

  test('with ordered messages that wait for one that never comes', () => {
    const hostile = attack((peer) => {
      let taken = 0
      for (let id = 1; id < 100; id++) {
        const result = peer.records({ type: 'message', channel: CHAT, id, payload: bytes(1000) })
        expect(['accepted', 'refused']).toContain(result)
        if (result === 'accepted') taken += 1000
      }
      expect(taken).toBeLessThanOrEqual(WINDOW_BYTES)
      expect(taken).toBeGreaterThan(WINDOW_BYTES - 1000)
      // The missing one comes, and what was held with it.
      expect(peer.records({ type: 'message', channel: CHAT, id: 0, payload: bytes(1) })).toBe('accepted')
      peer.pass(10)
      expect(peer.messagesOn('chat')).toHaveLength(1 + taken / 1000)
    })
    expect(hostile.victim.stats.packetsRefused).toBe(34)
  })

  test('with too many keys', () => {
    for (const channel of [LOOK, DOORS]) {
      const hostile = attack((peer) => {
        for (let key = 0; key < 20; key++) {
          const id = channel === DOORS ? { id: key } : {}
          const result = peer.records({ type: 'message', channel, key, ...id, payload: bytes(1) })
          expect(result).toBe(key < 8 ? 'accepted' : 'refused')
        }
        // Known keys go on.
        const id = channel === DOORS ? { id: 100 } : {}
        expect(peer.records({ type: 'message', channel, key: 3, ...id, payload: bytes(2) })).toBe('accepted')
      })
      expect(hostile.refusals).toEqual({ tooManyKeys: 12 })
    }
  })

  test('with a key in fragments that finds no room: not a piece of it is acknowledged in vain', () => {
    const hostile = attack((peer) => {
      for (let key = 0; key < 8; key++) {
        expect(peer.records({ type: 'message', channel: DOORS, key, id: key, payload: bytes(1) })).toBe('accepted')
      }
      expect(peer.records(fragment(DOORS, 0, 1, bytes(10), { count: 2 }))).toBe('accepted')
      expect(peer.records(fragment(DOORS, 0, 0, bytes(10), { count: 2, id: 50, key: 99 }))).toBe('refused')
      // 1,024 packets later the others are forgotten, and there is room.
      for (let i = 0; i < 1200; i++) peer.records({ type: 'ping' })
      expect(peer.records(fragment(DOORS, 0, 0, bytes(10), { count: 2, id: 50, key: 99 }))).toBe('accepted')
      peer.pass(1)
      expect(peer.messagesOn('doors')).toHaveLength(9)
    })
    expect(hostile.refusals).toEqual({ tooManyKeys: 1 })
  })

  test('with handshake packets that have no place', () => {
    const hostile = attack((peer) => {
      expect(peer.put({ form: 'welcome', version: 1, clientSalt: 0xc0ffee, serverSalt: 1, clock: 0 })).toBe('refused')
      expect(peer.put({ form: 'hello', version: 1, clientSalt: 5, protocolDigest: 0, channelDigests: [1] })).toBe(
        'refused',
      )
      for (const kind of ['goodbye', 'rejected', 'version', 'violation', 'heard'] as const) {
        expect(peer.put({ form: 'close', kind, clientSalt: 5, code: 0, data: bytes(0) })).toBe('refused')
      }
    })
    expect(hostile.refusals).toEqual({ unexpected: 7 })
  })

  test('with broken handshake packets', () => {
    const hostile = attack((peer) => {
      const salts = { version: 1, clientSalt: 0xc0ffee }
      expect(peer.put({ form: 'hello', ...salts, protocolDigest: 0, channelDigests: [] })).toBe('malformed')
      expect(peer.put({ form: 'hello', ...salts, protocolDigest: 0, channelDigests: [1], tail: bytes(1) })).toBe(
        'malformed',
      )
      expect(peer.put({ form: 'welcome', ...salts, serverSalt: 1, clock: 0, tail: bytes(1) })).toBe('malformed')
      expect(peer.put({ form: 'close', kind: 7, clientSalt: 0xc0ffee, code: 0, data: bytes(0) })).toBe('malformed')
      expect(peer.put({ form: 'close', kind: 'heard', clientSalt: 0xc0ffee, code: 1, data: bytes(0) })).toBe(
        'malformed',
      )
      expect(peer.put({ form: 'close', kind: 'goodbye', clientSalt: 0xc0ffee, code: 1, data: bytes(1025) })).toBe(
        'malformed',
      )
      expect(peer.putBytes(new Uint8Array(0))).toBe('malformed')
    })
    expect(hostile.refusals).toEqual({ encoding: 7 })
  })

  test('with a sequence far ahead: only its own packets grow stale', () => {
    const hostile = attack((peer) => {
      const before = peer.sequence
      peer.sequence += 30_000
      expect(peer.records({ type: 'ping' })).toBe('accepted')
      const ahead = peer.sequence
      peer.sequence = before
      expect(peer.records({ type: 'ping' })).toBe('stale')
      peer.sequence = ahead
    })
    expect(hostile.victim.stats.packetsStale).toBe(1)
    expect(hostile.refusals).toEqual({})
  })

  test('with the same packet again and again', () => {
    const hostile = attack((peer) => {
      const at = peer.sequence
      for (let i = 0; i < 50; i++) {
        peer.sequence = at
        expect(peer.records({ type: 'message', channel: SHOTS, payload: bytes(1) })).toBe(
          i === 0 ? 'accepted' : 'duplicate',
        )
      }
    })
    expect(hostile.messagesOn('shots')).toHaveLength(1)
    expect(hostile.victim.stats.packetsDuplicate).toBe(49)
  })
})

describe('repair fragments', () => {
  const repair = (channel: number, group: number, seed: number, runs: Run[], count = 250): FragmentTree => {
    const data = Array.from({ length: count }, () => bytes(20, 1 + (seed % 200)))
    return fragment(channel, group, count + seed, repairPayload(data, seed, runs), { count, parity: runs.length })
  }

  test('that are never followed by enough to solve them are refused beyond their number, in all groups together too', () => {
    const hostile = attack((peer) => {
      for (let i = 0; i < 400; i++)
        peer.records(
          repair(HITS, i % 8, i, [
            [0, 200],
            [210, 40],
          ]),
        )
    })
    const { refusals } = hostile.victim.stats
    // 48 of each message.
    expect(refusals.reassemblyFull).toBe(400 - 8 * 48)
    expect(hostile.messagesOn('hits')).toEqual([])
  })

  test('that contradict each other are refused, and their message is dead', () => {
    const hostile = attack((peer) => {
      peer.records(repair(CHAT, 0, 0, [[0, 3]], 3))
      peer.records(repair(CHAT, 0, 1, [[0, 4]], 4))
      peer.records(repair(CHAT, 0, 2, [[0, 3]], 3))
    })
    expect(hostile.victim.stats.refusals.badFragment).toBe(1)
    expect(hostile.victim.stats.packetsRefused).toBe(1)
  })

  test('with sums that are lies give a message of the size that was said, and nothing worse', () => {
    const hostile = attack((peer) => {
      for (let seed = 0; seed < 3; seed++) peer.records(repair(HITS, 0, seed, [[0, 3]], 3))
    })
    expect(hostile.messagesOn('hits').map(({ length }) => length)).toEqual([60])
  })
})

describe('memory', () => {
  test('stays under its caps when twenty megabytes of pieces that never fit together come in, and nobody polls', () => {
    const limits = { maxMalformed: 1 << 20, maxEventBytes: 1 << 20, maxEvents: 1000 }
    const hostile = new Hostile<ChannelTable>(CHANNELS, limits).open()
    const piece = bytes(1000)
    const before = usedBytes()
    for (let i = 0; i < 20_000; i++) {
      const channel = i % 5
      const index = i % 7 === 0 ? 0 : 1 + (i % 4)
      // Whole messages in between: ordered ones with a gap before them, keyed ones of new keys.
      const id = channel >= HITS ? { id: 1 + (i % 4000) } : {}
      const key = channel === LOOK || channel === DOORS ? { key: i } : {}
      const whole: RecordCraft = { type: 'message', channel, ...id, ...key, payload: piece }
      hostile.records(i % 3 === 0 ? whole : fragment(channel, i % 300, index, piece, { count: 5 }))
      hostile.now += 0.01
      if (i % 100 === 0) hostile.victim.update(hostile.now)
    }
    // Each of five channels: two windows of pieces and one of held messages, at most twice over in buffers that they pin;
    // and the events, 1 MiB.
    expect(usedBytes() - before).toBeLessThan(5 * 3 * WINDOW_BYTES * 2 + 2 * (1 << 20))
    expect(hostile.victim.state).toBe('open')
  })
})

describe('what was applied of a packet before its fault', () => {
  test('is not applied again when the network repeats that packet', () => {
    const hostile = attack((peer) => {
      const at = peer.sequence
      for (let i = 0; i < 3; i++) {
        peer.sequence = at
        // A message that can be taken, and one of a ninth key that cannot.
        const keys = Array.from(
          { length: 9 },
          (_, key): RecordCraft => ({ type: 'message', channel: LOOK, key, payload: bytes(1) }),
        )
        peer.records({ type: 'message', channel: SHOTS, payload: bytes(1) }, ...keys)
      }
    })
    expect(hostile.messagesOn('shots')).toHaveLength(1)
  })
})
