import { type Bytes, copyOf, EMPTY } from '../bytes.ts'
import type { ChannelConfig, Config } from '../config.ts'
import type { CloseReason, ProtocolViolation } from '../events.ts'
import {
  asciiBytes,
  asciiText,
  type Close,
  type Hello,
  readClose,
  readHello,
  readWelcome,
  writeClose,
  writeHello,
  writeWelcome,
} from '../wire/handshake-packets.ts'
import { clockUnits } from '../wire/header.ts'
import {
  CLOSE_GOODBYE,
  CLOSE_HEARD,
  CLOSE_PROTOCOL,
  CLOSE_REJECTED,
  CLOSE_TABLE,
  CLOSE_VERSION,
  CLOSE_VIOLATION,
  TIMESTAMP_PER_MS,
  WIRE_VERSION,
} from '../wire/layout.ts'
import type { Reader } from '../wire/reader.ts'
import type { Writer } from '../wire/writer.ts'

/** First pause between two hellos, ms; each is half as long again, up to the last. The DTLS handshake below has just ended. */
const HELLO_FIRST_MS = 100
const HELLO_LAST_MS = 1000
/** Characters of a schema in a refusal. */
const MAX_SCHEMA_TEXT = 200
/** Goodbyes at most; the pause between them doubles. */
const GOODBYES = 6

/** What a handshake packet changes. */
export type HandshakeOutcome =
  | { kind: 'nothing' }
  | { kind: 'open' }
  | { kind: 'closed'; reason: CloseReason }
  /** The peer has heard our goodbye. */
  | { kind: 'heard' }
  /** It is not for us: another salt, or not from the role that says such things. */
  | { kind: 'ignored' }
  | { kind: 'malformed' }

const IGNORED: HandshakeOutcome = { kind: 'ignored' }
const NOTHING: HandshakeOutcome = { kind: 'nothing' }
const MALFORMED: HandshakeOutcome = { kind: 'malformed' }

const VIOLATIONS: Readonly<Record<number, ProtocolViolation>> = {
  [CLOSE_VERSION]: 'version',
  [CLOSE_PROTOCOL]: 'protocol',
  [CLOSE_TABLE]: 'channel-table',
  [CLOSE_VIOLATION]: 'malformed',
}

/** Hello, welcome, close: who we are to each other, and how it ends. Says what to send; decides nothing about messages. */
export class Handshake {
  /** Client: instant of the last hello, and what the welcome said of the server's clock, ms. */
  helloSentAt: number = Number.NaN
  peerClockMs: number = Number.NaN
  readonly #role: 'client' | 'server'
  readonly #config: Config
  readonly #serverSalt: number
  #clientSalt: number
  /** Server: a hello has been heard, so the salt is the client's. */
  #isGreeted = false
  #helloAt: number
  #helloPauseMs = HELLO_FIRST_MS
  #welcomeDue = false
  /** The packet that ends it, repeated on demand. */
  #last: Close | undefined
  #lastCopies = 0
  #goodbyeAt: number = Number.POSITIVE_INFINITY
  #goodbyePauseMs = 0
  #goodbyes = 0
  #isOpen = false
  #isStopped = false
  #isAccepted: boolean

  constructor(role: 'client' | 'server', config: Config, random: () => number, now: number) {
    this.#role = role
    this.#config = config
    this.#clientSalt = random() >>> 0
    this.#serverSalt = random() >>> 0
    this.#helloAt = role === 'client' ? now : Number.POSITIVE_INFINITY
    this.#isAccepted = config.autoAccept
  }

  /** A hello waits for `accept` or `reject`. */
  get isAsking(): boolean {
    return this.#isGreeted && !this.#isAccepted && this.#last === undefined
  }

  /** Instant of the next packet, ms. */
  get wakeAt(): number {
    if (this.#welcomeDue || this.#lastCopies > 0) return Number.NEGATIVE_INFINITY
    return Math.min(this.#helloAt, this.#goodbyeAt)
  }

  /** Whether no goodbye is worth repeating any more. */
  get isSpent(): boolean {
    return this.#goodbyes >= GOODBYES
  }

  /** Server: answers the hello, now or when it comes; says whether the connection is open by that. */
  accept(): boolean {
    this.#isAccepted = true
    if (!this.#isGreeted || this.#isOpen || this.#last !== undefined) return false
    this.#isOpen = true
    this.#welcomeDue = true
    return true
  }

  /** Ends with a last packet of this kind, repeated whenever the peer says hello or goodbye again. */
  end(kind: 'goodbye' | 'rejected' | 'violation', code: number, data: Uint8Array, copies: number): void {
    const number = kind === 'goodbye' ? CLOSE_GOODBYE : kind === 'rejected' ? CLOSE_REJECTED : CLOSE_VIOLATION
    this.#finish({ kind: number, clientSalt: 0, code, data: copyOf(data) }, copies)
  }

  /** The connection has ended: nothing begins any more. A last packet, if there is one, is still repeated on demand. */
  stop(): void {
    this.#isStopped = true
    this.#helloAt = Number.POSITIVE_INFINITY
    this.#goodbyeAt = Number.POSITIVE_INFINITY
    this.#welcomeDue = false
  }

  /** Says goodbye at growing pauses until it is heard. */
  startGoodbye(code: number, data: Bytes, now: number, pauseMs: number): void {
    this.end('goodbye', code, data, 0)
    this.#goodbyeAt = now
    this.#goodbyePauseMs = pauseMs
  }

  /** Writes the packet that is due, if any. */
  write(writer: Writer, now: number): boolean {
    if (this.#lastCopies > 0 || this.#goodbyeAt <= now) return this.#writeLast(writer, now)
    if (this.#welcomeDue) {
      this.#welcomeDue = false
      const clock = clockUnits(now)
      writeWelcome(writer, {
        version: WIRE_VERSION,
        clientSalt: this.#clientSalt,
        serverSalt: this.#serverSalt,
        clock,
      })
      return true
    }
    if (this.#helloAt > now) return false
    this.helloSentAt = now
    this.#helloAt = now + this.#helloPauseMs
    this.#helloPauseMs = Math.min(HELLO_LAST_MS, this.#helloPauseMs * 1.5)
    writeHello(writer, {
      version: WIRE_VERSION,
      clientSalt: this.#clientSalt,
      protocolDigest: this.#config.protocolDigest,
      channelDigests: this.#config.channels.map((channel) => channel.digest),
    })
    return true
  }

  onHello(reader: Reader): HandshakeOutcome {
    const hello = readHello(reader)
    if (hello === undefined) return MALFORMED
    if (this.#role === 'client' || (this.#isGreeted && hello.clientSalt !== this.#clientSalt)) return IGNORED
    this.#clientSalt = hello.clientSalt
    this.#isGreeted = true
    if (this.#last !== undefined) {
      this.#lastCopies = 1
      return NOTHING
    }
    if (this.#isStopped) return IGNORED
    if (this.#isOpen) {
      this.#welcomeDue = true
      return NOTHING
    }
    const refusal = this.#refusalOf(hello)
    if (refusal !== undefined) {
      this.#finish({ kind: refusal.kind, clientSalt: 0, code: 0, data: asciiBytes(refusal.detail) }, 1)
      return {
        kind: 'closed',
        reason: { kind: 'protocol', violation: VIOLATIONS[refusal.kind]!, detail: refusal.detail },
      }
    }
    if (!this.#isAccepted) return NOTHING
    this.#isOpen = true
    this.#welcomeDue = true
    return { kind: 'open' }
  }

  onWelcome(reader: Reader): HandshakeOutcome {
    const welcome = readWelcome(reader)
    if (welcome === undefined) return MALFORMED
    if (this.#role === 'server' || welcome.clientSalt !== this.#clientSalt) return IGNORED
    if (this.#isOpen || this.#last !== undefined) return NOTHING
    this.#isOpen = true
    this.peerClockMs = welcome.clock / TIMESTAMP_PER_MS
    this.#helloAt = Number.POSITIVE_INFINITY
    return { kind: 'open' }
  }

  onClose(reader: Reader): HandshakeOutcome {
    const close = readClose(reader)
    if (close === undefined) return MALFORMED
    if ((this.#role === 'server' && !this.#isGreeted) || close.clientSalt !== this.#clientSalt) return IGNORED
    if (close.kind === CLOSE_HEARD) {
      this.#goodbyeAt = Number.POSITIVE_INFINITY
      return { kind: 'heard' }
    }
    if (close.kind === CLOSE_GOODBYE) this.#finish({ kind: CLOSE_HEARD, clientSalt: 0, code: 0, data: EMPTY }, 1)
    else this.#finish(undefined, 0)
    return { kind: 'closed', reason: reasonOf(close) }
  }

  #finish(last: Close | undefined, copies: number): void {
    this.#last = last
    this.#lastCopies = copies
    this.#helloAt = Number.POSITIVE_INFINITY
    this.#goodbyeAt = Number.POSITIVE_INFINITY
    this.#welcomeDue = false
  }

  #writeLast(writer: Writer, now: number): boolean {
    const last = this.#last!
    // A server that was never greeted has nobody to tell.
    const isPointless = this.#role === 'server' && !this.#isGreeted
    if (this.#goodbyeAt <= now) {
      this.#goodbyes++
      this.#goodbyeAt = this.isSpent ? Number.POSITIVE_INFINITY : now + this.#goodbyePauseMs
      this.#goodbyePauseMs *= 2
    } else {
      this.#lastCopies--
    }
    if (isPointless) return false
    writeClose(writer, { kind: last.kind, clientSalt: this.#clientSalt, code: last.code, data: last.data })
    return true
  }

  #refusalOf(hello: Hello): { kind: number; detail: string } | undefined {
    const { channels, protocol, protocolDigest } = this.#config
    if (hello.version !== WIRE_VERSION) {
      return { kind: CLOSE_VERSION, detail: `expected wire version ${WIRE_VERSION}, got ${hello.version}` }
    }
    if (hello.protocolDigest !== protocolDigest) {
      return { kind: CLOSE_PROTOCOL, detail: `expected protocol ${JSON.stringify(protocol)}, got another` }
    }
    const theirs = hello.channelDigests
    for (let i = 0; i < Math.max(channels.length, theirs.length); i++) {
      const ours = channels[i]
      if (ours?.digest === theirs[i]) continue
      const expected =
        ours === undefined
          ? `no channel ${i}`
          : `channel ${i} to be '${ours.name}' (${ours.kind}, at most ${ours.maxMessageBytes} bytes${formatOf(ours)})`
      return { kind: CLOSE_TABLE, detail: `expected ${expected}, got ${theirs[i] === undefined ? 'none' : 'another'}` }
    }
    return undefined
  }
}

/** What a channel's messages look like, short enough for a sentence. */
function formatOf({ codec }: ChannelConfig): string {
  if (codec === undefined) return ''
  const { schema } = codec
  return `, ${schema.length > MAX_SCHEMA_TEXT ? `${schema.slice(0, MAX_SCHEMA_TEXT)}...` : schema}`
}

function reasonOf(close: Close): CloseReason {
  const violation = VIOLATIONS[close.kind]
  if (violation !== undefined) return { kind: 'protocol', violation, detail: `the peer: ${asciiText(close.data)}` }
  if (close.kind === CLOSE_REJECTED) return { kind: 'rejected', code: close.code, data: close.data }
  return { kind: 'peer', code: close.code, data: close.data }
}
