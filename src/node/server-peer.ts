import type { ChannelTable } from '../index.ts'
import { Peer, type PeerOptions } from '../transport/peer.ts'

/** A peer of a server, with what the game knows of its player. */
export class ServerPeer<C extends ChannelTable = ChannelTable, Data = undefined> extends Peer<C> {
  /** What `authorize` returned. The game's own: Gannet does not look at it. */
  data: Data
  /** Network address that its offer came from, as far as the server knows. */
  readonly address: string | undefined

  constructor(options: PeerOptions<C>, data: Data, address: string | undefined) {
    super(options)
    this.data = data
    this.address = address
  }
}
