import { afterEach, expect, test } from 'vitest'
import { listen } from '../../src/node/index.ts'
import { postOffer } from '../../src/signal/index.ts'
import { until } from '../transport/until.ts'
import { connectNative } from './native-client.ts'

const LOOPBACK = '127.0.0.1'
const CHANNELS = { chat: { kind: 'ordered' } } as const
const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Metrics by name and labels; every line must be one of the text format's. */
function parsed(text: string): Map<string, number> {
  const metrics = new Map<string, number>()
  const typed = new Set<string>()
  for (const line of text.trimEnd().split('\n')) {
    const comment = /^# (?:HELP (\w+) .+|TYPE (\w+) (?:counter|gauge|histogram))$/.exec(line)
    if (comment?.[2] !== undefined) typed.add(comment[2])
    if (comment !== null) continue
    const sample = /^(\w+)(\{[^}]*\})? (\S+)$/.exec(line)
    expect(sample, line).not.toBeNull()
    const [, name, labels = '', value] = sample!
    expect(typed.has(name!) || typed.has(name!.replace(/_(bucket|sum|count)$/, '')), name).toBe(true)
    expect(Number.isFinite(Number(value)), line).toBe(true)
    metrics.set(name! + labels, Number(value))
  }
  return metrics
}

test('health, readiness and metrics tell what goes on, one handler for all', async () => {
  const server = await listen({ channels: CHANNELS, bindAddress: LOOPBACK, host: LOOPBACK, port: 0 })
  closing.push(() => server.close())
  const ask = async (path: string) => {
    const response = await server.operations(new Request(`http://x.test${path}`))
    return { status: response.status, text: await response.text(), type: response.headers.get('content-type') }
  }
  expect([(await ask('/healthz')).status, (await ask('/readyz')).status, (await ask('/x')).status]).toEqual([
    200, 200, 404,
  ])
  await postOffer(server.url!, 'junk').catch(() => {})
  const client = await connectNative(server.url!, { channels: CHANNELS })
  await until(() => server.peers.size === 1)
  client.send('chat', new Uint8Array(1000))
  await until(() => server.peers.get(client.id)!.stats.appBytesReceived === 1000)
  const { text, type } = await ask('/metrics')
  expect(type).toContain('version=0.0.4')
  const metrics = parsed(text)
  expect(metrics.get('gannet_peers')).toBe(1)
  expect(metrics.get('gannet_refusals_total{code="bad-offer"}')).toBe(1)
  expect(metrics.get('gannet_app_bytes_total{direction="in"}')).toBe(1000)
  const [ours, wire] = ['bytes', 'wire_bytes'].map((name) => metrics.get(`gannet_${name}_total{direction="in"}`)!)
  expect(ours).toBeGreaterThan(1000)
  expect(wire! - ours!).toBe(93 * metrics.get('gannet_packets_total{direction="in"}')!)
  await until(() => server.peers.get(client.id)!.stats.rttSamples > 0)
  const later = parsed((await ask('/metrics')).text)
  expect(later.get('gannet_rtt_seconds_bucket{le="+Inf"}')).toBe(later.get('gannet_rtt_seconds_count'))
  expect(later.get('gannet_rtt_seconds_count')).toBeGreaterThan(0)

  client.close()
  await client.closed
  await until(() => server.peers.size === 0)
  await new Promise((resolve) => setTimeout(resolve, 500))
  const after = parsed((await ask('/metrics')).text)
  // What is gone stays counted.
  expect(after.get('gannet_app_bytes_total{direction="in"}')).toBe(1000)
  expect([
    after.get('gannet_peers'),
    after.get('gannet_peers_opened_total'),
    after.get('gannet_peers_closed_total'),
  ]).toEqual([0, 1, 1])
  const closed = server.close()
  expect([(await ask('/readyz')).status, (await ask('/healthz')).status]).toEqual([503, 200])
  await closed
})
