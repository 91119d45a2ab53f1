import { describe, expect, test } from 'vitest'
import { createStats, type EndpointStats } from '../../src/core/stats.ts'
import { niceTop } from '../../src/devtools/graph-painter.ts'
import { bytes, milliseconds, percent, perSecond } from '../../src/devtools/graph-text.ts'
import { FIELD, Sampler } from '../../src/devtools/sampler.ts'

/** A connection that sends and hears 60 packets a second and loses one in five on the way out. */
function steady(stats: EndpointStats, seconds: number): void {
  stats.packetsSent = 60 * seconds
  stats.packetsAcked = 48 * seconds
  stats.packetsLost = 12 * seconds
  stats.packetsReceived = 60 * seconds
  stats.appBytesSent = 1000 * seconds
  stats.bytesSent = 1500 * seconds
  stats.wireBytesSent = 7000 * seconds
  stats.resends = 3 * seconds
}

describe('the sampler', () => {
  test('turns counters into rates of the last second and shares of the last two', () => {
    const sampler = new Sampler()
    const stats = createStats()
    for (let i = 0; i <= 50; i++) {
      steady(stats, i / 10)
      sampler.push(stats, 1000 + i * 100, i)
    }
    const last = sampler.length - 1
    const of = (field: keyof typeof FIELD) => sampler.get(last, FIELD[field])
    expect(of('packetsUp')).toBeCloseTo(60)
    expect(of('appUp')).toBeCloseTo(1000)
    expect(of('wireUp')).toBeCloseTo(7000)
    expect(of('resends')).toBeCloseTo(3)
    expect(of('lossUp')).toBeCloseTo(0.2)
    expect(of('lossDown')).toBe(0)
    expect(of('ageMs')).toBe(50)
    expect(of('rttMs')).toBeNaN()
  })

  test('says nothing of loss before it has seen enough packets', () => {
    const sampler = new Sampler()
    const stats = createStats()
    sampler.push(stats, 0, Number.NaN)
    stats.packetsLost = 3
    sampler.push(stats, 100, Number.NaN)
    expect(sampler.get(1, FIELD.lossUp)).toBeNaN()
  })

  test('keeps more than fifteen seconds and finds an instant in them', () => {
    const sampler = new Sampler()
    const stats = createStats()
    for (let i = 0; i < 1000; i++) sampler.push(stats, i * 100, i)
    expect(sampler.newestAt - sampler.get(0, FIELD.at)).toBeGreaterThan(17_000)
    expect(sampler.get(sampler.indexAt(90_049), FIELD.ageMs)).toBe(900)
    expect(sampler.indexAt(0)).toBe(-1)
  })

  test('begins anew when the counters do', () => {
    const sampler = new Sampler()
    const stats = createStats()
    steady(stats, 1)
    sampler.push(stats, 0, 0)
    sampler.push(stats, 100, 0)
    sampler.push(createStats(), 200, 0)
    expect(sampler.length).toBe(1)
  })

  test('takes statistics that lack what a later version has', () => {
    const { backlogBytes: _, channels: __, copies: ___, ...older } = createStats()
    const sampler = new Sampler()
    sampler.push(older as unknown as EndpointStats, 0, 0)
    expect([sampler.get(0, FIELD.backlogBytes), sampler.channels]).toEqual([Number.NaN, []])
  })

  test('tells channels apart', () => {
    const sampler = new Sampler()
    const stats = createStats()
    const channel = {
      ...{ name: 'chat', kind: 'ordered' as const, messagesSent: 0, messagesReceived: 0, appBytesSent: 0 },
      ...{ appBytesReceived: 0, queuedBytes: 0, queuedMessages: 2, resends: 0, copies: 0, messagesAcked: 0 },
      messagesLost: 0,
      messagesUndecodable: 0,
    }
    stats.channels.push(channel)
    for (let i = 0; i <= 20; i++) {
      channel.messagesSent = i
      channel.appBytesReceived = i * 50
      channel.copies = i * 2
      sampler.push(stats, i * 100, 0)
    }
    expect(sampler.channels).toEqual([
      {
        ...{ name: 'chat', kind: 'ordered', queuedMessages: 2, lost: 0, messagesUp: 10 },
        messagesDown: 0,
        bytesUp: 0,
        bytesDown: 500,
        again: 20,
      },
    ])
  })
})

describe('figures', () => {
  test.each([
    [
      milliseconds,
      [0.123, 9.96, 62.4, 999.4, 1234, 12_345, Number.NaN],
      ['0.1 ms', '10 ms', '62 ms', '999 ms', '1.2 s', '12 s', '–'],
    ],
    [percent, [0, 0.031, 0.0996, 0.31, 1, Number.NaN], ['0.0 %', '3.1 %', '10 %', '31 %', '100 %', '–']],
    [bytes, [0, 812, 4123, 61_900, 1_234_567, Number.NaN], ['0 B', '812 B', '4.1 kB', '62 kB', '1.2 MB', '–']],
    [perSecond, [0, 0.42, 59.7, Number.NaN, Infinity], ['0', '0.4', '60', '–', '–']],
  ] as const)('are short, and never NaN: %o', (format, values, texts) => {
    expect(values.map((value) => format(value))).toEqual(texts)
  })

  test('the top of a scale is a round number that holds the highest value', () => {
    expect([0, Number.NaN, 49, 51, 199, 200, 201, 4999].map((value) => niceTop(value, 50))).toEqual([
      50, 50, 50, 75, 200, 200, 300, 5000,
    ])
  })
})
