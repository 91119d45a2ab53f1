import type { Payload } from '../bytes.ts'
import { Fifo } from '../container/fifo.ts'
import type { MessageId, Verdict } from '../events.ts'
import { GROUP_WINDOW, RELIABLE_WINDOW } from '../wire/layout.ts'
import type { OutgoingMessage } from './outgoing.ts'
import { RepeatingSender } from './repeating-sender.ts'

/**
 * Sends each message until the peer has it: kinds `reliable` and `ordered`, which are alike on this side. Over its limit it
 * refuses at the door and breaks no promise. A message that expires leaves a gap in the ids, which a skip record closes.
 */
export class ReliableSender extends RepeatingSender {
  /** From the oldest unsettled message to the newest, by id. */
  readonly #live: Fifo<OutgoingMessage> = new Fifo()
  #nextId = 0
  #unsettled = 0
  #unsettledBytes = 0
  /** Bytes of messages from the oldest unsettled one to the newest that has begun to leave. */
  #spanBytes = 0
  /** Fragmented messages among those. */
  #spanGroups = 0

  get hasUnsettled(): boolean {
    return this.#live.length > 0
  }

  enqueue(payload: Payload, key: number, expiresAt: number): MessageId | undefined {
    const { maxQueuedMessages, maxQueuedBytes } = this.config
    if (this.#unsettled >= maxQueuedMessages || this.#unsettledBytes + payload.length > maxQueuedBytes) return undefined
    // Settled messages behind an unsettled one keep their place, and so do expired ones whose skip is not confirmed. No id may
    // be out of the peer's reach, not even that of a skip (WIRE.md section 7, point 2).
    if (this.#live.length >= RELIABLE_WINDOW) return undefined
    const id = this.#nextId++
    const message = this.outbox.admit(this.config, id, key, payload, expiresAt)
    message.holders++
    this.#live.push(message)
    this.push(message)
    this.#unsettled++
    this.#unsettledBytes += message.length
    return id
  }

  expire(now: number): void {
    if (now < this.expiresAt) return
    let next = Number.POSITIVE_INFINITY
    for (let i = 0; i < this.#live.length; i++) {
      const message = this.#live.at(i)!
      if (message.status !== 'live' || message.expiresAt === Number.POSITIVE_INFINITY) continue
      if (message.expiresAt > now) next = Math.min(next, message.expiresAt)
      // What is under way may still arrive: it expires only if it is lost.
      else if (!message.hasLeft || message.lacksParts) this.giveUp(message)
    }
    this.expiresAt = next
  }

  end(): void {
    for (let message = this.#live.shift(); message !== undefined; message = this.#live.shift()) {
      if (message.status === 'live') this.outbox.settle(this.config, message, 'closed')
    }
    this.clear()
  }

  onEnd(): void {}

  /** Whether the peer has room for its bytes (WIRE.md section 7, point 3). */
  protected override mayBegin(message: OutgoingMessage): boolean {
    if (message === this.#live.at(0)) return true
    if (message.count > 1 && this.#spanGroups >= GROUP_WINDOW) return false
    return this.#spanBytes + message.length <= this.config.windowBytes
  }

  protected override begun(message: OutgoingMessage): void {
    this.#spanBytes += message.length
    if (message.count > 1) this.#spanGroups++
  }

  protected override settle(message: OutgoingMessage, verdict: Verdict): void {
    this.forget(message)
    this.#unsettled--
    this.#unsettledBytes -= message.length
    this.outbox.settle(this.config, message, verdict)
    this.#popSettled()
  }

  protected override giveUp(message: OutgoingMessage): void {
    this.forget(message)
    this.#unsettled--
    this.#unsettledBytes -= message.length
    this.outbox.retire(this.config, message, 'expired')
    this.announce(message)
  }

  protected override skipped(message: OutgoingMessage): void {
    message.status = 'settled'
    this.#popSettled()
  }

  protected override isForgone(): boolean {
    return false
  }

  #popSettled(): void {
    for (let message = this.#live.at(0); message !== undefined; message = this.#live.at(0)) {
      if (message.status !== 'settled') return
      this.#live.shift()
      if (message.hasBegun) {
        this.#spanBytes -= message.length
        if (message.count > 1) this.#spanGroups--
      }
      message.holders--
      this.outbox.release(message)
    }
  }
}
