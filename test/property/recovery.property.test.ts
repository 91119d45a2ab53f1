import fc from 'fast-check'
import { expect, test } from 'vitest'
import { POLICIES } from '../../bench/reliable-cells.mjs'
import { simulate } from '../../bench/reliable-run.mjs'
import * as core from '../../src/index.ts'
import * as sim from '../../src/sim/index.ts'

/** Verdicts of the channel `reliable`, by message, of every endpoint that was made. */
const told: Map<number, string[]>[] = []

class Recording<Table extends core.ChannelTable> extends core.Endpoint<Table> {
  readonly #told = new Map<number, string[]>()

  constructor(options: core.EndpointOptions<Table>) {
    super(options)
    told.push(this.#told)
  }

  override pollEvent(): ReturnType<core.Endpoint<Table>['pollEvent']> {
    const event = super.pollEvent()
    if (event?.type === 'verdict' && event.channel === 'reliable') {
      this.#told.set(event.id, [...(this.#told.get(event.id) ?? []), event.verdict])
    }
    return event
  }
}

const weather = fc
  .record({
    loss: fc.double({ min: 0.001, max: 0.3, noNaN: true }),
    burst: fc.option(fc.integer({ min: 2, max: 30 }), { nil: undefined }),
    jitterMs: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }),
    outage: fc.option(fc.record({ everyMs: fc.integer({ min: 3_000, max: 8_000 }), lastsMs: fc.constant(1_000) }), {
      nil: undefined,
    }),
  })
  .map(({ loss, burst, jitterMs, outage }) => ({
    loss,
    ...(burst !== undefined && 1 - 1 / burst - loss > 0.01 ? { burst } : {}),
    ...(jitterMs === undefined ? {} : { jitterMs }),
    ...(outage === undefined ? {} : { outage }),
  }))

const scenario = fc.record({
  rttMs: fc.integer({ min: 10, max: 300 }),
  hz: fc.constantFrom(10, 20, 30, 60, 128),
  perSecond: fc.constantFrom(1, 10, 60),
  weather,
})

test('nothing reliable is lost, delivered twice or reported twice, whatever the weather and the policy', () => {
  fc.assert(
    fc.property(
      scenario,
      fc.constantFrom('none', 'lean', 'full'),
      fc.integer({ min: 1, max: 1e6 }),
      (where, name, seed) => {
        told.length = 0
        const policy = POLICIES[name]!
        // Ten seconds of silence, which end a connection, do come in the worst of this weather.
        const endpoint = { ...policy.endpoint, timeoutMs: 60_000 }
        const loud = { ...policy, channel: { ...policy.channel, verdicts: true }, endpoint }
        const outcome = simulate({ ...core, Endpoint: Recording }, sim, where, loud, 10, seed)
        expect(outcome).toMatchObject({ lost: 0, duplicated: 0 })
        const verdicts = told.flatMap((side) => [...side.values()])
        expect(verdicts.length).toBeGreaterThanOrEqual(outcome.messages)
        expect(verdicts.filter((of) => of.length !== 1 || of[0] !== 'acked')).toEqual([])
      },
    ),
    { numRuns: 100 },
  )
})
