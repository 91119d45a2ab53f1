import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Bytes } from '../../src/core/bytes.ts'
import { fromHex, toHex } from '../wire/oracle.ts'

const FOLDER = new URL('./corpus/', import.meta.url)

/** Packets that once broke something, and what. `client` and `server` receive them in this order, once they are open. */
export interface CorpusEntry {
  readonly name: string
  readonly why: string
  readonly role: 'client' | 'server'
  readonly packets: readonly Bytes[]
}

export function readCorpus(): CorpusEntry[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const { why, role, packets } = JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as {
        why: string
        role: 'client' | 'server'
        packets: string[]
      }
      return { name, why, role, packets: packets.map(fromHex) }
    })
}

/** Keeps the packets of a failure; returns the file's path. */
export function writeCorpus(entry: CorpusEntry): string {
  mkdirSync(FOLDER, { recursive: true })
  const url = new URL(entry.name, FOLDER)
  const { why, role } = entry
  writeFileSync(url, `${JSON.stringify({ why, role, packets: entry.packets.map(toHex) }, undefined, 2)}\n`)
  return fileURLToPath(url)
}
