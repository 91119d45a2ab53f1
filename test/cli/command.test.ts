import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { build, isStale } from '../../scripts/build.mjs'
import { root, runNode } from '../../scripts/tool.mjs'
import { BAD_CALL, type Command, type CommandTable, runCommand } from '../../src/cli/command.ts'
import { manifest } from '../support/bundle.ts'

const heard: (readonly string[])[] = []
const TABLE: CommandTable = {
  greet: async (): Promise<Command> => ({
    usage: '<name>',
    summary: 'greets',
    async run(args, print) {
      heard.push(args)
      print(`hello ${args[0]}`)
      return 7
    },
  }),
}

async function call(...args: string[]): Promise<{ code: number; text: string }> {
  const lines: string[] = []
  const code = await runCommand(TABLE, args, (line) => lines.push(line))
  return { code, text: lines.join('\n') }
}

describe('a command line', () => {
  test('hands a verb what follows it, and returns its exit code', async () => {
    expect(await call('greet', 'Ada', '--loud')).toEqual({ code: 7, text: 'hello Ada' })
    expect(heard.at(-1)).toEqual(['Ada', '--loud'])
  })

  test('explains a verb without running it', async () => {
    const { code, text } = await call('greet', '--help')
    expect([code, text]).toEqual([0, expect.stringContaining('gannet greet <name>')])
  })

  test.each([[[]], [['--help']], [['help']]])('lists its verbs for %j', async (args) => {
    const { code, text } = await call(...args)
    expect([code, text]).toEqual([0, expect.stringContaining('greet  greets')])
  })

  test.each(['dance', 'constructor'])('names an unknown verb: %s', async (verb) => {
    const { code, text } = await call(verb)
    expect([code, text]).toEqual([BAD_CALL, expect.stringContaining(`unknown command "${verb}"`)])
  })
})

describe('npx gannet', () => {
  beforeAll(async () => {
    if (isStale()) await build({ quiet: true })
  })

  test('runs, and knows its version', async () => {
    const { code, stdout } = await runNode(join(root, manifest.bin.gannet), ['version'], { quiet: true })
    expect([code, stdout.trim()]).toEqual([0, manifest.version])
  })
})
