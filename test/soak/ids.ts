import { expect } from 'vitest'
import { Endpoint } from '../../src/index.ts'
import { checkedPacket, kindsOf } from '../support/packet-check.ts'

const CHANNELS = {
  hits: { kind: 'reliable', verdicts: false, maxQueuedMessages: 4096 },
  doors: { kind: 'latest', verdicts: false, maxQueuedMessages: 4096 },
} as const
const WRAP = 1 << 24
const KINDS = kindsOf(CHANNELS)
const NOTHING = new Uint8Array(0)

/** Seventeen million messages on each of two channels, across the wrap of their ids: a minute, for the long gear alone. */
export function wrapIds(): void {
  let salt = 0
  const options = { now: 0, random: () => ++salt, channels: CHANNELS, bytesPerSecond: 1e10, maxEvents: 1 << 20 }
  const client = new Endpoint({ ...options, role: 'client' })
  const server = new Endpoint({ ...options, role: 'server' })
  server.receive(client.pollPacket()!.slice(), 0)
  client.receive(server.pollPacket()!.slice(), 0)
  let packets = 0
  let received = 0
  let now = 0
  for (let sent = 0; sent < WRAP + 10_000; ) {
    now += 5
    // The oracle is slow: it reads the packets around the wrap, and a sample of the others.
    const isNearWrap = Math.abs(sent - WRAP) < 5000
    for (let i = 0; i < 1500; i++) {
      if (client.trySend('hits', NOTHING) !== sent) throw new Error(`message ${sent} was not taken`)
      if (client.trySend('doors', NOTHING, { key: sent & 1023 }) !== sent) throw new Error(`door ${sent} was not taken`)
      sent++
    }
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.update(now)
      for (let packet = from.pollPacket(); packet !== undefined; packet = from.pollPacket()) {
        packets++
        if (isNearWrap || packets % 997 === 0) checkedPacket(packet, KINDS)
        if (to.receive(packet.slice(), now) !== 'accepted')
          throw new Error(`a packet was not accepted at message ${sent}`)
      }
    }
    for (let event = server.pollEvent(); event !== undefined; event = server.pollEvent()) {
      if (event.type === 'message' && event.channel === 'hits') received++
    }
    while (client.pollEvent() !== undefined);
    if (received < sent - 4096) throw new Error(`${received} of ${sent} received`)
  }
  expect(server.stats.duplicateMessages).toBe(0)
  expect(received).toBeGreaterThan(WRAP)
  expect(client.stats.packetsLost + server.stats.packetsMalformed).toBe(0)
}
