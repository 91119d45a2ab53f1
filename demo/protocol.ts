/**
 * What the page and the authoritative peer say to each other: the channels and what they carry.
 * Both sides import this one file, so neither can drift from the other; the handshake compares the two.
 */
import type { ChannelTable } from 'gannet'
import {
  angle,
  array,
  bool,
  enumOf,
  float64,
  type Infer,
  int,
  latest,
  ordered,
  quantized,
  reliable,
  snapshots,
  string,
  struct,
  uint,
  unreliable,
  varint,
} from 'gannet/codec'
import { profileNames } from 'gannet/sim'
import { ARENA, type Steering, type World } from './world.ts'

/** Our own version, for changes that no schema below shows. */
export const PROTOCOL = 'gannet-demo/3'

/** Step of a position on the wire, arena units. */
export const STEP_UNITS: number = 1 / 16
/** Fastest speed on the wire, units a second; only a ship that several shots hit at once comes near it. */
const FASTEST = 2_000

/**
 * An entity of the arena: what it is, its id tells. Speeds and heading matter of ships alone, and cost the others a bit each. The owner of a
 * ball is the ship that touched it last, 0 for nobody; that of a shot the ship that fired it.
 */
export const Thing = struct({
  x: quantized(0, ARENA.width, STEP_UNITS),
  y: quantized(0, ARENA.height, STEP_UNITS),
  vx: quantized(-FASTEST, FASTEST, 1 / 32),
  vy: quantized(-FASTEST, FASTEST, 1 / 32),
  heading: angle(12),
  owner: uint(8),
})
export type Thing = Infer<typeof Thing>

/** Ids of entities: ships have their own, 1 to 255; ball n is `FIRST_BALL + n`, shot n `FIRST_SHOT + n`. */
export const FIRST_BALL = 256
export const FIRST_SHOT = 4_096

/** Steerings in one input message: 9 ticks, so that up to 8 lost packets in a row cost nothing. */
export const INPUT_REDUNDANCY = 9
/** Longest chat line, characters. */
export const CHAT_LIMIT = 140
/** Longest name, characters, and most of them. */
const NAME_LIMIT = 24
const MOST_NAMES = 80

const steering = struct({ x: quantized(-1, 1, 1 / 64), y: quantized(-1, 1, 1 / 64) })

const Input = struct({
  /** Tick that the first steering is meant for; the next one is for the tick before, and so on. */
  tick: varint(),
  /** The page lacks the baseline of what it gets, and needs a whole snapshot. */
  isLost: bool(),
  steerings: array(steering, INPUT_REDUNDANCY),
})
export type InputMessage = Infer<typeof Input>

/** Word to one page alone: its ship, and how many ticks it should run further ahead, or fall back. */
const You = struct({ ship: uint(8), advice: int(8) })
export type You = Infer<typeof You>

const Roster = array(struct({ id: uint(8), name: string(NAME_LIMIT), isBot: bool() }), MOST_NAMES)
export type RosterEntry = Infer<typeof Roster>[number]

/** `from`: ship of the speaker. What a page says of itself does not count. */
const ChatLine = struct({ from: uint(8), name: string(NAME_LIMIT), text: string(CHAT_LIMIT) })

/** What `conditions.ts` knows; the peer made it of what it had checked. */
const Weather = struct({
  profile: enumOf('custom', ...profileNames),
  loss: float64(),
  delayMs: float64(),
  jitterMs: float64(),
  kbitPerSecond: float64(),
  stateHz: float64(),
  stateBytes: float64(),
  bots: float64(),
})
/** Datagrams of one direction through the relay. */
const LineCount = struct({ offered: varint(), dropped: varint() })
/** What lies between the two peers, and what it has counted since it started. */
const Line = struct({ conditions: Weather, up: LineCount, down: LineCount })
export type LineReport = Infer<typeof Line>

export const CHANNELS = {
  /** Page to peer, 60 a second: the newest steering and the few before it. */
  input: unreliable(Input),
  /** Page to peer: the tick of a shot. It must come, and soon. */
  fire: reliable(varint(), { redundancy: 'full', priority: 1 }),
  /** Peer to page, at the state rate: what differs from the newest snapshot that this page has acknowledged. Old ones are of no use. */
  state: unreliable(snapshots(Thing), { ttlMs: 100 }),
  /** Peer to page, 5 a second. */
  you: latest(You),
  /** Peer to page, 5 a second: what lies between us, and what it has counted. */
  line: unreliable(Line),
  /** Who is here. */
  roster: ordered(Roster),
  /** What people say. */
  chat: ordered(ChatLine),
} as const satisfies ChannelTable

export type Channels = typeof CHANNELS

/** What the wire makes of a steering: prediction must use the same value as the peer. */
export function rounded(wanted: Steering): Steering {
  return steering.decode(steering.encode(wanted)) ?? wanted
}

/** Everything in the arena, by the ids of its entities. */
export function* thingsOf(world: World): Generator<readonly [id: number, thing: Thing]> {
  const still = { vx: 0, vy: 0, heading: 0 }
  for (const { id, x, y, vx, vy, heading } of world.ships.values()) yield [id, { x, y, vx, vy, heading, owner: id }]
  for (const [i, { x, y, owner }] of world.balls.entries()) yield [FIRST_BALL + i, { x, y, ...still, owner }]
  for (const { id, x, y, owner } of world.shots) yield [FIRST_SHOT + id, { x, y, ...still, owner }]
}
