import type { ChannelConfig } from './config.ts'
import { NetcodeError } from './errors.ts'

/** The channels by the names that the game calls them. */
export class ChannelNames {
  readonly #channels: readonly ChannelConfig[]
  readonly #byName: ReadonlyMap<string, ChannelConfig>
  /** The one named last: most messages are followed by another of their channel. */
  #last: ChannelConfig

  constructor(channels: readonly ChannelConfig[]) {
    this.#channels = channels
    this.#byName = new Map(channels.map((channel) => [channel.name, channel]))
    this.#last = channels[0]!
  }

  /** Throws `unknown-channel`. */
  find(name: string): ChannelConfig {
    if (this.#last.name === name) return this.#last
    const found = this.#byName.get(name)
    if (found === undefined) {
      const names = this.#channels.map((channel) => channel.name).join(', ')
      throw new NetcodeError('unknown-channel', `channel ${JSON.stringify(name)}, expected one of ${names}`)
    }
    this.#last = found
    return found
  }
}
