import type { CongestionController } from './congestion.ts'

/** A rate that somebody has chosen, whatever the path says. For paths that are known, and to compare with. */
export class FixedController implements CongestionController {
  readonly windowBytes: number = Number.POSITIVE_INFINITY
  readonly paceBytesPerSecond: number

  constructor(bytesPerSecond: number) {
    this.paceBytesPerSecond = bytesPerSecond
  }

  onSent(): void {}

  onAcked(): void {}

  onLost(): void {}
}
