/** Moves the own ship at once, and lets the peer's word correct it when it comes. */
import { INPUT_REDUNDANCY, type InputMessage, quantiseSteering, type Snapshot } from './protocol.ts'
import { moveShip, type Ship, type Steering } from './world.ts'

/** Inputs kept for replay: two seconds. Beyond that the peer's word is taken as it is. */
const KEEP = 120
/** Errors above this many units are not smoothed away but shown at once. */
const SNAP_UNITS = 160
/** Share of an error that is left after each tick. */
const FADE = 0.86

interface Pending {
  readonly number: number
  readonly steering: Steering
}

export class Prediction {
  #ship: Ship | undefined
  #previous = { x: 0, y: 0, heading: 0 }
  #error = { x: 0, y: 0 }
  #pending: Pending[] = []
  /** Input numbers start at 1: 0 in a snapshot means that none has come yet. */
  #number = 0
  #correctedTick = -1

  /** Forgets everything: a new connection has a new ship. */
  clear(): void {
    this.#ship = undefined
    this.#error = { x: 0, y: 0 }
    this.#pending = []
    this.#number = 0
    this.#correctedTick = -1
  }

  /** One tick of the own ship. */
  step(wanted: Steering): void {
    const steering = quantiseSteering(wanted)
    this.#pending.push({ number: ++this.#number, steering })
    if (this.#pending.length > KEEP) this.#pending.shift()
    this.#error.x *= FADE
    this.#error.y *= FADE
    if (!this.#ship) return
    this.#previous = { x: this.#ship.x, y: this.#ship.y, heading: this.#ship.heading }
    moveShip(this.#ship, steering)
  }

  /** The newest inputs, to be sent: each goes out several times, so that a lost packet costs nothing. */
  get recent(): InputMessage | undefined {
    if (this.#pending.length === 0) return undefined
    const steerings = this.#pending.slice(-INPUT_REDUNDANCY).map((pending) => pending.steering)
    return { newest: this.#number, steerings: steerings.reverse() }
  }

  /** Takes the peer's word on our ship, and replays what it has not yet seen. Older snapshots are ignored. */
  correct(snapshot: Snapshot): void {
    if (snapshot.tick <= this.#correctedTick) return
    const truth = snapshot.ships.find((ship) => ship.id === snapshot.self)
    if (!truth) return
    this.#correctedTick = snapshot.tick
    this.#pending = this.#pending.filter((pending) => pending.number > snapshot.input)
    const before = this.#ship
    const ship = { ...truth }
    let { x, y, heading } = ship
    for (const pending of this.#pending) {
      ;({ x, y, heading } = ship)
      moveShip(ship, pending.steering)
    }
    this.#ship = ship
    this.#previous = { x, y, heading }
    if (!before) return
    this.#error.x += before.x - ship.x
    this.#error.y += before.y - ship.y
    if (Math.hypot(this.#error.x, this.#error.y) > SNAP_UNITS) this.#error = { x: 0, y: 0 }
  }

  /** The own ship, `share` of the way from the tick before to this one; `undefined` before the first snapshot. */
  sample(share: number): Ship | undefined {
    const ship = this.#ship
    if (!ship) return undefined
    return {
      ...ship,
      x: this.#previous.x + (ship.x - this.#previous.x) * share + this.#error.x,
      y: this.#previous.y + (ship.y - this.#previous.y) * share + this.#error.y,
    }
  }
}
