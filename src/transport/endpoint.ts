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

/** Sees an endpoint come about and follows it from there; a recorder of `gannet/devtools` is one. */
export interface EndpointWatcher {
  /** Takes the options of an endpoint that is about to be made, and returns those to make it with. */
  begin<C extends ChannelTable>(options: EndpointOptions<C>): EndpointOptions<C>
  /** The endpoint that was made with them, before anything else is done with it. */
  attach<C extends ChannelTable>(endpoint: Endpoint<C>): void
}

/** An endpoint on the host's clock and chance, with packets that `transport` carries in one datagram. */
export function createEndpoint<C extends ChannelTable>(
  role: 'client' | 'server',
  { channels, protocol = '', endpoint = {}, trace }: ProtocolOptions<C> & { readonly trace?: EndpointWatcher },
  transport: Pick<Transport, 'maxPacketBytes'>,
  host: Host,
): Endpoint<C> {
  const options: EndpointOptions<C> = {
    ...endpoint,
    role,
    channels,
    protocol,
    now: host.now(),
    random: () => host.random(),
    maxPacketBytes: Math.min(endpoint.maxPacketBytes ?? transport.maxPacketBytes, transport.maxPacketBytes),
  }
  if (trace === undefined) return new Endpoint<C>(options)
  const made = new Endpoint<C>(trace.begin(options))
  trace.attach(made)
  return made
}
