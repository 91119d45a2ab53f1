import { describe, expect } from 'vitest'
import type { Bytes } from '../../src/core/bytes.ts'
import type { ChannelTable, EndpointOptions } from '../../src/core/config.ts'
import { Random } from '../../src/sim/index.ts'
import { seeded } from '../support/seeds.ts'
import { Side } from '../support/side.ts'

const WRAP = 0x10000

interface Course<Table extends ChannelTable> {
  readonly channels: Table
  readonly seed: number
  readonly options?: Partial<EndpointOptions<Table>>
  /** Packets that are lost, and that arrive one step late, per thousand. */
  readonly lost: number
  readonly late: number
  readonly step: (side: Side<Table>, step: number) => void
}

/** Two sides that exchange packets without delay but for losses and lateness, as fast as this machine can. */
class Shuttle<Table extends ChannelTable> {
  readonly sides: readonly [Side<Table>, Side<Table>]
  readonly #course: Course<Table>
  readonly #random: Random
  readonly #late: [Bytes[], Bytes[]] = [[], []]
  #now = 0
  steps = 0

  constructor(course: Course<Table>) {
    this.#course = course
    this.#random = new Random(course.seed)
    // The oracle is slow: it reads the packets around each wrap, and a sample of the others.
    const checksPackets = (packet: number): boolean => packet % 41 === 0 || (packet + 100) % WRAP < 200
    const base = {
      ...course.options,
      now: 0,
      random: () => this.#random.uint32(),
      channels: course.channels,
      checksPackets,
      payloads: { smallBytes: 12 },
    }
    const client = new Side<Table>({ ...base, name: 'client', role: 'client' })
    const server = new Side<Table>({ ...base, name: 'server', role: 'server' })
    client.peer = server
    server.peer = client
    this.sides = [client, server]
  }

  step(plays: boolean): void {
    this.#now += 5
    for (let from = 0; from < 2; from++) {
      const side = this.sides[from]!
      const peer = this.sides[1 - from]!
      side.update(this.#now)
      side.read()
      if (plays && side.opened > 0) this.#course.step(side, this.steps)
      const late = this.#late[from]!.splice(0)
      for (let packet = side.pollPacket(); packet !== undefined; packet = side.pollPacket()) {
        const chance = this.#random.uint32() % 1000
        if (chance < this.#course.lost) continue
        if (chance < this.#course.lost + this.#course.late) this.#late[from]!.push(packet.slice())
        else peer.receive(packet.slice(), this.#now)
      }
      for (const packet of late) peer.receive(packet, this.#now)
    }
    this.steps++
  }

  run(until: () => boolean, limit: number): void {
    while (!until()) {
      if (this.steps > limit) throw new Error(`not there after ${limit} steps`)
      this.step(true)
    }
    const isAtRest = (): boolean => this.sides.every((side) => [...side.models.values()].every((m) => m.isAtRest))
    for (let i = 0; i < 2000 && !isAtRest(); i++) this.step(false)
    for (const side of this.sides) side.finish()
  }
}

describe('every promise holds', () => {
  seeded('when packet sequences wrap, both ways', 1, (seed) => {
    const channels = {
      pose: { kind: 'unreliable' },
      look: { kind: 'sequenced' },
      hits: { kind: 'reliable' },
      chat: { kind: 'ordered' },
      doors: { kind: 'latest' },
    } as const
    const names = ['pose', 'look', 'hits', 'chat', 'doors'] as const
    const shuttle = new Shuttle({
      channels,
      seed,
      lost: 40,
      late: 40,
      step: (side, step) => {
        const name = names[step % names.length]!
        side.send(name, name === 'look' || name === 'doors' ? { key: step % 3 } : {})
      },
    })
    shuttle.run(() => shuttle.sides.every((side) => side.packets > WRAP + 1500), 80_000)
    for (const { endpoint } of shuttle.sides) {
      expect(endpoint.stats.packetsMalformed + endpoint.stats.packetsStale).toBe(0)
      expect(endpoint.stats.lossUp).toBeGreaterThan(0.02)
      expect(endpoint.stats.lossUp).toBeLessThan(0.07)
    }
  })

  seeded('when fragment groups wrap', 1, (seed) => {
    const channels = { hits: { kind: 'reliable' } } as const
    const shuttle = new Shuttle({
      channels,
      seed,
      lost: 20,
      late: 20,
      options: { maxPacketBytes: 256, bytesPerSecond: 1e9 },
      step: (side) => {
        if (side.name === 'server') return
        side.send('hits', { bytes: 200 })
      },
    })
    const client = shuttle.sides[0]
    shuttle.run(() => [...client.models.values()].every((model) => model.sent > WRAP + 300), 80_000)
    expect(shuttle.sides[1].endpoint.stats.packetsMalformed).toBe(0)
  })
})
