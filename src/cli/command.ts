/** One verb of `npx gannet`. */
export interface Command {
  /** What follows the verb, such as `<url> [--protocol name]`. */
  readonly usage: string
  /** One line for the list of verbs. */
  readonly summary: string
  /** Runs it with the arguments behind the verb; resolves to the exit code. `print` writes a line for people. */
  run(args: readonly string[], print: (line: string) => void): Promise<number>
}

/** Verbs by name; each is loaded when it is called, so that one does not pay for another. */
export type CommandTable = Readonly<Record<string, () => Promise<Command>>>

/** Exit code of a call that was wrong. */
export const BAD_CALL = 2

/** Runs the verb that `args` begins with; prints the list of verbs when it names none. */
export async function runCommand(
  table: CommandTable,
  args: readonly string[],
  print: (line: string) => void,
): Promise<number> {
  const [name = '--help', ...rest] = args
  const load = Object.hasOwn(table, name) ? table[name] : undefined
  if (load !== undefined) {
    const command = await load()
    if (!rest.includes('--help') && !rest.includes('-h')) return command.run(rest, print)
    print(`${command.summary}\n\n  gannet ${name} ${command.usage}`)
    return 0
  }
  const isAsked = name === '--help' || name === '-h' || name === 'help'
  if (!isAsked) print(`gannet: unknown command ${JSON.stringify(name)}\n`)
  print('gannet <command> [--help]\n')
  const names = Object.keys(table)
  const width = Math.max(0, ...names.map((one) => one.length))
  for (const one of names) print(`  ${one.padEnd(width)}  ${(await table[one]!()).summary}`)
  return isAsked ? 0 : BAD_CALL
}
