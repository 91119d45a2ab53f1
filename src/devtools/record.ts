import type { Bytes, ChannelTable, Endpoint, EndpointOptions, Payload, SendOptions } from '../index.ts'
import {
  addMessage,
  addPacket,
  ENTRY,
  HAS_INSTANT,
  HAS_PIPE,
  MAGIC,
  noSums,
  type TraceSums,
  TraceWriter,
  toJson,
} from './trace-format.ts'

export interface RecordOptions {
  /** Bytes after which nothing more is recorded. Default 32 MiB: 20 minutes of a game with 25 kB/s. */
  readonly maxBytes?: number
}

/** Methods that are noted in a form of their own, and those that change nothing. */
const KNOWN = new Set([
  'constructor',
  'receive',
  'update',
  'send',
  'trySend',
  'pollPacket',
  'pollEvent',
  'queuedMs',
  'share',
])

/**
 * Writes down all that goes into one endpoint, and hashes of all that comes out of it, so that the run can be had again: see
 * {@link Replay}. Pass it to `connect` as `trace`; for an endpoint of your own:
 *
 * ```ts
 * import { Endpoint } from 'gannet'
 * import { record } from 'gannet/devtools'
 *
 * const trace = record()
 * const channels = { chat: { kind: 'ordered' } } as const
 * const endpoint = new Endpoint(trace.begin({ role: 'client', now: 0, random: () => 4, channels }))
 * trace.attach(endpoint)
 * const saved = trace.bytes()
 * ```
 */
export class Recorder {
  readonly #maxBytes: number
  #writer = new TraceWriter()
  #sums: TraceSums = noSums()
  #channels: string[] = []
  #now = Number.NaN
  /** Which recording it is: an endpoint of an earlier one writes no more. */
  #recording = 0
  #isFull = false
  /** Inside a call of the endpoint, which may make others of its own: those are not noted. */
  #isInside = false

  constructor(options: RecordOptions = {}) {
    this.#maxBytes = options.maxBytes ?? 32 * 1024 * 1024
  }

  /** Whether the limit was reached: the trace then ends before the run does. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Size of the trace so far, bytes. */
  get length(): number {
    return this.#writer.length
  }

  /** What the run came to so far. */
  get sums(): Readonly<TraceSums> {
    return this.#sums
  }

  /** Takes the options of an endpoint that is about to be made, and returns those to make it with. Begins anew when called again. */
  begin<C extends ChannelTable>(options: EndpointOptions<C>): EndpointOptions<C> {
    const recording = ++this.#recording
    const { random, ...plain } = options
    const writer = new TraceWriter()
    for (const byte of MAGIC) writer.byte(byte)
    writer.chunk(new TextEncoder().encode(toJson({ ...plain, channels: withoutFunctions(options.channels) })))
    this.#writer = writer
    this.#sums = noSums()
    this.#channels = Object.keys(options.channels)
    this.#now = options.now
    this.#isFull = false
    return {
      ...options,
      random: () => {
        const drawn = random()
        if (recording === this.#recording) {
          this.#begin(ENTRY.random)
          writer.uint32(drawn)
        }
        return drawn
      },
    }
  }

  /** Listens at the doors of the endpoint that was made with those options. Only this one object is changed. */
  attach<C extends ChannelTable>(attached: Endpoint<C>): void {
    // Channel names are the game's business; here they are text.
    const endpoint = attached as unknown as Endpoint
    const recording = this.#recording
    const isOn = (): boolean => recording === this.#recording && !this.#isFull && !this.#isInside
    const { receive, update, send, trySend, share, pollPacket, pollEvent } = endpoint
    endpoint.receive = (packet, now) => {
      if (isOn()) {
        this.#begin(ENTRY.receive, now)
        this.#writer.chunk(packet)
      }
      return receive.call(endpoint, packet, now)
    }
    endpoint.update = (now) => {
      if (isOn()) this.#begin(ENTRY.update, now)
      update.call(endpoint, now)
    }
    const sending =
      <R>(inner: (channel: string, message: Payload, options?: SendOptions) => R) =>
      (channel: string, message: unknown, options?: SendOptions): R => {
        // A value of a codec is noted as the bytes that it becomes.
        const payload = message instanceof Uint8Array ? message : share.call(endpoint, channel, message as Uint8Array)
        if (isOn()) this.#noteSend(channel, payload instanceof Uint8Array ? payload : payload.bytes, options)
        return this.#inside(() => inner.call(endpoint, channel, payload, options))
      }
    endpoint.send = sending(send)
    endpoint.trySend = sending(trySend)
    endpoint.pollPacket = (pipe = 0) => {
      const packet = pollPacket.call(endpoint, pipe)
      if (isOn()) this.#notePacket(packet, pipe)
      return packet
    }
    endpoint.pollEvent = () => {
      const event = pollEvent.call(endpoint)
      if (event !== undefined && isOn()) {
        this.#begin(ENTRY.event)
        if ('payload' in event) addMessage(this.#sums, this.#channels.indexOf(event.channel), event.key, event.payload)
      }
      return event
    }
    this.#attachRest(endpoint, isOn)
  }

  /** The trace so far, with its sums at the end. */
  bytes(): Bytes {
    const sums = new TraceWriter()
    sums.byte(ENTRY.sum)
    for (const value of [this.#sums.messages, this.#sums.messageHash, this.#sums.packets, this.#sums.packetHash]) {
      sums.uint32(value)
    }
    const body = this.#writer.taken()
    const end = sums.taken()
    const all = new Uint8Array(body.length + end.length)
    all.set(body)
    all.set(end, body.length)
    return all
  }

  /** Setters, and methods that this file does not know: by name, so that a new one is not forgotten. */
  #attachRest(endpoint: Endpoint, isOn: () => boolean): void {
    const prototype: object = Object.getPrototypeOf(endpoint)
    const self = endpoint as unknown as Record<string, (...args: unknown[]) => unknown>
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (property.set !== undefined) {
        const { get, set } = property
        Object.defineProperty(endpoint, name, {
          configurable: true,
          get: () => get?.call(endpoint),
          set: (value: unknown) => {
            if (isOn()) this.#noteSetter(name, value)
            set.call(endpoint, value)
          },
        })
      } else if (typeof property.value === 'function' && !KNOWN.has(name)) {
        const inner = self[name]!
        self[name] = (...args) => {
          if (isOn()) this.#noteCall(name, args)
          return this.#inside(() => inner.apply(endpoint, args))
        }
      }
    }
  }

  #inside<R>(run: () => R): R {
    const wasInside = this.#isInside
    this.#isInside = true
    try {
      return run()
    } finally {
      this.#isInside = wasInside
    }
  }

  #begin(kind: number, now: number = this.#now): void {
    if (this.#writer.length >= this.#maxBytes) this.#isFull = true
    if (Object.is(now, this.#now)) {
      this.#writer.byte(kind)
      return
    }
    this.#now = now
    this.#writer.byte(kind | HAS_INSTANT)
    this.#writer.float64(now)
  }

  #noteSend(channel: string, payload: Uint8Array, options: SendOptions = {}): void {
    const writer = this.#writer
    this.#begin(ENTRY.send)
    writer.chunk(new TextEncoder().encode(toJson([channel, options])))
    writer.chunk(payload)
  }

  #notePacket(packet: Bytes | undefined, pipe: number): void {
    this.#begin(pipe === 0 ? ENTRY.poll : ENTRY.poll | HAS_PIPE)
    if (pipe !== 0) this.#writer.byte(pipe)
    this.#writer.varint(packet?.length ?? 0)
    if (packet !== undefined) this.#writer.uint32(addPacket(this.#sums, packet))
  }

  #noteSetter(name: string, value: unknown): void {
    if (name === 'backlogBytes') {
      this.#begin(ENTRY.backlog)
      this.#writer.float64(Number(value))
    } else {
      this.#noteCall(`${name}=`, [value])
    }
  }

  #noteCall(name: string, args: readonly unknown[]): void {
    this.#begin(ENTRY.call)
    this.#writer.chunk(new TextEncoder().encode(toJson([name, ...args])))
  }
}

/** Begins a recording of one endpoint; see {@link Recorder}. */
export function record(options?: RecordOptions): Recorder {
  return new Recorder(options)
}

/** The table as a trace keeps it: of a codec what the digest is made of. */
function withoutFunctions(channels: ChannelTable): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(channels).map(([name, { codec, ...options }]) => [
      name,
      codec === undefined ? options : { ...options, codec: { schema: codec.schema, maxBytes: codec.maxBytes } },
    ]),
  )
}
