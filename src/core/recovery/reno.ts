/** Bytes of data that dcSCTP puts into one SCTP packet. */
const SCTP_MTU_BYTES = 1160
/** Losses below this share, 0 to 1, shut no window for long. */
const CALM_LOSS = 0.002

/**
 * What one SCTP association carries in the long run at this round trip and loss, bytes per second: its window grows and is halved as
 * Reno's, which comes to 1.22 MTU / (RTT √loss) (Mathis et al. 1997). `Infinity` while next to nothing is lost, or nothing is known.
 */
export function renoBytesPerSecond(rttMs: number, loss: number): number {
  if (!(loss > CALM_LOSS) || !(rttMs > 0)) return Number.POSITIVE_INFINITY
  return (1.22 * SCTP_MTU_BYTES * 1000) / (rttMs * Math.sqrt(loss))
}
