import { DCSCTP, LIBDATACHANNEL, SctpPath, type SctpPipe, type SctpSide, VirtualHost } from '../../../src/sim/index.ts'

export interface StreamCell {
  readonly seed: number
  /** Of the path, ms. */
  readonly rttMs: number
  readonly loss: number
  readonly burst?: number
  /** Of every message, at least 8. */
  readonly bytes: number
  readonly hz?: number
  readonly lengthMs?: number
  readonly client?: Partial<SctpSide>
  readonly server?: Partial<SctpSide>
  /** The pipe connects at this round trip, and the path has its own from then on. */
  readonly connectRttMs?: number
  readonly isPlain?: boolean
}

/** What became of one direction: added latency, ms, and share delivered. */
export interface StreamResult {
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly delivered: number
  /** Expiries of T3 at the sender. */
  readonly timeouts: number
  readonly rtoMs: number
}

/** A naive stream over an unreliable channel, both ways at once, without anybody asking what lies below. */
export function stream(cell: StreamCell): { up: StreamResult; down: StreamResult; pipe: SctpPipe } {
  const { seed, rttMs, loss, bytes, hz = 60, lengthMs = 10_000 } = cell
  const host = new VirtualHost({ seed })
  const delayMs = rttMs / 2
  const weather = { loss, ...(cell.burst === undefined ? {} : { burst: cell.burst }) }
  const connectMs = (cell.connectRttMs ?? rttMs) / 2
  const path = new SctpPath({
    seed,
    host,
    up: { ...weather, delayMs: connectMs },
    down: { ...weather, delayMs: connectMs },
  })
  const pipe = cell.isPlain
    ? path.openPlain()
    : path.open({ options: DCSCTP, ...cell.client }, { options: LIBDATACHANNEL, ...cell.server })
  path.set({ up: { delayMs }, down: { delayMs } })
  const results = [
    { from: pipe.client, to: pipe.server, phaseMs: 0 },
    { from: pipe.server, to: pipe.client, phaseMs: 7 },
  ].map(({ from, to, phaseMs }) => {
    const added: number[] = []
    const count = Math.floor((lengthMs * hz) / 1000)
    to.onPacket = (packet) => {
      const sentAt = new DataView(packet.buffer, packet.byteOffset).getFloat64(0)
      added.push(host.now() - sentAt - delayMs)
    }
    for (let i = 0; i < count; i++) {
      host.at(phaseMs + (i * 1000) / hz, () => {
        const message = new Uint8Array(bytes)
        new DataView(message.buffer).setFloat64(0, host.now())
        from.send(message)
      })
    }
    return (): StreamResult => {
      added.sort((a, b) => a - b)
      const at = (share: number): number => added[Math.ceil(share * added.length) - 1] ?? Number.NaN
      return {
        p50: at(0.5),
        p95: at(0.95),
        p99: at(0.99),
        delivered: added.length / count,
        timeouts: from.counters?.timeouts ?? 0,
        rtoMs: from.association?.rtoMs ?? Number.NaN,
      }
    }
  })
  host.advanceTo(lengthMs + 500)
  return { up: results[0]!(), down: results[1]!(), pipe }
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}
