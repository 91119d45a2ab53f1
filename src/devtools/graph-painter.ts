import { bytes, milliseconds, percent } from './graph-text.ts'
import { FIELD, type Field, HISTORY_MS, type Sampler } from './sampler.ts'

/** Colours of the graph, resolved to what a canvas takes. */
export interface GraphColours {
  readonly up: string
  readonly down: string
  readonly accent: string
  readonly warn: string
  readonly line: string
  readonly muted: string
}

/** A plot's place on the canvas, CSS pixels. */
export interface Lane {
  readonly name: LaneName
  readonly top: number
  readonly height: number
}

export type LaneName = 'rtt' | 'loss' | 'traffic' | 'waiting' | 'age'

/** Steps of the scales: what a ruler would have. */
const STEPS = [1, 1.5, 2, 3, 5, 7.5]

/** The smallest round number (1, 1.5, 2, 3, 5 or 7.5 times a power of ten) that is at least `value`, and at least `floor`. */
export function niceTop(value: number, floor: number): number {
  if (!(value > floor)) return floor
  const power = 10 ** Math.floor(Math.log10(value))
  for (const step of STEPS) if (value <= step * power * 1.0001) return step * power
  return 10 * power
}

/** Draws the lanes. One pass a lane and few calls each: it runs every frame of somebody's game. */
export class GraphPainter {
  readonly #context: CanvasRenderingContext2D
  readonly #sampler: Sampler
  #first = 0
  #last = -1
  #endsAt = 0
  #width = 0

  constructor(context: CanvasRenderingContext2D, sampler: Sampler) {
    this.#context = context
    this.#sampler = sampler
  }

  /** Paints the 15 s before `endsAt`; `cursorAt` marks an instant. */
  paint(
    lanes: readonly Lane[],
    width: number,
    density: number,
    endsAt: number,
    colours: GraphColours,
    cursorAt?: number,
  ): void {
    const context = this.#context
    const sampler = this.#sampler
    this.#width = width
    this.#endsAt = endsAt
    this.#first = Math.max(0, sampler.indexAt(endsAt - HISTORY_MS))
    this.#last = sampler.indexAt(endsAt)
    context.setTransform(density, 0, 0, density, 0, 0)
    context.clearRect(0, 0, width, context.canvas.height / density)
    context.font = '10px system-ui, sans-serif'
    context.textBaseline = 'top'
    for (const lane of lanes) this.#paintLane(lane, colours)
    if (cursorAt !== undefined) {
      const x = Math.round(this.#x(cursorAt)) + 0.5
      context.strokeStyle = colours.muted
      context.lineWidth = 1
      context.beginPath()
      for (const { top, height } of lanes) {
        context.moveTo(x, top)
        context.lineTo(x, top + height)
      }
      context.stroke()
    }
  }

  #paintLane({ name, top, height }: Lane, colours: GraphColours): void {
    if (name === 'rtt') this.#paintRtt(top, height, colours)
    else if (name === 'loss') this.#paintLoss(top, height, colours)
    else if (name === 'traffic') this.#paintTraffic(top, height, colours)
    else if (name === 'waiting') this.#paintWaiting(top, height, colours)
    else this.#paintAge(top, height, colours)
  }

  #paintRtt(top: number, height: number, colours: GraphColours): void {
    const scale = niceTop(Math.max(this.#highest(FIELD.rttMs, FIELD.rttVarMs, 2), this.#highest(FIELD.rttLatestMs)), 50)
    const base = top + height
    this.#rule(base, top, colours, milliseconds(scale))
    const context = this.#context
    // The spread: two deviations to each side.
    context.fillStyle = colours.accent
    context.globalAlpha = 0.16
    this.#band(FIELD.rttMs, FIELD.rttVarMs, 2, base, height / scale)
    context.globalAlpha = 0.5
    const sampler = this.#sampler
    for (let i = this.#first; i <= this.#last; i++) {
      const value = sampler.get(i, FIELD.rttLatestMs)
      if (value >= 0)
        context.fillRect(this.#x(sampler.get(i, FIELD.at)) - 0.75, base - (value * height) / scale - 0.75, 1.5, 1.5)
    }
    context.globalAlpha = 1
    this.#stroke(FIELD.rttMs, base, height / scale, colours.accent, 1.5)
    context.setLineDash([2, 3])
    this.#stroke(FIELD.jitterMs, base, height / scale, colours.muted, 1)
    context.setLineDash([])
  }

  /** Up above the line in the middle, down below it. */
  #paintLoss(top: number, height: number, colours: GraphColours): void {
    const scale = niceTop(Math.max(this.#highest(FIELD.lossUp), this.#highest(FIELD.lossDown)), 0.05)
    const middle = top + height / 2
    this.#rule(middle, top, colours, percent(scale))
    this.#mirrored(FIELD.lossUp, FIELD.lossDown, middle, height / 2 / scale, colours, 0.3, true)
  }

  /** Three layers each way: what the game sent, what we added, what the layers below add. */
  #paintTraffic(top: number, height: number, colours: GraphColours): void {
    const scale = niceTop(Math.max(this.#highest(FIELD.wireUp), this.#highest(FIELD.wireDown)), 5_000)
    const middle = top + height / 2
    this.#rule(middle, top, colours, `${bytes(scale)}/s`)
    const perUnit = height / 2 / scale
    this.#mirrored(FIELD.wireUp, FIELD.wireDown, middle, perUnit, colours, 0.16, false)
    this.#mirrored(FIELD.bytesUp, FIELD.bytesDown, middle, perUnit, colours, 0.22, false)
    this.#mirrored(FIELD.appUp, FIELD.appDown, middle, perUnit, colours, 0.42, false)
  }

  /** Our queue on top of SCTP's backlog, and a tick for each moment with resends. */
  #paintWaiting(top: number, height: number, colours: GraphColours): void {
    const scale = niceTop(Math.max(this.#highest(FIELD.queuedBytes), this.#highest(FIELD.backlogBytes)), 2_000)
    const base = top + height
    this.#rule(base, top, colours, bytes(scale))
    const context = this.#context
    this.#fill(FIELD.backlogBytes, base, height / scale, colours.warn, 0.35)
    this.#stroke(FIELD.backlogBytes, base, height / scale, colours.warn, 1)
    this.#fill(FIELD.queuedBytes, base, height / scale, colours.accent, 0.3)
    this.#stroke(FIELD.queuedBytes, base, height / scale, colours.accent, 1.25)
    const sampler = this.#sampler
    context.fillStyle = colours.warn
    for (let i = this.#first; i <= this.#last; i++) {
      const rate = sampler.get(i, FIELD.resends)
      if (rate > 0) context.fillRect(this.#x(sampler.get(i, FIELD.at)) - 0.5, top, 1, Math.min(height, 2 + rate))
    }
  }

  #paintAge(top: number, height: number, colours: GraphColours): void {
    const scale = niceTop(this.#highest(FIELD.ageMs), 100)
    const base = top + height
    this.#rule(base, top, colours, milliseconds(scale))
    this.#fill(FIELD.ageMs, base, height / scale, colours.down, 0.16)
    this.#stroke(FIELD.ageMs, base, height / scale, colours.down, 1.5)
  }

  /** The zero line, and what the top of the lane means. */
  #rule(y: number, top: number, colours: GraphColours, text: string): void {
    const context = this.#context
    context.fillStyle = colours.line
    context.fillRect(0, Math.round(y), this.#width, 1)
    context.fillStyle = colours.muted
    context.textAlign = 'left'
    context.fillText(text, 0, top)
  }

  #x(at: number): number {
    return this.#width * (1 - (this.#endsAt - at) / HISTORY_MS)
  }

  #highest(field: Field, spread?: Field, times = 0): number {
    const sampler = this.#sampler
    let highest = 0
    for (let i = this.#first; i <= this.#last; i++) {
      const value = sampler.get(i, field) + (spread === undefined ? 0 : times * sampler.get(i, spread))
      if (value > highest && value < Number.POSITIVE_INFINITY) highest = value
    }
    return highest
  }

  #stroke(field: Field, base: number, perUnit: number, colour: string, width: number): void {
    const context = this.#context
    const sampler = this.#sampler
    context.beginPath()
    let isDown = false
    for (let i = this.#first; i <= this.#last; i++) {
      const y = base - sampler.get(i, field) * perUnit
      if (!Number.isFinite(y)) {
        isDown = false
        continue
      }
      const x = this.#x(sampler.get(i, FIELD.at))
      if (isDown) context.lineTo(x, y)
      else context.moveTo(x, y)
      isDown = true
    }
    context.strokeStyle = colour
    context.lineWidth = width
    context.stroke()
  }

  #fill(field: Field, base: number, perUnit: number, colour: string, alpha: number): void {
    const context = this.#context
    const sampler = this.#sampler
    if (this.#last < this.#first) return
    context.beginPath()
    context.moveTo(this.#x(sampler.get(this.#first, FIELD.at)), base)
    for (let i = this.#first; i <= this.#last; i++) {
      const value = sampler.get(i, field)
      context.lineTo(this.#x(sampler.get(i, FIELD.at)), base - (Number.isFinite(value) ? value * perUnit : 0))
    }
    context.lineTo(this.#x(sampler.get(this.#last, FIELD.at)), base)
    context.fillStyle = colour
    context.globalAlpha = alpha
    context.fill()
    context.globalAlpha = 1
  }

  #mirrored(
    up: Field,
    down: Field,
    middle: number,
    perUnit: number,
    colours: GraphColours,
    alpha: number,
    isLined: boolean,
  ): void {
    this.#fill(up, middle, perUnit, colours.up, alpha)
    this.#fill(down, middle, -perUnit, colours.down, alpha)
    if (!isLined) return
    this.#stroke(up, middle, perUnit, colours.up, 1.25)
    this.#stroke(down, middle, -perUnit, colours.down, 1.25)
  }

  #band(field: Field, spread: Field, times: number, base: number, perUnit: number): void {
    const context = this.#context
    const sampler = this.#sampler
    context.beginPath()
    for (let pass = 0; pass < 2; pass++) {
      const sign = pass === 0 ? times : -times
      for (let n = this.#first; n <= this.#last; n++) {
        const i = pass === 0 ? n : this.#first + this.#last - n
        const value = sampler.get(i, field) + sign * sampler.get(i, spread)
        if (Number.isFinite(value))
          context.lineTo(this.#x(sampler.get(i, FIELD.at)), base - Math.max(0, value) * perUnit)
      }
    }
    context.fill()
  }
}
