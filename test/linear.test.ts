import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { type Row as Growth, runLinear } from '../bench/linear.mjs'
import { bundle } from './support/bundle.ts'

/** Halfway to quadratic. Fixed costs keep some of them below 1. */
const MOST = 1.5

const folder = mkdtempSync(join(tmpdir(), 'gannet-linear-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Exponents of a core given as text. */
async function growthOf(code: string): Promise<readonly Growth[]> {
  const file = join(folder, `core-${code.length}.mjs`)
  writeFileSync(file, code)
  return (await runLinear(pathToFileURL(file).href)).rows
}

test('the work done grows with messages, packets, losses, fragments and peers as they do', async () => {
  const { code } = await bundle(`export { Endpoint } from 'gannet'`)
  const rows = await growthOf(code)
  expect(rows.length).toBeGreaterThanOrEqual(10)
  for (const { what, exponent } of rows) expect(exponent, what).toBeLessThan(MOST)
  console.log(rows.map(({ what, exponent }) => `${exponent.toFixed(2)}  ${what}`).join('\n'))
}, 90_000)

test('a quadratic path would be seen', async () => {
  const { code } = await bundle(`
    import { Endpoint as Real } from 'gannet'
    export class Endpoint extends Real {
      #sent = []
      send(channel, payload, options) {
        this.#sent.push(payload)
        for (let i = 0; i < this.#sent.length; i++) this.look(i)
        return super.send(channel, payload, options)
      }
      look(i) {
        return this.#sent[i]
      }
    }`)
  const rows = await growthOf(code)
  const seen = rows.find(({ what }) => what === 'reliable messages in a tick')
  expect(seen?.exponent).toBeGreaterThan(MOST)
}, 90_000)
