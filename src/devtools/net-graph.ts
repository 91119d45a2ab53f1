import type { ConnectionState, EndpointStats } from '../index.ts'
import { type GraphColours, GraphPainter, type Lane, type LaneName } from './graph-painter.ts'
import { GRAPH_HTML } from './graph-template.ts'
import { bytes, milliseconds, NOTHING, percent, perSecond } from './graph-text.ts'
import { FIELD, type Field, HISTORY_MS, SAMPLE_MS, Sampler } from './sampler.ts'

/** What is watched; a peer is one, and so is an endpoint. */
export interface NetGraphSource {
  readonly stats: EndpointStats
  readonly state?: ConnectionState
}

/** Time between two changes of the figures, ms: faster cannot be read. */
const TEXT_MS = 250
/** Step of an arrow key, ms. */
const STEP_MS = 500
/** Time between two drawings, ms: in it the picture moves less than a pixel on a phone and about one on a wide page. */
const PAINT_MS = 30
/** Frames over which the cost is averaged. */
const COST_FRAMES = 64

/** The graph inside a shadow root: sampling, drawing, keys. The element around it is a shell. */
export class NetGraph {
  readonly #host: HTMLElement
  readonly #root: ShadowRoot
  readonly #sampler = new Sampler()
  readonly #painter: GraphPainter
  readonly #canvas: HTMLCanvasElement
  readonly #plots: HTMLElement
  readonly #button: HTMLButtonElement
  readonly #state: HTMLElement
  readonly #rows: HTMLElement
  readonly #ageLane: HTMLElement
  readonly #values: ReadonlyMap<LaneName, HTMLElement>
  readonly #stillness: MediaQueryList = matchMedia('(prefers-reduced-motion: reduce)')
  readonly #costs = new Float64Array(COST_FRAMES)
  #costAt = 0
  #source: NetGraphSource | undefined
  #lanes: Lane[] = []
  #width = 1
  #density = 1
  #colours: GraphColours | undefined
  #pausedAt: number | undefined
  /** Looks back this far from the end of what is shown, ms. */
  #cursorMs: number | undefined
  #stateAt = Number.NaN
  #stateAgeMs = Number.NaN
  #textAt = Number.NEGATIVE_INFINITY
  #paintedAt = Number.NEGATIVE_INFINITY
  /** Fed by hand: the end of what is shown is the newest sample, not the present. */
  isManual = false

  constructor(host: HTMLElement, root: ShadowRoot) {
    root.innerHTML = GRAPH_HTML
    const find = <E extends HTMLElement>(selector: string): E => root.querySelector<E>(selector)!
    this.#host = host
    this.#root = root
    this.#canvas = find('canvas')
    this.#plots = find('.plots')
    this.#button = find('button')
    this.#state = find('.state')
    this.#rows = find('tbody')
    this.#ageLane = find('[data-lane="age"]')
    const lanes = [...root.querySelectorAll<HTMLElement>('[data-lane]')]
    this.#values = new Map(lanes.map((lane) => [lane.dataset['lane'] as LaneName, lane.querySelector('span')!]))
    this.#painter = new GraphPainter(this.#canvas.getContext('2d')!, this.#sampler)
    this.#button.addEventListener('click', () => this.pause(this.#pausedAt === undefined))
    this.#plots.addEventListener('keydown', (event) => this.#onKey(event))
    this.#plots.addEventListener('pointermove', (event) => this.#point(event))
    this.#plots.addEventListener('pointerdown', (event) => this.#point(event))
    this.#plots.addEventListener('pointerleave', () => this.#look(undefined))
  }

  get source(): NetGraphSource | undefined {
    return this.#source
  }

  set source(source: NetGraphSource | undefined) {
    if (source === this.#source) return
    this.#source = source
    this.clear()
  }

  get isPaused(): boolean {
    return this.#pausedAt !== undefined
  }

  /** Mean time that a frame took of late, ms. */
  get costMs(): number {
    return this.#costs.reduce((sum, cost) => sum + cost, 0) / COST_FRAMES
  }

  /** How old the newest state is at `now`, ms; `NaN` before the first. */
  stateAgeMs(now: number): number {
    return now - this.#stateAt + this.#stateAgeMs
  }

  /** The newest state has come, and was `ageMs` old on arrival; default half a round trip. */
  markState(now: number, ageMs: number = (this.#source?.stats.rttMs ?? Number.NaN) / 2): void {
    this.#stateAt = now
    this.#stateAgeMs = Number.isFinite(ageMs) ? ageMs : 0
    // A game that never says so has no lane for it.
    if (!this.#ageLane.hidden) return
    this.#ageLane.hidden = false
    this.measure()
  }

  /** Stops the picture, not the sampling. */
  pause(isPaused: boolean): void {
    this.#pausedAt = isPaused ? (this.#pausedAt ?? this.#present(performance.now())) : undefined
    this.#button.setAttribute('aria-pressed', String(isPaused))
    this.#button.textContent = isPaused ? 'Resume' : 'Pause'
    this.#look(isPaused ? this.#cursorMs : undefined)
  }

  clear(): void {
    this.#sampler.clear()
    this.#stateAt = Number.NaN
    if (this.#pausedAt !== undefined) this.pause(false)
    this.#refresh()
  }

  /** Takes a sample of the source at `now`. */
  sample(now: number): void {
    const source = this.#source
    if (source !== undefined) this.#sampler.push(source.stats, now, this.stateAgeMs(now))
  }

  /** One frame: a sample when it is due, the plots, and a few times a second the figures. */
  frame(now: number): void {
    const beganAt = performance.now()
    const isDue = !this.isManual && now - this.#sampler.newestAt >= SAMPLE_MS
    if (isDue) this.sample(now)
    // Nothing slides where people asked for stillness: the picture changes with the figures.
    if (now - this.#paintedAt >= (this.#stillness.matches ? 2 * TEXT_MS : PAINT_MS)) this.#paint(now)
    if (now - this.#textAt >= TEXT_MS) {
      this.#textAt = now
      this.#show(now)
    }
    this.#costs[this.#costAt++ % COST_FRAMES] = performance.now() - beganAt
  }

  /** Sizes have changed. */
  measure(): void {
    const box = this.#plots.getBoundingClientRect()
    this.#width = Math.max(1, box.width)
    this.#density = Math.min(2, devicePixelRatio || 1)
    this.#canvas.width = Math.max(1, Math.round(box.width * this.#density))
    this.#canvas.height = Math.max(1, Math.round(box.height * this.#density))
    this.#lanes = [...this.#root.querySelectorAll<HTMLElement>('[data-lane]:not([hidden])')].map((lane) => {
      const { top, height } = lane.querySelector('.plot')!.getBoundingClientRect()
      return { name: lane.dataset['lane'] as LaneName, top: top - box.top, height }
    })
    this.#refresh()
  }

  /** Colours have changed: asks the style sheet for what a canvas can take. */
  restyle(): void {
    const probe = document.createElement('i')
    this.#root.append(probe)
    const style = getComputedStyle(probe)
    const read = (name: string): string => {
      probe.style.color = `var(--graph-${name})`
      return style.color
    }
    this.#colours = {
      up: read('up'),
      down: read('down'),
      accent: read('accent'),
      warn: read('warn'),
      line: read('line'),
      muted: read('muted'),
    }
    probe.remove()
    this.#refresh()
  }

  #refresh(): void {
    this.#textAt = Number.NEGATIVE_INFINITY
    this.#paintedAt = Number.NEGATIVE_INFINITY
  }

  /** The right edge of what is shown when nothing is paused. */
  #present(now: number): number {
    return this.isManual ? this.#sampler.newestAt : now
  }

  #paint(now: number): void {
    this.#paintedAt = now
    if (this.#colours === undefined) this.restyle()
    const endsAt = this.#pausedAt ?? this.#present(now)
    const cursorAt = this.#cursorMs === undefined ? undefined : endsAt - this.#cursorMs
    this.#painter.paint(this.#lanes, this.#width, this.#density, endsAt, this.#colours!, cursorAt)
  }

  /** Writes the figures of the instant that is looked at. */
  #show(now: number): void {
    const sampler = this.#sampler
    const endsAt = this.#pausedAt ?? this.#present(now)
    const index = sampler.indexAt(endsAt - (this.#cursorMs ?? 0))
    const of = (field: Field): number => (index < 0 ? Number.NaN : sampler.get(index, field))
    const both = (up: string, down: string): Part[] => [
      ['up', `↑ ${up}`],
      ['', ' '],
      ['down', `↓ ${down}`],
    ]
    const write = (name: LaneName, ...parts: Part[]): void => {
      setParts(this.#values.get(name)!, parts)
    }
    write(
      'rtt',
      ['', milliseconds(of(FIELD.rttMs))],
      ['i', ` ± ${bare(of(FIELD.rttVarMs))} · jitter ${bare(of(FIELD.jitterMs))}`],
    )
    write('age', ['', milliseconds(of(FIELD.ageMs))], ['i', Number.isFinite(of(FIELD.ageMs)) ? ' old' : ''])
    write('loss', ...both(percent(of(FIELD.lossUp)), percent(of(FIELD.lossDown))))
    write(
      'traffic',
      ...both(
        `${perSecond(of(FIELD.packetsUp))} pkt ${bytes(of(FIELD.wireUp))}`,
        `${perSecond(of(FIELD.packetsDown))} pkt ${bytes(of(FIELD.wireDown))}`,
      ),
      ['i', '/s'],
    )
    const backlog = of(FIELD.backlogBytes)
    write(
      'waiting',
      ['', bytes(of(FIELD.queuedBytes))],
      ['i', Number.isFinite(backlog) ? ` · SCTP ${bytes(backlog)}` : ''],
      ['i', ` · resent ${perSecond(of(FIELD.resends))}/s`],
    )
    const words = [...this.#values]
      .filter(([name]) => name !== 'age' || !this.#ageLane.hidden)
      .map(([name, value]) => `${name} ${value.textContent}`)
      .join(', ')
    const seconds = -(this.#cursorMs ?? 0) / 1000
    this.#plots.setAttribute('aria-valuenow', seconds.toFixed(1))
    this.#plots.setAttribute(
      'aria-valuetext',
      this.#cursorMs === undefined ? 'now' : `${seconds.toFixed(1)} s: ${words}`,
    )
    const looking = this.#cursorMs === undefined ? '' : ` at ${seconds.toFixed(1)} s`
    const state =
      this.#pausedAt === undefined ? (this.#source?.state ?? (this.#source ? '' : 'not connected')) : 'paused'
    setText(this.#state, `${state}${looking}`)
    this.#showChannels()
  }

  #showChannels(): void {
    const { channels } = this.#sampler
    while (this.#rows.children.length > channels.length) this.#rows.lastElementChild!.remove()
    while (this.#rows.children.length < channels.length) {
      const row = document.createElement('tr')
      row.innerHTML = '<td><b></b> <i></i></td><td></td><td></td><td></td><td class="wide"></td><td></td>'
      this.#rows.append(row)
    }
    channels.forEach((channel, i) => {
      const cells = this.#rows.children[i]!.children
      setText(cells[0]!.children[0]!, channel.name)
      setText(cells[0]!.children[1]!, channel.kind)
      setText(cells[1]!, perSecond(channel.messagesUp))
      setText(cells[2]!, perSecond(channel.messagesDown))
      setText(cells[3]!, bytes(channel.bytesUp + channel.bytesDown))
      setText(cells[4]!, String(channel.queuedMessages))
      setText(cells[5]!, perSecond(channel.again))
    })
  }

  #look(backMs: number | undefined): void {
    this.#cursorMs = backMs === undefined ? undefined : Math.min(HISTORY_MS, Math.max(0, backMs))
    this.#refresh()
  }

  #point(event: PointerEvent): void {
    const share = event.offsetX / this.#width
    if (event.target instanceof Element && event.target !== this.#plots) {
      const box = this.#plots.getBoundingClientRect()
      this.#look(HISTORY_MS * (1 - (event.clientX - box.left) / this.#width))
    } else {
      this.#look(HISTORY_MS * (1 - share))
    }
  }

  #onKey(event: KeyboardEvent): void {
    const back = this.#cursorMs ?? 0
    if (event.key === ' ') this.pause(this.#pausedAt === undefined)
    else if (event.key === 'ArrowLeft') this.#look(back + STEP_MS)
    else if (event.key === 'ArrowRight') this.#look(back <= STEP_MS ? undefined : back - STEP_MS)
    else if (event.key === 'Home') this.#look(HISTORY_MS)
    else if (event.key === 'End' || event.key === 'Escape') this.#look(undefined)
    else return
    event.preventDefault()
    // A game below listens for the same keys.
    event.stopPropagation()
  }

  /** Follows sizes and colours, and draws each frame; the returned function ends it. */
  run(): () => void {
    let frame = 0
    const tick = (): void => {
      this.frame(performance.now())
      frame = requestAnimationFrame(tick)
    }
    const sizes = new ResizeObserver(() => this.measure())
    sizes.observe(this.#host)
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const restyle = (): void => this.restyle()
    dark.addEventListener('change', restyle)
    // Pages that let people choose do it with a class, an attribute or a style of the root element.
    const theme = new MutationObserver(restyle)
    theme.observe(document.documentElement, { attributes: true })
    this.measure()
    this.restyle()
    frame = requestAnimationFrame(tick)
    return () => {
      cancelAnimationFrame(frame)
      sizes.disconnect()
      theme.disconnect()
      dark.removeEventListener('change', restyle)
    }
  }
}

/** A piece of a figure: its class, its text. */
type Part = readonly [kind: 'up' | 'down' | 'i' | '', text: string]

function setParts(target: HTMLElement, parts: readonly Part[]): void {
  while (target.children.length < parts.length) target.append(document.createElement('i'))
  while (target.children.length > parts.length) target.lastElementChild!.remove()
  parts.forEach(([kind, text], i) => {
    const part = target.children[i] as HTMLElement
    if (part.className !== `p ${kind}`) part.className = `p ${kind}`
    setText(part, text)
  })
}

/** Only when it differs, so that nothing is laid out or read aloud for no news. */
function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text
}

/** Milliseconds beside others of the same unit. */
function bare(value: number): string {
  return Number.isFinite(value) ? (value < 9.95 ? value.toFixed(1) : value.toFixed(0)) : NOTHING
}
