import type { AckNews, CongestionController } from '../../../src/core/recovery/congestion.ts'

export const PACKET = 1_000

/** A path of a fixed rate and round trip, in steps of 1 ms: what a controller fills, and how long the queue gets. */
export class FluidPath {
  now = 0
  queueBytes = 0
  inFlightBytes = 0
  /** Share of the bytes that never arrive, whatever the queue. */
  loss = 0
  readonly #controller: CongestionController
  readonly #rate: number
  readonly #rttMs: number
  /** Queue beyond which bytes are lost. */
  readonly #roomBytes: number
  #tokens = 0
  #lossDebt = 0
  readonly #underWay: { at: number; bytes: number; queueMs: number; sentAt: number; isLost: boolean }[] = []
  readonly #news: AckNews = {
    now: 0,
    ackedPackets: 0,
    ackedBytes: 0,
    rttMs: 0,
    rttMinMs: 0,
    queueMs: 0,
    noiseMs: 0,
    deliveryRate: 0,
  }

  /** `rate` in bytes per ms. */
  constructor(controller: CongestionController, rate: number, rttMs: number, roomBytes = Number.POSITIVE_INFINITY) {
    this.#controller = controller
    this.#rate = rate
    this.#rttMs = rttMs
    this.#roomBytes = roomBytes
  }

  get queueMs(): number {
    return this.queueBytes / this.#rate
  }

  /** Runs for so long, with so much to send in each ms at most. */
  run(ms: number, wanted = Number.POSITIVE_INFINITY): void {
    for (let i = 0; i < ms; i++) this.#step(wanted)
  }

  #step(wanted: number): void {
    this.now++
    this.queueBytes = Math.max(0, this.queueBytes - this.#rate)
    while (this.#underWay.length > 0 && this.#underWay[0]!.at <= this.now) this.#land(this.#underWay.shift()!)
    const pace = this.#controller.paceBytesPerSecond / 1000
    this.#tokens = Math.min(Math.max(PACKET, 8 * pace), this.#tokens + Math.min(pace, wanted))
    while (this.#tokens >= PACKET && this.inFlightBytes + PACKET <= this.#controller.windowBytes) this.#send()
  }

  #send(): void {
    this.#tokens -= PACKET
    this.inFlightBytes += PACKET
    this.#controller.onSent(this.inFlightBytes, this.now)
    this.#lossDebt += this.loss
    const isLost = this.#lossDebt >= 1 || this.queueBytes + PACKET > this.#roomBytes
    if (this.#lossDebt >= 1) this.#lossDebt--
    if (!isLost) this.queueBytes += PACKET
    const queueMs = this.queueMs
    this.#underWay.push({ at: this.now + this.#rttMs + queueMs, bytes: PACKET, queueMs, sentAt: this.now, isLost })
    this.#underWay.sort((a, b) => a.at - b.at)
  }

  #land({ bytes, queueMs, sentAt, isLost }: { bytes: number; queueMs: number; sentAt: number; isLost: boolean }): void {
    this.inFlightBytes -= bytes
    if (isLost) {
      this.#controller.onLost(sentAt, this.now)
      return
    }
    const news = this.#news
    news.now = this.now
    news.ackedPackets = 1
    news.ackedBytes = bytes
    news.rttMinMs = this.#rttMs
    news.rttMs = this.#rttMs + queueMs
    news.queueMs = queueMs
    news.deliveryRate = queueMs > 0 ? this.#rate * 1000 : 0
    this.#controller.onAcked(news)
  }
}
