import { MAX_GROUPS, offsetsOf } from './oracle-ack.ts'
import { Cursor, horizonOf, nearest, OracleError } from './oracle-primitives.ts'
import { readRepair } from './oracle-repair.ts'
import {
  type AckTree,
  CLOSE_KINDS,
  type CloseTree,
  type DataTree,
  type ForeignTree,
  type FragmentTree,
  type HelloTree,
  hasIds,
  hasKeys,
  hasParity,
  hasSkips,
  type MessageTree,
  type PacketTree,
  type Particulars,
  type RecordTree,
  type SkipTree,
  type WelcomeTree,
  type WireContext,
} from './oracle-tree.ts'

/** The only wire version this decoder speaks. */
export const WIRE_VERSION = 1

const MAX_KEY = 2 ** 31 - 1
const MAX_CLOSE_DATA_BYTES = 1_024

/** Reads one packet to its last byte, or throws `OracleError`. */
export function decodePacket(bytes: Uint8Array, context: WireContext): PacketTree {
  if (bytes.length === 0) throw new OracleError('empty', 0, 'a packet has at least one byte')
  const cursor = new Cursor(bytes)
  const first = cursor.unsigned(1, 'form')
  switch (first >> 6) {
    case 0:
      return decodeData(cursor, first & 63, context)
    case 1:
      return decodeHello(cursor, first & 63)
    case 2:
      return decodeWelcome(cursor, first & 63)
    default:
      return decodeClose(cursor, first & 63)
  }
}

function decodeData(cursor: Cursor, flags: number, context: WireContext): DataTree {
  if ((flags & 2) !== 0) throw new OracleError('reserved-bits', 0, `flags ${flags}`)
  const ackForm = flags >> 4
  const hasDelay = (flags & 8) !== 0
  if (ackForm === 3) throw new OracleError('ack-form', 0, 'form 3')
  if (hasDelay && ackForm === 0) throw new OracleError('ack-delay-without-ack', 0, 'D without A')
  const hasHorizon = (flags & 4) !== 0
  if (hasHorizon && ackForm === 0) throw new OracleError('horizon-without-ack', 0, 'H without A')
  const sequence = restored(cursor, 2, 'sequence', context.references?.sequence)
  const timestamp = cursor.unsigned(2, 'timestamp')
  const ack = decodeAck(cursor, ackForm, context)
  const ackDelayMs = hasDelay ? { ackDelayMs: delayMsOf(cursor.unsigned(1, 'ack delay')) } : {}
  const horizonMs = hasHorizon ? { horizonMs: decodeHorizon(cursor) } : {}
  const rest = { ...ackDelayMs, ...horizonMs, records: decodeRecords(cursor, context) }
  return { form: 'data', flags, sequence, timestamp, ack, ...rest }
}

function decodeHorizon(cursor: Cursor): number {
  const at = cursor.offset
  const code = cursor.unsigned(1, 'loss horizon')
  if (code === 0) throw new OracleError('horizon-zero', at, 'code 0')
  return horizonOf(code)
}

function decodeAck(cursor: Cursor, form: number, context: WireContext): AckTree {
  if (form === 0) return { form: 'none' }
  const start = cursor.offset
  const newestSent = context.references?.ack
  const ack = restored(cursor, 2, 'ack', newestSent)
  if (newestSent !== undefined && ack > newestSent) {
    throw new OracleError('ack-never-sent', start, `ack ${ack}, newest sent ${newestSent}`)
  }
  if (form === 1) return { form: 'all', ack, offsets: Array.from({ length: 32 }, (_, i) => i + 1) }
  const countAt = cursor.offset
  const count = cursor.unsigned(1, 'number of group bytes')
  if (count > MAX_GROUPS) throw new OracleError('group-bytes-too-many', countAt, `${count}, at most ${MAX_GROUPS}`)
  const groupsAt = cursor.offset
  return { form: 'groups', ack, offsets: offsetsOf(cursor.take(count, 'groups'), groupsAt) }
}

function delayMsOf(code: number): number | 'unknown' {
  if (code === 255) return 'unknown'
  return code <= 192 ? code * 0.25 : 48 + (code - 192)
}

function decodeRecords(cursor: Cursor, context: WireContext): RecordTree[] {
  const records: RecordTree[] = []
  /** Channel → id of its last type 0 or 1 record in this packet. */
  const previousIds = new Map<number, number>()
  while (cursor.remaining > 0) {
    const start = cursor.offset
    const head = cursor.unsigned(1, 'head')
    const low = head & 63
    switch (head >> 6) {
      case 0:
        records.push(decodeMessage(cursor, channelAt(low, start, context), false, previousIds, context))
        break
      case 1:
        records.push(decodeMessage(cursor, channelAt(low, start, context), true, previousIds, context))
        break
      case 2:
        records.push(decodeFragment(cursor, channelAt(low, start, context), context))
        break
      default:
        records.push(decodeControl(cursor, low, start, context))
    }
  }
  return records
}

function decodeMessage(
  cursor: Cursor,
  channel: number,
  isKeyed: boolean,
  previousIds: Map<number, number>,
  context: WireContext,
): MessageTree {
  const kind = context.kinds[channel]!
  const headAt = cursor.offset - 1
  if (isKeyed && !hasKeys(kind)) throw new OracleError('key-on-keyless-kind', headAt, `channel ${channel} is ${kind}`)
  const keyAt = cursor.offset
  const key = isKeyed ? cursor.varint('key') : -1
  if (key > MAX_KEY) throw new OracleError('key-too-large', keyAt, `${key}, at most ${MAX_KEY}`)
  const id = hasIds(kind) ? { id: decodeId(cursor, channel, previousIds, context) } : {}
  const payload = cursor.take(cursor.varint('length'), 'payload')
  return { type: 'message', channel, ...(isKeyed ? { key } : {}), ...id, payload }
}

function decodeId(cursor: Cursor, channel: number, previousIds: Map<number, number>, context: WireContext): number {
  const previous = previousIds.get(channel)
  const reference = context.references?.ids?.[channel]
  const start = cursor.offset
  let id: number
  if (previous === undefined) {
    id = restored(cursor, 3, 'message id', reference)
  } else {
    const step = cursor.zigzag('id step')
    if (step === -1) throw new OracleError('id-repeated', start, `id ${previous} again`)
    id = previous + 1 + step
    if (reference !== undefined && id < 0) throw new OracleError('below-zero', start, `message id ${id}`)
  }
  previousIds.set(channel, id)
  return id
}

function decodeFragment(cursor: Cursor, channel: number, context: WireContext): FragmentTree {
  const kind = context.kinds[channel]!
  const group = restored(cursor, 2, 'group', context.references?.groups?.[channel])
  const indexAt = cursor.offset
  const indexAndFlag = cursor.varint('index')
  const index = Math.floor(indexAndFlag / 2)
  const hasParticulars = indexAndFlag % 2 === 1
  if (index === 0 && !hasParticulars) throw new OracleError('fragment-particulars', indexAt, 'fragment 0 has none')
  if (!hasParticulars) return { type: 'fragment', channel, group, index, payload: fragmentPayload(cursor) }

  const countAt = cursor.offset
  const count = cursor.varint('count')
  if (count < 2) throw new OracleError('fragment-count', countAt, `${count}, at least 2`)
  const parityAt = cursor.offset
  const parity = cursor.varint('parity')
  if (index > 0 && index < count)
    throw new OracleError('fragment-particulars', indexAt, `data fragment ${index} has some`)
  const isRepair = !hasParity(kind) && index > 0
  if (isRepair) {
    if (parity < 1 || parity > 4) throw new OracleError('repair-runs', parityAt, `${parity} runs, 1 to 4`)
    if (index - count > 65_535) throw new OracleError('repair-seed', indexAt, `seed ${index - count}, at most 65535`)
  } else {
    if (parity > 0 && !hasParity(kind))
      throw new OracleError('fragment-parity', parityAt, `channel ${channel} is ${kind}`)
    if (parity > 0 && count + parity > 255)
      throw new OracleError('fragment-parity', parityAt, `${count} + ${parity} > 255`)
    if (index >= count + parity)
      throw new OracleError('fragment-particulars', indexAt, `${index} of ${count} + ${parity}`)
  }
  const id = hasIds(kind) ? { id: restored(cursor, 3, 'message id', context.references?.ids?.[channel]) } : {}
  const keyAt = cursor.offset
  const key = hasKeys(kind) ? cursor.varint('key + 1') - 1 : -1
  if (key > MAX_KEY) throw new OracleError('key-too-large', keyAt, `${key}, at most ${MAX_KEY}`)
  const payloadAt = cursor.offset
  const payload = fragmentPayload(cursor)
  if (isRepair) readRepair(payload, count, parity, payloadAt)
  else if (index >= count) checkParityPayload(payload, payloadAt)
  const particulars: Particulars = { count, parity, ...id, ...(key >= 0 ? { key } : {}) }
  return { type: 'fragment', channel, group, index, particulars, payload }
}

function fragmentPayload(cursor: Cursor): Uint8Array {
  if (cursor.remaining === 0) throw new OracleError('fragment-empty', cursor.offset, 'at least 1 byte of payload')
  return cursor.rest()
}

/** A parity payload is the size of the last data fragment, then a combination as long as fragment 0. */
function checkParityPayload(payload: Uint8Array, at: number): void {
  if (payload.length < 3) throw new OracleError('parity-payload', at, `${payload.length} bytes, at least 3`)
  const lastSize = payload[0]! * 256 + payload[1]!
  const size = payload.length - 2
  if (lastSize < 1 || lastSize > size) {
    throw new OracleError('parity-payload', at, `last data fragment of ${lastSize} bytes, common size ${size}`)
  }
}

function decodeControl(cursor: Cursor, code: number, start: number, context: WireContext): RecordTree {
  if (code === 0) return { type: 'ping' }
  if (code > 2) throw new OracleError('control-unknown', start, `code ${code}`)
  const channelOffset = cursor.offset
  const channel = channelAt(cursor.unsigned(1, 'channel'), channelOffset, context)
  const kind = context.kinds[channel]!
  const isSkippable = hasSkips(kind) || (kind === 'latest' && code === 2)
  if (!isSkippable) throw new OracleError('skip-on-unskippable-kind', channelOffset, `channel ${channel} is ${kind}`)
  const id = restored(cursor, 3, 'message id', context.references?.ids?.[channel])
  const skip: SkipTree = { type: 'skip', channel, id }
  return code === 1 ? skip : { ...skip, group: restored(cursor, 2, 'group', context.references?.groups?.[channel]) }
}

function channelAt(channel: number, offset: number, context: WireContext): number {
  if (channel < context.kinds.length) return channel
  throw new OracleError('channel-unknown', offset, `channel ${channel} of ${context.kinds.length}`)
}

/** Reads a number cut to 2 or 3 bytes; restores it if there is a reference. */
function restored(cursor: Cursor, bytes: 2 | 3, what: string, reference: number | undefined): number {
  const start = cursor.offset
  const low = cursor.unsigned(bytes, what)
  if (reference === undefined) return low
  const value = nearest(low, bytes === 2 ? 16 : 24, reference)
  if (value < 0) throw new OracleError('below-zero', start, `${what} ${value}`)
  return value
}

function decodeHello(cursor: Cursor, low: number): HelloTree | ForeignTree {
  const greeting = decodeGreeting(cursor, low)
  if (greeting.version !== WIRE_VERSION) return { form: 'foreign', of: 'hello', ...greeting, rest: cursor.rest() }
  const protocolDigest = cursor.unsigned(4, 'protocol digest')
  const countAt = cursor.offset
  const count = cursor.unsigned(1, 'channel count')
  if (count < 1 || count > 64) throw new OracleError('channel-count', countAt, `${count}, 1 to 64`)
  const channelDigests = Array.from({ length: count }, (_, i) => cursor.unsigned(4, `digest of channel ${i}`))
  cursor.end('hello')
  return { form: 'hello', ...greeting, protocolDigest, channelDigests }
}

function decodeWelcome(cursor: Cursor, low: number): WelcomeTree | ForeignTree {
  const greeting = decodeGreeting(cursor, low)
  if (greeting.version !== WIRE_VERSION) return { form: 'foreign', of: 'welcome', ...greeting, rest: cursor.rest() }
  const serverSalt = cursor.unsigned(4, 'server salt')
  const clock = cursor.unsigned(6, 'server clock')
  cursor.end('welcome')
  return { form: 'welcome', ...greeting, serverSalt, clock }
}

/** What stands in every version. */
function decodeGreeting(cursor: Cursor, low: number): { version: number; clientSalt: number } {
  if (low !== 0) throw new OracleError('reserved-bits', 0, `low bits ${low}`)
  return { version: cursor.unsigned(1, 'wire version'), clientSalt: cursor.unsigned(4, 'client salt') }
}

function decodeClose(cursor: Cursor, kindNumber: number): CloseTree {
  const kind = CLOSE_KINDS[kindNumber]
  if (kind === undefined) throw new OracleError('close-kind', 0, `kind ${kindNumber}`)
  const clientSalt = cursor.unsigned(4, 'client salt')
  const codeAt = cursor.offset
  const code = cursor.unsigned(2, 'code')
  const dataAt = cursor.offset
  const data = cursor.rest()
  if (data.length > MAX_CLOSE_DATA_BYTES) {
    throw new OracleError('close-data-too-long', dataAt, `${data.length} bytes, at most ${MAX_CLOSE_DATA_BYTES}`)
  }
  if (kind === 'heard' && code !== 0) throw new OracleError('heard-not-empty', codeAt, `code ${code}`)
  if (kind === 'heard' && data.length > 0)
    throw new OracleError('heard-not-empty', dataAt, `${data.length} bytes of data`)
  return { form: 'close', kind, clientSalt, code, data }
}
