import type { Bytes } from './bytes.ts'
import { NetcodeError } from './errors.ts'
import type { ChannelKind } from './events.ts'
import { digestOf } from './wire/handshake-packets.ts'
import {
  MAX_CHANNELS,
  MAX_PARITY_FRAGMENTS,
  PACKET_OVERHEAD_BYTES,
  RELIABLE_WINDOW,
  windowBytesOf,
} from './wire/layout.ts'
import type { RecordShape } from './wire/records.ts'

/** Turns the messages of a channel into bytes and back: made by `gannet/codec`, or two functions of your own and a name. */
export interface ChannelCodec<T> {
  /** Text that tells formats apart, 1 character or more. Ends whose texts differ refuse each other. */
  readonly schema: string
  /** Most bytes that `encode` gives: the default of `maxMessageBytes`. */
  readonly maxBytes?: number
  /** The message as bytes, which are copied before anything else is encoded. May throw: `send` throws it on. */
  encode(message: T): Uint8Array
  /** The message of these bytes, which may be hostile. `undefined`, or a throw: they are none; that is counted and told by an event. */
  decode(payload: Bytes): T | undefined
}

/** One channel of the table that both ends share. `kind`, `maxMessageBytes` and `codec` are the contract; the rest is each end's own. */
export interface ChannelOptions {
  /** Delivery contract. */
  readonly kind: ChannelKind
  /** Makes the channel carry values instead of bytes. Both ends must agree. Default: none, messages are bytes. */
  readonly codec?: ChannelCodec<unknown>
  /** Largest message, bytes, 1 to 16 MiB. Default: what the codec says, else 1 MiB. Both ends must agree. */
  readonly maxMessageBytes?: number
  /** Strict order between channels when bytes are short: higher goes first. −128 to 127, default 0. */
  readonly priority?: number
  /** Share among channels of the same priority, above 0 to 1,000. Default 1. */
  readonly weight?: number
  /**
   * Messages that may wait here: unsettled ones on reliable kinds (beyond it `send` refuses), unsent ones on the others
   * (beyond it the oldest is dropped with the verdict `lost`). 1 to 4,096, default 1,024.
   */
  readonly maxQueuedMessages?: number
  /** The same in payload bytes. Default 8 MiB, and never less than one message. */
  readonly maxQueuedBytes?: number
  /** Time-to-live of a message unless `send` says otherwise, ms. Default: none. */
  readonly ttlMs?: number
  /** Whether verdict events are queued for this channel. Default true. Without, the counters in `stats` still count. */
  readonly verdicts?: boolean
  /** Sequenced and latest: keys that may be in use at once, on each end. Default 4,096. */
  readonly maxKeys?: number
  /**
   * Reliable kinds: bytes spent so that a loss is made good sooner.
   * `none`: what is lost is sent again, once. `lean` (default): it is sent at once, and one more copy goes in the next packet; the
   * peer is asked to tell of losses at once. `full`: messages of up to 256 bytes are copied into the next packets before any loss
   * is known, until the chance of non-delivery is under 1 in 1,000, within a fifth of all bytes on the wire (more above 15 % loss). Nothing on a clean path.
   */
  readonly redundancy?: RedundancyMode
  /** Unreliable and sequenced: parity fragments per data fragment for messages that need fragments, 0 to 1. Default 0. */
  readonly parity?: number
}

/** How much a reliable channel spends on losses. */
export type RedundancyMode = 'none' | 'lean' | 'full'

/** Which congestion controller an endpoint has. */
export type CongestionMode = 'delay' | 'aimd' | 'fixed'

/** The round trip as measured, ms, the peer's ack delay removed; `NaN` before the first sample. Live: read it when needed. */
export interface RoundTrip {
  readonly samples: number
  /** Gain 1/8 (RFC 6298). */
  readonly smoothedMs: number
  /** Mean deviation, gain 1/4 (RFC 6298). */
  readonly varianceMs: number
}

/** What a loss rule may know of a sent packet. */
export interface SentPacketTimes {
  readonly sequence: number
  /** ms on the endpoint's clock. */
  readonly sentAt: number
}

/**
 * Decides which sent packets are lost; a lost packet's reliable messages are sent again. A late ack takes a loss back until it is
 * final. Called often: allocates nothing.
 */
export interface LossRule {
  /** The peer says: what was sent until this instant and is not acked is lost, ms. */
  onHorizon(at: number): void
  /**
   * Instant from which `packet`, not acked, counts as lost, ms; −Infinity: at once; Infinity: nothing can be said of it or of any
   * later one. `newestAcked`: the newest sequence that the peer has acknowledged, −1 for none.
   */
  lostAt(packet: SentPacketTimes, newestAcked: number): number
  /** How long after being declared lost a packet's fate is final, ms: an ack that comes later still counts for nothing. */
  readonly finalAfterMs: number
}

/** Channels by name, 1 to 64; names are 1 to 64 printable ASCII characters. The order is part of the contract. */
export type ChannelTable = Readonly<Record<string, ChannelOptions>>

export interface EndpointOptions<Table extends ChannelTable = ChannelTable> {
  /** Who speaks first in the handshake; after it both ends are alike. */
  readonly role: 'client' | 'server'
  /** Present instant, ms on the monotonic clock that `update` and `receive` will use. */
  readonly now: number
  /** 32 random bits at each call. Used for the connection's salt and nothing else. */
  readonly random: () => number
  readonly channels: Table
  /** The game's own protocol or build name; ends that differ refuse each other. Default `''`. */
  readonly protocol?: string
  /**
   * Largest packet, bytes, 256 to 16,384. Default 1,150: one datagram below SCTP (1,280 of the smallest IPv6 MTU − 40 IPv6
   * − 8 UDP − 37 DTLS − 12 SCTP − 16 DATA chunk = 1,167; Chromium and libdatachannel split above 1,156).
   */
  readonly maxPacketBytes?: number
  /** Silence that ends the connection, ms, 500 to 600,000. Default 10,000. Counts from construction while connecting. */
  readonly timeoutMs?: number
  /**
   * How long an open connection outlives its path, ms, 0 to 3,600,000. Default 0: silence ends it. Otherwise silence makes it `away`,
   * and only when nothing is heard for this long after that, it ends.
   */
  readonly awayMs?: number
  /** After this long without sending anything a ping goes out, ms. Default 2,000, at most a third of `timeoutMs`. */
  readonly keepaliveMs?: number
  /**
   * How long an ack may wait for a packet to travel in, ms, 0 to 100. Default 25. Where the game's next tick is expected it waits for
   * that, up to 50 ms.
   */
  readonly ackDelayMs?: number
  /**
   * Who decides how much may be on its way. `delay` (default): keeps the queue on the path near 10 ms and takes no random loss for
   * congestion. `aimd`: as TCP does (RFC 5681), which fills queues. `fixed`: `bytesPerSecond`, whatever the path says.
   */
  readonly congestion?: CongestionMode
  /**
   * Floor and ceiling of timeouts, ms: 1 to 10,000, default 20, and from the floor to 60,000, default 5,000. The timer (RFC 6298:
   * smoothed round trip + 4 variances, without the peer's ack delay) only decides where the peer's word on losses is missing: when
   * nothing is heard a probe goes out, and after each one without an answer it waits twice as long, up to the ceiling.
   */
  readonly rtoMinMs?: number
  readonly rtoMaxMs?: number
  /**
   * Another rule for which packets are lost, made once a connection; default: the peer's lateness horizon. For comparing rules, as
   * `npm run bench -- reliable` does with timeouts, and for paths whose losses somebody knows better.
   */
  readonly lossRule?: (path: RoundTrip) => LossRule
  /** Most bytes per second that leave, packets whole, 1,000 or more. Default: no limit; with `congestion: 'fixed'` 1 MiB/s. */
  readonly bytesPerSecond?: number
  /** Share of each packet's bytes kept for reliable channels when bytes are short, 0 to 0.9. Default 0.2. */
  readonly reliableShare?: number
  /** No packet leaves while more than this waits below us, bytes. Default 0: what waits there is sent first, and ages. */
  readonly maxBacklogBytes?: number
  /**
   * Events that may wait for `pollEvent`, 16 to 1,048,576; above it messages are refused, and at 16 times as many the connection ends.
   * Default 8,192. For a game that has not polled for 500 ms, only the newest message of each key waits of `sequenced` and `latest` channels.
   */
  readonly maxEvents?: number
  /** Bytes of messages that may wait for `pollEvent`; above it messages are refused and come again. Default 16 MiB. */
  readonly maxEventBytes?: number
  /** How long an unreliable message may take to become whole, ms. Default 2,000. */
  readonly reassemblyMs?: number
  /** Malformed packets that end the connection. Default 32. */
  readonly maxMalformed?: number
  /** `false` allocates each block anew, to compare. Default true. */
  readonly pooled?: boolean
  /** Server only. `false`: wait for `accept()` or `reject()` before answering a hello. Default true. */
  readonly autoAccept?: boolean
}

/** A channel with everything decided. */
export interface ChannelConfig extends RecordShape {
  readonly index: number
  readonly name: string
  readonly kind: ChannelKind
  readonly isReliable: boolean
  readonly codec: ChannelCodec<unknown> | undefined
  readonly maxMessageBytes: number
  readonly priority: number
  readonly weight: number
  readonly maxQueuedMessages: number
  readonly maxQueuedBytes: number
  readonly ttlMs: number
  readonly verdicts: boolean
  readonly maxKeys: number
  readonly parity: number
  readonly redundancy: RedundancyMode
  /** See WIRE.md section 7, point 3. */
  readonly windowBytes: number
  readonly digest: number
}

/** All options with everything decided. */
export interface Config {
  readonly channels: readonly ChannelConfig[]
  /** Some channel has a codec. */
  readonly hasCodecs: boolean
  readonly protocolDigest: number
  readonly protocol: string
  readonly maxPacketBytes: number
  /** Payload of a full fragment, and of the largest message that travels whole. */
  readonly fragmentBytes: number
  readonly timeoutMs: number
  readonly awayMs: number
  readonly keepaliveMs: number
  readonly ackDelayMs: number
  readonly rtoMinMs: number
  readonly rtoMaxMs: number
  readonly lossRule: ((path: RoundTrip) => LossRule) | undefined
  readonly congestion: CongestionMode
  readonly bytesPerSecond: number
  readonly reliableShare: number
  readonly maxBacklogBytes: number
  readonly maxEvents: number
  readonly maxEventBytes: number
  readonly reassemblyMs: number
  readonly maxMalformed: number
  readonly pooled: boolean
  readonly autoAccept: boolean
}

const MIB = 1024 * 1024
const REDUNDANCIES: readonly RedundancyMode[] = ['none', 'lean', 'full']
const CONGESTIONS: readonly CongestionMode[] = ['delay', 'aimd', 'fixed']
const KINDS: readonly ChannelKind[] = ['unreliable', 'sequenced', 'reliable', 'ordered', 'latest']

function number(name: string, value: number | undefined, fallback: number, min: number, max: number): number {
  const chosen = value ?? fallback
  if (typeof chosen !== 'number' || !(chosen >= min && chosen <= max)) {
    throw new NetcodeError('bad-option', `${name}: ${String(chosen)}, expected ${min} to ${max}`)
  }
  return chosen
}

function integer(name: string, value: number | undefined, fallback: number, min: number, max: number): number {
  const chosen = number(name, value, fallback, min, max)
  if (!Number.isInteger(chosen)) throw new NetcodeError('bad-option', `${name}: ${chosen}, expected an integer`)
  return chosen
}

function checkCodec(at: string, codec: ChannelCodec<unknown>): void {
  if (typeof codec?.encode !== 'function' || typeof codec.decode !== 'function') {
    throw new NetcodeError('bad-option', `${at}.codec: expected an object with encode and decode`)
  }
  if (typeof codec.schema !== 'string' || codec.schema === '') {
    throw new NetcodeError('bad-option', `${at}.codec.schema: ${String(codec.schema)}, expected a text`)
  }
}

function resolveChannel(name: string, index: number, options: ChannelOptions): ChannelConfig {
  if (!/^[\x20-\x7e]{1,64}$/.test(name)) {
    throw new NetcodeError(
      'bad-option',
      `channel name ${JSON.stringify(name)}: expected 1 to 64 printable ASCII characters`,
    )
  }
  const at = `channels.${name}`
  if (options === null || typeof options !== 'object') {
    throw new NetcodeError('bad-option', `${at}: ${String(options)}, expected an object with a kind`)
  }
  const { kind } = options
  if (!KINDS.includes(kind)) {
    throw new NetcodeError('bad-option', `${at}.kind: ${JSON.stringify(kind)}, expected one of ${KINDS.join(', ')}`)
  }
  const { codec } = options
  if (codec !== undefined) checkCodec(at, codec)
  const maxMessageBytes = integer(`${at}.maxMessageBytes`, options.maxMessageBytes, codec?.maxBytes ?? MIB, 1, 16 * MIB)
  const hasIds = kind === 'reliable' || kind === 'ordered' || kind === 'latest'
  if (hasIds && options.parity !== undefined && options.parity !== 0) {
    throw new NetcodeError('bad-option', `${at}.parity: ${options.parity}, expected 0 on a channel of kind ${kind}`)
  }
  const { redundancy = 'lean' } = options
  if (!REDUNDANCIES.includes(redundancy)) {
    throw new NetcodeError(
      'bad-option',
      `${at}.redundancy: ${JSON.stringify(redundancy)}, expected one of ${REDUNDANCIES.join(', ')}`,
    )
  }
  return {
    index,
    name,
    kind,
    hasIds,
    isReliable: hasIds,
    hasKeys: kind === 'sequenced' || kind === 'latest',
    codec,
    maxMessageBytes,
    priority: integer(`${at}.priority`, options.priority, 0, -128, 127),
    weight: number(`${at}.weight`, options.weight, 1, 1e-3, 1000),
    maxQueuedMessages: integer(`${at}.maxQueuedMessages`, options.maxQueuedMessages, 1024, 1, RELIABLE_WINDOW),
    maxQueuedBytes: integer(
      `${at}.maxQueuedBytes`,
      options.maxQueuedBytes,
      Math.max(8 * MIB, maxMessageBytes),
      maxMessageBytes,
      Number.MAX_SAFE_INTEGER,
    ),
    ttlMs: number(`${at}.ttlMs`, options.ttlMs, Number.POSITIVE_INFINITY, 1, Number.POSITIVE_INFINITY),
    verdicts: options.verdicts ?? true,
    maxKeys: integer(`${at}.maxKeys`, options.maxKeys, 4096, 1, 1 << 20),
    parity: number(`${at}.parity`, options.parity, 0, 0, 1),
    redundancy: hasIds ? redundancy : 'none',
    windowBytes: windowBytesOf(maxMessageBytes),
    digest: digestOf(`${name}|${kind}|${maxMessageBytes}${codec === undefined ? '' : `|${codec.schema}`}`),
  }
}

/** Checks every option and fills in the defaults; throws `bad-option` with what was expected. */
export function resolveConfig(options: EndpointOptions): Config {
  if (options.role !== 'client' && options.role !== 'server') {
    throw new NetcodeError('bad-option', `role: ${JSON.stringify(options.role)}, expected 'client' or 'server'`)
  }
  if (typeof options.now !== 'number' || !Number.isFinite(options.now)) {
    throw new NetcodeError('bad-option', `now: ${String(options.now)}, expected a finite number of ms`)
  }
  if (typeof options.random !== 'function') {
    throw new NetcodeError('bad-option', 'random: expected a function that returns 32 random bits')
  }
  if (options.lossRule !== undefined && typeof options.lossRule !== 'function') {
    throw new NetcodeError('bad-option', 'lossRule: expected a function that makes a loss rule')
  }
  if (options.protocol !== undefined && typeof options.protocol !== 'string') {
    throw new NetcodeError('bad-option', `protocol: ${String(options.protocol)}, expected a string`)
  }
  const { congestion = 'delay' } = options
  if (!CONGESTIONS.includes(congestion)) {
    throw new NetcodeError(
      'bad-option',
      `congestion: ${JSON.stringify(congestion)}, expected one of ${CONGESTIONS.join(', ')}`,
    )
  }
  const names = Object.keys(options.channels ?? {})
  if (names.length < 1 || names.length > MAX_CHANNELS) {
    throw new NetcodeError('bad-option', `channels: ${names.length}, expected 1 to ${MAX_CHANNELS}`)
  }
  const channels = names.map((name, index) => resolveChannel(name, index, options.channels[name]!))
  const maxPacketBytes = integer('maxPacketBytes', options.maxPacketBytes, 1150, 256, 16_384)
  const timeoutMs = number('timeoutMs', options.timeoutMs, 10_000, 500, 600_000)
  const rtoMinMs = number('rtoMinMs', options.rtoMinMs, 20, 1, 10_000)
  const fragmentBytes = maxPacketBytes - PACKET_OVERHEAD_BYTES
  for (const channel of channels) {
    const count = Math.ceil(channel.maxMessageBytes / fragmentBytes)
    if (channel.parity > 0 && count * (1 + channel.parity) > MAX_PARITY_FRAGMENTS) {
      throw new NetcodeError(
        'bad-option',
        `channels.${channel.name}.parity: a message of ${channel.maxMessageBytes} bytes has ${count} fragments; ` +
          `with parity there can be at most ${MAX_PARITY_FRAGMENTS} in all`,
      )
    }
  }
  return {
    channels,
    hasCodecs: channels.some(({ codec }) => codec !== undefined),
    protocol: options.protocol ?? '',
    protocolDigest: digestOf(options.protocol ?? ''),
    maxPacketBytes,
    fragmentBytes,
    timeoutMs,
    awayMs: number('awayMs', options.awayMs, 0, 0, 3_600_000),
    keepaliveMs: number('keepaliveMs', options.keepaliveMs, Math.min(2000, timeoutMs / 3), 100, timeoutMs / 3),
    ackDelayMs: number('ackDelayMs', options.ackDelayMs, 25, 0, 100),
    rtoMinMs,
    rtoMaxMs: number('rtoMaxMs', options.rtoMaxMs, Math.max(5000, rtoMinMs), rtoMinMs, 60_000),
    lossRule: options.lossRule,
    congestion,
    bytesPerSecond: number(
      'bytesPerSecond',
      options.bytesPerSecond,
      congestion === 'fixed' ? MIB : Number.POSITIVE_INFINITY,
      1000,
      Number.POSITIVE_INFINITY,
    ),
    reliableShare: number('reliableShare', options.reliableShare, 0.2, 0, 0.9),
    maxBacklogBytes: integer('maxBacklogBytes', options.maxBacklogBytes, 0, 0, 16 * MIB),
    maxEvents: integer('maxEvents', options.maxEvents, 8192, 16, 1 << 20),
    maxEventBytes: integer('maxEventBytes', options.maxEventBytes, 16 * MIB, 1024, 1 << 30),
    reassemblyMs: number('reassemblyMs', options.reassemblyMs, 2000, 50, 60_000),
    maxMalformed: integer('maxMalformed', options.maxMalformed, 32, 1, 1 << 20),
    pooled: options.pooled ?? true,
    autoAccept: options.autoAccept ?? true,
  }
}
