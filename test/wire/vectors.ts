import { readFileSync } from 'node:fs'
import type { ChannelKind } from '../../src/core/events.ts'
import { fromHex, type Malformation, type PacketTree, type References, type WireContext } from './oracle.ts'

/** One packet of `vectors.json`: what its bytes mean, or why they mean nothing. */
export interface Vector {
  readonly name: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly context: WireContext
  readonly tree?: PacketTree
  readonly malformed?: { readonly reason: Malformation; readonly offset: number }
}

/** Parity fragment count + `index` of `data` has the payload `payload`. */
export interface ParityVector {
  readonly data: readonly Uint8Array[]
  readonly index: number
  readonly payload: Uint8Array
}

/** All of `vectors.json`, hex and ranges unfolded. */
export interface Vectors {
  readonly packets: readonly Vector[]
  readonly varints: readonly (readonly [value: number, bytes: Uint8Array])[]
  readonly digests: readonly (readonly [text: string, digest: number])[]
  readonly parity: readonly ParityVector[]
}

interface WrittenVector {
  readonly name: string
  readonly hex: string
  readonly kinds?: readonly ChannelKind[]
  readonly references?: References
  readonly tree?: PacketTree
  readonly malformed?: { readonly reason: Malformation; readonly offset: number }
}

interface WrittenVectors {
  readonly kinds: readonly ChannelKind[]
  readonly packets: readonly WrittenVector[]
  readonly varints: readonly [number, string][]
  readonly digests: readonly [string, string][]
  readonly parity: readonly { readonly data: readonly string[]; readonly index: number; readonly payload: Uint8Array }[]
}

export function readVectors(): Vectors {
  const text = readFileSync(new URL('./vectors.json', import.meta.url), 'utf8')
  const written: WrittenVectors = JSON.parse(text, unfolded)
  return {
    packets: written.packets.map(({ hex, kinds = written.kinds, references, ...rest }) => ({
      ...rest,
      bytes: fromHex(hex),
      context: references ? { kinds, references } : { kinds },
    })),
    varints: written.varints.map(([value, hex]) => [value, fromHex(hex)]),
    digests: written.digests.map(([digested, hex]) => [digested, Number.parseInt(hex, 16)]),
    parity: written.parity.map((vector) => ({ ...vector, data: vector.data.map(fromHex) })),
  }
}

/** Hex of payloads → bytes; `1-3 9` → the offsets 1, 2, 3, 9. */
function unfolded(name: string, value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (name === 'payload' || name === 'data' || name === 'rest') return fromHex(value)
  if (name !== 'offsets') return value
  return value
    .split(' ')
    .filter(Boolean)
    .flatMap((range) => {
      const [first, last = first] = range.split('-').map(Number)
      return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i)
    })
}
