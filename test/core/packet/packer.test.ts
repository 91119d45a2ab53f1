import { describe, expect, test } from 'vitest'
import type { FragmentRecord, ReceiveChannel, RecordResult } from '../../../src/core/channel/channel.ts'
import { FragmentTable, OutgoingMessage } from '../../../src/core/channel/outgoing.ts'
import { rebuild } from '../../../src/core/channel/parity.ts'
import type { ChannelConfig } from '../../../src/core/config.ts'
import { Manifests } from '../../../src/core/packet/manifests.ts'
import { Packer } from '../../../src/core/packet/packer.ts'
import { Unpacker } from '../../../src/core/packet/unpacker.ts'
import { createStats } from '../../../src/core/stats.ts'
import { Reader } from '../../../src/core/wire/reader.ts'
import { Writer } from '../../../src/core/wire/writer.ts'
import { bytesOf, configOf, pattern, randomOf, textOf } from '../support.ts'

const { channels } = configOf({
  unreliable: { kind: 'unreliable', parity: 1, maxMessageBytes: 1_000 },
  sequenced: { kind: 'sequenced' },
  reliable: { kind: 'reliable' },
  latest: { kind: 'latest' },
})
const [UNRELIABLE, SEQUENCED, RELIABLE, LATEST] = [0, 1, 2, 3]

function message(channel: number, id: number, payload: Uint8Array<ArrayBuffer>, key = -1): OutgoingMessage {
  return Object.assign(new OutgoingMessage(), {
    status: 'live',
    channel,
    id,
    key,
    block: payload,
    length: payload.length,
  })
}

function large(channel: number, id: number, group: number, payload: Uint8Array<ArrayBuffer>, size: number, parity = 0) {
  const outgoing = message(channel, id, payload)
  outgoing.count = Math.ceil(payload.length / size)
  outgoing.fragmentBytes = size
  outgoing.parity = parity
  outgoing.group = group
  outgoing.fragments = new FragmentTable(outgoing.count + parity)
  return outgoing
}

/** A packer and its writer; the packet begins without a header. */
function packing(limit = 400) {
  const writer = new Writer(2_000)
  const packer = new Packer(writer, channels, 1_150)
  const begin = (): Manifests => {
    const manifest = new Manifests()
    writer.reset(limit)
    packer.begin(manifest, 0)
    return manifest
  }
  return { packer, writer, manifest: begin(), begin }
}

/** Notes what it is given: `channel: id key text`. */
class Ear implements ReceiveChannel {
  idReference = 0
  groupReference = -1
  readonly expiresAt = Number.POSITIVE_INFINITY
  readonly heard: string[]
  readonly config: ChannelConfig
  answer: RecordResult = 'taken'
  readonly pieces = new Map<number, Uint8Array<ArrayBuffer>>()

  constructor(config: ChannelConfig, heard: string[]) {
    this.config = config
    this.heard = heard
  }

  onMessage(id: number, key: number, payload: Uint8Array, sequence: number): RecordResult {
    this.heard.push(`${this.config.name} ${id} ${key} ${textOf(payload)} in ${sequence}`)
    return this.answer
  }

  onFragment(fragment: FragmentRecord): RecordResult {
    const { group, index, hasParticulars, count, parity, idLow, key, payload } = fragment
    this.pieces.set(index, payload)
    const particulars = hasParticulars ? ` of ${count}+${parity}, id ${idLow}, key ${key}` : ''
    this.heard.push(`${this.config.name} #${group}.${index}${particulars}: ${payload.length}`)
    return this.answer
  }

  onSkip(id: number, group: number): RecordResult {
    this.heard.push(`${this.config.name} skip ${id} ${group}`)
    return this.answer
  }

  expire(): void {}
}

function listening() {
  const heard: string[] = []
  const ears = channels.map((config) => new Ear(config, heard))
  const stats = createStats()
  const unpacker = new Unpacker(ears, stats)
  const read = (bytes: Uint8Array, sequence = 7): RecordResult => {
    const reader = new Reader()
    reader.reset(bytes.slice())
    return unpacker.read(reader, sequence, 0)
  }
  return { heard, ears, stats, unpacker, read }
}

describe('what is packed is unpacked', () => {
  test('messages of all kinds, in the order written', () => {
    const { packer } = packing()
    packer.addMessage(message(UNRELIABLE!, 0, bytesOf('u')))
    packer.addMessage(message(RELIABLE!, 0x1000005, bytesOf('r')))
    packer.addMessage(message(SEQUENCED!, 3, bytesOf('s'), 9))
    packer.addMessage(message(RELIABLE!, 0x1000009, bytesOf('')))
    packer.addMessage(message(LATEST!, 70, bytesOf('l'), 0))
    packer.addMessage(message(RELIABLE!, 0x1000001, bytesOf('back')))
    expect(packer.records).toBe(6)
    const { heard, ears, unpacker, read } = listening()
    ears[RELIABLE!]!.idReference = 0xffffff
    expect(read(packer.finish())).toBe('taken')
    expect(unpacker.records).toBe(6)
    expect(heard).toEqual([
      'unreliable -1 -1 u in 7',
      'reliable 16777221 -1 r in 7',
      'sequenced -1 9 s in 7',
      'reliable 16777225 -1  in 7',
      'latest 70 0 l in 7',
      'reliable 16777217 -1 back in 7',
    ])
  })

  test('ids begin anew in each packet', () => {
    const { packer, begin } = packing()
    packer.addMessage(message(RELIABLE!, 5, bytesOf('a')))
    const first = packer.finish().slice()
    begin()
    packer.addMessage(message(RELIABLE!, 6, bytesOf('b')))
    const { heard, read } = listening()
    read(first)
    read(packer.finish())
    expect(heard).toEqual(['reliable 5 -1 a in 7', 'reliable 6 -1 b in 7'])
  })

  test('fragments, with their particulars where they belong', () => {
    const { packer, begin } = packing()
    const outgoing = large(LATEST!, 9, 0x10003, pattern(250), 100)
    outgoing.key = 4
    const { heard, ears, read } = listening()
    ears[LATEST!]!.groupReference = 0x10000
    for (let index = 0; index < 3; index++) {
      packer.addFragment(outgoing, index)
      read(packer.finish())
      begin()
    }
    expect(heard).toEqual(['latest #65539.0 of 3+0, id 9, key 4: 100', 'latest #65539.1: 100', 'latest #65539.2: 50'])
  })

  test('parity fragments, from which a lost one is rebuilt', () => {
    const { packer, begin } = packing()
    const payload = pattern(250)
    const outgoing = large(UNRELIABLE!, 0, 0, payload, 100, 2)
    const { ears, read } = listening()
    for (const index of [0, 3, 4]) {
      packer.addFragment(outgoing, index)
      read(packer.finish())
      begin()
    }
    expect(rebuild(ears[UNRELIABLE!]!.pieces, 3, 2)).toEqual(payload)
  })

  test('skips and pings', () => {
    const { packer } = packing()
    packer.addSkip(message(RELIABLE!, 5, bytesOf('')))
    const grouped = large(RELIABLE!, 6, 2, pattern(300), 100)
    packer.addSkip(grouped)
    packer.addPing()
    const { heard, unpacker, read } = listening()
    expect(read(packer.finish())).toBe('taken')
    expect(heard).toEqual(['reliable skip 5 -1', 'reliable skip 6 2'])
    expect(unpacker.records).toBe(3)
  })
})

describe('Packer', () => {
  test('writes a record whole or not at all, and says how many bytes it took', () => {
    const { packer, writer, manifest } = packing(30)
    expect(packer.addMessage(message(UNRELIABLE!, 0, pattern(20)))).toBe(22)
    expect(packer.addMessage(message(UNRELIABLE!, 1, pattern(7)))).toBe(0)
    expect(packer.addSkip(large(RELIABLE!, 6, 2, pattern(300), 100))).toBe(7)
    expect(writer.remaining).toBe(1)
    expect(packer.isFull).toBe(true)
    expect(packer.addSkip(message(RELIABLE!, 7, bytesOf('')))).toBe(0)
    expect(manifest.end).toBe(2)
    expect(packer.records).toBe(2)
  })

  test('a message may fill the packet to its last byte', () => {
    const { packer, writer } = packing(22)
    expect(packer.addMessage(message(UNRELIABLE!, 0, pattern(20)))).toBe(22)
    expect(writer.remaining).toBe(0)
  })

  test('nothing comes after a fragment', () => {
    const { packer } = packing()
    const outgoing = large(RELIABLE!, 5, 0, pattern(150), 100)
    expect(packer.addFragment(outgoing, 0)).toBe(109)
    expect(packer.isFull).toBe(true)
    expect(packer.addFragment(outgoing, 1)).toBe(0)
    expect(packer.addMessage(message(UNRELIABLE!, 0, bytesOf('x')))).toBe(0)
    expect(packer.addSkip(message(RELIABLE!, 7, bytesOf('')))).toBe(0)
    packer.addPing()
    expect(packer.records).toBe(1)
  })

  test('a second copy of a message in one packet has no use, and is not written', () => {
    const { packer } = packing()
    const outgoing = message(RELIABLE!, 5, bytesOf('x'))
    expect(packer.addMessage(outgoing)).toBe(6)
    expect(packer.addMessage(outgoing)).toBe(0)
    expect(outgoing.copies).toBe(1)
  })

  test('counts the copies of each message and of each fragment', () => {
    const { packer, begin } = packing()
    const whole = message(RELIABLE!, 5, bytesOf('x'))
    const cut = large(RELIABLE!, 6, 0, pattern(150), 100)
    for (let i = 0; i < 2; i++) {
      packer.addMessage(whole)
      packer.addFragment(cut, 1)
      begin()
    }
    expect(whole.copies).toBe(2)
    expect(cut.fragments!.loseCopy(1)).toBe(false)
    expect(cut.fragments!.loseCopy(1)).toBe(true)
  })
})

describe('Manifests', () => {
  test('name what packets carried, until the record of a message is another message', () => {
    const manifests = new Manifests()
    const [first, second] = [new OutgoingMessage(), new OutgoingMessage()]
    manifests.push(first, -1)
    manifests.push(second, 3)
    expect([manifests.messageAt(0), manifests.messageAt(1)]).toEqual([first, second])
    expect([manifests.fragmentAt(0), manifests.fragmentAt(1)]).toEqual([-1, 3])
    first.generation++
    expect(manifests.messageAt(0)).toBeUndefined()
    expect(manifests.messageAt(1)).toBe(second)
  })

  test('keep every entry that may be asked for, however many there are', () => {
    const manifests = new Manifests()
    const random = randomOf(4)
    const model: { message: OutgoingMessage; fragment: number }[] = []
    let oldest = 0
    for (let step = 0; step < 3_000; step++) {
      const message = new OutgoingMessage()
      message.generation = Math.floor(random() * 2 ** 32)
      const fragment = Math.floor(random() * 100) - 1
      expect(manifests.end).toBe(model.length)
      manifests.push(message, fragment)
      model.push({ message, fragment })
      // Mostly a few, at times hundreds.
      if (model.length - oldest > (step % 1_000 < 700 ? 20 : 400)) {
        oldest += Math.floor(random() * (model.length - oldest))
        manifests.forget(oldest)
      }
      const asked = oldest + Math.floor(random() * (model.length - oldest))
      expect(manifests.messageAt(asked)).toBe(model[asked]!.message)
      expect(manifests.fragmentAt(asked)).toBe(model[asked]!.fragment)
    }
  })
})

describe('Unpacker', () => {
  test('stops at the first record that is not taken; what came before it has been handed on', () => {
    const { packer } = packing()
    packer.addMessage(message(UNRELIABLE!, 0, bytesOf('a')))
    packer.addMessage(message(RELIABLE!, 0, bytesOf('b')))
    packer.addMessage(message(UNRELIABLE!, 1, bytesOf('c')))
    const { heard, ears, unpacker, read } = listening()
    ears[RELIABLE!]!.answer = 'refused'
    expect(read(packer.finish())).toBe('refused')
    expect(heard.length).toBe(2)
    expect(unpacker.records).toBe(1)
  })

  test.each([
    ['a record that ends early', [0x00, 5, 1], 'encoding'],
    ['a channel outside the table', [0x04, 0], 'unknownChannel'],
    ['a key on a channel without keys', [0x42, 1, 0], 'unknownChannel'],
    ['a skip for a channel outside the table', [0xc1, 4, 0, 0, 0], 'unknownChannel'],
    ['a skip for an unreliable channel', [0xc1, 1, 0, 0, 0], 'unknownChannel'],
    ['a skip of a group before the first', [0xc2, 2, 0, 0, 0, 255, 255], 'idOutOfWindow'],
    ['a fragment of a group before the first', [0x80, 255, 255, 2, 9], 'idOutOfWindow'],
    ['a control code that nobody knows', [0xc9], 'encoding'],
  ] as const)('%s is malformed and counted as %s', (_, bytes, count) => {
    const { stats, heard, read } = listening()
    expect(read(Uint8Array.from(bytes))).toBe('malformed')
    expect(stats.refusals[count]).toBe(1)
    expect(heard).toEqual([])
  })

  test('a packet without records holds none', () => {
    const { unpacker, read } = listening()
    expect(read(new Uint8Array(0))).toBe('taken')
    expect(unpacker.records).toBe(0)
  })
})
