import type { Payload } from '../bytes.ts'
import { KeySlots } from '../container/key-slots.ts'
import type { MessageId, Verdict } from '../events.ts'
import { GROUP_WINDOW } from '../wire/layout.ts'
import type { OutgoingMessage } from './outgoing.ts'
import { RepeatingSender } from './repeating-sender.ts'

/** Groups that may begin beyond the oldest open one; half of what the peer remembers. */
const GROUP_REACH = 2 * GROUP_WINDOW

/**
 * Kind `latest`: of each key, the newest message is sent until the peer has it. A value that still waits is replaced in its
 * place; one that is under way is left to its fate, and if it is lost, the newer one stands for it. So a channel holds at most
 * one waiting message a key, however often the game sends.
 */
export class LatestSender extends RepeatingSender {
  /** The newest message of each key, while its verdict is open. */
  readonly #newest: KeySlots<OutgoingMessage> = new KeySlots()
  #nextId = 0
  #newestBytes = 0
  /** Groups of the fragmented messages of which the peer may hold pieces, oldest first. */
  readonly #begunGroups: Set<number> = new Set()
  #begunBytes = 0
  #newestGroup = -1

  get hasUnsettled(): boolean {
    return this.#newest.size > 0
  }

  enqueue(payload: Payload, key: number, expiresAt: number): MessageId | undefined {
    const { maxQueuedMessages, maxQueuedBytes } = this.config
    const slot = this.#newest.slotOf(key)
    const older = slot.value
    if (older === undefined && this.#newest.size >= maxQueuedMessages) return undefined
    if (this.#newestBytes + payload.length - (older?.length ?? 0) > maxQueuedBytes) return undefined
    const id = this.#nextId++
    if (older !== undefined && !older.hasBegun) {
      this.resized(older, payload.length - older.length)
      this.#newestBytes += payload.length - older.length
      this.outbox.replace(this.config, older, id, payload, expiresAt)
      if (expiresAt < this.expiresAt) this.expiresAt = expiresAt
      return id
    }
    if (older !== undefined) this.#supersede(older)
    const message = this.outbox.admit(this.config, id, key, payload, expiresAt)
    message.slot = slot
    this.#newest.put(slot, message)
    this.#newestBytes += message.length
    this.push(message)
    return id
  }

  expire(now: number): void {
    if (now < this.expiresAt) return
    let next = Number.POSITIVE_INFINITY
    this.#newest.forEach((message) => {
      if (message.expiresAt > now) next = Math.min(next, message.expiresAt)
      else if (!message.hasLeft || message.lacksParts) this.giveUp(message)
    })
    this.expiresAt = next
  }

  end(): void {
    this.#newest.forEach((message) => {
      this.outbox.settle(this.config, message, 'closed')
    })
    this.#newest.clear()
    this.clear()
  }

  onEnd(message: OutgoingMessage): void {
    if (message.status === 'live') this.outbox.settle(this.config, message, 'closed')
  }

  /** Whether the peer has room for the pieces (WIRE.md section 7, point 3) and still remembers the oldest open group. */
  protected override mayBegin(message: OutgoingMessage): boolean {
    if (message.count === 1) return true
    for (const oldest of this.#begunGroups) {
      if (this.#newestGroup - oldest >= GROUP_REACH || this.#begunGroups.size >= GROUP_WINDOW) return false
      return this.#begunBytes + message.length <= this.config.windowBytes
    }
    return true
  }

  protected override begun(message: OutgoingMessage): void {
    if (message.count === 1) return
    this.#begunGroups.add(message.group)
    this.#newestGroup = message.group
    this.#begunBytes += message.length
  }

  protected override settle(message: OutgoingMessage, verdict: Verdict): void {
    this.forget(message)
    this.#unlink(message)
    if (message.count > 1 && message.hasBegun && verdict !== 'acked') {
      // The peer holds pieces of it that nothing else would free.
      this.outbox.retire(this.config, message, verdict)
      this.announce(message)
      return
    }
    this.#close(message)
    this.outbox.settle(this.config, message, verdict)
  }

  protected override giveUp(message: OutgoingMessage): void {
    this.settle(message, 'expired')
  }

  protected override skipped(message: OutgoingMessage): void {
    this.#close(message)
    message.status = 'settled'
    this.outbox.release(message)
  }

  protected override isForgone(message: OutgoingMessage): boolean {
    if (!message.isSuperseded || message.status !== 'live') return false
    this.settle(message, 'replaced')
    return true
  }

  #close(message: OutgoingMessage): void {
    if (message.count === 1 || !message.hasBegun) return
    this.#begunGroups.delete(message.group)
    this.#begunBytes -= message.length
  }

  /** A newer value has come: what is lost or unfinished of the old one is not worth sending any more. */
  #supersede(older: OutgoingMessage): void {
    this.#unlink(older)
    older.isSuperseded = true
    if (!older.hasLeft || older.lacksParts) this.settle(older, 'replaced')
  }

  #unlink(message: OutgoingMessage): void {
    if (this.#newest.take(message.slot!, message)) this.#newestBytes -= message.length
  }
}
