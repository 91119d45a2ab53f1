/**
 * What the page and the authoritative peer say to each other: the channel table and the bytes of each message.
 * Both sides import this one file, so neither can drift from the other.
 */
import type { ChannelTable } from 'gannet'
import type { Conditions } from './conditions.ts'
import { ARENA, type Ball, type Ship, type Shot, type Steering } from './world.ts'

/** Our own version; the handshake compares it. Raise it when a message below changes. */
export const PROTOCOL = 'gannet-demo/2'

export const CHANNELS = {
  /** Page to peer, 60 a second: the newest steering and the few before it. */
  input: { kind: 'unreliable', maxMessageBytes: 64 },
  /** Page to peer: a shot. It must come, and soon. */
  fire: { kind: 'reliable', maxMessageBytes: 8, redundancy: 'full', priority: 1 },
  /** Peer to page, at the state rate: each ship under its own key, what else moves under key 0. */
  state: { kind: 'sequenced', maxMessageBytes: 1_024 },
  /** Peer to page, 5 a second: what lies between us, and what it has counted. */
  line: { kind: 'unreliable', maxMessageBytes: 512 },
  /** Who is here. */
  roster: { kind: 'ordered', maxMessageBytes: 8_192 },
  /** What people say. */
  chat: { kind: 'ordered', maxMessageBytes: 1_024 },
} as const satisfies ChannelTable

export type Channels = typeof CHANNELS

/** Key of everything that is no ship. */
export const SCENERY_KEY = 0
/** Steerings in one input message: 9 ticks, so that up to 8 lost packets in a row cost nothing. */
export const INPUT_REDUNDANCY = 9
/** Longest chat line, characters. */
export const CHAT_LIMIT = 140

/** The arena at one tick, as one page sees it; `state.ts` makes it of what came. */
export interface Snapshot {
  /** Tick of the peer's world. */
  readonly tick: number
  /** Number of our last input that is part of it, 0 before the first. */
  readonly input: number
  /** Our ship. */
  readonly self: number
  readonly ships: readonly Ship[]
  readonly balls: readonly Ball[]
  readonly shots: readonly Shot[]
}

/** One ship at one tick. */
export interface ShipState {
  readonly tick: number
  /** Number of its player's last input that is part of it. */
  readonly input: number
  readonly ship: Ship
}

/** Everything else at one tick. */
export interface Scenery {
  readonly tick: number
  readonly balls: readonly Ball[]
  readonly shots: readonly Shot[]
}

/** Steerings of consecutive ticks; the first is number `newest`, the next one `newest - 1`, and so on. */
export interface InputMessage {
  readonly newest: number
  readonly steerings: readonly Steering[]
}

/** Datagrams of one direction through the relay. */
export interface LineCount {
  readonly offered: number
  readonly dropped: number
}

/** What lies between the two peers, and what it has counted since it started. */
export interface LineReport {
  readonly conditions: Conditions
  readonly up: LineCount
  readonly down: LineCount
}

export interface ChatLine {
  /** Ship of the speaker; 0 is the peer itself. */
  readonly from: number
  readonly name: string
  readonly text: string
}

export interface Roster {
  /** Ship of the addressee. */
  readonly self: number
  readonly entries: readonly RosterEntry[]
}

export interface RosterEntry {
  readonly id: number
  readonly name: string
  readonly isBot: boolean
}

const SHIP_STATE_BYTES = 20
const SCENERY_HEADER_BYTES = 6
const THING_BYTES = 5
/** Fastest speed that fits the 16-bit field, units a second. */
const SPEED_RANGE = 2_000
const TURN = 2 * Math.PI

const toUnsigned16 = (value: number, range: number): number =>
  Math.round(Math.min(1, Math.max(0, value / range)) * 65_535)
const toSigned16 = (value: number, range: number): number =>
  Math.round(Math.min(1, Math.max(-1, value / range)) * 32_767)
const viewOf = (payload: Uint8Array): DataView => new DataView(payload.buffer, payload.byteOffset, payload.byteLength)

/** 20 bytes; its key is the ship's id. */
export function encodeShip({ tick, input, ship }: ShipState): Uint8Array {
  const view = new DataView(new ArrayBuffer(SHIP_STATE_BYTES))
  view.setUint32(0, tick)
  view.setUint32(4, input)
  view.setUint16(8, toUnsigned16(ship.x, ARENA.width))
  view.setUint16(10, toUnsigned16(ship.y, ARENA.height))
  view.setInt16(12, toSigned16(ship.vx, SPEED_RANGE))
  view.setInt16(14, toSigned16(ship.vy, SPEED_RANGE))
  view.setUint16(16, Math.round((((ship.heading % TURN) + TURN) % TURN) * (65_535 / TURN)))
  view.setUint16(18, ship.thrust * 65_535)
  return new Uint8Array(view.buffer)
}

/** `undefined` when the payload is not a ship. */
export function decodeShip(payload: Uint8Array, id: number): ShipState | undefined {
  if (payload.length !== SHIP_STATE_BYTES) return undefined
  const view = viewOf(payload)
  return {
    tick: view.getUint32(0),
    input: view.getUint32(4),
    ship: {
      id,
      x: (view.getUint16(8) / 65_535) * ARENA.width,
      y: (view.getUint16(10) / 65_535) * ARENA.height,
      vx: (view.getInt16(12) / 32_767) * SPEED_RANGE,
      vy: (view.getInt16(14) / 32_767) * SPEED_RANGE,
      heading: (view.getUint16(16) / 65_535) * TURN,
      thrust: view.getUint16(18) / 65_535,
    },
  }
}

/** 6 bytes, then 5 a ball and 5 a shot. */
export function encodeScenery({ tick, balls, shots }: Scenery): Uint8Array {
  const view = new DataView(new ArrayBuffer(SCENERY_HEADER_BYTES + (balls.length + shots.length) * THING_BYTES))
  view.setUint32(0, tick)
  view.setUint8(4, balls.length)
  view.setUint8(5, shots.length)
  let at = SCENERY_HEADER_BYTES
  for (const things of [balls, shots]) {
    for (const thing of things) {
      view.setUint16(at, toUnsigned16(thing.x, ARENA.width))
      view.setUint16(at + 2, toUnsigned16(thing.y, ARENA.height))
      view.setUint8(at + 4, thing.owner)
      at += THING_BYTES
    }
  }
  return new Uint8Array(view.buffer)
}

/** `undefined` when the payload is no scenery. */
export function decodeScenery(payload: Uint8Array): Scenery | undefined {
  if (payload.length < SCENERY_HEADER_BYTES) return undefined
  const view = viewOf(payload)
  const ballCount = view.getUint8(4)
  const things = ballCount + view.getUint8(5)
  if (payload.length !== SCENERY_HEADER_BYTES + things * THING_BYTES) return undefined
  const all: Ball[] = []
  for (let i = 0, at = SCENERY_HEADER_BYTES; i < things; i++, at += THING_BYTES) {
    all.push({
      x: (view.getUint16(at) / 65_535) * ARENA.width,
      y: (view.getUint16(at + 2) / 65_535) * ARENA.height,
      owner: view.getUint8(at + 4),
    })
  }
  return { tick: view.getUint32(0), balls: all.slice(0, ballCount), shots: all.slice(ballCount) }
}

/** Number of the newest steering, then two signed bytes a steering, newest first. */
export function encodeInput(input: InputMessage): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 + input.steerings.length * 2))
  view.setUint32(0, input.newest)
  input.steerings.forEach((steering, i) => {
    view.setInt8(4 + i * 2, Math.round(steering.x * 127))
    view.setInt8(5 + i * 2, Math.round(steering.y * 127))
  })
  return new Uint8Array(view.buffer)
}

/** `undefined` when the payload is not an input message. */
export function decodeInput(payload: Uint8Array): InputMessage | undefined {
  if (payload.length < 6 || payload.length > 4 + INPUT_REDUNDANCY * 2 || payload.length % 2 !== 0) return undefined
  const view = viewOf(payload)
  const steerings: Steering[] = []
  for (let at = 4; at < payload.length; at += 2) {
    steerings.push({ x: view.getInt8(at) / 127, y: view.getInt8(at + 1) / 127 })
  }
  return { newest: view.getUint32(0), steerings }
}

/** What the wire makes of a steering: prediction must use the same value as the peer. */
export function quantiseSteering(steering: Steering): Steering {
  return { x: Math.round(steering.x * 127) / 127, y: Math.round(steering.y * 127) / 127 }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** What is rare is JSON: easy to read in a debugger. */
const encodeJson = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value))

function decodeJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(payload))
  } catch {
    return undefined
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

export const encodeLine = (report: LineReport): Uint8Array => encodeJson(report)

/** `undefined` when the payload is not a report. The peer made it of what it had checked. */
export function decodeLine(payload: Uint8Array): LineReport | undefined {
  const value = decodeJson(payload)
  if (!isRecord(value) || !isRecord(value['conditions']) || !isRecord(value['up']) || !isRecord(value['down'])) {
    return undefined
  }
  return value as unknown as LineReport
}

export const encodeChat = (line: ChatLine): Uint8Array => encodeJson(line)

/** `undefined` when the payload is not a chat line. Text beyond the limit is cut. */
export function decodeChat(payload: Uint8Array): ChatLine | undefined {
  const value = decodeJson(payload)
  if (!isRecord(value)) return undefined
  const { from, name, text } = value
  if (typeof from !== 'number' || typeof name !== 'string' || typeof text !== 'string') return undefined
  return { from, name, text: text.slice(0, CHAT_LIMIT) }
}

export const encodeRoster = (roster: Roster): Uint8Array => encodeJson(roster)

/** `undefined` when the payload is not a roster. */
export function decodeRoster(payload: Uint8Array): Roster | undefined {
  const value = decodeJson(payload)
  if (!isRecord(value) || typeof value['self'] !== 'number' || !Array.isArray(value['entries'])) return undefined
  const entries = value['entries'].filter(
    (entry): entry is RosterEntry =>
      isRecord(entry) &&
      typeof entry['id'] === 'number' &&
      typeof entry['name'] === 'string' &&
      typeof entry['isBot'] === 'boolean',
  )
  return { self: value['self'], entries }
}
