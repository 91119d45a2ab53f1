/** Where the other side is: on a server, or in this very page. */
import type { EndpointWatcher, Peer } from 'gannet/browser'
import type { Conditions } from './conditions.ts'
import type { Channels } from './protocol.ts'
import type { RunnerName } from './race-protocol.ts'
import type { RunListener } from './race-runs.ts'

/** A carrier of the race as the page drives it. */
export interface Run {
  /** Each tick: what has arrived is handed over. */
  update(): void
  stop(): void
}

export interface Place {
  readonly kind: 'served' | 'local'
  /** How the game finds its peer; left out: over the network. */
  readonly dial?: (trace: EndpointWatcher) => Promise<Peer<Channels>>
  /** Starts one carrier; it comes back by itself after a drop. */
  run(name: RunnerName, listener: RunListener): Run
  /** The weather, and this machine's address on its network if it is known. */
  conditions(): Promise<{ conditions: Conditions; lanAddress?: string }>
  /** Asks for a change; a string says why not. */
  change(asked: Partial<Conditions>): Promise<Conditions | string>
  /** The clock that parcels carry, ms. */
  clock(): Promise<number>
  /** Each tick of the page. */
  update(): void
}
