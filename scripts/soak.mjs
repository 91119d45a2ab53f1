// `npm run soak -- --gear quick|normal|long [--seed 0x5eed]`: the soak tests, in virtual time, for as long as the gear asks.
import { parseArgs } from 'node:util'
import { runNode, toolPath } from './tool.mjs'

const { values } = parseArgs({
  options: { gear: { type: 'string', default: 'normal' }, seed: { type: 'string' } },
})
const gears = ['quick', 'normal', 'long']
if (!gears.includes(values.gear)) {
  console.error(`--gear ${values.gear}, expected one of ${gears.join(', ')}`)
  process.exit(2)
}
const env = { SOAK: values.gear, ...(values.seed === undefined ? {} : { SEED: values.seed }) }
const { code } = await runNode(toolPath('vitest'), ['run', 'test/soak', '--reporter=verbose'], { env })
process.exitCode = code
