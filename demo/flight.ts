/** The strip on which a bird flies where a carrier's newest state has it, before the outline of where it truly is. */
import { BODY, HEAD, WINGS } from './painter.ts'
import { courseAt, type Parcel } from './race-protocol.ts'

/** Size of the bird, CSS pixels. */
const BIRD = 11
/** Room at the sides, CSS pixels. */
const INSET = 24

export class Flight {
  readonly #canvas: HTMLCanvasElement
  readonly #context: CanvasRenderingContext2D
  #colours = { lane: '', ghost: '', dot: '', bird: '', head: '', outline: '' }
  #width = 1
  #height = 1

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas
    this.#context = canvas.getContext('2d')!
    new ResizeObserver(() => this.#fit()).observe(canvas)
    this.#fit()
    this.restyle()
  }

  restyle(): void {
    const style = getComputedStyle(this.#canvas)
    const read = (name: string) => style.getPropertyValue(name).trim()
    this.#colours = {
      lane: read('--lane'),
      ghost: read('--muted'),
      dot: read('--arena-dot'),
      bird: read('--bird'),
      head: read('--bird-head'),
      outline: read('--bird-outline'),
    }
  }

  /** `now` is the server's clock, ms. */
  draw(state: Parcel | undefined, now: number): void {
    const context = this.#context
    const density = this.#canvas.width / this.#width
    context.setTransform(density, 0, 0, density, 0, 0)
    context.clearRect(0, 0, this.#width, this.#height)
    this.#paintWater()
    if (!Number.isFinite(now)) return
    const truth = this.#place(courseAt(now))
    const heading = this.#headingAt(now)
    if (state) {
      const seen = this.#place(state)
      // What the carrier owes: the way from where it says to where it is.
      context.strokeStyle = this.#colours.lane
      context.lineWidth = 1.5
      context.globalAlpha = 0.7
      context.beginPath()
      for (let at = state.sentAt; at < now; at += Math.max(16, (now - state.sentAt) / 120)) {
        const { x, y } = this.#place(courseAt(at))
        context.lineTo(x, y)
      }
      context.lineTo(truth.x, truth.y)
      context.stroke()
      context.globalAlpha = 1
      this.#paintBird(seen, this.#headingAt(state.sentAt), true)
    }
    this.#paintBird(truth, heading, false)
  }

  #fit(): void {
    const { clientWidth, clientHeight } = this.#canvas
    const density = Math.min(2, devicePixelRatio || 1)
    this.#width = Math.max(1, clientWidth)
    this.#height = Math.max(1, clientHeight)
    this.#canvas.width = Math.round(this.#width * density)
    this.#canvas.height = Math.round(this.#height * density)
  }

  #place({ x, y }: { x: number; y: number }): { x: number; y: number } {
    return { x: INSET + x * (this.#width - 2 * INSET), y: y * this.#height }
  }

  #headingAt(at: number): number {
    const before = this.#place(courseAt(at - 30))
    const after = this.#place(courseAt(at + 30))
    return Math.atan2(after.y - before.y, after.x - before.x)
  }

  #paintWater(): void {
    const context = this.#context
    context.fillStyle = this.#colours.dot
    for (let x = 12; x < this.#width; x += 24) {
      for (let y = 12; y < this.#height; y += 24) context.fillRect(x - 0.5, y - 0.5, 1, 1)
    }
  }

  #paintBird({ x, y }: { x: number; y: number }, heading: number, isSeen: boolean): void {
    const context = this.#context
    context.save()
    context.translate(x, y)
    context.rotate(heading)
    context.scale(BIRD, BIRD)
    context.lineJoin = 'round'
    context.lineWidth = 1 / BIRD
    if (isSeen) {
      context.fillStyle = this.#colours.lane
      context.fill(WINGS)
      context.fillStyle = this.#colours.bird
      context.fill(BODY)
      context.strokeStyle = this.#colours.outline
      context.stroke(WINGS)
      context.stroke(BODY)
      context.fillStyle = this.#colours.head
      context.fill(HEAD)
    } else {
      context.strokeStyle = this.#colours.ghost
      context.setLineDash([0.22, 0.22])
      context.stroke(WINGS)
      context.stroke(BODY)
    }
    context.restore()
  }
}
