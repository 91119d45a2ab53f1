import { describe, expect, test } from 'vitest'
import { type Gatherer, gatherCandidates } from '../../src/signal/index.ts'

class FakeConnection extends EventTarget {
  iceGatheringState = 'gathering'
  localDescription: { sdp: string } | null = { sdp: 'v=0 without candidates' }
  listeners = 0

  override addEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
    this.listeners++
    super.addEventListener(...args)
  }

  override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>): void {
    this.listeners--
    super.removeEventListener(...args)
  }

  complete(): void {
    this.iceGatheringState = 'complete'
    this.localDescription = { sdp: 'v=0 with candidates' }
    this.dispatchEvent(new Event('icegatheringstatechange'))
  }
}

describe('gatherCandidates', () => {
  test('waits for the end of gathering', async () => {
    const connection = new FakeConnection()
    const gathered = gatherCandidates(connection as Gatherer, { timeoutMs: 60_000 })
    connection.dispatchEvent(new Event('icegatheringstatechange'))
    connection.complete()
    expect(await gathered).toBe('v=0 with candidates')
    expect(connection.listeners).toBe(0)
  })

  test('does not wait when it has ended before', async () => {
    const connection = new FakeConnection()
    connection.complete()
    expect(await gatherCandidates(connection as Gatherer, { timeoutMs: 60_000 })).toBe('v=0 with candidates')
  })

  test('takes what there is after the timeout: none is no failure', async () => {
    const connection = new FakeConnection()
    expect(await gatherCandidates(connection as Gatherer, { timeoutMs: 20 })).toBe('v=0 without candidates')
    expect(connection.listeners).toBe(0)
  })

  test('rejects with the signal’s reason, and leaves nothing behind', async () => {
    const connection = new FakeConnection()
    const controller = new AbortController()
    const gathered = gatherCandidates(connection as Gatherer, { timeoutMs: 60_000, signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(gathered).rejects.toThrow('enough')
    expect(connection.listeners).toBe(0)
    await expect(gatherCandidates(connection as Gatherer, { signal: controller.signal })).rejects.toThrow('enough')
  })
})
