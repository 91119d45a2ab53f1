import { describe, expect, test } from 'vitest'
import { AimdController } from '../../../src/core/recovery/aimd-controller.ts'
import { FluidPath, PACKET } from './path.ts'

/** One round trip of 100 ms in which the whole window is sent and confirmed. */
function round(controller: AimdController, index: number): void {
  const now = 1000 + 100 * index
  const bytes = controller.windowBytes
  controller.onSent(bytes)
  const news = {
    now,
    ackedPackets: 1,
    ackedBytes: 0,
    rttMs: 100,
    rttMinMs: 100,
    queueMs: 0,
    noiseMs: 0,
    deliveryRate: 0,
  }
  for (let left = bytes; left > 0; left -= PACKET) {
    news.ackedBytes = Math.min(left, PACKET)
    controller.onAcked(news)
  }
}

describe('AimdController', () => {
  test('doubles each round trip from 10 packets until the first loss, then halves, then adds one packet each', () => {
    const controller = new AimdController(PACKET)
    const windows: number[] = []
    const note = (): void => void windows.push(Math.round(controller.windowBytes / 100) / 10)
    note()
    for (let i = 0; i < 3; i++) {
      round(controller, i)
      note()
    }
    controller.onLost(1290, 1300)
    note()
    for (let i = 4; i < 7; i++) {
      round(controller, i)
      note()
    }
    expect(windows).toEqual([10, 20, 40, 80, 40, 41, 42, 43])
  })

  test('answers all losses of one flight once', () => {
    const controller = new AimdController(PACKET)
    for (let i = 0; i < 3; i++) round(controller, i)
    for (let i = 0; i < 20; i++) controller.onLost(1250 + i, 1300 + i)
    expect(controller.windowBytes).toBe(40 * PACKET)
    controller.onLost(1301, 1400)
    expect(controller.windowBytes).toBe(20 * PACKET)
  })

  test('never falls below two packets', () => {
    const controller = new AimdController(PACKET)
    for (let i = 0; i < 20; i++) controller.onLost(100 * i + 1, 100 * i + 2)
    expect(controller.windowBytes).toBe(2 * PACKET)
  })

  test('does not grow what nobody uses', () => {
    const controller = new AimdController(PACKET)
    const news = {
      now: 1000,
      ackedPackets: 1,
      ackedBytes: PACKET,
      rttMs: 100,
      rttMinMs: 100,
      queueMs: 0,
      noiseMs: 0,
      deliveryRate: 0,
    }
    for (let i = 0; i < 50; i++, news.now += 20) {
      controller.onSent(PACKET)
      controller.onAcked(news)
    }
    expect(controller.windowBytes).toBe(10 * PACKET)
  })

  test('fills the queue of a path until it overflows', () => {
    const controller = new AimdController(PACKET)
    const path = new FluidPath(controller, 500, 100, 50_000)
    path.run(1000)
    let most = 0
    for (let i = 0; i < 5000; i++) {
      path.run(1)
      most = Math.max(most, path.queueMs)
    }
    expect(most).toBeGreaterThan(90)
    expect(controller.windowBytes).toBeGreaterThan(45_000)
  })
})
