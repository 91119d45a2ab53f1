/** The race: one lane a carrier, all fed with the same states and messages at the same instants. */
import { AgeChart, LatencyChart } from './charts.ts'
import type { ServerClock } from './clock.ts'
import { setText } from './elements.ts'
import { Flight } from './flight.ts'
import type { Place, Run } from './place.ts'
import { type Parcel, RUNNERS, type RunnerName } from './race-protocol.ts'
import { Course, MISSING_MS, Tally } from './tally.ts'

/** Time between two points of the age plot, two drawings of it, and two changes of the figures, ms. */
const POINT_MS = 50
const PLOT_MS = 66
const SHOW_MS = 300
/** Up to these ages a state is fresh, or late; beyond it nobody can play, ms. */
const FRESH_MS = 150
const LATE_MS = 400

export class Race {
  readonly #clock: ServerClock
  readonly #course = new Course()
  readonly #lanes: readonly Lane[]

  constructor(place: Place, clock: ServerClock, root: HTMLElement) {
    this.#clock = clock
    this.#lanes = RUNNERS.map((name) => {
      const element = root.querySelector<HTMLElement>(`[data-runner="${name}"]`)
      if (!element) throw new Error(`no lane for ${name}`)
      return new Lane(name, element, place, clock, this.#course)
    })
  }

  /** Each tick. */
  update(): void {
    for (const lane of this.#lanes) lane.update()
  }

  /** Each frame. */
  draw(now: number): void {
    const server = this.#clock.now()
    if (Number.isFinite(server)) this.#course.trim(server)
    for (const lane of this.#lanes) lane.draw(now, server)
  }

  restyle(): void {
    for (const lane of this.#lanes) lane.restyle()
  }
}

class Lane {
  readonly #element: HTMLElement
  readonly #run: Run
  readonly #tally: Tally
  readonly #flight: Flight
  readonly #ages: AgeChart
  readonly #latencies: LatencyChart
  readonly #texts: Readonly<Record<'age' | 'verdict' | 'median' | 'p99' | 'missing', HTMLElement>>
  readonly #recent: number[] = []
  #isOpen = false
  #pointAt = 0
  #plotAt = 0
  #showAt = 0

  constructor(name: RunnerName, element: HTMLElement, place: Place, clock: ServerClock, course: Course) {
    this.#element = element
    this.#tally = new Tally(course)
    const find = <E extends Element>(selector: string): E => {
      const found = element.querySelector<E>(selector)
      if (!found) throw new Error(`${name}: no ${selector}`)
      return found
    }
    this.#flight = new Flight(find<HTMLCanvasElement>('canvas.flight'))
    this.#ages = new AgeChart(find<HTMLElement>('.ages'))
    this.#latencies = new LatencyChart(find<HTMLElement>('.latencies'))
    this.#texts = {
      age: find('[data-figure="age"]'),
      verdict: find('[data-figure="verdict"]'),
      median: find('[data-figure="median"]'),
      p99: find('[data-figure="p99"]'),
      missing: find('[data-figure="missing"]'),
    }
    this.#run = place.run(name, {
      onOpen: (isOpen) => {
        this.#isOpen = isOpen
        if (isOpen) {
          void clock.sync().then(() => this.#tally.open(clock.now()))
          this.#ages.clear()
        } else this.#tally.close()
      },
      onState: (state: Parcel) => this.#tally.takeState(state),
      onMessage: (message: Parcel) => this.#tally.takeMessage(message, clock.now()),
    })
  }

  update(): void {
    this.#run.update()
  }

  draw(now: number, server: number): void {
    const ageMs = this.#tally.ageMs(server)
    this.#flight.draw(this.#tally.newest, server)
    if (now - this.#pointAt >= POINT_MS) {
      this.#pointAt = now
      this.#ages.add(now, ageMs)
      this.#recent.push(ageMs)
      if (this.#recent.length > 1_000 / POINT_MS) this.#recent.shift()
    }
    if (now - this.#plotAt >= PLOT_MS) {
      this.#plotAt = now
      this.#ages.draw(now)
    }
    if (now - this.#showAt >= SHOW_MS) {
      this.#showAt = now
      this.#show(server)
    }
  }

  restyle(): void {
    this.#flight.restyle()
    this.#ages.restyle()
    this.#latencies.restyle()
  }

  #show(server: number): void {
    const texts = this.#texts
    // The mean of a second: one late packet is not yet a stale game.
    const known = this.#recent.filter(Number.isFinite)
    const ageMs = known.reduce((sum, age) => sum + age, 0) / known.length
    const level = !this.#isOpen
      ? 'away'
      : !(ageMs >= 0)
        ? 'waiting'
        : ageMs < FRESH_MS
          ? 'fresh'
          : ageMs < LATE_MS
            ? 'late'
            : 'stale'
    this.#element.dataset['level'] = level
    setText(texts.age, time(ageMs))
    setText(
      texts.verdict,
      { away: 'connecting…', waiting: 'waiting', fresh: 'live', late: 'behind', stale: 'unplayable' }[level],
    )
    const figures = this.#tally.figures(server)
    this.#latencies.draw(figures.buckets, figures.missing)
    setText(texts.median, time(figures.medianMs))
    setText(texts.p99, time(figures.p99Ms))
    setText(texts.missing, figures.count === 0 ? '–' : String(figures.missing))
    texts.missing.toggleAttribute('data-bad', figures.missing > 0)
    texts.p99.toggleAttribute('data-bad', figures.p99Ms > 1_000)
  }
}

/** `62 ms`, `3.4 s`, `> 2.5 s` for what is missing, `–`. */
function time(ms: number): string {
  if (Number.isNaN(ms)) return '–'
  if (ms === Number.POSITIVE_INFINITY) return `> ${MISSING_MS / 1_000} s`
  return ms < 999.5 ? `${ms.toFixed(0)} ms` : `${(ms / 1_000).toFixed(1)} s`
}
