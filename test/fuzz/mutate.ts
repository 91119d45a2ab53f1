import type { Bytes } from '../../src/core/bytes.ts'
import type { ChannelKind } from '../../src/core/events.ts'
import type { Random } from '../../src/sim/index.ts'
import {
  type DataCraft,
  decodePacket,
  encodePacket,
  type FragmentTree,
  type MessageTree,
  type PacketTree,
  type RecordCraft,
  type RecordTree,
} from '../wire/oracle.ts'

/** An integer from 0 to `limit` − 1. */
export function below(random: Random, limit: number): number {
  return random.uint32() % limit
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[below(random, items.length)]!
}

export function randomBytes(random: Random, length: number): Bytes {
  return Uint8Array.from({ length }, () => random.uint32() & 0xff)
}

/** A number near the one that stands there, at one of the edges, or anywhere. */
function shaken(random: Random, value: number, edges: readonly number[] = []): number {
  switch (below(random, 4)) {
    case 0:
      return value + pick(random, [-1, 1, -2, 2, 64, -64, 4095, -4096])
    case 1:
      return pick(random, [0, 1, 0xff, 0xffff, 0xffffff, 0x7fffffff, ...edges])
    case 2:
      return below(random, 0x10000)
    default:
      return value + below(random, 64) - 32
  }
}

function nonNegative(value: number, limit: number): number {
  return Math.min(Math.max(0, value), limit)
}

/** A real packet with something changed: a field, a record, a byte. What comes out may still be legal. */
export function mutated(random: Random, packet: Uint8Array, kinds: readonly ChannelKind[]): Bytes {
  if (below(random, 3) === 0) return mutatedBytes(random, packet)
  let tree: PacketTree
  try {
    tree = decodePacket(packet, { kinds })
  } catch {
    return mutatedBytes(random, packet)
  }
  try {
    if (tree.form !== 'data') return mutatedBytes(random, encodePacket(mutatedGreeting(random, tree), { kinds }))
    let craft: DataCraft = tree
    for (let i = 1 + below(random, 3); i > 0; i--) craft = mutatedData(random, craft, kinds)
    return encodePacket(craft, { kinds })
  } catch {
    // A value that has no bytes.
    return mutatedBytes(random, packet)
  }
}

/** Bytes changed without regard for what they mean. */
export function mutatedBytes(random: Random, packet: Uint8Array): Bytes {
  const bytes = [...packet]
  for (let i = 1 + below(random, 4); i > 0; i--) {
    const at = below(random, bytes.length + 1)
    switch (below(random, 7)) {
      case 0:
        bytes[at % Math.max(1, bytes.length)] = random.uint32() & 0xff
        break
      case 1:
        bytes[at % Math.max(1, bytes.length)]! ^= 1 << below(random, 8)
        break
      case 2:
        bytes.splice(at, 0, ...randomBytes(random, 1 + below(random, 8)))
        break
      case 3:
        bytes.splice(at, 1 + below(random, 8))
        break
      case 4:
        bytes.length = at
        break
      case 5:
        bytes.splice(at, 0, ...bytes.slice(below(random, bytes.length + 1), below(random, bytes.length + 1)))
        break
      default:
        bytes[at % Math.max(1, bytes.length)] = pick(
          random,
          [0, 1, 0x7f, 0x80, 0xbf, 0xc0, 223, 224, 240, 248, 249, 255],
        )
    }
  }
  return Uint8Array.from(bytes.map((byte) => byte & 0xff))
}

function mutatedGreeting(
  random: Random,
  tree: Exclude<PacketTree, { form: 'data' }>,
): Exclude<PacketTree, { form: 'data' }> {
  if (below(random, 2) === 0) return { ...tree, clientSalt: random.uint32() }
  return tree.form === 'close' ? { ...tree, code: below(random, 0x10000) } : tree
}

function mutatedData(random: Random, craft: DataCraft, kinds: readonly ChannelKind[]): DataCraft {
  const records = [...(craft.records ?? [])]
  const at = below(random, records.length + 1)
  switch (below(random, 9)) {
    case 0:
      return { ...craft, sequence: shaken(random, craft.sequence) }
    case 1: {
      const ack = shaken(random, craft.ack?.form === 'none' ? 0 : (craft.ack?.ack ?? 0))
      const offsets = Array.from({ length: below(random, 40) }, () => 1 + below(random, 1029))
      const sorted = [...new Set(offsets)].sort((a, b) => a - b)
      const { flags: _, ...rest } = craft
      return {
        ...rest,
        ack: pick(random, [
          { form: 'none' },
          { form: 'all', ack, offsets: [] },
          { form: 'groups', ack, offsets: sorted },
        ]),
      }
    }
    case 2:
      return { ...craft, flags: below(random, 64) }
    case 3:
      return { ...craft, tail: randomBytes(random, 1 + below(random, 12)) }
    case 4:
      records.splice(at, 1)
      return { ...craft, records }
    case 5:
      if (records.length > 0) records.splice(at, 0, pick(random, records))
      return { ...craft, records }
    case 6:
      records.splice(at, 0, strangeRecord(random, kinds))
      return { ...craft, records }
    default:
      if (at < records.length) records[at] = mutatedRecord(random, records[at]!, kinds)
      return { ...craft, records }
  }
}

function mutatedRecord(random: Random, record: RecordCraft, kinds: readonly ChannelKind[]): RecordCraft {
  switch (record.type) {
    case 'message':
      return mutatedMessage(random, record, kinds)
    case 'fragment':
      return mutatedFragment(random, record, kinds)
    case 'skip':
      return { ...record, id: shaken(random, record.id), channel: below(random, kinds.length + 1) }
    default:
      return record
  }
}

function mutatedMessage(random: Random, record: MessageTree, kinds: readonly ChannelKind[]): MessageTree {
  switch (below(random, 4)) {
    case 0: {
      const channel = below(random, kinds.length + 1)
      return { ...record, channel, id: record.id ?? below(random, 100) }
    }
    case 1:
      return { ...record, id: shaken(random, record.id ?? 0, [4095, 4096]) }
    case 2:
      return { ...record, key: nonNegative(shaken(random, record.key ?? 0), 0xffffffff) }
    default:
      return { ...record, payload: randomBytes(random, below(random, 60)) }
  }
}

function mutatedFragment(random: Random, record: FragmentTree, kinds: readonly ChannelKind[]): FragmentTree {
  const { particulars } = record
  switch (below(random, 6)) {
    case 0:
      return { ...record, channel: below(random, kinds.length + 1) }
    case 1:
      return { ...record, group: shaken(random, record.group, [63, 64, 255, 256, 0x8000]) }
    case 2:
      return { ...record, index: nonNegative(shaken(random, record.index), 0x7fffffff) }
    case 3:
      return { ...record, payload: randomBytes(random, 1 + below(random, 300)) }
    default: {
      if (particulars === undefined) return record
      const field = pick(random, ['count', 'parity', 'id', 'key'] as const)
      const value = nonNegative(shaken(random, particulars[field] ?? 0), 0x7fffffff)
      return { ...record, particulars: { ...particulars, [field]: value } }
    }
  }
}

/** A record out of nowhere. */
function strangeRecord(random: Random, kinds: readonly ChannelKind[]): RecordTree {
  const channel = below(random, kinds.length + 1)
  switch (below(random, 5)) {
    case 0:
      return { type: 'ping' }
    case 1:
      return {
        type: 'skip',
        channel,
        id: below(random, 5000),
        ...(below(random, 2) === 0 ? { group: below(random, 300) } : {}),
      }
    case 2:
      return {
        type: 'message',
        channel,
        id: below(random, 5000),
        key: below(random, 20),
        payload: randomBytes(random, below(random, 20)),
      }
    default: {
      const count = 2 + below(random, pick(random, [3, 300, 5000]))
      const parity = below(random, pick(random, [1, 4]))
      const particulars = {
        count,
        parity,
        id: below(random, 5000),
        ...(below(random, 2) === 0 ? { key: below(random, 20) } : {}),
      }
      const index = below(random, 2) === 0 ? 0 : below(random, count + parity)
      const hasParticulars = index === 0 || index >= count
      const payload = randomBytes(random, 1 + below(random, 200))
      return {
        type: 'fragment',
        channel,
        group: below(random, 300),
        index,
        payload,
        ...(hasParticulars ? { particulars } : {}),
      }
    }
  }
}
