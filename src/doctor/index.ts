/**
 * `gannet/doctor`: why a page cannot connect. Goes through every step, names the one that fails, and says what to do about it.
 * `npx gannet doctor <url>` does the same from Node.
 *
 * @module
 */
import type { Diagnosis } from './diagnosis.ts'
import { type ExamineOptions, examine } from './examine.ts'
import { pageProbe } from './page-probe.ts'

export { AILMENTS, type AilmentCode, type Diagnosis, type Finding, linesOf, STEPS, type Step } from './diagnosis.ts'
export type { ExamineOptions } from './examine.ts'

export interface DiagnoseOptions extends ExamineOptions {
  /** STUN and TURN servers, as for `connect`. */
  readonly iceServers?: RTCIceServer[]
  readonly iceTransportPolicy?: RTCIceTransportPolicy
}

/**
 * Tries to connect this page to the server at `url`, and tells how far it comes. Never rejects. With the game's `channels` the visit
 * is one of a player who leaves at once; without them the server refuses it in the handshake, which shows that it answers.
 */
export function diagnose(url: string | URL, options: DiagnoseOptions = {}): Promise<Diagnosis> {
  const { iceServers = [], iceTransportPolicy = 'all' } = options
  return examine(url, pageProbe({ iceServers, iceTransportPolicy }), options)
}
