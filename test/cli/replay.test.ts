import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { BAD_CALL } from '../../src/cli/command.ts'
import { replayCommand } from '../../src/cli/replay.ts'
import { record } from '../../src/devtools/index.ts'
import { Endpoint } from '../../src/index.ts'
import { Random, World } from '../../src/sim/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'gannet-trace-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function traceOfAGame(): Uint8Array {
  const channels = { chat: { kind: 'ordered' } } as const
  const random = new Random(1)
  const trace = record()
  const client = new Endpoint(trace.begin({ role: 'client', now: 0, random: () => random.uint32(), channels }))
  trace.attach(client)
  const server = new Endpoint({ role: 'server', now: 0, random: () => random.uint32(), channels })
  const tick = (endpoint: typeof client) => () => {
    while (endpoint.pollEvent() !== undefined);
    endpoint.trySend('chat', new Uint8Array(9))
  }
  const world = new World({
    seed: 1,
    client: { node: client, hz: 60, tick: tick(client) },
    server: { node: server, hz: 60, tick: tick(server) },
    up: { loss: 0.1, delayMs: 30 },
    down: { loss: 0.1, delayMs: 30 },
  })
  world.run(3000)
  return trace.bytes()
}

async function call(...args: string[]): Promise<{ code: number; text: string }> {
  const lines: string[] = []
  const code = await replayCommand.run(args, (line) => lines.push(line))
  return { code, text: lines.join('\n') }
}

describe('gannet replay', () => {
  const path = join(folder, 'game.trace')

  test('reproduces the hash of the delivered messages', async () => {
    writeFileSync(path, traceOfAGame())
    const { code, text } = await call(path)
    expect(text).toMatch(/3\.0 s of a client/)
    expect(text).toMatch(/1\d\d delivered, hash [0-9a-f]{8}/)
    expect(text).toContain('the same as recorded')
    expect(code).toBe(0)
  })

  test('says where a run differs from its trace', async () => {
    const bytes = traceOfAGame()
    // A byte of what came in, in the middle of the game: the packet is refused now, and acks differ from there on.
    bytes[Math.floor(bytes.length / 2)]! ^= 0xff
    writeFileSync(path, bytes)
    const { code, text } = await call(path)
    expect(code).toBe(1)
    expect(text).toMatch(/RECORDED|trace:/)
  })

  test.each([[[]], [['a', 'b']], [['--all']]])('wants one path, not %j', async (args) => {
    expect((await call(...args)).code).toBe(BAD_CALL)
  })

  test('says what is wrong with a file that is no trace, or not there', async () => {
    writeFileSync(path, 'hello')
    expect(await call(path)).toEqual({ code: 1, text: expect.stringContaining('not a trace') })
    expect(await call(join(folder, 'nowhere'))).toEqual({ code: 1, text: expect.stringContaining('ENOENT') })
  })
})
