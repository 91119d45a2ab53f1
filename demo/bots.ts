/** Two birds that play when nobody else does. */
import { ARENA, BALL_RADII, type Steering, type World } from './world.ts'

/** How long a bot keeps to one ball, ticks. */
const PATIENCE_TICKS = 150

/** Flies at the nearest ball that is not its own. */
export class Bot {
  readonly id: number
  readonly name: string
  readonly #random: () => number
  #target = 0
  #changeTick = 0

  constructor(id: number, name: string, random: () => number) {
    this.id = id
    this.name = name
    this.#random = random
  }

  steer(world: World): Steering {
    const ship = world.ships.get(this.id)
    if (!ship) return { x: 0, y: 0 }
    const target = world.balls[this.#target]
    if (!target || target.owner === this.id || world.tick >= this.#changeTick) {
      this.#target = this.#choose(world, ship.x, ship.y)
      this.#changeTick = world.tick + PATIENCE_TICKS * (0.5 + this.#random())
    }
    const ball = world.balls[this.#target]
    if (!ball) return { x: 0, y: 0 }
    // Half a second of lead, less the own drift: arrives at the ball instead of circling it.
    const x = ball.x + ball.vx * 0.5 - ship.vx * 0.35 - ship.x
    const y = ball.y + ball.vy * 0.5 - ship.vy * 0.35 - ship.y
    const length = Math.hypot(x, y) || 1
    const push = ball.owner === this.id ? 0.25 : 0.62
    return { x: (x / length) * push, y: (y / length) * push }
  }

  #choose(world: World, x: number, y: number): number {
    let best = 0
    let bestCost = Infinity
    world.balls.forEach((ball, i) => {
      // Some whim, or both bots would fly to the same ball for ever.
      const cost =
        Math.hypot(ball.x - x, ball.y - y) -
        BALL_RADII[i]! +
        (ball.owner === this.id ? ARENA.width : 0) +
        this.#random() * 500
      if (cost < bestCost) {
        best = i
        bestCost = cost
      }
    })
    return best
  }
}
