import type { Fifo } from '../container/fifo.ts'
import { MAX_REPAIR_MEMBERS, MAX_REPAIR_RANGES, MAX_REPAIRS } from '../wire/layout.ts'
import { inverse, product } from './galois.ts'
import type { OutgoingMessage } from './outgoing.ts'
import { eachMember, type RepairSet, repairFactor } from './repair.ts'
import { MAX_ROWS } from './repair-decoder.ts'

/** Expected losses in the tail below which repair is not worth its bytes: nine tails in ten lose nothing. */
const LEAST_LOSSES = 0.1
/** Confirmed fragments between two unconfirmed runs that are combined with them rather than named. */
const BRIDGED = 4
/** Combinations that may be on their way or confirmed: as many as the other end keeps of a message. */
const MOST = MAX_ROWS

/** A combination that has left. */
interface SentRepair extends RepairSet {
  readonly seed: number
  isAcked: boolean
}

/**
 * Combinations of the fragments of one message that are not confirmed when nothing new is left to send, so that a loss among the
 * last does not cost another round trip. What is confirmed tells exactly what the other end can solve.
 */
export class TailRepair {
  readonly #message: OutgoingMessage
  /** On their way or confirmed, oldest first. */
  readonly #sent: SentRepair[] = []
  #nextSeed = 0

  constructor(message: OutgoingMessage) {
    this.#message = message
  }

  /**
   * Whether one more combination is worth its bytes. `lossShare`: of our packets. Of u fragments u·p are lost in the mean, with
   * a deviation of at most √(u·p): twice that and one more leave less than 1.5 % to chance.
   */
  isWanted(lossShare: number): boolean {
    const { fragments, count, status, isSuperseded } = this.#message
    if (status !== 'live' || isSuperseded || fragments === undefined) return false
    const losses = Math.min(MAX_REPAIR_MEMBERS, count - fragments.ackedCount) * lossShare
    if (!(losses >= LEAST_LOSSES) || this.#nextSeed >= MAX_REPAIRS) return false
    return this.#sent.length < Math.min(MOST, Math.ceil(losses + 2 * Math.sqrt(losses)) + 1)
  }

  /** Whether those on their way may make these lost fragments good, so that they need not be sent again yet. */
  covers(lost: Fifo<number>): boolean {
    if (this.#sent.length < lost.length) return false
    let from = 0
    let isAny = false
    for (let i = 0; i < this.#sent.length; i++) {
      const { runs, isAcked } = this.#sent[i]!
      if (runs[0]! > from) from = runs[0]!
      if (!isAcked) isAny = true
    }
    for (let i = 0; i < lost.length; i++) if (lost.at(i)! < from) return false
    return isAny
  }

  /** What the next combination should hold: the last fragments that are not confirmed. */
  next(): { seed: number; set: RepairSet } {
    const { count, fragments } = this.#message
    const runs: number[] = []
    let members = 0
    // From the end, so that what was sent last is in.
    for (let index = count - 1; index >= 0 && members < MAX_REPAIR_MEMBERS; index--) {
      if (fragments!.isAcked(index)) continue
      const first = runs[0] ?? Number.POSITIVE_INFINITY
      const gap = first - index - 1
      if (gap <= BRIDGED && members + gap < MAX_REPAIR_MEMBERS) {
        runs[0] = index
        runs[1]! += gap + 1
        members += gap + 1
      } else if (runs.length < 2 * MAX_REPAIR_RANGES) {
        runs.unshift(index, 1)
        members++
      } else {
        break
      }
    }
    return { seed: this.#nextSeed, set: { runs, members } }
  }

  /** It has left. */
  left(seed: number, { runs, members }: RepairSet): void {
    this.#nextSeed = seed + 1
    this.#sent.push({ seed, runs, members, isAcked: false })
  }

  onAcked(seed: number): void {
    const repair = this.#sent.find((other) => other.seed === seed)
    if (repair !== undefined) repair.isAcked = true
  }

  onLost(seed: number): void {
    const at = this.#sent.findIndex((other) => other.seed === seed && !other.isAcked)
    if (at >= 0) this.#sent.splice(at, 1)
  }

  /** Whether the confirmed fragments and combinations are enough to solve the rest: the rank of what is missing. */
  get isSolved(): boolean {
    const { fragments, count } = this.#message
    const missing = count - fragments!.ackedCount
    const acked = this.#sent.filter(({ isAcked }) => isAcked)
    if (acked.length < missing) return false
    const rows: Map<number, number>[] = []
    for (const repair of acked) {
      const row = new Map<number, number>()
      eachMember(repair, (index) => {
        if (!fragments!.isAcked(index)) row.set(index, repairFactor(repair.seed, index))
      })
      for (const other of rows) reduce(row, other)
      if (row.size > 0) rows.push(row)
    }
    return rows.length === missing
  }
}

/** Takes the first unknown of `other` out of `row`. */
function reduce(row: Map<number, number>, other: ReadonlyMap<number, number>): void {
  let by = 0
  for (const [index, value] of other) {
    if (by === 0) {
      const own = row.get(index)
      if (own === undefined) return
      by = product(own, inverse(value))
    }
    const left = (row.get(index) ?? 0) ^ product(value, by)
    if (left === 0) row.delete(index)
    else row.set(index, left)
  }
}
