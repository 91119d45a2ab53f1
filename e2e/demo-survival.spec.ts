import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'playwright/test'
import { build, preview } from 'vite'
import { toolPath } from '../scripts/tool.mjs'

const repository = dirname(dirname(fileURLToPath(import.meta.url)))

async function freePort(): Promise<number> {
  const http = createHttp().listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  await new Promise((resolve) => http.close(resolve))
  return port
}

function start(port: number): ChildProcess {
  const args = [toolPath('vite'), '--host', '127.0.0.1', '--port', String(port), '--strictPort', '--logLevel', 'error']
  return spawn(process.execPath, args, { cwd: repository, stdio: 'ignore' })
}

test('the page comes back when its server is killed and started again', async ({ page }) => {
  const port = await freePort()
  let server = start(port)
  try {
    await expect(async () => {
      await page.goto(`http://127.0.0.1:${port}/`)
    }).toPass({ timeout: 15_000 })
    await expect(page.getByTestId('lane-gannet')).toHaveAttribute('data-level', /fresh|late/, { timeout: 20_000 })
    const dead = once(server, 'exit')
    server.kill('SIGKILL')
    await dead
    await expect(page.getByTestId('state')).not.toHaveText('open', { timeout: 20_000 })
    await expect(page.locator('body')).not.toContainText('NaN')
    server = start(port)
    await expect(page.getByTestId('state')).toHaveText('open', { timeout: 30_000 })
    for (const runner of ['gannet', 'plain', 'reliable']) {
      await expect(page.getByTestId(`lane-${runner}`)).toHaveAttribute('data-level', /fresh|late|stale/, {
        timeout: 20_000,
      })
    }
  } finally {
    server.kill('SIGKILL')
  }
})

test('the built page plays and races without any server', async ({ page }) => {
  const outDir = join(tmpdir(), `gannet-demo-${process.pid}`)
  const config = { configFile: join(repository, 'vite.config.ts'), logLevel: 'error' as const, build: { outDir } }
  await build(config)
  const files = await preview({ ...config, preview: { host: '127.0.0.1', port: await freePort() } })
  const failures: string[] = []
  page.on('response', (response) => response.ok() || failures.push(response.url()))
  page.on('pageerror', (error) => failures.push(error.message))
  try {
    await page.goto(files.resolvedUrls!.local[0]!)
    await expect(page.getByTestId('state')).toHaveText('open', { timeout: 15_000 })
    await expect(page.getByTestId('lane-gannet')).toHaveAttribute('data-level', /fresh|late/, { timeout: 15_000 })
    for (const runner of ['plain', 'reliable']) {
      await expect(page.getByTestId(`lane-${runner}`)).toHaveAttribute('data-level', /fresh|late|stale/)
    }
    await page.getByTestId('chat-input').fill('anybody here?')
    await page.getByTestId('chat-input').press('Enter')
    await expect(page.getByTestId('chat-log')).toContainText('your first line', { timeout: 15_000 })
    await page.getByTestId('slider-loss').fill('20')
    await expect(page.getByTestId('netgraph')).toContainText(/Lost↑ (1\d|2\d) %/, { timeout: 10_000 })
    expect(failures).toEqual([])
  } finally {
    await files.close()
  }
})
