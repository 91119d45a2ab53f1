/** The authoritative game: takes inputs, moves the world, tells everyone. Knows Gannet, but not what carries it. */
import type { EventOf, SharedPayload } from 'gannet'
import { SnapshotFrames, SnapshotWriter } from 'gannet/codec'
import type { Peer } from 'gannet/node'
import { InputBuffer } from 'gannet/play'
import { Bot } from './bots.ts'
import { type Channels, type InputMessage, type LineReport, type RosterEntry, Thing, thingsOf } from './protocol.ts'
import { STEP_MS, STILL, type Steering, World } from './world.ts'

/** Gannets, boobies and other plunge divers. */
const BOT_NAMES = ['Morus', 'Sula', 'Booby', 'Fregata', 'Phaethon', 'Alcedo', 'Sterna', 'Pelecanus']
const BIRD_NAMES = ['Puffin', 'Fulmar', 'Tern', 'Skua', 'Petrel', 'Eider', 'Kittiwake', 'Razorbill', 'Noddy', 'Auk']
/** Most pages at once. */
const MAX_PLAYERS = 48
/** Ticks made up for after a pause; beyond that they are skipped. */
const MOST_TICKS = 15
/** Ticks for which a player of whom nothing comes is taken to steer as before: a second. */
const PATIENCE_TICKS = 60
/** Furthest ahead of the world that a shot waits for its tick, ticks: a second. */
const MOST_WAIT_TICKS = 60
/** Shots that a player may have waiting; more than it can fire in that time. */
const MOST_WAITING_SHOTS = 16
/** Ticks between reports about the line, and words to each player: 5 a second. */
const REPORT_TICKS = 12
/** Largest snapshot, bytes: it fits one packet. */
const SNAPSHOT_BYTES = 1_000
/** What the own ship counts for where not everything fits: the player sees it first. */
const OWN_PRIORITY = 100
/** Chance per tick that a bot which is on its way fires. */
const BOT_FIRES = 0.012

/** The part of a peer and of a server that a referee needs; a server in a page has them too. */
export type GamePeer = Pick<Peer<Channels>, 'id' | 'send' | 'trySend' | 'share' | 'close'>

export type GameEvent = EventOf<Channels> & { readonly peer: GamePeer }

export interface GameServer {
  update(): void
  pollEvent(): GameEvent | undefined
  flush(): void
}

interface Player {
  readonly peer: GamePeer
  readonly ship: number
  readonly name: string
  readonly inputs: InputBuffer<Steering>
  /** How it steers, and the tick of which it last said so. */
  steering: Steering
  steeredTick: number
  /** Ticks at which it fires. */
  shots: number[]
  /** What its page has of the arena. */
  readonly snapshots: SnapshotWriter<Thing>
  linesHeard: number
}

export class Referee {
  readonly #server: GameServer
  readonly #world: World
  readonly #random: () => number
  readonly #bots: Bot[] = []
  readonly #players: Map<string, Player> = new Map()
  readonly #frames = new SnapshotFrames(Thing)
  readonly #report: () => LineReport
  readonly #later: { tick: number; run: () => void }[] = []
  #guests = 0
  #reportedTick = Number.NEGATIVE_INFINITY
  #toldTick = Number.NEGATIVE_INFINITY

  /** `random` gives floats from 0 to 1; `report` is asked each time, and its conditions are kept to. */
  constructor(server: GameServer, random: () => number, report: () => LineReport) {
    this.#server = server
    this.#report = report
    this.#random = random
    this.#world = new World(random)
  }

  /** Brings the world to `now`, ms of the clock that the peers share, between one update and one flush. */
  run(now: number): void {
    this.#server.update()
    for (let event = this.#server.pollEvent(); event; event = this.#server.pollEvent()) this.#take(event)
    const report = this.#report()
    this.#setBots(report.conditions.bots)
    const tick = Math.floor(now / STEP_MS)
    if (tick - this.#world.tick > MOST_TICKS) this.#world.tick = tick - 1
    while (this.#world.tick < tick) this.#step()
    this.#tell(report)
    this.#server.flush()
  }

  #take(event: GameEvent): void {
    if (event.type === 'open') this.#join(event.peer)
    const player = this.#players.get(event.peer.id)
    if (!player) return
    if (event.type === 'closed') this.#leave(player)
    else if (event.type === 'verdict') {
      if (event.channel === 'state') player.snapshots.settle(event.id, event.verdict)
    } else if (event.type === 'message') {
      if (event.channel === 'input') takeInput(player, event.value)
      else if (event.channel === 'fire') this.#takeShot(player, event.value)
      else if (event.channel === 'chat') this.#passOn(player, event.value.text)
    }
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
    const player: Player = {
      peer,
      ship: ship.id,
      name,
      inputs: new InputBuffer(),
      steering: STILL,
      steeredTick: this.#world.tick,
      shots: [],
      snapshots: new SnapshotWriter(),
      linesHeard: 0,
    }
    this.#players.set(peer.id, player)
    tellYou(player)
    this.#announce()
    this.#after(45, () => this.#botSays(peer, 0, `Hello ${name}. Touch a ball, or hit it, and it takes your colour.`))
    this.#after(260, () => this.#botSays(peer, 1, 'Pull loss to 20 %. This line would still arrive.'))
  }

  #leave(player: Player): void {
    this.#players.delete(player.peer.id)
    this.#world.removeShip(player.ship)
    this.#announce()
  }

  /** A shot waits for the tick at which its player saw it: by then the ship points where it did there. */
  #takeShot({ shots }: Player, tick: number): void {
    if (shots.length < MOST_WAITING_SHOTS) shots.push(Math.min(tick, this.#world.tick + MOST_WAIT_TICKS))
  }

  #passOn(player: Player, said: string): void {
    const text = said.trim()
    if (!text) return
    player.linesHeard++
    const line = { from: player.ship, name: player.name, text }
    this.#toAll('chat', (peer) => peer.share('chat', line), player)
    // Someone alone gets an answer; people among themselves do not need birds in between.
    if (this.#players.size > 1) return
    const nth = player.linesHeard === 1 ? 'your first line' : `${player.linesHeard} lines, all in order`
    this.#after(50, () => this.#botSays(player.peer, player.linesHeard % 2, `Heard you, ${player.name}: ${nth}.`))
  }

  #botSays(to: GamePeer, bot: number, text: string): void {
    const speaker = this.#bots[bot]
    if (speaker && this.#players.has(to.id)) {
      to.trySend('chat', { from: speaker.id, name: speaker.name, text })
    }
  }

  #announce(): void {
    const entries: RosterEntry[] = []
    for (const player of this.#players.values()) entries.push({ id: player.ship, name: player.name, isBot: false })
    for (const bot of this.#bots) entries.push({ id: bot.id, name: bot.name, isBot: true })
    this.#toAll('roster', (peer) => peer.share('roster', entries))
  }

  /** To every player but one, encoded and stored once. */
  #toAll(channel: 'roster' | 'line' | 'chat', encode: (peer: GamePeer) => SharedPayload, except?: Player): void {
    let message: SharedPayload | undefined
    for (const player of this.#players.values()) {
      if (player === except) continue
      message ??= encode(player.peer)
      player.peer.trySend(channel, message)
    }
  }

  #after(ticks: number, run: () => void): void {
    this.#later.push({ tick: this.#world.tick + ticks, run })
  }

  #step(): void {
    const tick = this.#world.tick + 1
    const steerings = new Map<number, Steering>()
    for (const bot of this.#bots) {
      steerings.set(bot.id, bot.steer(this.#world))
      if (this.#random() < BOT_FIRES) this.#world.fire(bot.id)
    }
    for (const player of this.#players.values()) steerings.set(player.ship, steeringAt(player, tick))
    this.#world.step(steerings)
    for (const player of this.#players.values()) {
      if (player.shots.some((at) => at <= tick)) this.#world.fire(player.ship)
      player.shots = player.shots.filter((at) => at > tick)
    }
    for (let i = this.#later.length - 1; i >= 0; i--) {
      if (this.#later[i]!.tick <= tick) this.#later.splice(i, 1)[0]!.run()
    }
  }

  #tell(report: LineReport): void {
    const { tick } = this.#world
    if (tick - this.#reportedTick >= REPORT_TICKS) {
      this.#reportedTick = tick
      this.#toAll('line', (peer) => peer.share('line', report))
      for (const player of this.#players.values()) tellYou(player)
    }
    if ((tick - this.#toldTick) * STEP_MS < 1_000 / report.conditions.stateHz - 1) return
    this.#toldTick = tick
    const frame = this.#frames.at(tick, thingsOf(this.#world))
    for (const { peer, ship, snapshots } of this.#players.values()) {
      const priority = (id: number): number => (id === ship ? OWN_PRIORITY : 1)
      snapshots.sent(peer.send('state', snapshots.write(frame, { maxBytes: SNAPSHOT_BYTES, priority })))
    }
  }
}

function takeInput({ inputs, snapshots }: Player, { tick, isLost, steerings }: InputMessage): void {
  if (isLost) snapshots.reset()
  steerings.forEach((steering, i) => {
    inputs.push(tick - i, steering)
  })
}

/** The input of this tick; when it has not come, the one before goes on. */
function steeringAt(player: Player, tick: number): Steering {
  const steering = player.inputs.pull(tick)
  if (steering !== undefined || tick - player.steeredTick > PATIENCE_TICKS) player.steering = steering ?? STILL
  if (steering !== undefined) player.steeredTick = tick
  return player.steering
}

function tellYou({ peer, ship, inputs }: Player): void {
  peer.trySend('you', { ship, advice: Math.max(-128, Math.min(127, inputs.advice)) })
}
