import { describe, expect, test } from 'vitest'
import { KeySlots } from '../../../src/core/container/key-slots.ts'
import { randomOf } from '../support.ts'

describe('KeySlots', () => {
  test('a key keeps its place when its value goes', () => {
    const slots = new KeySlots<string>()
    const slot = slots.slotOf(7)
    slots.put(slot, 'a')
    expect(slots.take(slot, 'a')).toBe(true)
    expect(slots.size).toBe(0)
    expect(slots.slotOf(7)).toBe(slot)
  })

  test('a value that another has followed cannot be taken out', () => {
    const slots = new KeySlots<string>()
    const slot = slots.slotOf(7)
    slots.put(slot, 'a')
    slots.put(slot, 'b')
    expect(slots.take(slot, 'a')).toBe(false)
    expect(slots.size).toBe(1)
    expect(slots.slotOf(7).value).toBe('b')
  })

  test('a place that was swept away takes nothing from the one that followed it', () => {
    const slots = new KeySlots<string>()
    const old = slots.slotOf(7)
    slots.put(old, 'a')
    slots.take(old, 'a')
    for (let key = 100; key < 1_000; key++) slots.slotOf(key)
    const slot = slots.slotOf(7)
    expect(slot).not.toBe(old)
    slots.put(slot, 'b')
    expect(slots.take(old, 'a')).toBe(false)
    expect(slots.slotOf(7).value).toBe('b')
  })

  test('ever new keys leave no more than some empty places', () => {
    const slots = new KeySlots<number>()
    const seen = new Set<object>()
    for (let key = 0; key < 10_000; key++) {
      const slot = slots.slotOf(key)
      slots.put(slot, key)
      slots.take(slot, key)
      seen.add(slot)
    }
    let kept = 0
    for (let key = 0; key < 10_000; key++) if (seen.has(slots.slotOf(key))) kept++
    expect(kept).toBeLessThanOrEqual(66)
  })

  test('agrees with a map for any story', () => {
    const random = randomOf(9)
    const slots = new KeySlots<number>()
    const model = new Map<number, number>()
    for (let step = 0; step < 20_000; step++) {
      const key = Math.floor(random() * (step % 1_000 < 500 ? 40 : 400))
      const slot = slots.slotOf(key)
      expect(slot.value).toBe(model.get(key))
      if (random() < 0.5) {
        slots.put(slot, step)
        model.set(key, step)
      } else if (slot.value !== undefined) {
        slots.take(slot, slot.value)
        model.delete(key)
      }
      expect(slots.size).toBe(model.size)
    }
    const all: number[] = []
    slots.forEach((value) => {
      all.push(value)
    })
    expect(all.sort((a, b) => a - b)).toEqual([...model.values()].sort((a, b) => a - b))
    slots.clear()
    expect(slots.size).toBe(0)
  })
})
