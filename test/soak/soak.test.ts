import { describe, expect, test } from 'vitest'
import type { LinkOptions } from '../../src/sim/index.ts'
import { Random } from '../../src/sim/index.ts'
import { usedBytes } from '../support/memory.ts'
import { Pair } from '../support/pair.ts'
import { seeds, withSeed } from '../support/seeds.ts'
import type { Side } from '../support/side.ts'
import { wrapIds } from './ids.ts'
import { nextWeather, WORST } from './weather.ts'

/** Messages each way, in all; seeds; and how much of the payload is large. `npm run soak -- --gear long` sets the gear. */
const GEARS = {
  quick: { messages: 2500, seeds: 1, largeShare: 0.1 },
  normal: { messages: 20_000, seeds: 2, largeShare: 0.2 },
  long: { messages: 100_000, seeds: 1, largeShare: 0.2 },
} as const

const gearName = (process.env['SOAK'] ?? 'quick') as keyof typeof GEARS
const gear = GEARS[gearName]
if (gear === undefined) throw new RangeError(`SOAK=${gearName}, expected quick, normal or long`)

const CHANNELS = {
  pose: { kind: 'unreliable', maxMessageBytes: 65_536, parity: 0.4 },
  look: { kind: 'sequenced', maxMessageBytes: 65_536 },
  hits: { kind: 'reliable', priority: 1 },
  chat: { kind: 'ordered', weight: 2 },
  doors: { kind: 'latest' },
} as const
type Table = typeof CHANNELS
const NAMES = Object.keys(CHANNELS) as (keyof Table)[]
const KEYED = new Set<string>(['look', 'doors'])

const FRAGMENT_BYTES = 1150 - 64
/** Up to ten fragments. */
const LARGEST_BYTES = 10 * FRAGMENT_BYTES
/** Packets that may be in flight when nobody plays: the last few that only acknowledged. */
const AT_REST_PACKETS = 64
/** Memory that a soak may gain between its second quarter and its end, bytes. The models keep five bytes a message. */
const FLAT_BYTES = 12e6

interface Course {
  readonly up: LinkOptions
  readonly down: LinkOptions
  readonly changes?: boolean
}

function sentBy(side: Side<Table>): number {
  let sent = 0
  for (const model of side.models.values()) sent += model.sent
  return sent
}

function soak(seed: number, course: Course): void {
  const random = new Random(seed)
  const pair = new Pair<Table>({
    seed,
    channels: CHANNELS,
    both: { timeoutMs: 120_000, keepaliveMs: 2000, bytesPerSecond: 4e6, reassemblyMs: 20_000 },
    payloads: { smallBytes: 60, maxBytes: LARGEST_BYTES, largeShare: gear.largeShare },
    up: course.up,
    down: course.down,
  })
  let isOver = false
  if (course.changes) {
    const change = (now: number): void => {
      if (isOver) return
      const { up, down, lastsMs } = nextWeather(random)
      pair.world.set({ up, down })
      pair.world.at(now + lastsMs, change)
    }
    pair.world.at(1000, change)
  }
  pair.open(60_000)
  const share = Math.ceil(gear.messages / NAMES.length)
  pair.play((side, _now, tick) => {
    for (const name of NAMES) {
      const model = side.models.get(name)!
      if (model.sent >= share) continue
      // Bursts now and then; a full reliable channel takes no more, and the message is tried again at a later tick.
      for (let i = tick % 50 === 0 ? 10 : 1; i > 0 && model.sent < share; i--) {
        const isMortal = model.sent % 16 === 5
        side.send(name, {
          ...(KEYED.has(name) ? { key: model.sent % 13 } : {}),
          ...(isMortal ? { ttlMs: 200 + (model.sent % 7) * 300 } : {}),
        })
      }
    }
  })

  const memory: number[] = []
  const misses: number[] = []
  for (let quarter = 1; quarter <= 4; quarter++) {
    const goal = (gear.messages * quarter) / 4
    const isThere = pair.runUntil(() => pair.sides.every((side) => sentBy(side) >= goal), 4 * 3_600_000)
    if (!isThere) throw new Error(`a quarter of the messages took more than four hours; ${pair.world.describe()}`)
    misses.push(pair.client.endpoint.stats.poolMisses)
    if (gearName === 'long') memory.push(usedBytes())
  }
  // Calm, so that the end comes.
  isOver = true
  pair.world.set({ up: { loss: 0, blackouts: [] }, down: { loss: 0, blackouts: [] } })
  pair.finish(300_000)
  pair.run(10_000)

  for (const side of pair.sides) {
    const { stats } = side.endpoint
    expect(side.reason).toBeUndefined()
    expect(stats.packetsMalformed, `malformed: ${JSON.stringify(stats.refusals)}`).toBe(0)
    expect(stats.queuedMessages).toBe(0)
    expect(stats.queuedBytes).toBe(0)
    expect(stats.packetsInFlight).toBeLessThanOrEqual(AT_REST_PACKETS)
    for (const name of ['hits', 'chat'] as const) {
      const { verdicts, sent, delivered } = side.models.get(name)!
      expect(verdicts.acked + verdicts.expired).toBe(sent)
      expect(delivered).toBeGreaterThanOrEqual(verdicts.acked)
    }
  }
  // A message above one fragment gets a buffer of its own; all others come from the pool once it is warm.
  const large = pair.client.endpoint.stats.messagesSent * gear.largeShare
  expect(misses[3]! - misses[1]!).toBeLessThan(large * 0.6 + 3000)
  if (memory.length > 0) {
    console.log(`memory after each quarter: ${memory.map((bytes) => `${(bytes / 1e6).toFixed(1)} MB`).join(', ')}`)
    expect(memory[3]! - memory[1]!).toBeLessThan(FLAT_BYTES)
  }
  const { stats } = pair.client.endpoint
  const hours = (pair.now / 3_600_000).toFixed(2)
  if (gearName !== 'quick') {
    console.log(`${stats.messagesSent} messages, ${stats.packetsSent} packets, ${stats.resends} resends, ${hours} h`)
  }
}

describe(`soak, gear ${gearName}`, () => {
  const courses: [name: string, course: Course][] = [
    ['on the worst line', { up: WORST, down: WORST }],
    ['in changing weather', { up: {}, down: {}, changes: true }],
  ]
  if (gearName === 'long') test('nobody notices when message ids wrap after 2^24', { timeout: 3_600_000 }, wrapIds)
  for (const [name, course] of courses) {
    test(`every promise holds ${name}`, { timeout: 3_600_000 }, () => {
      for (const seed of seeds(gear.seeds)) withSeed(seed, () => soak(seed, course))
    })
  }
})
