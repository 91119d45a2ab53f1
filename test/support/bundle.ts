import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, defaultClientConditions, normalizePath } from 'vite'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly bin: { readonly gannet: string }
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>
}

/** Folder of package.json. */
export const root: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

export const manifest: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Entries with code, as in `exports`: `.`, `./browser`, … */
export const entries: readonly string[] = Object.keys(manifest.exports).filter((entry) => entry !== './package.json')

/** The name an app imports: `gannet/browser` for `./browser`. */
export function specifierOf(entry: string): string {
  return manifest.name + entry.slice(1)
}

export interface Bundle {
  readonly code: string
  readonly minifiedBytes: number
  readonly gzipBytes: number
  /** What the bundle still imports: packages and Node's modules. */
  readonly externals: readonly string[]
}

export interface BundleOptions {
  readonly format?: 'es' | 'iife'
  /** Believe `sideEffects: false` in package.json, as an app's bundler does (default), or look at the code alone. */
  readonly trustManifest?: boolean
}

/** Bundles and minifies a module given as text, as an app's bundler would, from the sources. Nothing is written. */
export async function bundle(
  source: string,
  { format = 'es', trustManifest = true }: BundleOptions = {},
): Promise<Bundle> {
  // A file beside package.json that does not exist: from there the package finds itself by its name.
  const entry = normalizePath(join(root, 'bundle-entry.js'))
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    root,
    resolve: { conditions: ['source', ...defaultClientConditions] },
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      reportCompressedSize: false,
      rolldownOptions: {
        input: entry,
        preserveEntrySignatures: 'strict',
        external: (id) => id.startsWith('node:') || id === 'node-datachannel',
        output: { format, name: 'bundle', minify: true },
      },
    },
    plugins: [
      {
        name: 'entry',
        enforce: 'pre',
        async resolveId(id, importer) {
          if (id === entry) return entry
          if (trustManifest) return undefined
          const found = await this.resolve(id, importer, { skipSelf: true })
          return found && { ...found, moduleSideEffects: true }
        },
        load: (id) => (id === entry ? source : undefined),
      },
    ],
  })
  const outputs = (Array.isArray(result) ? result : [result]).flatMap((one) => ('output' in one ? one.output : []))
  const chunks = outputs.filter((output) => output.type === 'chunk')
  const names = new Set(chunks.map((chunk) => chunk.fileName))
  const code = chunks.map((chunk) => chunk.code).join('\n')
  return {
    code,
    minifiedBytes: Buffer.byteLength(code),
    gzipBytes: gzipSync(code, { level: 9 }).length,
    externals: chunks
      .flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports])
      .filter((imported) => !names.has(imported)),
  }
}
