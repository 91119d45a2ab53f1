import type { Bytes } from '../bytes.ts'
import type { ChannelConfig } from '../config.ts'
import type { EndpointStats } from '../stats.ts'
import type { DeliverMessage, FragmentRecord, ReceiveChannel, RecordResult } from './channel.ts'
import { KeyTable } from './key-table.ts'
import { Reassembly } from './reassembly.ts'

/** Delivers what arrives; on `sequenced` channels only what is newer than the last of its key. */
export class UnreliableReceiver implements ReceiveChannel {
  readonly config: ChannelConfig
  readonly #deliver: DeliverMessage
  readonly #stats: EndpointStats
  readonly #reassemblyMs: number
  /** Made when the first fragment comes. */
  #reassembly: Reassembly | undefined
  readonly #newest: KeyTable | undefined

  constructor(config: ChannelConfig, stats: EndpointStats, reassemblyMs: number, deliver: DeliverMessage) {
    this.config = config
    this.#stats = stats
    this.#deliver = deliver
    this.#reassemblyMs = reassemblyMs
    this.#newest = config.hasKeys ? new KeyTable(config.maxKeys) : undefined
  }

  get idReference(): number {
    return 0
  }

  get groupReference(): number {
    return this.#reassembly?.groupReference ?? -1
  }

  get expiresAt(): number {
    return this.#reassembly?.expiresAt ?? Number.POSITIVE_INFINITY
  }

  onMessage(_id: number, key: number, payload: Bytes, sequence: number): RecordResult {
    if (payload.length > this.config.maxMessageBytes) {
      this.#stats.refusals.messageTooLarge++
      return 'malformed'
    }
    // Records of one packet stand in the order sent, so a tie is newer.
    return this.#offer(key, payload, sequence, true)
  }

  onFragment(fragment: FragmentRecord, sequence: number, now: number): RecordResult {
    this.#reassembly ??= new Reassembly(this.config, this.#stats, this.#reassemblyMs)
    const reassembly = this.#reassembly
    const result = reassembly.add(fragment, sequence, now)
    const group = reassembly.completed
    if (result !== 'taken' || group === undefined) return result
    return this.#offer(group.key, reassembly.message!, group.firstSequence, group.startsThere)
  }

  onSkip(): RecordResult {
    this.#stats.refusals.unknownChannel++
    return 'malformed'
  }

  expire(now: number): void {
    this.#reassembly?.expire(now)
  }

  #offer(key: number, payload: Bytes, sequence: number, winsTie: boolean): RecordResult {
    const newest = this.#newest
    if (newest !== undefined) {
      const version = newest.versionOf(key)
      if (sequence < version || (sequence === version && !winsTie)) return 'taken'
      if (!newest.hasRoomFor(key, sequence)) {
        this.#stats.refusals.tooManyKeys++
        return 'refused'
      }
      newest.set(key, sequence, sequence)
    }
    this.#deliver(this.config, key, payload)
    return 'taken'
  }
}
