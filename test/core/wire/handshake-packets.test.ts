import { describe, expect, test } from 'vitest'
import {
  asciiBytes,
  asciiText,
  digestOf,
  readClose,
  readHello,
  readWelcome,
  writeClose,
  writeHello,
  writeWelcome,
} from '../../../src/core/wire/handshake-packets.ts'
import { CLOSE_HEARD, CLOSE_REJECTED, WIRE_VERSION } from '../../../src/core/wire/layout.ts'
import { Reader } from '../../../src/core/wire/reader.ts'
import { Writer } from '../../../src/core/wire/writer.ts'
import { bytesOf } from '../support.ts'

function written(write: (writer: Writer) => void): number[] {
  const writer = new Writer(2_000)
  writer.reset(2_000)
  write(writer)
  return [...writer.view()]
}

function readerOf(bytes: readonly number[]): Reader {
  const reader = new Reader()
  reader.reset(Uint8Array.from(bytes))
  return reader
}

describe('digest', () => {
  // Published FNV-1a values, two letters to a code unit; the second byte of a unit counts too.
  test.each([
    ['', 0x811c9dc5],
    ['\u6f66\u626f\u7261', 0xbf9cf968],
  ])('of %j is %i', (text, digest) => {
    expect(digestOf(text)).toBe(digest)
  })

  test('tells apart what differs in one bit, in the high byte too', () => {
    const texts = ['a', 'b', 'á', 'ā', 'aa', 'a ', '\u6100']
    expect(new Set(texts.map(digestOf)).size).toBe(texts.length)
  })

  test('is an unsigned number of 32 bits', () => {
    for (let i = 0; i < 200; i++) {
      const digest = digestOf(`channel ${i}`)
      expect(digest >>> 0).toBe(digest)
    }
  })
})

describe('hello', () => {
  const hello = { version: WIRE_VERSION, clientSalt: 0xfffefdfc, protocolDigest: 7, channelDigests: [1, 0xffffffff] }
  const bytes = written((writer) => writeHello(writer, hello))

  test('is read back', () => {
    expect(bytes.length).toBe(11 + 8)
    expect(readHello(readerOf(bytes))).toEqual(hello)
  })

  test('of another version is known by its version and its salt alone, whatever follows', () => {
    const other = [0x40, 9, 1, 2, 3, 4]
    const known = { version: 9, clientSalt: 0x01020304, protocolDigest: 0, channelDigests: [] }
    expect(readHello(readerOf(other))).toEqual(known)
    expect(readHello(readerOf([...other, 200, 201]))).toEqual(known)
    expect(readHello(readerOf(other.slice(0, 5)))).toBeUndefined()
  })

  test.each([
    ['a byte short', bytes.slice(0, -1)],
    ['a byte long', [...bytes, 0]],
    ['without channels', [...bytes.slice(0, 10), 0]],
    ['of 65 channels', [...bytes.slice(0, 10), 65, ...new Array<number>(260).fill(0)]],
    ['with a low bit in byte 0', [0x41, ...bytes.slice(1)]],
    ['of nothing', [0x40]],
  ])('%s is refused', (_, wrong) => {
    expect(readHello(readerOf(wrong))).toBeUndefined()
  })

  test('of 64 channels is read', () => {
    const channelDigests = Array.from({ length: 64 }, (_, i) => i)
    const large = written((writer) => writeHello(writer, { ...hello, channelDigests }))
    expect(readHello(readerOf(large))?.channelDigests).toEqual(channelDigests)
  })
})

describe('welcome', () => {
  const welcome = { version: WIRE_VERSION, clientSalt: 1, serverSalt: 0x80000000, clock: 2 ** 47 + 3 }
  const bytes = written((writer) => writeWelcome(writer, welcome))

  test('is read back', () => {
    expect(readWelcome(readerOf(bytes))).toEqual(welcome)
  })

  test.each([
    ['a byte short', bytes.slice(0, -1)],
    ['a byte long', [...bytes, 0]],
    ['of another version', [0x80, 2, ...bytes.slice(2)]],
    ['with a low bit in byte 0', [0xa0, ...bytes.slice(1)]],
  ])('%s is refused', (_, wrong) => {
    expect(readWelcome(readerOf(wrong))).toBeUndefined()
  })
})

describe('close', () => {
  const close = { kind: CLOSE_REJECTED, clientSalt: 5, code: 0xffff, data: bytesOf('full') }
  const bytes = written((writer) => writeClose(writer, close))

  test('is read back, its data as a copy', () => {
    const packet = Uint8Array.from(bytes)
    const reader = new Reader()
    reader.reset(packet)
    const read = readClose(reader)
    expect(read).toEqual(close)
    packet.fill(0)
    expect(read?.data).toEqual(close.data)
  })

  test('carries up to 1,024 bytes', () => {
    const head = bytes.slice(0, 7)
    expect(readClose(readerOf([...head, ...new Array<number>(1_024).fill(1)]))?.data.length).toBe(1_024)
    expect(readClose(readerOf([...head, ...new Array<number>(1_025).fill(1)]))).toBeUndefined()
  })

  test.each([
    ['cut', bytes.slice(0, 6)],
    ['of kind 7', [0xc7, ...bytes.slice(1)]],
    ['heard with a code', [0xc0 | CLOSE_HEARD, 0, 0, 0, 5, 0, 1]],
    ['heard with data', [0xc0 | CLOSE_HEARD, 0, 0, 0, 5, 0, 0, 1]],
  ])('%s is refused', (_, wrong) => {
    expect(readClose(readerOf(wrong))).toBeUndefined()
  })
})

describe('text in a close', () => {
  test('is printable ASCII, whatever was meant', () => {
    expect(asciiText(asciiBytes('channel 3 to be "a"'))).toBe('channel 3 to be "a"')
    expect(asciiText(asciiBytes('naïve\n\u{1f600}'))).toBe('na?ve???')
    expect(asciiText(Uint8Array.of(65, 0, 27, 127, 200, 66))).toBe('A????B')
  })

  test('is cut at 1,024 bytes', () => {
    expect(asciiBytes('x'.repeat(5_000)).length).toBe(1_024)
  })
})
