import { isIPv6 } from 'node:net'

/** Addresses that are remembered; beyond it the one that was silent longest is forgotten, and starts afresh. About 1 MB. */
const MAX_ADDRESSES = 10_000

/** How many offers one address may make. */
export interface RateLimitOptions {
  /** Offers that may come at once: a school class behind one router. Default 60. */
  readonly burst?: number
  /** Offers a second after that. Default 5. */
  readonly perSecond?: number
}

interface Bucket {
  tokens: number
  filledAt: number
}

/** A token bucket for each client address, and for each /64 of IPv6, of which one customer has billions of addresses. */
export class RateLimit {
  readonly #burst: number
  readonly #perSecond: number
  /** Least recently seen first. */
  readonly #buckets = new Map<string, Bucket>()

  constructor({ burst = 60, perSecond = 5 }: RateLimitOptions) {
    this.#burst = burst
    this.#perSecond = perSecond
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#buckets.size
  }

  /** Takes one offer of `address` at the instant `now`; 0 if it may go on, else ms until it may. */
  take(address: string, now: number): number {
    const name = networkOf(address)
    const bucket = this.#buckets.get(name) ?? { tokens: this.#burst, filledAt: now }
    this.#buckets.delete(name)
    this.#buckets.set(name, bucket)
    if (this.#buckets.size > MAX_ADDRESSES) this.#buckets.delete(this.#buckets.keys().next().value!)
    bucket.tokens = Math.min(this.#burst, bucket.tokens + ((now - bucket.filledAt) / 1000) * this.#perSecond)
    bucket.filledAt = now
    if (bucket.tokens < 1) return ((1 - bucket.tokens) / this.#perSecond) * 1000
    bucket.tokens--
    return 0
  }
}

/** What counts as one client: an IPv4 address, or the first 64 bits of an IPv6 one. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  if (!isIPv6(address)) return address
  const [head = '', tail = ''] = address.toLowerCase().split('%', 1)[0]!.split('::')
  const before = partsOf(head)
  const after = partsOf(tail)
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`
}

function partsOf(text: string): string[] {
  return text === '' ? [] : text.split(':').map((part) => part.replace(/^0+(?=.)/, ''))
}
