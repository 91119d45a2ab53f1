import type { Bytes } from '../../src/core/bytes.ts'
import { groupBytes } from './oracle-ack.ts'
import { horizonOf, joined, unsigned, varint, zigzag } from './oracle-primitives.ts'
import {
  type AckTree,
  CLOSE_KINDS,
  type CloseKind,
  type ForeignTree,
  type FragmentTree,
  type HelloTree,
  hasIds,
  hasKeys,
  type MessageTree,
  type RecordTree,
  type SkipTree,
  type WelcomeTree,
  type WireContext,
} from './oracle-tree.ts'

/** Bytes that stand as they are where a tree is expected. */
export interface RawBytes {
  readonly bytes: Uint8Array
}

/** Ack fields as they are: `ack` and after it `body`, from the n of the groups on. Put the ack form into `flags`. */
export interface RawAck {
  readonly form: 'raw'
  readonly ack: number
  readonly body: Uint8Array
}

export type RecordCraft = RecordTree | (RawBytes & { readonly type: 'raw' })

/** A data packet to craft. Everything but the sequence has a default: timestamp 0, no ack, no delay, no records. */
export interface DataCraft {
  readonly form: 'data'
  /** The six low bits of byte 0 as they are; by default, those that belong to the other fields. */
  readonly flags?: number
  readonly sequence: number
  readonly timestamp?: number
  readonly ack?: AckTree | RawAck
  readonly ackDelayMs?: number | 'unknown'
  /** −63.5 to 63.5 in steps of 0.5. */
  readonly horizonMs?: number
  readonly records?: readonly RecordCraft[]
  readonly tail?: Uint8Array
}

/** A close to craft; a number stands for a kind that does not exist. */
export interface CloseCraft {
  readonly form: 'close'
  readonly kind: CloseKind | number
  readonly clientSalt: number
  readonly code: number
  readonly data: Uint8Array
}

/** Any `PacketTree`, or one that breaks the rules. `tail` is appended to the packet. */
export type PacketCraft =
  | DataCraft
  | ((HelloTree | WelcomeTree | ForeignTree | CloseCraft) & { readonly tail?: Uint8Array })
  | (RawBytes & { readonly form: 'raw' })

/**
 * Writes what it is told, right or wrong, in canonical form; a value that has no bytes at all (a channel above 63, an ack
 * delay between two steps) throws `RangeError`. Sequences, acks, ids and groups may be whole: their low bits are taken.
 * Wrong bytes: `raw` for packets, records and acks, `flags`, `tail`, or a tree that the channel kinds do not allow.
 */
export function encodePacket(tree: PacketCraft, context: WireContext): Bytes {
  const tail = 'tail' in tree && tree.tail ? [tree.tail] : []
  switch (tree.form) {
    case 'raw':
      return joined([tree.bytes])
    case 'data':
      return joined([...dataParts(tree, context), ...tail])
    case 'hello':
      return joined([...greetingParts(0x40, tree), unsigned(tree.protocolDigest, 4), ...digestParts(tree), ...tail])
    case 'welcome':
      return joined([...greetingParts(0x80, tree), unsigned(tree.serverSalt, 4), unsigned(tree.clock, 6), ...tail])
    case 'foreign':
      return joined([...greetingParts(tree.of === 'hello' ? 0x40 : 0x80, tree), tree.rest, ...tail])
    case 'close': {
      const kind = typeof tree.kind === 'number' ? tree.kind : CLOSE_KINDS.indexOf(tree.kind)
      if (kind > 63) throw new RangeError(`close kind ${kind} does not fit into six bits`)
      return joined([
        unsigned(0xc0 + kind, 1),
        unsigned(tree.clientSalt, 4),
        unsigned(tree.code, 2),
        tree.data,
        ...tail,
      ])
    }
  }
}

/** The six low bits of byte 0 that belong to these fields. */
export function flagsOf(ack: AckTree | RawAck, ackDelayMs?: number | 'unknown', horizonMs?: number): number {
  const ackForm = { none: 0, all: 1, groups: 2, raw: 2 }[ack.form]
  return ackForm * 16 + (ackDelayMs === undefined ? 0 : 8) + (horizonMs === undefined ? 0 : 4)
}

/** The code of a loss horizon that has one. */
function horizonCode(horizonMs: number): number {
  const codes = Array.from({ length: 255 }, (_, i) => i + 1)
  const code = codes.find((candidate) => horizonOf(candidate) === horizonMs)
  if (code === undefined) throw new RangeError(`no code for a loss horizon of ${horizonMs} ms`)
  return code
}

function dataParts(tree: DataCraft, context: WireContext): Uint8Array[] {
  const ack = tree.ack ?? { form: 'none' }
  const flags = tree.flags ?? flagsOf(ack, tree.ackDelayMs, tree.horizonMs)
  if (flags > 63) throw new RangeError(`flags ${flags} do not fit into six bits`)
  return [
    unsigned(flags, 1),
    cut(tree.sequence, 2),
    unsigned(tree.timestamp ?? 0, 2),
    ...ackParts(ack),
    ...(tree.ackDelayMs === undefined ? [] : [unsigned(ackDelayCode(tree.ackDelayMs), 1)]),
    ...(tree.horizonMs === undefined ? [] : [unsigned(horizonCode(tree.horizonMs), 1)]),
    ...recordParts(tree.records ?? [], context),
  ]
}

function ackParts(ack: AckTree | RawAck): Uint8Array[] {
  switch (ack.form) {
    case 'none':
      return []
    case 'all':
      return [cut(ack.ack, 2)]
    case 'groups': {
      const groups = groupBytes(ack.offsets)
      return [cut(ack.ack, 2), unsigned(groups.length, 1), groups]
    }
    case 'raw':
      return [cut(ack.ack, 2), ack.body]
  }
}

/** The byte of an ack delay that can be said exactly. */
export function ackDelayCode(delayMs: number | 'unknown'): number {
  if (delayMs === 'unknown') return 255
  const code = delayMs <= 48 ? delayMs * 4 : delayMs - 48 + 192
  if (!Number.isInteger(code) || code < 0 || code > 254) throw new RangeError(`no code says exactly ${delayMs} ms`)
  return code
}

/** The bytes of records as they follow each other in one packet. */
export function recordParts(records: readonly RecordCraft[], context: WireContext): Uint8Array[] {
  /** Channel → id of its last type 0 or 1 record. */
  const previousIds = new Map<number, number>()
  return records.map((record) => recordBytes(record, previousIds, context))
}

function recordBytes(record: RecordCraft, previousIds: Map<number, number>, context: WireContext): Uint8Array {
  switch (record.type) {
    case 'raw':
      return record.bytes
    case 'ping':
      return head(3, 0)
    case 'skip':
      return skipBytes(record)
    case 'message':
      return messageBytes(record, previousIds, context)
    case 'fragment':
      return fragmentBytes(record, context)
  }
}

function messageBytes(record: MessageTree, previousIds: Map<number, number>, context: WireContext): Uint8Array {
  const parts: Uint8Array[] = []
  parts.push(record.key === undefined ? head(0, record.channel) : joined([head(1, record.channel), varint(record.key)]))
  if (hasIds(kindOf(record.channel, context))) {
    const id = needed(record.id, 'id')
    const previous = previousIds.get(record.channel)
    parts.push(previous === undefined ? cut(id, 3) : zigzag(id - previous - 1))
    previousIds.set(record.channel, id)
  }
  return joined([...parts, varint(record.payload.length), record.payload])
}

function fragmentBytes(record: FragmentTree, context: WireContext): Uint8Array {
  const kind = kindOf(record.channel, context)
  const { particulars } = record
  const parts: Uint8Array[] = [head(2, record.channel), cut(record.group, 2)]
  parts.push(varint(2 * record.index + (particulars ? 1 : 0)))
  if (particulars) {
    parts.push(varint(particulars.count), varint(particulars.parity))
    if (hasIds(kind)) parts.push(cut(needed(particulars.id, 'id'), 3))
    if (hasKeys(kind)) parts.push(varint((particulars.key ?? -1) + 1))
  }
  return joined([...parts, record.payload])
}

function skipBytes(record: SkipTree): Uint8Array {
  const body = [unsigned(record.channel, 1), cut(record.id, 3)]
  return record.group === undefined
    ? joined([head(3, 1), ...body])
    : joined([head(3, 2), ...body, cut(record.group, 2)])
}

/** An unknown channel is written as an unreliable one, so that tests can name it. */
function kindOf(channel: number, context: WireContext): WireContext['kinds'][number] {
  return context.kinds[channel] ?? 'unreliable'
}

function head(type: number, low: number): Uint8Array {
  if (low > 63) throw new RangeError(`${low} does not fit into six bits`)
  return unsigned(type * 64 + low, 1)
}

/** The low bits of a number that grows for ever. A negative one stands for a number with high bits that nobody named. */
function cut(value: number, bytes: 2 | 3): Uint8Array {
  const modulus = 256 ** bytes
  return unsigned(((value % modulus) + modulus) % modulus, bytes)
}

function needed(value: number | undefined, what: string): number {
  if (value === undefined) throw new RangeError(`a record of this channel's kind needs an ${what}`)
  return value
}

function greetingParts(first: number, tree: { version: number; clientSalt: number }): Uint8Array[] {
  return [unsigned(first, 1), unsigned(tree.version, 1), unsigned(tree.clientSalt, 4)]
}

function digestParts(tree: HelloTree): Uint8Array[] {
  return [unsigned(tree.channelDigests.length, 1), ...tree.channelDigests.map((digest) => unsigned(digest, 4))]
}
