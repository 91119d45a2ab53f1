/** Puts the arena together of what came, key by key. */
import {
  decodeScenery,
  decodeShip,
  type Roster,
  SCENERY_KEY,
  type Scenery,
  type ShipState,
  type Snapshot,
} from './protocol.ts'

/** A ship of which nothing was heard for this long is not drawn, ticks: it has left, and word of it is on the way. */
const FORGET_TICKS = 90

/** The newest of each key: a lost packet costs the ships that were in it a tick, and no others. */
export class ArenaState {
  readonly #ships: Map<number, ShipState> = new Map()
  #scenery: Scenery | undefined
  #self = 0
  #tick = -1
  #isNews = false

  clear(): void {
    this.#ships.clear()
    this.#scenery = undefined
    this.#self = 0
    this.#tick = -1
    this.#isNews = false
  }

  /** A state message under its key. The channel lets only newer ones through. */
  take(key: number, payload: Uint8Array): void {
    if (key === SCENERY_KEY) {
      this.#scenery = decodeScenery(payload) ?? this.#scenery
      this.#note(this.#scenery?.tick)
    } else {
      const state = decodeShip(payload, key)
      if (state) this.#ships.set(key, state)
      this.#note(state?.tick)
    }
  }

  takeRoster({ self, entries }: Roster): void {
    this.#self = self
    for (const id of this.#ships.keys()) if (!entries.some((entry) => entry.id === id)) this.#ships.delete(id)
  }

  /** The arena as it is known now, if that is newer than what was asked for last. */
  get news(): Snapshot | undefined {
    if (!this.#isNews || this.#self === 0 || !this.#scenery) return undefined
    this.#isNews = false
    const ships = [...this.#ships.values()].filter((state) => state.tick > this.#tick - FORGET_TICKS)
    return {
      tick: this.#tick,
      input: this.#ships.get(this.#self)?.input ?? 0,
      self: this.#self,
      ships: ships.map((state) => state.ship),
      balls: this.#scenery.balls,
      shots: this.#scenery.shots,
    }
  }

  #note(tick: number | undefined): void {
    if (tick === undefined || tick <= this.#tick) return
    this.#tick = tick
    this.#isNews = true
  }
}
