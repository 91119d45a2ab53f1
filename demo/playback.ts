/** Shows the arena a little late, so that there are always two snapshots to draw between. */
import type { Snapshot } from './protocol.ts'
import { angleBetween, type Ball, type Ship, type Shot, STEP_MS } from './world.ts'

/** How late others are drawn, ms: six snapshots, so that losing a few in a row goes unseen. */
const LATENESS_MS = 100
/** How far beyond the newest snapshot movement is guessed before everything holds still, ms. */
const GUESS_MS = 120
/** Snapshots kept: one second. */
const KEEP = 60
/** Beyond this error the drawn time jumps instead of running faster or slower, ms. */
const JUMP_MS = 400

/** What is to be drawn at one instant. */
export interface Scene {
  readonly ships: readonly Ship[]
  readonly balls: readonly Ball[]
  readonly shots: readonly Shot[]
}

const mix = (a: number, b: number, share: number): number => a + (b - a) * share

export class Playback {
  #snapshots: Snapshot[] = []
  /** Peer time minus ours, ms, as the quickest recent snapshots tell. */
  #offsetMs = 0
  /** Peer time that is drawn now, ms. */
  #shownMs = 0
  #sampledAt = 0

  get newest(): Snapshot | undefined {
    return this.#snapshots.at(-1)
  }

  clear(): void {
    this.#snapshots = []
  }

  /** Takes a snapshot that arrived at `now`, ms. They may come late, twice, or not at all. */
  push(snapshot: Snapshot, now: number): void {
    const offset = snapshot.tick * STEP_MS - now
    if (this.#snapshots.length === 0) {
      this.#offsetMs = offset
      this.#shownMs = now + offset - LATENESS_MS
      this.#sampledAt = now
    }
    // Quick to believe in a shorter path, slow to believe in a longer one: jitter only ever adds.
    this.#offsetMs += (offset - this.#offsetMs) * (offset > this.#offsetMs ? 0.5 : 0.03)
    let at = this.#snapshots.length
    while (at > 0 && this.#snapshots[at - 1]!.tick > snapshot.tick) at--
    if (this.#snapshots[at - 1]?.tick === snapshot.tick) return
    this.#snapshots.splice(at, 0, snapshot)
    if (this.#snapshots.length > KEEP) this.#snapshots.shift()
  }

  /** The scene to draw at `now`, ms; `undefined` before the first snapshot. */
  sample(now: number): Scene | undefined {
    const newest = this.newest
    if (!newest) return undefined
    const elapsedMs = Math.max(0, now - this.#sampledAt)
    this.#sampledAt = now
    const errorMs = now + this.#offsetMs - LATENESS_MS - (this.#shownMs + elapsedMs)
    if (Math.abs(errorMs) > JUMP_MS) this.#shownMs += elapsedMs + errorMs
    else this.#shownMs += elapsedMs * (1 + Math.min(0.2, Math.max(-0.2, errorMs / 250)))

    const tick = this.#shownMs / STEP_MS
    let at = this.#snapshots.length - 1
    while (at > 0 && this.#snapshots[at]!.tick > tick) at--
    const before = this.#snapshots[at]!
    const after = this.#snapshots[at + 1]
    if (after && tick >= before.tick) return between(before, after, (tick - before.tick) / (after.tick - before.tick))
    if (tick < before.tick) return before
    return guess(before, this.#snapshots[at - 1], Math.min(GUESS_MS / STEP_MS, tick - before.tick))
  }
}

function between(a: Snapshot, b: Snapshot, share: number): Scene {
  return {
    // They are over before anyone could see them jerk.
    shots: share < 0.5 ? a.shots : b.shots,
    ships: b.ships.map((ship) => {
      const was = a.ships.find((other) => other.id === ship.id)
      if (!was) return ship
      return {
        ...ship,
        x: mix(was.x, ship.x, share),
        y: mix(was.y, ship.y, share),
        heading: was.heading + angleBetween(was.heading, ship.heading) * share,
        thrust: mix(was.thrust, ship.thrust, share),
      }
    }),
    balls: b.balls.map((ball, i) => {
      const was = a.balls[i] ?? ball
      return { owner: ball.owner, x: mix(was.x, ball.x, share), y: mix(was.y, ball.y, share) }
    }),
  }
}

/** Carries movement on for `ticks` past the newest snapshot. */
function guess(newest: Snapshot, previous: Snapshot | undefined, ticks: number): Scene {
  const seconds = (ticks * STEP_MS) / 1_000
  return {
    shots: newest.shots,
    ships: newest.ships.map((ship) => ({ ...ship, x: ship.x + ship.vx * seconds, y: ship.y + ship.vy * seconds })),
    balls: newest.balls.map((ball, i) => {
      const was = previous?.balls[i]
      if (!was || !previous) return ball
      const share = ticks / (newest.tick - previous.tick)
      return { owner: ball.owner, x: ball.x + (ball.x - was.x) * share, y: ball.y + (ball.y - was.y) * share }
    }),
  }
}
