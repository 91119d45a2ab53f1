import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, relative, sep } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { root, runNode, toolPath } from '../scripts/tool.mjs'

/**
 * Every `ts` block of the documents and of doc comments compiles against the sources.
 *
 * - A block is a module of its own; `await` at its top is fine.
 * - ```` ```ts continued ```` goes on where the block before it ended: same module.
 * - `<!-- ts … -->` in a Markdown file holds lines that readers need not see; they begin the next block.
 * - Code that shall not compile is ```` ```text ````.
 * - ```` ```ts path/to/file.ts ```` is that file, which other tests compile and run.
 *
 * Lines keep their numbers in the generated modules, so that the compiler's word is right for the document.
 */
interface Module {
  /** Path from the repository's root, with forward slashes. */
  readonly document: string
  /** Line of the first fence, from 1. */
  readonly line: number
  /** The document's lines; empty where they are not part of this module. */
  readonly lines: string[]
}

const folder = join(root, 'test-results', 'docs')

function modulesIn(document: string, text: string): Module[] {
  const modules: Module[] = []
  const lines = text.split(/\r?\n/)
  const ofComment = document.endsWith('.ts')
  let current: Module | undefined
  let hiddenFirst = false
  let end: RegExp | undefined
  for (const [index, raw] of lines.entries()) {
    const line = ofComment ? raw.replace(/^\s*(?:\/\*\*|\*\/|\*) ?/, '') : raw
    if (end?.test(line)) {
      end = undefined
    } else if (end) {
      current!.lines[index] = line
    } else {
      const fence = /^\s*(`{3,}|~{3,})(?:ts|typescript)(?:\s+(continued))?\s*$/.exec(line)
      const hidden = !ofComment && /^\s*<!--\s*ts\s*$/.test(line)
      if (!fence && !hidden) continue
      if (current === undefined || !(fence?.[2] || hiddenFirst)) {
        current = { document, line: index + 1, lines: [] }
        modules.push(current)
      }
      hiddenFirst = hidden
      end = hidden ? /^\s*-->\s*$/ : new RegExp(`^\\s*${fence![1]}\\s*$`)
    }
  }
  return modules
}

const fileOf = ({ document, line }: Module): string => `${document.replaceAll('/', '__')}.${line}.ts`

function filesBelow(path: string, ending: RegExp): string[] {
  if (!existsSync(join(root, path))) return []
  return readdirSync(join(root, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
}

const documents = [...filesBelow('src', /\.(md|ts)$/), ...filesBelow('docs', /\.md$/)]
if (existsSync(join(root, 'README.md'))) documents.unshift('README.md')
const modules = documents.flatMap((document) => modulesIn(document, readFileSync(join(root, document), 'utf8')))

/** The compiler's findings by generated file; under '' those that belong to no file. */
const findings = new Map<string, string[]>()

describe('ts blocks compile', () => {
  beforeAll(async () => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const settings = {
      extends: '../../tsconfig.json',
      // A snippet shows a name without using it.
      compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
      include: ['*.ts'],
      exclude: [],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
    for (const module of modules) {
      writeFileSync(
        join(folder, fileOf(module)),
        `${Array.from(module.lines, (line) => line ?? '').join('\n')}\nexport {}\n`,
      )
    }
    if (modules.length === 0) return
    const args = ['--noEmit', '--pretty', 'false', '-p', folder]
    const { output } = await runNode(toolPath('typescript', 'tsc'), args, { quiet: true })
    for (const line of output.split('\n')) {
      const found = /^(.+?)\((\d+),(\d+)\): (error .*)$/.exec(line.trim())
      const file = found ? basename(found[1]!) : ''
      const finding = found ? `:${found[2]}:${found[3]} ${found[4]}` : line
      if (found || /^error/.test(line)) findings.set(file, [...(findings.get(file) ?? []), finding])
    }
  })

  test('as far as the compiler runs at all', () => {
    expect(findings.get('') ?? []).toEqual([])
  })

  test.each(modules.map((module) => [`${module.document}:${module.line}`, module] as const))('%s', (_, module) => {
    expect((findings.get(fileOf(module)) ?? []).map((finding) => module.document + finding)).toEqual([])
  })
})

describe('blocks that name a file', () => {
  const named = documents.flatMap((document) =>
    [...readFileSync(join(root, document), 'utf8').matchAll(/^```ts (\S+\.ts)\r?\n([\s\S]*?)^```/gm)].map(
      ([, path, code]) => [document, path!, code!] as const,
    ),
  )

  test.each(named)('in %s are the whole of %s', (_, path, code) => {
    expect(code).toBe(readFileSync(join(root, path), 'utf8'))
  })
})

describe('this test', () => {
  const read = (text: string, document = 'a.md'): unknown[] =>
    modulesIn(document, text).map(({ line, lines }) => [line, Array.from(lines, (code) => code ?? '').join('|')])

  test('takes ts blocks alone, each as a module, on their own lines', () => {
    const text = '# A\n```ts\nconst a = 1\n```\n```text\nno\n```\n~~~ts\nb()\n~~~\n'
    expect(read(text)).toEqual([
      [2, '||const a = 1'],
      [8, '||||||||b()'],
    ])
  })

  test('joins what is continued or hidden', () => {
    const text = '<!-- ts\nlet a = 1\n-->\n```ts\na++\n```\n```ts continued\na--\n```\n```ts\nb()\n```'
    expect(read(text)).toEqual([
      [1, '|let a = 1|||a++|||a--'],
      [10, '||||||||||b()'],
    ])
  })

  test('reads doc comments', () => {
    expect(read('/**\n * A.\n *\n * ```ts\n * a()\n * ```\n */\n', 'a.ts')).toEqual([[4, '||||a()']])
  })
})
