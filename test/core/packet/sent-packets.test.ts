import { describe, expect, test } from 'vitest'
import { SentPackets } from '../../../src/core/packet/sent-packets.ts'
import { HorizonRule } from '../../../src/core/recovery/horizon-rule.ts'
import { RttEstimator } from '../../../src/core/recovery/rtt.ts'
import { createStats } from '../../../src/core/stats.ts'
import { AckBits, AckGroupEncoder } from '../../../src/core/wire/ack-groups.ts'
import { Reader } from '../../../src/core/wire/reader.ts'
import { Writer } from '../../../src/core/wire/writer.ts'

/** A path of 80 ms whose horizon is 50 ms before what was acked: a packet is lost by that, or 274 ms after it left; final 160 ms later. */
class Table {
  readonly stats = createStats()
  readonly news: string[] = []
  readonly packets: SentPackets
  readonly rule: HorizonRule
  now = 0

  constructor() {
    const rtt = new RttEstimator()
    rtt.observe(80, 0)
    const tell = (what: string) => (packet: { sequence: number }) => this.news.push(`${packet.sequence} ${what}`)
    const onFate = () => {}
    const listener = {
      onFate,
      onPacketAcked: tell('acked'),
      onPacketLost: tell('lost'),
      onPacketLossFinal: tell('final'),
    }
    this.rule = new HorizonRule(rtt)
    this.packets = new SentPackets(this.rule, listener, this.stats)
  }

  /** Sends packets of 100 bytes, 20 ms apart. */
  send(count: number, { asks = true, isWhole = true } = {}): void {
    for (let i = 0; i < count; i++) {
      this.now += 20
      this.packets.commit(this.packets.begin(), this.now, 100, asks, isWhole)
    }
  }

  /** An ack of `ack` and of those before it that are named. Returns the sequence of the sample. */
  ack(ack: number, ...others: number[]): number | undefined {
    const heard = new Set(others)
    const encoder = new AckGroupEncoder()
    encoder.encode({ has: (sequence) => heard.has(sequence) }, ack, Math.min(ack, ...others), 147)
    const writer = new Writer(200)
    writer.reset(200)
    encoder.write(writer)
    const reader = new Reader()
    reader.reset(writer.view())
    const bits = new AckBits()
    bits.read(reader)
    this.rule.onHorizon((this.packets.find(ack)?.sentAt ?? 0) - 50)
    return this.packets.onAck(ack, bits)?.sequence
  }

  /** What has become known since the last time. */
  told(): string[] {
    return this.news.splice(0)
  }
}

describe('SentPackets', () => {
  test('counts from 0, and knows what is in flight', () => {
    const table = new Table()
    table.send(2)
    table.send(1, { asks: false })
    expect(table.packets.next).toBe(3)
    expect(table.stats).toMatchObject({ packetsInFlight: 3, bytesInFlight: 300 })
    expect(table.packets.elicitingInFlight).toBe(2)
    expect(table.packets.lastElicitingAt).toBe(40)
    expect(table.packets.find(2)?.isEliciting).toBe(false)
    expect(table.packets.find(3)).toBeUndefined()
  })

  test('an ack lands packets once, newest first, and its newest gives a sample', () => {
    const table = new Table()
    table.send(3)
    expect(table.ack(1, 0)).toBe(1)
    expect(table.told()).toEqual(['1 acked', '0 acked'])
    expect(table.stats).toMatchObject({ packetsAcked: 2, packetsInFlight: 1, bytesInFlight: 100 })
    expect(table.packets.elicitingInFlight).toBe(1)
    expect(table.ack(1, 0)).toBeUndefined()
    expect(table.told()).toEqual([])
  })

  test('an older ack that arrives late still lands packets, but gives no sample', () => {
    const table = new Table()
    table.send(3)
    table.ack(2)
    expect(table.ack(1, 0)).toBeUndefined()
    expect(table.told()).toEqual(['2 acked', '1 acked', '0 acked'])
    expect(table.packets.newestAcked).toBe(2)
  })

  test('beyond the horizon: lost at once; within it: when its own time is up', () => {
    const table = new Table()
    table.send(4)
    table.ack(3)
    table.packets.update(table.now)
    expect(table.told()).toEqual(['3 acked', '0 lost'])
    // Packet 1 left at 40: 80 of round trip, four times its variation of 40, 34 of slack.
    expect(table.packets.lossAt).toBe(40 + 274)
    table.packets.update(313)
    expect(table.told()).toEqual(['0 final'])
    table.packets.update(314)
    expect(table.told()).toEqual(['1 lost'])
    expect(table.packets.lossAt).toBe(60 + 274)
    table.packets.update(1_000)
    expect(table.packets.lossAt).toBe(Number.POSITIVE_INFINITY)
  })

  test('what is newer than everything acked is never lost by the rule', () => {
    const table = new Table()
    table.send(2)
    table.ack(0)
    table.packets.update(1e9)
    expect(table.told()).toEqual(['0 acked'])
    expect(table.stats.packetsInFlight).toBe(1)
  })

  test('a late ack takes a loss back, until the loss is final', () => {
    const table = new Table()
    table.send(5)
    table.ack(4)
    table.packets.update(table.now)
    expect(table.told()).toEqual(['4 acked', '0 lost', '1 lost'])
    expect(table.stats.packetsLost).toBe(2)
    expect(table.stats.pipes[0]).toMatchObject({ lostInRow: 2, lateInRow: 2 })
    table.ack(4, 0)
    expect(table.told()).toEqual(['0 acked'])
    // A sign of life, but not of a pipe that delivers in time.
    expect(table.stats.pipes[0]).toMatchObject({ lostInRow: 0, lateInRow: 2 })
    expect(table.stats).toMatchObject({ packetsLost: 1, packetsAcked: 2 })
    table.packets.update(table.now + 300)
    expect(table.told()).toEqual(['2 lost', '3 lost', '1 final'])
    expect(table.packets.finalAt).toBe(table.now + 300 + 160)
  })

  test('after that, an ack mends the counts and tells nobody', () => {
    const table = new Table()
    table.send(4)
    table.ack(3)
    table.packets.update(table.now)
    table.packets.update(table.now + 160)
    table.told()
    const { packetsLost } = table.stats
    const { lossUp } = table.stats
    table.ack(3, 0)
    expect(table.told()).toEqual([])
    expect(table.stats.packetsLost).toBe(packetsLost - 1)
    expect(table.stats.lossUp).toBe(lossUp)
  })

  test('the share of losses counts final losses and acks', () => {
    const table = new Table()
    table.send(10)
    table.ack(9, 8, 7, 6, 5, 4, 3, 2)
    table.packets.update(table.now)
    expect(table.stats.lossUp).toBe(0)
    table.packets.update(table.now + 1_000)
    expect(table.stats.lossUp).toBeCloseTo(0.2)
  })

  test('only a packet with a whole report moves what the peer is known to know', () => {
    const table = new Table()
    table.send(1)
    table.send(1, { isWhole: false })
    expect(table.packets.newestWholeReport).toBe(-1)
    table.ack(1, 0)
    expect(table.packets.newestWholeReport).toBe(0)
  })

  test('finds the oldest packet that waits for an answer', () => {
    const table = new Table()
    expect(table.packets.oldestEliciting()).toBeUndefined()
    table.send(1)
    table.send(1, { asks: false })
    table.send(2)
    expect(table.packets.oldestEliciting()?.sequence).toBe(0)
    table.ack(0)
    expect(table.packets.oldestEliciting()?.sequence).toBe(2)
    table.ack(3, 2)
    expect(table.packets.oldestEliciting()).toBeUndefined()
  })

  test('a packet whose place is needed, 1,024 packets on, is given up with all its news', () => {
    const table = new Table()
    table.send(1_024)
    expect(table.stats.packetsInFlight).toBe(1_024)
    table.send(1)
    expect(table.told()).toEqual(['0 lost', '0 final'])
    expect(table.stats).toMatchObject({ packetsInFlight: 1_024, packetsLost: 1 })
    expect(table.packets.find(0)).toBeUndefined()
    expect(table.packets.find(1_024)?.state).toBe('in-flight')
    // Its ack comes too late for everybody.
    table.ack(1_024, 1)
    expect(table.told()).toEqual(['1024 acked', '1 acked'])
  })

  test('an ack never reaches around the ring to a packet of another time', () => {
    const table = new Table()
    table.send(1_100)
    table.told()
    table.ack(80, 70)
    expect(table.told()).toEqual(['80 acked'])
    expect(table.ack(10)).toBeUndefined()
    expect(table.told()).toEqual([])
  })

  test('over many thousand packets nothing leaks from the counts', () => {
    const table = new Table()
    for (let i = 0; i < 70_000; i++) {
      table.send(1, { asks: i % 3 !== 0 })
      // Every seventh is lost; acks come four packets later.
      if (i >= 4 && (i - 4) % 7 !== 0) table.ack(i - 4)
      table.packets.update(table.now)
    }
    expect(table.stats.packetsInFlight).toBeLessThan(10)
    expect(table.packets.elicitingInFlight).toBeLessThan(10)
    expect(table.stats.bytesInFlight).toBe(100 * table.stats.packetsInFlight)
    expect(table.stats.packetsAcked + table.stats.packetsLost + table.stats.packetsInFlight).toBe(70_000)
    expect(table.stats.lossUp).toBeCloseTo(1 / 7, 1)
  })

  test('visits what is open at the end: in flight, and lost but not for good', () => {
    const table = new Table()
    table.send(5)
    table.ack(4)
    table.packets.update(table.now)
    const open: string[] = []
    table.packets.forEachOpen((packet) => open.push(`${packet.sequence} ${packet.state}`))
    expect(open).toEqual(['0 lost', '1 lost', '2 in-flight', '3 in-flight'])
  })
})

describe('packets that wait below', () => {
  /** Ten packets of 100 bytes, 20 ms apart, on two pipes in turn. */
  function onTwoPipes(): Table {
    const table = new Table()
    for (let i = 0; i < 10; i++) {
      table.now += 20
      table.packets.commit(table.packets.begin(), table.now, 100, true, true, false, i % 2)
    }
    return table
  }
  const held = ({ packets }: Table): number[] =>
    Array.from({ length: 10 }, (_, sequence) => sequence).filter((sequence) => packets.find(sequence)!.isHeld)

  test('are the newest of their pipe, as many as the bytes that wait', () => {
    const table = onTwoPipes()
    table.packets.hold(1, 150, table.now)
    expect(held(table)).toEqual([7, 9])
    table.packets.hold(0, 100, table.now)
    expect(held(table)).toEqual([7, 8, 9])
  })

  test('do not count while they may be just on their way out', () => {
    const table = onTwoPipes()
    table.packets.hold(1, 250, table.now - 4)
    expect(held(table)).toEqual([5, 7])
  })

  test('are not looked for among those whose fate is known, whatever is told', () => {
    const table = onTwoPipes()
    table.ack(8, 0, 1, 2, 3, 4, 5, 6, 7)
    table.packets.update(table.now)
    table.packets.hold(1, Number.POSITIVE_INFINITY, table.now)
    expect(held(table)).toEqual([9])
    table.packets.hold(200, 1e9, table.now)
    expect(held(table)).toEqual([9])
  })
})

test('an ack in time ends a row of late packets', () => {
  const table = new Table()
  table.send(5)
  table.ack(4)
  table.packets.update(table.now)
  expect(table.stats.pipes[0]!.lateInRow).toBe(2)
  table.ack(4, 2)
  expect(table.stats.pipes[0]!.lateInRow).toBe(0)
})

test('pipes are in use while they take a packet now and then', () => {
  const { packets } = new Table()
  const send = (pipe: number) => packets.commit(packets.begin(), 0, 100, false, true, false, pipe)
  expect(packets.pipesInUse).toBe(1)
  send(0)
  send(7)
  expect(packets.pipesInUse).toBe(2)
  for (let i = 0; i < 64; i++) send(7)
  expect(packets.pipesInUse).toBe(1)
})
