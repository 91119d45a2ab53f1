/** The plots of a lane, with uPlot: how old the newest state is, and how long messages took. */
import uPlot from 'uplot'
import { BUCKETS } from './tally.ts'

const SPAN_SECONDS = 15
/** Where the bar of those that are missing stands: apart from the others. */
const MISSING_PLACE = BUCKETS.length + 4
/** Range of the age, ms, on a logarithmic scale: from one frame to where nobody plays any more. */
const AGE_RANGE: [number, number] = [10, 10_000]
const AGE_MARKS = [10, 100, 1_000, 10_000]
/** Marks of the latency axis, ms. */
const LATENCY_MARKS = [20, 50, 100, 200, 500, 1_000, 2_000]

function labelOf(ms: number): string {
  return ms < 1_000 ? String(ms) : `${ms / 1_000} s`
}

/** Colours by the names of the style sheet's properties; a canvas has to ask for them. */
class Colours {
  readonly #element: HTMLElement
  #style: CSSStyleDeclaration

  constructor(element: HTMLElement) {
    this.#element = element
    this.#style = getComputedStyle(element)
  }

  renew(): void {
    this.#style = getComputedStyle(this.#element)
  }

  of(name: string): string {
    return this.#style.getPropertyValue(name).trim()
  }
}

/** What both plots share: a frame that gives the size, colours, no legend, no cursor. */
abstract class Chart {
  readonly #frame: HTMLElement
  protected readonly colours: Colours
  protected abstract readonly plot: uPlot

  constructor(frame: HTMLElement) {
    this.#frame = frame
    this.colours = new Colours(frame)
    new ResizeObserver(() => this.plot.setSize(this.size)).observe(frame)
  }

  restyle(): void {
    this.colours.renew()
    this.plot.redraw()
  }

  protected get size(): { width: number; height: number } {
    return { width: Math.max(80, this.#frame.clientWidth), height: Math.max(40, this.#frame.clientHeight) }
  }

  protected get base(): Pick<uPlot.Options, 'width' | 'height' | 'legend' | 'cursor' | 'padding'> {
    return { ...this.size, legend: { show: false }, cursor: { show: false }, padding: [6, 18, 0, 0] }
  }

  protected axis(size: number): uPlot.Axis {
    return {
      stroke: () => this.colours.of('--muted'),
      font: '10px system-ui, sans-serif',
      ticks: { show: false },
      grid: { stroke: () => this.colours.of('--grid'), width: 1 },
      size,
      gap: 3,
    }
  }
}

/** The last 15 seconds of the age of the newest state. */
export class AgeChart extends Chart {
  protected readonly plot: uPlot
  #seconds: number[] = []
  #ages: (number | null)[] = []

  constructor(frame: HTMLElement) {
    super(frame)
    this.plot = new uPlot(
      {
        ...this.base,
        scales: { x: { time: false, auto: false }, y: { distr: 3, auto: false, range: AGE_RANGE } },
        axes: [
          {
            ...this.axis(16),
            grid: { show: false },
            splits: (_plot, _axis, _min, max) => [-15, -10, -5, 0].map((second) => max + second),
            values: (_plot, splits) =>
              splits.map((split, i) => (i % 3 === 0 ? '' : `${Math.round(split - splits.at(-1)!)} s`)),
          },
          {
            ...this.axis(30),
            splits: () => AGE_MARKS,
            // uPlot thins the marks of logarithmic axes; ours are few enough.
            filter: (_plot, splits) => splits,
            values: (_plot, splits) => splits.map(labelOf),
          },
        ],
        series: [
          {},
          {
            stroke: () => this.colours.of('--lane'),
            fill: () => this.colours.of('--lane-fill'),
            width: 1.75,
            points: { show: false },
          },
        ],
      },
      [[], []],
      frame,
    )
  }

  clear(): void {
    this.#seconds = []
    this.#ages = []
  }

  /** `ageMs` at the instant `now`, ms. */
  add(now: number, ageMs: number): void {
    this.#seconds.push(now / 1_000)
    this.#ages.push(Number.isFinite(ageMs) ? Math.min(AGE_RANGE[1], Math.max(AGE_RANGE[0], ageMs)) : null)
    while (this.#seconds[0]! < now / 1_000 - SPAN_SECONDS - 1) {
      this.#seconds.shift()
      this.#ages.shift()
    }
  }

  draw(now: number): void {
    this.plot.batch(() => {
      this.plot.setData([this.#seconds, this.#ages], false)
      this.plot.setScale('x', { min: now / 1_000 - SPAN_SECONDS, max: now / 1_000 })
    })
  }
}

/** How long the messages of the last 20 seconds took; those that are missing stand at the right, in their own colour. */
export class LatencyChart extends Chart {
  protected readonly plot: uPlot
  #top = 10

  constructor(frame: HTMLElement) {
    super(frame)
    const bars = uPlot.paths.bars!({ size: [0.82, 40], radius: 0.1 })
    const last = MISSING_PLACE
    this.plot = new uPlot(
      {
        ...this.base,
        scales: {
          x: { time: false, auto: false, range: [-0.6, last + 0.6] },
          y: { range: () => [0, this.#top] },
        },
        axes: [
          {
            ...this.axis(16),
            grid: { show: false },
            splits: () => [...LATENCY_MARKS.map((mark) => BUCKETS.indexOf(mark) + 0.5), last],
            filter: (_plot, splits) => splits,
            values: () => [...LATENCY_MARKS.map(labelOf), 'missing'],
          },
          { ...this.axis(0), show: false },
        ],
        series: [
          {},
          {
            fill: () => this.colours.of('--lane'),
            stroke: () => this.colours.of('--lane'),
            width: 0,
            paths: bars,
            points: { show: false },
          },
          {
            fill: () => this.colours.of('--bad'),
            stroke: () => this.colours.of('--bad'),
            width: 0,
            paths: bars,
            points: { show: false },
          },
        ],
      },
      [[], [], []],
      frame,
    )
  }

  draw(buckets: readonly number[], missing: number): void {
    const indices = Array.from({ length: MISSING_PLACE + 1 }, (_, i) => i)
    const came = indices.map((i) => buckets[i] ?? null)
    const never = indices.map((i) => (i === MISSING_PLACE && missing > 0 ? missing : null))
    this.#top = Math.max(10, missing, ...buckets) * 1.1
    this.plot.setData([indices, came.map((count) => count || null), never], true)
  }
}
