/** The sliders: what the relay between the two peers does to their datagrams. */
import { CALM, type Conditions } from './conditions.ts'
import { element, setText } from './elements.ts'

/** Requests go out at most this often while a slider moves, ms. */
const SEND_EVERY_MS = 60
/** For this long after the visitor moved a slider, word of older settings is not believed, ms. */
const OWN_WORD_MS = 1_500

const PRESETS: Readonly<Record<string, Conditions>> = {
  clean: CALM,
  wifi: { lossUp: 0.02, lossDown: 0.02, delayMs: 15, jitterMs: 5, duplicate: 0 },
  train: { lossUp: 0.1, lossDown: 0.1, delayMs: 50, jitterMs: 5, duplicate: 0.02 },
  storm: { lossUp: 0.2, lossDown: 0.2, delayMs: 40, jitterMs: 8, duplicate: 0.05 },
}

interface Slider {
  readonly input: HTMLInputElement
  readonly output: HTMLElement
  /** What one unit of the slider is in the conditions. */
  readonly unit: number
}

export class Panel {
  readonly #url: string
  readonly #sliders: Readonly<Record<'loss' | 'delay' | 'jitter' | 'duplicates', Slider>>
  readonly #note = element('link-note', HTMLParagraphElement)
  readonly #presets = [...document.querySelectorAll<HTMLButtonElement>('[data-preset]')]
  #movedAt = Number.NEGATIVE_INFINITY
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(url: string) {
    this.#url = url
    this.#sliders = {
      loss: bind('slider-loss', 0.01),
      delay: bind('slider-delay', 1),
      jitter: bind('slider-jitter', 1),
      duplicates: bind('slider-duplicates', 0.01),
    }
    for (const slider of Object.values(this.#sliders)) {
      slider.input.addEventListener('input', () => {
        this.#paint()
        this.#moved()
      })
    }
    for (const button of this.#presets) {
      button.addEventListener('click', () => {
        this.#set(PRESETS[button.dataset['preset'] ?? ''] ?? CALM)
        this.#moved()
      })
    }
    this.#set(CALM)
    void this.#load()
  }

  /** Word from the peer: another page may have moved its sliders. */
  takeConditions(conditions: Conditions): void {
    if (performance.now() - this.#movedAt > OWN_WORD_MS) this.#set(conditions)
  }

  get #conditions(): Conditions {
    const { loss, delay, jitter, duplicates } = this.#sliders
    return {
      lossUp: read(loss),
      lossDown: read(loss),
      delayMs: read(delay),
      jitterMs: read(jitter),
      duplicate: read(duplicates),
    }
  }

  #set(conditions: Conditions): void {
    const { loss, delay, jitter, duplicates } = this.#sliders
    put(loss, (conditions.lossUp + conditions.lossDown) / 2)
    put(delay, conditions.delayMs)
    put(jitter, conditions.jitterMs)
    put(duplicates, conditions.duplicate)
    this.#paint()
  }

  /** The filled part of each track, the figures, and which preset this is. */
  #paint(): void {
    for (const { input, output } of Object.values(this.#sliders)) {
      const share = (input.valueAsNumber - Number(input.min)) / (Number(input.max) - Number(input.min))
      input.style.setProperty('--filled', `${share * 100}%`)
      const text = `${input.value} ${output.dataset['unit'] ?? ''}`
      input.setAttribute('aria-valuetext', text)
      setText(output, text)
    }
    const now = this.#conditions
    for (const button of this.#presets) {
      const preset = PRESETS[button.dataset['preset'] ?? '']
      const isPressed = preset !== undefined && isSame(preset, now)
      button.setAttribute('aria-pressed', String(isPressed))
    }
  }

  #moved(): void {
    this.#movedAt = performance.now()
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.#send()
    }, SEND_EVERY_MS)
  }

  async #send(): Promise<void> {
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(this.#conditions),
      })
      this.#say(response.ok ? '' : `the relay refused (${response.status}): ${await response.text()}`)
    } catch {
      this.#say('the relay does not answer; the sliders do nothing just now')
    }
  }

  async #load(): Promise<void> {
    try {
      const response = await fetch(this.#url)
      const report: { conditions?: Conditions } = await response.json()
      if (report.conditions) this.takeConditions(report.conditions)
    } catch {
      // The peer reports the conditions ten times a second once it is there.
    }
  }

  #say(text: string): void {
    setText(this.#note, text)
    this.#note.hidden = text === ''
  }
}

function bind(id: string, unit: number): Slider {
  const input = element(id, HTMLInputElement)
  const output = document.querySelector<HTMLElement>(`output[for="${id}"]`)
  if (!output) throw new Error(`output for #${id}: no such element`)
  return { input, output, unit }
}

const read = ({ input, unit }: Slider): number => input.valueAsNumber * unit

function put({ input, unit }: Slider, value: number): void {
  const text = String(Math.round(value / unit))
  if (input.value !== text) input.value = text
}

function isSame(a: Conditions, b: Conditions): boolean {
  return (Object.keys(a) as (keyof Conditions)[]).every((name) => Math.abs(a[name] - b[name]) < 0.001)
}
