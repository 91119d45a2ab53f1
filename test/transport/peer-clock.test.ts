import { expect, test } from 'vitest'
import { Endpoint } from '../../src/index.ts'
import { VirtualHost, World } from '../../src/sim/index.ts'
import { PeerClock } from '../../src/transport/peer-clock.ts'

test('a peer’s clock reads the server’s time at the host’s instant', () => {
  const channels = { a: { kind: 'ordered' } } as const
  const make = (role: 'client' | 'server') => new Endpoint({ role, now: 0, random: () => 1, channels })
  const [client, server] = [make('client'), make('server')]
  const host = new VirtualHost({ seed: 1 })
  const clock = new PeerClock(client, host)
  expect([clock.isSynced, clock.now()]).toEqual([false, Number.NaN])
  const world = new World({
    seed: 1,
    client: { node: client, hz: 60, tick: () => client.send('a', new Uint8Array(1)) },
    server: { node: server, hz: 60, tick: () => server.send('a', new Uint8Array(1)) },
    up: { delayMs: 20 },
    down: { delayMs: 20 },
  })
  world.run(3000)
  host.advanceTo(3000)
  expect(clock.isSynced).toBe(true)
  expect(Math.abs(clock.now() - host.now())).toBeLessThan(1)
  expect(clock.offsetMs).toBeCloseTo(clock.now() - host.now())
  expect(clock.errorMs).toBeGreaterThan(15)
  expect(clock.errorMs).toBeLessThan(30)
  expect(Math.abs(clock.driftPpm)).toBeLessThan(50)
})
