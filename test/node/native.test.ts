import { expect, test, vi } from 'vitest'
import { listen, TransportError } from '../../src/node/index.ts'

vi.mock('node-datachannel', () => {
  throw new Error("Cannot find package 'node-datachannel'")
})

test('listen says what to install where node-datachannel is missing, each time', async () => {
  for (let i = 0; i < 2; i++) {
    const error = await listen({ channels: { chat: { kind: 'ordered' } } }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(TransportError)
    expect(error).toMatchObject({ code: 'native-missing' })
    expect((error as TransportError).message).toContain('npm install node-datachannel')
    expect((error as TransportError).cause).toBeDefined()
  }
})
