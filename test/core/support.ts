import { expect } from 'vitest'
import type { Bytes } from '../../src/core/bytes.ts'
import type {
  CopyBudget,
  DeliverMessage,
  ReceiveChannel,
  RecordResult,
  SendChannel,
} from '../../src/core/channel/channel.ts'
import { Outbox } from '../../src/core/channel/outbox.ts'
import type { Config, EndpointOptions } from '../../src/core/config.ts'
import { type ChannelConfig, type ChannelOptions, type ChannelTable, resolveConfig } from '../../src/core/config.ts'
import { BlockPool } from '../../src/core/container/block-pool.ts'
import { Endpoint } from '../../src/core/endpoint.ts'
import { NetcodeError, type NetcodeErrorCode } from '../../src/core/errors.ts'
import type { ChannelKind, EndpointEvent } from '../../src/core/events.ts'
import { Manifests } from '../../src/core/packet/manifests.ts'
import { Packer } from '../../src/core/packet/packer.ts'
import { createStats, type EndpointStats } from '../../src/core/stats.ts'
import { FORM_DATA } from '../../src/core/wire/layout.ts'
import { Writer } from '../../src/core/wire/writer.ts'

export type SomeOptions = Partial<Omit<EndpointOptions, 'channels'>>

/** Letters as bytes, one each. */
export function bytesOf(text: string): Bytes {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0))
}

/** Bytes as letters. */
export function textOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}

/** `length` bytes, each told by its place and `salt`. */
export function pattern(length: number, salt = 0): Bytes {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + salt * 17 + (i >> 8)) & 0xff)
}

export function configOf(channels: ChannelTable, options: SomeOptions = {}): Config {
  return resolveConfig({ role: 'client', now: 0, random: () => 1, ...options, channels })
}

/** A channel with everything decided; its name is its kind. */
export function channelOf(kind: ChannelKind, options: Omit<ChannelOptions, 'kind'> = {}): ChannelConfig {
  return configOf({ [kind]: { kind, ...options } }).channels[0]!
}

/** Runs something that must throw a `NetcodeError` of this code; returns its message. */
export function refusal(code: NetcodeErrorCode, act: () => unknown): string {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(NetcodeError)
    expect((error as NetcodeError).code).toBe(code)
    return (error as NetcodeError).message
  }
  throw new Error(`nothing was thrown, expected ${code}`)
}

/** What one packet carried, in words: `7`, `7#0` for its fragment 0, `skip 7`. */
export interface Carried {
  readonly words: string[]
  readonly manifest: Manifests
}

export interface SenderOptions {
  /** Payload of a full fragment, and of the largest message that travels whole, bytes. Default 100. */
  readonly fragmentBytes?: number
}

/** A sender of messages with the packer that it writes into, and a table of packets to acknowledge or lose by hand. */
export class SenderRig {
  readonly sender: SendChannel
  readonly config: ChannelConfig
  readonly stats: EndpointStats = createStats()
  /** `7 acked`, in the order in which they became known. */
  readonly verdicts: string[] = []
  readonly pool: BlockPool
  readonly #packer: Packer
  readonly #writer: Writer
  now = 0

  constructor(
    create: (config: ChannelConfig, outbox: Outbox) => SendChannel,
    config: ChannelConfig,
    { fragmentBytes = 100 }: SenderOptions = {},
  ) {
    this.config = config
    this.pool = new BlockPool(fragmentBytes, 1_000, true)
    const outbox = new Outbox(this.pool, fragmentBytes, this.stats, (_, id, verdict) =>
      this.verdicts.push(`${id} ${verdict}`),
    )
    this.sender = create(config, outbox)
    this.#writer = new Writer(4_096)
    this.#packer = new Packer(this.#writer, [config], 4_096)
  }

  get hasMore(): boolean {
    return this.sender.isPending || this.sender.hasBulk
  }

  /** Queues `payload`; a number stands for so many bytes. */
  send(payload: string | number, { key = -1, ttlMs = Number.POSITIVE_INFINITY } = {}): number | undefined {
    const bytes = typeof payload === 'string' ? bytesOf(payload) : pattern(payload)
    return this.sender.enqueue(bytes, key, this.now + ttlMs)
  }

  /** Writes records until nothing is left or the packet of `bytes` bytes is full. */
  packet(bytes = 1_000): Carried {
    const manifest = new Manifests()
    this.#writer.reset(bytes)
    this.#packer.begin(manifest, this.now)
    const words: string[] = []
    while (this.hasMore && !this.#packer.isFull) {
      const before = manifest.end
      if (this.sender.writeOne(this.#packer) === 0 && this.sender.writeBulk(this.#packer) === 0) break
      for (let i = before; i < manifest.end; i++) words.push(this.#wordOf(manifest, i))
    }
    return { words, manifest }
  }

  /** A tick begins, and one packet takes what waits, then copies. */
  tick(now: number, budget: CopyBudget, bytes = 1_000): Carried {
    this.now = now
    this.sender.startTick(now, budget)
    const carried = this.packet(bytes)
    this.#addCopies(carried)
    return carried
  }

  /** A packet with nothing but copies. */
  copies(bytes = 1_000): Carried {
    const manifest = new Manifests()
    this.#writer.reset(bytes)
    this.#packer.begin(manifest, this.now)
    const carried = { words: [], manifest }
    this.#addCopies(carried)
    return carried
  }

  /** Packets until nothing waits. */
  packets(bytes = 1_000): Carried[] {
    const all: Carried[] = []
    while (this.hasMore) {
      const packet = this.packet(bytes)
      if (packet.words.length === 0) break
      all.push(packet)
    }
    return all
  }

  ack({ manifest }: Carried): void {
    this.#each(manifest, (message, fragment) => this.sender.onAcked(message, fragment))
  }

  lose({ manifest }: Carried): void {
    this.#each(manifest, (message, fragment) => this.sender.onLost(message, fragment))
  }

  loseForGood({ manifest }: Carried): void {
    this.#each(manifest, (message, fragment) => this.sender.onLossFinal(message, fragment))
  }

  probe({ manifest }: Carried): void {
    this.#each(manifest, (message, fragment) => this.sender.onProbe(message, fragment))
  }

  /** The connection ends while these packets are open. */
  end(...open: Carried[]): void {
    this.sender.end()
    for (const { manifest } of open) this.#each(manifest, (message) => this.sender.onEnd(message))
  }

  expire(now: number): void {
    this.now = now
    this.sender.expire(now)
  }

  #addCopies({ words, manifest }: Carried): void {
    for (let i = manifest.end; this.sender.writeCopy(this.#packer) > 0; i++) words.push(this.#wordOf(manifest, i))
  }

  #each(manifest: Manifests, act: (message: Parameters<SendChannel['onAcked']>[0], fragment: number) => void): void {
    for (let i = 0; i < manifest.end; i++) {
      const message = manifest.messageAt(i)
      if (message !== undefined) act(message, manifest.fragmentAt(i))
    }
  }

  #wordOf(manifest: Manifests, index: number): string {
    const message = manifest.messageAt(index)!
    const fragment = manifest.fragmentAt(index)
    if (fragment >= 0) return `${message.id}#${fragment}`
    return message.status === 'skip' ? `skip ${message.id}` : `${message.id}`
  }
}

/** Words of each packet, joined. */
export function wordsOf(packets: readonly Carried[]): string[] {
  return packets.map(({ words }) => words.join(' '))
}

export interface FragmentWords {
  readonly group: number
  readonly index: number
  readonly payload: Bytes
  readonly count?: number
  readonly parity?: number
  readonly id?: number
  readonly key?: number
}

/** A receiver of records with what it delivered. */
export class ReceiverRig<Receiver extends ReceiveChannel = ReceiveChannel> {
  readonly receiver: Receiver
  readonly stats: EndpointStats = createStats()
  readonly delivered: { readonly key: number; readonly payload: Bytes }[] = []
  #sequence = 0
  now = 0

  constructor(
    create: (config: ChannelConfig, stats: EndpointStats, deliver: DeliverMessage) => Receiver,
    config: ChannelConfig,
  ) {
    this.receiver = create(config, this.stats, (_, key, payload) => this.delivered.push({ key, payload }))
  }

  /** Delivered payloads as text. */
  get texts(): string[] {
    return this.delivered.map(({ payload }) => textOf(payload))
  }

  /** A whole message in a packet of its own, or in packet `sequence`. */
  message(id: number, text: string, { key = -1, sequence = this.#sequence++ } = {}): RecordResult {
    return this.receiver.onMessage(id, key, bytesOf(text), sequence)
  }

  /** A fragment; it carries the particulars if `count` is given. */
  fragment(words: FragmentWords, sequence: number = this.#sequence++): RecordResult {
    const { group, index, payload, count, parity = 0, id = 0, key = -1 } = words
    const hasParticulars = count !== undefined
    const record = { group, index, hasParticulars, count: count ?? 0, parity, idLow: id & 0xffffff, key, payload }
    return this.receiver.onFragment(record, sequence, this.now)
  }

  /** The data fragments of a message, all the same size but the last. */
  fragments(group: number, payload: Bytes, size: number, rest: { id?: number; key?: number } = {}): FragmentWords[] {
    const count = Math.ceil(payload.length / size)
    return Array.from({ length: count }, (_, index) => ({
      group,
      index,
      payload: payload.slice(index * size, (index + 1) * size),
      ...(index === 0 ? { count, ...rest } : {}),
    }))
  }
}

/** Two endpoints and a clock; packets are carried, kept or dropped by hand. */
export class Duo<Table extends ChannelTable> {
  readonly client: Endpoint<Table>
  readonly server: Endpoint<Table>
  now = 1_000

  constructor(channels: Table, options: SomeOptions = {}, { client = {}, server = {} } = {}) {
    let salt = 40
    const common = { now: this.now, random: () => ++salt, channels, ...options }
    this.client = new Endpoint({ ...common, ...client, role: 'client' })
    this.server = new Endpoint({ ...common, ...server, role: 'server' })
  }

  /** Does the handshake; the `open` events are taken. */
  open(): this {
    this.settle(3)
    expect(this.client.pollEvent()).toEqual({ type: 'open' })
    expect(this.server.pollEvent()).toEqual({ type: 'open' })
    return this
  }

  /** Lets time pass on both sides; nothing is carried. */
  pass(ms: number): void {
    this.now += ms
    this.client.update(this.now)
    this.server.update(this.now)
  }

  /** Lets ticks of 10 ms pass, in each of which everything crosses at once. */
  settle(ticks: number, tickMs = 10): void {
    for (let i = 0; i < ticks; i++) {
      this.pass(tickMs)
      this.carry(this.client, this.server)
      this.carry(this.server, this.client)
    }
  }

  /** Carries all that one side has to send; says how many packets. */
  carry(from: Endpoint<Table>, to: Endpoint<Table>): number {
    const packets = drained(from)
    for (const packet of packets) to.receive(packet, this.now)
    return packets.length
  }
}

/** Copies of all packets that an endpoint has to send now. */
export function drained(endpoint: { pollPacket(): Bytes | undefined }): Bytes[] {
  const packets: Bytes[] = []
  for (let packet = endpoint.pollPacket(); packet !== undefined; packet = endpoint.pollPacket()) {
    packets.push(packet.slice())
  }
  return packets
}

/** Only the data packets of these. */
export function dataOf(packets: readonly Bytes[]): Bytes[] {
  return packets.filter((packet) => (packet[0]! & 0xc0) === FORM_DATA)
}

/** All events that wait. */
export function eventsOf(endpoint: { pollEvent(): EndpointEvent | undefined }): EndpointEvent[] {
  const events: EndpointEvent[] = []
  for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) events.push(event)
  return events
}

/** Texts of the messages among the events that wait; the others are dropped. */
export function messagesOf(endpoint: { pollEvent(): EndpointEvent | undefined }): string[] {
  return eventsOf(endpoint).flatMap((event) => (event.type === 'message' ? textOf(event.payload) : []))
}

/** Verdicts among the events that wait, as `channel id verdict`. */
export function verdictsOf(endpoint: { pollEvent(): EndpointEvent | undefined }): string[] {
  return eventsOf(endpoint).flatMap((event) =>
    event.type === 'verdict' ? `${event.channel} ${event.id} ${event.verdict}` : [],
  )
}

/** Fractions from 0 to 1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
