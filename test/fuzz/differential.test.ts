import { describe, expect } from 'vitest'
import type { ChannelTable } from '../../src/core/config.ts'
import { Random } from '../../src/sim/index.ts'
import { Hostile } from '../support/hostile.ts'
import { kindsOf } from '../support/packet-check.ts'
import { seeded } from '../support/seeds.ts'
import { decodePacket, encodePacket, OracleError, type PacketCraft, toHex } from '../wire/oracle.ts'
import { below, mutated, mutatedBytes, randomBytes } from './mutate.ts'
import { FUZZ_CHANNELS } from './sessions.ts'

const KINDS = kindsOf(FUZZ_CHANNELS)

/** An honest packet with a bit of everything. */
function honest(random: Random): PacketCraft {
  const records: Extract<PacketCraft, { form: 'data' }>['records'] = [
    { type: 'message', channel: 0, payload: randomBytes(random, below(random, 10)) },
    { type: 'message', channel: 1, key: below(random, 300), payload: randomBytes(random, 3) },
    { type: 'message', channel: 2, id: below(random, 40), payload: randomBytes(random, 3) },
    { type: 'message', channel: 2, id: 40 + below(random, 40), payload: randomBytes(random, 230) },
    { type: 'message', channel: 4, key: 3, id: below(random, 40), payload: randomBytes(random, 3) },
    { type: 'skip', channel: 3, id: below(random, 40) },
    { type: 'ping' },
  ]
  const count = 2 + below(random, 4)
  const index = below(random, count)
  const particulars = index === 0 ? { particulars: { count, parity: 0, id: below(random, 40) } } : {}
  const kept = records.filter(() => random.chance(0.5))
  const last = {
    type: 'fragment',
    channel: 2,
    group: below(random, 50),
    index,
    payload: randomBytes(random, 20),
    ...particulars,
  } as const
  const ack = random.chance(0.5)
    ? ({ form: 'groups', ack: 0, offsets: [1, 2, 3, 9, 200] } as const)
    : ({ form: 'none' } as const)
  return { form: 'data', sequence: 0, ack, records: random.chance(0.3) ? [...kept, last] : kept }
}

describe('the core and the oracle agree', () => {
  seeded('on what is no packet of ours, and on nothing else', 12, (seed) => {
    const random = new Random(seed)
    let malformed = 0
    for (let round = 0; round < 20; round++) {
      const peer = new Hostile<ChannelTable>(FUZZ_CHANNELS, { maxMalformed: 1 << 20 }).open()
      peer.victim.send('shots', randomBytes(random, 10))
      peer.pass(1)
      for (let i = 0; i < 60; i++) {
        const start = encodePacket(honest(random), { kinds: KINDS })
        const packet = random.chance(0.5) ? mutatedBytes(random, start) : mutated(random, start, KINDS)
        if (packet.length < 3 || packet[0]! >= 0x40) continue
        packet.set([peer.sequence >> 8, peer.sequence & 0xff], 1)
        peer.sequence++
        let reason: string | undefined
        try {
          decodePacket(packet, { kinds: KINDS })
        } catch (error) {
          if (!(error instanceof OracleError)) throw error
          reason = error.reason
        }
        const { encoding, unknownChannel } = peer.victim.stats.refusals
        const before = encoding + unknownChannel
        const kept = packet.slice()
        const result = peer.putBytes(packet)
        const { refusals } = peer.victim.stats
        const isOurs = refusals.encoding + refusals.unknownChannel === before
        // A packet may be refused, or fail for what it means, before the place where its encoding fails.
        const hint = `${toHex(kept)}: core ${result} ${JSON.stringify(peer.refusals)}, oracle ${reason ?? 'reads it'}`
        if (reason === undefined) expect(isOurs, hint).toBe(true)
        else expect(['malformed', 'refused'], hint).toContain(result)
        if (reason !== undefined) malformed++
      }
    }
    expect(malformed).toBeGreaterThan(100)
  })
})
