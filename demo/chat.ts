/** The chat line. Each line of our own carries its fate: waiting, delivered, or cut off. */
import type { MessageId, Verdict } from 'gannet'
import { element } from './elements.ts'

/** Lines kept on the page. */
const KEEP = 60

const FATES: Readonly<Record<'waiting' | 'acked' | 'failed', { sign: string; words: string }>> = {
  waiting: { sign: '◌', words: 'on its way' },
  acked: { sign: '✓', words: 'delivered' },
  failed: { sign: '×', words: 'not delivered' },
}

export class Chat {
  readonly #log = element('chat-log', HTMLOListElement)
  readonly #waiting: Map<MessageId, HTMLElement> = new Map()

  /** `send` hands a line to the network and returns its id, or `undefined` when it cannot go out now. */
  constructor(send: (text: string) => MessageId | undefined) {
    const input = element('chat-input', HTMLInputElement)
    element('chat-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault()
      const text = input.value.trim()
      if (text === '') return
      const id = send(text)
      const sign = this.#add('you', text, 'own')
      if (id === undefined) {
        mark(sign, 'failed')
        return
      }
      mark(sign, 'waiting')
      this.#waiting.set(id, sign)
      input.value = ''
    })
    input.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') input.blur()
    })
  }

  hear(name: string, text: string): void {
    this.#add(name, text, 'heard')
  }

  takeVerdict(id: MessageId, verdict: Verdict): void {
    const sign = this.#waiting.get(id)
    if (!sign) return
    this.#waiting.delete(id)
    mark(sign, verdict === 'acked' ? 'acked' : 'failed')
  }

  /** The connection is gone, and with it the ids of its messages. */
  clear(): void {
    for (const sign of this.#waiting.values()) mark(sign, 'failed')
    this.#waiting.clear()
  }

  #add(name: string, text: string, kind: 'own' | 'heard'): HTMLElement {
    const isAtEnd = this.#log.scrollTop + this.#log.clientHeight >= this.#log.scrollHeight - 30
    const line = document.createElement('li')
    line.className = kind
    const speaker = document.createElement('b')
    speaker.textContent = name
    const words = document.createElement('span')
    words.textContent = text
    const sign = document.createElement('i')
    sign.className = 'fate'
    line.append(speaker, words, sign)
    this.#log.append(line)
    while (this.#log.children.length > KEEP) this.#log.firstElementChild?.remove()
    if (isAtEnd) this.#log.scrollTop = this.#log.scrollHeight
    return sign
  }
}

function mark(sign: HTMLElement, fate: keyof typeof FATES): void {
  sign.dataset['fate'] = fate
  sign.textContent = FATES[fate].sign
  sign.title = FATES[fate].words
  sign.setAttribute('aria-label', FATES[fate].words)
}
