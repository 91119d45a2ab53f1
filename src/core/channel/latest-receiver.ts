import type { Bytes } from '../bytes.ts'
import type { ChannelConfig } from '../config.ts'
import type { EndpointStats } from '../stats.ts'
import { expand24 } from '../wire/sequence.ts'
import type { DeliverMessage, FragmentRecord, ReceiveChannel, RecordResult } from './channel.ts'
import { KeyTable } from './key-table.ts'
import { Reassembly } from './reassembly.ts'

/** Delivers a message unless a newer one of its key was delivered before: kind `latest`. */
export class LatestReceiver implements ReceiveChannel {
  readonly config: ChannelConfig
  readonly #deliver: DeliverMessage
  readonly #stats: EndpointStats
  /** Made when the first fragment comes. */
  #pieces: Reassembly | undefined
  readonly #newest: KeyTable
  /** Newest id heard of. */
  #reference = 0

  constructor(config: ChannelConfig, stats: EndpointStats, deliver: DeliverMessage) {
    this.config = config
    this.#stats = stats
    this.#deliver = deliver
    this.#newest = new KeyTable(config.maxKeys)
  }

  get idReference(): number {
    return this.#reference
  }

  get groupReference(): number {
    return this.#pieces?.groupReference ?? -1
  }

  get expiresAt(): number {
    return Number.POSITIVE_INFINITY
  }

  onMessage(id: number, key: number, payload: Bytes, sequence: number): RecordResult {
    if (payload.length > this.config.maxMessageBytes) {
      this.#stats.refusals.messageTooLarge++
      return 'malformed'
    }
    if (id < 0) {
      this.#stats.refusals.idOutOfWindow++
      return 'malformed'
    }
    if (id > this.#reference) this.#reference = id
    if (id <= this.#newest.versionOf(key)) {
      this.#stats.duplicateMessages++
      return 'taken'
    }
    if (!this.#newest.hasRoomFor(key, sequence)) {
      this.#stats.refusals.tooManyKeys++
      return 'refused'
    }
    this.#newest.set(key, id, sequence)
    this.#deliver(this.config, key, payload)
    return 'taken'
  }

  onFragment(fragment: FragmentRecord, sequence: number, now: number): RecordResult {
    const reassembly = this.#reassembly
    const key = fragment.hasParticulars ? fragment.key : reassembly.keyOf(fragment.group)
    // Asked before the piece is taken: the last piece of a message that finds no room must not be acknowledged either.
    if (key !== undefined && !this.#newest.hasRoomFor(key, sequence)) {
      this.#stats.refusals.tooManyKeys++
      return 'refused'
    }
    const result = reassembly.add(fragment, sequence, now)
    const group = reassembly.completed
    if (result !== 'taken' || group === undefined) return result
    return this.onMessage(expand24(group.idLow, this.#reference), group.key, reassembly.message!, sequence)
  }

  /** Only what has begun in fragments needs a skip here: the pieces would wait for ever. */
  onSkip(_id: number, group: number): RecordResult {
    if (group < 0) {
      this.#stats.refusals.unknownChannel++
      return 'malformed'
    }
    this.#reassembly.skip(group)
    return 'taken'
  }

  expire(): void {}

  get #reassembly(): Reassembly {
    this.#pieces ??= new Reassembly(this.config, this.#stats, Number.POSITIVE_INFINITY)
    return this.#pieces
  }
}
