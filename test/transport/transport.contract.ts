import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../src/core/bytes.ts'
import type { Transport, TransportEnd } from '../../src/transport/transport.ts'
import { until } from './until.ts'

/** Two open ends of one pipe. */
export interface OpenPair {
  readonly a: Transport
  readonly b: Transport
}

/** What the driver relies on, whatever lies below. */
export function transportContract(name: string, open: () => Promise<OpenPair>): void {
  describe(`${name} keeps the transport contract`, () => {
    async function listening() {
      const { a, b } = await open()
      const packets: { a: Bytes[]; b: Bytes[] } = { a: [], b: [] }
      const ends: { a: TransportEnd[]; b: TransportEnd[] } = { a: [], b: [] }
      a.onPacket = (packet) => packets.a.push(packet)
      b.onPacket = (packet) => packets.b.push(packet)
      a.onEnd = (end) => ends.a.push(end)
      b.onEnd = (end) => ends.b.push(end)
      const close = () => {
        a.close()
        b.close()
      }
      return { a, b, packets, ends, close }
    }

    test('carries packets whole in both directions', async () => {
      const { a, b, packets, close } = await listening()
      a.send(filled(3, 7))
      b.send(filled(a.maxPacketBytes, 9))
      await until(() => packets.a.length === 1 && packets.b.length === 1)
      expect(packets.b[0]).toEqual(filled(3, 7))
      expect(packets.a[0]).toEqual(filled(a.maxPacketBytes, 9))
      close()
    })

    test('hands over plain byte views, not a subclass with methods of another meaning', async () => {
      const { a, b, packets, close } = await listening()
      a.send(filled(8, 1))
      b.send(filled(8, 2))
      await until(() => packets.a.length === 1 && packets.b.length === 1)
      for (const packet of [packets.a[0]!, packets.b[0]!]) {
        expect(Object.getPrototypeOf(packet)).toBe(Uint8Array.prototype)
        expect(packet.buffer).toBeInstanceOf(ArrayBuffer)
      }
      close()
    })

    test('has taken the bytes when send returns', async () => {
      const { a, packets, close } = await listening()
      const scratch = filled(200, 1)
      a.send(scratch)
      scratch.fill(2)
      a.send(scratch.subarray(50, 150))
      scratch.fill(3)
      await until(() => packets.b.length === 2)
      const [first, second] = packets.b.toSorted((x, y) => y.length - x.length)
      expect(first).toEqual(filled(200, 1))
      expect(second).toEqual(filled(100, 2))
      close()
    })

    test('gives each packet away for good', async () => {
      const { a, packets, close } = await listening()
      for (let i = 0; i < 20; i++) a.send(filled(100, i))
      await until(() => packets.b.length === 20)
      packets.b[0]!.fill(255)
      for (const packet of packets.b.slice(1)) expect(packet).toEqual(filled(100, packet[0]!))
      close()
    })

    test('tells a backlog in bytes', async () => {
      const { a, b, close } = await listening()
      for (const end of [a, b]) expect(end.backlogBytes).toBeGreaterThanOrEqual(0)
      close()
    })

    test('tells the other end, once, and itself nothing, when it is closed', async () => {
      const { a, b, ends } = await listening()
      a.close()
      await until(() => ends.b.length === 1)
      expect(ends.b[0]!.detail).toMatch(/^[a-z-]+$/)
      a.close()
      b.close()
      expect(ends).toEqual({ a: [], b: [ends.b[0]] })
    })

    test('drops in silence what is sent when it is over', async () => {
      const { a, b, packets, ends } = await listening()
      a.close()
      a.send(filled(10, 1))
      await until(() => ends.b.length === 1)
      b.send(filled(10, 1))
      expect(a.backlogBytes).toBe(0)
      expect(b.backlogBytes).toBe(0)
      b.close()
      expect(packets).toEqual({ a: [], b: [] })
    })
  })
}

function filled(length: number, value: number): Bytes {
  return new Uint8Array(length).fill(value)
}
