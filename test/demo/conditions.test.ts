import { Link, profileNames, profiles } from 'gannet/sim'
import { describe, expect, test } from 'vitest'
import { alignedTo, type Conditions, changeConditions, INITIAL, weatherOf } from '../../demo/conditions.ts'

function changed(current: Conditions, asked: unknown): Conditions {
  const next = changeConditions(current, asked)
  if (typeof next === 'string') throw new Error(next)
  return next
}

describe('conditions', () => {
  test('a profile brings its own figures; a slider that is moved makes them custom; the rest does not', () => {
    const train = changed(INITIAL, { profile: 'train' })
    expect(train).toMatchObject({
      profile: 'train',
      loss: 0.025,
      delayMs: 50,
      kbitPerSecond: 2_000,
      bots: INITIAL.bots,
    })
    expect(changed(train, { bots: 5, stateHz: 30 })).toMatchObject({ profile: 'train', bots: 5, stateHz: 30 })
    expect(changed(train, { loss: 0.2 })).toMatchObject({ profile: 'custom', loss: 0.2, delayMs: 50 })
  })

  test.each([
    [null],
    [[]],
    ['train'],
    [{ profile: 'tunnel' }],
    [{ loss: 0.9 }],
    [{ loss: '0.1' }],
    [{ speed: 1 }],
    [{ toString: 1 }],
  ])('refuses %j with a word', (asked) => {
    expect(changeConditions(INITIAL, asked)).toBeTypeOf('string')
  })

  test.each(profileNames)('the weather of %s is that of the profile, whatever was set before', (name) => {
    const storm = changed(INITIAL, { loss: 0.3, jitterMs: 40, kbitPerSecond: 300 })
    const link = new Link({ seed: 1, ...weatherOf(storm).up })
    link.set(weatherOf(changed(storm, { profile: name })).up, 0)
    const { overheadBytes: _, ...expected } = profiles[name].up
    expect(link.settings).toMatchObject(expected)
    expect(link.settings.overheadBytes).toBe(28)
  })

  test('blackouts come at the same instants on a link that began later', () => {
    const weather = weatherOf(changed(INITIAL, { profile: 'blackout' }))
    for (const laterMs of [0, 1_234, 6_000, 7_999, 9_000, 123_456]) {
      const first = new Link({ seed: 1, startsAt: 0, ...weather.up })
      const later = new Link({ seed: 1, startsAt: laterMs, ...alignedTo(laterMs, weather).up })
      for (let now = 130_000; now < 160_000; now += 250) {
        const dark = [first, later].map((link) => {
          const before = link.counters.blackedOut
          link.push(new Uint8Array(1), now)
          return link.counters.blackedOut > before
        })
        expect(dark[1], `${now} ms, began at ${laterMs}`).toBe(dark[0])
      }
    }
  })
})
