import { describe, expect, test } from 'vitest'
import { DelayController } from '../../../src/core/recovery/delay-controller.ts'
import { FluidPath, PACKET } from './path.ts'

/** 500 bytes per ms: 4 Mbit/s. */
const RATE = 500

function filled(rate = RATE, rttMs = 100): { controller: DelayController; path: FluidPath } {
  const controller = new DelayController(PACKET)
  const path = new FluidPath(controller, rate, rttMs)
  path.run(3000)
  return { controller, path }
}

describe('DelayController', () => {
  test('begins with 16 packets, spread over a round trip', () => {
    const controller = new DelayController(PACKET)
    expect(controller.windowBytes).toBe(16 * PACKET)
    // No round trip is known yet, so 250 ms are assumed.
    expect(controller.paceBytesPerSecond).toBeCloseTo((1.15 * 16 * PACKET) / 0.25, -2)
  })

  test.each([
    [125, 100],
    [500, 50],
    [500, 100],
    [500, 200],
    [2500, 100],
  ])('fills %d bytes/ms at %d ms and keeps the queue near its target', (rate, rttMs) => {
    const controller = new DelayController(PACKET)
    const path = new FluidPath(controller, rate, rttMs)
    path.run(3500)
    let most = 0
    let sum = 0
    for (let i = 0; i < 400; i++) {
      path.run(1)
      most = Math.max(most, path.queueMs)
      sum += path.queueMs
    }
    // Half the target, and two packets, which at a low rate are more than that.
    expect(sum / 400).toBeGreaterThan(2)
    expect(sum / 400).toBeLessThan(8 + (2.5 * PACKET) / rate)
    expect(most).toBeLessThan(20 + (4 * PACKET) / rate)
  })

  test('takes no random loss for congestion', () => {
    const { controller, path } = filled()
    const before = controller.windowBytes
    path.loss = 0.1
    path.run(500)
    expect(controller.windowBytes).toBeGreaterThan(0.85 * before)
  })

  test('a quarter of all packets lost is congestion, whatever the queue', () => {
    const { controller, path } = filled()
    const before = controller.windowBytes
    path.loss = 0.35
    path.run(800)
    expect(controller.windowBytes).toBeLessThan(0.5 * before)
  })

  test('gives way when somebody else fills the queue, but never below four packets', () => {
    const controller = new DelayController(PACKET)
    const news = {
      now: 0,
      ackedPackets: 1,
      ackedBytes: PACKET,
      rttMs: 150,
      rttMinMs: 50,
      queueMs: 100,
      noiseMs: 0,
      deliveryRate: 100_000,
    }
    for (; news.now < 10_000; news.now += 10) {
      controller.onSent(controller.windowBytes, news.now)
      if (news.now % 50 === 0) controller.onLost()
      controller.onAcked(news)
    }
    expect(controller.windowBytes).toBe(4 * PACKET)
  })

  test('does not grow what nobody uses', () => {
    const controller = new DelayController(PACKET)
    const path = new FluidPath(controller, RATE, 100)
    path.run(2000, 20)
    expect(controller.windowBytes).toBe(16 * PACKET)
  })

  test('takes no jitter for a queue, and goes on with its start when the queue that ended it does not stay', () => {
    const controller = new DelayController(PACKET)
    const news = {
      now: 0,
      ackedPackets: 1,
      ackedBytes: PACKET,
      rttMs: 100,
      rttMinMs: 100,
      queueMs: 0,
      noiseMs: 6,
      deliveryRate: 0,
    }
    const round = (queueMs: number, acks: number): number => {
      for (let i = 0; i < acks; i++, news.now += 100 / acks) {
        controller.onSent(controller.windowBytes, news.now)
        news.queueMs = queueMs
        controller.onAcked(news)
      }
      return Math.round(controller.windowBytes / PACKET)
    }
    expect(round(6, 16)).toBe(32)
    // One ack above the threshold halves it at most; the round trip after it shows nothing.
    expect(round(12, 1)).toBe(16)
    round(1, 20)
    expect(round(1, 20)).toBeGreaterThan(32)
  })

  test('does not judge by a queue what nobody uses', () => {
    const controller = new DelayController(PACKET)
    const path = new FluidPath(controller, RATE, 100)
    path.queueBytes = 1e9
    path.run(3000, 20)
    expect(controller.windowBytes).toBe(16 * PACKET)
  })

  test('lets the queue run empty every four seconds', () => {
    const { controller, path } = filled()
    let least = Number.POSITIVE_INFINITY
    let leastWindow = Number.POSITIVE_INFINITY
    for (let i = 0; i < 2500; i++) {
      path.run(1)
      least = Math.min(least, path.queueMs)
      leastWindow = Math.min(leastWindow, controller.windowBytes)
    }
    expect(least).toBe(0)
    expect(leastWindow).toBeLessThan(0.6 * 50_000)
    expect(controller.windowBytes).toBeGreaterThan(0.85 * 50_000)
  })

  test('begins anew after ten seconds of rest', () => {
    const { controller, path } = filled()
    expect(controller.windowBytes).toBeGreaterThan(30 * PACKET)
    path.run(12_000, 1)
    controller.onSent(controller.windowBytes, path.now)
    expect(controller.windowBytes).toBe(16 * PACKET)
  })

  test('same news, same window', () => {
    expect(filled().controller.windowBytes).toBe(filled().controller.windowBytes)
  })
})
