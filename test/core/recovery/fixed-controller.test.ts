import { expect, test } from 'vitest'
import { FixedController } from '../../../src/core/recovery/fixed-controller.ts'
import { FluidPath, PACKET } from './path.ts'

test('FixedController sends at its rate, whatever the path says', () => {
  const controller = new FixedController(100_000)
  const path = new FluidPath(controller, 50, 100, 30_000)
  path.run(10_000)
  expect(controller.windowBytes).toBe(Number.POSITIVE_INFINITY)
  expect(controller.paceBytesPerSecond).toBe(100_000)
  // Twice what the path carries: its queue stays full.
  expect(path.queueBytes).toBeGreaterThan(30_000 - 3 * PACKET)
})
