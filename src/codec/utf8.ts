import type { BitReader } from './bit-reader.ts'
import type { BitWriter } from './bit-writer.ts'

/** What stands for half a surrogate pair, as in the Encoding standard. */
const REPLACEMENT = 0xfffd

/** Bytes of `text` in UTF-8. */
export function utf8Bytes(text: string): number {
  let bytes = 0
  for (let i = 0; i < text.length; i++) {
    const point = pointAt(text, i)
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
    if (point > 0xffff) i++
  }
  return bytes
}

/** Writes `text` in UTF-8 (RFC 3629); half a surrogate pair becomes U+FFFD. */
export function writeUtf8(writer: BitWriter, text: string): void {
  for (let i = 0; i < text.length; i++) {
    const point = pointAt(text, i)
    if (point < 0x80) {
      writer.bits(point, 8)
      continue
    }
    const more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3
    writer.bits(((0xff00 >> (more + 1)) & 0xff) | (point >> (6 * more)), 8)
    for (let j = more - 1; j >= 0; j--) writer.bits(0x80 | ((point >> (6 * j)) & 0x3f), 8)
    if (more === 3) i++
  }
}

/** Reads `bytes` bytes of UTF-8; fails on anything that is not the shortest form of a character. */
export function readUtf8(reader: BitReader, bytes: number): string {
  let text = ''
  let left = bytes
  if (left * 8 > reader.remaining) reader.fail()
  while (left > 0 && !reader.failed) {
    const first = reader.bits(8)
    left--
    if (first < 0x80) {
      text += String.fromCharCode(first)
      continue
    }
    const more = first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 ? 3 : 0
    let point = first & (0x3f >> more)
    if (more === 0 || more > left) reader.fail()
    for (let i = 0; i < more && !reader.failed; i++) {
      const next = reader.bits(8)
      left--
      if ((next & 0xc0) !== 0x80) reader.fail()
      point = (point << 6) | (next & 0x3f)
    }
    const isShortest = more === 1 || (more === 2 ? point >= 0x800 : point >= 0x10000 && first <= 0xf4)
    if (!isShortest || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) reader.fail()
    else text += String.fromCodePoint(point)
  }
  return text
}

function pointAt(text: string, index: number): number {
  const point = text.codePointAt(index)!
  return point >= 0xd800 && point < 0xe000 ? REPLACEMENT : point
}
