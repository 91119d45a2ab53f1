/**
 * The arena: ships push drifting balls about, and a ball takes the colour of the ship that touched it last.
 * Pure arithmetic on fixed steps, no clock and no chance of its own, so that the peer can run it as the truth and a page can
 * run the part it predicts.
 */

/** Size of the arena, in the units that every position is in. */
export const ARENA = { width: 1_600, height: 800 } as const
/** Length of one tick, ms. */
export const STEP_MS: number = 1_000 / 60
/** The same in seconds. */
const STEP = STEP_MS / 1_000

export const SHIP_RADIUS = 18
/** Radius of each ball, by index. Never changes, so it is not sent. */
export const BALL_RADII: readonly number[] = [46, 26, 34, 22, 40, 28, 24, 36, 22, 30, 26, 20]

/** Where a player pushes: a vector of length at most 1. */
export interface Steering {
  readonly x: number
  readonly y: number
}

/** No push at all. */
export const STILL: Steering = { x: 0, y: 0 }

/** A ship as everyone sees it. Positions in arena units, speeds in units a second, heading in radians. */
export interface Ship {
  id: number
  x: number
  y: number
  vx: number
  vy: number
  heading: number
}

/** A ball as everyone sees it. */
export interface Ball {
  x: number
  y: number
  /** Ship that touched it last, 0 for nobody. */
  owner: number
}

/** Something fired, as everyone sees it. */
export interface Shot {
  /** Counts the shots of a world. */
  id: number
  x: number
  y: number
  /** Ship that fired it. */
  owner: number
}

interface MovingShot extends Shot {
  vx: number
  vy: number
  /** Ticks left. */
  life: number
}

interface MovingBall extends Ball {
  vx: number
  vy: number
}

/** Push of a ship at full thrust, units/s². */
const THRUST = 1_150
/** Share of its speed that a ship loses in a second. Top speed is `THRUST / DRAG`, about 480 units/s. */
const DRAG = 2.4
/** How fast a ship turns to where it pushes, 1/s. */
const TURN_RATE = 12
/** Speed that balls drift back to, units/s. */
const DRIFT = 70
/** How quickly they do, 1/s. */
const DRIFT_PULL = 0.7
/** Ships are heavy, so that a touch moves the ball and hardly the ship: less for a page to predict wrongly. */
const SHIP_MASS = 5_000
/** Speed of a shot beyond the ship's own, units/s; how long it flies, ticks; how hard it pushes. */
const SHOT_SPEED = 900
const SHOT_TICKS = 54
const SHOT_MASS = 120
export const SHOT_RADIUS = 5
/** Shots in the air at once. */
export const MOST_SHOTS = 60
/** Ticks between two shots of one ship. */
const RELOAD_TICKS = 8
/** Share of the speed that a bounce keeps. */
const BOUNCE = 0.9

/** Difference of two angles, −π to π. */
export function angleBetween(from: number, to: number): number {
  const difference = (to - from) % (2 * Math.PI)
  if (difference > Math.PI) return difference - 2 * Math.PI
  if (difference < -Math.PI) return difference + 2 * Math.PI
  return difference
}

/** Moves one ship by one tick. The page runs this for its own ship, the peer for all. */
export function moveShip(ship: Omit<Ship, 'id'>, steering: Steering): void {
  const length = Math.hypot(steering.x, steering.y)
  const scale = length > 1 ? 1 / length : 1
  ship.vx += (steering.x * scale * THRUST - ship.vx * DRAG) * STEP
  ship.vy += (steering.y * scale * THRUST - ship.vy * DRAG) * STEP
  ship.x += ship.vx * STEP
  ship.y += ship.vy * STEP
  if (length > 0.05) {
    ship.heading += angleBetween(ship.heading, Math.atan2(steering.y, steering.x)) * Math.min(1, TURN_RATE * STEP)
  }
  bounceOffWalls(ship, SHIP_RADIUS, 0.5)
}

function bounceOffWalls(body: { x: number; y: number; vx: number; vy: number }, radius: number, keep: number): void {
  if (body.x < radius && body.vx < 0) body.vx *= -keep
  if (body.x > ARENA.width - radius && body.vx > 0) body.vx *= -keep
  if (body.y < radius && body.vy < 0) body.vy *= -keep
  if (body.y > ARENA.height - radius && body.vy > 0) body.vy *= -keep
  body.x = Math.min(ARENA.width - radius, Math.max(radius, body.x))
  body.y = Math.min(ARENA.height - radius, Math.max(radius, body.y))
}

interface Body {
  x: number
  y: number
  vx: number
  vy: number
}

/** Pushes two overlapping circles apart and lets them bounce. Returns whether they touched. */
function collide(a: Body, aRadius: number, aMass: number, b: Body, bRadius: number, bMass: number): boolean {
  const dx = b.x - a.x
  const dy = b.y - a.y
  const distance = Math.hypot(dx, dy) || 0.001
  const overlap = aRadius + bRadius - distance
  if (overlap <= 0) return false
  const nx = dx / distance
  const ny = dy / distance
  const aShare = bMass / (aMass + bMass)
  a.x -= nx * overlap * aShare
  a.y -= ny * overlap * aShare
  b.x += nx * overlap * (1 - aShare)
  b.y += ny * overlap * (1 - aShare)
  const closing = (b.vx - a.vx) * nx + (b.vy - a.vy) * ny
  if (closing < 0) {
    const impulse = (-(1 + BOUNCE) * closing) / (1 / aMass + 1 / bMass)
    a.vx -= (impulse / aMass) * nx
    a.vy -= (impulse / aMass) * ny
    b.vx += (impulse / bMass) * nx
    b.vy += (impulse / bMass) * ny
  }
  return true
}

/** The authoritative arena. */
export class World {
  /** Tick of the last step. Whoever runs the world may set it forward: then ticks are skipped. */
  tick = 0
  readonly ships: Map<number, Ship> = new Map()
  readonly balls: readonly MovingBall[]
  readonly shots: MovingShot[] = []
  readonly #reloadedAt: Map<number, number> = new Map()
  readonly #random: () => number
  #shotCount = 0

  /** `random` gives floats from 0 to 1. */
  constructor(random: () => number) {
    this.#random = random
    this.balls = BALL_RADII.map((radius, i) => {
      const angle = random() * 2 * Math.PI
      return {
        // Six columns by two rows, so that none starts inside another.
        x: ARENA.width * (((i % 6) + 0.5) / 6) + (random() - 0.5) * 120,
        y: ARENA.height * (i < 6 ? 0.27 : 0.73) + (random() - 0.5) * (260 - radius * 2),
        vx: Math.cos(angle) * DRIFT,
        vy: Math.sin(angle) * DRIFT,
        owner: 0,
      }
    })
  }

  /** Puts a new ship at a random place; `undefined` when all 255 ids are taken. */
  addShip(): Ship | undefined {
    let id = 1
    while (this.ships.has(id)) id++
    if (id > 255) return undefined
    const ship: Ship = {
      id,
      x: ARENA.width * (0.15 + this.#random() * 0.7),
      y: ARENA.height * (0.2 + this.#random() * 0.6),
      vx: 0,
      vy: 0,
      heading: this.#random() * 2 * Math.PI,
    }
    this.ships.set(id, ship)
    return ship
  }

  removeShip(id: number): void {
    this.ships.delete(id)
    this.#reloadedAt.delete(id)
    for (const ball of this.balls) if (ball.owner === id) ball.owner = 0
  }

  /** Fires where the ship is heading; false when it is still loading or too much is in the air. */
  fire(id: number): boolean {
    const ship = this.ships.get(id)
    if (!ship || this.tick < (this.#reloadedAt.get(id) ?? 0) || this.shots.length >= MOST_SHOTS) return false
    this.#reloadedAt.set(id, this.tick + RELOAD_TICKS)
    const x = Math.cos(ship.heading)
    const y = Math.sin(ship.heading)
    this.shots.push({
      id: this.#shotCount++,
      x: ship.x + x * SHIP_RADIUS,
      y: ship.y + y * SHIP_RADIUS,
      vx: ship.vx + x * SHOT_SPEED,
      vy: ship.vy + y * SHOT_SPEED,
      owner: id,
      life: SHOT_TICKS,
    })
    return true
  }

  /** One tick. A ship without a steering glides. */
  step(steerings: ReadonlyMap<number, Steering>): void {
    this.tick++
    const ships = [...this.ships.values()]
    for (const ship of ships) moveShip(ship, steerings.get(ship.id) ?? STILL)
    this.balls.forEach((ball, i) => {
      this.#moveBall(ball, BALL_RADII[i]!)
    })
    this.#moveShots(ships)
    for (let i = 0; i < ships.length; i++) {
      for (let j = i + 1; j < ships.length; j++) {
        collide(ships[i]!, SHIP_RADIUS, SHIP_MASS, ships[j]!, SHIP_RADIUS, SHIP_MASS)
      }
    }
    this.balls.forEach((ball, i) => {
      const radius = BALL_RADII[i]!
      for (const ship of ships) {
        if (collide(ship, SHIP_RADIUS, SHIP_MASS, ball, radius, radius * radius)) ball.owner = ship.id
      }
      for (let j = i + 1; j < this.balls.length; j++) {
        const other = BALL_RADII[j]!
        collide(ball, radius, radius * radius, this.balls[j]!, other, other * other)
      }
    })
  }

  /** A shot paints the ball that it hits, and throws back the ship. */
  #moveShots(ships: readonly Ship[]): void {
    for (let i = this.shots.length - 1; i >= 0; i--) {
      const shot = this.shots[i]!
      shot.x += shot.vx * STEP
      shot.y += shot.vy * STEP
      const isOut = shot.x < 0 || shot.y < 0 || shot.x > ARENA.width || shot.y > ARENA.height
      let isSpent = --shot.life <= 0 || isOut
      this.balls.forEach((ball, n) => {
        const radius = BALL_RADII[n]!
        if (isSpent || !collide(shot, SHOT_RADIUS, SHOT_MASS, ball, radius, radius * radius)) return
        ball.owner = shot.owner
        isSpent = true
      })
      for (const ship of ships) {
        if (isSpent || ship.id === shot.owner) continue
        isSpent = collide(shot, SHOT_RADIUS, SHOT_MASS * 6, ship, SHIP_RADIUS, SHIP_MASS / 4)
      }
      if (isSpent) this.shots.splice(i, 1)
    }
  }

  #moveBall(ball: MovingBall, radius: number): void {
    const speed = Math.hypot(ball.vx, ball.vy)
    if (speed < 1) {
      const angle = this.#random() * 2 * Math.PI
      ball.vx = Math.cos(angle) * DRIFT
      ball.vy = Math.sin(angle) * DRIFT
    } else {
      const wanted = speed + (DRIFT - speed) * DRIFT_PULL * STEP
      ball.vx *= wanted / speed
      ball.vy *= wanted / speed
    }
    ball.x += ball.vx * STEP
    ball.y += ball.vy * STEP
    bounceOffWalls(ball, radius, 1)
  }
}
