import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EndpointEvent } from '../../src/core/events.ts'
import { Inbox } from '../../src/core/inbox.ts'
import { createStats } from '../../src/core/stats.ts'
import { configOf } from '../core/support.ts'
import { must } from '../support/must.ts'
import { checkProperty } from '../support/seeds.ts'

const MAX_EVENTS = 40
const MAX_BYTES = 300
const channels = { world: { kind: 'sequenced' }, door: { kind: 'latest' }, chat: { kind: 'ordered' } } as const

/** The same in a list: what is dropped is looked for. */
class Model {
  readonly events: EndpointEvent[] = []
  dropped = 0
  #waitsSince: number | undefined
  #isAway = false

  push(event: EndpointEvent, now: number): void {
    this.#waitsSince ??= now
    if (event.type === 'message' && now > this.#waitsSince + 500) this.#isAway = true
    this.events.push(event)
    if (!this.#isAway) return
    for (let i = this.events.length - 1; i >= 0; i--) {
      if (!this.events.slice(i + 1).some((newer) => overtakes(newer, this.events[i]!))) continue
      this.events.splice(i, 1)
      this.dropped++
    }
  }

  poll(): EndpointEvent | undefined {
    this.#waitsSince = undefined
    this.#isAway = false
    return this.events.shift()
  }

  get hasRoom(): boolean {
    const bytes = this.events.reduce((sum, event) => sum + (event.type === 'message' ? event.payload.length : 0), 0)
    return this.events.length < MAX_EVENTS && bytes < MAX_BYTES
  }
}

function overtakes(newer: EndpointEvent, older: EndpointEvent): boolean {
  return (
    newer.type === 'message' &&
    older.type === 'message' &&
    newer.channel === older.channel &&
    newer.key === older.key &&
    newer.channel !== 'chat'
  )
}

test('an inbox is a list from which a newer state takes the older, while nobody looks', () => {
  const channel = fc.constantFrom('world', 'world', 'world', 'world', 'world', 'door', 'door', 'chat')
  const step = fc.oneof(
    {
      weight: 60,
      arbitrary: fc.record({ op: fc.constant('message' as const), channel, key: fc.integer({ min: -1, max: 3 }) }),
    },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('verdict' as const) }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('poll' as const), times: fc.integer({ min: 1, max: 9 }) }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('wait' as const), ms: fc.constantFrom(1, 100, 500, 501) }) },
  )
  let dropped = 0
  const property = fc.property(fc.array(step, { maxLength: 500, size: 'max' }), (steps) => {
    const stats = createStats()
    const inbox = new Inbox({ ...configOf(channels), maxEvents: MAX_EVENTS, maxEventBytes: MAX_BYTES }, stats)
    const model = new Model()
    let now = 0
    for (const [n, step] of steps.entries()) {
      if (step.op === 'wait') now += step.ms
      else if (step.op === 'poll')
        for (let i = 0; i < step.times; i++) must(inbox.poll() === model.poll(), () => `poll ${n}`)
      else {
        const event: EndpointEvent =
          step.op === 'verdict'
            ? { type: 'verdict', channel: 'chat', id: n, verdict: 'acked', at: now }
            : { type: 'message', channel: step.channel, key: step.key, payload: new Uint8Array(n % 13) }
        if (step.op === 'message' && !model.hasRoom) continue
        inbox.push(event, now)
        model.push(event, now)
      }
      must(inbox.hasRoom === model.hasRoom, () => `room after step ${n}`)
      must(stats.messagesUnread === model.dropped, () => `${stats.messagesUnread} dropped, expected ${model.dropped}`)
    }
    dropped += model.dropped
  })
  checkProperty(property, 300)
  expect(dropped).toBeGreaterThan(1000)
})
