// `npm run matrix`: the unit tests under other versions of Node, fetched by npm. `npm run matrix -- 22` runs one alone.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { npmPath, root, run, runNode, toolPath } from './tool.mjs'

/** The floor of `engines`, and the later lines that are kept alive. */
const VERSIONS = ['20.19', '22', '24']

/** A package that is nothing but Node's binary. */
const packageName = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
const cache = join(root, 'node_modules', '.cache', 'node')

/**
 * @param {string} version
 * @returns {Promise<string | undefined>}
 */
async function nodeOf(version) {
  const home = join(cache, version)
  const binary = join(home, 'node_modules', packageName, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (existsSync(binary)) return binary
  const args = ['install', '--prefix', home, '--no-save', '--no-audit', '--no-fund', `${packageName}@${version}`]
  const got = await runNode(npmPath(), args, { quiet: true })
  if (got.code !== 0) console.error(got.output)
  return existsSync(binary) ? binary : undefined
}

/** @type {string[]} */
const verdicts = []
const asked = process.argv.slice(2)
for (const version of asked.length > 0 ? asked : VERSIONS) {
  console.log(`\n── Node ${version}`)
  const node = await nodeOf(version)
  const code = node === undefined ? undefined : (await run(node, [toolPath('vitest'), 'run'])).code
  verdicts.push(
    `Node ${version}: ${code === undefined ? `no ${packageName}@${version}` : code === 0 ? 'passed' : 'FAILED'}`,
  )
  if (code !== 0) process.exitCode = 1
}
console.log(`\n${verdicts.join('\n')}`)
