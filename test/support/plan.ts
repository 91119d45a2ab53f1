import type { ChannelTable } from '../../src/core/config.ts'
import type { LinkOptions } from '../../src/sim/index.ts'
import type { Pair } from './pair.ts'

/** One step of a scenario: a sentence, and what it does. */
export interface Step<Table extends ChannelTable> {
  readonly sentence: string
  readonly run: (pair: Pair<Table>) => void
}

/** Any step that has no name of its own. */
export function step<Table extends ChannelTable>(sentence: string, run: (pair: Pair<Table>) => void): Step<Table> {
  return { sentence, run }
}

export function pass<Table extends ChannelTable>(durationMs: number): Step<Table> {
  return step(`${durationMs} ms pass`, (pair) => void pair.run(durationMs))
}

export function opens<Table extends ChannelTable>(limitMs = 10_000): Step<Table> {
  return step(`both are open within ${limitMs} ms`, (pair) => void pair.open(limitMs))
}

export function weather<Table extends ChannelTable>(
  sentence: string,
  options: { up?: LinkOptions; down?: LinkOptions },
): Step<Table> {
  return step(sentence, (pair) => pair.world.set(options))
}

/** Nothing gets through for a while, in either direction. */
export function blackout<Table extends ChannelTable>(durationMs: number): Step<Table> {
  return step(`nothing gets through for ${durationMs} ms`, (pair) => {
    const { up, down } = pair.world
    const before = { up: { loss: up.settings.loss }, down: { loss: down.settings.loss } }
    pair.world.set({ up: { loss: 1 }, down: { loss: 1 } })
    pair.run(durationMs)
    pair.world.set(before)
  })
}

/** Runs the steps in order; a failure names the step. */
export function plan<Table extends ChannelTable>(pair: Pair<Table>, steps: readonly Step<Table>[]): void {
  steps.forEach((one, i) => {
    try {
      one.run(pair)
    } catch (error) {
      if (error instanceof Error) {
        error.message = `step ${i + 1} of ${steps.length}, "${one.sentence}": ${error.message}\n(${pair.world.describe()})`
      }
      throw error
    }
  })
}
