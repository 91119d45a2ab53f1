import { describe, expect, test } from 'vitest'
import type { ChannelTable, CloseReason } from '../../src/index.ts'
import { Pair } from '../support/pair.ts'
import { opens, pass, plan, step, weather } from '../support/plan.ts'
import { seeded } from '../support/seeds.ts'
import { channelDigest, encodePacket, fnv1a } from '../wire/oracle.ts'

const CHANNELS = { chat: { kind: 'ordered' }, pose: { kind: 'sequenced' } } as const

describe('the handshake', () => {
  test('takes one round trip on a clean line', () => {
    const pair = new Pair({ seed: 1, channels: CHANNELS, up: { delayMs: 30 }, down: { delayMs: 30 } })
    expect(pair.runUntil(() => pair.sides.every((side) => side.endpoint.state === 'open'), 61)).toBe(true)
    expect(pair.client.packets + pair.server.packets).toBe(2)
  })

  seeded('gets through when four packets in ten are lost, and others doubled and mixed', 10, (seed) => {
    const line = { loss: 0.4, duplicate: 0.2, delayMs: 40, jitterMs: 40, reorder: true }
    const pair = new Pair({ seed, channels: CHANNELS, up: line, down: line })
    pair.client.send('chat')
    pair.server.send('chat')
    plan(pair, [
      opens(),
      weather('the line gets better', { up: { loss: 0 }, down: { loss: 0 } }),
      step('what was sent before it was open arrives', () => pair.finish()),
    ])
    expect(pair.sides.map((side) => side.states)).toEqual([
      ['connecting', 'open'],
      ['connecting', 'open'],
    ])
    expect(pair.sides.map((side) => side.models.get('chat')?.delivered)).toEqual([1, 1])
  })

  test('repeats the welcome when it was lost, and drops what overtook it', () => {
    const pair = new Pair({ seed: 1, channels: CHANNELS, up: { delayMs: 20 }, down: { delayMs: 20, loss: 1 } })
    pair.server.send('chat')
    plan(pair, [
      pass(90),
      step('the server alone is open', () =>
        expect(pair.sides.map((s) => s.endpoint.state)).toEqual(['connecting', 'open']),
      ),
      weather('the way down opens', { down: { loss: 0 } }),
      step('the client is open after its next hello', () => pair.open(200)),
      step('the message comes again', () => pair.finish()),
    ])
  })

  test('keeps saying hello, ever more slowly, until the time is up', () => {
    const pair = new Pair({ seed: 1, channels: CHANNELS, up: { loss: 1 } })
    const at: number[] = []
    pair.client.onPacket = (tree) => {
      if (tree?.form === 'hello') at.push(pair.now)
    }
    pair.run(20_000)
    const pauses = at.slice(1).map((time, i) => time - at[i]!)
    expect(pauses[0]).toBeCloseTo(100, 0)
    for (let i = 1; i < pauses.length; i++) expect(pauses[i]).toBeGreaterThanOrEqual(pauses[i - 1]! - 1e-6)
    expect(pauses.at(-1)).toBeCloseTo(1000, 0)
    expect(pair.client.reason).toEqual({ kind: 'timeout', silentMs: 10_000, during: 'connecting' })
    expect(pair.server.reason).toEqual({ kind: 'timeout', silentMs: 10_000, during: 'connecting' })
  })
})

describe('two ends that do not fit', () => {
  interface Misfit {
    readonly what: string
    readonly client?: { readonly protocol?: string; readonly channels?: ChannelTable }
    readonly server?: { readonly protocol?: string; readonly channels?: ChannelTable }
    readonly violation: string
    readonly detail: string
  }
  const channels: ChannelTable = CHANNELS
  const misfits: Misfit[] = [
    {
      what: 'of another protocol',
      client: { protocol: 'game 1' },
      server: { protocol: 'game "2"' },
      violation: 'protocol',
      detail: 'expected protocol "game \\"2\\"", got another',
    },
    {
      what: 'with another kind of channel',
      client: { channels: { ...channels, pose: { kind: 'unreliable' } } },
      violation: 'channel-table',
      detail: "expected channel 1 to be 'pose' (sequenced, at most 1048576 bytes), got another",
    },
    {
      what: 'with another size of message',
      client: { channels: { ...channels, chat: { kind: 'ordered', maxMessageBytes: 7 } } },
      violation: 'channel-table',
      detail: "expected channel 0 to be 'chat' (ordered, at most 1048576 bytes), got another",
    },
    {
      what: 'with a channel missing',
      client: { channels: { chat: { kind: 'ordered' } } },
      violation: 'channel-table',
      detail: "expected channel 1 to be 'pose' (sequenced, at most 1048576 bytes), got none",
    },
    {
      what: 'with a channel too many',
      client: { channels: { ...channels, more: { kind: 'latest' } } },
      violation: 'channel-table',
      detail: 'expected no channel 2, got another',
    },
    {
      what: 'with channels in another order',
      client: { channels: { pose: { kind: 'sequenced' }, chat: { kind: 'ordered' } } },
      violation: 'channel-table',
      detail: "expected channel 0 to be 'chat' (ordered, at most 1048576 bytes), got another",
    },
  ]
  for (const { what, client = {}, server = {}, violation, detail } of misfits) {
    test(`${what}: both sides end with the reason`, () => {
      const line = { delayMs: 30 }
      const pair = new Pair({ seed: 1, channels, client, server, up: line, down: line })
      pair.run(200)
      expect(pair.server.reason).toEqual({ kind: 'protocol', violation, detail })
      expect(pair.client.reason).toEqual({ kind: 'protocol', violation, detail: `the peer: ${detail}` })
      expect(pair.sides.map((side) => side.opened)).toEqual([0, 0])
    })
  }

  test('of the same table but other limits of their own fit', () => {
    const client = {
      channels: { chat: { kind: 'ordered', priority: 5 }, pose: { kind: 'sequenced', maxKeys: 1 } },
    } as const
    new Pair<ChannelTable>({ seed: 1, channels, client }).open()
  })

  test('of another wire version: the server ends and says so', () => {
    const pair = new Pair({ seed: 1, channels: CHANNELS })
    const hello = encodePacket(
      { form: 'foreign', of: 'hello', version: 2, clientSalt: 9, rest: Uint8Array.of(1, 2, 3) },
      { kinds: [] },
    )
    expect(pair.server.receive(hello, 0)).toBe('accepted')
    pair.server.read()
    const detail = 'expected wire version 1, got 2'
    expect(pair.server.reason).toEqual({ kind: 'protocol', violation: 'version', detail })
    let told: unknown
    pair.server.onPacket = (tree) => {
      told = tree
    }
    pair.server.pollPacket()
    const data = Uint8Array.from(detail, (letter) => letter.charCodeAt(0))
    expect(told).toEqual({ form: 'close', kind: 'version', clientSalt: 9, code: 0, data })
  })

  test('of another wire version: the client ends when it is told', () => {
    const pair = new Pair({ seed: 1, channels: CHANNELS })
    let clientSalt = 0
    pair.client.onPacket = (tree) => {
      if (tree?.form === 'hello') clientSalt = tree.clientSalt
    }
    pair.client.pollPacket()
    const data = Uint8Array.from('no', (letter) => letter.charCodeAt(0))
    pair.client.receive(encodePacket({ form: 'close', kind: 'version', clientSalt, code: 0, data }, { kinds: [] }), 5)
    pair.client.read()
    expect(pair.client.reason).toEqual({ kind: 'protocol', violation: 'version', detail: 'the peer: no' })
  })

  test('repeat the reason when it was lost', () => {
    const pair = new Pair({
      seed: 1,
      channels: CHANNELS,
      client: { protocol: 'x' },
      up: { delayMs: 10 },
      down: { delayMs: 10, loss: 1 },
    })
    plan(pair, [
      pass(150),
      step('the server has ended', () => expect(pair.server.endpoint.state).toBe('closed')),
      weather('the way down opens', { down: { loss: 0 } }),
      pass(1000),
      step('the client knows', () =>
        expect(pair.client.reason).toMatchObject({ kind: 'protocol', violation: 'protocol' }),
      ),
    ])
  })
})

describe('a server that wants to be asked', () => {
  const server = { autoAccept: false }
  const line = { delayMs: 30 }

  test('answers nothing until it accepts', () => {
    const pair = new Pair({ seed: 1, channels: CHANNELS, server, up: line, down: line })
    plan(pair, [
      pass(1000),
      step('the hello waits', () => {
        expect(pair.server.endpoint.isAsking).toBe(true)
        expect(pair.sides.map((side) => side.endpoint.state)).toEqual(['connecting', 'connecting'])
        expect(pair.server.packets).toBe(0)
      }),
      step('it accepts', () => pair.server.endpoint.accept()),
      step('both are open a moment later', () => pair.open(120)),
    ])
  })

  test('may accept before the hello comes', () => {
    const pair = new Pair({ seed: 1, channels: CHANNELS, server, up: line, down: line })
    pair.server.endpoint.accept()
    expect(pair.server.endpoint.isAsking).toBe(false)
    pair.open(100)
  })

  for (const [when, beforeMs] of [
    ['while it is asked', 500],
    ['before it is asked', 0],
  ] as const) {
    test(`may refuse with a code and data, ${when}`, () => {
      const pair = new Pair({ seed: 1, channels: CHANNELS, server, up: line, down: line })
      const data = Uint8Array.from({ length: 1024 }, (_, i) => i)
      plan(pair, [
        pass(beforeMs),
        step('it refuses', () => pair.server.endpoint.reject({ code: 4003, data })),
        pass(500),
      ])
      const rejected: CloseReason = { kind: 'rejected', code: 4003, data }
      expect(pair.client.reason).toEqual(rejected)
      expect(pair.server.reason).toEqual({ kind: 'local', code: 4003 })
      expect(pair.sides.map((side) => side.states)).toEqual([
        ['connecting', 'closed'],
        ['connecting', 'closed'],
      ])
    })
  }

  seeded('refuses again as often as it is asked again', 5, (seed) => {
    const pair = new Pair({
      seed,
      channels: CHANNELS,
      server,
      up: { ...line, loss: 0.5 },
      down: { ...line, loss: 0.5 },
    })
    pair.server.endpoint.reject({ code: 9 })
    pair.run(9000)
    expect(pair.client.reason).toEqual({ kind: 'rejected', code: 9, data: new Uint8Array(0) })
  })

  test('refuses misfits by itself', () => {
    const pair = new Pair({ seed: 1, channels: CHANNELS, server, client: { protocol: 'other' }, up: line, down: line })
    pair.run(500)
    expect(pair.client.reason).toMatchObject({ kind: 'protocol', violation: 'protocol' })
    expect(pair.server.endpoint.isAsking).toBe(false)
  })
})

describe('packets of another session', () => {
  test('change nothing', () => {
    const pair = new Pair({ seed: 1, channels: CHANNELS }).open()
    const digests = [channelDigest('chat', 'ordered', 1 << 20), channelDigest('pose', 'sequenced', 1 << 20)]
    const hello = {
      form: 'hello',
      version: 1,
      clientSalt: 1,
      protocolDigest: fnv1a(''),
      channelDigests: digests,
    } as const
    const welcome = { form: 'welcome', version: 1, clientSalt: 1, serverSalt: 2, clock: 0 } as const
    const close = { form: 'close', kind: 'goodbye', clientSalt: 1, code: 0, data: new Uint8Array(0) } as const
    for (const packet of [hello, welcome, close]) {
      const bytes = encodePacket(packet, { kinds: [] })
      for (const side of pair.sides) expect(side.receive(bytes.slice(), pair.now)).toBe('refused')
    }
    pair.run(500)
    expect(pair.sides.map((side) => side.endpoint.state)).toEqual(['open', 'open'])
    expect(pair.sides.map((side) => side.endpoint.stats.refusals.unexpected)).toEqual([3, 3])
  })
})
