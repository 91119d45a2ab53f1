// Where the bytes of an entry are: each module minified as an app's bundler does it.
import { join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build, defaultClientConditions, minify } from 'vite'
import { root } from '../scripts/tool.mjs'
import { table } from './pair.mjs'

/**
 * @typedef {object} Row
 * @property {string} entry
 * @property {string} module
 * @property {number} minifiedBytes
 * @property {number} gzipBytes the module's share of the whole entry, by what it takes gzipped alone
 */

const ENTRIES = { gannet: 'src/index.ts', 'gannet/browser': 'src/browser/index.ts' }

/** @param {{ quick?: boolean }} [options] */
export async function runSize({ quick = false } = {}) {
  /** @type {Row[]} */
  const rows = []
  const texts = []
  for (const [entry, path] of Object.entries(ENTRIES).slice(0, quick ? 1 : 2)) {
    const { modules, gzipBytes } = await measure(entry, path)
    rows.push(...modules)
    const body = modules.map((row) => [row.module, row.minifiedBytes, row.gzipBytes])
    texts.push(table([[entry, 'minified', 'gzipped'], ...body, ['whole', '', gzipBytes]]))
  }
  return { rows, text: texts.join('\n\n') }
}

/**
 * @param {string} entry
 * @param {string} path
 * @returns {Promise<{ modules: Row[], gzipBytes: number }>}
 */
async function measure(entry, path) {
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    root,
    resolve: { conditions: ['source', ...defaultClientConditions] },
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      rolldownOptions: {
        input: join(root, path),
        preserveEntrySignatures: 'strict',
        output: { format: 'es', minify: true },
      },
    },
  })
  const outputs = (Array.isArray(result) ? result : [result]).flatMap((one) => ('output' in one ? one.output : []))
  const chunks = outputs.flatMap((output) => (output.type === 'chunk' ? [output] : []))
  const gzipBytes = gzipSync(chunks.map(({ code }) => code).join('\n'), { level: 9 }).length
  const alone = []
  for (const [id, { code }] of chunks.flatMap((chunk) => Object.entries(chunk.modules))) {
    if (!code) continue
    // Named as used, or nothing would be left of it.
    const names = [...code.matchAll(/^(?:class|function|const|let|var) ([\w$]+)/gm)].map(
      ([, name], i) => `${name} as a${i}`,
    )
    const small = await minify(id, `${code}\nexport { ${names.join(', ')} }`, { module: true })
    alone.push({
      module: relative(root, id).replaceAll('\\', '/'),
      minifiedBytes: Buffer.byteLength(small.code),
      gzipAlone: gzipSync(small.code, { level: 9 }).length,
    })
  }
  const sum = alone.reduce((total, { gzipAlone }) => total + gzipAlone, 0)
  const modules = alone
    .map(({ module, minifiedBytes, gzipAlone }) => ({
      entry,
      module,
      minifiedBytes,
      gzipBytes: Math.round((gzipBytes * gzipAlone) / sum),
    }))
    .sort((a, b) => b.gzipBytes - a.gzipBytes)
  return { modules, gzipBytes }
}
