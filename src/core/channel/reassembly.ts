import type { Bytes } from '../bytes.ts'
import type { ChannelConfig } from '../config.ts'
import type { EndpointStats } from '../stats.ts'
import { GROUP_WINDOW, MAX_PARITY_FRAGMENTS } from '../wire/layout.ts'
import type { FragmentRecord, RecordResult } from './channel.ts'
import { PARITY_HEAD_BYTES, rebuild } from './parity.ts'
import { type RepairBody, readRepair } from './repair.ts'
import { MAX_ROWS, RepairDecoder } from './repair-decoder.ts'

/** Groups behind the newest that are remembered as done or dead. */
const MEMORY = 4 * GROUP_WINDOW
/** Charged for each piece on top of its bytes: what the tables cost, so that tiny pieces are not free. */
const PIECE_OVERHEAD_BYTES = 64

const OPEN = 1
const DONE = 2
const DEAD = 3

/** Own bytes for what will be kept, when keeping the view would pin a buffer more than twice as large. */
export function detach(payload: Bytes): Bytes {
  return payload.length * 2 < payload.buffer.byteLength ? payload.slice() : payload
}

/** A message of which some pieces have come. */
export class Group {
  readonly number: number
  readonly startedAt: number
  readonly pieces: Map<number, Bytes> = new Map()
  /** 0 until the particulars have come. */
  count = 0
  parity = 0
  idLow = 0
  key = -1
  charge = 0
  repairBytes = 0
  dataBytes = 0
  /** Lowest packet sequence of its pieces. */
  firstSequence: number = Number.POSITIVE_INFINITY
  /** The piece of that packet was piece 0. */
  startsThere = false
  /** Combinations of its fragments, once one has come. */
  repair: RepairDecoder | undefined = undefined

  constructor(number: number, now: number) {
    this.number = number
    this.startedAt = now
  }
}

/**
 * Pieces of fragmented messages of one channel until they are whole. Nothing is allocated on a stranger's word: a group costs
 * what has really come. Unreliable channels evict, oldest first, on a deadline and under the memory cap; a piece of an evicted
 * message makes its packet refused, so that the sender never takes the message for delivered. Reliable ones refuse instead.
 */
export class Reassembly {
  readonly #config: ChannelConfig
  readonly #stats: EndpointStats
  readonly #deadlineMs: number
  readonly #capBytes: number
  /** Open groups, oldest first. */
  readonly #open: Map<number, Group> = new Map()
  readonly #states = new Uint8Array(MEMORY)
  #newest = -1
  #charge = 0
  /** Bytes of combinations of fragments. They have a limit of their own, so that they are never in the way of fragments. */
  #repairBytes = 0
  /** The group that the last call of `add` completed. */
  completed: Group | undefined = undefined
  message: Bytes | undefined = undefined

  constructor(config: ChannelConfig, stats: EndpointStats, deadlineMs: number) {
    this.#config = config
    this.#stats = stats
    this.#deadlineMs = config.isReliable ? Number.POSITIVE_INFINITY : deadlineMs
    this.#capBytes = 2 * config.windowBytes + GROUP_WINDOW * PIECE_OVERHEAD_BYTES
  }

  /** Reference for restoring a group number from its low 16 bits. */
  get groupReference(): number {
    return this.#newest
  }

  /** Bytes charged for open groups. */
  get chargedBytes(): number {
    return this.#charge
  }

  get openGroups(): number {
    return this.#open.size
  }

  get expiresAt(): number {
    for (const group of this.#open.values()) return group.startedAt + this.#deadlineMs
    return Number.POSITIVE_INFINITY
  }

  /** Key of an open group, −1 for none; `undefined` while its particulars have not come. */
  keyOf(number: number): number | undefined {
    const group = this.#open.get(number)
    return group === undefined || group.count === 0 ? undefined : group.key
  }

  /** Takes a piece. If it makes a message whole, `completed` and `message` hold it until the next call. */
  add(fragment: FragmentRecord, sequence: number, now: number): RecordResult {
    this.completed = undefined
    this.message = undefined
    const state = this.#stateOf(fragment.group)
    if (state === DONE) {
      this.#stats.duplicateMessages++
      return 'taken'
    }
    if (state === DEAD) return 'refused'
    let group = this.#open.get(fragment.group)
    if (group === undefined) {
      if (!this.#makeRoom()) return 'refused'
      group = new Group(fragment.group, now)
      this.#open.set(fragment.group, group)
      this.#setState(fragment.group, OPEN)
    } else if (group.pieces.has(fragment.index)) {
      this.#stats.duplicateMessages++
      return 'taken'
    }
    if (this.#config.isReliable && fragment.hasParticulars && fragment.index > 0) {
      return this.#takeRepair(group, fragment)
    }
    const fault = this.#faultOf(group, fragment)
    if (fault !== undefined) {
      this.#stats.refusals[fault]++
      this.#close(group, DEAD)
      return 'malformed'
    }
    if (!this.#keep(group, fragment, sequence)) return 'refused'
    const { repair } = group
    if (repair !== undefined) {
      const before = group.pieces.size
      repair.known(fragment.index, group.pieces.get(fragment.index)!, group.pieces, group.count)
      this.#recount(group, before)
    }
    return group.count > 0 && group.pieces.size >= group.count ? this.#complete(group) : 'taken'
  }

  /** The sender has given a message up. */
  skip(number: number): void {
    const group = this.#open.get(number)
    if (group !== undefined) this.#close(group, DONE)
    else if (this.#stateOf(number) !== DEAD) this.#setState(number, DONE)
  }

  expire(now: number): void {
    for (const group of this.#open.values()) {
      if (group.startedAt + this.#deadlineMs > now) return
      this.#close(group, DEAD)
    }
  }

  /** Takes a combination of fragments of a reliable message. What cannot be kept is refused, so that it is not acknowledged. */
  #takeRepair(group: Group, fragment: FragmentRecord): RecordResult {
    const { count, index, payload } = fragment
    const body = readRepair(payload, fragment.parity, count)
    if (body === undefined || this.#contradicts(group, fragment, body)) {
      this.#stats.refusals.badFragment++
      this.#close(group, DEAD)
      return 'malformed'
    }
    group.repair ??= new RepairDecoder(body.sum.length, body.lastBytes)
    const size = body.sum.length
    const isOver = this.#repairBytes + size > this.#config.windowBytes || this.#charge + size > this.#capBytes
    if (isOver || group.repair.rows >= MAX_ROWS) {
      this.#stats.refusals.reassemblyFull++
      if (group.pieces.size === 0 && group.repair.rows === 0) this.#close(group, 0)
      return 'refused'
    }
    if (group.count === 0) {
      group.count = count
      group.idLow = fragment.idLow
      group.key = fragment.key
    }
    const before = group.pieces.size
    group.repair.add(index - count, body, group.pieces, count)
    this.#recount(group, before)
    return group.pieces.size >= count ? this.#complete(group) : 'taken'
  }

  /** Combinations have come or gone, and fragments that they told are pieces like any other. */
  #recount(group: Group, piecesBefore: number): void {
    const { rows, fragmentBytes } = group.repair!
    const charge = (group.pieces.size - piecesBefore) * (fragmentBytes + PIECE_OVERHEAD_BYTES)
    group.charge += charge
    this.#charge += charge
    this.#repairBytes += rows * fragmentBytes - group.repairBytes
    group.repairBytes = rows * fragmentBytes
  }

  /** Whether a combination does not fit the rest of its group. */
  #contradicts(group: Group, fragment: FragmentRecord, { sum, lastBytes }: RepairBody): boolean {
    const { repair, pieces } = group
    const { count, idLow, key } = fragment
    if ((count - 1) * sum.length + lastBytes > this.#config.maxMessageBytes) return true
    if (group.count > 0 && (group.count !== count || group.idLow !== idLow || group.key !== key)) return true
    if (repair !== undefined) return repair.fragmentBytes !== sum.length || repair.lastBytes !== lastBytes
    for (const [index, piece] of pieces) {
      if (index >= count || piece.length !== (index < count - 1 ? sum.length : lastBytes)) return true
    }
    return false
  }

  #complete(group: Group): RecordResult {
    const message = this.#assemble(group)
    if (message === undefined) {
      this.#stats.refusals.badFragment++
      this.#close(group, DEAD)
      return 'malformed'
    }
    this.#close(group, DONE)
    if (message.length > this.#config.maxMessageBytes) {
      this.#stats.refusals.messageTooLarge++
      return 'malformed'
    }
    this.completed = group
    this.message = message
    return 'taken'
  }

  #assemble(group: Group): Bytes | undefined {
    const { pieces, count } = group
    let size = 0
    let length = 0
    for (let i = 0; i < count; i++) {
      const piece = pieces.get(i)
      if (piece === undefined) return this.#rebuild(group)
      if (i === 0) size = piece.length
      else if (i < count - 1 ? piece.length !== size : piece.length > size) return undefined
      length += piece.length
    }
    const message = new Uint8Array(length)
    for (let i = 0; i < count; i++) message.set(pieces.get(i)!, i * size)
    return message
  }

  #rebuild(group: Group): Bytes | undefined {
    const { pieces, count, parity } = group
    // All pieces must be of one size before sums over them mean anything.
    let size = 0
    for (const [index, piece] of pieces) if (index >= count) size = piece.length - PARITY_HEAD_BYTES
    for (const [index, piece] of pieces) {
      const isRight = index < count - 1 ? piece.length === size : index >= count || piece.length <= size
      if (!isRight) return undefined
    }
    return rebuild(pieces, count, parity)
  }

  /** What contradicts the rest of the group, or nothing. */
  #faultOf(group: Group, fragment: FragmentRecord): 'badFragment' | 'messageTooLarge' | undefined {
    const { index, count, parity } = fragment
    // Every piece but the last carries at least one byte, so so many there cannot be.
    if (Math.max(index, count) > this.#config.maxMessageBytes + MAX_PARITY_FRAGMENTS) return 'messageTooLarge'
    const knownCount = group.count > 0 ? group.count : fragment.hasParticulars ? count : 0
    const knownParity = group.count > 0 ? group.parity : parity
    if (fragment.hasParticulars) {
      if (group.count > 0) {
        const isSame =
          group.count === count &&
          group.parity === parity &&
          group.idLow === fragment.idLow &&
          group.key === fragment.key
        if (!isSame) return 'badFragment'
      } else {
        for (const other of group.pieces.keys()) if (other >= count) return 'badFragment'
      }
    } else if (knownCount > 0 && index >= knownCount) {
      return 'badFragment'
    }
    if (knownCount > 0 && index >= knownCount + knownParity) return 'badFragment'
    const { repair } = group
    if (repair !== undefined) {
      const wanted = index < group.count - 1 ? repair.fragmentBytes : repair.lastBytes
      return fragment.payload.length === wanted ? undefined : 'badFragment'
    }
    if (index < (knownCount || Number.POSITIVE_INFINITY)) {
      if (group.dataBytes + fragment.payload.length > this.#config.maxMessageBytes) return 'messageTooLarge'
    } else {
      const { payload } = fragment
      const size = payload.length - PARITY_HEAD_BYTES
      if (size > this.#config.maxMessageBytes) return 'messageTooLarge'
      const last = size < 1 ? 0 : (payload[0]! << 8) | payload[1]!
      if (last < 1 || last > size) return 'badFragment'
    }
    return undefined
  }

  #keep(group: Group, fragment: FragmentRecord, sequence: number): boolean {
    const charge = fragment.payload.length + PIECE_OVERHEAD_BYTES
    if (this.#charge + charge > this.#capBytes && !this.#evictFor(charge, group)) {
      if (group.pieces.size === 0) this.#close(group, this.#config.isReliable ? 0 : DEAD)
      this.#stats.refusals.reassemblyFull++
      return false
    }
    if (fragment.hasParticulars && group.count === 0) {
      group.count = fragment.count
      group.parity = fragment.parity
      group.idLow = fragment.idLow
      group.key = fragment.key
    }
    if (group.count === 0 || fragment.index < group.count) group.dataBytes += fragment.payload.length
    group.pieces.set(fragment.index, detach(fragment.payload))
    group.charge += charge
    this.#charge += charge
    if (sequence < group.firstSequence) {
      group.firstSequence = sequence
      group.startsThere = fragment.index === 0
    }
    return true
  }

  /** Room in the table for one more group. */
  #makeRoom(): boolean {
    if (this.#open.size < GROUP_WINDOW) return true
    if (this.#config.isReliable) {
      this.#stats.refusals.reassemblyFull++
      return false
    }
    for (const oldest of this.#open.values()) {
      this.#close(oldest, DEAD)
      break
    }
    return true
  }

  /** Evicts the oldest groups other than `keep` until `charge` fits; says whether it does. */
  #evictFor(charge: number, keep: Group): boolean {
    if (this.#config.isReliable) return false
    for (const group of this.#open.values()) {
      if (this.#charge + charge <= this.#capBytes) break
      if (group !== keep) this.#close(group, DEAD)
    }
    return this.#charge + charge <= this.#capBytes
  }

  #close(group: Group, state: number): void {
    this.#open.delete(group.number)
    this.#charge -= group.charge
    this.#repairBytes -= group.repairBytes
    group.repairBytes = 0
    group.repair = undefined
    // `completed` may hold the group for long.
    group.pieces.clear()
    this.#setState(group.number, state)
  }

  #stateOf(number: number): number {
    if (number > this.#newest) return 0
    if (number > this.#newest - MEMORY) return this.#states[number & (MEMORY - 1)]!
    // A reliable sender keeps its groups within a window, so an older one is long done.
    return this.#config.isReliable ? DONE : DEAD
  }

  #setState(number: number, state: number): void {
    if (number <= this.#newest - MEMORY) return
    if (number - this.#newest >= MEMORY) this.#states.fill(0)
    else for (let n = this.#newest + 1; n < number; n++) this.#states[n & (MEMORY - 1)] = 0
    if (number > this.#newest) this.#newest = number
    this.#states[number & (MEMORY - 1)] = state
  }
}
