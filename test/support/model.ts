import type { ChannelKind, Verdict } from '../../src/core/events.ts'

const VERDICTS: readonly Verdict[] = ['acked', 'lost', 'expired', 'replaced', 'closed']

/** Bits of what is known of one message; the verdict, plus one, stands above them. */
const DELIVERED = 1
const MAY_EXPIRE = 2
const VERDICT_SHIFT = 2

/**
 * What a channel of each kind promises, in the few lines that matter. Messages are numbered 0, 1, 2, … in the order sent;
 * every method throws when a promise is broken. One model watches one channel in one direction, from both ends.
 */
export class ChannelModel {
  readonly name: string
  readonly kind: ChannelKind
  /** By number, so that a long soak keeps a few bytes a message: its key, and what is known of it. */
  #keys: Int32Array = new Int32Array(64)
  #known: Uint8Array = new Uint8Array(64)
  #sent = 0
  /** Per key: newest number sent, and newest number delivered. */
  readonly #newestSent: Map<number, number> = new Map()
  readonly #newest: Map<number, number> = new Map()
  /** Whether a message that was lost cannot have come: the links neither reorder nor repeat. */
  readonly #lostMeansLost: boolean
  #lastDelivered = -1
  delivered = 0
  settled = 0
  /** Acked, and not yet delivered: an ordered message may wait for one before it. */
  #held = 0
  readonly verdicts: Record<Verdict, number> = { acked: 0, lost: 0, expired: 0, replaced: 0, closed: 0 }

  constructor(name: string, kind: ChannelKind, lostMeansLost = false) {
    this.name = name
    this.kind = kind
    this.#lostMeansLost = lostMeansLost
  }

  /** Messages sent; also the number of the next one. */
  get sent(): number {
    return this.#sent
  }

  /** Every message has its verdict, and what had to be delivered was. */
  get isAtRest(): boolean {
    return this.settled === this.sent && (this.kind !== 'ordered' || this.#held === 0)
  }

  onSent(number: number, key: number, mayExpire: boolean): void {
    if (number !== this.sent) this.#fail(number, `was sent, expected number ${this.sent}`)
    if (number === this.#keys.length) this.#grow()
    this.#keys[number] = key
    this.#known[number] = mayExpire ? MAY_EXPIRE : 0
    this.#sent++
    this.#newestSent.set(key, number)
  }

  onDelivered(number: number, key: number): void {
    if (number >= this.sent) this.#fail(number, 'was delivered but never sent')
    if (this.#keys[number] !== key) this.#fail(number, `has key ${key}, expected ${this.#keys[number]}`)
    if (this.#isDelivered(number)) this.#fail(number, 'was delivered twice')
    this.#known[number]! |= DELIVERED
    this.delivered++
    if (this.#verdictOf(number) === 'acked') this.#held--
    const newest = this.#newest.get(key) ?? -1
    if ((this.kind === 'sequenced' || this.kind === 'latest') && number < newest) {
      this.#fail(number, `of key ${key} was delivered after ${newest}`)
    }
    if (this.kind === 'ordered' && number < this.#lastDelivered) {
      this.#fail(number, `was delivered after ${this.#lastDelivered}`)
    }
    this.#newest.set(key, Math.max(newest, number))
    this.#lastDelivered = Math.max(this.#lastDelivered, number)
  }

  onVerdict(number: number, verdict: Verdict): void {
    if (number >= this.sent) this.#fail(number, `got the verdict ${verdict} but was never sent`)
    const earlier = this.#verdictOf(number)
    if (earlier !== undefined) this.#fail(number, `got the verdict ${verdict} after ${earlier}`)
    this.#known[number]! |= (VERDICTS.indexOf(verdict) + 1) << VERDICT_SHIFT
    this.settled++
    this.verdicts[verdict]++
    if (verdict === 'acked' && !this.#isDelivered(number)) this.#held++
    const isReliable = this.kind === 'reliable' || this.kind === 'ordered' || this.kind === 'latest'
    const isKeyed = this.kind === 'sequenced' || this.kind === 'latest'
    if (verdict === 'lost' && isReliable) this.#fail(number, 'is lost')
    if (verdict === 'expired' && (this.#known[number]! & MAY_EXPIRE) === 0)
      this.#fail(number, 'expired without a time-to-live')
    if (verdict === 'replaced' && !(isKeyed && this.#newestSent.get(this.#keys[number]!)! > number)) {
      this.#fail(number, 'was replaced by nothing')
    }
  }

  /** Everything has come to rest. `hasEnded`: the connection was closed before that. */
  finish(hasEnded = false): void {
    const mayBeHeld = hasEnded && this.kind === 'ordered'
    let firstGap = -1
    for (let number = 0; number < this.sent; number++) {
      const verdict = this.#verdictOf(number)
      const isDelivered = this.#isDelivered(number)
      if (verdict === undefined) this.#fail(number, 'never got a verdict')
      if (verdict === 'closed' && !hasEnded) this.#fail(number, 'is closed, but the connection is not')
      if (this.#lostMeansLost && verdict === 'lost' && isDelivered) this.#fail(number, 'is lost, but was delivered')
      if (verdict === 'acked' && !mayBeHeld && !this.#isHad(number)) {
        this.#fail(number, 'is acked, but the peer never got it')
      }
      if (this.kind === 'ordered') {
        if (isDelivered && firstGap >= 0) this.#fail(number, `was delivered without ${firstGap}`)
        if (!isDelivered && verdict !== 'expired' && firstGap < 0) firstGap = number
      }
    }
    if (this.kind === 'latest' && !hasEnded) this.#finishLatest()
  }

  /** The peer has the last word on every key. */
  #finishLatest(): void {
    for (const [key, number] of this.#newestSent) {
      if (!this.#isDelivered(number) && this.#verdictOf(number) !== 'expired') {
        this.#fail(number, `is the last of key ${key} and was not delivered`)
      }
    }
  }

  /** Whether the peer's game got it, or, where only the newest counts, a newer one. */
  #isHad(number: number): boolean {
    if (this.#isDelivered(number)) return true
    if (this.kind !== 'sequenced' && this.kind !== 'latest') return false
    return (this.#newest.get(this.#keys[number]!) ?? -1) > number
  }

  #isDelivered(number: number): boolean {
    return (this.#known[number]! & DELIVERED) !== 0
  }

  #verdictOf(number: number): Verdict | undefined {
    return VERDICTS[(this.#known[number]! >> VERDICT_SHIFT) - 1]
  }

  #grow(): void {
    const keys = new Int32Array(2 * this.#keys.length)
    const known = new Uint8Array(2 * this.#known.length)
    keys.set(this.#keys)
    known.set(this.#known)
    this.#keys = keys
    this.#known = known
  }

  #fail(number: number, what: string): never {
    throw new Error(`${this.name} (${this.kind}): message ${number} ${what}`)
  }
}
