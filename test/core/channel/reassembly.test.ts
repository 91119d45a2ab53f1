import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../../src/core/bytes.ts'
import { writeParity } from '../../../src/core/channel/parity.ts'
import { detach, Reassembly } from '../../../src/core/channel/reassembly.ts'
import type { ChannelOptions } from '../../../src/core/config.ts'
import type { ChannelKind } from '../../../src/core/events.ts'
import { createStats } from '../../../src/core/stats.ts'
import { type Run, repairPayload } from '../../wire/oracle.ts'
import { channelOf, type FragmentWords, pattern, randomOf } from '../support.ts'

const DEADLINE_MS = 2_000
/** What each piece is charged on top of its bytes. */
const PIECE_BYTES = 64

class Table {
  readonly stats = createStats()
  readonly reassembly: Reassembly
  now = 0
  #sequence = 0

  constructor(kind: ChannelKind, options: Omit<ChannelOptions, 'kind'> = {}) {
    this.reassembly = new Reassembly(channelOf(kind, options), this.stats, DEADLINE_MS)
  }

  /** Adds a piece; the message if it became whole, else what was said to it. */
  add({ group, index, payload, count, parity = 0, id = 0, key = -1 }: FragmentWords): Bytes | string {
    const hasParticulars = count !== undefined
    const result = this.reassembly.add(
      { group, index, hasParticulars, count: count ?? 0, parity, idLow: id, key, payload },
      this.#sequence++,
      this.now,
    )
    return this.reassembly.message ?? result
  }
}

/** Pieces of `length` bytes, `size` each. */
function pieces(group: number, length: number, size: number, parity = 0): FragmentWords[] {
  const payload = pattern(length, group)
  const count = Math.ceil(length / size)
  const all: FragmentWords[] = Array.from({ length: count }, (_, index) => ({
    group,
    index,
    payload: payload.slice(index * size, (index + 1) * size),
    ...(index === 0 ? { count, parity } : {}),
  }))
  for (let j = 0; j < parity; j++) {
    const sum = new Uint8Array(size + 2)
    writeParity(sum, payload, length, count, size, j)
    all.push({ group, index: count + j, payload: sum, count, parity })
  }
  return all
}

describe.each(['unreliable', 'reliable', 'latest'] as const)('pieces on a channel of kind %s', (kind) => {
  test('make a message in any order', () => {
    const random = randomOf(4)
    const table = new Table(kind)
    for (let group = 0; group < 50; group++) {
      const all = pieces(group, 250 + group * 7, 100).sort(() => random() - 0.5)
      const results = all.map((piece) => table.add(piece))
      expect(results.slice(0, -1).every((result) => result === 'taken')).toBe(true)
      expect(results.at(-1)).toEqual(pattern(250 + group * 7, group))
    }
    expect(table.reassembly).toMatchObject({ openGroups: 0, chargedBytes: 0, groupReference: 49 })
  })

  test('of several messages may come mixed', () => {
    const table = new Table(kind)
    const [a, b] = [pieces(0, 250, 100), pieces(1, 250, 100)]
    for (const piece of [b[2]!, a[1]!, a[0]!, b[0]!]) table.add(piece)
    expect(table.reassembly.openGroups).toBe(2)
    expect(table.add(a[2]!)).toEqual(pattern(250, 0))
    expect(table.add(b[1]!)).toEqual(pattern(250, 1))
  })

  test('that come twice count once, before and after the message is whole', () => {
    const table = new Table(kind)
    const [first, second] = pieces(0, 150, 100)
    expect([table.add(first!), table.add(first!)]).toEqual(['taken', 'taken'])
    expect(table.reassembly.chargedBytes).toBe(100 + PIECE_BYTES)
    expect(table.add(second!)).toEqual(pattern(150, 0))
    expect([table.add(first!), table.add(second!)]).toEqual(['taken', 'taken'])
    expect(table.stats.duplicateMessages).toBe(3)
    expect(table.reassembly.openGroups).toBe(0)
  })

  test('of an abandoned message are forgotten, and those that come later are waved through', () => {
    const table = new Table(kind)
    const [first, second] = pieces(3, 150, 100)
    table.add(first!)
    table.reassembly.skip(3)
    expect(table.reassembly).toMatchObject({ openGroups: 0, chargedBytes: 0 })
    expect(table.add(second!)).toBe('taken')
    table.reassembly.skip(9)
    expect(table.add(pieces(9, 150, 100)[0]!)).toBe('taken')
    expect(table.reassembly.openGroups).toBe(0)
  })

  test('keep the particulars of their message', () => {
    const table = new Table(kind)
    const [first, second] = pieces(0, 150, 100)
    expect(table.reassembly.keyOf(0)).toBeUndefined()
    table.add(second!)
    expect(table.reassembly.keyOf(0)).toBeUndefined()
    table.add({ ...first!, id: 77, key: 5 })
    expect(table.reassembly.completed).toMatchObject({
      idLow: 77,
      key: 5,
      count: 2,
      firstSequence: 0,
      startsThere: false,
    })
  })

  test('do not hold on to the packets that they came in', () => {
    const packet = new Uint8Array(2_000)
    expect(detach(packet.subarray(0, 999)).buffer.byteLength).toBe(999)
    expect(detach(packet.subarray(0, 1_000)).buffer).toBe(packet.buffer)
  })
})

describe('contradictions are malformed and end their message', () => {
  test.each<[string, FragmentWords[], 'badFragment' | 'messageTooLarge']>([
    [
      'another count',
      [
        { group: 0, index: 0, count: 3, payload: pattern(9) },
        { group: 0, index: 4, count: 4, parity: 1, payload: pattern(11) },
      ],
      'badFragment',
    ],
    [
      'another parity',
      [
        { group: 0, index: 0, count: 3, parity: 1, payload: pattern(9) },
        { group: 0, index: 3, count: 3, parity: 2, payload: pattern(11) },
      ],
      'badFragment',
    ],
    [
      'another key',
      [
        { group: 0, index: 0, count: 3, parity: 1, key: 1, payload: pattern(9) },
        { group: 0, index: 3, count: 3, parity: 1, key: 2, payload: pattern(11) },
      ],
      'badFragment',
    ],
    [
      'an index at the count',
      [
        { group: 0, index: 0, count: 3, payload: pattern(9) },
        { group: 0, index: 3, payload: pattern(9) },
      ],
      'badFragment',
    ],
    [
      'a count below an index that came',
      [
        { group: 0, index: 5, payload: pattern(9) },
        { group: 0, index: 0, count: 3, payload: pattern(9) },
      ],
      'badFragment',
    ],
    [
      'a piece of another size',
      [
        { group: 0, index: 0, count: 3, payload: pattern(9) },
        { group: 0, index: 1, payload: pattern(8) },
        { group: 0, index: 2, payload: pattern(1) },
      ],
      'badFragment',
    ],
    [
      'a last piece larger than the others',
      [
        { group: 0, index: 0, count: 2, payload: pattern(9) },
        { group: 0, index: 1, payload: pattern(10) },
      ],
      'badFragment',
    ],
    [
      'parity that says that the last piece is empty',
      [{ group: 0, index: 3, count: 3, parity: 1, payload: Uint8Array.of(0, 0, 1) }],
      'badFragment',
    ],
    [
      'parity that says that the last piece is larger than all',
      [{ group: 0, index: 3, count: 3, parity: 1, payload: Uint8Array.of(0, 2, 1) }],
      'badFragment',
    ],
    ['parity of two bytes', [{ group: 0, index: 3, count: 3, parity: 1, payload: Uint8Array.of(0, 1) }], 'badFragment'],
    ['more pieces than a message has bytes', [{ group: 0, index: 2_000, payload: pattern(1) }], 'messageTooLarge'],
    [
      'a count above the bytes of a message',
      [{ group: 0, index: 0, count: 2_000, payload: pattern(1) }],
      'messageTooLarge',
    ],
    [
      'more bytes than a message has',
      [
        { group: 0, index: 0, count: 2, payload: pattern(900) },
        { group: 0, index: 1, payload: pattern(101) },
      ],
      'messageTooLarge',
    ],
    [
      'parity larger than a message',
      [{ group: 0, index: 2, count: 2, parity: 1, payload: pattern(1_003) }],
      'messageTooLarge',
    ],
  ])('%s', (_, words, fault) => {
    const table = new Table('sequenced', { maxMessageBytes: 1_000, parity: 1 })
    const results = words.map((piece) => table.add(piece))
    expect(results.pop()).toBe('malformed')
    expect(results.every((result) => result === 'taken')).toBe(true)
    expect(table.stats.refusals[fault]).toBe(1)
    expect(table.reassembly).toMatchObject({ openGroups: 0, chargedBytes: 0 })
    expect(table.add({ group: 0, index: 1, payload: pattern(9) })).toBe('refused')
  })

  test('a message one byte above the limit that is rebuilt from parity', () => {
    const table = new Table('unreliable', { maxMessageBytes: 299, parity: 1 })
    const all = pieces(0, 300, 100, 2)
    expect([all[0]!, all[1]!, all[3]!].map((piece) => table.add(piece))).toEqual(['taken', 'taken', 'malformed'])
    expect(table.stats.refusals.messageTooLarge).toBe(1)
  })
})

describe('parity', () => {
  test('any count of the pieces make the message', () => {
    const random = randomOf(12)
    const table = new Table('unreliable', { maxMessageBytes: 2_000, parity: 1 })
    for (let group = 0; group < 60; group++) {
      const length = 201 + Math.floor(random() * 700)
      const count = Math.ceil(length / 100)
      const chosen = pieces(group, length, 100, count)
        .sort(() => random() - 0.5)
        .slice(0, count)
      expect(table.add(chosen.pop()!), `group ${group}`).toBe('taken')
      const results = chosen.map((piece) => table.add(piece))
      expect(results.at(-1), `group ${group}`).toEqual(pattern(length, group))
    }
  })
})

describe('memory', () => {
  test('costs what came, not what was announced', () => {
    const table = new Table('unreliable', { maxMessageBytes: 16 * 1_048_576 })
    table.add({ group: 0, index: 0, count: 16_000, payload: pattern(1_000) })
    expect(table.reassembly.chargedBytes).toBe(1_000 + PIECE_BYTES)
  })

  test('unreliable: above the cap the oldest message goes, and its pieces are refused from then on', () => {
    const table = new Table('unreliable', { maxMessageBytes: 60_000 })
    // The cap: twice W of 120,000, and the tables of 64 messages.
    const start = (group: number): Bytes | string =>
      table.add({ group, index: 0, count: 2, payload: new Uint8Array(59_000) })
    for (let group = 0; group < 4; group++) expect(start(group)).toBe('taken')
    expect(table.reassembly.openGroups).toBe(4)
    expect(start(4)).toBe('taken')
    expect(table.reassembly.openGroups).toBe(4)
    expect(table.add({ group: 0, index: 1, payload: pattern(5) })).toBe('refused')
    expect(table.add({ group: 1, index: 1, payload: pattern(5) })).toBeInstanceOf(Uint8Array)
    expect(table.reassembly.chargedBytes).toBeLessThanOrEqual(240_000 + 64 * PIECE_BYTES)
  })

  test('reliable: above the cap pieces are refused, and taken when there is room again', () => {
    const table = new Table('reliable', { maxMessageBytes: 60_000 })
    const start = (group: number): Bytes | string =>
      table.add({ group, index: 0, count: 2, payload: new Uint8Array(59_000) })
    for (let group = 0; group < 4; group++) expect(start(group)).toBe('taken')
    expect(start(4)).toBe('refused')
    expect(table.stats.refusals.reassemblyFull).toBe(1)
    table.add({ group: 2, index: 1, payload: pattern(5) })
    expect(start(4)).toBe('taken')
  })

  test.each(['unreliable', 'reliable'] as const)('at most 64 messages are open (%s)', (kind) => {
    const table = new Table(kind)
    for (let group = 0; group < 64; group++) expect(table.add({ group, index: 1, payload: pattern(3) })).toBe('taken')
    expect(table.add({ group: 64, index: 1, payload: pattern(3) })).toBe(kind === 'reliable' ? 'refused' : 'taken')
    expect(table.reassembly.openGroups).toBe(64)
  })

  test('any flood of pieces stays below the cap', () => {
    for (const kind of ['unreliable', 'sequenced', 'reliable', 'latest'] as const) {
      const random = randomOf(77)
      const table = new Table(kind, { maxMessageBytes: 10_000 })
      for (let i = 0; i < 1_500; i++) {
        const index = Math.floor(random() * 12)
        const count = index === 0 ? { count: 2 + Math.floor(random() * 11) } : {}
        const payload = new Uint8Array(1 + Math.floor(random() * 1_100))
        table.add({ group: Math.floor(i / 20 + random() * 80), index, payload, ...count })
        expect(table.reassembly.chargedBytes).toBeLessThanOrEqual(2 * 65_536 + 64 * PIECE_BYTES)
        expect(table.reassembly.openGroups).toBeLessThanOrEqual(64)
      }
      for (let group = 0; group < 500; group++) table.reassembly.skip(group)
      expect(table.reassembly.chargedBytes, kind).toBe(0)
    }
  })
})

describe('time', () => {
  test('messages that do not become whole are dropped, oldest first', () => {
    const table = new Table('unreliable')
    expect(table.reassembly.expiresAt).toBe(Number.POSITIVE_INFINITY)
    for (const [group, at] of [
      [0, 100],
      [1, 300],
    ] as const) {
      table.now = at
      table.add(pieces(group, 250, 100)[0]!)
    }
    expect(table.reassembly.expiresAt).toBe(100 + DEADLINE_MS)
    table.reassembly.expire(100 + DEADLINE_MS - 1)
    expect(table.reassembly.openGroups).toBe(2)
    table.reassembly.expire(100 + DEADLINE_MS)
    expect(table.reassembly.openGroups).toBe(1)
    expect(table.reassembly.expiresAt).toBe(300 + DEADLINE_MS)
  })

  test('on reliable channels they wait for ever', () => {
    const table = new Table('reliable')
    table.add(pieces(0, 250, 100)[0]!)
    expect(table.reassembly.expiresAt).toBe(Number.POSITIVE_INFINITY)
    table.reassembly.expire(1e12)
    expect(table.reassembly.openGroups).toBe(1)
  })
})

describe('old groups', () => {
  test.each([
    ['unreliable', 'refused'],
    ['reliable', 'taken'],
  ] as const)('more than 256 behind the newest: %s pieces are %s, and open nothing', (kind, result) => {
    const table = new Table(kind)
    for (const piece of pieces(1_000, 150, 100)) table.add(piece)
    expect(table.add(pieces(744, 150, 100)[0]!)).toBe(result)
    expect(table.reassembly.openGroups).toBe(0)
    expect(table.add(pieces(745, 150, 100)[0]!)).toBe('taken')
    expect(table.reassembly.openGroups).toBe(1)
  })

  test('numbers may jump far, and their memory begins anew', () => {
    const table = new Table('unreliable')
    for (const piece of pieces(5, 150, 100)) table.add(piece)
    for (const piece of pieces(5 + 256, 150, 100)) table.add(piece)
    expect(table.reassembly.groupReference).toBe(261)
    for (const piece of pieces(100_000, 150, 100)) table.add(piece)
    expect(table.add(pieces(99_999, 150, 100)[0]!)).toBe('taken')
    expect(table.reassembly.openGroups).toBe(1)
  })
})

describe('repair of a reliable message', () => {
  const SIZE = 100
  /** 4 fragments of 100 bytes, the last of 60. */
  const whole = pieces(0, 360, SIZE)
  const data = whole.map(({ payload }) => payload)
  const repair = (
    seed: number,
    runs: readonly Run[] = [[0, 4]],
    changes: Partial<FragmentWords> = {},
  ): FragmentWords => ({
    group: 0,
    index: 4 + seed,
    payload: repairPayload(data, seed, runs),
    count: 4,
    parity: runs.length,
    ...changes,
  })

  test('stands for any fragment that is missing, the first and the last too', () => {
    for (let missing = 0; missing < 4; missing++) {
      const table = new Table('reliable')
      for (const piece of whole) if (piece.index !== missing) table.add(piece)
      expect(table.add(repair(missing))).toEqual(pattern(360, 0))
      expect(table.reassembly.openGroups).toBe(0)
      expect(table.reassembly.chargedBytes).toBe(0)
    }
  })

  test('may come first, and be all that comes', () => {
    const table = new Table('ordered')
    for (let seed = 0; seed < 3; seed++) expect(table.add(repair(seed))).toBe('taken')
    expect(table.add(repair(3))).toEqual(pattern(360, 0))
    expect(table.add(repair(4))).toBe('taken')
    expect(table.add(whole[0]!)).toBe('taken')
  })

  test('is solved by fragments that come after it', () => {
    const table = new Table('latest')
    table.add(repair(0, [[0, 2]]))
    table.add(repair(1, [[1, 3]]))
    table.add(whole[3]!)
    // Fragment 1 tells fragment 0 through the first and fragment 2 through the second.
    expect(table.add(whole[1]!)).toEqual(pattern(360, 0))
  })

  test.each([
    ['another count', repair(0, [[0, 4]], { count: 5, index: 5 })],
    ['another id', repair(0, [[0, 4]], { id: 9 })],
    ['another key', repair(0, [[0, 4]], { key: 9 })],
    ['another size', repair(0, [[0, 4]], { payload: repair(0).payload.slice(0, -1) })],
    ['nonsense in it', repair(0, [[0, 4]], { payload: Uint8Array.of(0, 1) })],
  ])('with %s is malformed, and so is all that follows', (_, bad) => {
    const table = new Table('reliable')
    table.add(whole[0]!)
    table.add(whole[1]!)
    expect(table.add(bad)).toBe('malformed')
    expect(table.stats.refusals.badFragment).toBe(1)
    expect(table.add(whole[2]!)).toBe('refused')
    expect(table.reassembly.chargedBytes).toBe(0)
  })

  test('makes a fragment of another size malformed', () => {
    const table = new Table('reliable')
    table.add(repair(0))
    expect(table.add({ ...whole[1]!, payload: pattern(SIZE - 1) })).toBe('malformed')
  })

  test('of a message that is too large is malformed', () => {
    expect(new Table('reliable', { maxMessageBytes: 359 }).add(repair(0))).toBe('malformed')
  })

  test('is refused beyond 48 open combinations, and fragments are taken all the same', () => {
    const many = pieces(0, 100 * SIZE, SIZE)
    const table = new Table('reliable')
    const of = (seed: number): FragmentWords => ({
      group: 0,
      index: 100 + seed,
      payload: repairPayload(
        many.map(({ payload }) => payload),
        seed,
        [[0, 100]],
      ),
      count: 100,
      parity: 1,
    })
    for (let seed = 0; seed < 48; seed++) expect(table.add(of(seed))).toBe('taken')
    expect(table.add(of(48))).toBe('refused')
    expect(table.stats.refusals.reassemblyFull).toBe(1)
    for (let i = 0; i < 51; i++) expect(table.add(many[i]!)).toBe('taken')
    expect(table.add(many[51]!)).toEqual(pattern(100 * SIZE, 0))
  })

  test('takes no more bytes of combinations than the window of the channel', () => {
    const table = new Table('reliable', { maxMessageBytes: 60_000 })
    let taken = 0
    for (let group = 0; group < 30; group++) {
      const large = pieces(group, 60_000, 20_000)
      for (let seed = 0; seed < 2; seed++) {
        const payload = repairPayload(
          large.map((piece) => piece.payload),
          seed,
          [[0, 3]],
        )
        if (table.add({ group, index: 3 + seed, payload, count: 3, parity: 1, id: group }) === 'taken') taken++
      }
    }
    // max(65,536, 2 · 60,000) bytes hold six of 20,000.
    expect(taken).toBe(6)
  })
})
