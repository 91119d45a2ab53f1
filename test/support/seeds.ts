import fc from 'fast-check'
import { expect, test } from 'vitest'

/** A seed given from outside replaces all others: `SEED=0x5eed npx vitest run -t "…"`. */
const given = process.env['SEED']

function parsed(text: string): number {
  const seed = Number(text)
  if (!Number.isInteger(seed)) throw new RangeError(`SEED=${text}, expected an integer such as 0x5eed`)
  return seed
}

/** The seeds to run: `count` fixed ones, or the one from outside. */
export function seeds(count: number): readonly number[] {
  return given === undefined ? Array.from({ length: count }, (_, i) => 0x5eed + i * 7919) : [parsed(given)]
}

/** `seed` as it is written in a replay line. */
export function seedText(seed: number): string {
  return seed < 0 ? String(seed) : `0x${seed.toString(16)}`
}

/** The line that runs the present test again with this seed. */
export function replayLine(seed: number): string {
  // Vitest joins names with ' > ' here and matches them joined with a space.
  const name = (expect.getState().currentTestName ?? '').replaceAll(' > ', ' ')
  const pattern = name.replaceAll(/[\\^$.*+?()[\]{}|"`]/g, '.')
  return `SEED=${seedText(seed)} npx vitest run -t "${pattern}"`
}

/** Runs `body`; when it throws, its message is followed by the seed and the line that replays it. */
export function withSeed(seed: number, body: (seed: number) => void): void {
  try {
    body(seed)
  } catch (error) {
    if (error instanceof Error) {
      error.message = `${error.message}\n\nseed ${seedText(seed)}; replay with:\n${replayLine(seed)}`
    }
    throw error
  }
}

/** Time that a test of this kind may take on a machine that is busy with something else, ms. */
const SEEDED_TIMEOUT_MS = 60_000

/** A test that runs once for each seed. */
export function seeded(name: string, count: number, body: (seed: number) => void): void {
  test(name, { timeout: SEEDED_TIMEOUT_MS }, () => {
    for (const seed of seeds(count)) withSeed(seed, body)
  })
}

/** Checks a fast-check property; a failure names the seed and the line that replays it. */
export function checkProperty<Ts>(property: fc.IRawProperty<Ts>, numRuns: number): void {
  const seed = given === undefined ? 0x5eed : parsed(given)
  const factor = Number(process.env['PROPERTY_RUNS_FACTOR'] ?? 1)
  const details = fc.check(property, { seed, numRuns: Math.ceil(numRuns * factor) })
  if (details instanceof Promise) throw new Error('an asynchronous property')
  if (!details.failed) return
  const cause = details.errorInstance instanceof Error ? details.errorInstance : undefined
  throw new Error(`${fc.defaultReportMessage(details)}\n\nreplay with:\n${replayLine(seed)}`, { cause })
}
