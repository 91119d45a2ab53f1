import { readFile } from 'node:fs/promises'
import { Replay } from '../devtools/index.ts'
import { Endpoint } from '../index.ts'
import { BAD_CALL, type Command } from './command.ts'

const hex = (hash: number): string => hash.toString(16).padStart(8, '0')

/** `gannet replay`: runs a recorded connection again. */
export const replayCommand: Command = {
  usage: `<trace>

  Ends with 0 when every packet and every delivered message came out as recorded, with 1 when not.`,
  summary: 'runs a trace of gannet/devtools again through the core',
  async run(args, print) {
    const [path, ...more] = args
    if (path === undefined || more.length > 0 || path.startsWith('-')) {
      print(`gannet replay: expected the path of one trace, got ${args.length === 0 ? 'nothing' : args.join(' ')}`)
      return BAD_CALL
    }
    let replay: Replay
    const beganAt = performance.now()
    try {
      replay = new Replay(await readFile(path), (options) => new Endpoint(options))
      while (replay.step());
    } catch (error) {
      print(`gannet replay: ${path}: ${error instanceof Error ? error.message : String(error)}`)
      return 1
    }
    const { endpoint, sums, recorded, divergence } = replay
    const { stats } = endpoint
    print(
      `${path}: ${(replay.elapsedMs / 1000).toFixed(1)} s of a ${replay.options.role}, run in ${Math.round(performance.now() - beganAt)} ms`,
    )
    print(
      `  packets   ${sums.packets} out, hash ${hex(sums.packetHash)}; ${stats.packetsReceived} in, ${stats.packetsLost} of ours lost`,
    )
    print(`  messages  ${sums.messages} delivered, hash ${hex(sums.messageHash)}`)
    print(`  at the end ${endpoint.state}, round trip ${stats.rttMs.toFixed(1)} ms`)
    if (recorded === undefined) print('  the trace is broken off: there is nothing to compare the sums with')
    else if (replay.isFaithful) print('  the same as recorded')
    else {
      print(
        `  RECORDED  ${recorded.packets} packets, hash ${hex(recorded.packetHash)}; ${recorded.messages} messages, hash ${hex(recorded.messageHash)}`,
      )
      if (divergence !== undefined) {
        print(
          `  first difference: packet ${divergence.packet}, at ${divergence.at.toFixed(1)} ms: ${divergence.detail}`,
        )
      }
    }
    return replay.isFaithful ? 0 : 1
  },
}
