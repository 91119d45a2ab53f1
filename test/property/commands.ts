import fc from 'fast-check'
import type { ChannelTable } from '../../src/core/config.ts'
import type { PacketTable } from './table.ts'

/** fast-check wants a model beside the real thing; ours sits inside it, in each `Side`. */
type Nothing = Record<string, never>
type Command = fc.Command<Nothing, PacketTable>

class Step implements Command {
  readonly #text: string
  readonly #run: (table: PacketTable) => void

  constructor(text: string, run: (table: PacketTable) => void) {
    this.#text = text
    this.#run = run
  }

  check(): boolean {
    return true
  }

  run(_: Nothing, table: PacketTable): void {
    this.#run(table)
  }

  toString(): string {
    return this.#text
  }
}

const to = fc.constantFrom<0 | 1>(0, 1)
/** A place in a queue of any length. */
const share = fc.nat({ max: 999 })

function placeIn(length: number, at: number): number {
  return Math.floor((at * length) / 1000)
}

/** Mostly small; sometimes of 2 to 14 fragments of 192 bytes. */
const bytes = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 4, max: 40 }) },
  { weight: 2, arbitrary: fc.integer({ min: 193, max: 900 }) },
  { weight: 1, arbitrary: fc.integer({ min: 900, max: 2600 }) },
)

const ttlMs = fc.option(fc.constantFrom(1, 30, 200), { nil: undefined, freq: 4 })

export interface CommandChoice {
  /** Whether the game may stop polling its events for a while. */
  readonly stalls?: boolean
}

/** Everything that can happen to a connection: sends, time, and what the network does to each packet. */
export function commandsFor(channels: ChannelTable, choice: CommandChoice = {}): fc.Arbitrary<Iterable<Command>> {
  const names = Object.keys(channels)
  const keyed = new Set(names.filter((name) => ['sequenced', 'latest'].includes(channels[name]!.kind)))
  const send = fc
    .record({
      from: to,
      name: fc.constantFrom(...names),
      bytes,
      key: fc.nat({ max: 3 }),
      ttlMs,
      count: fc.constantFrom(1, 1, 1, 5, 30),
    })
    .map(({ from, name, bytes, key, ttlMs, count }) => {
      const options = {
        bytes,
        ...(keyed.has(name) && key > 0 ? { key } : {}),
        ...(ttlMs === undefined ? {} : { ttlMs }),
      }
      return new Step(`send ${count} from ${from} on ${name} ${JSON.stringify(options)}`, (table) => {
        for (let i = 0; i < count; i++) table.sides[from].send(name, options)
      })
    })
  const tick = fc
    .constantFrom(1, 5, 17, 17, 50, 120, 400)
    .map((ms) => new Step(`tick ${ms}`, (table) => table.tick(ms)))
  const deliver = fc
    .tuple(to, share)
    .map(
      ([side, at]) =>
        new Step(`deliver to ${side} at ${at}`, (table) => table.deliver(side, placeIn(table.flying[side].length, at))),
    )
  const deliverAll = fc.constant(new Step('deliver all', (table) => table.deliverAll()))
  const drop = fc
    .tuple(to, share, fc.constantFrom(1, 1, 3, 20))
    .map(
      ([side, at, count]) =>
        new Step(
          `drop ${count} to ${side} at ${at}`,
          (table) => void table.flying[side].splice(placeIn(table.flying[side].length, at), count),
        ),
    )
  const duplicate = fc.tuple(to, share).map(
    ([side, at]) =>
      new Step(`duplicate to ${side} at ${at}`, (table) => {
        const packet = table.flying[side][placeIn(table.flying[side].length, at)]
        if (packet !== undefined) table.flying[side].push(packet.slice())
      }),
  )
  const reorder = to.map((side) => new Step(`reverse to ${side}`, (table) => void table.flying[side].reverse()))
  const stall = fc.tuple(to, fc.boolean()).map(
    ([side, isReading]) =>
      new Step(`${isReading ? 'read' : 'stall'} ${side}`, (table) => {
        table.sides[side].isReading = isReading
      }),
  )
  return fc.commands<Nothing, PacketTable>(
    [
      send,
      send,
      tick,
      tick,
      deliver,
      deliver,
      deliverAll,
      drop,
      duplicate,
      reorder,
      ...(choice.stalls === false ? [] : [stall]),
    ],
    { maxCommands: 60, size: 'max' },
  )
}
