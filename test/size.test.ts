import { describe, expect, test } from 'vitest'
import { type Bundle, bundle, entries, specifierOf } from './support/bundle.ts'

/**
 * What an app may pay for an entry, bytes, minified and gzipped, with all that it imports. The core and the page's entry are to
 * come down to 12 and 16 kB; until then these hold them where they are.
 */
const BUDGETS: Readonly<Record<string, number>> = {
  '.': 32_800,
  './browser': 40_900,
  './codec': 9_050,
  './doctor': 40_300,
  './play': 2_100,
  './signal': 4_700,
  './sim': 10_200,
  './devtools': 9_300,
}

/** Entries that only Node loads. */
const NODE_ONLY = new Set(['./node', './sim/relay'])

/** What a game pays for a channel of text, bytes, minified and gzipped: one schema and its channel, not the others. */
const ONE_SCHEMA_BYTES = 1_800

/** An error class with its codes: the least that an app can import, bytes, minified. */
const SMALLEST_IMPORT_BYTES = 500

const wholes = new Map<string, Promise<Bundle>>()

/** Everything that an entry exports, bundled once. */
function wholeOf(entry: string): Promise<Bundle> {
  const whole = wholes.get(entry) ?? bundle(`export * from '${specifierOf(entry)}'`)
  wholes.set(entry, whole)
  return whole
}

describe('sizes', () => {
  test.each(entries)('%s bundles, and without anything of Node unless it is for Node', async (entry) => {
    const { externals, minifiedBytes } = await wholeOf(entry)
    expect(minifiedBytes).toBeGreaterThan(0)
    if (!NODE_ONLY.has(entry)) expect(externals).toEqual([])
  })

  test.each(Object.entries(BUDGETS))('%s costs at most %i bytes (minified, gzipped)', async (entry, budget) => {
    expect((await wholeOf(entry)).gzipBytes).toBeLessThanOrEqual(budget)
  })

  test('as a table', async () => {
    const row = (...cells: readonly (string | number)[]): string =>
      cells.map((cell, column) => (column === 0 ? `${cell}`.padEnd(18) : `${cell}`.padStart(9))).join('')
    const rows = [row('entry', 'minified', 'gzipped', 'budget')]
    for (const entry of entries) {
      const { minifiedBytes, gzipBytes } = await wholeOf(entry)
      rows.push(row(specifierOf(entry), minifiedBytes, gzipBytes, BUDGETS[entry] ?? ''))
    }
    console.log(rows.join('\n'))
  })
})

describe('tree shaking', () => {
  test.each(entries)('%s leaves nothing behind when nothing of it is used', async (entry) => {
    // Without the manifest's promise: no module does anything when it is loaded.
    const { code } = await bundle(`import '${specifierOf(entry)}'`, { trustManifest: false })
    expect(code.replaceAll(/import\s*["'][^"']+["'];?/g, '').trim()).toBe('')
  })

  test('one import does not pull in the rest', async () => {
    const { code, minifiedBytes } = await bundle(`export { NetcodeError } from 'gannet'`)
    expect(code).toContain('NetcodeError')
    expect(minifiedBytes).toBeLessThanOrEqual(SMALLEST_IMPORT_BYTES)
  })

  test('one schema does not pull in the others', async () => {
    const { code, gzipBytes } = await bundle(`export { ordered, string } from 'gannet/codec'`)
    expect(code).toContain('UTF-16')
    for (const other of ['quaternion', 'quantized', 'union', 'varint']) expect(code).not.toContain(other)
    expect(gzipBytes).toBeLessThanOrEqual(ONE_SCHEMA_BYTES)
  })
})
