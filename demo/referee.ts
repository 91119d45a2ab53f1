/** The authoritative game: takes inputs, moves the world, tells everyone. Knows Gannet, but not what carries it. */
import type { EventOf } from 'gannet'
import type { Peer } from 'gannet/node'
import { Bot } from './bots.ts'
import {
  type Channels,
  decodeChat,
  decodeInput,
  encodeChat,
  encodeLine,
  encodeRoster,
  encodeScenery,
  encodeShip,
  type LineReport,
  type RosterEntry,
  SCENERY_KEY,
} from './protocol.ts'
import { STEP_MS, type Steering, World } from './world.ts'

/** Gannets, boobies and other plunge divers. */
const BOT_NAMES = ['Morus', 'Sula', 'Booby', 'Fregata', 'Phaethon', 'Alcedo', 'Sterna', 'Pelecanus']
const BIRD_NAMES = ['Puffin', 'Fulmar', 'Tern', 'Skua', 'Petrel', 'Eider', 'Kittiwake', 'Razorbill', 'Noddy', 'Auk']
/** Most pages at once. */
const MAX_PLAYERS = 48
/** Inputs of one player that may wait for their tick; the oldest beyond that are skipped. */
const MAX_WAITING_INPUTS = 30
/** Ticks between reports about the line: 5 a second. */
const REPORT_TICKS = 12
/** Ticks over which the smallest input queue counts as delay that nobody needs: 2 s. */
const SLACK_TICKS = 120
/** Chance per tick that a bot which is on its way fires. */
const BOT_FIRES = 0.012

/** The part of a peer and of a server that a referee needs; a server in a page has them too. */
export type GamePeer = Pick<Peer<Channels>, 'id' | 'send' | 'trySend' | 'close'>

export interface GameServer {
  update(): void
  pollEvent(): (EventOf<Channels> & { readonly peer: GamePeer }) | undefined
  flush(): void
}

interface Player {
  readonly peer: GamePeer
  readonly ship: number
  readonly name: string
  /** Inputs that wait for their tick, oldest first. */
  readonly inputs: { number: number; steering: Steering }[]
  /** Number of the newest input ever queued. */
  newestInput: number
  /** Number of the newest input that the world has seen. */
  appliedInput: number
  /** Fewest inputs that waited at any tick of the present {@link SLACK_TICKS}. */
  slack: number
  linesHeard: number
}

export class Referee {
  readonly #server: GameServer
  readonly #world: World
  readonly #random: () => number
  readonly #bots: Bot[] = []
  readonly #players: Map<string, Player> = new Map()
  readonly #report: () => LineReport
  readonly #later: { tick: number; run: () => void }[] = []
  #guests = 0
  #reportedTick = 0
  #toldTick = 0

  /** `random` gives floats from 0 to 1; `report` is asked five times a second, and its conditions are kept to. */
  constructor(server: GameServer, random: () => number, report: () => LineReport) {
    this.#server = server
    this.#report = report
    this.#random = random
    this.#world = new World(random)
  }

  /** Runs `ticks` steps of the world between one update and one flush. */
  run(ticks: number): void {
    this.#server.update()
    for (let event = this.#server.pollEvent(); event; event = this.#server.pollEvent()) {
      if (event.type === 'open') this.#join(event.peer)
      else if (event.type === 'closed') this.#leave(event.peer)
      else if (event.type === 'message') this.#hear(event.peer, event.channel, event.payload)
    }
    const report = this.#report()
    this.#setBots(report.conditions.bots)
    for (let i = 0; i < ticks; i++) this.#step()
    this.#tell(report)
    this.#server.flush()
  }

  #setBots(count: number): void {
    if (count === this.#bots.length) return
    while (this.#bots.length > count) this.#world.removeShip(this.#bots.pop()!.id)
    while (this.#bots.length < count) {
      const ship = this.#world.addShip()
      if (!ship) break
      const round = Math.floor(this.#bots.length / BOT_NAMES.length)
      const name = `${BOT_NAMES[this.#bots.length % BOT_NAMES.length]}${round > 0 ? ` ${round + 1}` : ''}`
      this.#bots.push(new Bot(ship.id, name, this.#random))
    }
    this.#announce()
  }

  #join(peer: GamePeer): void {
    const ship = this.#players.size < MAX_PLAYERS ? this.#world.addShip() : undefined
    if (!ship) {
      peer.close({ code: 1, data: new TextEncoder().encode('the arena is full') })
      return
    }
    const round = Math.floor(this.#guests / BIRD_NAMES.length)
    const name = `${BIRD_NAMES[this.#guests++ % BIRD_NAMES.length]}${round > 0 ? ` ${round + 1}` : ''}`
    this.#players.set(peer.id, {
      peer,
      ship: ship.id,
      name,
      inputs: [],
      newestInput: 0,
      appliedInput: 0,
      slack: Infinity,
      linesHeard: 0,
    })
    this.#announce()
    this.#after(45, () => this.#botSays(peer, 0, `Hello ${name}. Touch a ball, or hit it, and it takes your colour.`))
    this.#after(260, () => this.#botSays(peer, 1, 'Pull loss to 20 %. This line would still arrive.'))
  }

  #leave(peer: GamePeer): void {
    const player = this.#players.get(peer.id)
    if (!player) return
    this.#players.delete(peer.id)
    this.#world.removeShip(player.ship)
    this.#announce()
  }

  #hear(peer: GamePeer, channel: keyof Channels, payload: Uint8Array): void {
    const player = this.#players.get(peer.id)
    if (!player) return
    if (channel === 'input') this.#takeInput(player, payload)
    else if (channel === 'fire') this.#world.fire(player.ship)
    else if (channel === 'chat') this.#passOn(player, payload)
  }

  #takeInput(player: Player, payload: Uint8Array): void {
    const input = decodeInput(payload)
    if (!input) return
    for (let i = input.steerings.length - 1; i >= 0; i--) {
      const number = input.newest - i
      if (number <= player.newestInput) continue
      player.newestInput = number
      player.inputs.push({ number, steering: input.steerings[i]! })
    }
    if (player.inputs.length > MAX_WAITING_INPUTS) player.inputs.splice(0, player.inputs.length - MAX_WAITING_INPUTS)
  }

  #passOn(player: Player, payload: Uint8Array): void {
    const text = decodeChat(payload)?.text.trim()
    if (!text) return
    player.linesHeard++
    const line = encodeChat({ from: player.ship, name: player.name, text })
    for (const other of this.#players.values()) if (other !== player) other.peer.trySend('chat', line)
    // Someone alone gets an answer; people among themselves do not need birds in between.
    if (this.#players.size > 1) return
    const nth = player.linesHeard === 1 ? 'your first line' : `${player.linesHeard} lines, all in order`
    this.#after(50, () => this.#botSays(player.peer, player.linesHeard % 2, `Heard you, ${player.name}: ${nth}.`))
  }

  #botSays(to: GamePeer, bot: number, text: string): void {
    const speaker = this.#bots[bot]
    if (speaker && this.#players.has(to.id)) {
      to.trySend('chat', encodeChat({ from: speaker.id, name: speaker.name, text }))
    }
  }

  #announce(): void {
    const entries: RosterEntry[] = []
    for (const player of this.#players.values()) entries.push({ id: player.ship, name: player.name, isBot: false })
    for (const bot of this.#bots) entries.push({ id: bot.id, name: bot.name, isBot: true })
    for (const player of this.#players.values()) {
      player.peer.trySend('roster', encodeRoster({ self: player.ship, entries }))
    }
  }

  #after(ticks: number, run: () => void): void {
    this.#later.push({ tick: this.#world.tick + ticks, run })
  }

  #step(): void {
    const steerings = new Map<number, readonly Steering[]>()
    for (const bot of this.#bots) {
      steerings.set(bot.id, [bot.steer(this.#world)])
      if (this.#random() < BOT_FIRES) this.#world.fire(bot.id)
    }
    for (const player of this.#players.values()) steerings.set(player.ship, this.#nextInputs(player))
    this.#world.step(steerings)
    for (let i = this.#later.length - 1; i >= 0; i--) {
      if (this.#later[i]!.tick <= this.#world.tick) this.#later.splice(i, 1)[0]!.run()
    }
  }

  /**
   * Inputs of this tick. A ship moves once per input and never without one: what the page predicted is then what happens.
   * Jitter fills the queue by itself; inputs that waited all along are taken two at a time.
   */
  #nextInputs(player: Player): Steering[] {
    player.slack = Math.min(player.slack, player.inputs.length)
    let take = 1
    if (this.#world.tick % SLACK_TICKS === 0) {
      if (player.slack > 2) take = player.slack - 1
      player.slack = Infinity
    }
    return player.inputs.splice(0, take).map((input) => {
      player.appliedInput = input.number
      return input.steering
    })
  }

  /** Each ship under its own key, so that what is lost of one does not hold up another. */
  #tell(report: LineReport): void {
    const { tick, balls, shots } = this.#world
    const isReportDue = tick - this.#reportedTick >= REPORT_TICKS
    if (isReportDue) this.#reportedTick = tick
    const isStateDue = (tick - this.#toldTick) * STEP_MS >= 1_000 / report.conditions.stateHz - 1
    if (isStateDue) this.#toldTick = tick
    const line = isReportDue ? encodeLine(report) : undefined
    const applied = new Map([...this.#players.values()].map((player) => [player.ship, player.appliedInput]))
    const states = isStateDue
      ? [...this.#world.ships.values()].map((ship) => ({
          key: ship.id,
          payload: encodeShip({ tick, input: applied.get(ship.id) ?? 0, ship }),
        }))
      : []
    if (isStateDue) states.push({ key: SCENERY_KEY, payload: encodeScenery({ tick, balls, shots }) })
    for (const { peer } of this.#players.values()) {
      for (const { key, payload } of states) peer.send('state', payload, { key })
      if (line) peer.send('line', line)
    }
  }
}
