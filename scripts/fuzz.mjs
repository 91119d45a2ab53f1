// `npm run fuzz -- --minutes 10 [--seed 0x5eed]`: the fuzzers with fresh seeds, for that long. A seed runs that one alone.
import { parseArgs } from 'node:util'
import { runNode, toolPath } from './tool.mjs'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '5' }, seed: { type: 'string' } },
})
const minutes = Number(values.minutes)
if (!(minutes > 0)) {
  console.error(`--minutes ${values.minutes}, expected a number above 0`)
  process.exit(2)
}
const env = values.seed === undefined ? { FUZZ_MINUTES: String(minutes) } : { SEED: values.seed }
const { code } = await runNode(toolPath('vitest'), ['run', 'test/fuzz', '--reporter=verbose'], { env })
process.exitCode = code
