import type { Bytes } from '../../src/core/bytes.ts'
import type { ChannelTable, EndpointOptions } from '../../src/core/config.ts'
import type { ReceiveResult } from '../../src/core/events.ts'
import { Endpoint, NetcodeError } from '../../src/index.ts'
import { Random } from '../../src/sim/index.ts'
import { kindsOf } from '../support/packet-check.ts'
import { toHex } from '../wire/oracle.ts'
import { below, mutated, pick, randomBytes } from './mutate.ts'

export const FUZZ_CHANNELS = {
  shots: { kind: 'unreliable', maxMessageBytes: 4096, parity: 0.5 },
  look: { kind: 'sequenced', maxMessageBytes: 4096, maxKeys: 8, priority: 1 },
  hits: { kind: 'reliable', maxMessageBytes: 4096, maxQueuedMessages: 64 },
  chat: { kind: 'ordered', maxMessageBytes: 4096, maxQueuedMessages: 64 },
  doors: { kind: 'latest', maxMessageBytes: 4096, maxKeys: 8 },
} as const satisfies ChannelTable

const NAMES = Object.keys(FUZZ_CHANNELS) as (keyof typeof FUZZ_CHANNELS)[]
const KINDS = kindsOf(FUZZ_CHANNELS)
const RESULTS: readonly ReceiveResult[] = ['accepted', 'duplicate', 'stale', 'malformed', 'refused', 'closed']

/** Bytes and packets that a session pushed into endpoints, and what came of them. */
export interface SessionReport {
  packets: number
  bytes: number
  events: number
  /** The last packets received by each side, newest last: what to keep when something breaks. */
  readonly recent: [Bytes[], Bytes[]]
}

type Victim = Endpoint<typeof FUZZ_CHANNELS>

function victim(role: 'client' | 'server', random: Random, options: Partial<EndpointOptions>): Victim {
  return new Endpoint({
    role,
    now: 0,
    random: () => random.uint32(),
    channels: FUZZ_CHANNELS,
    maxPacketBytes: 300,
    ...options,
  } as EndpointOptions<typeof FUZZ_CHANNELS>)
}

/** Hands a packet over; fails on anything but a result. */
function receive(endpoint: Victim, side: number, packet: Bytes, now: number, report: SessionReport): void {
  report.packets++
  report.bytes += packet.length
  const recent = report.recent[side]!
  recent.push(packet.slice())
  if (recent.length > 64) recent.shift()
  const result = endpoint.receive(packet, now)
  if (!RESULTS.includes(result)) throw new Error(`receive returned ${String(result)} for ${toHex(packet)}`)
}

function send(endpoint: Victim, random: Random): void {
  const name = pick(random, NAMES)
  const isKeyed = name === 'look' || name === 'doors'
  const length = pick(random, [0, 1, 20, 20, 20, 236, 237, 700, 4096])
  endpoint.trySend(name, randomBytes(random, length), {
    ...(isKeyed && random.chance(0.7) ? { key: below(random, 10) } : {}),
    ...(random.chance(0.2) ? { ttlMs: 1 + below(random, 100) } : {}),
  })
}

/**
 * A game of two honest endpoints on a bad line, on which someone slips changed copies of their packets in. Checks that
 * nothing throws, that an endpoint gives back no more events than it was given bytes, and that wakeAt is a time.
 */
export function packetSession(
  seed: number,
  steps: number,
  options: Partial<EndpointOptions>,
  report: SessionReport,
): void {
  const random = new Random(seed)
  const sides = [victim('client', random.fork('a'), options), victim('server', random.fork('b'), options)] as const
  let now = 0
  for (let step = 0; step < steps; step++) {
    now += pick(random, [0, 1, 5, 17, 17, 100])
    for (let from = 0; from < 2; from++) {
      const endpoint = sides[from]!
      const to = 1 - from
      endpoint.update(now)
      if (random.chance(0.9))
        for (let e = endpoint.pollEvent(); e !== undefined; e = endpoint.pollEvent()) report.events++
      for (let i = below(random, 4); i > 0; i--) send(endpoint, random)
      for (let packet = endpoint.pollPacket(); packet !== undefined; packet = endpoint.pollPacket()) {
        const copy = packet.slice()
        for (let i = below(random, 3); i > 0; i--) receive(sides[to]!, to, mutated(random, copy, KINDS), now, report)
        if (random.chance(0.9)) receive(sides[to]!, to, copy.slice(), now, report)
      }
      if (Number.isNaN(endpoint.wakeAt)) throw new Error(`wakeAt is ${endpoint.wakeAt}`)
    }
  }
  for (const endpoint of sides)
    for (let e = endpoint.pollEvent(); e !== undefined; e = endpoint.pollEvent()) report.events++
  // Verdicts and messages: each message costs at least two bytes on its way, each verdict belongs to a message sent here.
  const sent = sides[0].stats.messagesSent + sides[1].stats.messagesSent
  if (report.events > report.bytes + sent + 4) throw new Error(`${report.events} events from ${report.bytes} bytes`)
}

/** Random bytes into an endpoint that waits for a hello, and into one that is open. */
export function byteSession(seed: number, packets: number, report: SessionReport): void {
  const random = new Random(seed)
  const sides = [
    victim('client', random, { maxMalformed: 1 << 20 }),
    victim('server', random, { maxMalformed: 1 << 20 }),
  ] as const
  if (random.chance(0.8)) {
    sides[1].receive(sides[0].pollPacket()!.slice(), 0)
    sides[0].receive(sides[1].pollPacket()!.slice(), 0)
  }
  for (let i = 0; i < packets; i++) {
    const side = below(random, 2)
    const packet = randomBytes(random, pick(random, [0, 1, 2, 5, 8, 9, 12, 30, 300, 1200]))
    // The form in front, so that every reader gets its share.
    if (packet.length > 0 && random.chance(0.7))
      packet[0] = pick(random, [0x00, 0x10, 0x18, 0x20, 0x28, 0x40, 0x80, 0xc0, 0xc6])
    if (packet.length > 2 && random.chance(0.7)) packet.set([0, i & 0xff], 1)
    receive(sides[side]!, side, packet, i, report)
    for (let e = sides[side]!.pollEvent(); e !== undefined; e = sides[side]!.pollEvent()) report.events++
  }
}

/** Any order of calls on two endpoints, with sense and without: nothing throws but `NetcodeError`, and only from calls that may. */
export function scriptSession(seed: number, steps: number, report: SessionReport): void {
  const random = new Random(seed)
  const options: Partial<EndpointOptions> = {
    autoAccept: random.chance(0.7),
    pooled: random.chance(0.5),
    maxEvents: pick(random, [16, 100, 8192]),
    maxMalformed: pick(random, [1, 32, 1 << 20]),
    timeoutMs: pick(random, [500, 10_000]),
    keepaliveMs: 150,
    bytesPerSecond: pick(random, [1000, 100_000, 1e6]),
    reliableShare: pick(random, [0, 0.2, 0.9]),
  }
  const sides = [victim('client', random.fork('a'), options), victim('server', random.fork('b'), options)] as const
  const flying: Bytes[][] = [[], []]
  const closed = [0, 0]
  let now = 0
  const drain = (side: number): void => {
    for (let event = sides[side]!.pollEvent(); event !== undefined; event = sides[side]!.pollEvent()) {
      report.events++
      if (closed[side]! > 0) throw new Error(`${event.type} after closed`)
      if (event.type === 'closed') closed[side] = 1
    }
  }
  for (let step = 0; step < steps; step++) {
    const side = below(random, 2)
    const endpoint = sides[side]!
    now += pick(random, [0, 0, 1, 17, 17, 60])
    try {
      switch (below(random, 16)) {
        case 0:
        case 1:
          for (let i = below(random, 20); i > 0; i--) send(endpoint, random)
          break
        case 2:
          endpoint.send(pick(random, NAMES), randomBytes(random, below(random, 5000)), { key: below(random, 4) - 1 })
          break
        case 3:
          drain(side)
          break
        case 4:
          // Clocks that stumble.
          endpoint.update(now - below(random, 100))
          break
        case 5:
          endpoint.backlogBytes = pick(random, [0, 0, 4600, 4601, 1e9])
          break
        case 6:
          if (random.chance(0.03))
            endpoint.close({ code: below(random, 70_000), deadlineMs: pick(random, [0, 100, 1000]) })
          if (random.chance(0.01)) endpoint.abort({ kind: 'transport', detail: 'gone' })
          break
        case 7:
          if (random.chance(0.3)) endpoint.accept()
          if (random.chance(0.01)) endpoint.reject({ code: 7, data: randomBytes(random, below(random, 1030)) })
          break
        case 8:
          if (!(endpoint.queuedMs(pick(random, NAMES)) >= 0)) throw new Error('queuedMs is no time')
          break
        default: {
          endpoint.update(now)
          if (Number.isNaN(endpoint.wakeAt) || endpoint.wakeAt < now)
            throw new Error(`wakeAt ${endpoint.wakeAt} at ${now}`)
          for (let packet = endpoint.pollPacket(); packet !== undefined; packet = endpoint.pollPacket()) {
            if (packet.length > 1040 || (packet[0]! < 0x40 && packet.length > 300))
              throw new Error(`${packet.length} bytes`)
            if (random.chance(0.85)) flying[1 - side]!.push(packet.slice())
          }
          const arriving = flying[side]!.splice(0, below(random, 8))
          for (const packet of arriving)
            receive(endpoint, side, random.chance(0.05) ? mutated(random, packet, KINDS) : packet, now, report)
        }
      }
    } catch (error) {
      if (!(error instanceof NetcodeError)) throw error
    }
  }
  for (const side of [0, 1]) drain(side)
  for (const [side, endpoint] of sides.entries()) {
    if ((endpoint.state === 'closed') !== (closed[side] === 1))
      throw new Error(`${endpoint.state}, closed events: ${closed[side]}`)
    if (endpoint.state === 'closed' && (endpoint.stats.queuedMessages !== 0 || endpoint.stats.queuedBytes !== 0)) {
      throw new Error(
        `${endpoint.stats.queuedMessages} messages, ${endpoint.stats.queuedBytes} bytes queued after the end`,
      )
    }
  }
}
