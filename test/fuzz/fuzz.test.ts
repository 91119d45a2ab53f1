import { performance } from 'node:perf_hooks'
import { describe, expect, test } from 'vitest'
import { Endpoint } from '../../src/index.ts'
import { usedBytes } from '../support/memory.ts'
import { seeds, seedText, withSeed } from '../support/seeds.ts'
import { readCorpus, writeCorpus } from './corpus.ts'
import { byteSession, FUZZ_CHANNELS, packetSession, type SessionReport, scriptSession } from './sessions.ts'

/** Minutes to spend, from `npm run fuzz -- --minutes N`; 0 in the unit tests. */
const MINUTES = Number(process.env['FUZZ_MINUTES'] ?? 0)
/** Where the seeds of a long run begin. */
const FIRST_SEED = Math.floor(Date.now() / 1000) >>> 0
/** Mean cost of a packet beyond which a run is called slow, µs a packet: some ten times what a slow machine needs. */
const SLOW_US = 1500
/** Memory that one session may hold on to, bytes: a few windows of each channel, both sides, and what the harness keeps. */
const SESSION_BYTES = 64e6

/** One seed; a failure keeps the last packets in the corpus when the run is a long one. */
function once(name: string, run: (seed: number, report: SessionReport) => void, seed: number): SessionReport {
  const report: SessionReport = { packets: 0, bytes: 0, events: 0, recent: [[], []] }
  withSeed(seed, () => {
    try {
      run(seed, report)
    } catch (error) {
      if (MINUTES > 0 && error instanceof Error) {
        report.recent.forEach((packets, side) => {
          const file = `${name.replaceAll(' ', '-')}-${seedText(seed)}-${side}.json`
          const path = writeCorpus({
            name: file,
            why: error.message.slice(0, 300),
            role: side === 0 ? 'client' : 'server',
            packets,
          })
          error.message = `${error.message}\npackets kept in ${path}`
        })
      }
      throw error
    }
  })
  return report
}

/** A third of the time in a long run, else a few seeds that never change. */
function fuzz(name: string, runs: number, run: (seed: number, report: SessionReport) => void): void {
  test(name, { timeout: MINUTES * 60_000 + 60_000 }, () => {
    if (MINUTES === 0) {
      for (const seed of seeds(runs)) once(name, run, seed)
      return
    }
    const before = usedBytes()
    const startedAt = performance.now()
    let packets = 0
    let sessions = 0
    for (let seed = FIRST_SEED; performance.now() - startedAt < (MINUTES * 60_000) / 3; seed = (seed + 1) >>> 0) {
      packets += once(name, run, seed).packets
      sessions++
    }
    const micros = ((performance.now() - startedAt) * 1000) / packets
    console.log(
      `${name}: ${sessions} sessions, ${packets} packets, ${micros.toFixed(0)} µs a packet, from seed ${seedText(FIRST_SEED)}`,
    )
    expect(micros).toBeLessThan(SLOW_US)
    expect(usedBytes() - before).toBeLessThan(SESSION_BYTES)
  })
}

describe('nothing throws and nothing grows', () => {
  fuzz('on random bytes', 30, (seed, report) => byteSession(seed, 400, report))
  fuzz('on changed copies of real packets', 30, (seed, report) => {
    packetSession(seed, 150, { maxMalformed: seed % 2 === 0 ? 32 : 1 << 20 }, report)
  })
  fuzz('in any order of calls', 60, (seed, report) => scriptSession(seed, 400, report))
})

describe('packets that once broke something', () => {
  test.each(readCorpus())('$name: $why', ({ role, packets }) => {
    let salt = 0
    const options = {
      now: 0,
      random: () => ++salt,
      channels: FUZZ_CHANNELS,
      maxPacketBytes: 300,
      maxMalformed: 1 << 20,
    }
    const client = new Endpoint({ ...options, role: 'client' })
    const server = new Endpoint({ ...options, role: 'server' })
    server.receive(client.pollPacket()!.slice(), 0)
    client.receive(server.pollPacket()!.slice(), 0)
    const endpoint = role === 'client' ? client : server
    packets.forEach((packet, i) => {
      expect(() => endpoint.receive(packet, i)).not.toThrow()
      while (endpoint.pollEvent() !== undefined);
      while (endpoint.pollPacket() !== undefined);
    })
  })
})
