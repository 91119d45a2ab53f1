import type { Bytes } from '../bytes.ts'
import type { RecordSink } from '../channel/channel.ts'
import { addScaled } from '../channel/galois.ts'
import type { OutgoingMessage } from '../channel/outgoing.ts'
import { PARITY_HEAD_BYTES, writeParity } from '../channel/parity.ts'
import { eachMember, type RepairSet, repairFactor, repairHeadBytes, writeRepairHead } from '../channel/repair.ts'
import type { ChannelConfig } from '../config.ts'
import { RECORD_OVERHEAD_BYTES } from '../wire/layout.ts'
import {
  fragmentOverhead,
  messageOverhead,
  SKIP_BYTES,
  SKIP_GROUP_BYTES,
  writeFragmentHead,
  writeMessageHead,
  writePing,
  writeSkip,
} from '../wire/records.ts'
import type { Writer } from '../wire/writer.ts'
import type { Manifests } from './manifests.ts'

/** Fills one packet with records and notes each in the manifests. Reused for all packets. */
export class Packer implements RecordSink {
  readonly #writer: Writer
  readonly #channels: readonly ChannelConfig[]
  readonly #maxPacketBytes: number
  /** Where a combination of fragments is computed; made for the first. */
  #scratch: Uint8Array | undefined
  /** Per channel: id of the last message record in this packet, if `#stamps` holds this packet's stamp. */
  readonly #lastIds: number[]
  readonly #stamps: number[]
  #stamp = 0
  #manifests: Manifests | undefined
  #isFull = false
  /** Room in which nothing more is begun. */
  #sparedBytes = 0
  now = 0
  /** Records in the packet; one without any only acknowledges. */
  records = 0

  constructor(writer: Writer, channels: readonly ChannelConfig[], maxPacketBytes: number) {
    this.#writer = writer
    this.#channels = channels
    this.#maxPacketBytes = maxPacketBytes
    this.#lastIds = channels.map(() => 0)
    this.#stamps = channels.map(() => 0)
  }

  /** Starts on a packet whose header has been written. Above `softBytes` it is full, but its first record may be as large as any. */
  begin(manifests: Manifests, now: number, softBytes: number = Number.POSITIVE_INFINITY): void {
    this.#manifests = manifests
    this.now = now
    this.records = 0
    this.#isFull = false
    this.#sparedBytes = Math.max(0, this.#maxPacketBytes - softBytes)
    this.#stamp = (this.#stamp + 1) >>> 0
  }

  get packet(): number {
    return this.#stamp
  }

  /** Whether a fragment or the limit has closed the packet. */
  get isFull(): boolean {
    return this.#isFull || this.#writer.remaining < (this.records > 0 ? Math.max(2, this.#sparedBytes) : 2)
  }

  addMessage(message: OutgoingMessage): number {
    if (this.#isFull) return 0
    const index = message.channel
    const channel = this.#channels[index]!
    const isFirst = this.#stamps[index] !== this.#stamp
    const step = isFirst ? 0 : message.id - this.#lastIds[index]!
    // A second copy of the same id in one packet has no encoding, and no use.
    if (channel.hasIds && !isFirst && step === 0) return 0
    const { length } = message
    const room = this.#writer.remaining
    // Only near the end of a packet need it be known to the byte.
    if (length + RECORD_OVERHEAD_BYTES > room && length + messageOverhead(channel, message.key, step, length) > room)
      return 0
    writeMessageHead(this.#writer, channel, index, message.key, message.id, step, length)
    this.#writer.front(message.block, length)
    const bytes = room - this.#writer.remaining
    if (channel.hasIds) {
      this.#stamps[index] = this.#stamp
      this.#lastIds[index] = message.id
    }
    return this.#note(message, -1, bytes)
  }

  addFragment(message: OutgoingMessage, index: number): number {
    if (this.#isFull) return 0
    const channel = this.#channels[message.channel]!
    const { count, parity, key, fragmentBytes } = message
    const isParity = index >= count
    const length = isParity ? fragmentBytes + PARITY_HEAD_BYTES : message.fragmentLength(index)
    const bytes = fragmentOverhead(channel, index, count, parity, key) + length
    if (bytes > this.#writer.remaining) return 0
    writeFragmentHead(this.#writer, channel, message.channel, message.group, index, count, parity, message.id, key)
    if (isParity) {
      const scratch = this.#combination
      writeParity(scratch, message.block, message.length, count, fragmentBytes, index - count)
      this.#writer.front(scratch, length)
    } else {
      this.#writer.range(message.block, index * fragmentBytes, length)
    }
    this.#isFull = true
    message.fragments!.addCopy(index)
    return this.#note(message, index, bytes)
  }

  addRepair(message: OutgoingMessage, seed: number, set: RepairSet): number {
    if (this.#isFull) return 0
    const channel = this.#channels[message.channel]!
    const { count, key, fragmentBytes, block } = message
    const index = count + seed
    const ranges = set.runs.length / 2
    const bytes = fragmentOverhead(channel, index, count, ranges, key) + repairHeadBytes(set) + fragmentBytes
    if (bytes > this.#writer.remaining) return 0
    writeFragmentHead(this.#writer, channel, message.channel, message.group, index, count, ranges, message.id, key)
    writeRepairHead(this.#writer, set, message.fragmentLength(count - 1))
    const sum = this.#combination.subarray(0, fragmentBytes)
    sum.fill(0)
    eachMember(set, (member) => {
      const from = member * fragmentBytes
      addScaled(sum, block.subarray(from, from + message.fragmentLength(member)), repairFactor(seed, member))
    })
    this.#writer.bytes(sum)
    this.#isFull = true
    return this.#note(message, index, bytes)
  }

  addSkip(message: OutgoingMessage): number {
    const bytes = message.group < 0 ? SKIP_BYTES : SKIP_GROUP_BYTES
    if (this.#isFull || bytes > this.#writer.remaining) return 0
    writeSkip(this.#writer, message.channel, message.id, message.group)
    return this.#note(message, -1, bytes)
  }

  /** Adds a record that asks for an ack and says nothing else. */
  addPing(): void {
    if (this.#isFull || this.#writer.remaining < 1) return
    writePing(this.#writer)
    this.records++
  }

  /** The packet as a view on the scratch buffer. */
  finish(): Bytes {
    return this.#writer.view()
  }

  get #combination(): Uint8Array {
    this.#scratch ??= new Uint8Array(this.#maxPacketBytes)
    return this.#scratch
  }

  #note(message: OutgoingMessage, fragment: number, bytes: number): number {
    message.inPacket = this.#stamp
    message.lastSentAt = this.now
    if (fragment < 0) message.fly()
    this.#manifests!.push(message, fragment)
    this.records++
    return bytes
  }
}
