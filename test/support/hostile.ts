import type { Bytes } from '../../src/core/bytes.ts'
import type { ChannelTable, EndpointOptions } from '../../src/core/config.ts'
import type { EndpointEvent, ReceiveResult } from '../../src/core/events.ts'
import { Endpoint } from '../../src/index.ts'
import {
  channelDigest,
  type DataCraft,
  encodePacket,
  fnv1a,
  type PacketCraft,
  type PacketTree,
  type RecordCraft,
} from '../wire/oracle.ts'
import { checkedPacket, kindsOf } from './packet-check.ts'

/** What a peer with our channel table, and no shame, can do to a server. */
export class Hostile<Table extends ChannelTable = ChannelTable> {
  readonly victim: Endpoint<Table>
  readonly #table: Table
  readonly #clientSalt = 0xc0ffee
  now = 0
  /** Sequence of the next packet that we send. */
  sequence = 0
  readonly events: EndpointEvent[] = []
  /** What the victim has sent, decoded. */
  readonly heard: PacketTree[] = []

  constructor(channels: Table, options: Partial<EndpointOptions<Table>> = {}) {
    this.#table = channels
    this.victim = new Endpoint<Table>({ role: 'server', now: 0, random: () => 0x5eed, channels, ...options })
  }

  /** Shakes hands as an honest client does. */
  open(): this {
    const entries = Object.entries(this.#table)
    const digests = entries.map(([name, { kind, maxMessageBytes }]) =>
      channelDigest(name, kind, maxMessageBytes ?? 1 << 20),
    )
    this.put({
      form: 'hello',
      version: 1,
      clientSalt: this.#clientSalt,
      protocolDigest: fnv1a(''),
      channelDigests: digests,
    })
    this.pass(0)
    if (this.victim.state !== 'open') throw new Error(`the victim is ${this.victim.state}`)
    return this
  }

  /** Sends a packet of any shape. */
  put(craft: PacketCraft): ReceiveResult {
    return this.putBytes(encodePacket(craft, { kinds: kindsOf(this.#table) }))
  }

  putBytes(packet: Bytes): ReceiveResult {
    return this.victim.receive(packet, this.now)
  }

  /** Sends a data packet with these records under the next sequence. */
  records(...records: RecordCraft[]): ReceiveResult {
    return this.data({ records })
  }

  data(craft: Omit<DataCraft, 'form' | 'sequence'>): ReceiveResult {
    return this.put({ form: 'data', sequence: this.sequence++, timestamp: Math.floor(this.now * 4) & 0xffff, ...craft })
  }

  /** Acknowledges everything that the victim has sent so far. */
  acknowledge(...records: RecordCraft[]): ReceiveResult {
    const sequences = this.heard.flatMap((tree) => (tree.form === 'data' ? [tree.sequence] : []))
    if (sequences.length === 0) return this.data({ records })
    const newest = sequences.at(-1)!
    const offsets = sequences.slice(0, -1).map((sequence) => newest - sequence)
    const ack = {
      form: 'groups',
      ack: newest,
      offsets: offsets.filter((o) => o <= 1029).sort((a, b) => a - b),
    } as const
    return this.data({ ack, ackDelayMs: 0, records })
  }

  /** Lets time pass at the victim, which reads its events and sends its packets. */
  pass(ms: number): void {
    this.now += ms
    this.victim.update(this.now)
    for (let event = this.victim.pollEvent(); event !== undefined; event = this.victim.pollEvent())
      this.events.push(event as EndpointEvent)
    for (let packet = this.victim.pollPacket(); packet !== undefined; packet = this.victim.pollPacket()) {
      this.heard.push(checkedPacket(packet, kindsOf(this.#table)))
    }
  }

  /** Payloads that came on a channel. */
  messagesOn(channel: string): Bytes[] {
    return this.events.flatMap((event) =>
      event.type === 'message' && event.channel === channel ? [event.payload] : [],
    )
  }

  /** The sum of all refusals. */
  get refusals(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.victim.stats.refusals).filter(([, count]) => count > 0))
  }
}
