import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../../scripts/tool.mjs'

/** @param {string} entry folder in dist/ */
const load = (entry) => import(pathToFileURL(join(root, 'dist', entry, 'index.js')).href)

/**
 * `gannet/node` of the built package.
 * @returns {Promise<typeof import('../../src/node/index.ts')>}
 */
export const builtNode = () => load('node')

/**
 * `gannet/sim/relay` of the built package.
 * @returns {Promise<typeof import('../../src/sim/relay/index.ts')>}
 */
export const builtRelay = () => load('sim/relay')
