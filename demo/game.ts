/** The game in the page: what the player wants, and what is drawn. Knows nothing of networks. */
import type { Arena } from './arena.ts'
import { type Owner, Painter } from './painter.ts'
import type { RosterEntry } from './protocol.ts'
import { ARENA, BALL_RADII, type Ball, SHIP_RADIUS, type Ship, STILL, type Steering } from './world.ts'

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
  readonly #held: Set<string> = new Set()
  #pointer: { x: number; y: number } | undefined
  #arena: Arena | undefined
  #roster: readonly RosterEntry[] = []
  #balls: ReadonlyMap<number, Ball> = new Map()
  readonly #shoves: { x: number; y: number }[] = BALL_RADII.map(() => ({ x: 0, y: 0 }))
  #drawnAt = 0
  /** The own ship as it was drawn last. */
  #ship: Ship | undefined
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
  enter(arena: Arena): void {
    this.#arena = arena
    this.#balls = new Map()
    this.#roster = []
    this.#painter.clear()
  }

  takeRoster(roster: readonly RosterEntry[]): void {
    this.#roster = roster
  }

  /** Runs the ticks that are due when the peer is at `peerTick`, a fraction included. Says whether there was one. */
  run(peerTick: number): boolean {
    const arena = this.#arena
    const due = arena?.due(peerTick) ?? 0
    for (let i = 0; i < due; i++) {
      this.#ticks++
      arena!.step(this.#steering())
    }
    return due > 0
  }

  /** Whether a shot is due in this tick: the trigger is held and the last one was long enough ago. */
  get isFiring(): boolean {
    if (!this.#trigger || this.#ticks < this.#firedTick + FIRE_TICKS) return false
    this.#firedTick = this.#ticks
    return true
  }

  /** Draws the arena at `now`, ms. */
  draw(now: number): void {
    const scene = this.#arena?.sample(now)
    const seconds = Math.min(0.1, Math.max(0, (now - this.#drawnAt) / 1_000))
    this.#drawnAt = now
    this.#ship = scene?.self
    if (scene) this.#balls = this.#shoved(scene.balls, scene.self, seconds)
    this.#painter.paint({
      ships: scene ? [...scene.others, ...(scene.self ? [scene.self] : [])] : [],
      balls: this.#balls,
      shots: scene?.shots ?? [],
      self: this.#self,
      echo: scene?.echo,
      owners: this.#owners(),
      seconds,
    })
  }

  /** Who owns how many balls, most first. */
  get scores(): Score[] {
    const balls = [...this.#balls.values()]
    return [...this.#owners().values()]
      .map((owner) => ({ ...owner, balls: balls.filter((ball) => ball.owner === owner.id).length }))
      .sort((a, b) => b.balls - a.balls || a.id - b.id)
  }

  /** The colours have changed. */
  restyle(): void {
    this.#painter.restyle()
  }

  get #self(): number {
    return this.#arena?.self ?? 0
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
  #shoved(balls: ReadonlyMap<number, Ball>, self: Ship | undefined, seconds: number): Map<number, Ball> {
    const fade = Math.exp(-SHOVE_FADE * seconds)
    const shoved = new Map<number, Ball>()
    this.#shoves.forEach((shove, i) => {
      const ball = balls.get(i)
      if (!ball) return
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
      shoved.set(i, { owner: ball.owner, x: ball.x + shove.x, y: ball.y + shove.y })
    })
    return shoved
  }

  #steering(): Steering {
    if (this.#pointer) {
      const self = this.#ship
      if (!self) return STILL
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
