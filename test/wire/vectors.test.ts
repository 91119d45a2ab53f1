import { describe, expect, test } from 'vitest'
import { writeParity } from '../../src/core/channel/parity.ts'
import { digestOf } from '../../src/core/wire/handshake-packets.ts'
import { Reader } from '../../src/core/wire/reader.ts'
import { varintBytes } from '../../src/core/wire/varint.ts'
import { Writer } from '../../src/core/wire/writer.ts'
import { decodeByCore, pingsLast } from './core-decoder.ts'
import { decodePacket, encodePacket, fnv1a, OracleError, parityPayload, toHex, varint } from './oracle.ts'
import { readVectors } from './vectors.ts'

const { packets, varints, digests, parity } = readVectors()

describe('the oracle agrees with every vector', () => {
  for (const { name, bytes, context, tree, malformed } of packets) {
    if (tree) {
      test(name, () => {
        expect(decodePacket(bytes, context)).toEqual(tree)
        expect(toHex(encodePacket(tree, context))).toBe(toHex(bytes))
      })
    } else {
      test(`malformed: ${name}`, () => {
        let fault: unknown
        try {
          decodePacket(bytes, context)
        } catch (thrown) {
          fault = thrown
        }
        expect(fault).toBeInstanceOf(OracleError)
        expect(fault).toMatchObject(malformed!)
      })
    }
  }

  test.each(varints)('varint %i', (value, bytes) => {
    expect(varint(value)).toEqual(bytes)
  })

  test.each(digests)('digest of "%s"', (text, digest) => {
    expect(fnv1a(text)).toBe(digest)
  })

  test.each(parity)('parity fragment count + $index', ({ data, index, payload }) => {
    expect(parityPayload(data, index)).toEqual(payload)
  })
})

describe('the core agrees with every vector', () => {
  for (const { name, bytes, context, tree, malformed } of packets) {
    if (tree === undefined) {
      test(`malformed (${malformed!.reason}): ${name}`, () => {
        expect(decodeByCore(bytes, context)).toBeUndefined()
      })
    } else if (tree.form === 'foreign' && tree.of === 'welcome') {
      // No server of another version welcomes us: it closes. So our client does not know such a packet.
      test(`not taken: ${name}`, () => {
        expect(decodeByCore(bytes, context)).toBeUndefined()
      })
    } else {
      test(name, () => {
        expect(decodeByCore(bytes, context)).toEqual(pingsLast(tree))
      })
    }
  }

  test.each(varints)('varint %i', (value, bytes) => {
    const writer = new Writer(5)
    writer.reset(5)
    writer.varint(value)
    expect(writer.view()).toEqual(bytes)
    expect(varintBytes(value)).toBe(bytes.length)
    const reader = new Reader()
    reader.reset(Uint8Array.from(bytes))
    expect(reader.varint()).toBe(value)
    expect(reader.failed).toBe(false)
  })

  test.each(digests)('digest of "%s"', (text, digest) => {
    expect(digestOf(text)).toBe(digest)
  })

  test.each(parity)('parity fragment count + $index', ({ data, index, payload }) => {
    const size = data[0]!.length
    const message = Uint8Array.from(data.flatMap((fragment) => [...fragment]))
    const target = new Uint8Array(size + 2)
    writeParity(target, message, message.length, data.length, size, index)
    expect(target).toEqual(payload)
  })
})

describe('the vectors', () => {
  test('have names of their own', () => {
    expect(new Set(packets.map(({ name }) => name)).size).toBe(packets.length)
  })

  test('give either a tree or a fault', () => {
    for (const { name, tree, malformed } of packets) {
      expect(tree === undefined, name).toBe(malformed !== undefined)
    }
  })

  test('reach every form, record, ack and close', () => {
    const trees = packets.flatMap(({ tree }) => tree ?? [])
    const data = trees.flatMap((tree) => (tree.form === 'data' ? tree : []))
    const unique = (values: readonly string[]): string[] => [...new Set(values)].sort()
    expect(unique(trees.map(({ form }) => form))).toEqual(['close', 'data', 'foreign', 'hello', 'welcome'])
    expect(unique(data.map(({ ack }) => ack.form))).toEqual(['all', 'groups', 'none'])
    expect(unique(data.flatMap(({ records }) => records.map(({ type }) => type)))).toEqual([
      'fragment',
      'message',
      'ping',
      'skip',
    ])
    expect(unique(trees.flatMap((tree) => (tree.form === 'close' ? tree.kind : [])))).toHaveLength(7)
  })
})
