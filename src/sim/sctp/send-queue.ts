import type { Bytes } from '../../core/bytes.ts'
import { chunkBytes } from './packet.ts'

/** A message on its way. */
export class SctpMessage {
  readonly bytes: Bytes
  /** Instant after which it is not worth sending, ms. */
  readonly expiresAt: number
  /** Bytes of it that were made into chunks. */
  sentBytes = 0
  isAbandoned = false

  constructor(bytes: Bytes, expiresAt: number) {
    this.bytes = bytes
    this.expiresAt = expiresAt
  }

  get leftBytes(): number {
    return this.bytes.length - this.sentBytes
  }
}

/** Smallest fragment that is made to fill a window, bytes (dcSCTP tx/rr_send_queue.cc). */
const LEAST_FRAGMENT_BYTES = 10

/** Messages that wait for the congestion window, oldest first: nothing is dropped for being old unless its lifetime is over. */
export class SendQueue {
  readonly #messages: SctpMessage[] = []
  #head = 0
  /** Bytes that wait. */
  bytes = 0
  /** Bytes of the chunks that they would make. */
  chunkBytes = 0

  push(message: SctpMessage): void {
    this.#messages.push(message)
    this.bytes += message.bytes.length
    this.chunkBytes += chunkBytes(message.bytes.length)
  }

  /** The message to send next. One that has begun goes on. */
  peek(now: number, dropsExpired: boolean): SctpMessage | undefined {
    for (;;) {
      const message = this.#messages[this.#head]
      if (message === undefined) return undefined
      const isOver = dropsExpired && message.sentBytes === 0 && message.expiresAt <= now
      if (!message.isAbandoned && !isOver) return message
      this.#drop(message, message.leftBytes)
    }
  }

  /** Bytes of `message` to put into a chunk of at most `roomBytes` of payload; 0 when it is not worth it. */
  sizeFor(message: SctpMessage, roomBytes: number): number {
    if (message.leftBytes <= roomBytes) return message.leftBytes
    return roomBytes < LEAST_FRAGMENT_BYTES ? 0 : roomBytes
  }

  /** Takes `bytes` of the message that `peek` gave. */
  take(message: SctpMessage, bytes: number): Bytes {
    const payload = message.bytes.subarray(message.sentBytes, message.sentBytes + bytes)
    message.sentBytes += bytes
    this.bytes -= bytes
    if (message.leftBytes === 0) this.#drop(message, 0)
    return payload
  }

  #drop(message: SctpMessage, unsentBytes: number): void {
    this.bytes -= unsentBytes
    this.chunkBytes -= chunkBytes(message.bytes.length)
    this.#head++
    if (this.#head < 1024) return
    this.#messages.splice(0, this.#head)
    this.#head = 0
  }
}
