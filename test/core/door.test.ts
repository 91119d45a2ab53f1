import { describe, expect, test } from 'vitest'
import { checkCode, checkData, checkKey, checkPayload, checkTtl } from '../../src/core/door.ts'
import { bytesOf, channelOf, refusal } from './support.ts'

const ordered = channelOf('ordered', { maxMessageBytes: 10, ttlMs: 500 })
const latest = channelOf('latest')

describe('a payload', () => {
  test('of the largest size, or of none, passes', () => {
    checkPayload(ordered, new Uint8Array(10))
    checkPayload(ordered, new Uint8Array(0))
    checkPayload(ordered, Buffer.alloc(3))
  })

  test('above it is refused with both sizes', () => {
    expect(refusal('message-too-large', () => checkPayload(ordered, new Uint8Array(11)))).toBe(
      'ordered: 11 bytes, at most 10',
    )
  })

  test.each([
    ['hello', 'string'],
    [undefined, 'undefined'],
    [null, 'object'],
    [[1, 2], 'Array'],
    [new ArrayBuffer(2), 'ArrayBuffer'],
    [new Uint16Array(2), 'Uint16Array'],
    [Object.create(null), 'object'],
  ])('that is no Uint8Array is refused with what it is: %o', (payload, what) => {
    expect(refusal('bad-message', () => checkPayload(ordered, payload as Uint8Array))).toBe(
      `ordered: expected a Uint8Array, got ${what}`,
    )
  })
})

describe('a key', () => {
  test('is an integer from 0 to 2^31 − 1, or none', () => {
    expect(checkKey(latest, undefined)).toBe(-1)
    expect(checkKey(ordered, undefined)).toBe(-1)
    expect(checkKey(latest, 0)).toBe(0)
    expect(checkKey(latest, 2 ** 31 - 1)).toBe(2 ** 31 - 1)
  })

  test.each([-1, 2 ** 31, 1.5, Number.NaN, '3' as unknown as number])('%s is refused', (key) => {
    expect(refusal('bad-message', () => checkKey(latest, key))).toBe(
      `latest: key ${key}, expected an integer from 0 to 2147483647`,
    )
  })

  test('is refused where the kind has none', () => {
    expect(refusal('bad-message', () => checkKey(ordered, 3))).toBe(
      'ordered: a key was given, but a channel of kind ordered has none',
    )
  })
})

describe('a time-to-live', () => {
  test('is the channel’s unless one is given', () => {
    expect(checkTtl(ordered, undefined)).toBe(500)
    expect(checkTtl(latest, undefined)).toBe(Number.POSITIVE_INFINITY)
    expect(checkTtl(ordered, 0.5)).toBe(0.5)
    expect(checkTtl(ordered, Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY)
  })

  test.each([0, -5, Number.NaN])('%s is refused', (ttlMs) => {
    expect(refusal('bad-message', () => checkTtl(ordered, ttlMs))).toBe(`ordered: ttlMs ${ttlMs}, expected more than 0`)
  })
})

describe('the end', () => {
  test('has a code of 16 bits', () => {
    expect(checkCode()).toBe(0)
    expect(checkCode(65_535)).toBe(65_535)
    for (const code of [-1, 65_536, 1.5]) {
      expect(refusal('bad-call', () => checkCode(code))).toBe(`code ${code}, expected an integer from 0 to 65535`)
    }
  })

  test('has data of its own, up to 1,024 bytes', () => {
    expect(checkData(undefined).length).toBe(0)
    const data = bytesOf('bye')
    const kept = checkData(data)
    data.fill(0)
    expect(kept).toEqual(bytesOf('bye'))
    expect(checkData(new Uint8Array(1_024)).length).toBe(1_024)
    expect(refusal('bad-call', () => checkData(new Uint8Array(1_025)))).toBe('data: 1025 bytes, at most 1024')
  })
})
