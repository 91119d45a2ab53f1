// `npm run build`: dist/ from src/ by plain tsc, one file per source file.
import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isMain, root, runNode, toolPath } from './tool.mjs'

const dist = join(root, 'dist')

/**
 * @param {import('./tool.mjs').RunOptions} [options]
 */
export function build(options) {
  rmSync(dist, { recursive: true, force: true })
  return runNode(toolPath('typescript', 'tsc'), ['-p', join(root, 'tsconfig.build.json')], options)
}

/**
 * Whether dist/ is missing, or older than anything that it is made from, or holds a module that src/ no longer has.
 * @returns {boolean}
 */
export function isStale() {
  const built = filesBelow(dist)
  const modules = built.filter((file) => file.path.endsWith('.js'))
  if (modules.length === 0) return true
  const sources = filesBelow(join(root, 'src')).filter((file) => /(?<!\.d)\.ts$/.test(file.path))
  if (sources.length !== modules.length) return true
  const builtAt = Math.min(...built.map((file) => file.changedAt))
  const settings = ['tsconfig.json', 'tsconfig.build.json', 'package.json'].map((name) => changedAt(join(root, name)))
  return Math.max(...settings, ...sources.map((file) => file.changedAt)) >= builtAt
}

/**
 * @param {string} folder
 * @returns {{ path: string, changedAt: number }[]}
 */
function filesBelow(folder) {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => ({ path, changedAt: changedAt(path) }))
  } catch {
    return []
  }
}

/** @param {string} path */
function changedAt(path) {
  return statSync(path).mtimeMs
}

if (isMain(import.meta)) process.exitCode = (await build()).code
