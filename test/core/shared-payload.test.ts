import { describe, expect, test } from 'vitest'
import { type ChannelTable, Endpoint, NetcodeError, SharedPayload } from '../../src/index.ts'
import { usedBytes } from '../support/memory.ts'

const CHANNELS = {
  state: { kind: 'unreliable' },
  world: { kind: 'sequenced' },
  chat: { kind: 'ordered' },
  value: { kind: 'latest' },
} satisfies ChannelTable
type Name = keyof typeof CHANNELS
const NAMES = Object.keys(CHANNELS) as Name[]

/** A client and a server that are open, without a network between them. */
class Couple {
  readonly client: Endpoint<typeof CHANNELS>
  readonly server: Endpoint<typeof CHANNELS>
  #now = 0

  constructor() {
    const make = (role: 'client' | 'server') =>
      new Endpoint({ role, now: 0, random: () => 7, channels: CHANNELS, bytesPerSecond: 1e9 })
    this.client = make('client')
    this.server = make('server')
    this.run(3)
  }

  /** Lets ticks pass; returns what the client got. */
  run(ticks: number): { channel: Name; payload: Uint8Array }[] {
    const got: { channel: Name; payload: Uint8Array }[] = []
    for (let i = 0; i < ticks; i++) {
      this.#now += 16
      for (const [from, to] of [
        [this.client, this.server],
        [this.server, this.client],
      ] as const) {
        from.update(this.#now)
        for (let packet = from.pollPacket(); packet !== undefined; packet = from.pollPacket()) {
          to.receive(packet.slice(), this.#now)
        }
      }
      for (let event = this.client.pollEvent(); event !== undefined; event = this.client.pollEvent()) {
        if (event.type === 'message') got.push({ channel: event.channel, payload: event.payload })
      }
      while (this.server.pollEvent() !== undefined);
    }
    return got
  }
}

const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 0xff)

describe('a shared payload', () => {
  // The sizes of both classes of pooled blocks, their neighbours, and a message of three fragments.
  test.each([0, 1, 127, 128, 129, 1085, 1086, 1087, 3000])(
    'of %i bytes arrives everywhere, and is never written to',
    (length) => {
      const couples = Array.from({ length: 4 }, () => new Couple())
      const original = bytesOf(length)
      const shared = new SharedPayload(original)
      for (const { server } of couples) for (const name of NAMES) server.send(name, shared)
      // It was copied when it was made.
      original.fill(0xee)
      for (const couple of couples) {
        const got = couple.run(20)
        expect(got.map(({ channel }) => channel).sort()).toEqual([...NAMES].sort())
        for (const { payload } of got) expect([...payload]).toEqual([...bytesOf(length)])
      }
      // Blocks that went back to a pool are used again now.
      for (const couple of couples) {
        for (let i = 0; i < 8; i++)
          for (const name of NAMES) couple.server.send(name, new Uint8Array(length).fill(0xdd))
        couple.run(20)
      }
      expect([...shared.bytes]).toEqual([...bytesOf(length)])
    },
  )

  test('is stored once, however many it goes to', () => {
    const endpoints = Array.from({ length: 200 }, () => new Couple().server)
    const payload = new Uint8Array(64 * 1024)
    const spent = (send: (endpoint: Endpoint<typeof CHANNELS>) => void) => {
      const before = usedBytes()
      for (const endpoint of endpoints) send(endpoint)
      return usedBytes() - before
    }
    const shared = new SharedPayload(payload)
    const once = spent((endpoint) => endpoint.send('chat', shared))
    const copied = spent((endpoint) => endpoint.send('chat', payload))
    // Compiled code of before may be given up meanwhile.
    expect(copied).toBeGreaterThan(0.98 * 200 * payload.length)
    // What is left are the records and fragment tables of 200 messages.
    expect(once).toBeLessThan(copied / 20)
  })

  test('is held to the limits of its channel like any other', () => {
    const channels = { chat: { kind: 'ordered', maxMessageBytes: 100, maxQueuedMessages: 1 } } as const
    const endpoint = new Endpoint({ role: 'server', now: 0, random: () => 7, channels })
    expect(() => endpoint.send('chat', new SharedPayload(new Uint8Array(101)))).toThrow(NetcodeError)
    const fits = new SharedPayload(new Uint8Array(100))
    expect([endpoint.trySend('chat', fits), endpoint.trySend('chat', fits)]).toEqual([0, undefined])
  })
})
