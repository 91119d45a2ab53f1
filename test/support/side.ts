import type { Bytes } from '../../src/core/bytes.ts'
import type { ChannelTable, EndpointOptions } from '../../src/core/config.ts'
import { TRANSITIONS } from '../../src/core/connection/lifecycle.ts'
import type { SendOptions } from '../../src/core/door.ts'
import type {
  ChannelKind,
  CloseReason,
  ConnectionState,
  EndpointEvent,
  MessageEvent,
  ReceiveResult,
} from '../../src/core/events.ts'
import { Endpoint, type MessageOf } from '../../src/index.ts'
import type { PacketTree } from '../wire/oracle.ts'
import { ChannelModel } from './model.ts'
import { checkedPacket, kindsOf } from './packet-check.ts'
import { mixed, PayloadPlan, provenNumber, written } from './payload.ts'

export interface SideOptions<Table extends ChannelTable> extends EndpointOptions<Table> {
  readonly name: string
  /** Payloads of each channel; default 4 to 60 bytes. */
  readonly payloads?: { readonly smallBytes?: number; readonly maxBytes?: number; readonly largeShare?: number }
  /** Lost messages cannot have come, since the links neither reorder nor repeat. */
  readonly lostMeansLost?: boolean
  /** Which packets are decoded by the oracle; `packet` counts those of this side. Default: every one. */
  readonly checksPackets?: (packet: number) => boolean
}

/**
 * One endpoint under observation, in the shape that `World` and every other harness drives. Checks each packet that it
 * sends with the oracle, each message and verdict with a model, and each move of its state with the table of legal ones.
 */
export class Side<Table extends ChannelTable = ChannelTable> {
  readonly name: string
  readonly endpoint: Endpoint<Table>
  readonly kinds: readonly ChannelKind[]
  /** What this side sends: its verdicts come here, its deliveries at the peer. */
  readonly models: ReadonlyMap<string, ChannelModel>
  readonly #plans: ReadonlyMap<string, PayloadPlan>
  readonly #salts: ReadonlyMap<string, number>
  readonly #checksPackets: ((packet: number) => boolean) | undefined
  /** States in the order in which they were seen. */
  readonly states: ConnectionState[] = ['connecting']
  /** Results of `receive`, counted. */
  readonly results: Map<ReceiveResult, number> = new Map()
  /** Whether the game polls its events. */
  isReading = true
  opened = 0
  /** The game was told that the path has gone. */
  isAway = false
  /** Each `away` and `back`, in order. */
  readonly turns: ('away' | 'back')[] = []
  reason: CloseReason | undefined
  /** Packets sent, and their bytes. */
  packets = 0
  bytes = 0
  /** Told each message after it was checked; `number` is its own. */
  onMessage: ((event: MessageEvent, number: number) => void) | undefined
  onVerdict: ((channel: string, number: number, verdict: string, at: number) => void) | undefined
  onPacket: ((tree: PacketTree | undefined, packet: Bytes) => void) | undefined
  peer: Side<Table> | undefined

  constructor(options: SideOptions<Table>) {
    const { name, payloads, lostMeansLost = false, checksPackets, ...rest } = options
    this.name = name
    this.endpoint = new Endpoint<Table>(rest)
    this.kinds = kindsOf(options.channels)
    this.#checksPackets = checksPackets
    const names = Object.keys(options.channels)
    const side = options.role === 'client' ? 1 : 2
    this.#salts = new Map(names.map((channel, i) => [channel, mixed(i, side)]))
    this.#plans = new Map(names.map((channel, i) => [channel, new PayloadPlan({ ...payloads, salt: mixed(i, side) })]))
    this.models = new Map(
      names.map((channel, i) => [channel, new ChannelModel(`${name} ${channel}`, this.kinds[i]!, lostMeansLost)]),
    )
  }

  get wakeAt(): number {
    return this.endpoint.wakeAt
  }

  receive(packet: Bytes, now: number): ReceiveResult {
    const result = this.endpoint.receive(packet, now)
    this.results.set(result, (this.results.get(result) ?? 0) + 1)
    this.#watch()
    return result
  }

  update(now: number): void {
    this.endpoint.update(now)
    this.#watch()
  }

  pollPacket(): Bytes | undefined {
    const packet = this.endpoint.pollPacket()
    if (packet === undefined) return undefined
    this.packets++
    this.bytes += packet.length
    const isChecked = this.#checksPackets?.(this.packets) ?? true
    const tree = isChecked ? checkedPacket(packet, this.kinds) : undefined
    this.onPacket?.(tree, packet)
    return packet
  }

  /**
   * Sends the next message of `channel`: as long as the plan says, or `bytes` long. Returns its number, or `undefined`
   * when the channel is full or the connection is closing.
   */
  send(channel: keyof Table & string, options: SendOptions & { bytes?: number } = {}): number | undefined {
    const { bytes, ...sendOptions } = options
    const model = this.models.get(channel)!
    const number = model.sent
    const payload =
      bytes === undefined
        ? this.#plans.get(channel)!.of(number)
        : written(number, Math.max(4, bytes), this.#salts.get(channel)!)
    const id = this.endpoint.trySend(channel, payload as MessageOf<Table, typeof channel>, sendOptions)
    this.#watch()
    if (id === undefined) return undefined
    // The endpoint has copied it: what the game does with its buffer from now on is nobody's concern.
    payload.fill(0xdd)
    if (id !== number) throw new Error(`${this.name} ${channel}: message id ${id}, expected ${number}`)
    model.onSent(number, options.key ?? -1, options.ttlMs !== undefined)
    return id
  }

  /** The channels of these tests carry bytes. */
  #poll(): EndpointEvent<keyof Table & string> | undefined {
    return this.endpoint.pollEvent() as EndpointEvent<keyof Table & string> | undefined
  }

  /** Polls every event that waits and checks it. */
  read(): void {
    for (let event = this.#poll(); event !== undefined; event = this.#poll()) {
      if (this.reason !== undefined) throw new Error(`${this.name}: ${event.type} after closed`)
      switch (event.type) {
        case 'open':
          if (++this.opened > 1) throw new Error(`${this.name}: opened twice`)
          break
        case 'message': {
          if (this.opened === 0) throw new Error(`${this.name}: a message before open`)
          const number = this.peer!.provenNumber(event.channel, event.payload)
          this.peer!.models.get(event.channel)!.onDelivered(number, event.key)
          this.onMessage?.(event, number)
          break
        }
        case 'verdict':
          this.models.get(event.channel)!.onVerdict(event.id, event.verdict)
          this.onVerdict?.(event.channel, event.id, event.verdict, event.at)
          break
        case 'away':
        case 'back':
          if (this.isAway === (event.type === 'away')) throw new Error(`${this.name}: ${event.type} twice`)
          this.isAway = !this.isAway
          this.turns.push(event.type)
          break
        case 'closed':
          this.reason = event.reason
          break
        default:
          throw new Error(`unknown event ${JSON.stringify(event satisfies never)}`)
      }
    }
  }

  /** The number of a payload that this side sent. */
  provenNumber(channel: string, payload: Uint8Array): number {
    return provenNumber(payload, this.#salts.get(channel)!)
  }

  /** All channels came to rest and kept their promises; the counters agree with what was seen. */
  finish(hasEnded = false): void {
    const total = { sent: 0, acked: 0, lost: 0, expired: 0, replaced: 0, closed: 0 }
    for (const model of this.models.values()) {
      model.finish(hasEnded)
      total.sent += model.sent
      for (const verdict of ['acked', 'lost', 'expired', 'replaced', 'closed'] as const) {
        total[verdict] += model.verdicts[verdict]
      }
    }
    const { stats } = this.endpoint
    const counted = {
      sent: stats.messagesSent,
      acked: stats.messagesAcked,
      lost: stats.messagesLost,
      expired: stats.messagesExpired,
      replaced: stats.messagesReplaced,
      closed: total.closed,
    }
    if (JSON.stringify(counted) !== JSON.stringify(total)) {
      throw new Error(`${this.name}: stats say ${JSON.stringify(counted)}, the events ${JSON.stringify(total)}`)
    }
    if (stats.queuedMessages !== 0 || stats.queuedBytes !== 0) {
      throw new Error(`${this.name}: ${stats.queuedMessages} messages, ${stats.queuedBytes} bytes are still queued`)
    }
  }

  #watch(): void {
    const before = this.states.at(-1)!
    const { state } = this.endpoint
    if (state === before) return
    if (!TRANSITIONS[before].includes(state)) throw new Error(`${this.name}: moved from ${before} to ${state}`)
    this.states.push(state)
  }
}
