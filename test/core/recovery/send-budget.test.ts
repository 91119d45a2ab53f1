import { describe, expect, test } from 'vitest'
import type { AckNews, CongestionController } from '../../../src/core/recovery/congestion.ts'
import { RttEstimator } from '../../../src/core/recovery/rtt.ts'
import { SendBudget } from '../../../src/core/recovery/send-budget.ts'
import { createStats } from '../../../src/core/stats.ts'

const PACKET = 1_000

/** A controller that does as it is told, and notes what it hears. */
class Stub implements CongestionController {
  windowBytes = 10_000
  paceBytesPerSecond = 100_000
  readonly heard: string[] = []
  onSent(inFlightBytes: number): void {
    this.heard.push(`sent ${inFlightBytes}`)
  }
  onAcked({ ackedBytes }: AckNews): void {
    this.heard.push(`acked ${ackedBytes}`)
  }
  onLost(sentAt: number, now: number): void {
    this.heard.push(`lost after ${now - sentAt}`)
  }
}

function made(bytesPerSecond = Number.POSITIVE_INFINITY) {
  const controller = new Stub()
  const stats = createStats()
  const budget = new SendBudget(controller, bytesPerSecond, PACKET, new RttEstimator(), stats, 0)
  const send = (isBulk: boolean, now = 0): void => {
    stats.packetsInFlight++
    stats.bytesInFlight += PACKET
    budget.onSent(PACKET, isBulk, now)
  }
  return { controller, stats, budget, send }
}

describe('SendBudget', () => {
  test('bulk leaves in steps of 4 ms at the pace of the controller', () => {
    const { budget, stats, send } = made()
    const sentAt: number[] = []
    for (let now = 0; now < 200; now++) {
      budget.refill(now)
      while (budget.bulkLimit === 'nothing') {
        send(true, now)
        stats.bytesInFlight = 0
        sentAt.push(now)
      }
      if (budget.bulkLimit === 'pace') expect(budget.bulkAt).toBeGreaterThanOrEqual(now + 4)
    }
    // 100 bytes per ms and two packets saved up at the start.
    expect(sentAt.length).toBeGreaterThanOrEqual(20)
    expect(sentAt.length).toBeLessThanOrEqual(23)
  })

  test('following its own deadlines bulk is never woken in vain', () => {
    const { budget, stats, send } = made()
    for (let i = 0, now = 0; i < 100; i++) {
      while (budget.bulkLimit === 'nothing') send(true, now)
      stats.bytesInFlight = 0
      now = budget.bulkAt
      budget.refill(now)
      expect(budget.bulkLimit).toBe('nothing')
    }
  })

  test('bulk stops at the window and says that no time will open it', () => {
    const { budget, stats, controller, send } = made()
    controller.paceBytesPerSecond = 1e9
    budget.refill(10)
    for (let i = 0; i < 10; i++) send(true)
    expect(budget.bulkLimit).toBe('window')
    expect(budget.bulkAt).toBe(Number.POSITIVE_INFINITY)
    expect(stats.bytesInFlight).toBe(10_000)
  })

  test("the game's packets need room beside each other, not beside bulk", () => {
    const { budget, send } = made()
    for (let i = 0; i < 10; i++) send(true)
    expect(budget.gameLimit(10_000)).toBe('nothing')
    expect(budget.gameLimit(0)).toBe('window')
  })

  test('under a ceiling bulk leaves four packets of the burst to the game', () => {
    const { budget, controller, send } = made(10_000)
    controller.windowBytes = Number.POSITIVE_INFINITY
    // Of a burst of sixteen.
    for (let i = 0; i < 12; i++) send(true)
    expect(budget.bulkLimit).toBe('rate')
    expect(budget.gameLimit(0)).toBe('nothing')
    for (let i = 0; i < 4; i++) send(false)
    expect(budget.gameLimit(0)).toBe('rate')
    expect(budget.bulkAt).toBeGreaterThan(budget.gameAt)
  })

  test('no more than 768 packets are in flight, and 704 of bulk', () => {
    const { budget, controller, stats } = made()
    controller.windowBytes = Number.POSITIVE_INFINITY
    stats.packetsInFlight = 704
    expect(budget.bulkLimit).toBe('packets')
    expect(budget.gameLimit(0)).toBe('nothing')
    stats.packetsInFlight = 768
    expect(budget.gameLimit(0)).toBe('packets')
  })

  test('tells the controller of what was sent, confirmed and lost, once for each ack field', () => {
    const { budget, controller, stats, send } = made()
    send(true)
    send(false)
    budget.onPacketAcked(PACKET)
    budget.onPacketLost(0, 5)
    budget.onPacketAcked(PACKET)
    budget.onAck(5)
    budget.onAck(6)
    expect(controller.heard).toEqual(['sent 1000', 'sent 2000', 'lost after 5', 'acked 2000', 'acked 0'])
    expect(stats).toMatchObject({ windowBytes: 10_000, paceRate: 100_000 })
  })
})
