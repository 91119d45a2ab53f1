import { describe, expect, test } from 'vitest'
import { ReceivedPackets } from '../../../src/core/packet/received-packets.ts'
import { createStats } from '../../../src/core/stats.ts'
import { ACK_FULL, ACK_GROUPS, ACK_NONE } from '../../../src/core/wire/layout.ts'
import { Writer } from '../../../src/core/wire/writer.ts'

const FORMS = { [ACK_NONE]: 'none', [ACK_FULL]: 'all 32', [ACK_GROUPS]: 'groups' } as const

/** A receiver that has sent one packet for each that it heard. */
class Table {
  readonly stats = createStats()
  readonly packets = new ReceivedPackets(this.stats)
  /** Sequence of our next packet. */
  next = 0
  now = 0

  hear(...sequences: number[]): void {
    for (const sequence of sequences) {
      this.now += 10
      this.packets.mark(sequence, this.next, this.now)
    }
  }

  hearFrom(first: number, last: number, except: (sequence: number) => boolean = () => false): void {
    for (let sequence = first; sequence <= last; sequence++) if (!except(sequence)) this.hear(sequence)
  }

  /** What the next packet of ours says, in words; it is sent. */
  say(maxGroupBytes?: number): string {
    this.packets.prepare(this.now, maxGroupBytes)
    const { form, ack, delayCode, groups } = this.packets.report
    this.packets.reported(this.now)
    this.next++
    const delay = delayCode < 0 ? '' : `, ${delayCode / 4} ms`
    if (form !== ACK_GROUPS) return `${FORMS[form]}${form === ACK_NONE ? '' : ` before ${ack}`}${delay}`
    const writer = new Writer(200)
    writer.reset(200)
    groups.write(writer)
    return `${ack}: ${Buffer.from(writer.view().subarray(1)).toString('hex') || 'alone'}${delay}`
  }
}

describe('what a packet is', () => {
  test('new, until it was heard', () => {
    const { packets } = new Table()
    expect(packets.verdict(0)).toBe('new')
    expect(packets.verdict(5_000)).toBe('new')
    packets.mark(5, 0, 0)
    expect(packets.verdict(5)).toBe('duplicate')
    expect(packets.verdict(4)).toBe('new')
    expect(packets.verdict(6)).toBe('new')
    expect(packets.newest).toBe(5)
  })

  test('stale, from 1,024 behind the newest on', () => {
    const { packets } = new Table()
    packets.mark(2_000, 0, 0)
    expect(packets.verdict(977)).toBe('new')
    expect(packets.verdict(976)).toBe('stale')
    expect(packets.verdict(0)).toBe('stale')
  })

  test('a duplicate, if it was read in part; and it is never acknowledged', () => {
    const table = new Table()
    table.hear(0)
    table.packets.spoil(1)
    table.hear(2)
    expect(table.packets.verdict(1)).toBe('duplicate')
    expect(table.say()).toContain('2: 3f')
  })
})

describe('what our header says', () => {
  test('nothing before anything was heard', () => {
    expect(new Table().say()).toBe('none')
  })

  test('all were heard, with the delay once for each newest packet', () => {
    const table = new Table()
    table.hear(0)
    table.now += 5
    expect(table.say()).toBe('all 32 before 0, 5 ms')
    expect(table.say()).toBe('all 32 before 0')
    table.hear(1)
    expect(table.say()).toBe('all 32 before 1, 0 ms')
  })

  test('the delay is that of the newest packet, also when an older one came after it', () => {
    const table = new Table()
    table.hear(0, 2)
    table.now += 7
    table.hear(1)
    expect(table.say()).toBe('all 32 before 2, 17 ms')
  })

  test('a gap, for as long as the peer may not know what lies behind it', () => {
    const table = new Table()
    table.hear(0, 1, 3)
    expect(table.say()).toBe('3: 3f, 0 ms')
    table.hear(4)
    expect(table.say()).toBe('4: 5f, 0 ms')
    // Our packet 0 told of 3 and all before; the peer has it. Packet 4 is still open, and is the ack itself.
    table.packets.trim(0)
    expect(table.say()).toBe('4: alone')
    table.packets.trim(1)
    table.hear(5)
    expect(table.say()).toBe('5: alone, 0 ms')
    table.hear(6)
    expect(table.say()).toBe('6: 77, 0 ms')
  })

  test('a late packet from before the floor is told of again', () => {
    const table = new Table()
    table.hearFrom(0, 50, (sequence) => sequence === 10)
    table.say()
    table.packets.trim(0)
    expect(table.say()).toBe('all 32 before 50')
    table.hear(10)
    const said = table.say()
    expect(said).toMatch(/^50: /)
    // Offset 40 is in the sixth group: all seven of it were heard.
    expect(said).toBe('50: c5')
    table.packets.trim(2)
    expect(table.say()).toBe('all 32 before 50')
  })

  test('a report that does not fit is left out whole, with its delay, and the next one that fits brings both', () => {
    const table = new Table()
    table.hearFrom(0, 400, (sequence) => sequence % 3 === 0 && sequence > 0)
    expect(table.say(37)).toBe('none')
    expect(table.packets.isLeftOut).toBe(true)
    expect(table.say()).toMatch(/^400: [0-9a-f]{116}, 0 ms$/)
    expect(table.packets.isLeftOut).toBe(false)
  })

  test('what lies beyond the window is not spoken of', () => {
    const table = new Table()
    table.hear(0, 5_000)
    expect(table.say()).toBe('5000: alone, 0 ms')
  })

  test.each([2 ** 31 - 3, 2 ** 32 - 3, 2 ** 40])(
    'our own packets may be numbered from %i on: the floor moves as from 0',
    (start) => {
      const saysFrom = (first: number): string[] => {
        const table = new Table()
        table.next = first
        return Array.from({ length: 40 }, (_, i) => {
          table.hear(2 * i)
          const said = table.say()
          table.packets.trim(first + i - 1)
          return said
        })
      }
      expect(saysFrom(start)).toEqual(saysFrom(0))
      expect(saysFrom(start).at(-1)).toBe('78: 2a, 0 ms')
    },
  )
})

describe('what it counts', () => {
  test('packets that never came, and takes back those that come late', () => {
    const table = new Table()
    table.hear(2)
    expect(table.stats.packetsMissed).toBe(2)
    table.hear(6, 0, 4)
    expect(table.stats.packetsMissed).toBe(3)
  })

  test('the share of losses, once a packet is 32 behind', () => {
    const table = new Table()
    table.hearFrom(0, 32, (sequence) => sequence === 0)
    expect(table.stats.lossDown).toBeNaN()
    table.hear(33)
    expect(table.stats.lossDown).toBe(1)
    table.hearFrom(34, 41)
    expect(table.stats.lossDown).toBeCloseTo(1 / 9)
  })

  test('nothing of what fell out of the window by a jump', () => {
    const table = new Table()
    table.hearFrom(0, 100)
    table.hear(100_000)
    expect(table.stats.lossDown).toBeGreaterThan(0.9)
    expect(table.stats.packetsMissed).toBe(99_899)
  })
})
