/**
 * What the page and the authoritative peer say to each other: the channel table and the bytes of each message.
 * Both sides import this one file, so neither can drift from the other.
 */
import type { ChannelTable } from 'gannet'
import type { Conditions } from './conditions.ts'
import { ARENA, type Ball, type Ship, type Steering } from './world.ts'

/** Our own version; the handshake compares it. Raise it when a message below changes. */
export const PROTOCOL = 'gannet-demo/1'

export const CHANNELS = {
  /** Page to peer, 60 a second: the newest steering and the few before it. */
  input: { kind: 'unreliable', maxMessageBytes: 64 },
  /** Peer to page, 60 a second: the whole arena. */
  snapshot: { kind: 'unreliable', maxMessageBytes: 1_024 },
  /** Peer to page, 10 a second: what the relay between us does, and what it has counted. */
  relay: { kind: 'unreliable', maxMessageBytes: 64 },
  /** Page to peer, 10 a second: a number. Back: how many arrived. Shows that nothing is lost. */
  count: { kind: 'ordered', maxMessageBytes: 64 },
  /** Who is here. */
  roster: { kind: 'ordered', maxMessageBytes: 4_096 },
  /** What people say. */
  chat: { kind: 'ordered', maxMessageBytes: 1_024 },
} as const satisfies ChannelTable

export type Channels = typeof CHANNELS

/** Steerings in one input message: 9 ticks, so that up to 8 lost packets in a row cost nothing. */
export const INPUT_REDUNDANCY = 9
/** Longest chat line, characters. */
export const CHAT_LIMIT = 140

/** The arena at one tick, as one page sees it. */
export interface Snapshot {
  /** Tick of the peer's world. */
  readonly tick: number
  /** Number of the addressee's last input that is part of this snapshot, 0 before the first. */
  readonly input: number
  /** Ship of the addressee. */
  readonly self: number
  readonly ships: readonly Ship[]
  readonly balls: readonly Ball[]
}

/** Steerings of consecutive ticks; the first is number `newest`, the next one `newest - 1`, and so on. */
export interface InputMessage {
  readonly newest: number
  readonly steerings: readonly Steering[]
}

/** What the peer has seen of the numbered messages. */
export interface CountEcho {
  readonly arrived: number
  /** Messages whose number was not the one after the last. */
  readonly outOfOrder: number
}

/** Datagrams of one direction through the relay. */
export interface RelayCount {
  readonly offered: number
  readonly dropped: number
}

/** What the relay between the two peers does, and what it has counted since it started. */
export interface RelayReport {
  readonly conditions: Conditions
  readonly up: RelayCount
  readonly down: RelayCount
}

export interface ChatLine {
  /** Ship of the speaker; 0 is the peer itself. */
  readonly from: number
  readonly name: string
  readonly text: string
}

export interface RosterEntry {
  readonly id: number
  readonly name: string
  readonly isBot: boolean
}

const SNAPSHOT_HEADER_BYTES = 12
const SHIP_BYTES = 13
const BALL_BYTES = 5
/** Fastest speed that fits the 16-bit field, units a second. */
const SPEED_RANGE = 2_000
const TURN = 2 * Math.PI

const toUnsigned16 = (value: number, range: number): number =>
  Math.round(Math.min(1, Math.max(0, value / range)) * 65_535)
const toSigned16 = (value: number, range: number): number =>
  Math.round(Math.min(1, Math.max(-1, value / range)) * 32_767)
const viewOf = (payload: Uint8Array): DataView => new DataView(payload.buffer, payload.byteOffset, payload.byteLength)

/** 12 bytes, then 13 a ship and 5 a ball: 111 bytes for three ships and twelve balls. */
export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  const { ships, balls } = snapshot
  const view = new DataView(
    new ArrayBuffer(SNAPSHOT_HEADER_BYTES + ships.length * SHIP_BYTES + balls.length * BALL_BYTES),
  )
  view.setUint32(0, snapshot.tick)
  view.setUint32(4, snapshot.input)
  view.setUint8(8, snapshot.self)
  view.setUint8(9, ships.length)
  view.setUint8(10, balls.length)
  let at = SNAPSHOT_HEADER_BYTES
  for (const ship of ships) {
    view.setUint8(at, ship.id)
    view.setUint16(at + 1, toUnsigned16(ship.x, ARENA.width))
    view.setUint16(at + 3, toUnsigned16(ship.y, ARENA.height))
    view.setInt16(at + 5, toSigned16(ship.vx, SPEED_RANGE))
    view.setInt16(at + 7, toSigned16(ship.vy, SPEED_RANGE))
    view.setUint16(at + 9, Math.round((((ship.heading % TURN) + TURN) % TURN) * (65_535 / TURN)))
    view.setUint16(at + 11, ship.thrust * 65_535)
    at += SHIP_BYTES
  }
  for (const ball of balls) {
    view.setUint16(at, toUnsigned16(ball.x, ARENA.width))
    view.setUint16(at + 2, toUnsigned16(ball.y, ARENA.height))
    view.setUint8(at + 4, ball.owner)
    at += BALL_BYTES
  }
  return new Uint8Array(view.buffer)
}

/** `undefined` when the payload is not a snapshot. */
export function decodeSnapshot(payload: Uint8Array): Snapshot | undefined {
  if (payload.length < SNAPSHOT_HEADER_BYTES) return undefined
  const view = viewOf(payload)
  const shipCount = view.getUint8(9)
  const ballCount = view.getUint8(10)
  if (payload.length !== SNAPSHOT_HEADER_BYTES + shipCount * SHIP_BYTES + ballCount * BALL_BYTES) return undefined
  let at = SNAPSHOT_HEADER_BYTES
  const ships: Ship[] = []
  for (let i = 0; i < shipCount; i++, at += SHIP_BYTES) {
    ships.push({
      id: view.getUint8(at),
      x: (view.getUint16(at + 1) / 65_535) * ARENA.width,
      y: (view.getUint16(at + 3) / 65_535) * ARENA.height,
      vx: (view.getInt16(at + 5) / 32_767) * SPEED_RANGE,
      vy: (view.getInt16(at + 7) / 32_767) * SPEED_RANGE,
      heading: (view.getUint16(at + 9) / 65_535) * TURN,
      thrust: view.getUint16(at + 11) / 65_535,
    })
  }
  const balls: Ball[] = []
  for (let i = 0; i < ballCount; i++, at += BALL_BYTES) {
    balls.push({
      x: (view.getUint16(at) / 65_535) * ARENA.width,
      y: (view.getUint16(at + 2) / 65_535) * ARENA.height,
      owner: view.getUint8(at + 4),
    })
  }
  return { tick: view.getUint32(0), input: view.getUint32(4), self: view.getUint8(8), ships, balls }
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

export function encodeNumber(number: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(4))
  view.setUint32(0, number)
  return new Uint8Array(view.buffer)
}

/** `undefined` when the payload is not a number. */
export function decodeNumber(payload: Uint8Array): number | undefined {
  return payload.length === 4 ? viewOf(payload).getUint32(0) : undefined
}

export function encodeCountEcho(echo: CountEcho): Uint8Array {
  const view = new DataView(new ArrayBuffer(8))
  view.setUint32(0, echo.arrived)
  view.setUint32(4, echo.outOfOrder)
  return new Uint8Array(view.buffer)
}

/** `undefined` when the payload is not an echo. */
export function decodeCountEcho(payload: Uint8Array): CountEcho | undefined {
  if (payload.length !== 8) return undefined
  const view = viewOf(payload)
  return { arrived: view.getUint32(0), outOfOrder: view.getUint32(4) }
}

/** Five numbers of the conditions as 32-bit floats, four counters as 32-bit integers. */
export function encodeRelayReport({ conditions, up, down }: RelayReport): Uint8Array {
  const view = new DataView(new ArrayBuffer(36))
  const { lossUp, lossDown, delayMs, jitterMs, duplicate } = conditions
  ;[lossUp, lossDown, delayMs, jitterMs, duplicate].forEach((value, i) => {
    view.setFloat32(i * 4, value)
  })
  ;[up.offered, up.dropped, down.offered, down.dropped].forEach((value, i) => {
    view.setUint32(20 + i * 4, value)
  })
  return new Uint8Array(view.buffer)
}

/** `undefined` when the payload is not a report. */
export function decodeRelayReport(payload: Uint8Array): RelayReport | undefined {
  if (payload.length !== 36) return undefined
  const view = viewOf(payload)
  return {
    conditions: {
      lossUp: view.getFloat32(0),
      lossDown: view.getFloat32(4),
      delayMs: view.getFloat32(8),
      jitterMs: view.getFloat32(12),
      duplicate: view.getFloat32(16),
    },
    up: { offered: view.getUint32(20), dropped: view.getUint32(24) },
    down: { offered: view.getUint32(28), dropped: view.getUint32(32) },
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Text messages are rare, so they are JSON: easy to read in a debugger. */
const encodeJson = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value))

function decodeJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(payload))
  } catch {
    return undefined
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

export const encodeChat = (line: ChatLine): Uint8Array => encodeJson(line)

/** `undefined` when the payload is not a chat line. Text beyond the limit is cut. */
export function decodeChat(payload: Uint8Array): ChatLine | undefined {
  const value = decodeJson(payload)
  if (!isRecord(value)) return undefined
  const { from, name, text } = value
  if (typeof from !== 'number' || typeof name !== 'string' || typeof text !== 'string') return undefined
  return { from, name, text: text.slice(0, CHAT_LIMIT) }
}

export const encodeRoster = (roster: readonly RosterEntry[]): Uint8Array => encodeJson(roster)

/** `undefined` when the payload is not a roster. */
export function decodeRoster(payload: Uint8Array): RosterEntry[] | undefined {
  const value = decodeJson(payload)
  if (!Array.isArray(value)) return undefined
  return value.filter(
    (entry): entry is RosterEntry =>
      isRecord(entry) &&
      typeof entry['id'] === 'number' &&
      typeof entry['name'] === 'string' &&
      typeof entry['isBot'] === 'boolean',
  )
}
