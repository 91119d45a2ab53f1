import type { LinkOptions, Random } from '../../src/sim/index.ts'

/** All the trouble at once: 30 % lost in bursts, 4 % doubled, a second of delay, and every tenth packet overtaken by many. */
export const WORST: LinkOptions = {
  loss: 0.3,
  burst: 4,
  duplicate: 0.04,
  delayMs: 900,
  jitterMs: 100,
  reorder: true,
  blackouts: [{ fromMs: 8000, lengthMs: 3000, everyMs: 40_000 }],
}

/** What a day on the road brings; each lasts for some seconds. */
const DAYS: readonly LinkOptions[] = [
  { delayMs: 15 },
  { delayMs: 40, loss: 0.3 },
  { delayMs: 40, loss: 0.3, burst: 8 },
  // A raw Gilbert-Elliott chain: bad half a second at a time.
  { delayMs: 60, loss: { goodToBad: 0.02, badToGood: 0.05, lossGood: 0.01, lossBad: 0.7 } },
  { delayMs: 30, jitterMs: 200, reorder: true, loss: 0.02 },
  { delayMs: 1000, jitterMs: 80, reorder: true },
  { delayMs: 20, duplicate: 0.3, reorder: true, jitterMs: 20 },
  { delayMs: 50, loss: 1 },
]

const CALM: LinkOptions = { loss: 0, burst: 0, duplicate: 0, delayMs: 0, jitterMs: 0, reorder: false }

/** The weather of the next seconds, and how many ms they last. */
export function nextWeather(random: Random): {
  readonly up: LinkOptions
  readonly down: LinkOptions
  readonly lastsMs: number
} {
  const index = random.uint32() % DAYS.length
  const isDark = index === DAYS.length - 1
  const other = isDark ? index : random.uint32() % (DAYS.length - 1)
  return {
    up: { ...CALM, ...DAYS[index] },
    down: { ...CALM, ...DAYS[other] },
    // A blackout is 3 s long.
    lastsMs: isDark ? 3000 : 2000 + (random.uint32() % 6000),
  }
}
