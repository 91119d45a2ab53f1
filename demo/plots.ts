/** The last 15 seconds of round-trip time and loss. */
import uPlot from 'uplot'
import { element } from './elements.ts'
import type { Reading } from './gauges.ts'

const SPAN_SECONDS = 15
/** Tops of the vertical axes: the smallest that holds what is shown. */
const RTT_TOPS = [20, 50, 100, 200, 300, 500, 800, 1_200, 2_000, 5_000, 10_000]
const LOSS_TOPS = [5, 10, 20, 30, 40, 60, 100]

type Pick = (reading: Reading) => number

interface LineStyle {
  readonly pick: Pick
  /** Name of the custom property that holds the colour. */
  readonly colour: string
  readonly width: number
  readonly dash?: number[]
  /** Draws dots instead of a line. */
  readonly isDots?: boolean
  /** Fills down to the axis in this custom property. */
  readonly fill?: string
}

const RTT_LINES: readonly LineStyle[] = [
  { pick: (reading) => reading.rttSetMs, colour: '--plot-truth', width: 1.5, dash: [4, 4] },
  { pick: (reading) => reading.rttLatestMs, colour: '--plot-sample', width: 0, isDots: true },
  { pick: (reading) => reading.rttMs, colour: '--plot-rtt', width: 2, fill: '--plot-rtt-fill' },
]

const LOSS_LINES: readonly LineStyle[] = [
  { pick: (reading) => reading.relayLossUp * 100, colour: '--plot-up-truth', width: 1.5, dash: [4, 4] },
  { pick: (reading) => reading.relayLossDown * 100, colour: '--plot-down-truth', width: 1.5, dash: [4, 4] },
  { pick: (reading) => reading.lossUp * 100, colour: '--up', width: 2 },
  { pick: (reading) => reading.lossDown * 100, colour: '--down', width: 2 },
]

export class Plots {
  #readings: Reading[] = []
  readonly #plots: readonly Plot[]

  constructor() {
    this.#plots = [
      new Plot(element('plot-rtt', HTMLDivElement), RTT_LINES, RTT_TOPS),
      new Plot(element('plot-loss', HTMLDivElement), LOSS_LINES, LOSS_TOPS),
    ]
  }

  add(reading: Reading): void {
    this.#readings.push(reading)
    while (this.#readings[0] && this.#readings[0].at < reading.at - (SPAN_SECONDS + 1) * 1_000) this.#readings.shift()
    for (const plot of this.#plots) plot.take(this.#readings)
  }

  /** Moves the window on to `now`, ms. */
  draw(now: number): void {
    for (const plot of this.#plots) plot.draw(now / 1_000)
  }

  restyle(): void {
    for (const plot of this.#plots) plot.restyle()
  }
}

/** One frame with its axes. Shows a dash until something was measured in the window. */
class Plot {
  readonly #frame: HTMLElement
  readonly #lines: readonly LineStyle[]
  readonly #tops: readonly number[]
  readonly #uplot: uPlot
  #colours: Map<string, string> = new Map()
  #top: number
  #newestAt = Number.NEGATIVE_INFINITY

  constructor(frame: HTMLElement, lines: readonly LineStyle[], tops: readonly number[]) {
    this.#frame = frame
    this.#lines = lines
    this.#tops = tops
    this.#top = tops[0]!
    this.#readColours()
    this.#uplot = new uPlot(this.#options(), [[], ...lines.map(() => [])], frame)
    new ResizeObserver(() => this.#uplot.setSize(this.#size())).observe(frame)
  }

  take(readings: readonly Reading[]): void {
    const seconds = readings.map((reading) => reading.at / 1_000)
    const values = this.#lines.map((line) =>
      readings.map((reading) => {
        const value = line.pick(reading)
        return Number.isFinite(value) ? value : null
      }),
    )
    let highest = 0
    for (const row of values) {
      row.forEach((value, i) => {
        if (value === null) return
        highest = Math.max(highest, value)
        this.#newestAt = Math.max(this.#newestAt, seconds[i]!)
      })
    }
    this.#top = this.#tops.find((top) => top >= highest * 1.08) ?? highest
    this.#uplot.setData([seconds, ...values], false)
  }

  draw(now: number): void {
    this.#frame.classList.toggle('measured', this.#newestAt > now - SPAN_SECONDS)
    this.#uplot.batch(() => {
      this.#uplot.setScale('x', { min: now - SPAN_SECONDS, max: now })
      this.#uplot.setScale('y', { min: 0, max: this.#top })
    })
  }

  restyle(): void {
    this.#readColours()
    this.#uplot.redraw()
  }

  #readColours(): void {
    const style = getComputedStyle(document.documentElement)
    const names = ['--muted', '--grid', ...this.#lines.flatMap((line) => [line.colour, line.fill ?? line.colour])]
    this.#colours = new Map(names.map((name) => [name, style.getPropertyValue(name).trim()]))
  }

  #colour(name: string): string {
    return this.#colours.get(name) ?? ''
  }

  #size(): { width: number; height: number } {
    return { width: Math.max(60, this.#frame.clientWidth), height: Math.max(60, this.#frame.clientHeight) }
  }

  #options(): uPlot.Options {
    const axis = {
      stroke: () => this.#colour('--muted'),
      font: '11px system-ui, sans-serif',
      ticks: { show: false },
      grid: { stroke: () => this.#colour('--grid'), width: 1 },
    }
    return {
      ...this.#size(),
      padding: [8, 14, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false, auto: false }, y: { auto: false } },
      axes: [
        {
          ...axis,
          size: 22,
          gap: 4,
          grid: { show: false },
          splits: (_plot, _axis, _min, max) => [-15, -10, -5, 0].map((second) => max + second),
          values: (_plot, splits) =>
            splits.map((split, i) => (i === splits.length - 1 ? 'now' : `${Math.round(split - splits.at(-1)!)} s`)),
        },
        {
          ...axis,
          size: 40,
          gap: 6,
          splits: () => [0, this.#top / 2, this.#top],
          values: (_plot, splits) => splits.map((split) => String(split)),
        },
      ],
      series: [
        {},
        ...this.#lines.map(
          (line): uPlot.Series => ({
            stroke: () => this.#colour(line.colour),
            width: line.width,
            spanGaps: false,
            ...(line.dash ? { dash: line.dash } : {}),
            ...(line.fill ? { fill: () => this.#colour(line.fill!) } : {}),
            ...(line.isDots
              ? { paths: () => null, points: { show: true, size: 3, width: 0, fill: () => this.#colour(line.colour) } }
              : { points: { show: false } }),
          }),
        ),
      ],
    }
  }
}
