import { afterEach, beforeAll, expect, test } from 'vitest'
import { startCluster } from '../../examples/cluster/primary.mjs'
import { build, isStale } from '../../scripts/build.mjs'
import type { Peer } from '../../src/node/index.ts'
import { postOffer, SignalError } from '../../src/signal/index.ts'
import { until } from '../transport/until.ts'
import { connectNative } from './native-client.ts'

const CHANNELS = { chat: { kind: 'ordered' }, state: { kind: 'sequenced' } } as const
const closing: (() => unknown)[] = []

beforeAll(async () => {
  // The processes run the packed form.
  if (isStale()) await build({ quiet: true })
  process.env['BIND_ADDRESS'] = '127.0.0.1'
})

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

function leave(client: Peer<typeof CHANNELS>): Promise<unknown> {
  client.close({ deadlineMs: 0 })
  return client.closed
}

test('four processes share the players evenly, and the crash of one ends only its own', async () => {
  const cluster = await startCluster({ processes: 4, port: 0 })
  closing.push(() => cluster.close())
  const clients: Peer<typeof CHANNELS>[] = await Promise.all(
    Array.from({ length: 12 }, () =>
      connectNative(cluster.url, { channels: CHANNELS, endpoint: { timeoutMs: 2500, keepaliveMs: 500 } }),
    ),
  )
  closing.push(() => Promise.all(clients.map(leave)))
  await until(() => clients.every((client) => client.state === 'open'), 'all are in')
  const seatOf = (client: Peer<typeof CHANNELS>): string => client.id.split('.')[0]!
  const counts = ['p0', 'p1', 'p2', 'p3'].map((id) => clients.filter((client) => seatOf(client) === id).length)
  expect(counts).toEqual([3, 3, 3, 3])

  cluster.children[1]!.kill('SIGKILL')
  const killedAt = performance.now()
  await until(() => clients.every((client) => (client.state === 'open') === (seatOf(client) !== 'p1')), 'p1 has gone')
  // Noticed within the timeout, and a keepalive.
  expect(performance.now() - killedAt).toBeLessThan(4000)
  for (const client of clients) if (client.state === 'open') client.send('chat', Uint8Array.of(1))
  await until(() => {
    let echoes = 0
    for (const client of clients) if (client.stats.messagesReceived > 0) echoes++
    return echoes === 9
  })
  // Whoever comes now goes elsewhere.
  const late = await connectNative(cluster.url, { channels: CHANNELS })
  closing.push(() => leave(late))
  await until(() => late.state === 'open')
  expect(seatOf(late)).not.toBe('p1')
  expect(cluster.balancer.size).toBe(3)
  const error = await postOffer(`${cluster.url}/p1.x`, 'junk').catch((reason: unknown) => reason)
  expect((error as SignalError).problem?.code).toBe('unknown-peer')
  expect(error).toBeInstanceOf(SignalError)
}, 60_000)
