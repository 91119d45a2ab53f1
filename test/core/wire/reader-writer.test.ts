import { describe, expect, test } from 'vitest'
import { Reader } from '../../../src/core/wire/reader.ts'
import { unzigzag, varintBytes, zigzag } from '../../../src/core/wire/varint.ts'
import { Writer } from '../../../src/core/wire/writer.ts'
import { pattern } from '../support.ts'

function readerOf(...bytes: number[]): Reader {
  const reader = new Reader()
  reader.reset(Uint8Array.from(bytes))
  return reader
}

function written(write: (writer: Writer) => void, capacity = 64): number[] {
  const writer = new Writer(capacity)
  writer.reset(capacity)
  write(writer)
  return [...writer.view()]
}

/** Value, bytes: the ends of each form. */
const VARINTS: [number, number[]][] = [
  [0, [0]],
  [223, [223]],
  [224, [224, 0]],
  [480, [225, 0]],
  [4_319, [239, 255]],
  [4_320, [240, 0, 0]],
  [528_607, [247, 255, 255]],
  [528_608, [248, 0, 8, 16, 224]],
  [2 ** 31, [248, 128, 0, 0, 0]],
  [2 ** 32 - 1, [248, 255, 255, 255, 255]],
]

describe('varint', () => {
  test.each(VARINTS)('%i is written as %j, and read back', (value, bytes) => {
    expect(written((writer) => writer.varint(value))).toEqual(bytes)
    expect(varintBytes(value)).toBe(bytes.length)
    const reader = readerOf(...bytes)
    expect(reader.varint()).toBe(value)
    expect(reader.failed).toBe(false)
    expect(reader.remaining).toBe(0)
  })

  test.each([
    ['one byte too long', [248, 0, 8, 16, 223]],
    ['zero in five bytes', [248, 0, 0, 0, 0]],
    ['a first byte of 249', [249, 0, 0, 0, 0]],
    ['a first byte of 255', [255, 255, 255, 255, 255]],
    ['one byte short', [248, 0, 8, 16]],
    ['two of three bytes', [240, 0]],
    ['nothing', []],
  ])('%s fails', (_, bytes) => {
    const reader = readerOf(...bytes)
    reader.varint()
    expect(reader.failed).toBe(true)
    expect(reader.varint()).toBe(0)
  })

  test.each([
    [0, 0],
    [-1, 1],
    [1, 2],
    [-2, 3],
    [2 ** 31 - 1, 2 ** 32 - 2],
    [-(2 ** 31), 2 ** 32 - 1],
  ])('zigzag of %i is %i, and back', (value, code) => {
    expect(zigzag(value)).toBe(code)
    expect(unzigzag(code)).toBe(value)
  })
})

describe('Reader', () => {
  test('reads big-endian numbers from front to back', () => {
    const reader = readerOf(1, 2, 3, 4, 5, 6, 255, 255, 255, 255, 9)
    expect([reader.u8(), reader.u16(), reader.u24()]).toEqual([1, 0x0203, 0x040506])
    expect(reader.position).toBe(6)
    expect(reader.u32()).toBe(0xffffffff)
    expect(reader.remaining).toBe(1)
  })

  test('fails for good at the first read past the end, and takes nothing', () => {
    const reader = readerOf(1, 2)
    expect(reader.u24()).toBe(0)
    expect(reader.failed).toBe(true)
    expect(reader.u8()).toBe(0)
    expect(reader.u16()).toBe(0)
    expect(reader.varint()).toBe(0)
    expect(reader.view(1).length).toBe(0)
  })

  test('a view is the packet itself, not a copy', () => {
    const packet = Uint8Array.of(7, 8, 9)
    const reader = new Reader()
    reader.reset(packet)
    reader.skip(1)
    const view = reader.view(2)
    expect([...view]).toEqual([8, 9])
    expect(view.buffer).toBe(packet.buffer)
  })

  test('reads within a view that begins inside a larger buffer', () => {
    const reader = new Reader()
    reader.reset(Uint8Array.of(0, 0, 1, 2, 3, 0, 0).subarray(2, 5))
    expect(reader.u16()).toBe(0x0102)
    expect([...reader.view(1)]).toEqual([3])
    expect(reader.u8()).toBe(0)
    expect(reader.failed).toBe(true)
  })

  test('a reset makes it as new', () => {
    const reader = readerOf()
    reader.u8()
    reader.reset(Uint8Array.of(5))
    expect(reader.failed).toBe(false)
    expect(reader.u8()).toBe(5)
  })

  test('no length makes it read too far', () => {
    for (const count of [4, 2 ** 31, 2 ** 32 - 1]) {
      const reader = readerOf(1, 2, 3)
      reader.view(count)
      expect(reader.failed).toBe(true)
    }
  })
})

describe('Writer', () => {
  test('writes big-endian numbers', () => {
    expect(
      written((writer) => {
        writer.u8(1)
        writer.u16(0x0203)
        writer.u24(0x040506)
        writer.u32(0xfffefdfc)
      }),
    ).toEqual([1, 2, 3, 4, 5, 6, 255, 254, 253, 252])
  })

  test('copies the front of a block, and leaves nothing of the rest behind', () => {
    const block = pattern(128)
    const bytes = written((writer) => {
      writer.front(block, 3)
      writer.u8(99)
      writer.front(block, 0)
      writer.front(block, 2)
    }, 256)
    expect(bytes).toEqual([...block.subarray(0, 3), 99, ...block.subarray(0, 2)])
  })

  test.each([2, 47, 48, 49, 128, 1_086, 2_048, 2_049, 16_384])(
    'copies the front of a block of %i bytes right up to the limit',
    (size) => {
      const block = pattern(size)
      for (const length of [1, size >> 1, size]) {
        const writer = new Writer(length + 5)
        writer.reset(length + 5)
        for (let i = 0; i < 5; i++) writer.u8(i)
        writer.front(block, length)
        expect(writer.remaining).toBe(0)
        expect([...writer.view()]).toEqual([0, 1, 2, 3, 4, ...block.subarray(0, length)])
      }
    },
  )

  test('copies a range', () => {
    const block = pattern(300)
    expect(written((writer) => writer.range(block, 100, 50))).toEqual([...block.subarray(100, 150)])
  })

  test('throws rather than write over its limit, which is never above its capacity', () => {
    const writer = new Writer(8)
    writer.reset(3)
    writer.u16(1)
    expect(writer.remaining).toBe(1)
    expect(() => writer.u16(1)).toThrow('packet overrun: 4 bytes, at most 3')
    expect(() => writer.front(pattern(128), 2)).toThrow(RangeError)
    writer.reset(100)
    expect(writer.remaining).toBe(8)
  })

  test('a view lasts until the next reset', () => {
    const writer = new Writer(8)
    writer.reset(8)
    writer.u8(1)
    const view = writer.view()
    writer.reset(8)
    writer.u8(2)
    expect([...view]).toEqual([2])
  })
})
