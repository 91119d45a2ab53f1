import { Endpoint } from 'gannet'
import { profiles, Random, World } from 'gannet/sim'
import { expect, test } from 'vitest'

const channels = { world: { kind: 'sequenced' }, chat: { kind: 'ordered', redundancy: 'full' } } as const

test('a minute on a train: chat is whole and in order, and the world is rarely older than 200 ms', () => {
  const random = new Random('train')
  const make = (role: 'client' | 'server') => new Endpoint({ role, now: 0, random: () => random.uint32(), channels })
  const client = make('client')
  const server = make('server')
  const heard: number[] = []
  const agesMs: number[] = []
  let said = 0
  let newestAt = 0
  const train = new World({
    seed: 'train',
    up: profiles.train.up,
    down: profiles.train.down,
    server: {
      node: server,
      hz: 60,
      tick: (now, tick) => {
        while (server.pollEvent());
        if (server.state !== 'open') return
        server.send('world', new Uint8Array(new Float64Array([now]).buffer))
        if (tick % 30 === 0 && now < 58_000) server.send('chat', new Uint8Array([said++]))
      },
    },
    client: {
      node: client,
      hz: 60,
      tick: (now) => {
        for (let event = client.pollEvent(); event; event = client.pollEvent()) {
          if (event.type !== 'message') continue
          if (event.channel === 'chat') heard.push(event.payload[0]!)
          else newestAt = new DataView(event.payload.buffer, event.payload.byteOffset).getFloat64(0, true)
        }
        if (newestAt > 0) agesMs.push(now - newestAt)
      },
    },
  })

  train.run(60_000) // takes some tens of ms

  expect(heard, train.describe()).toEqual(Array.from({ length: said }, (_, i) => i))
  const lateShare = agesMs.filter((age) => age > 200).length / agesMs.length
  expect(lateShare, train.describe()).toBeLessThan(0.1)
})
