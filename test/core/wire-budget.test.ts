import { describe, expect, test } from 'vitest'
import { fragments, headerOf, headersUnder, idleBytesPerSecond, runWire, smallMessages } from '../../bench/wire.mjs'
import * as core from '../../src/index.ts'
import * as sim from '../../src/sim/index.ts'

/** Both ways, 60 Hz, one small message a tick. */
const SECONDS = 20
const RTT_100 = { delayMs: 50 }

describe('bytes of ours in each packet', () => {
  test('8 without loss: flags, sequence, timestamp, ack, ack delay', () => {
    const { header, mostHeader } = headersUnder(core, sim, RTT_100, SECONDS)
    expect(header).toBe(8)
    expect(mostHeader).toBe(8)
  })

  test('14 at most at 5 % loss both ways', () => {
    expect(headersUnder(core, sim, { ...RTT_100, loss: 0.05 }, SECONDS).header).toBeLessThanOrEqual(14)
  })

  test('4 at most to tell of losses at 30 % both ways', () => {
    expect(headersUnder(core, sim, { ...RTT_100, loss: 0.3 }, SECONDS).groups).toBeLessThanOrEqual(4)
  })

  test('some more after a blackout of a second, and 8 again soon after', () => {
    const blackout = { ...RTT_100, blackouts: [{ fromMs: 3_000, lengthMs: 1_000 }] }
    expect(headersUnder(core, sim, blackout, SECONDS).mostHeader).toBeLessThanOrEqual(24)
    expect(headersUnder(core, sim, blackout, SECONDS).header).toBeLessThan(8.2)
  })
})

describe('bytes of ours for each message', () => {
  test.each([
    ['unreliable', false, 10, 2],
    ['sequenced', false, 10, 2],
    ['sequenced', true, 11, 3],
    ['reliable', false, 13, 3],
    ['ordered', false, 13, 3],
    ['latest', true, 14, 4],
  ] as const)('%s (keys: %s): %i alone in its packet, %i for each further one', (kind, hasKeys, alone, further) => {
    // Without keys one value replaces another, so there is no further one to count.
    const measured = smallMessages(core, kind, hasKeys)
    expect(measured.alone).toBeLessThanOrEqual(alone)
    if (hasKeys || kind !== 'sequenced') expect(measured.further).toBeLessThanOrEqual(further)
  })

  test.each(['unreliable', 'sequenced', 'reliable', 'ordered', 'latest'] as const)('a fragment, %s: 5', (kind) => {
    expect(fragments(core, kind, 65_536)).toBeLessThanOrEqual(5)
    expect(fragments(core, kind, 1_048_576)).toBeLessThanOrEqual(6)
  })
})

test('silence costs 8 bytes a second or less', () => {
  expect(idleBytesPerSecond(core, sim)).toBeLessThanOrEqual(8)
})

describe('the bench', () => {
  test('reads headers as they are', () => {
    expect(headerOf(Uint8Array.of(0x00, 0, 0, 0, 0, 9))).toEqual({ header: 5, groups: 0 })
    expect(headerOf(Uint8Array.of(0x18, 0, 0, 0, 0, 0, 0, 5, 9))).toEqual({ header: 8, groups: 0 })
    expect(headerOf(Uint8Array.of(0x28, 0, 0, 0, 0, 0, 0, 1, 0xc0, 5))).toEqual({ header: 10, groups: 2 })
    expect(headerOf(Uint8Array.of(0x40, 1))).toBeUndefined()
    expect(headerOf(new Uint8Array(0))).toBeUndefined()
  })

  test('says which targets are held, beside what others add', () => {
    const { rows, text } = runWire(core, sim, { quick: true })
    for (const { name, bytes, atMost } of rows)
      if (atMost !== undefined) expect(bytes, name).toBeLessThanOrEqual(atMost)
    expect(text).not.toContain('MISSED')
    expect(text).toContain('pickleback | 14')
  })
})
