import { type ChannelTable, Endpoint, type EndpointOptions } from '../index.ts'
import type { Host } from './host.ts'
import type { Transport } from './transport.ts'

/** Options of the endpoint that the game may set, but that every game can do without. */
export type EndpointTuning = Omit<
  EndpointOptions,
  'role' | 'now' | 'random' | 'channels' | 'protocol' | 'autoAccept' | 'pooled'
>

/** What the game says about its protocol. */
export interface ProtocolOptions<C extends ChannelTable> {
  readonly channels: C
  readonly protocol?: string
  readonly endpoint?: EndpointTuning
}

/** An endpoint on the host's clock and chance, with packets that `transport` carries in one datagram. */
export function createEndpoint<C extends ChannelTable>(
  role: 'client' | 'server',
  { channels, protocol = '', endpoint = {} }: ProtocolOptions<C>,
  transport: Pick<Transport, 'maxPacketBytes'>,
  host: Host,
): Endpoint<C> {
  return new Endpoint<C>({
    ...endpoint,
    role,
    channels,
    protocol,
    now: host.now(),
    random: () => host.random(),
    maxPacketBytes: Math.min(endpoint.maxPacketBytes ?? transport.maxPacketBytes, transport.maxPacketBytes),
  })
}
