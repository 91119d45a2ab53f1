import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../../src/core/bytes.ts'
import type { ChannelTable } from '../../../src/core/config.ts'
import { Handshake, type HandshakeOutcome } from '../../../src/core/connection/handshake.ts'
import { readClose, writeHello } from '../../../src/core/wire/handshake-packets.ts'
import {
  CLOSE_GOODBYE,
  CLOSE_HEARD,
  CLOSE_REJECTED,
  CLOSE_TABLE,
  CLOSE_VIOLATION,
} from '../../../src/core/wire/layout.ts'
import { Reader } from '../../../src/core/wire/reader.ts'
import { Writer } from '../../../src/core/wire/writer.ts'
import { bytesOf, configOf, type SomeOptions, textOf } from '../support.ts'

const CHANNELS: ChannelTable = { chat: { kind: 'ordered' }, world: { kind: 'sequenced', maxMessageBytes: 9_000 } }

/** One side of a handshake, with its packets by hand. */
class Party {
  readonly handshake: Handshake
  readonly #role: 'client' | 'server'

  constructor(role: 'client' | 'server', options: SomeOptions = {}, channels = CHANNELS, salt = 7) {
    let next = salt
    this.#role = role
    this.handshake = new Handshake(role, configOf(channels, options), () => next++, 0)
  }

  /** The packet that is due at `now`. */
  says(now: number): Bytes | undefined {
    const writer = new Writer(1_200)
    writer.reset(1_200)
    return this.handshake.write(writer, now) ? writer.view().slice() : undefined
  }

  /** Instants of the packets up to `until`. */
  instants(until: number): number[] {
    const all: number[] = []
    for (;;) {
      const at = Math.max(0, this.handshake.wakeAt)
      if (at > until) return all
      if (this.says(at) !== undefined) all.push(at)
    }
  }

  hears(packet: Bytes | undefined): HandshakeOutcome {
    if (packet === undefined) throw new Error(`the ${this.#role} was to hear a packet, but there was none`)
    const reader = new Reader()
    reader.reset(packet)
    const form = packet[0]! >> 6
    if (form === 1) return this.handshake.onHello(reader)
    return form === 2 ? this.handshake.onWelcome(reader) : this.handshake.onClose(reader)
  }
}

function closeOf(packet: Bytes | undefined) {
  const reader = new Reader()
  reader.reset(packet!)
  return readClose(reader)!
}

const NOTHING = { kind: 'nothing' }
const IGNORED = { kind: 'ignored' }

describe('a handshake', () => {
  test('is a hello, answered by a welcome', () => {
    const [client, server] = [new Party('client'), new Party('server')]
    expect(server.says(0)).toBeUndefined()
    const hello = client.says(0)
    expect(server.hears(hello)).toEqual({ kind: 'open' })
    expect(client.hears(server.says(0))).toEqual({ kind: 'open' })
    expect(client.handshake.wakeAt).toBe(Number.POSITIVE_INFINITY)
    expect(server.handshake.wakeAt).toBe(Number.POSITIVE_INFINITY)
  })

  test('hellos are repeated at growing pauses until one is answered', () => {
    const instants = new Party('client').instants(6_000)
    const pauses = instants.slice(1).map((at, i) => at - instants[i]!)
    expect(pauses).toEqual([100, 150, 225, 337.5, 506.25, 759.375, 1_000, 1_000, 1_000])
  })

  test('each hello is answered by the same welcome but for its clock; a second welcome changes nothing', () => {
    const [client, server] = [new Party('client'), new Party('server')]
    const hello = client.says(0)
    server.hears(hello)
    const welcome = server.says(0)
    expect(server.says(0)).toBeUndefined()
    expect(server.hears(hello)).toEqual(NOTHING)
    expect(server.says(0)).toEqual(welcome)
    server.hears(hello)
    expect(server.says(1e9)!.subarray(0, 10)).toEqual(welcome!.subarray(0, 10))
    expect(client.hears(welcome)).toEqual({ kind: 'open' })
    expect([client.handshake.helloSentAt, client.handshake.peerClockMs]).toEqual([0, 0])
    expect(client.hears(welcome)).toEqual(NOTHING)
  })

  test('packets of another salt, or from a role that does not say such things, are ignored', () => {
    const [client, server, other] = [new Party('client'), new Party('server'), new Party('client', {}, CHANNELS, 99)]
    const stranger = new Party('server')
    stranger.hears(other.says(0))
    const hello = client.says(0)
    expect(client.hears(hello)).toEqual(IGNORED)
    expect(client.hears(stranger.says(0))).toEqual(IGNORED)
    server.hears(hello)
    const welcome = server.says(0)
    expect(server.hears(welcome)).toEqual(IGNORED)
    expect(server.hears(new Party('client', {}, CHANNELS, 99).says(0))).toEqual(IGNORED)
  })

  test('what is not our language is malformed', () => {
    const party = new Party('server')
    expect(party.hears(Uint8Array.of(0x41, 1))).toEqual({ kind: 'malformed' })
    expect(party.hears(Uint8Array.of(0x80, 1))).toEqual({ kind: 'malformed' })
    expect(party.hears(Uint8Array.of(0xff, 1))).toEqual({ kind: 'malformed' })
  })
})

describe('a server that differs', () => {
  /** What the server says about the hello of a client with these options; the client hears the same. */
  function difference(options: SomeOptions, channels: ChannelTable = CHANNELS): { violation: string; detail: string } {
    const [client, server] = [new Party('client', options, channels), new Party('server', { protocol: 'arena 2' })]
    const outcome = server.hears(client.says(0))
    const heard = client.hears(server.says(0))
    if (outcome.kind !== 'closed' || outcome.reason.kind !== 'protocol') throw new Error('not refused')
    expect(heard).toEqual({
      kind: 'closed',
      reason: { ...outcome.reason, detail: `the peer: ${outcome.reason.detail}` },
    })
    return outcome.reason
  }

  test('in the protocol says which it expected', () => {
    expect(difference({ protocol: 'arena 3' })).toMatchObject({
      violation: 'protocol',
      detail: 'expected protocol "arena 2", got another',
    })
  })

  test.each<[string, ChannelTable, string]>([
    [
      'in the kind of a channel',
      { chat: { kind: 'reliable' }, world: CHANNELS['world']! },
      "expected channel 0 to be 'chat' (ordered, at most 1048576 bytes), got another",
    ],
    [
      'in the size of a message',
      { chat: CHANNELS['chat']!, world: { kind: 'sequenced' } },
      "expected channel 1 to be 'world' (sequenced, at most 9000 bytes), got another",
    ],
    [
      'in the order of the table',
      { world: CHANNELS['world']!, chat: CHANNELS['chat']! },
      "expected channel 0 to be 'chat' (ordered, at most 1048576 bytes), got another",
    ],
    [
      'in a channel that is missing',
      { chat: CHANNELS['chat']! },
      "expected channel 1 to be 'world' (sequenced, at most 9000 bytes), got none",
    ],
    ['in a channel too many', { ...CHANNELS, more: { kind: 'latest' } }, 'expected no channel 2, got another'],
  ])('%s says which', (_, channels, detail) => {
    expect(difference({ protocol: 'arena 2' }, channels)).toEqual({
      kind: 'protocol',
      violation: 'channel-table',
      detail,
    })
  })

  test('in the wire version says so without reading on', () => {
    const server = new Party('server')
    const writer = new Writer(100)
    writer.reset(100)
    writeHello(writer, { version: 2, clientSalt: 5, protocolDigest: 0, channelDigests: [1] })
    expect(server.hears(writer.view())).toMatchObject({
      reason: { violation: 'version', detail: 'expected wire version 1, got 2' },
    })
    expect(closeOf(server.says(0)).clientSalt).toBe(5)
  })

  test('says it again for each hello, and no more', () => {
    const [client, server] = [new Party('client', { protocol: 'x' }), new Party('server')]
    const hello = client.says(0)
    server.hears(hello)
    expect(server.says(0)).toBeDefined()
    expect(server.says(0)).toBeUndefined()
    expect(server.hears(hello)).toEqual(NOTHING)
    expect(server.says(0)).toBeDefined()
    expect(server.says(0)).toBeUndefined()
  })
})

describe('a server that asks its game first', () => {
  test('keeps silent until it is told to accept', () => {
    const [client, server] = [new Party('client'), new Party('server', { autoAccept: false })]
    expect(server.hears(client.says(0))).toEqual(NOTHING)
    expect(server.handshake.isAsking).toBe(true)
    expect(server.says(0)).toBeUndefined()
    expect(server.handshake.accept()).toBe(true)
    expect(server.handshake.isAsking).toBe(false)
    expect(client.hears(server.says(0))).toEqual({ kind: 'open' })
  })

  test('may be told before anybody asks', () => {
    const [client, server] = [new Party('client'), new Party('server', { autoAccept: false })]
    expect(server.handshake.accept()).toBe(false)
    expect(server.hears(client.says(0))).toEqual({ kind: 'open' })
  })

  test('may refuse, before and after it was asked, and gives its reason', () => {
    for (const isEarly of [true, false]) {
      const [client, server] = [new Party('client'), new Party('server', { autoAccept: false })]
      const hello = client.says(0)
      if (!isEarly) server.hears(hello)
      server.handshake.end('rejected', 12, bytesOf('full'), isEarly ? 0 : 1)
      if (isEarly) server.hears(hello)
      const answer = server.says(0)
      expect(closeOf(answer).kind).toBe(CLOSE_REJECTED)
      expect(client.hears(answer)).toEqual({
        kind: 'closed',
        reason: { kind: 'rejected', code: 12, data: bytesOf('full') },
      })
    }
  })
})

/** A client and a server that have greeted each other. */
function greeted(): { client: Party; server: Party } {
  const [client, server] = [new Party('client'), new Party('server')]
  server.hears(client.says(0))
  client.hears(server.says(0))
  return { client, server }
}

describe('goodbye', () => {
  test('is repeated at doubling pauses, six times at most', () => {
    const { client } = greeted()
    client.handshake.startGoodbye(3, bytesOf('bye'), 1_000, 50)
    expect(client.instants(100_000)).toEqual([1_000, 1_050, 1_150, 1_350, 1_750, 2_550])
    expect(client.handshake.isSpent).toBe(true)
  })

  test('is answered by a heard, which ends it', () => {
    const { client, server } = greeted()
    client.handshake.startGoodbye(3, bytesOf('bye'), 1_000, 50)
    const goodbye = client.says(1_000)
    expect(closeOf(goodbye)).toMatchObject({ kind: CLOSE_GOODBYE, code: 3 })
    expect(server.hears(goodbye)).toEqual({ kind: 'closed', reason: { kind: 'peer', code: 3, data: bytesOf('bye') } })
    const heard = server.says(1_000)
    expect(closeOf(heard).kind).toBe(CLOSE_HEARD)
    expect(client.hears(heard)).toEqual({ kind: 'heard' })
    expect(client.handshake.wakeAt).toBe(Number.POSITIVE_INFINITY)
  })

  test('that comes again is answered again', () => {
    const { client, server } = greeted()
    client.handshake.startGoodbye(3, bytesOf('bye'), 1_000, 50)
    const goodbye = client.says(1_000)
    for (let i = 0; i < 3; i++) {
      server.hears(goodbye)
      expect(closeOf(server.says(1_000)).kind).toBe(CLOSE_HEARD)
      expect(server.says(1_000)).toBeUndefined()
    }
  })

  test('of a stranger is ignored, and before any hello a server knows nobody', () => {
    const { client } = greeted()
    const stranger = new Party('client', {}, CHANNELS, 99)
    stranger.handshake.end('goodbye', 0, bytesOf(''), 1)
    const packet = stranger.says(0)
    expect(client.hears(packet)).toEqual(IGNORED)
    expect(new Party('server', {}, CHANNELS, 99).hears(packet)).toEqual(IGNORED)
  })

  test('a server that was never greeted has nobody to tell', () => {
    const server = new Party('server')
    server.handshake.end('goodbye', 0, bytesOf(''), 2)
    expect(server.says(0)).toBeUndefined()
    expect(server.says(0)).toBeUndefined()
    expect(server.handshake.wakeAt).toBe(Number.POSITIVE_INFINITY)
  })

  test('a violation is told once', () => {
    const { client, server } = greeted()
    server.handshake.end('violation', 0, bytesOf(''), 1)
    const packet = server.says(0)
    expect(closeOf(packet).kind).toBe(CLOSE_VIOLATION)
    expect(server.says(0)).toBeUndefined()
    expect(client.hears(packet)).toMatchObject({ reason: { kind: 'protocol', violation: 'malformed' } })
    expect(client.says(0)).toBeUndefined()
  })

  test('what a peer says as its reason is shown without anything that is not text', () => {
    const client = new Party('client')
    client.says(0)
    const packet = Uint8Array.from([0xc0 | CLOSE_TABLE, 0, 0, 0, 7, 0, 0, ...bytesOf('a\u001b[31mb')])
    const outcome = client.hears(packet)
    if (outcome.kind !== 'closed' || outcome.reason.kind !== 'protocol') throw new Error('not closed')
    expect(outcome.reason.detail).toBe('the peer: a?[31mb')
  })
})

describe('after the end without a word', () => {
  test('a client says no more hellos', () => {
    const client = new Party('client')
    client.says(0)
    client.handshake.stop()
    expect(client.instants(1e6)).toEqual([])
  })

  test('a server welcomes nobody, neither now nor later', () => {
    const [client, server] = [new Party('client'), new Party('server')]
    const hello = client.says(0)
    server.handshake.stop()
    expect(server.hears(hello)).toEqual(IGNORED)
    expect(server.says(0)).toBeUndefined()
    const welcoming = new Party('server')
    welcoming.hears(hello)
    welcoming.handshake.stop()
    expect(welcoming.says(0)).toBeUndefined()
  })

  test('a goodbye is not repeated, but a last packet is, when it is asked for', () => {
    const { client, server } = greeted()
    client.handshake.startGoodbye(3, bytesOf('bye'), 0, 50)
    const goodbye = client.says(0)
    client.handshake.stop()
    expect(client.instants(1e6)).toEqual([])
    server.hears(goodbye)
    server.says(0)
    server.handshake.stop()
    server.hears(goodbye)
    expect(closeOf(server.says(0)).kind).toBe(CLOSE_HEARD)
    expect(textOf(closeOf(goodbye).data)).toBe('bye')
  })
})
