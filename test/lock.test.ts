import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

interface LockEntry {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

interface Lock {
  readonly lockfileVersion: number
  readonly packages: Readonly<Record<string, LockEntry>>
}

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'))
const lock = read('package-lock.json') as Lock
const manifest = read('package.json') as LockEntry
const entries = Object.entries(lock.packages).filter(([path]) => path !== '')

/** Where people develop; a native package that lacks one of these breaks `npm ci` or the tools there. */
const PLATFORMS = ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64', 'win32-x64']

/** The entry that npm picks for `name` when the package at `path` asks for it: the nearest `node_modules` upwards. */
function entryFor(path: string, name: string): LockEntry | undefined {
  for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const found = lock.packages[`${at}/node_modules/${name}`]
    if (found !== undefined) return found
  }
  return lock.packages[`node_modules/${name}`]
}

test('every optional dependency named in the lock has an entry of its own', () => {
  const missing = entries.flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {})
      .filter((name) => entryFor(path, name) === undefined)
      .map((name) => `${path} → ${name}`),
  )
  expect(missing).toEqual([])
})

test('every native package has a build for every platform that people develop on', () => {
  const missing = entries.flatMap(([path, entry]) => {
    const builds = Object.keys(entry.optionalDependencies ?? {}).map((name) => entryFor(path, name))
    const native = builds.filter((build) => build?.os !== undefined && build.cpu !== undefined)
    if (native.length === 0) return []
    const has = new Set(native.flatMap((build) => build!.os!.flatMap((os) => build!.cpu!.map((cpu) => `${os}-${cpu}`))))
    return PLATFORMS.filter((platform) => !has.has(platform)).map((platform) => `${path}: ${platform}`)
  })
  expect(missing).toEqual([])
})

test('the lock names no machine of its own: integrity is the proof, the registry is the user’s', () => {
  const foreign = entries.filter(
    ([, { resolved }]) => resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/'),
  )
  expect(foreign.map(([path, { resolved }]) => `${path}: ${resolved}`)).toEqual([])
  expect(entries.filter(([, entry]) => entry.integrity === undefined).map(([path]) => path)).toEqual([])
})

test('tools are pinned exactly, and the lock agrees with package.json', () => {
  expect(lock.packages['']?.devDependencies).toEqual(manifest.devDependencies)
  const wrong = Object.entries(manifest.devDependencies ?? {}).filter(
    ([name, version]) => lock.packages[`node_modules/${name}`]?.version !== version,
  )
  expect(wrong).toEqual([])
})
