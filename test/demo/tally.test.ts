import { describe, expect, test } from 'vitest'
import { courseAt, decodeParcel, encodeParcel, type Parcel, Starter } from '../../demo/race-protocol.ts'
import { Course, Tally } from '../../demo/tally.ts'

const parcel = (number: number, sentAt: number): Parcel => ({ number, sentAt, x: 0.5, y: 0.5 })

describe('the tally of a carrier', () => {
  test('knows the age of the newest state, whatever comes late', () => {
    const tally = new Tally(new Course())
    tally.open(0)
    expect(tally.ageMs(10)).toBeNaN()
    tally.takeState(parcel(2, 100))
    tally.takeState(parcel(1, 50))
    expect(tally.ageMs(160)).toBe(60)
  })

  test('counts what another carrier has brought and this one has not', () => {
    const course = new Course()
    const quick = new Tally(course)
    const lossy = new Tally(course)
    for (const tally of [quick, lossy]) tally.open(0)
    for (let i = 1; i <= 100; i++) {
      quick.takeMessage(parcel(i, i * 100), i * 100 + 40)
      if (i % 10 !== 0) lossy.takeMessage(parcel(i, i * 100), i * 100 + 40)
    }
    // 2.5 s after the last one, all that has not come is missing.
    expect(quick.figures(12_501)).toMatchObject({ count: 100, missing: 0, medianMs: 40, p99Ms: 40 })
    expect(lossy.figures(12_501)).toMatchObject({ count: 100, missing: 10, medianMs: 40, p99Ms: Infinity })
    // What may still come is not missing yet.
    expect(lossy.figures(10_100).missing).toBe(7)
  })

  test('does not count what was sent before it connected, nor what is out of the window', () => {
    const course = new Course()
    const early = new Tally(course)
    const late = new Tally(course)
    early.open(0)
    for (let i = 1; i <= 50; i++) early.takeMessage(parcel(i, i * 100), i * 100 + 30)
    late.open(5_050)
    expect(late.figures(9_000)).toMatchObject({ count: 0, missing: 0, medianMs: Number.NaN })
    course.trim(60_000)
    expect(early.figures(60_000).count).toBe(0)
  })

  test('puts each latency into one bucket', () => {
    const tally = new Tally(new Course())
    tally.open(0)
    ;[5, 12, 99, 100, 9_000].forEach((latency, i) => {
      tally.takeMessage(parcel(i, 1_000), 1_000 + latency)
    })
    const { buckets } = tally.figures(11_000)
    expect(buckets.reduce((sum, count) => sum + count, 0)).toBe(5)
    expect([buckets[0], buckets[1], buckets[8], buckets[9], buckets.at(-1)]).toEqual([1, 1, 1, 1, 1])
  })
})

describe('the starter', () => {
  test('hands every runner the same bytes at the same instants, at the rates that were asked for', () => {
    const starter = new Starter()
    const got: Record<'a' | 'b', string[]> = { a: [], b: [] }
    for (const name of ['a', 'b'] as const) {
      const note = (kind: string) => (bytes: Uint8Array) =>
        void got[name].push(`${kind} ${Buffer.from(bytes).toString('hex')}`)
      starter.add({ sendState: note('state'), sendMessage: note('message') })
    }
    for (let i = 0; i < 600; i++) starter.tick(1e12 + (i * 1_000) / 60, 30, 200)
    expect(got.a).toEqual(got.b)
    const count = (kind: string) => got.a.filter((one) => one.startsWith(kind)).length
    expect(count('state')).toBeGreaterThan(290)
    expect(count('state')).toBeLessThan(310)
    expect(count('message')).toBeGreaterThan(96)
    expect(count('message')).toBeLessThan(104)
  })

  test('fills a parcel up to the size that was asked for, and it is read again', () => {
    const sent = { sentAt: 1_234_567_890_123.25, number: 7, ...courseAt(1_000) }
    const bytes = encodeParcel(sent, 1_000)
    expect(bytes.length).toBe(1_000)
    expect(decodeParcel(bytes)).toMatchObject({ sentAt: sent.sentAt, number: 7 })
    expect(decodeParcel(bytes.subarray(0, 19))).toBeUndefined()
  })
})
