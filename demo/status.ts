/** Words for the state of the connection. */
import type { ChannelTable, CloseReason } from 'gannet'
import type { NetStatus } from './net.ts'

export function describeReason(reason: CloseReason): string {
  switch (reason.kind) {
    case 'local':
      return 'this page hung up'
    case 'peer':
      return `the server hung up${saying(reason.data)}`
    case 'rejected':
      return `the server refused${saying(reason.data)}`
    case 'timeout':
      return `nothing heard for ${(reason.silentMs / 1_000).toFixed(0)} s`
    case 'protocol':
      return `protocol mismatch: ${reason.detail}`
    case 'overflow':
      return `more than ${reason.limit} ${reason.what} were left unread`
    case 'transport':
      return `the connection below ended (${reason.detail})`
  }
}

/** What the other side said as it left, if it is text. */
function saying(data: Uint8Array): string {
  return data.length > 0 ? `: ${new TextDecoder().decode(data)}` : ''
}

/** One line for the state pill. */
export function describeStatus<C extends ChannelTable>(status: NetStatus<C>): string {
  if (status.kind === 'open') return 'open'
  if (status.kind === 'connecting') return 'connecting…'
  return `closed: ${status.why instanceof Error ? status.why.message : describeReason(status.why)}`
}

/** One line on what happens next, for the arena. */
export function describeNext<C extends ChannelTable>(status: NetStatus<C>, now: number): string {
  if (status.kind === 'connecting') return 'exchanging offer and answer, then DTLS'
  if (status.kind === 'open') return ''
  const seconds = Math.max(0, Math.ceil((status.retryAt - now) / 1_000))
  return seconds > 0 ? `trying again in ${seconds} s` : 'trying again'
}
