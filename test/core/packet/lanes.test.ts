import { describe, expect, test } from 'vitest'
import type { SendChannel } from '../../../src/core/channel/channel.ts'
import type { ChannelConfig, ChannelOptions } from '../../../src/core/config.ts'
import { Lanes } from '../../../src/core/packet/lanes.ts'
import { Manifests } from '../../../src/core/packet/manifests.ts'
import { Packer } from '../../../src/core/packet/packer.ts'
import { Writer } from '../../../src/core/wire/writer.ts'
import { configOf } from '../support.ts'

const PACKET_BYTES = 1_000

interface Source extends ChannelOptions {
  /** Bytes of each of its records. */
  readonly size: number
  /** Records that wait; default: always more. */
  readonly waiting?: number
}

/** Lanes over channels that write records of fixed sizes. */
class Table {
  readonly lanes: Lanes
  readonly waiting = new Map<string, number>()
  readonly channels: SendChannel[]
  readonly written = new Map<string, number>()
  readonly #writer = new Writer(PACKET_BYTES)
  readonly #packer: Packer
  #order: string[] = []

  constructor(sources: Readonly<Record<string, Source>>, reliableShare = 0) {
    const { channels } = configOf(
      Object.fromEntries(
        Object.entries(sources).map(([name, { size, waiting, ...options }]) => {
          this.waiting.set(name, waiting ?? Number.POSITIVE_INFINITY)
          return [name, options]
        }),
      ),
    )
    this.#packer = new Packer(this.#writer, channels, PACKET_BYTES)
    this.channels = channels.map((config) => this.#channel(config, sources[config.name]!.size))
    this.lanes = new Lanes(this.channels, reliableShare, PACKET_BYTES)
  }

  /** One packet: names in the order written. */
  packet(): string[] {
    this.#order = []
    this.#writer.reset(PACKET_BYTES)
    this.#packer.begin(new Manifests(), 0)
    this.lanes.fill(this.#packer, 'any')
    return this.#order
  }

  /** Shares of the bytes in so many packets. */
  shares(packets: number): Record<string, number> {
    this.written.clear()
    for (let i = 0; i < packets; i++) this.packet()
    const total = [...this.written.values()].reduce((sum, bytes) => sum + bytes, 0)
    return Object.fromEntries(
      this.channels.map(({ config }) => [config.name, (this.written.get(config.name) ?? 0) / total]),
    )
  }

  #channel(config: ChannelConfig, size: number): SendChannel {
    const { waiting, written } = this
    const { name } = config
    const writer = this.#writer
    const order = () => this.#order
    return {
      config,
      get isPending() {
        return waiting.get(name)! > 0
      },
      get pendingBytes() {
        return waiting.get(name)! * size
      },
      writeOne() {
        if (writer.remaining < size || waiting.get(name) === 0) return 0
        for (let i = 0; i < size; i++) writer.u8(0)
        waiting.set(name, waiting.get(name)! - 1)
        written.set(name, (written.get(name) ?? 0) + size)
        order().push(name)
        return size
      },
    } as unknown as SendChannel
  }
}

describe('between priorities', () => {
  test('the higher goes first, and what it leaves over goes to the lower', () => {
    const table = new Table({
      low: { kind: 'unreliable', size: 300, waiting: 9 },
      high: { kind: 'unreliable', size: 300, waiting: 2, priority: 5 },
    })
    expect(table.packet()).toEqual(['high', 'high', 'low'])
    expect(table.packet()).toEqual(['low', 'low', 'low'])
  })

  test('the lower starves while the higher has enough', () => {
    const table = new Table({
      low: { kind: 'unreliable', size: 100, priority: -1 },
      high: { kind: 'unreliable', size: 100 },
    })
    expect(table.shares(50)).toEqual({ low: 0, high: 1 })
  })
})

describe('within one priority', () => {
  test('bytes are shared by weight', () => {
    const table = new Table({
      one: { kind: 'unreliable', size: 50 },
      three: { kind: 'unreliable', size: 50, weight: 3 },
    })
    const { one, three } = table.shares(200)
    expect(one).toBeCloseTo(0.25, 1)
    expect(three).toBeCloseTo(0.75, 1)
  })

  test('bytes, not messages: many small ones get as much as few large ones', () => {
    const table = new Table({ small: { kind: 'unreliable', size: 10 }, large: { kind: 'unreliable', size: 490 } })
    expect(table.shares(200)['small']).toBeCloseTo(0.5, 1)
  })

  test('who was silent gets no more than its share afterwards', () => {
    const table = new Table({
      eager: { kind: 'unreliable', size: 50 },
      shy: { kind: 'unreliable', size: 50, waiting: 0 },
    })
    table.shares(500)
    table.waiting.set('shy', 10_000)
    const first = table.packet()
    expect(first.filter((name) => name === 'shy').length).toBeLessThanOrEqual(11)
    expect(table.shares(20)['shy']).toBeCloseTo(0.5, 1)
  })

  test('what does not fit any more does not stop what does, and has its turn in the next packet', () => {
    const table = new Table({
      large: { kind: 'unreliable', size: 600 },
      small: { kind: 'unreliable', size: 100, waiting: 6 },
    })
    expect(table.packet()).toEqual(['large', 'small', 'small', 'small', 'small'])
    expect(table.packet()).toEqual(['small', 'small', 'large'])
  })

  test('a channel that can write nothing at all ends the packet, not the program', () => {
    const table = new Table({ stuck: { kind: 'unreliable', size: 5_000 }, fine: { kind: 'unreliable', size: 400 } })
    expect(table.packet()).toEqual(['fine', 'fine'])
    expect(new Table({ stuck: { kind: 'unreliable', size: 5_000 } }).packet()).toEqual([])
  })
})

describe('the share of reliable channels', () => {
  const flood: Record<string, Source> = {
    world: { kind: 'unreliable', size: 100, priority: 10 },
    chat: { kind: 'reliable', size: 100 },
  }

  test.each([0.2, 0.5, 0.9])('%d of the bytes are theirs, whatever goes first', (share) => {
    expect(new Table(flood, share).shares(300)['chat']).toBeCloseTo(share, 1)
  })

  test('0: they may starve', () => {
    expect(new Table(flood, 0).shares(100)['chat']).toBe(0)
  })

  test('it is no limit: what is free is theirs too', () => {
    const table = new Table({ ...flood, world: { ...flood['world']!, waiting: 0 } }, 0.2)
    expect(table.shares(10)['chat']).toBe(1)
  })

  test('what they did not use is kept for four packets, and no longer', () => {
    const table = new Table(flood, 0.5)
    table.waiting.set('chat', 0)
    table.shares(100)
    table.waiting.set('chat', 10_000)
    const kept: number[] = []
    for (let i = 0; i < 12; i++) kept.push(table.packet().filter((name) => name === 'chat').length)
    expect(kept.slice(0, 4)).toEqual([10, 10, 10, 10])
    expect(kept.slice(6).reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(40)
  })

  test('among themselves the higher priority goes first', () => {
    const table = new Table(
      {
        low: { kind: 'reliable', size: 100 },
        high: { kind: 'ordered', size: 100, priority: 1, waiting: 1 },
        flood: { kind: 'unreliable', size: 100, priority: 9 },
      },
      0.3,
    )
    table.packet()
    expect(table.packet().slice(0, 3)).toEqual(['high', 'low', 'low'])
  })
})

describe('bytes that go first', () => {
  test('are those of its own channel and of higher priorities, and as much of its equals as their weight allows', () => {
    const table = new Table({
      high: { kind: 'unreliable', size: 100, priority: 2, waiting: 3 },
      own: { kind: 'unreliable', size: 100, waiting: 4 },
      equal: { kind: 'unreliable', size: 100, waiting: 50 },
      heavy: { kind: 'unreliable', size: 100, weight: 2, waiting: 50 },
      low: { kind: 'unreliable', size: 100, priority: -2, waiting: 9 },
    })
    const [high, own] = table.channels
    expect(table.lanes.bytesAhead(high!)).toBe(300)
    expect(table.lanes.bytesAhead(own!)).toBe(300 + 400 + 400 + 800)
  })

  test('something waits somewhere, or not', () => {
    const table = new Table({
      a: { kind: 'unreliable', size: 1, waiting: 0 },
      b: { kind: 'reliable', size: 1, waiting: 1 },
    })
    expect(table.lanes.isPending).toBe(true)
    table.packet()
    expect(table.lanes.isPending).toBe(false)
  })
})
