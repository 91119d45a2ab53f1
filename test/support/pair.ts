import type { ChannelTable, EndpointOptions } from '../../src/core/config.ts'
import { type LinkOptions, Random, World } from '../../src/sim/index.ts'
import type { ChannelModel } from './model.ts'
import { Side, type SideOptions } from './side.ts'

type Choices<Table extends ChannelTable> = Partial<Omit<EndpointOptions<Table>, 'role' | 'now' | 'random' | 'channels'>>

export interface PairOptions<Table extends ChannelTable>
  extends Pick<SideOptions<Table>, 'payloads' | 'lostMeansLost' | 'checksPackets'> {
  readonly seed: number
  readonly channels: Table
  /** Options of both endpoints, and what differs at one of them. */
  readonly both?: Choices<Table>
  readonly client?: Choices<Table> & { readonly channels?: Table }
  readonly server?: Choices<Table> & { readonly channels?: Table }
  /** Weather; default: perfect. */
  readonly up?: LinkOptions
  readonly down?: LinkOptions
  /** Ticks per second of both games. Default 60. The server's fall between the client's. */
  readonly hz?: number
  /** `event` (default): packets leave after every arrival, deadline and tick; `tick`: at ticks only. */
  readonly drain?: 'event' | 'tick'
  /** The game, in each tick of each side, after it has read its events. */
  readonly tick?: (side: Side<Table>, now: number, tick: number) => void
}

/** Two endpoints joined by seeded links in virtual time, each watched by a {@link Side}. */
export class Pair<Table extends ChannelTable = ChannelTable> {
  readonly client: Side<Table>
  readonly server: Side<Table>
  readonly sides: readonly [Side<Table>, Side<Table>]
  readonly world: World
  #tick: ((side: Side<Table>, now: number, tick: number) => void) | undefined

  constructor(options: PairOptions<Table>) {
    const random = new Random(options.seed)
    const watch = {
      payloads: options.payloads ?? {},
      lostMeansLost: options.lostMeansLost ?? false,
      ...(options.checksPackets === undefined ? {} : { checksPackets: options.checksPackets }),
    }
    const base = { ...watch, ...options.both, now: 0, channels: options.channels }
    const clientRandom = random.fork('client')
    const serverRandom = random.fork('server')
    this.client = new Side({
      ...base,
      ...options.client,
      name: 'client',
      role: 'client',
      random: () => clientRandom.uint32(),
    })
    this.server = new Side({
      ...base,
      ...options.server,
      name: 'server',
      role: 'server',
      random: () => serverRandom.uint32(),
    })
    this.client.peer = this.server
    this.server.peer = this.client
    this.sides = [this.client, this.server]
    this.#tick = options.tick
    const hz = options.hz ?? 60
    const drain = options.drain ?? 'event'
    this.world = new World({
      seed: options.seed,
      client: { node: this.client, hz, drain, tick: (now, tick) => this.#play(this.client, now, tick) },
      server: {
        node: this.server,
        hz,
        drain,
        phaseMs: 400 / hz,
        tick: (now, tick) => this.#play(this.server, now, tick),
      },
      ...(options.up === undefined ? {} : { up: options.up }),
      ...(options.down === undefined ? {} : { down: options.down }),
    })
  }

  get now(): number {
    return this.world.now
  }

  /** Lets time pass. */
  run(durationMs: number): this {
    this.world.run(durationMs)
    return this
  }

  runUntil(isDone: () => boolean, limitMs: number): boolean {
    return this.world.runUntil(isDone, limitMs)
  }

  /** Runs until both are open; throws if that takes longer than `limitMs`. */
  open(limitMs = 10_000): this {
    const isOpen = this.runUntil(() => this.sides.every((side) => side.opened === 1), limitMs)
    if (!isOpen) throw new Error(`not open after ${limitMs} ms; ${this.world.describe()}`)
    return this
  }

  /** What the game does in each tick from now on. */
  play(tick: ((side: Side<Table>, now: number, tick: number) => void) | undefined): this {
    this.#tick = tick
    return this
  }

  /** Stops the game, and runs on until every message has its verdict; throws if that takes longer than `limitMs`. */
  settle(limitMs = 30_000): this {
    this.#tick = undefined
    const isSettled = this.runUntil(() => this.sides.every(isAtRest), limitMs)
    if (!isSettled) throw new Error(`not settled after ${limitMs} ms; ${this.#openText()}; ${this.world.describe()}`)
    return this
  }

  /** Settles, and checks every promise. */
  finish(limitMs?: number): void {
    this.settle(limitMs)
    for (const side of this.sides) side.finish()
  }

  #play(side: Side<Table>, now: number, tick: number): void {
    if (side.isReading) side.read()
    this.#tick?.(side, now, tick)
  }

  #openText(): string {
    return this.sides
      .flatMap((side) =>
        [...side.models.values()]
          .filter((model) => !model.isAtRest)
          .map((model) => `${model.name}: ${model.settled} of ${model.sent} settled`),
      )
      .join(', ')
  }
}

function isAtRest(side: { models: ReadonlyMap<string, ChannelModel> }): boolean {
  for (const model of side.models.values()) if (!model.isAtRest) return false
  return true
}
