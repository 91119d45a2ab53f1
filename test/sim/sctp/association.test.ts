import { describe, expect, test } from 'vitest'
import { DCSCTP, LIBDATACHANNEL, SctpAssociation, type SctpOptions } from '../../../src/sim/index.ts'

const NEVER = { maxRetransmits: 0 }

function associationOf(options: SctpOptions, reliability = NEVER): SctpAssociation {
  return new SctpAssociation({ options, reliability, tag: 0 })
}

/** Everything that leaves at `now`. */
function leaving(from: SctpAssociation, now: number): Uint8Array<ArrayBuffer>[] {
  const packets = []
  for (let packet = from.poll(now); packet !== undefined; packet = from.poll(now)) packets.push(packet)
  return packets
}

function messagesOf(to: SctpAssociation): number[] {
  const lengths = []
  for (let message = to.pollMessage(); message !== undefined; message = to.pollMessage()) lengths.push(message.length)
  return lengths
}

/** Sends `count` messages of `bytes` at once and says how many packets leave. */
function burstOf(from: SctpAssociation, count: number, bytes: number, now = 0): Uint8Array<ArrayBuffer>[] {
  const packets = []
  for (let i = 0; i < count; i++) {
    from.send(new Uint8Array(bytes), now)
    packets.push(...leaving(from, now))
  }
  return packets
}

describe.each([
  ['dcSCTP', DCSCTP],
  ['usrsctp', LIBDATACHANNEL],
])('%s', (_name, options) => {
  test('carries messages of any size whole, in one packet when they fit', () => {
    const [a, b] = [associationOf(options), associationOf(options)]
    for (const bytes of [1, 4, 100, 1150, 1156, 3000, 4500]) {
      a.send(new Uint8Array(bytes), 0)
      const packets = leaving(a, 0)
      expect(packets.length, `${bytes} B`).toBe(Math.ceil(bytes / 1160))
      for (const packet of packets) b.receive(packet, 0)
      expect(messagesOf(b)).toEqual([bytes])
      for (const sack of leaving(b, 300)) a.receive(sack, 0)
    }
  })

  test('sends its initial window of ten MTUs and queues the rest', () => {
    const a = associationOf(options)
    const packets = burstOf(a, 30, 1000)
    expect(packets.length).toBeGreaterThanOrEqual(11)
    expect(packets.length).toBeLessThanOrEqual(12)
    expect(a.unsentBytes).toBe((30 - packets.length) * 1000)
  })

  test('after three missing reports it halves its window, gives the message up and skips it', () => {
    const [a, b] = [associationOf(options), associationOf(options)]
    const packets = burstOf(a, 8, 1000)
    const before = a.windowBytes
    // The first is lost: each later one is a gap report at once.
    for (const packet of packets.slice(1)) {
      b.receive(packet, 50)
      for (const sack of leaving(b, 50)) a.receive(sack, 100)
    }
    expect(a.counters).toMatchObject({ losses: 1, abandoned: 1, timeouts: 0 })
    expect(a.windowBytes).toBeLessThan(before)
    expect(a.windowBytes).toBeGreaterThanOrEqual(options.lossFloorMtus * options.mtuBytes)
    for (const packet of leaving(a, 100)) b.receive(packet, 150)
    for (const sack of leaving(b, 400)) a.receive(sack, 450)
    expect(messagesOf(b)).toHaveLength(7)
    // Nothing is outstanding any more: no T3 runs.
    expect(a.wakeAt).toBe(Number.POSITIVE_INFINITY)
  })

  test('when nothing comes back T3 takes the window to one MTU, and doubles up to its maximum', () => {
    const a = associationOf(options)
    burstOf(a, 30, 1000)
    const gaps: number[] = []
    let now = 0
    for (let i = 0; i < 8; i++) {
      gaps.push(a.wakeAt - now)
      now = a.wakeAt
      leaving(a, now)
      expect(a.windowBytes).toBe(options.mtuBytes)
    }
    expect(gaps[0]).toBe(options.rtoInitialMs)
    expect(gaps[1]).toBe(2 * options.rtoInitialMs)
    expect(gaps.at(-1)).toBe(options.rtoMaxMs)
    expect(a.counters.timeouts).toBe(8)
  })

  test('delays a SACK, sends it at once with the second packet, and along with data', () => {
    const [a, b] = [associationOf({ ...options, immediateSackMtus: 0 }), associationOf(options)]
    const packets = burstOf(a, 3, 100)
    b.receive(packets[0]!, 0)
    expect(leaving(b, 0)).toHaveLength(0)
    expect(b.wakeAt).toBe(options.sackDelayMs)
    b.receive(packets[1]!, 5)
    expect(leaving(b, 5)).toHaveLength(1)
    b.receive(packets[2]!, 6)
    b.send(new Uint8Array(100), 7)
    expect(leaving(b, 7)).toHaveLength(1)
    expect(b.wakeAt).toBeGreaterThan(100)
  })

  test('reliable messages are sent again until they arrive', () => {
    const [a, b] = [associationOf(options, {} as typeof NEVER), associationOf(options)]
    for (const _lost of burstOf(a, 5, 1000)) {
      // Nobody hears it.
    }
    for (let now = 0; now < 20_000; now += 10) {
      for (const packet of leaving(a, now)) b.receive(packet, now)
      for (const sack of leaving(b, now)) a.receive(sack, now)
    }
    expect(messagesOf(b)).toHaveLength(5)
  })
})

describe('bufferedAmount', () => {
  test('of dcSCTP is what was not sent', () => {
    const a = associationOf(DCSCTP)
    burstOf(a, 100, 1000)
    expect(a.bufferedAmount).toBe(a.unsentBytes)
    expect(a.bufferedAmount).toBeGreaterThan(80_000)
  })

  test('of libdatachannel is 0 until the send buffer is full, and counts only what did not fit', () => {
    const a = associationOf(LIBDATACHANNEL)
    burstOf(a, 100, 1000)
    expect([a.bufferedAmount, a.unsentBytes > 80_000]).toEqual([0, true])
    const small = associationOf({ ...LIBDATACHANNEL, sendBufferBytes: 16_384 })
    burstOf(small, 100, 1000)
    expect(small.bufferedAmount).toBeGreaterThan(80_000)
    // Sent and unacked, or in the buffer and not told.
    expect(small.unsentBytes - small.bufferedAmount).toBeLessThan(16_384)
  })
})

describe('what usrsctp forgets', () => {
  test('a chunk abandoned while the round trip is measured on it leaves T3 as it is for ever', () => {
    const run = (losesMeasurement: boolean): number => {
      const a = new SctpAssociation({
        options: { ...LIBDATACHANNEL, losesMeasurement },
        reliability: NEVER,
        tag: 0,
        rttMs: 20,
      })
      const b = associationOf(LIBDATACHANNEL)
      let now = 0
      // The first is lost while it is measured; then all comes, 300 ms later.
      burstOf(a, 1, 100, now)
      for (let i = 0; i < 40; i++) {
        const packets = burstOf(a, 1, 100, (now += 300))
        for (const packet of [...packets, ...leaving(a, now)]) b.receive(packet, now + 150)
        for (const sack of leaving(b, now + 170)) a.receive(sack, now + 299)
      }
      return a.rtoMs
    }
    expect(run(true)).toBe(400)
    expect(run(false)).toBeGreaterThan(295)
    expect(run(false)).toBeLessThan(400)
  })
})
