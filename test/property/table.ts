import type { Bytes } from '../../src/core/bytes.ts'
import type { ChannelTable, EndpointOptions } from '../../src/core/config.ts'
import type { EndpointStats } from '../../src/core/stats.ts'
import { Side } from '../support/side.ts'

/** Tick of the quiet phase at the end, ms. */
const TICK_MS = 17

/** Ticks in which a quiet connection settles its last packets: two keepalives. */
const QUIET_TICKS = 300

/** More in flight than the last few packets that only acknowledged. */
function isBusy(side: { readonly endpoint: { readonly state: string; readonly stats: EndpointStats } }): boolean {
  return side.endpoint.state === 'open' && side.endpoint.stats.packetsInFlight > 4
}

/** Small limits, so that a few dozen steps reach them: 192-byte fragments, 24 events. */
export const TIGHT: Partial<EndpointOptions> = {
  maxPacketBytes: 256,
  maxEvents: 24,
  timeoutMs: 600_000,
  keepaliveMs: 2000,
}

/** Two endpoints with the packets between them lying on a table, for a script to pick up, drop, copy and mix. */
export class PacketTable<Table extends ChannelTable = ChannelTable> {
  readonly sides: readonly [Side<Table>, Side<Table>]
  /** Packets on their way to each side, oldest first. */
  readonly flying: readonly [Bytes[], Bytes[]] = [[], []]
  now = 0

  constructor(channels: Table, options: Partial<EndpointOptions<Table>> = TIGHT as Partial<EndpointOptions<Table>>) {
    let salt = 0
    const base = { ...options, now: 0, random: () => ++salt, channels, payloads: { smallBytes: 40 } }
    const client = new Side<Table>({ ...base, name: 'client', role: 'client' })
    const server = new Side<Table>({ ...base, name: 'server', role: 'server' })
    client.peer = server
    server.peer = client
    this.sides = [client, server]
  }

  /** Lets `ms` pass at both ends, lets those that read read, and puts their packets on the table. */
  tick(ms: number): void {
    this.now += ms
    for (let to = 0; to < 2; to++) {
      const side = this.sides[1 - to]!
      side.update(this.now)
      if (side.isReading) side.read()
      this.drain(side)
    }
  }

  /** Puts the packets of one side on the table. */
  drain(side: Side<Table>): void {
    const to = side === this.sides[0] ? 1 : 0
    for (let packet = side.pollPacket(); packet !== undefined; packet = side.pollPacket()) {
      this.flying[to]!.push(packet.slice())
    }
  }

  /** Hands the packet at `index` on its way to side `to` over. */
  deliver(to: 0 | 1, index: number): void {
    const [packet] = this.flying[to].splice(index, 1)
    if (packet !== undefined) this.sides[to].receive(packet, this.now)
  }

  deliverAll(): void {
    for (const to of [0, 1] as const) while (this.flying[to].length > 0) this.deliver(to, 0)
  }

  /** Shakes hands without trouble. */
  open(): this {
    for (let i = 0; i < 5 && this.sides.some((side) => side.opened === 0); i++) {
      this.tick(1)
      this.deliverAll()
      this.tick(1)
    }
    return this
  }

  /** Good weather until everything has its verdict; then every promise is checked. Throws after `limit` ticks. */
  finish(limit = 4000): void {
    for (const side of this.sides) side.isReading = true
    for (let i = 0; i < limit && !this.#isSettled; i++) {
      this.tick(TICK_MS)
      this.deliverAll()
    }
    // Copies that were not needed may still be under way; keepalives settle them.
    for (let i = 0; i < QUIET_TICKS && this.sides.some((side) => isBusy(side)); i++) {
      this.tick(TICK_MS)
      this.deliverAll()
    }
    for (const side of this.sides) side.read()
    for (const side of this.sides) {
      side.finish(side.endpoint.state === 'closed')
      if (isBusy(side))
        throw new Error(`${side.name}: ${side.endpoint.stats.packetsInFlight} packets in flight at rest`)
    }
  }

  get #isSettled(): boolean {
    for (const side of this.sides) {
      for (const model of side.models.values()) if (!model.isAtRest) return false
    }
    return this.flying[0].length + this.flying[1].length === 0
  }
}
