/** Shows that nothing is lost: a numbered message ten times a second, and what became of each. */
import type { MessageId, Verdict } from 'gannet'
import { count, element, marked, setText } from './elements.ts'
import type { CountEcho } from './protocol.ts'

/** Time between two numbered messages, ms. */
const EVERY_MS = 100
/** Width and gap of one message on the belt, CSS pixels. */
const CELL = 7
const GAP = 3

export class Meter {
  readonly #send: (number: number) => MessageId | undefined
  readonly #canvas = element('belt', HTMLCanvasElement)
  readonly #sentText = marked('reliable-sent')
  readonly #arrivedText = marked('reliable-arrived')
  readonly #waitingText = marked('reliable-waiting')
  readonly #orderText = marked('reliable-order')
  /** Number by message id, until the verdict. */
  readonly #waiting: Map<MessageId, number> = new Map()
  /** Instants of verdicts by number, ms; only as many as the belt shows. */
  readonly #ackedAt: Map<number, number> = new Map()
  #sent = 0
  #echo: CountEcho | undefined
  #dueAt = 0
  #colours = { acked: '', waiting: '' }

  /** `send` hands a number to the network and returns the message's id, or `undefined` when it cannot go out now. */
  constructor(send: (number: number) => MessageId | undefined) {
    this.#send = send
    this.restyle()
  }

  /** A new connection counts from the start. */
  clear(): void {
    this.#waiting.clear()
    this.#ackedAt.clear()
    this.#sent = 0
    this.#echo = undefined
  }

  restyle(): void {
    const style = getComputedStyle(document.documentElement)
    this.#colours = {
      acked: style.getPropertyValue('--good').trim(),
      waiting: style.getPropertyValue('--muted').trim(),
    }
  }

  /** Each tick while connected. */
  tick(now: number): void {
    if (now < this.#dueAt) return
    this.#dueAt = Math.max(this.#dueAt + EVERY_MS, now - EVERY_MS)
    const id = this.#send(this.#sent + 1)
    if (id !== undefined) this.#waiting.set(id, ++this.#sent)
  }

  takeVerdict(id: MessageId, verdict: Verdict, now: number): void {
    const number = this.#waiting.get(id)
    if (number === undefined) return
    this.#waiting.delete(id)
    if (verdict === 'acked') this.#ackedAt.set(number, now)
    this.#ackedAt.delete(number - 1_000)
  }

  takeEcho(echo: CountEcho): void {
    this.#echo = echo
  }

  /** A few times a second. */
  show(isConnected: boolean): void {
    const echo = isConnected ? this.#echo : undefined
    setText(this.#sentText, count(isConnected ? this.#sent : undefined))
    setText(this.#arrivedText, count(echo?.arrived))
    setText(this.#waitingText, count(isConnected ? this.#waiting.size : undefined))
    const order = !echo ? 'none' : echo.outOfOrder === 0 ? 'kept' : 'broken'
    this.#orderText.dataset['order'] = order
    setText(
      this.#orderText,
      order === 'none' ? 'in order –' : order === 'kept' ? 'in order ✓' : `out of order: ${count(echo?.outOfOrder)}`,
    )
  }

  /** Draws the belt: the newest message at the right, hollow while it waits. */
  draw(): void {
    const { clientWidth, clientHeight } = this.#canvas
    const density = Math.min(2, devicePixelRatio || 1)
    const width = Math.round(clientWidth * density)
    const height = Math.round(clientHeight * density)
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width
      this.#canvas.height = height
    }
    const context = this.#canvas.getContext('2d')
    if (!context) return
    context.setTransform(density, 0, 0, density, 0, 0)
    context.clearRect(0, 0, clientWidth, clientHeight)
    const cells = Math.floor((clientWidth + GAP) / (CELL + GAP))
    for (let i = 0; i < cells; i++) {
      const number = this.#sent - i
      if (number < 1) break
      const x = clientWidth - (i + 1) * (CELL + GAP) + GAP
      if (this.#ackedAt.has(number)) {
        context.fillStyle = this.#colours.acked
        context.fillRect(x, 0, CELL, clientHeight)
      } else {
        context.strokeStyle = this.#colours.waiting
        context.lineWidth = 1
        context.strokeRect(x + 0.5, 0.5, CELL - 1, clientHeight - 1)
      }
    }
  }
}
