/** What is raced: one stream of states and one of messages, the same bytes at the same instant over every carrier. */
import type { ChannelTable } from 'gannet'

export const RACE_PROTOCOL = 'gannet-race/1'

/** How Gannet carries them. */
export const RACE_CHANNELS = {
  /** The newest state is what counts. */
  state: { kind: 'sequenced', maxMessageBytes: 1_000 },
  /** Each must come, in order. */
  message: { kind: 'ordered', maxMessageBytes: 64, redundancy: 'full', priority: 1 },
} as const satisfies ChannelTable

/** Who races; where to send an offer for each. */
export const RUNNERS = ['gannet', 'plain', 'reliable'] as const
export type RunnerName = (typeof RUNNERS)[number]

/** Messages a second. */
export const MESSAGE_HZ = 10

/** First byte over carriers that have one channel for both. */
export const KIND = { state: 0, message: 1 } as const

/** A state or a message as it arrived. */
export interface Parcel {
  /** Instant of its making, ms on the server's clock. */
  readonly sentAt: number
  /** 1, 2, 3, … of its kind, since the server has started. */
  readonly number: number
  /** Where the bird is, 0 to 1 each; of states only. */
  readonly x: number
  readonly y: number
}

const PARCEL_BYTES = 20

/** `bytes` long, at least 20; what is beyond is ballast. */
export function encodeParcel(parcel: Parcel, bytes: number = PARCEL_BYTES): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(Math.max(PARCEL_BYTES, bytes)))
  view.setFloat64(0, parcel.sentAt)
  view.setUint32(8, parcel.number)
  view.setFloat32(12, parcel.x)
  view.setFloat32(16, parcel.y)
  return new Uint8Array(view.buffer)
}

/** `undefined` when it is none. */
export function decodeParcel(payload: Uint8Array): Parcel | undefined {
  if (payload.length < PARCEL_BYTES) return undefined
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  return { sentAt: view.getFloat64(0), number: view.getUint32(8), x: view.getFloat32(12), y: view.getFloat32(16) }
}

/** The course: where the bird is at an instant of the server's clock, so that the page can draw the truth beside what it was told. */
export function courseAt(timeMs: number): { x: number; y: number } {
  const t = timeMs / 1_000
  return {
    x: 0.5 + 0.46 * Math.sin(t * 1.05) * Math.cos(t * 0.13),
    y: 0.5 + 0.3 * Math.sin(t * 2.1 + 0.6),
  }
}

/** Makes the parcels of each tick and hands the same ones to everybody who runs. */
export class Starter {
  readonly #runners: Set<Runner> = new Set()
  #states = 0
  #messages = 0
  #stateDueAt = 0
  #messageDueAt = 0

  /** The returned function takes the runner out. */
  add(runner: Runner): () => void {
    this.#runners.add(runner)
    return () => this.#runners.delete(runner)
  }

  /** Each tick; `now` is the clock that parcels carry, ms. */
  tick(now: number, stateHz: number, stateBytes: number): void {
    if (now >= this.#stateDueAt) {
      this.#stateDueAt = next(this.#stateDueAt, 1_000 / stateHz, now)
      const state = encodeParcel({ sentAt: now, number: ++this.#states, ...courseAt(now) }, stateBytes)
      for (const runner of this.#runners) runner.sendState(state)
    }
    if (now >= this.#messageDueAt) {
      this.#messageDueAt = next(this.#messageDueAt, 1_000 / MESSAGE_HZ, now)
      const message = encodeParcel({ sentAt: now, number: ++this.#messages, x: 0, y: 0 })
      for (const runner of this.#runners) runner.sendMessage(message)
    }
  }
}

/** Somebody who carries parcels. */
export interface Runner {
  sendState(state: Uint8Array): void
  sendMessage(message: Uint8Array): void
}

/** The next instant of a rhythm, a little early rather than a tick late; without making up for a pause. */
function next(dueAt: number, everyMs: number, now: number): number {
  const at = dueAt + everyMs
  return at < now - 100 ? now + everyMs - 2 : at
}

/** Puts the kind before the payload. */
export function withKind(kind: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const packet = new Uint8Array(payload.length + 1)
  packet[0] = kind
  packet.set(payload, 1)
  return packet
}
