import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../../src/core/bytes.ts'
import { Duo, drained, pattern } from '../support.ts'

const CHANNELS = { line: { kind: 'unreliable' }, state: { kind: 'sequenced' } } as const
const TICK_MS = 16

interface Plan {
  readonly channel: 'line' | 'state'
  /** So long after a packet was handed down it is seen to wait below, ms. */
  readonly seenAfterMs: number
  /** Messages of 1,000 bytes in a tick. */
  readonly messages?: number
  /** One packet in so many is lost. */
  readonly losesOneIn?: number
}

/** Ticks left out while a game plays for so long over a layer below that holds the packet of each tick back for a moment. */
function skippedTicks(ticks: number, { channel, seenAfterMs, messages = 1, losesOneIn = 0 }: Plan): number {
  const duo = new Duo(CHANNELS).open()
  let sent = 0
  for (let tick = 0; tick < ticks; tick++) {
    duo.client.backlogBytes = 0
    for (let i = 0; i < messages; i++) duo.client.send(channel, pattern(1000))
    const first: Bytes | undefined = duo.client.pollPacket()?.slice()
    sent++
    if (first !== undefined && sent % losesOneIn !== 0) duo.server.receive(first, duo.now)
    duo.pass(seenAfterMs)
    duo.client.backlogBytes = 1000
    duo.client.send(channel, pattern(1000))
    expect(duo.client.pollPacket()).toBeUndefined()
    expect(duo.client.stats.limitedBy).toBe('backlog')
    duo.pass(TICK_MS - seenAfterMs)
    for (const packet of drained(duo.server)) duo.client.receive(packet, duo.now)
  }
  return duo.client.stats.heldTicks.share
}

describe('a packet that still waits below', () => {
  test.each([1, 2, 3])('%i ms after it was handed down is on its way out, and costs no tick', (seenAfterMs) => {
    expect(skippedTicks(200, { channel: 'state', seenAfterMs })).toBe(0)
  })

  test.each([4, 8])('%i ms after it was handed down is held back, and costs ticks', (seenAfterMs) => {
    expect(skippedTicks(200, { channel: 'state', seenAfterMs })).toBeGreaterThan(10)
  })
})

describe('a line of messages longer than what waits below', () => {
  test('costs no tick, since what comes late has waited in the line', () => {
    expect(skippedTicks(200, { channel: 'line', seenAfterMs: 8, messages: 4 })).toBe(0)
  })

  test('does on a path that loses one packet in ten', () => {
    expect(skippedTicks(400, { channel: 'line', seenAfterMs: 8, messages: 4, losesOneIn: 10 })).toBeGreaterThan(10)
  })

  test('is none if newer messages replace those that wait', () => {
    expect(skippedTicks(200, { channel: 'state', seenAfterMs: 8, messages: 20 })).toBeGreaterThan(10)
  })
})
