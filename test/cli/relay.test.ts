import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { BAD_CALL } from '../../src/cli/command.ts'
import { counterLine, parseRelayCall, relayCommand } from '../../src/cli/relay.ts'
import { profiles } from '../../src/sim/index.ts'

describe('gannet relay', () => {
  test('takes a profile, and changes of it in the units that people say', () => {
    const call = parseRelayCall([
      '--to',
      '127.0.0.1:9000',
      '--profile',
      'train',
      '--loss',
      '7.5',
      '--rate',
      '800',
      '--for',
      '2',
    ])
    expect(call.target).toEqual({ address: '127.0.0.1', port: 9000 })
    expect(call.up).toEqual({ ...profiles.train.up, loss: 0.075, bytesPerSecond: 100_000 })
    expect(call.down).toEqual({ ...profiles.train.down, loss: 0.075, bytesPerSecond: 100_000 })
    expect(call.durationMs).toBe(2000)
    expect(parseRelayCall(['--to', '[::1]:53']).target).toEqual({ address: '::1', port: 53 })
  })

  test.each([
    [[], /--to: "", expected an IP address and a port/],
    [['--to', 'localhost:9000'], /--to: "localhost:9000"/],
    [['--to', '127.0.0.1:9', '--profile', 'toString'], /expected one of lan, wifi/],
    [['--to', '127.0.0.1:9', '--loss', 'much'], /--loss: "much", expected a number/],
    [['--to', '127.0.0.1:9', '--speed', '3'], /speed/],
  ])('says what is wrong with %j', async (args, words) => {
    const lines: string[] = []
    expect(await relayCommand.run(args, (line) => lines.push(line))).toBe(BAD_CALL)
    expect(lines.join('\n')).toMatch(words)
  })

  test('fails when the weather makes no sense or the port is taken, and says so', async () => {
    const lines: string[] = []
    const code = await relayCommand.run(['--to', '127.0.0.1:9', '--loss', '400'], (line) => lines.push(line))
    expect([code, lines.join('\n')]).toEqual([1, expect.stringContaining('loss: 4')])
  })

  test('says in a line what happened of late, and what was dropped since the start', () => {
    const direction = (received: number, dropped: number) => ({
      ...{
        received,
        receivedBytes: received * 100,
        dropped,
        lost: dropped,
        blackedOut: 0,
        overflowed: 0,
        duplicated: 0,
      },
      ...{ reordered: 0, forwarded: 0, forwardedBytes: 0, sendErrors: 0, lossHash: 0 },
    })
    const counters = (received: number, dropped: number) => ({
      ...{ up: direction(received, dropped), down: direction(0, 0), clientsOpen: 2, clientsSeen: 2 },
      ...{ clientsExpired: 0, refusedPackets: 0, cutPackets: 0, strangerPackets: 0, socketErrors: 0 },
    })
    expect(counterLine(counters(1030, 103), counters(1000, 100), 500)).toBe(
      '2 client(s) · up 60 pkt/s 6.0 kB/s, dropped 103 of 1030 (10.0 %) · down 0 pkt/s 0.0 kB/s, dropped 0 of 0 (0 %)',
    )
  })

  test('stands between two UDP programs, loses what it says, and sums up', async () => {
    const target = await opened()
    target.on('message', (packet, from) => target.send(packet, from.port, from.address))
    const client = await opened()
    let echoes = 0
    client.on('message', () => echoes++)
    const lines: string[] = []
    const to = `127.0.0.1:${target.address().port}`
    const running = relayCommand.run(['--to', to, '--loss', '50', '--seed', 'x', '--for', '1'], (line) => {
      lines.push(line)
      const port = /^127\.0\.0\.1:(\d+) →/.exec(line)?.[1]
      if (port !== undefined) for (let i = 0; i < 200; i++) client.send('hello', Number(port), '127.0.0.1')
    })
    expect(await running).toBe(0)
    client.close()
    target.close()
    const [up, down] = ['up', 'down'].map((name) => {
      const line = lines.find((one) => one.startsWith(`${name.padEnd(4)} `) && one.includes('packets,')) ?? ''
      const found = /(\d+) packets, \d+ bytes: (\d+) dropped/.exec(line)
      return { packets: Number(found?.[1]), dropped: Number(found?.[2]) }
    })
    expect(up!.packets).toBe(200)
    expect(up!.dropped).toBeGreaterThan(60)
    expect(up!.dropped).toBeLessThan(140)
    expect(down!.packets).toBe(200 - up!.dropped)
    expect(echoes).toBe(down!.packets - down!.dropped)
  })
})

async function opened(): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}
