import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../src/core/bytes.ts'
import type { FragmentRecord } from '../../src/core/channel/channel.ts'
import { PARITY_HEAD_BYTES, rebuild, writeParity } from '../../src/core/channel/parity.ts'
import { Reassembly } from '../../src/core/channel/reassembly.ts'
import { type ChannelConfig, resolveConfig } from '../../src/core/config.ts'
import type { ChannelKind } from '../../src/core/events.ts'
import { createStats } from '../../src/core/stats.ts'
import { written } from '../support/payload.ts'
import { checkProperty } from '../support/seeds.ts'
import { parityPayload, rebuiltFragments } from '../wire/oracle.ts'

const SALT = 7

function configOf(kind: ChannelKind, maxMessageBytes: number): ChannelConfig {
  const channels = { c: { kind, maxMessageBytes } }
  return resolveConfig({ role: 'client', now: 0, random: () => 0, channels }).channels[0]!
}

/** A message cut into pieces as a sender cuts it: data by index, then parity. */
function cut(message: Bytes, size: number, parity: number): Bytes[] {
  const count = Math.ceil(message.length / size)
  const pieces: Bytes[] = []
  for (let i = 0; i < count; i++) pieces.push(message.slice(i * size, (i + 1) * size))
  for (let j = 0; j < parity; j++) {
    const piece = new Uint8Array(size + PARITY_HEAD_BYTES)
    writeParity(piece, message, message.length, count, size, j)
    pieces.push(piece)
  }
  return pieces
}

function recordOf(group: number, index: number, pieces: readonly Bytes[], parity: number, id = 0): FragmentRecord {
  const count = pieces.length - parity
  const hasParticulars = index === 0 || index >= count
  return { group, index, hasParticulars, count, parity, idLow: id, key: -1, payload: pieces[index]! }
}

const shape = fc.record({
  size: fc.integer({ min: 1, max: 40 }),
  count: fc.integer({ min: 2, max: 12 }),
  last: fc.nat(),
  parity: fc.integer({ min: 1, max: 6 }),
  order: fc.array(fc.nat(), { minLength: 18, maxLength: 18 }),
})

function messageOf(size: number, count: number, last: number): Bytes {
  return written(last, Math.max(4, (count - 1) * size + 1 + (last % size)), SALT)
}

/** Indexes in an order that `order` decides. */
function shuffled(length: number, order: readonly number[]): number[] {
  const left = Array.from({ length }, (_, i) => i)
  return Array.from({ length }, (_, i) => left.splice(order[i % order.length]! % left.length, 1)[0]!)
}

describe('parity', () => {
  test('is what the oracle computes, and any count of the fragments rebuild the message', () => {
    const property = fc.property(shape, ({ size, count, last, parity, order }) => {
      const message = messageOf(size, count, last)
      const pieces = cut(message, size, parity)
      const data = pieces.slice(0, pieces.length - parity)
      for (let j = 0; j < parity; j++) expect(pieces[data.length + j]).toEqual(parityPayload(data, j))
      const chosen = shuffled(pieces.length, order).slice(0, data.length)
      const known = new Map(chosen.map((index) => [index, pieces[index]!]))
      if (chosen.every((index) => index < data.length)) return
      expect(rebuild(known, data.length, parity)).toEqual(message)
      const theirs = rebuiltFragments(data.length, known)!
      expect(theirs).toEqual(data)
    })
    checkProperty(property, 150)
  })

  test('rebuilds with the most fragments that the field allows', () => {
    const message = written(3, 200 * 3 - 1, SALT)
    const pieces = cut(message, 3, 55)
    const known = new Map(pieces.map((piece, index) => [index, piece] as const).slice(55))
    expect(rebuild(known, 200, 55)).toEqual(message)
  })

  test('gives up on too few fragments', () => {
    const pieces = cut(written(3, 100, SALT), 10, 2)
    const known = new Map(pieces.map((piece, index) => [index, piece] as const).slice(3))
    expect(rebuild(known, 10, 2)).toBeUndefined()
  })
})

describe('reassembly', () => {
  test('makes a message whole exactly once, whatever the order and the repeats', () => {
    const property = fc.property(
      shape,
      fc.constantFrom<ChannelKind>('unreliable', 'sequenced', 'reliable', 'ordered', 'latest'),
      fc.array(fc.nat(), { maxLength: 20 }),
      ({ size, count, last, parity, order }, kind, repeats) => {
        const isReliable = kind !== 'unreliable' && kind !== 'sequenced'
        const parts = isReliable ? 0 : parity
        const message = messageOf(size, count, last)
        const pieces = cut(message, size, parts)
        if (pieces.length - parts < 2) return
        const reassembly = new Reassembly(configOf(kind, message.length), createStats(), 2000)
        const indexes = shuffled(pieces.length, order)
        // Repeats fall anywhere among the others.
        for (const repeat of repeats) indexes.splice(repeat % indexes.length, 0, indexes[repeat % indexes.length]!)
        let whole = 0
        indexes.forEach((index, at) => {
          expect(reassembly.add(recordOf(0, index, pieces, parts), at, 0)).toBe('taken')
          if (reassembly.completed === undefined) return
          whole++
          expect(reassembly.message).toEqual(message)
        })
        expect([whole, reassembly.openGroups, reassembly.chargedBytes]).toEqual([1, 0, 0])
      },
    )
    checkProperty(property, 400)
  })

  test('of an unreliable kind never completes what it has evicted, nor calls its pieces taken', () => {
    // Model: a group is dead once its deadline has passed, or 64 others have opened after it.
    const step = fc.record({
      group: fc.nat({ max: 90 }),
      index: fc.nat({ max: 2 }),
      afterMs: fc.constantFrom(0, 0, 0, 0, 400),
    })
    const property = fc.property(fc.array(step, { minLength: 50, maxLength: 300, size: 'max' }), (steps) => {
      const reassembly = new Reassembly(configOf('unreliable', 4096), createStats(), 1000)
      const pieces = cut(written(1, 30, SALT), 10, 0)
      const taken = new Map<number, Set<number>>()
      const refused = new Set<number>()
      let now = 0
      steps.forEach(({ group, index, afterMs }, sequence) => {
        now += afterMs
        reassembly.expire(now)
        const result = reassembly.add(recordOf(group, index, pieces, 0), sequence, now)
        expect(['taken', 'refused']).toContain(result)
        if (result === 'refused') refused.add(group)
        else expect(refused.has(group)).toBe(false)
        const had = taken.get(group) ?? new Set()
        if (result === 'taken') taken.set(group, had.add(index))
        // Whole only if all of its pieces were taken.
        if (reassembly.completed !== undefined) expect(had.size).toBe(3)
        expect(reassembly.openGroups).toBeLessThanOrEqual(64)
      })
      now += 1000
      reassembly.expire(now)
      expect([reassembly.openGroups, reassembly.chargedBytes, reassembly.expiresAt]).toEqual([
        0,
        0,
        Number.POSITIVE_INFINITY,
      ])
    })
    checkProperty(property, 100)
  })

  test('holds no more than its cap, whatever comes', () => {
    const step = fc.record({
      group: fc.nat({ max: 200 }),
      index: fc.nat({ max: 400 }),
      length: fc.constantFrom(1, 1, 500, 1100),
      isLong: fc.boolean(),
    })
    const kinds = fc.constantFrom<ChannelKind>('unreliable', 'reliable', 'latest')
    const property = fc.property(
      fc.array(step, { minLength: 100, maxLength: 600, size: 'max' }),
      kinds,
      (steps, kind) => {
        const config = configOf(kind, 100_000)
        const stats = createStats()
        const reassembly = new Reassembly(config, stats, 2000)
        steps.forEach(({ group, index, length, isLong }, sequence) => {
          const payload = new Uint8Array(length)
          const fragment = {
            group,
            index,
            hasParticulars: index === 0,
            count: isLong ? 401 : 90,
            parity: 0,
            idLow: group,
            key: -1,
            payload,
          }
          reassembly.add(fragment, sequence, 0)
          // 2 windows of 200,000 bytes, and the cost of 64 tables.
          expect(reassembly.chargedBytes).toBeLessThanOrEqual(2 * config.windowBytes + 64 * 64)
          expect(reassembly.openGroups).toBeLessThanOrEqual(64)
        })
      },
    )
    checkProperty(property, 30)
  })
})
