/** The arena of one connection as its page has it: the own ship moved at once, everything else a little late. Sans-IO. */
import { SnapshotReader } from 'gannet/codec'
import { Interpolator, Predictor } from 'gannet/play'
import { FIRST_BALL, FIRST_SHOT, INPUT_REDUNDANCY, type InputMessage, rounded, Thing, type You } from './protocol.ts'
import { angleBetween, type Ball, moveShip, type Ship, type Shot, STEP_MS, type Steering } from './world.ts'

/** Ticks that inputs come early at first, beyond the way there. */
const FIRST_SPARE_TICKS = 3
/** Round trip that is assumed as long as none is known, ms. */
const ASSUMED_RTT_MS = 100
/** What the rounding of positions and speeds adds up to on the way there and back, arena units. */
const ROUNDING_UNITS = 1 / 8
/** Corrections of the own ship above this are not smoothed, but shown at once, arena units. */
const SNAP_UNITS = 160
/** Nothing flies this far between two snapshots: it was put there, arena units. */
const TELEPORT_UNITS = 400

/** What is to be drawn at one instant. */
export interface Scene {
  /** The own ship, `undefined` before the first word of it. */
  readonly self: Ship | undefined
  /** The same as the newest snapshot has it. */
  readonly echo: Ship | undefined
  readonly others: readonly Ship[]
  /** By index, as far as they are known. */
  readonly balls: ReadonlyMap<number, Ball>
  readonly shots: readonly Shot[]
}

export interface ArenaFigures {
  /** Tick of the newest snapshot, −1 before the first. */
  readonly newestTick: number
  /** How late others are drawn, ms, and how often one was guessed beyond what was known of it. */
  readonly delayMs: number
  readonly guesses: number
  /** Ticks that the own ship is ahead of the peer. */
  readonly lead: number
  /** How often the peer had the own ship elsewhere, and how far off the last time, arena units. */
  readonly corrections: number
  readonly lastCorrection: number
  /** Snapshots that could not be read for want of what they were made of. */
  readonly baselinesMissing: number
}

export class Arena {
  readonly #reader = new SnapshotReader(Thing)
  readonly #others = new Interpolator<Thing>({
    tickMs: STEP_MS,
    blend,
    isTeleport: (a, b) => distance(a, b) > TELEPORT_UNITS,
  })
  readonly #own: Predictor<Thing, Steering>
  #self = 0
  #echo: Ship | undefined
  #isLost = false
  #newestTick = -1

  /** `rttMs`: the round trip, `NaN` when it is not known yet. */
  constructor(rttMs: number) {
    const wayTicks = (Number.isNaN(rttMs) ? ASSUMED_RTT_MS : rttMs) / 2 / STEP_MS
    this.#own = new Predictor(
      {
        step: moved,
        difference: distance,
        blend,
        tolerance: ROUNDING_UNITS,
        snapAbove: SNAP_UNITS,
        redundancy: INPUT_REDUNDANCY,
      },
      wayTicks + FIRST_SPARE_TICKS,
    )
  }

  /** Id of the own ship, 0 before the peer has named it. */
  get self(): number {
    return this.#self
  }

  /** What playing does, for whoever looks into it. */
  get figures(): ArenaFigures {
    const { delayMs, guesses } = this.#others
    const { lead, corrections, lastCorrection } = this.#own
    const { baselinesMissing } = this.#reader
    return { newestTick: this.#newestTick, delayMs, guesses, lead, corrections, lastCorrection, baselinesMissing }
  }

  takeYou({ ship, advice }: You): void {
    this.#self = ship
    this.#own.advise(advice)
  }

  /** Takes a snapshot that arrived at `now`, ms. Says whether it is newer than all before. */
  takeSnapshot(payload: Uint8Array, now: number): boolean {
    const { baselinesMissing } = this.#reader
    const snapshot = this.#reader.read(payload)
    this.#isLost = this.#reader.baselinesMissing > baselinesMissing
    if (snapshot === undefined) return false
    const { tick, isComplete, isNewest, entities } = snapshot
    this.#others.push(snapshot, now)
    if (isNewest) this.#newestTick = tick
    const own = entities.find(({ id }) => id === this.#self)
    if (own !== undefined) {
      // What was left out may have moved on since it was last told of.
      this.#own.reconcile(isComplete ? tick : own.at, own.value)
      if (isNewest) this.#echo = { ...own.value, id: own.id }
    }
    return isNewest
  }

  /** How many steps are due when the peer is at `peerTick`, a fraction included. */
  due(peerTick: number): number {
    return this.#own.due(peerTick)
  }

  /** One tick of the own ship. */
  step(wanted: Steering): void {
    this.#own.step(rounded(wanted))
  }

  /** What the peer should hear of us in this tick; `undefined` when there is nothing yet. */
  get input(): InputMessage | undefined {
    const { tick, inputs } = this.#own.recent
    if (!(tick >= 0) || (inputs.length === 0 && !this.#isLost)) return undefined
    return { tick, isLost: this.#isLost, steerings: inputs }
  }

  /** What is to be seen at `now`, ms. */
  sample(now: number): Scene {
    const own = this.#own.sample(this.#own.share)
    const balls = new Map<number, Ball>()
    const others: Ship[] = []
    const shots: Shot[] = []
    for (const [id, thing] of this.#others.sample(now)) {
      if (id >= FIRST_SHOT) shots.push({ ...thing, id: id - FIRST_SHOT })
      else if (id >= FIRST_BALL) balls.set(id - FIRST_BALL, thing)
      else if (id !== this.#self) others.push({ ...thing, id })
    }
    return { self: own && { ...own, id: this.#self }, echo: this.#echo, others, balls, shots }
  }
}

function moved(ship: Thing, steering: Steering): Thing {
  const next = { ...ship }
  moveShip(next, steering)
  return next
}

function distance(a: Thing, b: Thing): number {
  return Math.hypot(a.x - b.x, a.y - b.y)
}

function blend(a: Thing, b: Thing, share: number): Thing {
  const mix = (from: number, to: number): number => from + (to - from) * share
  return {
    x: mix(a.x, b.x),
    y: mix(a.y, b.y),
    vx: mix(a.vx, b.vx),
    vy: mix(a.vy, b.vy),
    heading: a.heading + angleBetween(a.heading, b.heading) * share,
    owner: share < 0.5 ? a.owner : b.owner,
  }
}
