import type { Bytes } from '../../core/bytes.ts'
import type { SctpOptions } from './options.ts'
import type { Sack } from './packet.ts'

interface Part {
  readonly isFirst: boolean
  readonly isLast: boolean
  readonly payload: Bytes
}

/** Receiving half of an association: what came, when to say so, and the messages that are whole (RFC 9260 sections 6.2 and 6.9). */
export class SctpReceiver {
  readonly #options: SctpOptions
  /** Everything up to this TSN has come or was given up. */
  #cumulative = 0
  /** TSNs beyond it that have come. */
  readonly #beyond: Set<number> = new Set()
  /** Parts of messages that are not whole. */
  readonly #parts: Map<number, Part> = new Map()
  readonly #messages: Bytes[] = []
  /** Packets with data since the last SACK. */
  #unsaid = 0
  /** Instant at which a SACK is due, ms. */
  sackAt: number = Number.POSITIVE_INFINITY

  constructor(options: SctpOptions) {
    this.#options = options
  }

  /** Whether a SACK would say anything new. */
  get hasNews(): boolean {
    return this.#unsaid > 0
  }

  onData(tsn: number, part: Part, isImmediate: boolean, now: number): void {
    const isNew = tsn > this.#cumulative && !this.#beyond.has(tsn)
    if (isNew) {
      this.#beyond.add(tsn)
      this.#advance()
      this.#assemble(tsn, part)
    }
    if (!isNew || (isImmediate && this.#options.heedsImmediate)) this.sackAt = now
  }

  onForwardTsn(tsn: number): void {
    if (tsn <= this.#cumulative) return
    for (let skipped = this.#cumulative + 1; skipped <= tsn; skipped++) {
      this.#beyond.delete(skipped)
      this.#parts.delete(skipped)
    }
    this.#cumulative = tsn
    this.#advance()
  }

  /** A packet with data or a FORWARD-TSN has been read. */
  onPacketEnd(now: number): void {
    this.#unsaid++
    if (this.#beyond.size > 0 || this.#unsaid >= 2) this.sackAt = now
    else this.sackAt = Math.min(this.sackAt, now + this.#options.sackDelayMs)
  }

  /** The next whole message. */
  poll(): Bytes | undefined {
    return this.#messages.shift()
  }

  /** What has come; it counts as said. */
  report(): Sack {
    this.#unsaid = 0
    this.sackAt = Number.POSITIVE_INFINITY
    const gaps: number[] = []
    for (let tsn = this.#cumulative + 1, left = this.#beyond.size; left > 0; tsn++) {
      if (!this.#beyond.has(tsn)) continue
      const start = tsn
      for (; this.#beyond.has(tsn); tsn++) left--
      gaps.push(start, tsn - 1)
    }
    return { cumulative: this.#cumulative, gaps }
  }

  #advance(): void {
    while (this.#beyond.delete(this.#cumulative + 1)) this.#cumulative++
  }

  #assemble(tsn: number, part: Part): void {
    if (part.isFirst && part.isLast) {
      this.#messages.push(part.payload)
      return
    }
    this.#parts.set(tsn, part)
    let first = tsn
    while (this.#parts.get(first)?.isFirst === false) first--
    let last = tsn
    while (this.#parts.get(last)?.isLast === false) last++
    if (!this.#parts.has(first) || !this.#parts.has(last)) return
    let bytes = 0
    for (let i = first; i <= last; i++) bytes += this.#parts.get(i)!.payload.length
    const message = new Uint8Array(bytes)
    let at = 0
    for (let i = first; i <= last; i++) {
      message.set(this.#parts.get(i)!.payload, at)
      at += this.#parts.get(i)!.payload.length
      this.#parts.delete(i)
    }
    this.#messages.push(message)
  }
}
