/** The authoritative game: takes inputs, moves the world, tells everyone. Knows Gannet, but not what carries it. */
import type { Peer, Server } from 'gannet/node'
import { Bot } from './bots.ts'
import {
  type Channels,
  decodeChat,
  decodeInput,
  decodeNumber,
  encodeChat,
  encodeCountEcho,
  encodeRelayReport,
  encodeRoster,
  encodeSnapshot,
  type RelayReport,
  type RosterEntry,
} from './protocol.ts'
import { type Steering, World } from './world.ts'

const BOT_NAMES = ['Morus', 'Sula']
const BIRD_NAMES = ['Puffin', 'Fulmar', 'Tern', 'Skua', 'Petrel', 'Eider', 'Kittiwake', 'Razorbill', 'Noddy', 'Auk']
/** Most pages at once: each snapshot names every ship and must fit one packet. */
const MAX_PLAYERS = 48
/** Inputs of one player that may wait for their tick; the oldest beyond that are skipped. */
const MAX_WAITING_INPUTS = 30
/** Ticks between reports about the relay: 10 a second. */
const REPORT_TICKS = 6
/** Ticks over which the smallest input queue counts as delay that nobody needs: 2 s. */
const SLACK_TICKS = 120

interface Player {
  readonly peer: Peer<Channels>
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
  arrived: number
  outOfOrder: number
  lastNumber: number
  linesHeard: number
}

export class Referee {
  readonly #server: Pick<Server<Channels>, 'update' | 'pollEvent' | 'flush'>
  readonly #world: World
  readonly #bots: Bot[] = []
  readonly #players: Map<string, Player> = new Map()
  readonly #report: () => RelayReport
  readonly #later: { tick: number; run: () => void }[] = []
  #guests = 0
  #reportedTick = 0

  /** `random` gives floats from 0 to 1; `report` is asked ten times a second. */
  constructor(
    server: Pick<Server<Channels>, 'update' | 'pollEvent' | 'flush'>,
    random: () => number,
    report: () => RelayReport,
  ) {
    this.#server = server
    this.#report = report
    this.#world = new World(random)
    for (const name of BOT_NAMES) {
      const ship = this.#world.addShip()
      if (ship) this.#bots.push(new Bot(ship.id, name, random))
    }
  }

  /** Runs `ticks` steps of the world between one update and one flush. */
  run(ticks: number): void {
    this.#server.update()
    for (let event = this.#server.pollEvent(); event; event = this.#server.pollEvent()) {
      if (event.type === 'open') this.#join(event.peer)
      else if (event.type === 'closed') this.#leave(event.peer)
      else if (event.type === 'message') this.#hear(event.peer, event.channel, event.payload)
    }
    for (let i = 0; i < ticks; i++) this.#step()
    this.#tell()
    this.#server.flush()
  }

  #join(peer: Peer<Channels>): void {
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
      arrived: 0,
      outOfOrder: 0,
      lastNumber: 0,
      linesHeard: 0,
    })
    this.#announce()
    this.#after(45, () => this.#botSays(peer, 0, `Hello ${name}. Fly at a ball and it takes your colour.`))
    this.#after(260, () => this.#botSays(peer, 1, 'Pull loss to 20 %. This line would still arrive.'))
  }

  #leave(peer: Peer<Channels>): void {
    const player = this.#players.get(peer.id)
    if (!player) return
    this.#players.delete(peer.id)
    this.#world.removeShip(player.ship)
    this.#announce()
  }

  #hear(peer: Peer<Channels>, channel: keyof Channels, payload: Uint8Array): void {
    const player = this.#players.get(peer.id)
    if (!player) return
    if (channel === 'input') this.#takeInput(player, payload)
    else if (channel === 'count') this.#count(player, payload)
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

  #count(player: Player, payload: Uint8Array): void {
    const number = decodeNumber(payload)
    if (number === undefined) return
    player.arrived++
    if (number !== player.lastNumber + 1) player.outOfOrder++
    player.lastNumber = number
    player.peer.trySend('count', encodeCountEcho(player))
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

  #botSays(to: Peer<Channels>, bot: number, text: string): void {
    const speaker = this.#bots[bot]
    if (speaker && this.#players.has(to.id)) {
      to.trySend('chat', encodeChat({ from: speaker.id, name: speaker.name, text }))
    }
  }

  #announce(): void {
    const roster: RosterEntry[] = []
    for (const player of this.#players.values()) roster.push({ id: player.ship, name: player.name, isBot: false })
    for (const bot of this.#bots) roster.push({ id: bot.id, name: bot.name, isBot: true })
    const payload = encodeRoster(roster)
    for (const player of this.#players.values()) player.peer.trySend('roster', payload)
  }

  #after(ticks: number, run: () => void): void {
    this.#later.push({ tick: this.#world.tick + ticks, run })
  }

  #step(): void {
    const steerings = new Map<number, readonly Steering[]>()
    for (const bot of this.#bots) steerings.set(bot.id, [bot.steer(this.#world)])
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

  #tell(): void {
    const { tick, balls } = this.#world
    const ships = [...this.#world.ships.values()]
    const isReportDue = tick - this.#reportedTick >= REPORT_TICKS
    if (isReportDue) this.#reportedTick = tick
    const report = isReportDue ? encodeRelayReport(this.#report()) : undefined
    for (const player of this.#players.values()) {
      const snapshot = { tick, input: player.appliedInput, self: player.ship, ships, balls }
      player.peer.send('snapshot', encodeSnapshot(snapshot))
      if (report) player.peer.send('relay', report)
    }
  }
}
