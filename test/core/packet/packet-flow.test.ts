import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../../src/core/bytes.ts'
import type { LossRule, RoundTrip } from '../../../src/core/config.ts'
import { type DataTree, decodePacket } from '../../wire/oracle.ts'
import { bytesOf, Duo, drained, eventsOf, messagesOf, pattern, verdictsOf } from '../support.ts'

const CHANNELS = { input: { kind: 'unreliable' }, chat: { kind: 'ordered', redundancy: 'none' } } as const

function treeOf(packet: Bytes): DataTree {
  const tree = decodePacket(packet, { kinds: ['unreliable', 'ordered'] })
  if (tree.form !== 'data') throw new Error(`form ${tree.form}, expected data`)
  return tree
}

/** A path of 40 ms each way, in steps of 5 ms. */
class Path {
  readonly #duo: Duo<typeof CHANNELS>
  readonly #up: [at: number, packet: Bytes][] = []
  readonly #down: [at: number, packet: Bytes][] = []

  constructor(duo: Duo<typeof CHANNELS>) {
    this.#duo = duo
  }

  /** Lets 5 ms pass; returns what the client has sent. */
  step(): Bytes[] {
    const { client, server } = this.#duo
    this.#duo.pass(5)
    const { now } = this.#duo
    const sent = drained(client)
    for (const packet of sent) this.#up.push([now + 40, packet])
    while (this.#up.length > 0 && this.#up[0]![0] <= now) server.receive(this.#up.shift()![1], now)
    for (const packet of drained(server)) this.#down.push([now + 40, packet])
    while (this.#down.length > 0 && this.#down[0]![0] <= now) client.receive(this.#down.shift()![1], now)
    return sent
  }
}

/** One message over, one packet back: the client has measured. */
function measured(oneWayMs: number, options = {}): Duo<typeof CHANNELS> {
  const duo = new Duo(CHANNELS, options).open()
  for (let i = 0; i < 60; i++) exchange(duo, oneWayMs)
  eventsOf(duo.client)
  eventsOf(duo.server)
  return duo
}

function exchange(duo: Duo<typeof CHANNELS>, oneWayMs: number): void {
  duo.client.send('input', bytesOf('x'))
  const there = drained(duo.client)
  duo.pass(oneWayMs)
  for (const packet of there) duo.server.receive(packet, duo.now)
  const back = drained(duo.server)
  duo.pass(oneWayMs)
  for (const packet of back) duo.client.receive(packet, duo.now)
}

describe('round trips', () => {
  test('are measured without the time that the peer kept the ack', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.send('input', bytesOf('x'))
    const [packet] = drained(duo.client)
    duo.pass(30)
    duo.server.receive(packet!, duo.now)
    duo.pass(17)
    const [ack] = drained(duo.server)
    expect(treeOf(ack!).ackDelayMs).toBe(17)
    duo.pass(30)
    duo.client.receive(ack!, duo.now)
    expect(duo.client.stats).toMatchObject({ rttSamples: 1, rttLatestMs: 60, rttMs: 60, rttMinMs: 60 })
  })

  test('an ack delay that the wire cannot tell gives no sample', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.send('input', bytesOf('x'))
    duo.carry(duo.client, duo.server)
    duo.pass(500)
    duo.carry(duo.server, duo.client)
    expect(duo.client.stats.rttSamples).toBe(0)
    expect(duo.client.stats.packetsAcked).toBe(1)
  })

  test('only the first word about the newest packet is a sample', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.send('input', bytesOf('x'))
    duo.carry(duo.client, duo.server)
    duo.carry(duo.server, duo.client)
    expect(duo.client.stats.rttSamples).toBe(1)
    duo.server.send('input', bytesOf('y'))
    duo.pass(200)
    const [packet] = drained(duo.server)
    expect(treeOf(packet!).ackDelayMs).toBeUndefined()
    duo.client.receive(packet!, duo.now)
    expect(duo.client.stats.rttSamples).toBe(1)
  })
})

describe('acks', () => {
  test('travel with what goes anyway, and alone when nothing does', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.send('input', bytesOf('x'))
    duo.carry(duo.client, duo.server)
    duo.server.send('input', bytesOf('y'))
    const [packet, ...others] = drained(duo.server)
    expect(others).toEqual([])
    expect(treeOf(packet!)).toMatchObject({ ack: { form: 'all', ack: 0 }, records: [{ type: 'message' }] })
    duo.client.send('input', bytesOf('x'))
    duo.carry(duo.client, duo.server)
    const [alone] = drained(duo.server)
    expect(treeOf(alone!)).toMatchObject({ ack: { ack: 1 }, records: [] })
  })

  test('are due within the ack delay', () => {
    const duo = new Duo(CHANNELS, { ackDelayMs: 40 }).open()
    duo.client.send('input', bytesOf('x'))
    duo.carry(duo.client, duo.server)
    expect(duo.server.wakeAt).toBeLessThanOrEqual(duo.now + 40)
  })

  test('a packet that only acknowledges asks for none', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.send('input', bytesOf('x'))
    duo.carry(duo.client, duo.server)
    duo.carry(duo.server, duo.client)
    expect(drained(duo.client)).toEqual([])
    duo.pass(1_000)
    expect(drained(duo.client)).toEqual([])
    expect(drained(duo.server)).toEqual([])
  })

  test('a gap of 700 packets is told in one packet of ours', () => {
    const duo = measured(10)
    for (let i = 0; i < 700; i++) {
      duo.pass(1)
      duo.client.send('input', bytesOf('x'))
      drained(duo.client)
      // Heard now and then, so that this is no silence.
      if (i % 50 === 0) duo.server.send('input', bytesOf('x'))
      for (const packet of drained(duo.server)) duo.client.receive(packet, duo.now)
    }
    exchange(duo, 10)
    // The newest is acked; of the 700 none is: all that are old enough are lost.
    expect(duo.client.stats.packetsLost).toBeGreaterThan(600)
    duo.pass(100)
    duo.pass(100)
    expect(verdictsOf(duo.client).filter((line) => line.endsWith('lost')).length).toBe(700)
    expect(duo.client.stats.packetsInFlight).toBe(0)
  })
})

describe('losses', () => {
  test('of reliable messages are mended a little over a round trip after the packet left', () => {
    const duo = measured(40)
    duo.client.send('chat', bytesOf('precious'))
    drained(duo.client)
    const sentAt = duo.now
    const path = new Path(duo)
    let arrivedAt = 0
    while (arrivedAt === 0 && duo.now < sentAt + 1_000) {
      duo.client.send('input', bytesOf('x'))
      path.step()
      if (messagesOf(duo.server).includes('precious')) arrivedAt = duo.now
    }
    // Three later packets acked, the last of them 20 ms after it left; then half a round trip for the copy.
    expect(arrivedAt - sentAt).toBeLessThanOrEqual(20 + 80 + 40 + 10)
    expect(duo.client.stats.resends).toBe(1)
  })

  test('of a last packet are found by a probe: the message goes again, without waiting for more', () => {
    const duo = measured(40)
    duo.client.send('chat', bytesOf('last'))
    drained(duo.client)
    const sentAt = duo.now
    let packets: Bytes[] = []
    while (packets.length === 0) {
      duo.now = duo.client.wakeAt
      duo.client.update(duo.now)
      packets = drained(duo.client)
    }
    // Round trip 80, steady: 16 for late timers, 50 for the peer's ack delay.
    expect(duo.now - sentAt).toBeCloseTo(80 + 16 + 50, -1)
    for (const packet of packets) duo.server.receive(packet, duo.now)
    expect(messagesOf(duo.server)).toEqual(['last'])
  })

  test('on a dead path are probed for ever more rarely', () => {
    const duo = measured(40, { timeoutMs: 60_000, keepaliveMs: 20_000 })
    duo.client.send('chat', bytesOf('x'))
    drained(duo.client)
    const instants: number[] = []
    const startedAt = duo.now
    while (duo.now < startedAt + 15_000) {
      duo.now = Math.max(duo.now, duo.client.wakeAt)
      duo.client.update(duo.now)
      for (const _ of drained(duo.client)) instants.push(duo.now - startedAt)
    }
    const pauses = instants.slice(1).map((at, i) => at - instants[i]!)
    // After nine pauses of a peer that speaks each 50 ms, then every 150 ms, then after 15 % of the silence.
    expect(instants.length).toBeLessThan(45)
    for (let i = 1; i < pauses.length; i++) expect(pauses[i]! / pauses[i - 1]!).toBeLessThanOrEqual(2.01)
    for (let i = 0; i < pauses.length; i++) expect(pauses[i]).toBeLessThan(Math.max(600, 0.16 * instants[i + 1]!))
    expect(pauses.at(-1)).toBeGreaterThan(1_000)
  })

  test('an ack ends the backing off', () => {
    const duo = measured(40)
    duo.client.send('chat', bytesOf('x'))
    for (let i = 0; i < 60; i++) {
      duo.pass(50)
      drained(duo.client)
    }
    exchange(duo, 40)
    duo.client.send('chat', bytesOf('y'))
    drained(duo.client)
    const sentAt = duo.now
    expect(duo.client.wakeAt - sentAt).toBeLessThan(300)
  })

  test('a side that only acknowledges probes for nothing', () => {
    const duo = new Duo(CHANNELS).open()
    const path = new Path(duo)
    let pings = 0
    for (let i = 0; i < 200; i++) {
      duo.server.send('input', bytesOf('x'))
      for (const packet of path.step()) if (treeOf(packet).records.length > 0) pings++
    }
    expect(pings).toBe(0)
    expect(duo.client.stats.packetsAcked).toBeGreaterThan(100)
  })
})

describe('acks and ticks', () => {
  const STEP_MS = 5

  /** Both sides send state each `tickMs`, out of step; `onPacket` decides what arrives. Returns the server's packets. */
  function play(
    channels: { input: { kind: 'unreliable' }; chat: { kind: 'ordered'; redundancy: 'none' | 'lean' | 'full' } },
    tickMs: number,
    ticks: number,
    arrives: (clientPacket: number) => boolean = () => true,
  ): { at: number; isTick: boolean; records: number }[] {
    const duo = new Duo(channels).open()
    const startedAt = duo.now
    const underWay: [at: number, to: 'client' | 'server', packet: Bytes][] = []
    const sent: { at: number; isTick: boolean; records: number }[] = []
    let fromClient = 0
    for (let step = 0; step < (ticks * tickMs) / STEP_MS; step++) {
      duo.pass(STEP_MS)
      const { now } = duo
      while (underWay.length > 0 && underWay[0]![0] <= now) {
        const [, to, packet] = underWay.shift()!
        duo[to].receive(packet, now)
      }
      for (const name of ['client', 'server'] as const) {
        const isTick = (step * STEP_MS) % tickMs === (name === 'client' ? 0 : 10)
        if (isTick) duo[name].send('input', bytesOf('x'))
        if (!isTick && duo[name].wakeAt > now) continue
        for (const packet of drained(duo[name])) {
          const { records } = treeOf(packet)
          if (name === 'server') sent.push({ at: now - startedAt, isTick, records: records.length })
          if (name === 'server' || arrives(fromClient++)) {
            underWay.push([now + 40, name === 'server' ? 'client' : 'server', packet])
          }
        }
      }
    }
    return sent
  }

  const channels = <Mode extends 'none' | 'lean' | 'full'>(redundancy: Mode) =>
    ({ input: { kind: 'unreliable' }, chat: { kind: 'ordered', redundancy } }) as const

  test('an ack travels with the next tick, however slow the ticks', () => {
    const sent = play(channels('none'), 50, 100)
    expect(sent.filter(({ isTick }) => isTick).length).toBe(100)
    // The first ones come before there is a rhythm.
    expect(sent.filter(({ isTick, at }) => !isTick && at > 500)).toEqual([])
  })

  test.each([
    ['full', 50, 1],
    ['full', 15, 0],
    ['none', 50, 0],
    ['lean', 50, 1],
  ] as const)('%s, ticks of %i ms: a loss is told early %i times', (redundancy, tickMs, times) => {
    const lost = 60
    const sent = play(channels(redundancy), tickMs, 100, (packet) => packet !== lost)
    const early = sent.filter(({ isTick, at }) => !isTick && at > 40 * tickMs)
    expect(early.length).toBe(times)
    for (const { records } of early) expect(records).toBe(0)
  })
})

describe('what holds packets back', () => {
  test('a backlog below us holds everything', () => {
    const duo = new Duo(CHANNELS).open()
    duo.client.send('chat', bytesOf('x'))
    duo.client.backlogBytes = 1
    expect(duo.client.pollPacket()).toBeUndefined()
    duo.client.backlogBytes = 0
    expect(drained(duo.client).length).toBe(1)
  })

  test('the rate is kept to, and wakeAt says when there is more', () => {
    const duo = new Duo(CHANNELS, { bytesPerSecond: 50_000, maxPacketBytes: 1_000 }).open()
    for (let i = 0; i < 200; i++) duo.client.send('input', pattern(900))
    const startedAt = duo.now
    let bytes = 0
    let steps = 0
    while (duo.now < startedAt + 2_000 && steps++ < 1_000) {
      for (const packet of drained(duo.client)) {
        bytes += packet.length
        duo.server.receive(packet, duo.now)
      }
      duo.carry(duo.server, duo.client)
      duo.pass(Math.max(0.1, duo.client.wakeAt - duo.now))
    }
    // A burst of 16 packets at first, then 50,000 bytes a second.
    expect(bytes).toBeGreaterThan(100_000)
    expect(bytes).toBeLessThan(100_000 + 17_000 + 1_000)
  })

  test('768 packets in flight are enough: more wait for acks, and nothing spins', () => {
    const options = { congestion: 'fixed', bytesPerSecond: 1e9, maxPacketBytes: 256, timeoutMs: 60_000 } as const
    const duo = new Duo(CHANNELS, options).open()
    for (let i = 0; i < 1_000; i++) duo.client.send('chat', pattern(190))
    const packets = drained(duo.client)
    expect(packets.length).toBe(768)
    expect(duo.client.stats.packetsInFlight).toBe(768)
    expect(duo.client.wakeAt).toBeGreaterThan(duo.now)
    for (const packet of packets) duo.server.receive(packet, duo.now)
    duo.carry(duo.server, duo.client)
    expect(drained(duo.client).length).toBe(232)
  })

  test('the packets that are in flight never outnumber the ring, on a path that answers nothing', () => {
    const duo = new Duo(CHANNELS, { bytesPerSecond: 1e9, timeoutMs: 60_000 }).open()
    let sent = 0
    for (let i = 0; i < 2_000; i++) {
      duo.pass(10)
      duo.client.send('input', bytesOf('x'))
      sent += drained(duo.client).length
    }
    expect(duo.client.stats.packetsInFlight).toBeLessThanOrEqual(800)
    expect(sent).toBeLessThan(850)
    expect(duo.client.wakeAt).toBeGreaterThan(duo.now)
  })
})

describe('keepalive', () => {
  test('after silence of ours a ping goes out, whatever the peer says', () => {
    const duo = new Duo(CHANNELS, { keepaliveMs: 500 }).open()
    duo.settle(20)
    const startedAt = duo.now
    let pingAt = 0
    while (pingAt === 0 && duo.now < startedAt + 2_000) {
      duo.pass(10)
      const packets = drained(duo.client)
      if (packets.length > 0) {
        pingAt = duo.now
        expect(treeOf(packets[0]!).records).toEqual([{ type: 'ping' }])
      }
    }
    expect(pingAt - startedAt).toBeLessThanOrEqual(510)
  })

  test('what is sent anyway is enough', () => {
    const duo = new Duo(CHANNELS, { keepaliveMs: 500 }).open()
    for (let i = 0; i < 300; i++) {
      duo.client.send('input', bytesOf('x'))
      duo.pass(10)
      for (const packet of drained(duo.client)) {
        expect(treeOf(packet).records).toMatchObject([{ type: 'message' }])
        duo.server.receive(packet, duo.now)
      }
      duo.carry(duo.server, duo.client)
    }
  })
})

describe('numbers that outgrow their bits', () => {
  test('66,000 packets both ways: sequences wrap on the wire and nowhere else', () => {
    const duo = new Duo(CHANNELS, { bytesPerSecond: 1e9 }).open()
    for (let i = 0; i < 66_000; i++) {
      duo.pass(1)
      duo.client.send('input', bytesOf('x'))
      if (i % 10 === 0) duo.client.send('chat', bytesOf('y'))
      duo.carry(duo.client, duo.server)
      duo.carry(duo.server, duo.client)
      if (i % 100 === 99) {
        expect(eventsOf(duo.server).length).toBe(110)
        expect(eventsOf(duo.client).length).toBe(110)
      }
    }
    expect(duo.client.stats).toMatchObject({ packetsLost: 0, messagesAcked: 72_600, packetsMalformed: 0 })
    expect(duo.server.stats).toMatchObject({ packetsMissed: 0, packetsMalformed: 0, messagesReceived: 72_600 })
  })
})

describe('a loss rule of somebody else', () => {
  test('is made once, and decides which packets are lost', () => {
    const asked: number[] = []
    let made = 0
    const lossRule = (path: RoundTrip): LossRule => {
      made++
      expect(path.samples).toBe(0)
      return {
        onHorizon: () => {},
        lostAt: ({ sequence, sentAt }) => {
          asked.push(sequence)
          return sentAt + 70
        },
        finalAfterMs: 500,
      }
    }
    const duo = new Duo(CHANNELS, {}, { client: { lossRule } }).open()
    duo.client.send('chat', bytesOf('x'))
    expect(drained(duo.client).length).toBe(1)
    duo.pass(69)
    expect(duo.client.stats.packetsLost).toBe(0)
    expect(duo.client.wakeAt).toBe(duo.now + 1)
    duo.pass(1)
    expect(duo.client.stats).toMatchObject({ packetsLost: 1, packetsInFlight: 0 })
    expect(made).toBe(1)
    expect(asked.length).toBeGreaterThan(0)
  })
})

describe('timeouts', () => {
  /** Waits from the last packet to each of the probes that follow it, on a path that has gone silent. */
  function probesOf(options: object, count: number): number[] {
    const duo = measured(10, { keepaliveMs: 60_000 / 3, timeoutMs: 60_000, ...options })
    duo.client.send('chat', bytesOf('x'))
    drained(duo.client)
    const waits: number[] = []
    let sentAt = duo.now
    while (waits.length < count) {
      duo.pass(1)
      if (duo.client.wakeAt > duo.now || drained(duo.client).length === 0) continue
      waits.push(duo.now - sentAt)
      sentAt = duo.now
    }
    return waits
  }

  test('have a floor and a ceiling', () => {
    // The peer may keep an ack for 50 ms.
    expect(probesOf({ rtoMinMs: 200 }, 1)).toEqual([250])
    expect(probesOf({ rtoMinMs: 1, rtoMaxMs: 60 }, 3)).toEqual([60, 60, 60])
  })
})

describe('what is told of losses', () => {
  test('a resend is spurious when the copy that was taken for lost is confirmed after all', () => {
    const lossRule = (): LossRule => ({
      onHorizon: () => {},
      lostAt: ({ sentAt }) => sentAt + 50,
      finalAfterMs: 1_000,
    })
    const duo = new Duo(CHANNELS, {}, { client: { lossRule } }).open()
    duo.client.send('chat', bytesOf('x'))
    const [late] = drained(duo.client)
    duo.pass(60)
    expect(drained(duo.client).length).toBe(1)
    expect(duo.client.stats).toMatchObject({ resends: 1, resendsSpurious: 0 })
    duo.server.receive(late!, duo.now)
    duo.pass(40)
    duo.carry(duo.server, duo.client)
    expect(duo.client.stats).toMatchObject({ resends: 1, resendsSpurious: 1, messagesAcked: 1, packetsLost: 0 })
  })

  test('shares and runs of both directions, apart', () => {
    const duo = new Duo(CHANNELS).open()
    const path: [at: number, to: 'client' | 'server', packet: Bytes][] = []
    for (let i = 0; i < 3_000; i++) {
      duo.pass(10)
      const { now } = duo
      while (path.length > 0 && path[0]![0] <= now) {
        const [, to, packet] = path.shift()!
        duo[to].receive(packet, now)
      }
      for (const name of ['client', 'server'] as const) {
        duo[name].send('input', bytesOf('x'))
        // Up: one in ten; down: three in a row in sixty.
        const isLost = name === 'client' ? i % 10 === 0 : i % 60 < 3
        for (const packet of drained(duo[name])) {
          if (!isLost) path.push([now + 30, name === 'client' ? 'server' : 'client', packet])
        }
      }
    }
    const { client, server } = { client: duo.client.stats, server: duo.server.stats }
    for (const share of [client.lossUp, client.lossUpRecent, server.lossDown, server.lossDownRecent]) {
      expect(Math.abs(share - 0.1)).toBeLessThan(0.02)
    }
    for (const share of [client.lossDown, client.lossDownRecent, server.lossUp, server.lossUpRecent]) {
      expect(Math.abs(share - 0.05)).toBeLessThan(0.015)
    }
    expect(client.burstUp).toBeLessThan(1.15)
    expect(server.burstDown).toBeLessThan(1.15)
    expect(Math.abs(server.burstUp - 3)).toBeLessThan(0.3)
    expect(Math.abs(client.burstDown - 3)).toBeLessThan(0.3)
  })

  test('jitter, queue and rate of both directions, apart', () => {
    const duo = new Duo(CHANNELS).open()
    const path: { at: number; to: 'client' | 'server'; packet: Bytes }[] = []
    const play = (ticks: number, upMs: (i: number) => number, downMs: (i: number) => number): void => {
      for (let i = 0; i < ticks; i++) {
        duo.pass(10)
        // Sent each 30 ms, so that each is the newest when the next ack leaves.
        for (const name of i % 3 === 0 ? (['client', 'server'] as const) : []) {
          duo[name].send('input', pattern(name === 'client' ? 20 : 200))
          const ms = name === 'client' ? upMs(i) : downMs(i)
          for (const packet of drained(duo[name])) {
            path.push({ at: duo.now + ms, to: name === 'client' ? 'server' : 'client', packet })
          }
        }
        path.sort((a, b) => a.at - b.at)
        while (path[0] !== undefined && path[0].at <= duo.now) {
          const { to, packet } = path.shift()!
          duo[to].receive(packet, duo.now)
        }
      }
    }
    const { stats } = duo.client
    play(
      300,
      () => 30,
      (i) => (i % 6 === 0 ? 30 : 40),
    )
    expect(stats.jitterUpMs).toBeLessThan(1)
    expect(Math.abs(stats.jitterMs - 10)).toBeLessThan(1)
    expect(Math.abs(duo.server.stats.jitterUpMs - 10)).toBeLessThan(1)
    expect(duo.server.stats.jitterMs).toBeLessThan(1)
    // One packet a tick each way: 12 bytes of header or so, and what it carries.
    expect(stats.deliveryRate).toBeGreaterThan(800)
    expect(stats.deliveryRate).toBeLessThan(1_500)
    expect(Math.abs(stats.deliveryRateDown - 7_100)).toBeLessThan(700)
    play(
      100,
      () => 30,
      () => 70,
    )
    expect(stats.queueMs).toBeLessThan(1)
    expect(Math.abs(stats.queueDownMs - 40)).toBeLessThan(1)
    expect(Math.abs(duo.server.stats.queueMs - 40)).toBeLessThan(1)
    expect(duo.server.stats.queueDownMs).toBeLessThan(1)
  })
})

describe('a verdict of loss', () => {
  /** The one packet of an unreliable message that is taken for lost, 50 ms after it left. */
  function lateOf(): { duo: Duo<typeof CHANNELS>; late: Bytes } {
    const lossRule = (): LossRule => ({ onHorizon: () => {}, lostAt: ({ sentAt }) => sentAt + 50, finalAfterMs: 100 })
    const duo = new Duo(CHANNELS, {}, { client: { lossRule } }).open()
    duo.client.send('input', bytesOf('x'))
    const [late] = drained(duo.client)
    duo.pass(60)
    expect(duo.client.stats.packetsLost).toBe(1)
    expect(verdictsOf(duo.client)).toEqual([])
    return { duo, late: late! }
  }

  test('is taken back by a late ack before the game has seen it', () => {
    const { duo, late } = lateOf()
    duo.server.receive(late, duo.now)
    duo.pass(30)
    duo.carry(duo.server, duo.client)
    expect(duo.client.stats.packetsLost).toBe(0)
    duo.pass(500)
    expect(eventsOf(duo.client)).toMatchObject([{ type: 'verdict', verdict: 'acked' }])
  })

  test('and never after', () => {
    const { duo, late } = lateOf()
    duo.pass(100)
    expect(eventsOf(duo.client)).toMatchObject([{ type: 'verdict', verdict: 'lost' }])
    duo.server.receive(late, duo.now)
    duo.pass(30)
    duo.carry(duo.server, duo.client)
    duo.pass(500)
    expect(eventsOf(duo.client)).toEqual([])
    // The count of packets is mended all the same.
    expect(duo.client.stats).toMatchObject({ packetsLost: 0, messagesLost: 1, messagesAcked: 0 })
  })
})

test('an urgent message asks for a packet now, another one does not', () => {
  const duo = measured(10)
  const hasteAfter = (options: object): boolean => {
    duo.client.send('input', bytesOf('x'))
    drained(duo.client)
    duo.pass(5)
    duo.client.send('input', bytesOf('x'), options)
    const isNow = duo.client.hasteAt <= duo.now
    drained(duo.client)
    return isNow
  }
  expect(hasteAfter({ urgent: true })).toBe(true)
  expect(hasteAfter({})).toBe(false)
})

test('on a clean path redundancy costs nothing', () => {
  const bytes = (['none', 'lean', 'full'] as const).map((redundancy) => {
    const duo = new Duo({ hits: { kind: 'reliable', redundancy } } as const).open()
    const path: { at: number; from: number; packet: Bytes }[] = []
    let before = 0
    for (let i = 0; i < 1_200; i++) {
      // The first packets have to tell that the path is clean.
      if (i === 600) before = duo.client.stats.bytesSent
      duo.pass(10)
      while (path[0] !== undefined && path[0].at <= duo.now) {
        const { from, packet } = path.shift()!
        ;(from === 0 ? duo.server : duo.client).receive(packet, duo.now)
      }
      duo.client.send('hits', pattern(20))
      for (const packet of drained(duo.client)) path.push({ at: duo.now + 40, from: 0, packet })
      for (const packet of drained(duo.server)) path.push({ at: duo.now + 40, from: 1, packet })
      eventsOf(duo.client)
      eventsOf(duo.server)
    }
    return duo.client.stats.bytesSent - before
  })
  expect(bytes[1]).toBe(bytes[0])
  expect(bytes[2]).toBe(bytes[0])
})
