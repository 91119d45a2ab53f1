import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, sep } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { build, isStale } from '../scripts/build.mjs'
import { npmPath, run, runNode, toolPath } from '../scripts/tool.mjs'
import { bundle, entries, manifest, root, specifierOf } from './support/bundle.ts'

/** What a user gets: the compiled modules, the sources that their maps point to, and the papers. */
const PACKED = /^(dist\/.+\.(js|d\.ts)(\.map)?|src\/.+\.(ts|md)|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/

/** Entries that need Node. */
const NODE_ONLY = new Set(['./node', './sim/relay'])

/** Entries whose types name elements and connections of a page. */
const PAGE_TYPES = new Set(['./browser', './devtools', './doctor'])

/** A folder of an app's with the package in its node_modules, as npm would put it there. */
const app = realpathSync(mkdtempSync(join(tmpdir(), 'gannet-app-')))
const installed = join(app, 'node_modules', manifest.name)
let packed: string[] = []

beforeAll(async () => {
  if (isStale()) await build({ quiet: true })
  const pack = await runNode(npmPath(), ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'], {
    quiet: true,
  })
  const [result] = JSON.parse(pack.stdout) as [{ files: { path: string }[] }]
  packed = result.files.map(({ path }) => path).sort()
  for (const path of packed) {
    mkdirSync(dirname(join(installed, path)), { recursive: true })
    cpSync(join(root, path), join(installed, path))
  }
  // What the user installs beside it.
  for (const name of ['node-datachannel', '@types/node']) {
    mkdirSync(dirname(join(app, 'node_modules', name)), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(app, 'node_modules', name), 'junction')
  }
  writeFileSync(join(app, 'package.json'), '{ "private": true, "type": "module" }')
})

afterAll(() => rmSync(app, { recursive: true, force: true }))

describe('the export map', () => {
  test('has an entry for every index.ts of src, and no other', () => {
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => /(^|[\\/])index\.ts$/.test(file))
      .map((file) => `./${dirname(file).split(sep).join('/')}`)
      .map((folder) => (folder === './.' ? '.' : folder))
    expect([...entries].sort()).toEqual(files.sort())
  })

  test.each(entries)('%s names its source, types and module, in this order', (entry) => {
    const folder = entry === '.' ? '' : entry.slice(1)
    const expected = {
      source: `./src${folder}/index.ts`,
      types: `./dist${folder}/index.d.ts`,
      default: `./dist${folder}/index.js`,
    }
    expect(Object.entries(manifest.exports[entry]!)).toEqual(Object.entries(expected))
    for (const path of Object.values(expected)) expect(existsSync(join(installed, path)), path).toBe(true)
  })

  test('is what publint expects of it', async () => {
    const { messages } = await publint({ pkgDir: installed, pack: false, strict: true })
    const text = (message: (typeof messages)[number]): string | undefined =>
      formatMessage(message, { ...manifest }, { color: false })
    expect(messages.map((message) => `${message.type}: ${text(message)}`)).toEqual([])
  })
})

describe('the packed files', () => {
  test('are what users need, and all of it', () => {
    expect(packed.filter((path) => !PACKED.test(path))).toEqual([])
    const papers = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']
    expect(papers.filter((path) => !packed.includes(path))).toEqual([])
    const built = readdirSync(join(root, 'dist'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    expect(packed.filter((path) => path.startsWith('dist/'))).toEqual(built.sort())
  })

  test('hold the sources that the maps point to', () => {
    const lost = packed
      .filter((path) => path.endsWith('.map'))
      .flatMap((path) => {
        const { sources } = JSON.parse(readFileSync(join(installed, path), 'utf8')) as { sources: string[] }
        return sources.map((source) => join(dirname(path), source).split(sep).join('/'))
      })
      .filter((source) => !packed.includes(source))
    expect(lost).toEqual([])
  })

  test('run nothing when they are installed', () => {
    const atInstall = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare']
    expect(Object.keys(manifest.scripts).filter((name) => atInstall.includes(name))).toEqual([])
    expect(packed.filter((path) => /binding\.gyp$|\.node$/.test(path))).toEqual([])
  })

  test('need no other package at run time but the optional peer', () => {
    expect(manifest.dependencies ?? {}).toEqual({})
    const needed = Object.keys(manifest.peerDependencies).filter(
      (name) => !manifest.peerDependenciesMeta[name]?.optional,
    )
    expect(needed).toEqual([])
  })
})

describe('an app that installs the package', () => {
  test.each(entries)('can import %s in plain Node', async (entry) => {
    const script = `console.log(JSON.stringify(Object.keys(await import('${specifierOf(entry)}')).sort()))`
    writeFileSync(join(app, 'import.mjs'), script)
    const { code, output, stdout } = await run(process.execPath, [join(app, 'import.mjs')], { quiet: true })
    expect(code, output).toBe(0)
    const names: string[] = JSON.parse(stdout)
    expect(names.length).toBeGreaterThan(0)
    expect(names).toEqual(Object.keys(await import(/* @vite-ignore */ specifierOf(entry))).sort())
  })

  test.each([
    ['a page, through a bundler', { module: 'ESNext', moduleResolution: 'Bundler', lib: ['ES2022', 'DOM'], types: [] }],
    ['a page, without a bundler', { module: 'NodeNext', lib: ['ES2022', 'DOM'], types: [] }],
    ['a server', { module: 'NodeNext', lib: ['ES2022'], types: ['node'] }],
  ])('has types that stand on their own in %s', async (_, options) => {
    const usable = entries.filter((entry) =>
      options.types.length > 0 ? !PAGE_TYPES.has(entry) : !NODE_ONLY.has(entry),
    )
    const lines = usable.map((entry, index) => `export * as entry${index} from '${specifierOf(entry)}'`)
    writeFileSync(join(app, 'app.ts'), lines.join('\n'))
    // Library checks on: a hole in our declarations is an error in the user's build.
    const compilerOptions = { ...options, target: 'ES2022', strict: true, skipLibCheck: false, noEmit: true }
    writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }))
    const { output } = await runNode(toolPath('typescript', 'tsc'), ['--pretty', 'false', '-p', app], { quiet: true })
    expect(output.trim()).toBe('')
  })
})

test('the core runs in a realm that has nothing but ECMAScript', async () => {
  const { code } = await bundle(`export * from '${manifest.name}'`, { format: 'iife' })
  const realm = createContext({})
  // What V8 adds to every context by itself.
  runInContext('delete globalThis.console; delete globalThis.WebAssembly', realm)
  runInContext(code, realm)
  const sent = runInContext(
    `const endpoint = new bundle.Endpoint({ role: 'client', now: 0, random: () => 1, channels: { chat: { kind: 'ordered' } } })
     endpoint.send('chat', new Uint8Array(3))
     endpoint.update(0)
     endpoint.pollPacket()?.length ?? 0`,
    realm,
  )
  expect(sent).toBeGreaterThan(0)
})
