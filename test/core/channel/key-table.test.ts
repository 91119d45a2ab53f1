import { describe, expect, test } from 'vitest'
import { KeyTable } from '../../../src/core/channel/key-table.ts'

describe('KeyTable of 3', () => {
  test('knows the newest version of each key', () => {
    const table = new KeyTable(3)
    expect(table.versionOf(5)).toBe(-1)
    table.set(5, 10, 0)
    table.set(5, 12, 1)
    table.set(-1, 1, 1)
    expect([table.versionOf(5), table.versionOf(-1), table.versionOf(6)]).toEqual([12, 1, -1])
    expect(table.size).toBe(2)
  })

  test('has room for a key that it knows, even when it is full', () => {
    const table = new KeyTable(3)
    for (let key = 0; key < 3; key++) table.set(key, 0, 0)
    expect(table.hasRoomFor(2, 1)).toBe(true)
    expect(table.hasRoomFor(3, 1)).toBe(false)
  })

  test('forgets keys of which no packet of the last 1,024 spoke, when room is needed', () => {
    const table = new KeyTable(3)
    table.set(0, 0, 100)
    table.set(1, 0, 200)
    table.set(2, 0, 2_000)
    table.set(1, 1, 150)
    expect(table.hasRoomFor(3, 1_124)).toBe(false)
    expect(table.size).toBe(3)
    expect(table.hasRoomFor(3, 1_124 + 64)).toBe(true)
    expect(table.size).toBe(2)
    expect(table.versionOf(1)).toBe(1)
  })

  test('knows what it has forgotten for 1,024 packets more, since a copy may still be under way', () => {
    const table = new KeyTable(3)
    for (let key = 0; key < 3; key++) table.set(key, key, 0)
    expect(table.hasRoomFor(3, 1_100)).toBe(true)
    for (let key = 3; key < 6; key++) table.set(key, key, 1_100)
    expect([0, 1, 2].map((key) => table.versionOf(key))).toEqual([0, 1, 2])
    expect(table.size).toBe(3)
    // A forgotten key finds no room either, until another is forgotten; then it counts again.
    expect(table.hasRoomFor(0, 1_101)).toBe(false)
    expect(table.hasRoomFor(0, 3_000)).toBe(true)
    expect([0, 1, 2].map((key) => table.versionOf(key))).toEqual([-1, -1, -1])
  })

  test('does not search again for every packet', () => {
    const table = new KeyTable(3)
    for (let key = 0; key < 3; key++) table.set(key, 0, 100)
    expect(table.hasRoomFor(9, 1_100)).toBe(false)
    // By now there would be something to forget, but it looks once in 64 packets.
    expect(table.hasRoomFor(9, 1_163)).toBe(false)
    expect(table.hasRoomFor(9, 1_164)).toBe(true)
  })
})
