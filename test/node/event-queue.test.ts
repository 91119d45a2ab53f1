import { expect, test } from 'vitest'
import type { ChannelTable, EndpointEvent } from '../../src/index.ts'
import { EventQueue, type Source } from '../../src/node/event-queue.ts'
import type { ServerPeer } from '../../src/node/server-peer.ts'

/** A peer that has nothing but events. */
class FakePeer {
  readonly id: string
  readonly events: EndpointEvent[] = []

  constructor(id: string) {
    this.id = id
  }

  say(...ids: number[]): void {
    for (const id of ids) this.events.push({ type: 'verdict', channel: 'chat', id, verdict: 'acked', at: 0 })
  }

  pollEvent(): EndpointEvent | undefined {
    return this.events.shift()
  }
}

function sourceOf(id: string): { source: Source<ChannelTable>; peer: FakePeer } {
  const peer = new FakePeer(id)
  return { peer, source: { peer: peer as unknown as ServerPeer, queued: 0, isHeld: false, hasOpened: true } }
}

function pulled(queue: EventQueue<ChannelTable>, count = Number.POSITIVE_INFINITY): string[] {
  const events: string[] = []
  for (let event = queue.pull(); event !== undefined; event = queue.pull()) {
    events.push(`${event.peer.id}${event.type === 'verdict' ? event.id : event.type}`)
    if (events.length === count) break
  }
  return events
}

test('keeps the order of arrival over all peers', () => {
  const queue = new EventQueue<ChannelTable>()
  const [a, b] = [sourceOf('a'), sourceOf('b')]
  a.peer.say(1, 2)
  queue.collect(a.source)
  b.peer.say(1)
  queue.collect(b.source)
  a.peer.say(3)
  queue.collect(a.source)
  expect(pulled(queue)).toEqual(['a1', 'a2', 'b1', 'a3'])
  expect(queue.pull()).toBeUndefined()
})

test('holds a flood back in its own peer, so that others wait for a bounded part of it, and loses none', () => {
  const queue = new EventQueue<ChannelTable>()
  const [flood, other] = [sourceOf('f'), sourceOf('o')]
  const all = Array.from({ length: 5000 }, (_, i) => i)
  flood.peer.say(...all)
  queue.collect(flood.source)
  other.peer.say(1)
  queue.collect(other.source)
  const events = pulled(queue)
  expect(events.indexOf('o1')).toBe(1024)
  expect(events.filter((event) => event !== 'o1')).toEqual(all.map((id) => `f${id}`))
})

test('stays small when it is never quite empty', () => {
  const queue = new EventQueue<ChannelTable>()
  const { peer, source } = sourceOf('a')
  const seen: string[] = []
  for (let i = 0; i < 10_000; i++) {
    peer.say(i)
    queue.collect(source)
    if (i >= 10) seen.push(...pulled(queue, 1))
  }
  expect(seen).toEqual(Array.from({ length: 9990 }, (_, i) => `a${i}`))
  expect(source.queued).toBe(10)
})
