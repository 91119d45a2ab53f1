import {
  CONTROL_PING,
  CONTROL_SKIP,
  CONTROL_SKIP_GROUP,
  MAX_KEY,
  MAX_PARITY_FRAGMENTS,
  MAX_REPAIR_RANGES,
  MAX_REPAIRS,
  RECORD_CONTROL,
  RECORD_FRAGMENT,
  RECORD_KEYED,
  RECORD_MESSAGE,
} from './layout.ts'
import type { Reader } from './reader.ts'
import { unzigzag, varintBytes, zigzag } from './varint.ts'
import type { Writer } from './writer.ts'

/** What the records of a channel carry, by its kind. */
export interface RecordShape {
  /** Messages have ids: reliable, ordered, latest. */
  readonly hasIds: boolean
  /** Messages may have keys: sequenced, latest. */
  readonly hasKeys: boolean
}

/** One record as read; one is reused for all. Ids and groups are still cut to their low bits. */
export class RecordView {
  type: typeof RECORD_MESSAGE | typeof RECORD_KEYED | typeof RECORD_FRAGMENT | typeof RECORD_CONTROL = RECORD_MESSAGE
  /** Channel index; the control code for controls. */
  channel = 0
  /** −1 for none. */
  key = -1
  /** Low 24 bits when `step` is 0, else unused. */
  idLow = 0
  /** Distance to the id of the previous record of the channel in this packet, or 0 when `idLow` holds. */
  step = 0
  group = 0
  index = 0
  hasParticulars = false
  count = 0
  parity = 0
  /** Bytes of payload; they are the reader's next. */
  length = 0
  /** Channel that a skip names. */
  target = 0
}

/**
 * Reads one record up to its payload. `shapes[channel]` must be known; an unknown channel leaves `shape` undefined and is
 * the caller's to refuse, since its length cannot be trusted. `followsSame` says for a channel whether this packet already
 * held a message record of it.
 */
export function readRecord(
  reader: Reader,
  view: RecordView,
  shapes: readonly RecordShape[],
  followsSame: (channel: number) => boolean,
): 'record' | 'unknown-channel' {
  const head = reader.u8()
  const type = (head >> 6) as RecordView['type']
  const channel = head & 0x3f
  view.type = type
  view.channel = channel
  view.length = 0
  if (type === RECORD_CONTROL) {
    readControl(reader, view)
    return 'record'
  }
  const shape = shapes[channel]
  if (shape === undefined) return 'unknown-channel'
  view.key = -1
  view.step = 0
  if (type === RECORD_FRAGMENT) {
    readFragment(reader, view, shape)
    return 'record'
  }
  if (type === RECORD_KEYED) {
    if (!shape.hasKeys) return 'unknown-channel'
    view.key = reader.varint()
    if (view.key > MAX_KEY) reader.fail()
  }
  if (shape.hasIds) {
    if (followsSame(channel)) {
      view.step = unzigzag(reader.varint()) + 1
      if (view.step === 0) reader.fail()
    } else {
      view.idLow = reader.u24()
    }
  }
  view.length = reader.varint()
  if (view.length > reader.remaining) reader.fail()
  return 'record'
}

function readControl(reader: Reader, view: RecordView): void {
  if (view.channel === CONTROL_PING) return
  if (view.channel > CONTROL_SKIP_GROUP) reader.fail()
  view.target = reader.u8()
  view.idLow = reader.u24()
  view.group = view.channel === CONTROL_SKIP_GROUP ? reader.u16() : 0
}

function readFragment(reader: Reader, view: RecordView, shape: RecordShape): void {
  view.group = reader.u16()
  const code = reader.varint()
  view.index = code >>> 1
  view.hasParticulars = (code & 1) === 1
  if (view.hasParticulars) {
    view.count = reader.varint()
    view.parity = reader.varint()
    view.idLow = shape.hasIds ? reader.u24() : 0
    if (shape.hasKeys) {
      view.key = reader.varint() - 1
      if (view.key > MAX_KEY) reader.fail()
    }
    if (view.count < 2) reader.fail()
    if (shape.hasIds) {
      // Fragment 0, or a repair: its number counts on from the last data fragment, and `parity` holds its runs.
      const seed = view.index - view.count
      const isRepair = seed >= 0 && seed < MAX_REPAIRS && view.parity >= 1 && view.parity <= MAX_REPAIR_RANGES
      if (view.index === 0 ? view.parity !== 0 : !isRepair) reader.fail()
    } else {
      if (view.parity > 0 && view.parity > MAX_PARITY_FRAGMENTS - view.count) reader.fail()
      if (view.index !== 0 && (view.index < view.count || view.index >= view.count + view.parity)) reader.fail()
    }
  } else if (view.index === 0) {
    reader.fail()
  }
  view.length = reader.remaining
  if (view.length === 0) reader.fail()
}

/** Overhead of a message record without its payload, bytes. `step` 0 stands for a full id. */
export function messageOverhead(shape: RecordShape, key: number, step: number, length: number): number {
  const idBytes = shape.hasIds ? (step === 0 ? 3 : varintBytes(zigzag(step - 1))) : 0
  return 1 + (key < 0 ? 0 : varintBytes(key)) + idBytes + varintBytes(length)
}

/** Writes a message record up to its payload. */
export function writeMessageHead(
  writer: Writer,
  shape: RecordShape,
  channel: number,
  key: number,
  id: number,
  step: number,
  length: number,
): void {
  writer.u8(((key < 0 ? RECORD_MESSAGE : RECORD_KEYED) << 6) | channel)
  if (key >= 0) writer.varint(key)
  if (shape.hasIds) {
    if (step === 0) writer.u24(id & 0xffffff)
    else writer.varint(zigzag(step - 1))
  }
  writer.varint(length)
}

/** Overhead of a fragment record without its payload, bytes. */
export function fragmentOverhead(
  shape: RecordShape,
  index: number,
  count: number,
  parity: number,
  key: number,
): number {
  const base = 3 + varintBytes(2 * index)
  if (index !== 0 && index < count) return base
  return (
    base +
    varintBytes(count) +
    varintBytes(parity) +
    (shape.hasIds ? 3 : 0) +
    (shape.hasKeys ? varintBytes(key + 1) : 0)
  )
}

/** Writes a fragment record up to its payload, which must then fill the packet. */
export function writeFragmentHead(
  writer: Writer,
  shape: RecordShape,
  channel: number,
  group: number,
  index: number,
  count: number,
  parity: number,
  id: number,
  key: number,
): void {
  const hasParticulars = index === 0 || index >= count
  writer.u8((RECORD_FRAGMENT << 6) | channel)
  writer.u16(group & 0xffff)
  writer.varint(2 * index + (hasParticulars ? 1 : 0))
  if (!hasParticulars) return
  writer.varint(count)
  writer.varint(parity)
  if (shape.hasIds) writer.u24(id & 0xffffff)
  if (shape.hasKeys) writer.varint(key + 1)
}

/** Bytes of the skip records. */
export const SKIP_BYTES = 5
export const SKIP_GROUP_BYTES = 7

/** Says that message `id` of a reliable or ordered channel will never come; `group` is −1 if it was not fragmented. */
export function writeSkip(writer: Writer, channel: number, id: number, group: number): void {
  writer.u8((RECORD_CONTROL << 6) | (group < 0 ? CONTROL_SKIP : CONTROL_SKIP_GROUP))
  writer.u8(channel)
  writer.u24(id & 0xffffff)
  if (group >= 0) writer.u16(group & 0xffff)
}

/** Asks for an ack. */
export function writePing(writer: Writer): void {
  writer.u8((RECORD_CONTROL << 6) | CONTROL_PING)
}
