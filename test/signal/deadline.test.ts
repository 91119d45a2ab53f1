import { expect, test } from 'vitest'
import { Deadline } from '../../src/signal/deadline.ts'

const never = new Promise<never>(() => {})

test('ends by time', async () => {
  const deadline = new Deadline(10)
  await expect(deadline.race(never)).rejects.toThrow('10 ms')
  expect(deadline.ending).toBe('timeout')
})

test('ends with the caller’s signal and its reason, before and after', async () => {
  const controller = new AbortController()
  const deadline = new Deadline(Number.POSITIVE_INFINITY, controller.signal)
  const raced = deadline.race(never)
  controller.abort('gone')
  await expect(raced).rejects.toBe('gone')
  expect(deadline.ending).toBe('aborted')
  const late = new Deadline(60_000, controller.signal)
  expect([late.ending, late.signal.aborted]).toEqual(['aborted', true])
  await expect(late.race(Promise.resolve(1))).rejects.toBe('gone')
})

test('the first ending counts, and none after release', async () => {
  const controller = new AbortController()
  const first = new Deadline(5, controller.signal)
  await expect(first.race(never)).rejects.toThrow()
  controller.abort()
  expect(first.ending).toBe('timeout')
  const released = new Deadline(0)
  released.release()
  expect(await released.race(new Promise((resolve) => setTimeout(resolve, 5, 'done')))).toBe('done')
  expect(released.ending).toBeUndefined()
})
