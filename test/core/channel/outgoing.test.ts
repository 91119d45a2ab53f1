import { describe, expect, test } from 'vitest'
import { Outbox } from '../../../src/core/channel/outbox.ts'
import { FragmentTable, OutgoingMessage } from '../../../src/core/channel/outgoing.ts'
import { BlockPool } from '../../../src/core/container/block-pool.ts'
import { createStats } from '../../../src/core/stats.ts'
import { bytesOf, channelOf, pattern } from '../support.ts'

const NEVER = Number.POSITIVE_INFINITY

describe('FragmentTable', () => {
  test('counts each fragment once, however often it is acknowledged', () => {
    const table = new FragmentTable(3)
    expect(table.ack(1)).toBe(true)
    expect(table.ack(1)).toBe(false)
    expect(table.isAcked(1)).toBe(true)
    expect(table.ackedCount).toBe(1)
  })

  test('a fragment is to be sent again when its last copy is lost and none has arrived', () => {
    const table = new FragmentTable(2)
    table.addCopy(0)
    table.addCopy(0)
    expect(table.loseCopy(0)).toBe(false)
    expect(table.loseCopy(0)).toBe(true)
    table.addCopy(1)
    table.ack(1)
    expect(table.loseCopy(1)).toBe(false)
  })
})

describe('OutgoingMessage', () => {
  test('waits until all of it has left', () => {
    const message = Object.assign(new OutgoingMessage(), { status: 'live' })
    expect(message.isQueued).toBe(true)
    message.hasLeft = true
    expect(message.isQueued).toBe(false)
    expect(Object.assign(new OutgoingMessage(), { status: 'skip' }).isQueued).toBe(false)
  })
})

/** An outbox for fragments of 1,000 bytes, and its verdicts. */
function box({ limit = 10 } = {}) {
  const stats = createStats()
  const pool = new BlockPool(1_000, limit, true)
  const verdicts: string[] = []
  const outbox = new Outbox(pool, 1_000, stats, (config, id, verdict) =>
    verdicts.push(`${config.name} ${id} ${verdict}`),
  )
  return { stats, pool, verdicts, outbox }
}

describe('Outbox', () => {
  const reliable = channelOf('reliable')

  test('copies the payload at the door', () => {
    const { outbox } = box()
    const payload = bytesOf('hello')
    const message = outbox.admit(reliable, 0, -1, payload, NEVER)
    payload.fill(0)
    expect([...message.block.subarray(0, 5)]).toEqual([...bytesOf('hello')])
  })

  // Sizes that just fit, and how they are cut: as few fragments as can be, all alike but the last.
  test.each([
    { length: 0, count: 1, fragmentBytes: 0 },
    { length: 1_000, count: 1, fragmentBytes: 0 },
    { length: 1_001, count: 2, fragmentBytes: 501 },
    { length: 2_000, count: 2, fragmentBytes: 1_000 },
    { length: 2_001, count: 3, fragmentBytes: 667 },
    { length: 65_536, count: 66, fragmentBytes: 993 },
  ])('cuts $length bytes into $count', ({ length, count, fragmentBytes }) => {
    const { outbox } = box()
    const message = outbox.admit(reliable, 0, -1, pattern(length), NEVER)
    expect(message.count).toBe(count)
    expect(message.fragments === undefined).toBe(count === 1)
    if (count === 1) return
    expect(message.fragmentBytes).toBe(fragmentBytes)
    const lengths = Array.from({ length: count }, (_, i) => message.fragmentLength(i))
    expect(lengths.reduce((sum, one) => sum + one, 0)).toBe(length)
    expect(lengths.at(-1)).toBeGreaterThan(0)
    expect(Math.max(...lengths)).toBe(fragmentBytes)
  })

  test('adds parity fragments for a share of the data fragments, rounded up', () => {
    const { outbox } = box()
    const unreliable = channelOf('unreliable', { parity: 0.25, maxMessageBytes: 20_000 })
    expect(outbox.admit(unreliable, 0, -1, pattern(900), NEVER).parity).toBe(0)
    expect(outbox.admit(unreliable, 1, -1, pattern(2_500), NEVER).parity).toBe(1)
    expect(outbox.admit(unreliable, 2, -1, pattern(4_500), NEVER).parity).toBe(2)
  })

  test('a verdict is given once, the bytes go back, and the record when no queue holds it', () => {
    const { outbox, pool, verdicts, stats } = box()
    const message = outbox.admit(reliable, 4, -1, bytesOf('hello'), NEVER)
    message.holders = 1
    expect(stats).toMatchObject({ queuedMessages: 1, queuedBytes: 5, messagesSent: 1, appBytesSent: 5 })
    outbox.settle(reliable, message, 'acked')
    expect(verdicts).toEqual(['reliable 4 acked'])
    expect(stats).toMatchObject({ queuedMessages: 0, queuedBytes: 0, messagesAcked: 1 })
    expect(pool.free).toBe(1)
    const { generation } = message
    outbox.release(message)
    expect(message.generation).toBe(generation)
    message.holders = 0
    outbox.release(message)
    expect(message.generation).toBe(generation + 1)
    outbox.release(message)
    expect(message.generation).toBe(generation + 1)
    expect(outbox.admit(reliable, 5, -1, bytesOf('again'), NEVER)).toBe(message)
  })

  test('a record that is used again brings nothing of its former life', () => {
    const { outbox } = box()
    const latest = channelOf('latest')
    const old = outbox.admit(latest, 4, 9, pattern(5_000), 77)
    Object.assign(old, { hasBegun: true, hasLeft: true, copies: 3, needsCopy: true, isInResend: true, group: 6 })
    old.isSuperseded = true
    outbox.settle(latest, old, 'acked')
    const fresh = outbox.admit(reliable, 0, -1, bytesOf('x'), NEVER)
    expect(fresh).toBe(old)
    const { generation, block, ...rest } = fresh
    const {
      generation: _,
      block: __,
      ...expected
    } = Object.assign(new OutgoingMessage(), {
      status: 'live',
      channel: 0,
      length: 1,
      fragmentBytes: fresh.fragmentBytes,
    })
    expect(rest).toEqual(expected)
  })

  test('a value that was replaced in its place has its verdict, and only the new one is counted as waiting', () => {
    const { outbox, verdicts, stats } = box()
    const message = outbox.admit(channelOf('sequenced'), 0, 3, bytesOf('old'), NEVER)
    outbox.replace(channelOf('sequenced'), message, 1, bytesOf('newer'), NEVER)
    expect(verdicts).toEqual(['sequenced 0 replaced'])
    expect(message).toMatchObject({ id: 1, key: 3, length: 5 })
    expect(stats).toMatchObject({ queuedMessages: 1, queuedBytes: 5, messagesReplaced: 1, messagesSent: 2 })
  })

  test('a message that was given up keeps its record for the skip, but not its bytes', () => {
    const { outbox, pool, stats, verdicts } = box()
    const message = outbox.admit(reliable, 0, -1, bytesOf('old'), NEVER)
    outbox.retire(reliable, message, 'expired')
    expect(message.status).toBe('skip')
    expect(pool.free).toBe(1)
    expect(verdicts).toEqual(['reliable 0 expired'])
    expect(stats).toMatchObject({ queuedMessages: 0, messagesExpired: 1 })
  })

  test('every verdict has a counter', () => {
    const { outbox, stats } = box()
    for (const verdict of ['acked', 'lost', 'expired', 'replaced', 'closed'] as const) {
      outbox.settle(reliable, outbox.admit(reliable, 0, -1, bytesOf('x'), NEVER), verdict)
    }
    expect(stats).toMatchObject({ messagesAcked: 1, messagesLost: 1, messagesExpired: 1, messagesReplaced: 1 })
    expect(stats.messagesSent).toBe(5)
  })
})
