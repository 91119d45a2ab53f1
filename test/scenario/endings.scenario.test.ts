import { describe, expect, test } from 'vitest'
import type { CloseReason } from '../../src/index.ts'
import { Pair, type PairOptions } from '../support/pair.ts'
import { opens, pass, plan, step, weather } from '../support/plan.ts'
import { seeded } from '../support/seeds.ts'
import type { Side } from '../support/side.ts'

const CHANNELS = {
  chat: { kind: 'ordered' },
  hits: { kind: 'reliable' },
  doors: { kind: 'latest' },
  pose: { kind: 'unreliable' },
  look: { kind: 'sequenced' },
} as const
type Table = typeof CHANNELS
const NAMES = ['chat', 'hits', 'doors', 'pose', 'look'] as const
const LINE = { delayMs: 40 }
const NONE = new Uint8Array(0)

function open(options: Partial<PairOptions<Table>> = {}): Pair<Table> {
  return new Pair<Table>({ seed: 1, channels: CHANNELS, up: LINE, down: LINE, ...options }).open()
}

function reasons(pair: Pair<Table>): (CloseReason | undefined)[] {
  return pair.sides.map((side) => side.reason)
}

/** Both orders: who does it, and who has it done to them. */
function fromEachSide(
  name: string,
  run: (pair: Pair<Table>, self: Side<Table>, other: Side<Table>) => void,
  options?: Partial<PairOptions<Table>>,
): void {
  test(`${name} (client)`, () => {
    const pair = open(options)
    run(pair, pair.client, pair.server)
  })
  test(`${name} (server)`, () => {
    const pair = open(options)
    run(pair, pair.server, pair.client)
  })
}

describe('a graceful close', () => {
  fromEachSide('tells the other side the code and the data', (pair, self, other) => {
    const data = Uint8Array.of(1, 2, 3)
    self.endpoint.close({ code: 65_535, data })
    pair.run(1000)
    expect(self.reason).toEqual({ kind: 'local', code: 65_535 })
    expect(other.reason).toEqual({ kind: 'peer', code: 65_535, data })
    expect(self.states).toEqual(['connecting', 'open', 'closing', 'closed'])
    expect(other.states).toEqual(['connecting', 'open', 'closed'])
  })

  fromEachSide('takes a bit more than a round trip when nothing waits', (pair, self) => {
    self.endpoint.close()
    expect(pair.runUntil(() => self.endpoint.state === 'closed', 120)).toBe(true)
  })

  for (const [weatherName, line] of [
    ['on a clean line', LINE],
    ['on a line that loses three packets in ten', { ...LINE, loss: 0.3, jitterMs: 10, reorder: true }],
  ] as const) {
    seeded(`delivers all reliable data first ${weatherName}`, 5, (seed) => {
      const pair = open({ seed, up: line, down: line, payloads: { largeShare: 0.3, maxBytes: 8000 } })
      for (let i = 0; i < 40; i++)
        for (const name of NAMES) pair.client.send(name, name === 'doors' || name === 'look' ? { key: i } : {})
      pair.client.endpoint.close({ deadlineMs: 10_000 })
      expect(pair.client.endpoint.state).toBe('closing')
      expect(pair.client.send('chat')).toBeUndefined()
      expect(pair.client.endpoint.send('chat', NONE)).toBe(-1)
      pair.run(12_000)
      expect(pair.client.reason).toEqual({ kind: 'local', code: 0 })
      for (const name of ['chat', 'hits', 'doors'] as const) {
        expect(pair.client.models.get(name)!.verdicts.acked, name).toBe(40)
        expect(pair.client.models.get(name)!.delivered, name).toBe(40)
      }
      for (const side of pair.sides) side.finish(true)
    })
  }

  fromEachSide('gives up waiting at its deadline, and what is left is closed', (pair, self, other) => {
    plan(pair, [
      weather('nothing gets through', { up: { loss: 1 }, down: { loss: 1 } }),
      step('a message is sent, and the connection closed', () => {
        self.send('chat')
        self.endpoint.close({ code: 7, deadlineMs: 500 })
      }),
      pass(490),
      step('it still waits', () => expect(self.endpoint.state).toBe('closing')),
      weather('the line opens', { up: { loss: 0 }, down: { loss: 0 } }),
      pass(2000),
    ])
    expect(self.reason).toEqual({ kind: 'local', code: 7 })
    expect(other.reason).toMatchObject({ kind: 'peer', code: 7 })
    for (const side of pair.sides) side.finish(true)
    expect(self.endpoint.stats.messagesAcked + self.models.get('chat')!.verdicts.closed).toBe(1)
  })

  fromEachSide('without a deadline leaves at once', (pair, self, other) => {
    self.send('chat')
    self.endpoint.close({ code: 3, deadlineMs: 0 })
    expect(self.endpoint.state).toBe('closed')
    pair.run(100)
    expect(self.reason).toEqual({ kind: 'local', code: 3 })
    expect(self.models.get('chat')!.verdicts.closed).toBe(1)
    expect(other.reason).toEqual({ kind: 'peer', code: 3, data: NONE })
  })

  seeded('reaches the other side though half of all packets are lost', 20, (seed) => {
    const line = { ...LINE, loss: 0.5 }
    const pair = open({ seed, up: line, down: line })
    pair.client.endpoint.close({ code: 1 })
    pair.run(12_000)
    expect(pair.client.reason).toEqual({ kind: 'local', code: 1 })
    // Six goodbyes may all be lost: then the silence tells.
    expect(['peer', 'timeout']).toContain(pair.server.reason?.kind)
  })

  test('that is never answered ends after a few goodbyes', () => {
    const pair = open().play((side) => void side.send('pose'))
    plan(pair, [
      pass(1000),
      weather('nothing gets through', { up: { loss: 1 }, down: { loss: 1 } }),
      step('the client closes', () => pair.client.endpoint.close({ code: 1 })),
      pass(5000),
      step('the client has closed', () => expect(pair.client.reason).toEqual({ kind: 'local', code: 1 })),
      pass(6000),
      step('the server has noticed the silence', () =>
        expect(pair.server.reason).toMatchObject({ kind: 'timeout', during: 'open' }),
      ),
    ])
  })

  seeded('from both sides at once ends both, once each', 10, (seed) => {
    const line = { ...LINE, loss: 0.2 }
    const pair = open({ seed, up: line, down: line })
    for (const side of pair.sides) for (const name of NAMES) side.send(name)
    pair.client.endpoint.close({ code: 1 })
    pair.server.endpoint.close({ code: 2 })
    pair.run(12_000)
    for (const side of pair.sides) {
      expect(side.endpoint.state).toBe('closed')
      expect(['local', 'peer']).toContain(side.reason?.kind)
      side.finish(true)
    }
  })

  fromEachSide('asked for twice keeps the first code', (pair, self, other) => {
    self.endpoint.close({ code: 1 })
    self.endpoint.close({ code: 2 })
    pair.run(1000)
    expect(self.reason).toEqual({ kind: 'local', code: 1 })
    expect(other.reason).toMatchObject({ kind: 'peer', code: 1 })
    self.endpoint.close({ code: 3 })
    pair.run(1000)
    expect(self.reason).toEqual({ kind: 'local', code: 1 })
  })

  test('of a client that was never heard ends it, and a server that was reached later ends too', () => {
    const pair = new Pair({ seed: 1, channels: CHANNELS, up: LINE, down: { ...LINE, loss: 1 } })
    pair.run(20)
    pair.client.send('chat')
    pair.client.endpoint.close({ code: 5 })
    pair.run(500)
    expect(pair.client.states).toEqual(['connecting', 'closed'])
    expect(pair.client.reason).toEqual({ kind: 'local', code: 5 })
    expect(pair.client.models.get('chat')!.verdicts.closed).toBe(1)
    expect(pair.server.reason).toMatchObject({ kind: 'peer', code: 5 })
  })

  test('of a server that nobody has greeted says nothing', () => {
    const pair = new Pair({ seed: 1, channels: CHANNELS, up: { loss: 1 } })
    pair.server.endpoint.close({ code: 5 })
    pair.run(500)
    expect(pair.server.reason).toEqual({ kind: 'local', code: 5 })
    expect(pair.server.packets).toBe(0)
  })
})

describe('silence', () => {
  test('ends both sides while they connect', () => {
    const pair = new Pair({ seed: 1, channels: CHANNELS, up: { loss: 1 }, down: { loss: 1 }, both: { timeoutMs: 700 } })
    pair.client.send('chat')
    pair.run(1000)
    const reason: CloseReason = { kind: 'timeout', silentMs: 700, during: 'connecting' }
    expect(reasons(pair)).toEqual([reason, reason])
    for (const side of pair.sides) side.finish(true)
  })

  test('ends both sides that are open, and says how long it was', () => {
    const pair = open({ both: { timeoutMs: 3000 } })
    pair.run(1000)
    pair.world.set({ up: { loss: 1 }, down: { loss: 1 } })
    const cutAt = pair.now
    pair.run(6000)
    for (const side of pair.sides) {
      expect(side.reason).toMatchObject({ kind: 'timeout', during: 'open' })
      const { silentMs } = side.reason as { silentMs: number }
      expect(silentMs).toBeGreaterThanOrEqual(3000)
      expect(silentMs).toBeLessThan(3020)
    }
    expect(cutAt).toBeGreaterThan(0)
  })

  test('ends the side that hears nothing, and the other hears nothing then', () => {
    const pair = open({ both: { timeoutMs: 3000 } }).play((side) => void side.send('pose'))
    pair.run(500)
    pair.world.set({ up: { loss: 1 } })
    pair.run(8000)
    expect(pair.server.reason).toMatchObject({ kind: 'timeout' })
    expect(pair.client.reason).toMatchObject({ kind: 'timeout' })
  })

  fromEachSide(
    'ends a side that is closing',
    (pair, self) => {
      pair.world.set({ up: { loss: 1 }, down: { loss: 1 } })
      self.send('chat')
      self.endpoint.close({ deadlineMs: 60_000 })
      pair.run(5000)
      expect(self.reason).toMatchObject({ kind: 'timeout', during: 'closing' })
      expect(self.states).toEqual(['connecting', 'open', 'closing', 'closed'])
      self.finish(true)
    },
    { both: { timeoutMs: 3000 } },
  )

  test('does not come over an idle connection', () => {
    const pair = open({ both: { timeoutMs: 600 } })
    pair.run(60_000)
    expect(pair.sides.map((side) => side.endpoint.state)).toEqual(['open', 'open'])
  })

  test('does not come over an idle connection that loses one packet in five', () => {
    const line = { ...LINE, loss: 0.2 }
    const pair = open({ up: line, down: line })
    pair.run(600_000)
    expect(pair.sides.map((side) => side.endpoint.state)).toEqual(['open', 'open'])
  })
})

describe('a peer that does not speak our language', () => {
  fromEachSide('is tolerated up to the limit, then told to go', (pair, self, other) => {
    const junk = (): Uint8Array<ArrayBuffer> => Uint8Array.of(0x07, 0, 0, 0, 0)
    for (let i = 0; i < 32; i++) expect(self.receive(junk(), pair.now)).toBe('malformed')
    pair.run(200)
    expect(self.endpoint.state).toBe('open')
    expect(self.receive(junk(), pair.now)).toBe('malformed')
    pair.run(200)
    expect(self.reason).toEqual({
      kind: 'protocol',
      violation: 'malformed',
      detail: '33 malformed packets, at most 32',
    })
    expect(other.reason).toEqual({ kind: 'protocol', violation: 'malformed', detail: 'the peer: ' })
    expect(self.receive(junk(), pair.now)).toBe('closed')
  })

  test('while connecting too', () => {
    const pair = new Pair({ seed: 1, channels: CHANNELS, both: { maxMalformed: 2 } })
    for (const side of pair.sides) {
      for (let i = 0; i < 3; i++) side.receive(new Uint8Array(0), 0)
      side.read()
      expect(side.reason).toMatchObject({ kind: 'protocol', violation: 'malformed' })
    }
  })
})

describe('a game that does not look after its connection', () => {
  fromEachSide(
    'and never polls its verdicts ends it by overflow',
    (pair, self, other) => {
      self.isReading = false
      pair.play((side) => {
        if (side === self) for (let i = 0; i < 20; i++) self.send('pose')
      })
      pair.run(3000)
      expect(self.endpoint.state).toBe('closed')
      self.read()
      expect(self.reason).toEqual({ kind: 'overflow', what: 'events', limit: 16 * 32 })
      expect(other.reason).toEqual({ kind: 'peer', code: 0, data: NONE })
      self.finish(true)
    },
    { both: { maxEvents: 32 } },
  )

  fromEachSide(
    'and never polls its messages only holds them up',
    (pair, self, other) => {
      self.isReading = false
      pair.play((side) => {
        if (side === other && side.models.get('chat')!.sent < 400) side.send('chat')
      })
      pair.run(20_000)
      expect(self.endpoint.state).toBe('open')
      expect(self.endpoint.stats.packetsRefused).toBeGreaterThan(0)
      expect(other.models.get('chat')!.verdicts.acked).toBeLessThan(100)
      self.isReading = true
      pair.finish()
      expect(other.models.get('chat')!.delivered).toBe(400)
    },
    { both: { maxEvents: 32, timeoutMs: 30_000 } },
  )
})

describe('a pipe that breaks', () => {
  fromEachSide('ends its side at once, with its own word', (pair, self, other) => {
    for (const name of NAMES) self.send(name)
    self.endpoint.abort({ kind: 'transport', detail: 'ice-failed' })
    const packets = self.packets
    pair.run(11_000)
    expect(self.reason).toEqual({ kind: 'transport', detail: 'ice-failed' })
    expect(self.packets).toBe(packets)
    expect(other.reason).toMatchObject({ kind: 'timeout', during: 'open' })
    for (const name of NAMES) expect(self.models.get(name)!.verdicts.closed).toBe(1)
    self.endpoint.abort({ kind: 'transport', detail: 'again' })
    pair.run(10)
    expect(self.reason).toEqual({ kind: 'transport', detail: 'ice-failed' })
  })

  test('ends a client that still says hello: it says no more', () => {
    const pair = new Pair({ seed: 1, channels: CHANNELS, up: LINE, down: LINE })
    pair.client.endpoint.abort({ kind: 'transport', detail: 'gone' })
    pair.run(1000)
    expect(pair.client.packets).toBeLessThanOrEqual(1)
    expect(pair.client.endpoint.wakeAt).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('after the end', () => {
  fromEachSide('every method returns its quiet value', (pair, self) => {
    self.endpoint.close({ deadlineMs: 0 })
    pair.run(1000)
    const { endpoint } = self
    expect(endpoint.send('chat', NONE)).toBe(-1)
    expect(endpoint.trySend('chat', NONE)).toBeUndefined()
    expect(endpoint.receive(Uint8Array.of(0, 0, 0, 0, 0), pair.now)).toBe('closed')
    endpoint.update(pair.now + 100_000)
    expect(endpoint.pollEvent()).toBeUndefined()
    expect(endpoint.pollPacket()).toBeUndefined()
    expect(endpoint.queuedMs('chat')).toBe(0)
    expect(endpoint.wakeAt).toBe(Number.POSITIVE_INFINITY)
    endpoint.close()
    endpoint.accept()
    endpoint.reject()
    expect(endpoint.state).toBe('closed')
  })

  seeded('every message has one verdict, whenever it comes', 40, (seed) => {
    const line = { ...LINE, loss: 0.1, jitterMs: 5, reorder: true }
    const pair = new Pair({
      seed,
      channels: CHANNELS,
      up: line,
      down: line,
      payloads: { largeShare: 0.2, maxBytes: 4000 },
    })
    pair.play((side, _now, tick) => {
      for (const name of NAMES)
        side.send(
          name,
          name === 'doors' || name === 'look' ? { key: tick % 3, ...(tick % 4 === 0 ? { ttlMs: 30 } : {}) } : {},
        )
    })
    pair.run((seed % 40) * 37)
    pair.client.endpoint.abort({ kind: 'transport', detail: '' })
    pair.server.endpoint.close({ deadlineMs: 0 })
    pair.play(undefined)
    pair.run(500)
    for (const side of pair.sides) side.finish(true)
  })

  test('time that runs backwards, or stands still, changes nothing', () => {
    const pair = open()
    pair.client.update(pair.now - 500)
    pair.client.update(pair.now)
    pair.client.update(pair.now)
    expect(pair.client.endpoint.state).toBe('open')
  })
})

describe('the table of moves', () => {
  test('opens again to nobody', () => {
    const pair = new Pair({ seed: 1, channels: CHANNELS, up: LINE, down: LINE })
    plan(pair, [
      opens(),
      step('the client closes at once', () => pair.client.endpoint.close({ deadlineMs: 0 })),
      pass(200),
      step('a client with another salt comes', (other) => {
        const next = new Pair({ seed: 2, channels: CHANNELS })
        let hello: Uint8Array<ArrayBuffer> | undefined
        next.client.onPacket = (_, packet) => {
          hello = packet.slice()
        }
        next.client.pollPacket()
        expect(other.server.receive(hello!, other.now)).toBe('closed')
        expect(other.server.endpoint.state).toBe('closed')
      }),
    ])
  })
})
