import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)

/** Folder of package.json, without a trailing separator. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** How long a tool that was asked to stop may take before it is killed, ms. */
const GRACE_MS = 10_000
/** How long the output of a program with a limit is read after its end, ms: something that it left behind may hold it open. */
const OUTPUT_MS = 2_000

/** @param {string} path */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/**
 * The script behind a command that an installed package brings, to be run by this very Node. The links in
 * `node_modules/.bin` are shell scripts on Windows and need a shell there; this needs none anywhere.
 * @param {string} packageName
 * @param {string} [command]
 * @returns {string}
 */
export function toolPath(packageName, command = packageName) {
  const manifestPath = require.resolve(`${packageName}/package.json`)
  /** @type {{ bin: string | Record<string, string> }} */
  const { bin } = JSON.parse(readFileSync(manifestPath, 'utf8'))
  const script = typeof bin === 'string' ? bin : bin[command]
  if (script === undefined) throw new Error(`${packageName} brings no command ${command}`)
  return join(dirname(manifestPath), script)
}

/**
 * npm's own script, for the same reason: the one that started us, or the first on the PATH.
 * @returns {string}
 */
export function npmPath() {
  const folders = [dirname(process.execPath), ...(process.env.PATH ?? process.env.Path ?? '').split(delimiter)]
  // On Windows npm lies beside its command; elsewhere the command is a link to it.
  const places = folders.flatMap((folder) => [join(folder, 'node_modules/npm/bin/npm-cli.js'), join(folder, 'npm')])
  const found = [process.env.npm_execpath ?? '', ...places]
    .filter((path) => existsSync(path))
    .map((path) => realpathSync(path))
    .find((path) => path.endsWith('npm-cli.js'))
  if (found === undefined) throw new Error('npm-cli.js is neither beside node nor behind an npm on the PATH')
  return found
}

/**
 * @typedef {object} RunOptions
 * @property {NodeJS.ProcessEnv} [env] added to this process's own; `undefined` removes a variable
 * @property {boolean} [quiet] collect the output instead of showing it
 * @property {number} [limitMs] ask it to stop after this long; then whatever it has started goes too, and on POSIX when it
 *   ends by itself as well. It gets no standard input
 */

/**
 * @typedef {object} RunResult
 * @property {number} code exit code; 1 when it was stopped by a signal or never started
 * @property {string} output stdout and stderr as they came, when `quiet`
 * @property {string} stdout without stderr, for machines to read
 * @property {boolean} timedOut
 */

/** Programs with a limit that are under way. @type {Set<import('node:child_process').ChildProcess>} */
const limited = new Set()
let passesSignalsOn = false

/**
 * Sends a signal to a program and to all that it has started: one that hangs cannot end its own children, and a child that
 * lives on keeps the output open that we read.
 * @param {import('node:child_process').ChildProcess} child
 * @param {'SIGINT' | 'SIGKILL'} signal
 */
function signalTree(child, signal) {
  if (child.pid === undefined) return
  if (process.platform !== 'win32') {
    try {
      process.kill(-child.pid, signal)
    } catch {
      // All of them are gone.
    }
  } else if (child.exitCode === null && child.signalCode === null && signal === 'SIGKILL') {
    // Windows has neither groups nor signals.
    spawn('taskkill', ['/pid', String(child.pid), '/T', '/F'], { stdio: 'ignore' }).once('error', () => child.kill())
  }
}

/** A group of its own hears no Ctrl-C of ours. */
function passSignalsOn() {
  if (passesSignalsOn) return
  passesSignalsOn = true
  for (const [signal, number] of /** @type {const} */ ([
    ['SIGHUP', 1],
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ])) {
    process.once(signal, () => {
      for (const child of limited) signalTree(child, 'SIGKILL')
      process.exit(128 + number)
    })
  }
}

/**
 * Runs a program to its end. Never rejects, never uses a shell.
 * @param {string} file
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<RunResult>}
 */
export function run(file, args, { env = {}, quiet = false, limitMs } = {}) {
  return new Promise((resolve) => {
    const isLimited = limitMs !== undefined
    const shown = quiet ? 'pipe' : 'inherit'
    const child = spawn(file, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: [quiet || isLimited ? 'ignore' : 'inherit', shown, shown],
      // A group of its own; on Windows, where there are none, it would be a window.
      detached: isLimited && process.platform !== 'win32',
      windowsHide: true,
    })
    if (isLimited) {
      passSignalsOn()
      limited.add(child)
    }
    let output = ''
    let stdout = ''
    let timedOut = false
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      output += text
      stdout += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text) => (output += text))
    /** @type {NodeJS.Timeout | undefined} */
    let killTimer
    /** @type {NodeJS.Timeout | undefined} */
    let outputTimer
    const stop = () => {
      timedOut = true
      signalTree(child, 'SIGINT')
      killTimer = setTimeout(() => signalTree(child, 'SIGKILL'), GRACE_MS)
    }
    const limitTimer = isLimited ? setTimeout(stop, limitMs) : undefined
    /** @param {number} code */
    const finish = (code) => {
      limited.delete(child)
      clearTimeout(limitTimer)
      clearTimeout(killTimer)
      clearTimeout(outputTimer)
      resolve({ code, output, stdout, timedOut })
    }
    child.once('error', (error) => {
      output += `${error.message}\n`
      finish(1)
    })
    child.once('exit', () => {
      clearTimeout(limitTimer)
      if (!isLimited) return
      signalTree(child, 'SIGKILL')
      outputTimer = setTimeout(() => {
        child.stdout?.destroy()
        child.stderr?.destroy()
      }, OUTPUT_MS)
    })
    child.once('close', (code) => finish(timedOut ? 1 : (code ?? 1)))
  })
}

/**
 * Runs a Node script, such as {@link toolPath} finds.
 * @param {string} script
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 */
export function runNode(script, args, options) {
  return run(process.execPath, [script, ...args], options)
}

/**
 * Whether this module is the one that was started. Real paths, because links and the case of a Windows drive differ.
 * @param {ImportMeta} meta
 */
export function isMain(meta) {
  const started = process.argv[1]
  return started !== undefined && realpathSync.native(started) === realpathSync.native(fileURLToPath(meta.url))
}
