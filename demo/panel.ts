/** The control bar: the weather on the line, how much is sent, who plays. */
import { type ProfileName, profileNames } from 'gannet/sim'
import { type Conditions, figuresOf, INITIAL } from './conditions.ts'
import { element, setText } from './elements.ts'
import type { Place } from './place.ts'

/** Requests go out at most this often while a slider moves, ms. */
const SEND_EVERY_MS = 60
/** For this long after the visitor moved something, word of older settings is not believed, ms. */
const OWN_WORD_MS = 1_500
/** Steps of the rate slider, kbit/s; 0 is no limit. */
const RATES: readonly number[] = [
  0, 20_000, 10_000, 5_000, 3_000, 2_000, 1_500, 1_000, 800, 600, 500, 400, 300, 200, 128,
]

type SliderName = 'loss' | 'delayMs' | 'jitterMs' | 'kbitPerSecond'

interface Slider {
  readonly input: HTMLInputElement
  readonly output: HTMLElement
  readonly toInput: (value: number) => number
  readonly fromInput: (value: number) => number
  readonly text: (value: number) => string
}

export class Panel {
  readonly #place: Place
  readonly #sliders: Readonly<Record<SliderName, Slider>>
  readonly #note = element('line-note', HTMLParagraphElement)
  readonly #choices = [...document.querySelectorAll<HTMLButtonElement>('[data-set]')]
  readonly #profiles: readonly HTMLButtonElement[]
  readonly #botCount = element('bot-count', HTMLOutputElement)
  #conditions: Conditions = INITIAL
  #asked: Partial<Conditions> = {}
  #movedAt = Number.NEGATIVE_INFINITY
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(place: Place) {
    this.#place = place
    const plain = (value: number): number => value
    this.#sliders = {
      loss: bind(
        'slider-loss',
        (value) => Math.round(value * 100),
        (value) => value / 100,
        (value) => `${trimmed(value * 100)} %`,
      ),
      delayMs: bind('slider-delay', plain, plain, (value) => `${trimmed(value)} ms`),
      jitterMs: bind('slider-jitter', plain, plain, (value) => `${trimmed(value)} ms`),
      kbitPerSecond: bind(
        'slider-rate',
        (value) => RATES.length - 1 - nearestRate(value),
        (value) => RATES[RATES.length - 1 - value] ?? 0,
        (value) =>
          value === 0 ? 'no limit' : value >= 1_000 ? `${trimmed(value / 1_000)} Mbit/s` : `${trimmed(value)} kbit/s`,
      ),
    }
    this.#sliders.kbitPerSecond.input.max = String(RATES.length - 1)
    for (const [name, slider] of Object.entries(this.#sliders)) {
      slider.input.addEventListener('input', () => {
        this.#ask({ profile: 'custom', [name]: slider.fromInput(slider.input.valueAsNumber) })
      })
    }
    const menu = element('profiles', HTMLFieldSetElement)
    this.#profiles = profileNames.map((name) => {
      const button = document.createElement('button')
      button.type = 'button'
      button.className = 'chip'
      button.dataset['profile'] = name
      button.textContent = name
      button.addEventListener('click', () => this.#ask({ profile: name as ProfileName }))
      menu.append(button)
      return button
    })
    for (const button of this.#choices) {
      button.addEventListener('click', () => {
        this.#ask({ [button.dataset['set'] ?? '']: Number(button.value) })
      })
    }
    const changeBots = (by: number) => this.#ask({ bots: Math.min(24, Math.max(0, this.#conditions.bots + by)) })
    element('bots-fewer', HTMLButtonElement).addEventListener('click', () => changeBots(-1))
    element('bots-more', HTMLButtonElement).addEventListener('click', () => changeBots(1))
    this.#paint()
    void this.#load()
  }

  /** Word from the peer: another page may have moved its sliders. */
  takeConditions(conditions: Conditions): void {
    if (performance.now() - this.#movedAt < OWN_WORD_MS) return
    this.#conditions = conditions
    this.#paint()
  }

  get conditions(): Conditions {
    return this.#conditions
  }

  #ask(asked: Partial<Conditions>): void {
    const figures = asked.profile === undefined || asked.profile === 'custom' ? {} : figuresOf(asked.profile)
    this.#conditions = { ...this.#conditions, ...figures, ...asked }
    // A profile is asked for by its name alone: figures would make it custom again.
    this.#asked =
      asked.profile === undefined || asked.profile === 'custom'
        ? { ...this.#asked, ...asked }
        : { ...withoutWeather(this.#asked), ...asked }
    this.#movedAt = performance.now()
    this.#paint()
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#send()
    }, SEND_EVERY_MS)
  }

  async #send(): Promise<void> {
    const asked = this.#asked
    this.#asked = {}
    try {
      const answer = await this.#place.change(asked)
      this.#say(typeof answer === 'string' ? answer : '')
    } catch {
      this.#say('the relay does not answer; the controls do nothing just now')
    }
  }

  async #load(): Promise<void> {
    try {
      const { conditions } = await this.#place.conditions()
      this.takeConditions(conditions)
    } catch {
      // The peer reports the conditions five times a second once it is there.
    }
  }

  /** The filled part of each track, the figures, and what is chosen. */
  #paint(): void {
    const now = this.#conditions
    for (const [name, { input, output, toInput, text }] of Object.entries(this.#sliders)) {
      const value = now[name as SliderName]
      const position = String(toInput(value))
      if (input.value !== position) input.value = position
      const share = (input.valueAsNumber - Number(input.min)) / (Number(input.max) - Number(input.min))
      input.style.setProperty('--filled', `${share * 100}%`)
      input.setAttribute('aria-valuetext', text(value))
      setText(output, text(value))
    }
    for (const button of this.#profiles) {
      button.setAttribute('aria-pressed', String(button.dataset['profile'] === now.profile))
    }
    for (const button of this.#choices) {
      button.setAttribute('aria-pressed', String(now[button.dataset['set'] as 'stateHz'] === Number(button.value)))
    }
    setText(this.#botCount, String(now.bots))
  }

  #say(text: string): void {
    setText(this.#note, text)
    this.#note.hidden = text === ''
  }
}

function bind(
  id: string,
  toInput: (value: number) => number,
  fromInput: (value: number) => number,
  text: (value: number) => string,
): Slider {
  const input = element(id, HTMLInputElement)
  const output = document.querySelector<HTMLElement>(`output[for="${id}"]`)
  if (!output) throw new Error(`output for #${id}: no such element`)
  return { input, output, toInput, fromInput, text }
}

function withoutWeather({ stateHz, stateBytes, bots }: Partial<Conditions>): Partial<Conditions> {
  return {
    ...(stateHz !== undefined && { stateHz }),
    ...(stateBytes !== undefined && { stateBytes }),
    ...(bots !== undefined && { bots }),
  }
}

/** One decimal, but no `.0`. */
function trimmed(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function nearestRate(kbitPerSecond: number): number {
  if (kbitPerSecond === 0) return 0
  let best = 1
  for (let i = 2; i < RATES.length; i++) {
    if (Math.abs(Math.log(RATES[i]! / kbitPerSecond)) < Math.abs(Math.log(RATES[best]! / kbitPerSecond))) best = i
  }
  return best
}
