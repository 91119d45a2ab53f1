#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { type CommandTable, runCommand } from './command.ts'

const COMMANDS: CommandTable = {
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
  relay: async () => (await import('./relay.ts')).relayCommand,
  replay: async () => (await import('./replay.ts')).replayCommand,
  version: async () => ({
    usage: '',
    summary: 'prints the version of this package',
    async run(_args, print) {
      const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
      print(version)
      return 0
    },
  }),
}

process.exitCode = await runCommand(COMMANDS, process.argv.slice(2), (line) => console.log(line))
