import type { ChannelCodec, ChannelKind, ChannelOptions } from '../index.ts'

/** Options of a channel whose kind and codec are given apart. */
export type TypedChannelOptions = Omit<ChannelOptions, 'kind' | 'codec'>

/** A channel that carries values of `T` instead of bytes. */
export type TypedChannel<Kind extends ChannelKind, T> = TypedChannelOptions & {
  readonly kind: Kind
  readonly codec: ChannelCodec<T>
}

/** A message is something: not `undefined`, which is what a decoder says of bytes that are none. */
type Something = NonNullable<unknown> | null

/** Sent once, delivered in arrival order, may be lost. */
export function unreliable<T extends Something>(
  codec: ChannelCodec<T>,
  options?: TypedChannelOptions,
): TypedChannel<'unreliable', T> {
  return { ...options, kind: 'unreliable', codec }
}

/** Sent once, newest wins (of its key). */
export function sequenced<T extends Something>(
  codec: ChannelCodec<T>,
  options?: TypedChannelOptions,
): TypedChannel<'sequenced', T> {
  return { ...options, kind: 'sequenced', codec }
}

/** Delivered exactly once, in any order. */
export function reliable<T extends Something>(
  codec: ChannelCodec<T>,
  options?: TypedChannelOptions,
): TypedChannel<'reliable', T> {
  return { ...options, kind: 'reliable', codec }
}

/** Delivered exactly once, in the order sent. */
export function ordered<T extends Something>(
  codec: ChannelCodec<T>,
  options?: TypedChannelOptions,
): TypedChannel<'ordered', T> {
  return { ...options, kind: 'ordered', codec }
}

/** Only the newest (of each key) is sure to arrive. */
export function latest<T extends Something>(
  codec: ChannelCodec<T>,
  options?: TypedChannelOptions,
): TypedChannel<'latest', T> {
  return { ...options, kind: 'latest', codec }
}
