import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { linesOf } from '../doctor/diagnosis.ts'
import { examine } from '../doctor/examine.ts'
import type { ChannelTable } from '../index.ts'
import { BAD_CALL, type Command } from './command.ts'
import { nativeProbe } from './native-probe.ts'

const OPTIONS = {
  header: { type: 'string', multiple: true },
  protocol: { type: 'string' },
  channels: { type: 'string' },
  bind: { type: 'string' },
  timeout: { type: 'string' },
  json: { type: 'boolean' },
} as const

/** `gannet doctor`: why clients cannot connect to a server. Exit code 0 when they can, 1 when not. */
export const doctorCommand: Command = {
  usage:
    '<url> [--header "Name: value"]… [--protocol name] [--channels file.json] [--bind address] [--timeout seconds] [--json]',
  summary: 'finds the step at which connecting to a server fails',
  async run(args, print) {
    let call: ReturnType<typeof parse>
    try {
      call = parse(args)
    } catch (error) {
      print(error instanceof Error ? error.message : String(error))
      print(`gannet doctor ${doctorCommand.usage}`)
      return BAD_CALL
    }
    const diagnosis = await examine(call.url, nativeProbe(call.bindAddress), call.options)
    if (call.isJson) print(JSON.stringify(diagnosis, undefined, 2))
    else for (const line of linesOf(diagnosis)) print(line)
    return diagnosis.isHealthy ? 0 : 1
  },
}

function parse(args: readonly string[]) {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true })
  const [url] = positionals
  if (url === undefined || positionals.length > 1) throw new Error(`expected one URL, got ${positionals.length}`)
  const headers = (values.header ?? []).map((header): [string, string] => {
    const at = header.indexOf(':')
    if (at < 1) throw new Error(`--header ${header}: expected "Name: value"`)
    return [header.slice(0, at).trim(), header.slice(at + 1).trim()]
  })
  const seconds = values.timeout === undefined ? undefined : Number(values.timeout)
  if (seconds !== undefined && !(seconds > 0)) throw new Error(`--timeout ${values.timeout}: expected seconds above 0`)
  const { protocol, channels, bind: bindAddress, json: isJson = false } = values
  return {
    url,
    bindAddress,
    isJson,
    options: {
      headers: Object.fromEntries(headers),
      ...(protocol !== undefined && { protocol }),
      ...(seconds !== undefined && { timeoutMs: seconds * 1000 }),
      ...(channels !== undefined && { channels: JSON.parse(readFileSync(channels, 'utf8')) as ChannelTable }),
    },
  }
}
