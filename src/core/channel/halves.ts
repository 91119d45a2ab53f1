import type { ChannelConfig } from '../config.ts'
import type { EndpointStats } from '../stats.ts'
import type { DeliverMessage, ReceiveChannel, SendChannel } from './channel.ts'
import { LatestReceiver } from './latest-receiver.ts'
import { LatestSender } from './latest-sender.ts'
import type { Outbox } from './outbox.ts'
import { ReliableReceiver } from './reliable-receiver.ts'
import { ReliableSender } from './reliable-sender.ts'
import { UnreliableReceiver } from './unreliable-receiver.ts'
import { UnreliableSender } from './unreliable-sender.ts'

/** The sending half of a channel, as its kind says. */
export function createSender(config: ChannelConfig, outbox: Outbox): SendChannel {
  if (config.kind === 'latest') return new LatestSender(config, outbox)
  return config.isReliable ? new ReliableSender(config, outbox) : new UnreliableSender(config, outbox)
}

/** The receiving half; `reassemblyMs`: how long an unreliable message may take to become whole. */
export function createReceiver(
  config: ChannelConfig,
  stats: EndpointStats,
  reassemblyMs: number,
  deliver: DeliverMessage,
): ReceiveChannel {
  if (config.kind === 'latest') return new LatestReceiver(config, stats, deliver)
  if (config.isReliable) return new ReliableReceiver(config, stats, deliver)
  return new UnreliableReceiver(config, stats, reassemblyMs, deliver)
}
