import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A process of a live bench: asked one thing at a time. */
export class Child {
  #child
  #name

  /** @param {string} name a file of this folder */
  constructor(name) {
    this.#name = name
    this.#child = fork(fileURLToPath(new URL(`./${name}`, import.meta.url)), { serialization: 'advanced' })
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
    await exited
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
