import type { Bytes } from '../core/bytes.ts'
import { type MessageId, NetcodeError, type Verdict } from '../index.ts'
import { BitWriter } from './bit-writer.ts'
import type { EntityState, View } from './entity-layout.ts'
import { RICE_BITS, riceParameter, writeRice } from './rice.ts'
import { type Change, DeltaCoder, isSame } from './snapshot-delta.ts'
import { INDEX_BITS, KEPT_SNAPSHOTS, writeVarint } from './snapshot-format.ts'
import type { FrameEntity, SnapshotFrame } from './snapshot-frame.ts'

export interface SnapshotOptions<T> {
  /** Most bytes; what does not fit waits for a later snapshot, and gathers priority. Default: no limit. At least 64. */
  readonly maxBytes?: number
  /** Whether this peer shall know of an entity; one that it shall not is gone for it. Default: all. */
  readonly relevant?: (id: number, value: T) => boolean
  /** What an entity that has changed gathers with each snapshot that it is not in, above 0. Default 1. Counts with `maxBytes` only. */
  readonly priority?: (id: number, value: T) => number
}

/** Least budget, bytes: room for the head of a snapshot of any schema, and for something. */
const LEAST_BYTES = 64
/** Bits of a gap between two places, for the budget. */
const GAP_BITS = 6

/**
 * The sender's half of delta compression, one for each peer. It keeps what each snapshot told the peer, and makes the next one of the
 * differences from the newest that the peer has acknowledged: so a lost snapshot costs nothing but itself, and no message is
 * needed beside the verdicts that Gannet gives anyway (Fiedler, "Snapshot Compression", 2015; Quake 3's network model).
 *
 *     snapshot   1 ──── 2 ──── 3 ──── 4 ──── 5         2 is lost; 1 and 3 are acknowledged
 *     made of    all    Δ1     Δ1     Δ1     Δ3        by the time that 4 and 5 are made
 *
 * Differences are from where an entity would be if it went on as before, where that is nearer, in Golomb-Rice codes.
 *
 * The channel is `unreliable`. After `send`, call `sent` with the message's number, and `settle` with each of its verdicts.
 */
export class SnapshotWriter<T> {
  readonly #bits = new BitWriter()
  /** Snapshots whose fate is open, by message. */
  readonly #open = new Map<MessageId, View<T>>()
  readonly #weights = new Map<number, number>()
  #coder: DeltaCoder<T> | undefined
  #baseline: View<T> | undefined
  #pending: View<T> | undefined
  #number = 0
  #lastTick = -1

  /** Tick of the newest snapshot that the peer has, `undefined` when the next one will be whole. */
  get baselineTick(): number | undefined {
    return this.#usableBaseline()?.tick
  }

  /** Forgets what the peer knows: the next snapshot is whole. For a peer whose reader says that it is lost. */
  reset(): void {
    this.#baseline = undefined
    this.#pending = undefined
    this.#open.clear()
    this.#weights.clear()
  }

  /** The message of the snapshot that was written last. */
  sent(id: MessageId): void {
    if (this.#pending === undefined)
      throw new NetcodeError('bad-call', 'sent: no snapshot was written since the last one')
    if (id >= 0) this.#open.set(id, this.#pending)
    this.#pending = undefined
    // Verdicts come within the ack window; a channel without them must not make us keep all.
    for (const old of this.#open.keys()) {
      if (this.#open.size <= KEPT_SNAPSHOTS) break
      this.#open.delete(old)
    }
  }

  /** A verdict of the channel. Messages that are no snapshots of ours are ignored. */
  settle(id: MessageId, verdict: Verdict): void {
    const view = this.#open.get(id)
    if (view === undefined) return
    this.#open.delete(id)
    if (verdict !== 'acked' || view.number <= (this.#baseline?.number ?? -1)) return
    this.#baseline = view
    for (const [other, { number }] of this.#open) if (number < view.number) this.#open.delete(other)
  }

  /** The frame as this peer is to see it, as bytes to be sent. Ticks must grow. Throws `bad-call`. */
  write(frame: SnapshotFrame<T>, options: SnapshotOptions<T> = {}): Bytes {
    const { maxBytes = Number.POSITIVE_INFINITY } = options
    if (frame.tick <= this.#lastTick) {
      throw new NetcodeError('bad-call', `write: tick ${frame.tick}, expected more than ${this.#lastTick}`)
    }
    if (!(maxBytes >= LEAST_BYTES)) {
      throw new NetcodeError('bad-call', `write: maxBytes ${maxBytes}, expected at least ${LEAST_BYTES}`)
    }
    this.#lastTick = frame.tick
    this.#coder ??= new DeltaCoder(frame.layout)
    const baseline = this.#usableBaseline()
    const { removed, changes } = this.#compare(frame, baseline, options)
    this.#coder.tune(changes, frame.tick)
    let chosen = this.#choose(changes, removed.length, maxBytes, options.priority)
    let gone = removed
    const encode = (): Bytes => {
      const isComplete = chosen.length === changes.length && gone.length === removed.length
      return this.#encode(frame, baseline, gone, chosen, isComplete)
    }
    let bytes = encode()
    // The estimate leaves out little; what is over goes, least important first.
    while (bytes.length > maxBytes && chosen.length + gone.length > 0) {
      if (chosen.length > 0) chosen = chosen.slice(0, Math.floor(chosen.length * 0.9))
      else gone = gone.slice(0, Math.floor(gone.length * 0.9))
      bytes = encode()
    }
    for (const { now } of chosen) this.#weights.delete(now.id)
    this.#pending = { tick: frame.tick, number: this.#number++, entities: told(frame, baseline, gone, chosen) }
    return bytes
  }

  /** The newest snapshot that the peer has, if its reader is sure to have it still. */
  #usableBaseline(): View<T> | undefined {
    const baseline = this.#baseline
    return baseline === undefined || this.#number - baseline.number >= KEPT_SNAPSHOTS ? undefined : baseline
  }

  /** Walks both lists, which are in the order of ids. */
  #compare(
    frame: SnapshotFrame<T>,
    baseline: View<T> | undefined,
    { relevant }: SnapshotOptions<T>,
  ): { removed: number[]; changes: Change<T>[] } {
    const known = baseline?.entities ?? []
    const removed: number[] = []
    const changes: Change<T>[] = []
    let index = 0
    for (const now of frame.entities) {
      if (relevant !== undefined && !relevant(now.id, now.value)) continue
      while (index < known.length && known[index]!.id < now.id) removed.push(index++)
      const isKnown = index < known.length && known[index]!.id === now.id
      const state = isKnown ? known[index]! : undefined
      if (state === undefined || !isSame(state, now)) {
        changes.push({
          index: isKnown ? index : -1,
          known: state,
          now,
          residuals: now.codes.slice(),
          bits: 0,
          weight: 0,
        })
      } else {
        this.#weights.delete(now.id)
      }
      if (isKnown) index++
    }
    while (index < known.length) removed.push(index++)
    return { removed, changes }
  }

  /** The changes that fit, the most important first. */
  #choose(
    changes: Change<T>[],
    removals: number,
    maxBytes: number,
    priority: SnapshotOptions<T>['priority'],
  ): Change<T>[] {
    if (maxBytes === Number.POSITIVE_INFINITY) return changes
    for (const change of changes) {
      const { id, value } = change.now
      change.weight = (this.#weights.get(id) ?? 0) + Math.max(0, priority?.(id, value) ?? 1)
      this.#weights.set(id, change.weight)
    }
    const sorted = [...changes].sort((a, b) => b.weight - a.weight || a.now.id - b.now.id)
    let leftBits = (maxBytes - LEAST_BYTES / 2) * 8 - removals * GAP_BITS
    return sorted.filter(({ bits, known }) => {
      const cost = bits + (known === undefined ? 16 : GAP_BITS)
      if (cost > leftBits) return false
      leftBits -= cost
      return true
    })
  }

  #encode(
    frame: SnapshotFrame<T>,
    baseline: View<T> | undefined,
    removed: readonly number[],
    chosen: readonly Change<T>[],
    isComplete: boolean,
  ): Bytes {
    const bits = this.#bits
    const coder = this.#coder!
    bits.reset()
    writeVarint(bits, frame.tick)
    bits.bit(isComplete)
    bits.bit(baseline !== undefined)
    const inOrder = [...chosen].sort((a, b) => a.now.id - b.now.id)
    if (baseline !== undefined) {
      writeVarint(bits, frame.tick - baseline.tick)
      writePlaces(bits, removed)
      const updated = inOrder.filter(({ known }) => known !== undefined)
      writePlaces(
        bits,
        updated.map(({ index }) => index),
      )
      if (updated.length > 0) coder.writeChoices(bits)
      for (const change of updated) coder.write(bits, change)
    }
    const created = inOrder.filter(({ known }) => known === undefined)
    writeVarint(bits, created.length)
    let previous = -1
    for (const change of created) {
      writeVarint(bits, change.now.id - previous - 1)
      previous = change.now.id
      coder.write(bits, change)
    }
    return bits.finish()
  }
}

/** Places in a list, growing: their number, and the gaps in Rice codes. */
function writePlaces(bits: BitWriter, places: readonly number[]): void {
  writeVarint(bits, places.length)
  if (places.length === 0) return
  const k = riceParameter((places[places.length - 1]! + 1) / places.length - 1)
  bits.bits(k, RICE_BITS)
  let previous = -1
  for (const place of places) {
    writeRice(bits, place - previous - 1, k, INDEX_BITS)
    previous = place
  }
}

/** What the peer knows once it has this snapshot. */
function told<T>(
  frame: SnapshotFrame<T>,
  baseline: View<T> | undefined,
  removed: readonly number[],
  chosen: readonly Change<T>[],
): EntityState<T>[] {
  const gone = new Set(removed)
  const entities = new Map<number, EntityState<T>>()
  baseline?.entities.forEach((entity, index) => {
    if (!gone.has(index)) entities.set(entity.id, entity)
  })
  for (const { known, now } of chosen) entities.set(now.id, stateOf(known, now, frame.tick))
  return [...entities.values()].sort((a, b) => a.id - b.id)
}

function stateOf<T>(known: EntityState<T> | undefined, now: FrameEntity<T>, at: number): EntityState<T> {
  const { id, value, codes, extras, keys } = now
  return { id, at, value, codes, extras, keys, olderCodes: known?.codes, olderAt: known?.at ?? at }
}
