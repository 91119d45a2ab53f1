import { describe, expect, test } from 'vitest'
import { DCSCTP, type LinkOptions, SctpPath, VirtualHost } from '../../src/sim/index.ts'
import { SctpGame, stamped } from '../support/sctp-game.ts'

/** 4 Mbit/s with 200 ms of buffer, as a home router has it; the way back is wide. */
const BYTES_PER_SECOND = 500_000
const BOTTLENECK: LinkOptions = { delayMs: 25, bytesPerSecond: BYTES_PER_SECOND, queueBytes: 0.2 * BYTES_PER_SECOND }
const BACK: LinkOptions = { delayMs: 25 }
const TRANSFER_BYTES = 1 << 20

/** Keeps two transfers of the client waiting, so that it always has something to send. */
function keepSending(game: SctpGame): void {
  game.onTick = (side, peer, now) => {
    if (side === 'client' && peer.stats.queuedBytes < TRANSFER_BYTES) peer.trySend('hits', stamped(TRANSFER_BYTES, now))
  }
}

/** Bytes that the server of each game took in a stretch of time. */
function received(games: readonly SctpGame[]): number[] {
  return games.map((game) => game.stats('server').bytesReceived)
}

describe('at a bottleneck of 4 Mbit/s', () => {
  test('two games with one pipe and with three share within 60 to 40', () => {
    // The first of two games in an instant has a small advantage, whatever their pipes: each of the two is first once.
    const shares = [
      [1, 3],
      [3, 1],
    ].map((order) => {
      const host = new VirtualHost({ seed: 1 })
      const sctpPath = new SctpPath({
        seed: 1,
        host,
        up: { ...BOTTLENECK, jitterMs: 1 },
        down: { ...BACK, jitterMs: 1 },
      })
      const games = order.map(
        (pipes) => new SctpGame({ seed: 1, host, sctpPath, stateBytes: 0, pipes: { min: pipes, max: pipes } }),
      )
      games.forEach(keepSending)
      host.advance(5_000)
      const before = received(games)
      host.advance(15_000)
      const bytes = received(games).map((sum, i) => sum - before[i]!)
      // And they use it.
      expect((bytes[0]! + bytes[1]!) / 15).toBeGreaterThan(0.8 * BYTES_PER_SECOND)
      return bytes[order.indexOf(3)]! / (bytes[0]! + bytes[1]!)
    })
    for (const share of shares) {
      expect(share).toBeGreaterThan(0.35)
      expect(share).toBeLessThan(0.65)
    }
    const mean = (shares[0]! + shares[1]!) / 2
    expect(mean).toBeGreaterThan(0.42)
    expect(mean).toBeLessThan(0.58)
  })

  test('a flow like TCP beside three pipes is not starved, nor are they', () => {
    const seed = 1
    const host = new VirtualHost({ seed })
    const sctpPath = new SctpPath({ seed, host, up: BOTTLENECK, down: BACK })
    const game = new SctpGame({ seed, host, sctpPath, stateBytes: 0, pipes: { min: 3, max: 3 } })
    keepSending(game)
    // Reno with fast retransmit and timers: an association that resends everything is one.
    const tcp = sctpPath.open({ options: DCSCTP, reliability: {} }, { options: DCSCTP, reliability: {} })
    let tcpBytes = 0
    tcp.server.onPacket = (packet) => {
      tcpBytes += packet.length
    }
    const feed = (): void => {
      while (tcp.client.backlogBytes < 50_000) tcp.client.send(new Uint8Array(1100))
      host.at(host.now() + 5, feed)
    }
    feed()
    host.advance(5_000)
    const [gannetBefore, tcpBefore] = [game.stats('server').bytesReceived, tcpBytes]
    host.advance(15_000)
    const gannet = game.stats('server').bytesReceived - gannetBefore
    const share = (tcpBytes - tcpBefore) / (gannet + tcpBytes - tcpBefore)
    expect(share).toBeGreaterThan(0.25)
    expect(share).toBeLessThan(0.97)
  })

  test('a transfer of 1 MiB beside the state adds little to its age, and takes little longer than it must', () => {
    for (const seed of [1, 2, 3]) {
      const game = new SctpGame({ seed, up: BOTTLENECK, down: BACK, stateBytes: 1000 }).run(5_000)
      const usualMs = game.up.age(0.95, 2_000)
      const startedAt = game.now
      let endedAt = Number.NaN
      game.peers.client.send('hits', stamped(TRANSFER_BYTES, game.now))
      while (Number.isNaN(endedAt) && game.now < startedAt + 15_000) {
        game.run(20)
        if (game.up.hitMs.length > 0) endedAt = game.now
      }
      const leastMs = (TRANSFER_BYTES / BYTES_PER_SECOND) * 1000
      expect(endedAt - startedAt, `seed ${seed}`).toBeLessThan(1.5 * leastMs)
      expect(game.up.age(0.95, startedAt, endedAt) - usualMs, `seed ${seed}`).toBeLessThanOrEqual(60)
    }
  })
})

describe('a message of 256 KiB', () => {
  const path = { delayMs: 25, loss: 0.05 }
  const BYTES = 1 << 18
  const SEEDS = [1, 2, 3, 4, 5]
  const PAUSE_MS = 3_000

  /** Times of three messages, one after the other, over Gannet. */
  function overGannet(seed: number, min: number): number[] {
    const game = new SctpGame({ seed, path, stateBytes: 0, pipes: { min, max: 3 } })
    return [1, 2, 3].map((count) => {
      game.run(PAUSE_MS)
      const startedAt = game.now
      game.peers.client.send('hits', stamped(BYTES, game.now))
      while (game.up.hitMs.length < count && game.now < startedAt + 20_000) game.run(5)
      return game.up.hitMs[count - 1] ?? Number.POSITIVE_INFINITY
    })
  }

  /** The same over one association that resends everything. */
  function overSctp(seed: number): number[] {
    const host = new VirtualHost({ seed })
    const pipe = new SctpPath({ seed, host, up: path, down: path }).open(
      { options: DCSCTP, reliability: {} },
      { options: DCSCTP, reliability: {} },
    )
    let arrivedAt = Number.POSITIVE_INFINITY
    pipe.server.onPacket = () => {
      arrivedAt = host.now()
    }
    return [1, 2, 3].map(() => {
      host.advance(PAUSE_MS)
      arrivedAt = Number.POSITIVE_INFINITY
      const startedAt = host.now()
      pipe.client.send(new Uint8Array(BYTES))
      while (arrivedAt === Number.POSITIVE_INFINITY && host.now() < startedAt + 20_000) host.advance(5)
      return arrivedAt - startedAt
    })
  }

  /** Median over the seeds. */
  const medianOf = (times: readonly number[][], count: number): number =>
    times.map((ofSeed) => ofSeed[count]!).sort((a, b) => a - b)[2]!

  test('takes at most half of the time of a reliable association, RTT 50, 5 %, over three pipes', () => {
    const sctp = SEEDS.map(overSctp)
    const gannet = SEEDS.map((seed) => overGannet(seed, 3))
    for (const count of [0, 1, 2]) {
      expect(medianOf(sctp, count)).toBeGreaterThan(1000)
      expect(medianOf(gannet, count), `message ${count}`).toBeLessThanOrEqual(0.5 * medianOf(sctp, count))
    }
  })

  test('so it does from the second one on over a connection that began with one pipe', () => {
    const sctp = SEEDS.map(overSctp)
    const gannet = SEEDS.map((seed) => overGannet(seed, 1))
    // The first one waits for the pipes that its losses open.
    expect(medianOf(gannet, 0)).toBeLessThanOrEqual(0.65 * medianOf(sctp, 0))
    for (const count of [1, 2]) {
      expect(medianOf(gannet, count), `message ${count}`).toBeLessThanOrEqual(0.5 * medianOf(sctp, count))
    }
  })
})
