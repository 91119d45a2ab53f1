import fc from 'fast-check'
import { describe, test } from 'vitest'
import type { ChannelTable } from '../../src/core/config.ts'
import { checkProperty } from '../support/seeds.ts'
import { type CommandChoice, commandsFor } from './commands.ts'
import { PacketTable } from './table.ts'

function checkChannels(channels: ChannelTable, numRuns: number, choice?: CommandChoice): void {
  checkProperty(
    fc.property(commandsFor(channels, choice), (commands) => {
      const table = new PacketTable(channels).open()
      fc.modelRun(() => ({ model: {}, real: table }), commands)
      table.finish()
    }),
    numRuns,
  )
}

describe('whatever the network does', () => {
  test('unreliable messages come at most once, each with one verdict', () => {
    checkChannels({ shots: { kind: 'unreliable' } }, 150)
  })

  test('unreliable messages with parity keep the same promises', () => {
    checkChannels({ shots: { kind: 'unreliable', parity: 0.5, maxMessageBytes: 4096 } }, 150)
  })

  test('sequenced messages never go back, key by key', () => {
    checkChannels({ pose: { kind: 'sequenced' } }, 150)
  })

  test('reliable messages come exactly once', () => {
    checkChannels({ hits: { kind: 'reliable' } }, 150)
  })

  test('ordered messages come exactly once and in order', () => {
    checkChannels({ chat: { kind: 'ordered' } }, 150)
  })

  test('the latest message of each key arrives, and none after a newer one', () => {
    checkChannels({ doors: { kind: 'latest' } }, 150)
  })

  test('all kinds keep their promises side by side', () => {
    const channels: ChannelTable = {
      shots: { kind: 'unreliable', parity: 0.5, maxMessageBytes: 4096 },
      pose: { kind: 'sequenced', priority: 1 },
      hits: { kind: 'reliable' },
      chat: { kind: 'ordered', weight: 2 },
      doors: { kind: 'latest', priority: -1 },
    }
    checkChannels(channels, 250)
  })

  test('tight limits bend no promise: few queued messages, few keys, few bytes', () => {
    const limits = { maxQueuedMessages: 4, maxQueuedBytes: 4096, maxMessageBytes: 4096, maxKeys: 2 }
    const channels: ChannelTable = {
      shots: { kind: 'unreliable', ...limits },
      pose: { kind: 'sequenced', ...limits },
      hits: { kind: 'reliable', ...limits },
      chat: { kind: 'ordered', ...limits },
    }
    checkChannels(channels, 250)
  })
})
