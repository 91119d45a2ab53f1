import { fork } from 'node:child_process'
import { once } from 'node:events'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Time for a process to end when it is told to, ms. */
const GRACE_MS = 2000

/** A process of a live bench: asked one thing at a time. */
export class Child {
  #child
  #name

  /** @param {string | URL} file a file of this folder, or any other's address */
  constructor(file) {
    const path = fileURLToPath(new URL(file, import.meta.url))
    this.#name = basename(path)
    this.#child = fork(path, { serialization: 'advanced' })
  }

  /**
   * @param {object} request
   * @returns {Promise<any>}
   */
  ask(request) {
    return new Promise((resolve, reject) => {
      const onExit = (/** @type {number | null} */ code) => reject(new Error(`${this.#name} ended with ${code}`))
      this.#child.once('exit', onExit)
      this.#child.once('message', (answer) => {
        this.#child.off('exit', onExit)
        resolve(answer)
      })
      this.#child.send(request)
    })
  }

  async close() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.disconnect()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), GRACE_MS)
    await exited
    clearTimeout(timer)
  }
}

/**
 * The child's half: answers what its parent asks.
 * @param {Record<string, (request: any) => unknown>} answers by the name of the request's only property
 */
export function answerParent(answers) {
  process.on('message', async (/** @type {object} */ request) => {
    for (const [name, value] of Object.entries(request)) process.send?.((await answers[name]?.(value)) ?? {})
  })
  process.on('disconnect', () => process.exit())
}
