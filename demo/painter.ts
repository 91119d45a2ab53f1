/** Draws the arena on a canvas: water, balls, birds. */
import { ARENA, BALL_RADII, type Ball, SHIP_RADIUS, SHOT_RADIUS, type Ship, type Shot } from './world.ts'

/** Whose ship or ball it is. */
export interface Owner {
  readonly id: number
  readonly name: string
  readonly isSelf: boolean
}

export interface Picture {
  readonly ships: readonly Ship[]
  /** By index. */
  readonly balls: ReadonlyMap<number, Ball>
  readonly shots: readonly Shot[]
  /** Our ship. */
  readonly self: number
  /** Our ship as the newest snapshot has it: behind what we see of it by a round trip. */
  readonly echo: Ship | undefined
  readonly owners: ReadonlyMap<number, Owner>
  /** Time since the last picture, s. */
  readonly seconds: number
}

/** Colours for players; must equal the number of `--player-…` properties in the style sheet. */
export const PLAYER_COLOURS = 8
/** Space between two dots of the water, arena units. */
const DOT_UNITS = 80
/** How long a wake is seen, s. */
const WAKE_SECONDS = 0.6
/** Half its width at the bird, arena units. */
const WAKE_HALF_UNITS = 6
/** Below this distance the peer's word and ours are the same to the eye, arena units. */
const ECHO_UNITS = 7

/** Below this many CSS pixels per arena unit names would cover the birds; the scoreboard has their colours. */
const NAMES_SCALE = 0.3
/** Birds are drawn larger than they collide: their wings are feathers. */
const BIRD_UNITS = SHIP_RADIUS * 1.3
/** Least size of the same on a small screen, CSS pixels. */
const BIRD_PIXELS = 9

// A gannet from above, nose at +x, wings half folded, one unit from its middle to past its beak.
export const WINGS = new Path2D(
  'M.6 0C.35-.42 0-.85-.8-1.35C-.62-.9-.5-.5-.42-.12L-.42.12C-.5.5-.62.9-.8 1.35C0 .85.35.42.6 0Z',
)
export const BODY = new Path2D('M1.4 0C1.15-.1 1-.25.62-.26C.1-.27-.6-.2-1.2 0C-.6.2.1.27.62.26C1 .25 1.15.1 1.4 0Z')
export const HEAD = new Path2D('M1.4 0C1.15-.1 1-.25.62-.26C.74-.1.74.1.62.26C1 .25 1.15.1 1.4 0Z')

interface Palette {
  readonly dot: string
  readonly wall: string
  readonly idle: string
  readonly text: string
  readonly bird: string
  readonly outline: string
  readonly head: string
  readonly players: readonly string[]
}

interface Wake {
  readonly points: { x: number; y: number; age: number }[]
}

export class Painter {
  readonly #canvas: HTMLCanvasElement
  readonly #context: CanvasRenderingContext2D
  readonly #wakes: Map<number, Wake> = new Map()
  readonly #stillness = matchMedia('(prefers-reduced-motion: reduce)')
  #palette: Palette
  /** CSS pixels per arena unit, and where the arena's corner is. */
  #scale = 1
  #left = 0
  #top = 0

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext('2d')
    if (!context) throw new Error('expected a 2d canvas context, got none')
    this.#canvas = canvas
    this.#context = context
    this.#palette = readPalette()
    new ResizeObserver(() => this.#fit()).observe(canvas)
    this.#fit()
  }

  restyle(): void {
    this.#palette = readPalette()
  }

  clear(): void {
    this.#wakes.clear()
  }

  /** Where a point of the canvas, in CSS pixels, lies in the arena. */
  toArena(x: number, y: number): { x: number; y: number } {
    return { x: (x - this.#left) / this.#scale, y: (y - this.#top) / this.#scale }
  }

  paint(picture: Picture): void {
    const context = this.#context
    const density = this.#canvas.width / Math.max(1, this.#canvas.clientWidth)
    context.setTransform(density, 0, 0, density, 0, 0)
    context.clearRect(0, 0, this.#canvas.clientWidth, this.#canvas.clientHeight)
    context.translate(this.#left, this.#top)
    context.scale(this.#scale, this.#scale)
    this.#paintWater()
    if (!this.#stillness.matches) this.#paintWakes(picture)
    for (const [i, ball] of picture.balls) this.#paintBall(ball, BALL_RADII[i] ?? 20)
    for (const shot of picture.shots) this.#paintShot(shot)
    const self = picture.ships.find((ship) => ship.id === picture.self)
    if (self && picture.echo) this.#paintEcho(self, picture.echo)
    for (const ship of picture.ships) this.#paintShip(ship, ship.id === picture.self)
    if (this.#scale < NAMES_SCALE) return
    for (const ship of picture.ships) {
      const owner = picture.owners.get(ship.id)
      if (owner) this.#paintName(ship, owner)
    }
  }

  #fit(): void {
    const { clientWidth, clientHeight } = this.#canvas
    const density = Math.min(2, devicePixelRatio || 1)
    this.#canvas.width = Math.max(1, Math.round(clientWidth * density))
    this.#canvas.height = Math.max(1, Math.round(clientHeight * density))
    this.#scale = Math.min(clientWidth / ARENA.width, clientHeight / ARENA.height) || 1
    this.#left = (clientWidth - ARENA.width * this.#scale) / 2
    this.#top = (clientHeight - ARENA.height * this.#scale) / 2
  }

  get #birdUnits(): number {
    return Math.max(BIRD_UNITS, this.#pixels(BIRD_PIXELS))
  }

  /** A width that is the same in pixels at every size of the arena. */
  #pixels(count: number): number {
    return count / this.#scale
  }

  #paintWater(): void {
    const context = this.#context
    context.fillStyle = this.#palette.dot
    const size = this.#pixels(1.5)
    for (let x = DOT_UNITS / 2; x < ARENA.width; x += DOT_UNITS) {
      for (let y = DOT_UNITS / 2; y < ARENA.height; y += DOT_UNITS) {
        context.fillRect(x - size / 2, y - size / 2, size, size)
      }
    }
    context.strokeStyle = this.#palette.wall
    context.lineWidth = this.#pixels(1)
    const inset = this.#pixels(0.5)
    context.strokeRect(inset, inset, ARENA.width - inset * 2, ARENA.height - inset * 2)
  }

  #paintWakes(picture: Picture): void {
    const seen = new Set<number>()
    for (const ship of picture.ships) {
      seen.add(ship.id)
      let wake = this.#wakes.get(ship.id)
      if (!wake) this.#wakes.set(ship.id, (wake = { points: [] }))
      for (const point of wake.points) point.age += picture.seconds
      while (wake.points[0] && wake.points[0].age > WAKE_SECONDS) wake.points.shift()
      wake.points.push({ x: ship.x, y: ship.y, age: 0 })
      this.#paintWake(wake, this.#colourOf(ship.id))
    }
    for (const id of this.#wakes.keys()) if (!seen.has(id)) this.#wakes.delete(id)
  }

  /** A ribbon from nothing at its oldest point to full width and colour at the bird. */
  #paintWake({ points }: Wake, colour: string): void {
    const oldest = points[0]
    const newest = points.at(-1)
    if (!oldest || !newest || points.length < 2) return
    const context = this.#context
    const gradient = context.createLinearGradient(oldest.x, oldest.y, newest.x, newest.y)
    // Player colours are written #rrggbb; two more digits are their opacity.
    gradient.addColorStop(0, `${colour}00`)
    gradient.addColorStop(1, `${colour}66`)
    context.fillStyle = gradient
    const sides: { x: number; y: number }[][] = [[], []]
    points.forEach((point, i) => {
      const before = points[Math.max(0, i - 1)]!
      const after = points[Math.min(points.length - 1, i + 1)]!
      const length = Math.hypot(after.x - before.x, after.y - before.y) || 1
      const half = WAKE_HALF_UNITS * (1 - point.age / WAKE_SECONDS)
      const x = (-(after.y - before.y) / length) * half
      const y = ((after.x - before.x) / length) * half
      sides[0]!.push({ x: point.x + x, y: point.y + y })
      sides[1]!.push({ x: point.x - x, y: point.y - y })
    })
    context.beginPath()
    for (const side of [sides[0]!, sides[1]!.reverse()]) for (const { x, y } of side) context.lineTo(x, y)
    context.fill()
  }

  #paintBall(ball: Ball, radius: number): void {
    const context = this.#context
    const colour = ball.owner === 0 ? this.#palette.idle : this.#colourOf(ball.owner)
    context.beginPath()
    context.arc(ball.x, ball.y, radius - this.#pixels(1), 0, 2 * Math.PI)
    context.fillStyle = colour
    context.globalAlpha = ball.owner === 0 ? 0.1 : 0.24
    context.fill()
    context.globalAlpha = ball.owner === 0 ? 0.75 : 1
    context.strokeStyle = colour
    context.lineWidth = this.#pixels(2)
    context.stroke()
    context.globalAlpha = 1
  }

  #paintShot(shot: Shot): void {
    const context = this.#context
    context.beginPath()
    context.arc(shot.x, shot.y, Math.max(SHOT_RADIUS, this.#pixels(2.5)), 0, 2 * Math.PI)
    context.fillStyle = this.#colourOf(shot.owner)
    context.fill()
  }

  #paintEcho(self: Ship, echo: Ship): void {
    if (Math.hypot(self.x - echo.x, self.y - echo.y) < ECHO_UNITS) return
    const context = this.#context
    context.save()
    context.translate(echo.x, echo.y)
    context.rotate(echo.heading)
    context.scale(this.#birdUnits, this.#birdUnits)
    context.strokeStyle = this.#colourOf(self.id)
    context.globalAlpha = 0.55
    context.lineWidth = this.#pixels(1) / this.#birdUnits
    context.setLineDash([0.2, 0.2])
    context.stroke(WINGS)
    context.stroke(BODY)
    context.restore()
  }

  #paintShip(ship: Ship, isSelf: boolean): void {
    const context = this.#context
    const palette = this.#palette
    context.save()
    context.translate(ship.x, ship.y)
    if (isSelf) {
      context.beginPath()
      context.arc(0, 0, this.#birdUnits * 1.65, 0, 2 * Math.PI)
      context.strokeStyle = this.#colourOf(ship.id)
      context.globalAlpha = 0.5
      context.lineWidth = this.#pixels(1.5)
      context.stroke()
      context.globalAlpha = 1
    }
    context.rotate(ship.heading)
    context.scale(this.#birdUnits, this.#birdUnits)
    context.lineJoin = 'round'
    context.strokeStyle = palette.outline
    context.lineWidth = this.#pixels(1) / this.#birdUnits
    context.fillStyle = this.#colourOf(ship.id)
    context.fill(WINGS)
    context.stroke(WINGS)
    context.fillStyle = palette.bird
    context.fill(BODY)
    context.stroke(BODY)
    context.fillStyle = palette.head
    context.fill(HEAD)
    context.restore()
  }

  #paintName(ship: Ship, owner: Owner): void {
    const context = this.#context
    const size = this.#pixels(12)
    context.font = `${owner.isSelf ? 600 : 400} ${size}px system-ui, sans-serif`
    context.textAlign = 'center'
    context.textBaseline = 'top'
    context.fillStyle = this.#palette.text
    const y = Math.min(ship.y + this.#birdUnits * 1.9, ARENA.height - size * 1.4)
    const text = owner.isSelf ? `${owner.name} (you)` : owner.name
    const half = context.measureText(text).width / 2 + size / 3
    context.fillText(text, Math.min(ARENA.width - half, Math.max(half, ship.x)), y)
  }

  #colourOf(id: number): string {
    return this.#palette.players[id % PLAYER_COLOURS] ?? this.#palette.idle
  }
}

/** The style sheet owns the colours; a canvas has to ask for them. */
function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement)
  const read = (name: string) => style.getPropertyValue(name).trim()
  return {
    dot: read('--arena-dot'),
    wall: read('--arena-wall'),
    idle: read('--muted'),
    text: read('--text'),
    bird: read('--bird'),
    outline: read('--bird-outline'),
    head: read('--bird-head'),
    players: Array.from({ length: PLAYER_COLOURS }, (_, i) => read(`--player-${i}`)),
  }
}
