import type { ChannelOptions, Endpoint, EndpointOptions, SendOptions } from '../index.ts'
import {
  addMessage,
  addPacket,
  ENTRY,
  fromJson,
  HAS_INSTANT,
  HAS_PIPE,
  MAGIC,
  noSums,
  TraceReader,
  type TraceSums,
} from './trace-format.ts'

/** Where a replay and its trace first differ. */
export interface Divergence {
  /** Instant, ms, and number of the packet out. */
  readonly at: number
  readonly packet: number
  readonly detail: string
}

/**
 * Runs a trace through a fresh endpoint: the same calls at the same instants with the same chance. The core is deterministic, so the
 * same packets and messages must come out, and the first that does not is named.
 *
 * ```ts
 * import { Endpoint } from 'gannet'
 * import { Replay } from 'gannet/devtools'
 *
 * const replay = new Replay(new Uint8Array(await (await fetch('/trace')).arrayBuffer()), (options) => new Endpoint(options))
 * while (replay.step());
 * console.log(replay.isFaithful, replay.sums, replay.divergence)
 * ```
 */
export class Replay {
  readonly endpoint: Endpoint
  /** What the endpoint was made with. */
  readonly options: Omit<EndpointOptions, 'random'>
  /** What has come out so far. */
  readonly sums: TraceSums = noSums()
  /** What the recording came to; known at the end of a whole trace. */
  recorded: TraceSums | undefined = undefined
  /** The first packet that differs from the recorded one. */
  divergence: Divergence | undefined = undefined
  readonly #reader: TraceReader
  readonly #channels: string[]
  readonly #startsAt: number
  #now: number
  /** Chance drawn by the recorded endpoint and not by ours yet. */
  readonly #drawn: number[] = []

  /** Throws `RangeError` when `trace` is none. `create` makes the endpoint: `(options) => new Endpoint(options)`. */
  constructor(trace: Uint8Array, create: (options: EndpointOptions) => Endpoint) {
    const reader = new TraceReader(trace)
    for (const byte of MAGIC) {
      if (reader.isAtEnd || reader.byte() !== byte)
        throw new RangeError('not a trace of this version: the first bytes differ')
    }
    this.#reader = reader
    this.options = optionsIn(reader.chunk())
    this.#startsAt = this.options.now
    this.#now = this.options.now
    this.#channels = Object.keys(this.options.channels)
    // Draws of the constructor come right behind the options, later ones before what they were drawn for has ended: so all are read first.
    this.#drawn = drawsIn(trace)
    this.endpoint = create({ ...this.options, random: () => this.#drawn.shift() ?? 0 })
  }

  /** Instant of the entry that was run last, ms on the recorded clock. */
  get now(): number {
    return this.#now
  }

  /** Time since the recording began, ms. */
  get elapsedMs(): number {
    return this.#now - this.#startsAt
  }

  /** Whether everything came out as it was recorded; false before the end. */
  get isFaithful(): boolean {
    const { recorded, sums } = this
    return (
      this.divergence === undefined &&
      recorded !== undefined &&
      recorded.messages === sums.messages &&
      recorded.messageHash === sums.messageHash &&
      recorded.packets === sums.packets &&
      recorded.packetHash === sums.packetHash
    )
  }

  /** Runs the next entry; false at the end. Throws `RangeError` where the trace is broken. */
  step(): boolean {
    const reader = this.#reader
    if (reader.isAtEnd) return false
    const kind = reader.byte()
    if ((kind & HAS_INSTANT) !== 0) this.#now = reader.float64()
    this.#run(kind & ~HAS_INSTANT)
    return true
  }

  /** Runs entries up to `elapsedMs` after the start; false at the end of the trace. */
  runUntil(elapsedMs: number): boolean {
    let goesOn = true
    while (goesOn && this.elapsedMs < elapsedMs) goesOn = this.step()
    return goesOn
  }

  #run(kind: number): void {
    const reader = this.#reader
    const endpoint = this.endpoint
    if (kind === ENTRY.random) reader.uint32()
    else if (kind === ENTRY.receive) endpoint.receive(reader.chunk(), this.#now)
    else if (kind === ENTRY.update) endpoint.update(this.#now)
    else if (kind === ENTRY.send) this.#send()
    else if (kind === ENTRY.poll) this.#poll(0)
    else if (kind === (ENTRY.poll | HAS_PIPE)) this.#poll(reader.byte())
    else if (kind === ENTRY.event) this.#takeEvent()
    else if (kind === ENTRY.backlog) endpoint.backlogBytes = reader.float64()
    else if (kind === ENTRY.call) this.#call()
    else if (kind === ENTRY.sum) {
      const [messages, messageHash, packets, packetHash] = [
        reader.uint32(),
        reader.uint32(),
        reader.uint32(),
        reader.uint32(),
      ]
      this.recorded = { messages, messageHash, packets, packetHash }
    } else throw new RangeError(`trace: entry ${kind}, expected ${Object.values(ENTRY).join(', ')}`)
  }

  #send(): void {
    const [channel, options] = jsonIn(this.#reader.chunk()) as [string, SendOptions]
    const payload = this.#reader.chunk()
    try {
      this.endpoint.trySend(channel, payload, options)
    } catch {
      // A wrong call was one when it was recorded, and changed nothing.
    }
  }

  #poll(pipe: number): void {
    const length = this.#reader.varint()
    const packet = this.endpoint.pollPacket(pipe)
    const number = this.sums.packets
    const hash = packet === undefined ? 0 : addPacket(this.sums, packet)
    const recorded = length === 0 ? 0 : this.#reader.uint32()
    if (hash === recorded) return
    const detail =
      packet?.length === length
        ? `other bytes in a packet of ${length}`
        : `${packet?.length ?? 0} bytes, recorded ${length}`
    this.divergence ??= { at: this.#now, packet: number, detail }
  }

  #takeEvent(): void {
    const event = this.endpoint.pollEvent()
    if (event !== undefined && 'payload' in event)
      addMessage(this.sums, this.#channels.indexOf(event.channel), event.key, event.payload)
  }

  #call(): void {
    const [name, ...args] = jsonIn(this.#reader.chunk()) as [string, ...unknown[]]
    const target = this.endpoint as unknown as Record<string, unknown>
    try {
      if (name.endsWith('=')) target[name.slice(0, -1)] = args[0]
      else if (typeof target[name] === 'function') target[name].apply(this.endpoint, args)
    } catch {
      // As with a wrong `send`.
    }
  }
}

function jsonIn(chunk: Uint8Array): unknown {
  try {
    return fromJson(new TextDecoder().decode(chunk))
  } catch (cause) {
    throw new RangeError('trace: not JSON where JSON was expected', { cause })
  }
}

function optionsIn(chunk: Uint8Array): Omit<EndpointOptions, 'random'> {
  const options = jsonIn(chunk) as Partial<EndpointOptions> | null
  if (typeof options?.now !== 'number' || typeof options.channels !== 'object') {
    throw new RangeError('trace: no options of an endpoint at its beginning')
  }
  const channels = Object.entries(options.channels ?? {}).map(([name, channel]) => [name, withBytes(channel)] as const)
  return { ...(options as Omit<EndpointOptions, 'random'>), channels: Object.fromEntries(channels) }
}

/** A trace has no functions: what a codec made of messages is in it as bytes, and so are they here. */
function withBytes(channel: ChannelOptions): ChannelOptions {
  if (typeof channel?.codec !== 'object') return channel
  const encode = (message: unknown): Uint8Array => message as Uint8Array
  return { ...channel, codec: { ...channel.codec, encode, decode: (payload) => payload } }
}

/** All chance of a trace, in order. */
function drawsIn(trace: Uint8Array): number[] {
  const reader = new TraceReader(trace)
  for (let i = 0; i < MAGIC.length; i++) reader.byte()
  reader.chunk()
  const drawn: number[] = []
  while (!reader.isAtEnd) {
    const kind = reader.byte()
    if ((kind & HAS_INSTANT) !== 0) reader.float64()
    switch (kind & ~HAS_INSTANT) {
      case ENTRY.random:
        drawn.push(reader.uint32())
        break
      case ENTRY.receive:
      case ENTRY.call:
        reader.chunk()
        break
      case ENTRY.send:
        reader.chunk()
        reader.chunk()
        break
      case ENTRY.poll | HAS_PIPE:
        reader.byte()
        if (reader.varint() > 0) reader.uint32()
        break
      case ENTRY.poll:
        if (reader.varint() > 0) reader.uint32()
        break
      case ENTRY.backlog:
        reader.float64()
        break
      case ENTRY.sum:
        for (let i = 0; i < 4; i++) reader.uint32()
        break
    }
  }
  return drawn
}
