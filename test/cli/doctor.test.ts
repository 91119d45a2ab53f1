import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { build, isStale } from '../../scripts/build.mjs'
import { root, runNode } from '../../scripts/tool.mjs'
import { doctorCommand } from '../../src/cli/doctor.ts'
import { nativeProbe } from '../../src/cli/native-probe.ts'
import { AILMENTS, type AilmentCode, linesOf } from '../../src/doctor/diagnosis.ts'
import { type ExamineOptions, examine } from '../../src/doctor/examine.ts'
import { type ListenOptions, listen, SignalRefusal } from '../../src/node/index.ts'
import { manifest } from '../support/bundle.ts'

const LOOPBACK = '127.0.0.1'
const CHANNELS = { chat: { kind: 'ordered' } } as const
const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

type Options = Partial<ListenOptions<typeof CHANNELS>>

async function game(options: Options = {}): Promise<string> {
  const server = await listen<typeof CHANNELS>({
    channels: CHANNELS,
    bindAddress: LOOPBACK,
    host: LOOPBACK,
    port: 0,
    ...options,
  })
  closing.push(() => server.close({ deadlineMs: 0 }))
  return server.url!
}

async function web(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://${LOOPBACK}:${(server.address() as AddressInfo).port}/gannet`
}

async function closedPort(): Promise<string> {
  const url = await web(() => {})
  for (const close of closing.splice(0)) await close()
  return url
}

/** Changes the port of every candidate to one where nobody is. */
const elsewhere = (sdp: string) => sdp.replace(/^(a=candidate:(?:\S+ ){5})\d+/gm, '$19')
/** A fingerprint of a certificate that nobody has. */
const forged = (sdp: string) => sdp.replace(/^(a=fingerprint:sha-256 ).*$/m, `$1${Array(32).fill('AB').join(':')}`)

interface Case {
  readonly url: () => string | Promise<string>
  readonly options?: ExamineOptions
}

/** One broken set-up for each code that Node can see. */
const BROKEN: Partial<Record<AilmentCode, Case>> = {
  'bad-url': { url: () => 'ftp://game.test' },
  'dns-failed': { url: () => 'http://nowhere.invalid/gannet' },
  'connection-refused': { url: closedPort },
  'tls-failed': { url: async () => (await game()).replace('http:', 'https:') },
  'http-timeout': { url: () => web(() => {}), options: { timeoutMs: 300 } },
  'not-found': { url: async () => `${await game()}s` },
  'not-gannet': { url: () => web((_, response) => response.end('<!doctype html>')) },
  'origin-refused': {
    url: () => game({ allowOrigin: 'https://game.test' }),
    options: { headers: { origin: 'https://other.test' } },
  },
  refused: { url: () => game({ authorize: () => new SignalRefusal(401, 'no-token', 'send a token') }) },
  'no-room': { url: () => game({ maxPeers: 0 }) },
  'server-failed': { url: () => game({ authorize: () => Promise.reject(new Error('the database is gone')) }) },
  'offer-refused': { url: () => game({ maxOfferBytes: 100 }) },
  'no-server-candidates': {
    url: () => game({ transformAnswer: (sdp) => sdp.replace(/^a=candidate:.*\r\n/gm, '') }),
  },
  'ice-failed': { url: () => game({ transformAnswer: elsewhere }), options: { timeoutMs: 1500 } },
  'dtls-failed': { url: () => game({ transformAnswer: forged }), options: { timeoutMs: 5000 } },
  silent: {
    url: () =>
      game({
        wrapTransport: (transport) => ({
          maxPacketBytes: transport.maxPacketBytes,
          backlogBytes: 0,
          send: () => {},
          onPacket: undefined,
          onEnd: undefined,
          close: () => transport.close(),
        }),
      }),
  },
  'protocol-mismatch': { url: () => game({ protocol: 'mine' }), options: { protocol: 'yours', channels: CHANNELS } },
}

describe('the doctor', () => {
  test.each([
    ['told the channels', { channels: CHANNELS }],
    ['told nothing', {}],
  ])('finds a server healthy, %s', async (_name, options) => {
    const diagnosis = await examine(await game(), nativeProbe(LOOPBACK), options)
    expect(linesOf(diagnosis).join('\n')).toContain('healthy')
    expect(diagnosis.isHealthy).toBe(true)
    expect(diagnosis.findings.map(({ outcome }) => outcome)).toEqual(Array(11).fill('ok'))
    expect(diagnosis.pairs).toEqual([expect.stringMatching(/127\.0\.0\.1.*chosen/)])
  })

  test.each(Object.entries(BROKEN))('calls it %s, names the step, and says what to do', async (code, broken) => {
    const url = await broken.url()
    const { ailment, findings, isHealthy } = await examine(url, nativeProbe(LOOPBACK), broken.options)
    const [step, hint] = AILMENTS[code as AilmentCode]
    expect([ailment?.code, ailment?.step, ailment?.hint, isHealthy]).toEqual([code, step, hint, false])
    expect(ailment!.detail).not.toBe('')
    const at = findings.findIndex(({ outcome }) => outcome === 'failed')
    expect(findings.slice(at + 1).every(({ outcome }) => outcome === 'skipped')).toBe(true)
    expect(findings.slice(0, at).filter(({ outcome }) => outcome === 'failed')).toEqual([])
  })

  test('sees that a public server names private addresses', async () => {
    const url = await game({ announce: [{ address: '10.255.255.1' }] })
    const probe = { ...nativeProbe(LOOPBACK), lookup: async () => ['203.0.113.7'] }
    const { ailment } = await examine(url, probe, { timeoutMs: 800 })
    expect([ailment?.code, ailment?.detail]).toEqual(['private-address', expect.stringContaining('10.255.255.1')])
  })

  test('takes its orders from the command line, and explains itself', async () => {
    const lines: string[] = []
    const run = (...args: string[]) => doctorCommand.run(args, (line) => lines.push(line))
    const seen: (string | null)[] = []
    const url = await game({
      authorize: (request) => {
        seen.push(request.headers.get('x-name'))
        return undefined
      },
    })
    expect(await run(url, '--header', 'X-Name: Ada', '--bind', LOOPBACK)).toBe(0)
    expect([seen, lines.at(-1)]).toEqual([['Ada'], 'healthy'])
    expect(await run()).toBe(2)
    expect(await run(url, '--header', 'nonsense')).toBe(2)
    expect(await run('ftp://x', '--json')).toBe(1)
    expect(JSON.parse(lines.at(-1)!).ailment.code).toBe('bad-url')
  })
})

describe('npx gannet doctor', () => {
  beforeAll(async () => {
    if (isStale()) await build({ quiet: true })
  })

  test('runs, and ends by itself', async () => {
    const args = ['doctor', await game(), '--bind', LOOPBACK]
    const { code, stdout } = await runNode(join(root, manifest.bin.gannet), args, { quiet: true })
    expect([code, stdout.trim().split('\n').at(-1)]).toEqual([0, 'healthy'])
  })
})
