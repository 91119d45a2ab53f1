/** Saves the present connection as a trace, and looks at one again: it is run through the core, and its graph can be wound back and forth. */
import { Endpoint, type EndpointStats } from 'gannet'
import { type NetGraphElement, type Recorder, Replay } from 'gannet/devtools'
import { element, setText } from './elements.ts'

/** Time between two samples of a replay, and how much of it the graph shows, ms. */
const SAMPLE_MS = 100
const SPAN_MS = 15_000

/** The statistics of one moment of the replay. */
interface Moment {
  readonly at: number
  readonly stats: EndpointStats
}

export class Traces {
  readonly #dialog = element('trace-dialog', HTMLDialogElement)
  readonly #verdict = element('trace-verdict', HTMLParagraphElement)
  readonly #slider = element('trace-at', HTMLInputElement)
  readonly #at = document.querySelector<HTMLElement>('output[for="trace-at"]')
  readonly #graph: NetGraphElement = document.createElement('gannet-netgraph')
  #moments: Moment[] = []

  constructor(recorder: Recorder) {
    this.#graph.manual = true
    element('trace-graph', HTMLDivElement).append(this.#graph)
    element('trace-save', HTMLButtonElement).addEventListener('click', () => save(recorder))
    const input = element('trace-file', HTMLInputElement)
    element('trace-open', HTMLButtonElement).addEventListener('click', () => input.click())
    input.addEventListener('change', () => {
      const file = input.files?.[0]
      input.value = ''
      if (file) void this.#open(file)
    })
    this.#slider.addEventListener('input', () => this.#show())
    element('trace-close', HTMLButtonElement).addEventListener('click', () => this.#dialog.close())
  }

  async #open(file: File): Promise<void> {
    this.#moments = []
    this.#dialog.showModal()
    try {
      const replay = new Replay(new Uint8Array(await file.arrayBuffer()), (options) => new Endpoint(options))
      for (let at = 0; ; at += SAMPLE_MS) {
        const goesOn = replay.runUntil(at)
        this.#moments.push({ at, stats: structuredClone(replay.endpoint.stats) })
        if (!goesOn) break
      }
      const { sums, divergence } = replay
      const hash = sums.messageHash.toString(16).padStart(8, '0')
      const seconds = (replay.elapsedMs / 1_000).toFixed(1)
      this.#verdict.dataset['faithful'] = String(replay.isFaithful)
      setText(
        this.#verdict,
        replay.isFaithful
          ? `${seconds} s run again through the core: ${sums.packets} packets and ${sums.messages} delivered messages, hash ${hash}, the same as recorded.`
          : `${seconds} s run again through the core, and it came out otherwise${divergence ? `: ${divergence.detail}` : ''}.`,
      )
    } catch (error) {
      this.#verdict.dataset['faithful'] = 'false'
      setText(this.#verdict, `${file.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
    this.#slider.max = String(Math.max(0, this.#moments.length - 1))
    this.#slider.value = this.#slider.max
    this.#slider.disabled = this.#moments.length < 2
    this.#show()
  }

  /** Feeds the graph with what led up to the moment of the slider. */
  #show(): void {
    const last = this.#slider.valueAsNumber
    const moment = this.#moments[last]
    const share = last / Math.max(1, this.#moments.length - 1)
    this.#slider.style.setProperty('--filled', `${share * 100}%`)
    if (this.#at) setText(this.#at, moment ? `${(moment.at / 1_000).toFixed(1)} s` : '–')
    if (!moment) {
      this.#graph.source = undefined
      return
    }
    const source = { stats: moment.stats }
    this.#graph.source = source
    for (let i = Math.max(0, last - SPAN_MS / SAMPLE_MS - 20); i <= last; i++) {
      source.stats = this.#moments[i]!.stats
      this.#graph.sample(this.#moments[i]!.at)
    }
  }
}

function save(recorder: Recorder): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([recorder.bytes()], { type: 'application/octet-stream' }))
  link.download = 'game.gannet-trace'
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
