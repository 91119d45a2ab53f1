/** The other side is the Node server that this page came from. */
import type { Conditions } from './conditions.ts'
import type { Place, Run } from './place.ts'
import type { RunnerName } from './race-protocol.ts'
import { ChannelRun, GannetRun, type RunListener } from './race-runs.ts'

export class ServedPlace implements Place {
  readonly kind = 'served'

  run(name: RunnerName, listener: RunListener): Run {
    if (name === 'gannet') return new GannetRun('/race/gannet', listener)
    if (name === 'plain') return new ChannelRun('/race/plain', { ordered: false, maxRetransmits: 0 }, listener)
    return new ChannelRun('/race/reliable', {}, listener)
  }

  async conditions(): Promise<{ conditions: Conditions; lanAddress?: string }> {
    return (await fetch('/conditions')).json()
  }

  async change(asked: Partial<Conditions>): Promise<Conditions | string> {
    const response = await fetch('/conditions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(asked),
    })
    if (!response.ok) return `the relay refused (${response.status}): ${await response.text()}`
    return (await response.json()).conditions
  }

  async clock(): Promise<number> {
    return (await fetch('/clock', { cache: 'no-store' })).json()
  }

  update(): void {}
}
