/** The game in the page: steering, the own ship, everyone else. Takes snapshots, gives inputs; knows nothing of networks. */
import { type Owner, Painter } from './painter.ts'
import { Playback } from './playback.ts'
import { Prediction } from './prediction.ts'
import type { InputMessage, Roster, RosterEntry, Snapshot } from './protocol.ts'
import { ARENA, BALL_RADII, type Ball, SHIP_RADIUS, type Ship, type Steering } from './world.ts'

/** Distance from ship to pointer at which it pushes as hard as it can, arena units. */
const FULL_PUSH_UNITS = 140
/** Ticks between two shots while the trigger is held. */
const FIRE_TICKS = 9
/** How fast a ball that the own ship shoved ahead of time falls back to where the peer has it, 1/s. */
const SHOVE_FADE = 5

const KEYS: Readonly<Record<string, Steering>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
  KeyA: { x: -1, y: 0 },
  KeyD: { x: 1, y: 0 },
  KeyW: { x: 0, y: -1 },
  KeyS: { x: 0, y: 1 },
}

/** A line of the scoreboard. */
export interface Score extends Owner {
  readonly balls: number
}

export class Game {
  readonly #canvas: HTMLCanvasElement
  readonly #painter: Painter
  readonly #playback = new Playback()
  readonly #prediction = new Prediction()
  readonly #held: Set<string> = new Set()
  #pointer: { x: number; y: number } | undefined
  #self = 0
  #roster: readonly RosterEntry[] = []
  #balls: readonly Ball[] = []
  readonly #shoves: { x: number; y: number }[] = BALL_RADII.map(() => ({ x: 0, y: 0 }))
  #drawnAt = 0
  #trigger = false
  #ticks = 0
  #firedTick = Number.NEGATIVE_INFINITY

  /** `trigger` fires while it is pressed, and so does the space bar. */
  constructor(canvas: HTMLCanvasElement, trigger: HTMLElement) {
    this.#canvas = canvas
    this.#painter = new Painter(canvas)
    this.#listen(trigger)
  }

  /** A new connection: everything known is of another world. */
  clear(): void {
    this.#playback.clear()
    this.#prediction.clear()
    this.#self = 0
    this.#balls = []
    this.#roster = []
    this.#painter.clear()
  }

  takeSnapshot(snapshot: Snapshot, now: number): void {
    this.#self = snapshot.self
    this.#playback.push(snapshot, now)
    this.#prediction.correct(snapshot)
  }

  takeRoster({ entries }: Roster): void {
    this.#roster = entries
  }

  /** Whether a shot is due in this tick: the trigger is held and the last one was long enough ago. */
  get isFiring(): boolean {
    if (!this.#trigger || this.#ticks < this.#firedTick + FIRE_TICKS) return false
    this.#firedTick = this.#ticks
    return true
  }

  /** One tick of the own ship. */
  step(): void {
    this.#ticks++
    this.#prediction.step(this.#steering())
  }

  /** What the peer should hear about our steering. */
  get input(): InputMessage | undefined {
    return this.#prediction.recent
  }

  /** Draws the arena at `now`, ms; `share` is how far the next tick is along, 0 to 1. */
  draw(now: number, share: number): void {
    const scene = this.#playback.sample(now)
    const self = this.#prediction.sample(share)
    const seconds = Math.min(0.1, Math.max(0, (now - this.#drawnAt) / 1_000))
    this.#drawnAt = now
    if (scene) this.#balls = this.#shoved(scene.balls, self, seconds)
    const others = (scene?.ships ?? []).filter((ship) => ship.id !== this.#self)
    this.#painter.paint({
      ships: self ? [...others, self] : others,
      balls: this.#balls,
      shots: scene?.shots ?? [],
      self: this.#self,
      echo: this.#playback.newest?.ships.find((ship) => ship.id === this.#self),
      owners: this.#owners(),
      seconds,
    })
  }

  /** Who owns how many balls, most first. */
  get scores(): Score[] {
    return [...this.#owners().values()]
      .map((owner) => ({ ...owner, balls: this.#balls.filter((ball) => ball.owner === owner.id).length }))
      .sort((a, b) => b.balls - a.balls || a.id - b.id)
  }

  /** The colours have changed. */
  restyle(): void {
    this.#painter.restyle()
  }

  #owners(): Map<number, Owner> {
    return new Map(
      this.#roster.map((entry) => [entry.id, { id: entry.id, name: entry.name, isSelf: entry.id === this.#self }]),
    )
  }

  /**
   * The own ship is drawn ahead of the balls by a round trip and the playback's lateness. A ball that it touches is shoved
   * at once, for the eye only, and drifts back to where the peer has it while the true push arrives.
   */
  #shoved(balls: readonly Ball[], self: Ship | undefined, seconds: number): Ball[] {
    return balls.map((ball, i) => {
      const shove = this.#shoves[i]!
      const fade = Math.exp(-SHOVE_FADE * seconds)
      shove.x *= fade
      shove.y *= fade
      if (self) {
        const dx = ball.x + shove.x - self.x
        const dy = ball.y + shove.y - self.y
        const distance = Math.hypot(dx, dy) || 1
        const overlap = SHIP_RADIUS + BALL_RADII[i]! - distance
        if (overlap > 0) {
          shove.x += (dx / distance) * overlap
          shove.y += (dy / distance) * overlap
        }
      }
      return { owner: ball.owner, x: ball.x + shove.x, y: ball.y + shove.y }
    })
  }

  #steering(): Steering {
    if (this.#pointer) {
      const self = this.#prediction.sample(1)
      if (!self) return { x: 0, y: 0 }
      const x = (this.#pointer.x - self.x) / FULL_PUSH_UNITS
      const y = (this.#pointer.y - self.y) / FULL_PUSH_UNITS
      const length = Math.max(1, Math.hypot(x, y))
      return { x: x / length, y: y / length }
    }
    let x = 0
    let y = 0
    for (const key of this.#held) {
      x += KEYS[key]?.x ?? 0
      y += KEYS[key]?.y ?? 0
    }
    const length = Math.max(1, Math.hypot(x, y))
    return { x: x / length, y: y / length }
  }

  #listen(trigger: HTMLElement): void {
    const pull = (event: Event) => {
      this.#trigger = true
      event.preventDefault()
    }
    const letGo = () => {
      this.#trigger = false
    }
    trigger.addEventListener('pointerdown', pull)
    for (const type of ['pointerup', 'pointercancel', 'pointerleave']) trigger.addEventListener(type, letGo)
    // A click that no pointer made: a keyboard's, or a screen reader's.
    trigger.addEventListener('click', (event) => {
      if (event.detail > 0) return
      this.#trigger = true
      setTimeout(letGo, 50)
    })
    addEventListener('keydown', (event) => {
      // Sliders and the chat line keep their own keys.
      if (event.code === 'Space' && (event.target === document.body || event.target === this.#canvas)) pull(event)
      if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return
      if (!(event.code in KEYS)) return
      this.#held.add(event.code)
      event.preventDefault()
    })
    addEventListener('keyup', (event) => {
      this.#held.delete(event.code)
      if (event.code === 'Space') letGo()
    })
    addEventListener('blur', () => {
      this.#held.clear()
      letGo()
      this.#pointer = undefined
    })
    const follow = (event: PointerEvent) => {
      const point = this.#painter.toArena(event.offsetX, event.offsetY)
      this.#pointer = {
        x: Math.min(ARENA.width, Math.max(0, point.x)),
        y: Math.min(ARENA.height, Math.max(0, point.y)),
      }
    }
    this.#canvas.addEventListener('pointerdown', (event) => {
      this.#canvas.setPointerCapture(event.pointerId)
      follow(event)
    })
    this.#canvas.addEventListener('pointermove', (event) => {
      if (this.#pointer) follow(event)
    })
    const release = () => {
      this.#pointer = undefined
    }
    this.#canvas.addEventListener('pointerup', release)
    this.#canvas.addEventListener('pointercancel', release)
  }
}
