import { describe, expect, test } from 'vitest'
import { Governor } from '../../../src/core/recovery/governor.ts'
import { RttEstimator } from '../../../src/core/recovery/rtt.ts'

const PACKET = 1_000
const TICK_MS = 1000 / 60
const NO_BURSTS = { burstDown: Number.NaN }
const WIDE = Number.POSITIVE_INFINITY

/** A round trip that was always the same. */
function steady(rttMs: number): RttEstimator {
  const rtt = new RttEstimator()
  for (let i = 0; i < 50; i++) rtt.observe(rttMs, 0)
  return rtt
}

/** A game that sends a packet in each tick over a layer below that lets so many bytes be under way, and queues the rest. */
class Game {
  now = 0
  readonly governor: Governor
  readonly rtt: RttEstimator
  isTold = true
  sent = 0
  ticks = 0
  held = 0
  /** Time that the last packet waited below, ms. */
  waitedMs = 0
  /** What the governor is told of the path's queue beside that, ms. */
  pathQueueMs = 0
  readonly #below: { sentAt: number; bytes: number }[] = []
  #answers: { at: number; bytes: number }[] = []
  #underWay = 0

  constructor(rttMs = 100) {
    this.rtt = steady(rttMs)
    this.governor = new Governor(this.rtt, NO_BURSTS, PACKET, false, 0)
  }

  get isBacklogged(): boolean {
    return this.#below.length > 0
  }

  run(ms: number, windowBytes: number, { isSilent = false } = {}): this {
    const { governor } = this
    for (const end = this.now + ms; this.now < end; this.now += TICK_MS) {
      this.ticks++
      while (this.#answers[0] !== undefined && this.#answers[0].at <= this.now) {
        const { bytes } = this.#answers.shift()!
        this.#underWay -= bytes
        governor.onAcked(bytes)
        governor.onHeard(this.#answers.length > 0)
        governor.update(this.now)
      }
      this.#leave(windowBytes, isSilent)
      if (this.isTold && this.isBacklogged) {
        governor.onHeld()
        this.held++
        continue
      }
      governor.onTick(TICK_MS, this.waitedMs + this.pathQueueMs, this.now)
      if (governor.hold(this.now) !== 'nothing') {
        governor.onSkipped()
        this.held++
        continue
      }
      this.sent++
      governor.onSent(PACKET, false, this.now)
      this.#below.push({ sentAt: this.now, bytes: PACKET })
      this.#leave(windowBytes, isSilent)
    }
    return this
  }

  #leave(windowBytes: number, isSilent: boolean): void {
    for (let first = this.#below[0]; first !== undefined; first = this.#below[0]) {
      if (this.#underWay + first.bytes > windowBytes) return
      this.#below.shift()
      this.waitedMs = this.now - first.sentAt
      if (isSilent) continue
      this.#underWay += first.bytes
      this.#answers.push({ at: this.now + this.rtt.smoothedMs, bytes: first.bytes })
    }
  }
}

describe('a layer below that carries everything', () => {
  test('is not limited', () => {
    const game = new Game().run(5000, WIDE)
    expect([game.held, game.governor.bytesPerSecond]).toEqual([0, Number.POSITIVE_INFINITY])
    expect(game.governor.softPacketBytes).toBe(Number.POSITIVE_INFINITY)
    expect(game.governor.carriedBytesPerSecond(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('a layer below that carries two packets in three ticks', () => {
  // A window of four packets and a round trip of six ticks.
  const window = 4 * PACKET
  const carries = window / 0.1

  test('is found out, without being told', () => {
    const game = new Game().run(5000, window)
    expect(game.governor.bytesPerSecond).toBeGreaterThan(0.6 * carries)
    expect(game.governor.bytesPerSecond).toBeLessThan(2.5 * carries)
  })

  test('gets nearly what it carries, and keeps it', () => {
    const game = new Game().run(2000, window)
    const before = game.sent
    game.run(5000, window)
    expect((game.sent - before) / 5).toBeGreaterThan(0.75 * 40)
    expect((game.sent - before) / 5).toBeLessThanOrEqual(40.5)
  })

  test('gets packets that are closed early, so that small messages leave in each tick', () => {
    const game = new Game().run(2000, window)
    const sizes = Array.from({ length: 300 }, () => game.run(TICK_MS, window).governor.softPacketBytes)
    expect(Math.min(...sizes)).toBeGreaterThan(400)
    expect(Math.min(...sizes)).toBeLessThan(PACKET)
  })

  test('is not limited any more a few rounds after it has become wide again', () => {
    const game = new Game().run(3000, window).run(3000, WIDE)
    expect(game.governor.bytesPerSecond).toBe(Number.POSITIVE_INFINITY)
  })
})

test('a further pipe is no part of what the others carried: nothing is left out until it is full as well', () => {
  const game = new Game().run(10_000, 3_000)
  expect(game.governor.bytesPerSecond).toBeLessThan(60_000)
  game.governor.onNewPipe()
  expect(game.governor.bytesPerSecond).toBe(WIDE)
  game.run(3_000, WIDE)
  expect(game.governor.bytesPerSecond).toBe(WIDE)
  const both = new Game().run(10_000, 3_000)
  both.governor.onNewPipe()
  both.run(3_000, 3_000)
  expect(both.governor.bytesPerSecond).toBeLessThan(60_000)
})

test('a stall of half a second does not take the rate down for longer', () => {
  const game = new Game().run(3000, WIDE).run(500, 0).run(1000, WIDE)
  const { sent, ticks } = game
  game.run(1000, WIDE)
  expect((game.sent - sent) / (game.ticks - ticks)).toBeGreaterThan(0.9)
})

test('a rate of several packets a tick lets several leave in a tick, and no more', () => {
  const governor = new Governor(steady(100), NO_BURSTS, PACKET, false, 0)
  const perTick: number[] = []
  for (let tick = 0; tick < 60; tick++) {
    const now = tick * TICK_MS
    governor.onAcked(6 * PACKET)
    if (tick < 12) governor.onHeld()
    governor.onTick(TICK_MS, 0, now)
    let sent = 0
    for (; sent < 100 && governor.hold(now) === 'nothing'; sent++) governor.onSent(PACKET, false, now)
    governor.onHeard(true)
    governor.update(now)
    perTick.push(sent)
    if (tick === 20) expect(governor.bytesPerSecond).toBeLessThan(Number.POSITIVE_INFINITY)
  }
  const limited = perTick.slice(12, 20)
  // 0.85 of six packets, as was delivered.
  expect(limited.reduce((sum, sent) => sum + sent, 0) / limited.length).toBeGreaterThan(4)
  expect(Math.max(...limited)).toBeLessThanOrEqual(8)
})

describe('a queue that the layer below does not tell of', () => {
  test('lowers the rate below what arrives, until it is gone', () => {
    const game = new Game()
    game.isTold = false
    let longest = 0
    const waits: number[] = []
    for (let i = 0; i < 1200; i++) {
      game.run(TICK_MS, 3 * PACKET)
      longest = Math.max(longest, game.waitedMs)
      if (i > 600) waits.push(game.waitedMs)
    }
    expect(longest).toBeGreaterThan(200)
    expect(longest).toBeLessThan(900)
    waits.sort((a, b) => a - b)
    expect(waits[Math.floor(waits.length / 2)]).toBeLessThan(300)
  })

  test('but one that stays as it is belongs to the path, and costs a second or two', () => {
    const game = new Game()
    game.pathQueueMs = 400
    game.run(3000, WIDE)
    const { held } = game
    game.run(5000, WIDE)
    expect(game.held).toBe(held)
  })
})

describe('silence', () => {
  test('begins when answers are overdue by more than a burst of losses, and lets nothing but pings leave', () => {
    const game = new Game(100).run(1000, WIDE)
    const { now, sent } = game
    game.run(2000, WIDE, { isSilent: true })
    // Answers to what had left until then came for a round trip; then as much again, and 150 ms.
    expect(game.sent - sent).toBeGreaterThan((100 + 150) / TICK_MS)
    expect(game.sent - sent).toBeLessThan((100 + 100 + 150 + 50) / TICK_MS)
    expect(game.governor.hold(game.now)).toBe('silence')
    expect(game.governor.pingAt(now + 800)).toBe(now + 950)
    expect(game.governor.pingAt(now + 9100) - now).toBeCloseTo(9100 + 1350, -2)
  })

  test('takes nine pauses of a peer that speaks more rarely', () => {
    const governor = new Governor(steady(100), NO_BURSTS, PACKET, false, 0)
    let now = 0
    for (; now < 5000; now += 50) {
      governor.onSent(PACKET, false, now)
      governor.onHeard(true)
      governor.update(now)
      governor.onTick(50, 0, now)
    }
    const heardAt = now - 50
    expect(governor.hold(heardAt + 100 + 9 * 50 - 10)).toBe('nothing')
    expect(governor.hold(heardAt + 100 + 9 * 50 + 10)).toBe('silence')
  })

  test.each([
    [8, 3 * 8 * TICK_MS],
    [60, 500],
  ])('takes three bursts where the peer loses %i packets a time, or half a second', (burstDown, patienceMs) => {
    const governor = new Governor(steady(100), { burstDown }, PACKET, false, 0)
    let heardAt = 0
    for (let now = 0; now < 5000; now += TICK_MS) {
      governor.onSent(PACKET, false, now)
      governor.onHeard(true)
      governor.update(now)
      governor.onTick(TICK_MS, 0, now)
      heardAt = now
    }
    expect(governor.hold(heardAt + 100 + patienceMs - 10)).toBe('nothing')
    expect(governor.hold(heardAt + 100 + patienceMs + 10)).toBe('silence')
  })

  test('ends with the first answer', () => {
    const game = new Game(100).run(1000, WIDE).run(2000, WIDE, { isSilent: true })
    game.governor.onHeard(true)
    game.governor.update(game.now)
    expect(game.governor.hold(game.now)).toBe('nothing')
  })

  test('is none when nothing was asked', () => {
    const governor = new Governor(new RttEstimator(), NO_BURSTS, PACKET, false, 0)
    expect(governor.hold(1e9)).toBe('nothing')
    expect(governor.pingAt(0)).toBe(Number.POSITIVE_INFINITY)
  })
})

test('one that is off holds nothing back, whatever happens', () => {
  const governor = new Governor(new RttEstimator(), NO_BURSTS, PACKET, true, 0)
  governor.onSent(PACKET, false, 0)
  for (let now = 0; now < 5000; now += TICK_MS) {
    governor.onHeld()
    governor.onTick(TICK_MS, 0, now)
    expect(governor.hold(now)).toBe('nothing')
  }
  expect(governor.pingAt(0)).toBe(Number.POSITIVE_INFINITY)
})
