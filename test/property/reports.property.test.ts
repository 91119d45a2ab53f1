import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ReceivedPackets } from '../../src/core/packet/received-packets.ts'
import { createStats } from '../../src/core/stats.ts'
import { AckBits } from '../../src/core/wire/ack-groups.ts'
import { ACK_FULL, ACK_NONE, ACK_WINDOW, GROUPS_TRIMMED_BYTES, MAX_GROUPS } from '../../src/core/wire/layout.ts'
import { Reader } from '../../src/core/wire/reader.ts'
import { Writer } from '../../src/core/wire/writer.ts'
import { must } from '../support/must.ts'
import { checkProperty } from '../support/seeds.ts'

/** What a report says: the packets that it calls heard, or `undefined` when it says nothing. */
function saidBy(received: ReceivedPackets): Set<number> | undefined {
  const { form, ack, groups } = received.report
  if (form === ACK_NONE) return undefined
  const bits = new AckBits()
  if (form === ACK_FULL) {
    bits.setFull()
  } else {
    const writer = new Writer(200)
    writer.reset(200)
    groups.write(writer)
    const reader = new Reader()
    reader.reset(writer.view())
    bits.read(reader)
    must(!reader.failed, () => 'the groups cannot be read')
  }
  const said = new Set([ack])
  for (let i = 0; i < bits.span; i++) if (bits.has(i) && ack - 1 - i >= 0) said.add(ack - 1 - i)
  return said
}

const hear = fc.record({
  op: fc.constant('hear' as const),
  by: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: -20, max: 4 }) },
    { weight: 1, arbitrary: fc.integer({ min: -300, max: 300 }) },
  ),
  times: fc.constantFrom(1, 1, 1, 30),
})
const report = fc.record({ op: fc.constant('report' as const), isShort: fc.boolean() })
const confirm = fc.record({ op: fc.constant('confirm' as const), back: fc.nat({ max: 10 }) })

describe('an ack report', () => {
  test('says the truth, and all of it that the peer may not know yet', () => {
    const steps = fc.array(
      fc.oneof({ weight: 5, arbitrary: hear }, { weight: 3, arbitrary: report }, { weight: 2, arbitrary: confirm }),
      { maxLength: 120, size: 'max' },
    )
    const property = fc.property(steps, (all) => {
      const received = new ReceivedPackets(createStats())
      /** Packets heard → number of our next packet when they came. */
      const heard = new Map<number, number>()
      /** Our packets whose report was whole. */
      const whole: number[] = []
      let ourNext = 0
      let confirmed = -1
      for (const step of all) {
        if (step.op === 'hear') {
          for (let i = 0; i < step.times; i++) {
            const sequence = Math.max(0, received.newest + step.by)
            const expected =
              sequence <= received.newest - ACK_WINDOW ? 'stale' : heard.has(sequence) ? 'duplicate' : 'new'
            must(
              received.verdict(sequence) === expected,
              () => `${sequence} is ${received.verdict(sequence)}, expected ${expected}`,
            )
            if (expected !== 'new') continue
            received.mark(sequence, ourNext, 0)
            heard.set(sequence, ourNext)
          }
        } else if (step.op === 'report') {
          received.prepare(0, step.isShort ? GROUPS_TRIMMED_BYTES : MAX_GROUPS)
          const said = saidBy(received)
          if (said === undefined) {
            expect(heard.size === 0 || received.isLeftOut).toBe(true)
            if (!step.isShort) expect(heard.size).toBe(0)
          } else {
            for (const sequence of said) must(heard.has(sequence), () => `${sequence} was never heard`)
            for (const [sequence, from] of heard) {
              const isKnown = confirmed >= from || sequence <= received.newest - ACK_WINDOW
              must(isKnown || said.has(sequence), () => `${sequence} was heard, and the report leaves it out`)
            }
          }
          received.reported(0)
          if (!received.isLeftOut) whole.push(ourNext)
          ourNext++
        } else {
          // The peer has confirmed one of our last packets.
          const packet = whole.at(-1 - step.back)
          if (packet === undefined || packet <= confirmed) continue
          confirmed = packet
          received.trim(confirmed)
        }
      }
    })
    checkProperty(property, 300)
  })

  test('trims itself to the header of 8 bytes once everything is known', () => {
    const received = new ReceivedPackets(createStats())
    for (let sequence = 0; sequence < 500; sequence++) {
      if (sequence % 3 !== 0 || sequence > 400) received.mark(sequence, sequence, 0)
      received.trim(sequence - 5)
    }
    received.prepare(0)
    expect(received.report.form).toBe(ACK_FULL)
  })
})
