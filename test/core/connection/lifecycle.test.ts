import { describe, expect, test } from 'vitest'
import { Lifecycle, TRANSITIONS } from '../../../src/core/connection/lifecycle.ts'
import type { ConnectionState } from '../../../src/core/events.ts'

const STATES = Object.keys(TRANSITIONS) as ConnectionState[]
/** The shortest way to each state. */
const WAYS: Readonly<Record<ConnectionState, readonly ConnectionState[]>> = {
  connecting: [],
  open: ['open'],
  closing: ['open', 'closing'],
  closed: ['closed'],
}

function lifecycleIn(state: ConnectionState): Lifecycle {
  const lifecycle = new Lifecycle()
  for (const step of WAYS[state]) lifecycle.move(step)
  return lifecycle
}

describe('Lifecycle', () => {
  test('begins with connecting', () => {
    expect(new Lifecycle().state).toBe('connecting')
  })

  for (const from of STATES) {
    for (const to of STATES) {
      const isLegal = TRANSITIONS[from].includes(to)
      test(`from ${from} to ${to}: ${isLegal ? 'yes' : 'no'}`, () => {
        const lifecycle = lifecycleIn(from)
        if (isLegal) {
          lifecycle.move(to)
          expect(lifecycle.state).toBe(to)
        } else {
          expect(() => lifecycle.move(to)).toThrow(`illegal move: ${from} to ${to}`)
          expect(lifecycle.state).toBe(from)
        }
      })
    }
  }

  test('there is no way out of closed, and one into it from everywhere else', () => {
    expect(TRANSITIONS.closed).toEqual([])
    for (const state of STATES) if (state !== 'closed') expect(TRANSITIONS[state]).toContain('closed')
  })
})
