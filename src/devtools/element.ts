import { NetGraph, type NetGraphSource } from './net-graph.ts'

/** `<gannet-netgraph>`: what a connection does, drawn. See {@link defineNetGraph}. */
export interface NetGraphElement extends HTMLElement {
  /** What is watched: a peer, an endpoint, or anything with their `stats`. A new one begins a new history. */
  source: NetGraphSource | undefined
  /** Whether the picture stands still; what happens meanwhile is kept. Also the attribute of that name. */
  paused: boolean
  /** With the attribute `manual`, nothing is sampled but by `sample`, and the newest sample is the right edge. */
  manual: boolean
  /** Mean time that a frame took of late, ms. */
  readonly costMs: number
  /** How old the newest state is now, ms; `NaN` before the first {@link NetGraphElement.markState}. */
  readonly stateAgeMs: number
  /** A newer state has come; it was `ageMs` old on arrival, by default half a round trip. Without this the lane of its age is not shown. `now`: instant, ms. */
  markState(ageMs?: number, now?: number): void
  /** Takes a sample of the source, as of the instant `now`, ms. */
  sample(now: number): void
  /** Forgets the history. */
  clear(): void
}

declare global {
  interface HTMLElementTagNameMap {
    'gannet-netgraph': NetGraphElement
  }
}

/**
 * Defines `<gannet-netgraph>`; call it once, before or after the page has such elements. Then:
 *
 * ```ts
 * import { connect } from 'gannet/browser'
 * import { defineNetGraph } from 'gannet/devtools'
 *
 * defineNetGraph()
 * const graph = document.createElement('gannet-netgraph')
 * document.body.append(graph)
 * graph.source = await connect('/gannet', { channels: { world: { kind: 'sequenced' } } })
 * ```
 *
 * It follows the page's `color-scheme`; its colours are the custom properties `--graph-up`, `--graph-down`, `--graph-accent`,
 * `--graph-warn`, `--graph-line` and `--graph-muted`, and `--graph-lane` is the height of a plot.
 */
export function defineNetGraph(name: string = 'gannet-netgraph'): void {
  if (customElements.get(name) !== undefined) return

  /** Made here, because outside of pages there is no `HTMLElement` to extend. */
  class Shell extends HTMLElement implements NetGraphElement {
    static readonly observedAttributes = ['manual', 'paused']
    readonly #graph = new NetGraph(this, this.attachShadow({ mode: 'open' }))
    #stop: (() => void) | undefined

    connectedCallback(): void {
      this.#stop ??= this.#graph.run()
    }

    disconnectedCallback(): void {
      this.#stop?.()
      this.#stop = undefined
    }

    attributeChangedCallback(attribute: string, _before: string | null, after: string | null): void {
      if (attribute === 'manual') this.#graph.isManual = after !== null
      else this.paused = after !== null
    }

    get source(): NetGraphSource | undefined {
      return this.#graph.source
    }

    set source(source: NetGraphSource | undefined) {
      this.#graph.source = source
    }

    get paused(): boolean {
      return this.#graph.isPaused
    }

    set paused(isPaused: boolean) {
      if (isPaused !== this.#graph.isPaused) this.#graph.pause(isPaused)
    }

    get manual(): boolean {
      return this.#graph.isManual
    }

    set manual(isManual: boolean) {
      this.toggleAttribute('manual', isManual)
    }

    get costMs(): number {
      return this.#graph.costMs
    }

    get stateAgeMs(): number {
      return this.#graph.stateAgeMs(performance.now())
    }

    markState(ageMs?: number, now: number = performance.now()): void {
      this.#graph.markState(now, ageMs)
    }

    sample(now: number): void {
      this.#graph.sample(now)
    }

    clear(): void {
      this.#graph.clear()
    }
  }

  customElements.define(name, Shell)
}
