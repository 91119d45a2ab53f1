import { EMPTY } from '../bytes.ts'
import type { FragmentRecord, ReceiveChannel, RecordResult } from '../channel/channel.ts'
import type { ChannelConfig } from '../config.ts'
import type { EndpointStats } from '../stats.ts'
import { CONTROL_PING, CONTROL_SKIP_GROUP, RECORD_CONTROL, RECORD_FRAGMENT } from '../wire/layout.ts'
import type { Reader } from '../wire/reader.ts'
import { RecordView, readRecord } from '../wire/records.ts'
import { expand16, expand24 } from '../wire/sequence.ts'

/** Walks the records of a packet and hands each to its channel. Reused for all packets. */
export class Unpacker {
  readonly #configs: readonly ChannelConfig[]
  readonly #channels: readonly ReceiveChannel[]
  readonly #stats: EndpointStats
  readonly #view = new RecordView()
  readonly #fragment: FragmentRecord = {
    group: 0,
    index: 0,
    hasParticulars: false,
    count: 0,
    parity: 0,
    idLow: 0,
    key: -1,
    payload: EMPTY,
  }
  readonly #lastIds: number[]
  readonly #stamps: number[]
  #stamp = 0
  readonly #followsSame = (channel: number): boolean => this.#stamps[channel] === this.#stamp
  /** Records in the packet read last. */
  records = 0
  /** It held a fragment of a reliable message. */
  hasBulk = false

  constructor(channels: readonly ReceiveChannel[], stats: EndpointStats) {
    this.#channels = channels
    this.#configs = channels.map((channel) => channel.config)
    this.#stats = stats
    this.#lastIds = channels.map(() => 0)
    this.#stamps = channels.map(() => 0)
  }

  /** Reads to the end of the packet. Stops at the first record that is not taken. */
  read(reader: Reader, sequence: number, now: number): RecordResult {
    this.#stamp = (this.#stamp + 1) >>> 0
    this.records = 0
    this.hasBulk = false
    while (reader.remaining > 0) {
      const outcome = readRecord(reader, this.#view, this.#configs, this.#followsSame)
      if (outcome === 'unknown-channel') {
        this.#stats.refusals.unknownChannel++
        return 'malformed'
      }
      if (reader.failed) {
        this.#stats.refusals.encoding++
        return 'malformed'
      }
      const result = this.#dispatch(reader, sequence, now)
      if (result !== 'taken') return result
      this.records++
    }
    return 'taken'
  }

  #dispatch(reader: Reader, sequence: number, now: number): RecordResult {
    const view = this.#view
    if (view.type === RECORD_CONTROL) return this.#control()
    const channel = this.#channels[view.channel]!
    if (view.type === RECORD_FRAGMENT) return this.#takeFragment(channel, reader, sequence, now)
    let id = -1
    if (channel.config.hasIds) {
      const last = this.#lastIds[view.channel]!
      id = view.step === 0 ? expand24(view.idLow, channel.idReference) : last + view.step
      this.#lastIds[view.channel] = id
      this.#stamps[view.channel] = this.#stamp
    }
    return channel.onMessage(id, view.key, reader.view(view.length), sequence)
  }

  #takeFragment(channel: ReceiveChannel, reader: Reader, sequence: number, now: number): RecordResult {
    const view = this.#view
    const fragment = this.#fragment
    this.hasBulk = channel.config.isReliable
    fragment.group = expand16(view.group, channel.groupReference)
    if (fragment.group < 0) {
      this.#stats.refusals.idOutOfWindow++
      return 'malformed'
    }
    fragment.index = view.index
    fragment.hasParticulars = view.hasParticulars
    fragment.count = view.count
    fragment.parity = view.parity
    fragment.idLow = view.idLow
    fragment.key = view.key
    fragment.payload = reader.view(view.length)
    const result = channel.onFragment(fragment, sequence, now)
    fragment.payload = EMPTY
    return result
  }

  #control(): RecordResult {
    const view = this.#view
    if (view.channel === CONTROL_PING) return 'taken'
    const channel = this.#channels[view.target]
    if (channel === undefined || !channel.config.hasIds) {
      this.#stats.refusals.unknownChannel++
      return 'malformed'
    }
    const hasGroup = view.channel === CONTROL_SKIP_GROUP
    const group = hasGroup ? expand16(view.group, channel.groupReference) : -1
    if (hasGroup && group < 0) {
      this.#stats.refusals.idOutOfWindow++
      return 'malformed'
    }
    return channel.onSkip(expand24(view.idLow, channel.idReference), group)
  }
}
