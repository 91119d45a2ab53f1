import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { run } from '../scripts/tool.mjs'

/** A program whose child says its own number, then lives on; `then` is what the program itself does after that. */
function parentOf(child: string, then: string): readonly string[] {
  const script = `
    const { spawn } = require('node:child_process')
    const child = spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    child.once('message', () => { console.log(child.pid); ${then} })`
  return ['-e', script]
}

const STUBBORN = `process.on('SIGINT', () => {}); process.on('disconnect', () => {}); setInterval(() => {}, 1000); process.send(0)`

async function hasGone(pid: number): Promise<boolean> {
  for (let i = 0; i < 100; i++) {
    try {
      process.kill(pid, 0)
    } catch {
      return true
    }
    await pause(20)
  }
  return false
}

test('a program with a limit that ends keeps nobody waiting, and where there are groups takes what it has started along', async () => {
  const result = await run(process.execPath, parentOf(STUBBORN, 'process.exit(3)'), { quiet: true, limitMs: 10_000 })
  expect(result).toMatchObject({ code: 3, timedOut: false })
  // On Windows nothing tells whose child it was once the program has gone.
  if (process.platform === 'win32') process.kill(Number(result.stdout))
  expect(await hasGone(Number(result.stdout))).toBe(true)
})

test('a program that is stopped at its limit takes what it has started along', async () => {
  const result = await run(process.execPath, parentOf(STUBBORN, ''), { quiet: true, limitMs: 4000 })
  expect(result).toMatchObject({ code: 1, timedOut: true })
  expect(await hasGone(Number(result.stdout))).toBe(true)
})
