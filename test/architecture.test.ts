import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/**
 * The layers: which groups each group may import besides itself. `type x` allows `import type` only. A group is the
 * longest prefix of a module's path below src/ that stands here. Lower groups never import higher ones, and groups of
 * one level do not import each other.
 */
const LAYERS: Record<string, readonly string[]> = {
  // Level 0, and the words that the others speak: types that the game sees.
  'core/bytes.ts': [],
  'core/errors.ts': [],
  'core/events.ts': ['type core/bytes.ts'],
  'core/stats.ts': ['type core/bytes.ts', 'type core/events.ts'],
  // Level 1. The options become numbers here, so their types are words too.
  'core/wire': ['core/bytes.ts', 'core/errors.ts'],
  'core/container': ['core/bytes.ts', 'core/errors.ts'],
  'core/timers.ts': ['core/bytes.ts', 'core/errors.ts'],
  'core/config.ts': ['core/bytes.ts', 'core/errors.ts', 'core/wire', 'type core/events.ts', 'type core/stats.ts'],
  // Level 2: the path, the clock, the message.
  'core/recovery': ['LOW'],
  'core/clock': ['LOW'],
  'core/channel': ['LOW', 'core/stats.ts'],
  // Level 3: the packet and the connection.
  'core/packet': ['LOW', 'core/stats.ts', 'core/recovery', 'core/clock', 'core/channel'],
  'core/connection': ['LOW'],
  // Level 5: the wiring.
  core: [
    'LOW',
    'core/config.ts',
    'core/stats.ts',
    'core/recovery',
    'core/clock',
    'core/channel',
    'core/packet',
    'core/connection',
  ],
  'index.ts': [
    'core',
    'type core/clock',
    'core/bytes.ts',
    'core/config.ts',
    'core/errors.ts',
    'core/events.ts',
    'core/stats.ts',
  ],
  // Around the core.
  codec: ['index.ts', 'core/wire', 'TYPES'],
  play: [],
  transport: ['index.ts', 'TYPES'],
  signal: ['type node:http'],
  browser: ['index.ts', 'transport', 'signal', 'TYPES'],
  node: ['index.ts', 'transport', 'signal', 'TYPES', 'node:*', 'node-datachannel'],
  sim: ['type transport', 'TYPES'],
  'sim/relay': ['sim', 'TYPES', 'node:*'],
  doctor: ['index.ts', 'transport', 'signal', 'browser', 'TYPES'],
  cli: [
    'index.ts',
    'transport',
    'signal',
    'doctor',
    'type node-datachannel',
    'node',
    'sim',
    'sim/relay',
    'devtools',
    'TYPES',
    'node:*',
  ],
  devtools: ['type index.ts', 'type transport', 'TYPES'],
}

/** Short names for what many groups share. */
const SETS: Record<string, readonly string[]> = {
  LOW: [
    'core/bytes.ts',
    'core/errors.ts',
    'core/wire',
    'core/container',
    'core/timers.ts',
    'type core/events.ts',
    'type core/stats.ts',
    'type core/config.ts',
  ],
  TYPES: ['type core/bytes.ts', 'type core/events.ts', 'type core/stats.ts'],
}

/** Longest module, lines: beyond it a file is two nouns. */
const MAX_LINES = 420

/** What the core must not know: clocks, timers, chance, and anything that not every realm has. */
const FORBIDDEN_IN_CORE = [
  'Date',
  'performance',
  'Math.random',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'requestAnimationFrame',
  'crypto',
  'console',
  'process',
  'globalThis',
  'TextEncoder',
  'TextDecoder',
]

interface Import {
  /** Path of the importing module from the repository's root, with forward slashes. */
  readonly from: string
  readonly line: number
  readonly specifier: string
  /** The imported module's path in the same form; `undefined` for packages. */
  readonly to: string | undefined
  readonly typeOnly: boolean
}

/** Source without comments, and without the text of strings where `strings` is false; lines stay where they are. */
function codeOf(source: string, strings: boolean): string {
  const token = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|(["'`])((?:\\[\s\S]|(?!\1)[^\\])*)\1/g
  return source.replace(token, (text, quote: string | undefined) => {
    if (quote !== undefined && strings) return text
    const blank = text.replace(/[^\n]/g, ' ')
    return quote === undefined ? blank : quote + blank.slice(2) + quote
  })
}

function modulesBelow(folder: string): string[] {
  const path = join(root, folder)
  if (!existsSync(path)) return []
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mts|mjs|js)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((file) => !file.includes('/dist/'))
    .sort()
}

function importsOf(file: string): Import[] {
  return importsIn(file, readFileSync(join(root, file), 'utf8'))
}

function importsIn(file: string, source: string): Import[] {
  const code = codeOf(source, true)
  const found: Import[] = []
  const clauseFrom = /(?:type\s+)?(?:[\w$]+\s*,?\s*)?(?:\*\s*(?:as\s+[\w$]+\s*)?|\{[^}]*\}\s*)?/.source
  const statement = new RegExp(
    `^[ \\t]*(?:import|export)\\s+(${clauseFrom})from\\s*(['"])([^'"]+)\\2` +
      `|^[ \\t]*import\\s*(['"])([^'"]+)\\4|\\bimport\\(\\s*(['"\`])([^'"\`]+)\\6`,
    'gm',
  )
  for (const match of code.matchAll(statement)) {
    const clause = (match[1] ?? '').trim()
    const specifier = match[3] ?? match[5] ?? match[7] ?? ''
    const inline = /^\{([\s\S]*)\}$/
      .exec(clause)?.[1]
      ?.split(',')
      .filter((name) => name.trim() !== '')
    const typeOnly = /^type\b/.test(clause) || (inline?.every((name) => /^\s*type\s/.test(name)) ?? false)
    const line = code.slice(0, match.index).split('\n').length
    const to = specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : undefined
    found.push({ from: file, line, specifier, to, typeOnly })
  }
  return found
}

/** `core/wire` for `src/core/wire/reader.ts`; the specifier's own name for packages. */
function groupOf(path: string): string | undefined {
  const below = path.slice('src/'.length)
  return Object.keys(LAYERS)
    .filter((group) => below === group || below.startsWith(`${group}/`))
    .sort((a, b) => b.length - a.length)[0]
}

function isAllowed(found: Import): boolean {
  const group = groupOf(found.from)
  if (group === undefined) return false
  const target = found.to === undefined ? found.specifier : groupOf(found.to)
  if (target === group) return true
  const rules = LAYERS[group]!.flatMap((rule) => SETS[rule] ?? [rule])
  return rules.some((rule) => {
    const [name, typesOnly] = rule.startsWith('type ') ? [rule.slice(5), true] : [rule, false]
    const matches = name === target || (name === 'node:*' && found.specifier.startsWith('node:'))
    return matches && (found.typeOnly || !typesOnly)
  })
}

const place = (found: Import): string =>
  `${found.from}:${found.line} imports ${found.typeOnly ? 'type ' : ''}${found.specifier}`

const sources = modulesBelow('src')
const imports = sources.flatMap(importsOf)

describe('modules of src', () => {
  test('all belong to a layer', () => {
    expect(sources.filter((file) => groupOf(file) === undefined)).toEqual([])
  })

  test('import only what their layer allows', () => {
    expect(imports.filter((found) => !isAllowed(found)).map(place)).toEqual([])
  })

  test('name the file that they import, with .ts', () => {
    const broken = imports.filter(({ to }) => to !== undefined && !(to.endsWith('.ts') && existsSync(join(root, to))))
    expect(broken.map(place)).toEqual([])
  })

  test('never form a cycle, not even of types', () => {
    expect(cyclesIn(imports)).toEqual([])
  })

  test(`have at most ${MAX_LINES} lines`, () => {
    const lengths = sources.map(
      (file) => [file, readFileSync(join(root, file), 'utf8').split('\n').length - 1] as const,
    )
    expect(lengths.filter(([, lines]) => lines > MAX_LINES)).toEqual([])
  })

  test('run under a content security policy and on plain http', () => {
    // Secure contexts only: crypto.subtle and crypto.randomUUID are missing on a LAN address over http.
    expect(wordsIn(sources, ['eval', 'Function', 'crypto.randomUUID'])).toEqual([])
    const notOfNode = sources.filter((file) => !file.startsWith('src/node/'))
    expect(wordsIn(notOfNode, ['crypto.subtle'])).toEqual([])
  })
})

test('the core knows no clock, no timer, no chance and no platform', () => {
  const core = sources.filter((file) => file.startsWith('src/core/'))
  expect(wordsIn(core, FORBIDDEN_IN_CORE)).toEqual([])
})

test('demo, examples and e2e import Gannet by its package name', () => {
  const outside = [
    ...modulesBelow('demo'),
    ...modulesBelow('examples'),
    ...modulesBelow('e2e'),
    'vite.config.ts',
  ].filter((file) => existsSync(join(root, file)))
  const inside = outside.flatMap(importsOf).filter(({ to }) => to?.startsWith('src/') || to?.startsWith('dist/'))
  expect(inside.map(place)).toEqual([])
})

describe('this test', () => {
  const at = (from: string, specifier: string, typeOnly = false): Import => ({
    from,
    line: 1,
    specifier,
    to: specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : undefined,
    typeOnly,
  })

  test('refuses imports up, across, and out', () => {
    const refused = [
      at('src/core/wire/reader.ts', '../channel/channel.ts'),
      at('src/core/wire/reader.ts', '../container/fifo.ts'),
      at('src/core/channel/outbox.ts', '../packet/packer.ts', true),
      at('src/core/channel/outbox.ts', '../config.ts'),
      at('src/core/endpoint.ts', '../transport/transport.ts', true),
      at('src/core/endpoint.ts', 'node:crypto', true),
      at('src/sim/index.ts', './relay/index.ts'),
      at('src/sim/link.ts', 'node:dgram'),
      at('src/browser/index.ts', '../sim/index.ts', true),
      at('src/browser/index.ts', '../core/endpoint.ts'),
      at('src/transport/driver.ts', '../core/events.ts'),
      at('src/signal/client.ts', '../core/bytes.ts', true),
      at('src/signal/bridge.ts', 'node:http'),
    ]
    expect(refused.filter(isAllowed).map(place)).toEqual([])
  })

  test('allows imports down', () => {
    const allowed = [
      at('src/core/packet/packer.ts', '../channel/channel.ts'),
      at('src/core/channel/outbox.ts', '../config.ts', true),
      at('src/core/endpoint.ts', './packet/packer.ts'),
      at('src/transport/driver.ts', '../index.ts'),
      at('src/node/listener.ts', 'node-datachannel'),
      at('src/sim/relay/udp-relay.ts', '../random.ts'),
      at('src/sim/relay/udp-relay.ts', 'node:dgram'),
    ]
    expect(allowed.filter((found) => !isAllowed(found)).map(place)).toEqual([])
  })

  test('sees every form of import, and none in comments', () => {
    const source = `
      // import 'a'
      /* import { a } from 'a' */
      import 'one'
      export interface None { from: string }
      import type { Two } from './two.ts'
      import {
        type Three,
        three,
      } from '../three.ts'
      import { type Four } from 'four'
      export * from 'five'
      const six = await import('node:six')
    `
    const found = importsIn('src/x/y.ts', source)
    expect(found.map(({ line, to, specifier, typeOnly }) => [line, to ?? specifier, typeOnly])).toEqual([
      [4, 'one', false],
      [6, 'src/x/two.ts', true],
      [7, 'src/three.ts', false],
      [11, 'four', true],
      [12, 'five', false],
      [13, 'node:six', false],
    ])
  })

  test('sees words in code, and none in comments, strings and names of others', () => {
    const source = "// Date\nconst at = 'Date' + point.Date + new Date() /* Date */\nlet performance: number"
    expect(wordsInSource('a.ts', source, ['Date', 'performance'])).toEqual(['a.ts:2 Date'])
  })

  test('sees cycles', () => {
    const round = [at('src/a.ts', './b.ts', true), at('src/b.ts', './c.ts'), at('src/c.ts', './b.ts')]
    expect(cyclesIn(round)).toEqual(['src/b.ts → src/c.ts → src/b.ts'])
  })
})

/** Each cycle once, as a chain of paths. */
function cyclesIn(edges: readonly Import[]): string[] {
  const next = new Map<string, string[]>()
  for (const { from, to } of edges) if (to !== undefined) next.set(from, [...(next.get(from) ?? []), to])
  const finished = new Set<string>()
  const cycles: string[] = []
  const visit = (file: string, trail: readonly string[]): void => {
    const seenAt = trail.indexOf(file)
    if (seenAt >= 0) cycles.push([...trail.slice(seenAt), file].join(' → '))
    if (seenAt >= 0 || finished.has(file)) return
    for (const to of next.get(file) ?? []) visit(to, [...trail, file])
    finished.add(file)
  }
  for (const file of next.keys()) visit(file, [])
  return cycles
}

/** Where `words` stand as identifiers of their own, as `path:line word`. */
function wordsIn(files: readonly string[], words: readonly string[]): string[] {
  return files.flatMap((file) => wordsInSource(file, readFileSync(join(root, file), 'utf8'), words))
}

function wordsInSource(file: string, source: string, words: readonly string[]): string[] {
  const either = words.map((word) => word.replace('.', '\\.')).join('|')
  const pattern = new RegExp(`(?<![.\\w$#])(?:${either})(?![\\w$]|\\??:)`, 'g')
  return codeOf(source, false)
    .split('\n')
    .flatMap((line, index) => [...line.matchAll(pattern)].map(([word]) => `${file}:${index + 1} ${word}`))
}
