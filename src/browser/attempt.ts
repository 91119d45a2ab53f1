import { type Answer, postOffer, withdrawOffer } from '../signal/client.ts'
import type { Deadline } from '../signal/deadline.ts'
import { gatherCandidates } from '../signal/gathering.ts'
import { TransportError } from '../transport/errors.ts'
import { DataChannelTransport, failureOf } from './data-channel.ts'

/** What an attempt needs to know. */
export interface AttemptOptions {
  readonly url: URL
  readonly rtc: RTCConfiguration
  readonly headers: Readonly<Record<string, string>>
  /** For a further pipe, with the place of the peer's first offer as `url`. */
  readonly ticket?: string
  /** `rtc` has a certificate, which all pipes of the peer will have. */
  readonly keepsCertificate: boolean
  readonly gatheringTimeoutMs: number
  readonly signalTimeoutMs: number
  readonly channelTimeoutMs: number
}

/** An open pipe to the server, and the name that the server gave it. */
export interface Pipe {
  readonly transport: DataChannelTransport
  readonly location: string | undefined
  /** Lets further pipes join this one's peer; `undefined` if there can be none. */
  readonly ticket: string | undefined
  /** How long the server keeps the peer when its path is gone, ms. */
  readonly awayMs: number
}

/**
 * One offer, one answer, one open DataChannel. Rejects with `SignalError` when signalling failed, with `TransportError` when the
 * path did, with the deadline's reason when that ended; nothing is left behind then.
 */
export async function openPipe(options: AttemptOptions, deadline: Deadline): Promise<Pipe> {
  const connection = new RTCPeerConnection(options.rtc)
  // Agreed on in advance on both ends, so that each side may choose its own delivery.
  const channel = connection.createDataChannel('gannet', { ordered: false, maxRetransmits: 0, negotiated: true, id: 0 })
  const transport = new DataChannelTransport(connection, channel)
  let answer: Answer | undefined
  try {
    await deadline.race(connection.setLocalDescription())
    const offer = await gatherCandidates(connection, {
      timeoutMs: options.gatheringTimeoutMs,
      signal: deadline.signal,
    })
    answer = await postOffer(options.url, offer, {
      headers: options.headers,
      ticket: options.ticket,
      keepsCertificate: options.keepsCertificate,
      signal: deadline.signal,
      timeoutMs: options.signalTimeoutMs,
    })
    await deadline.race(connection.setRemoteDescription({ type: 'answer', sdp: answer.sdp }))
    await deadline.race(channelOpen(transport, connection, channel, options.channelTimeoutMs))
    return { transport, location: answer.location, ticket: answer.ticket, awayMs: answer.awayMs }
  } catch (error) {
    transport.close()
    if (answer?.location !== undefined) void withdrawOffer(answer.location, { headers: options.headers })
    throw error
  }
}

function channelOpen(
  transport: DataChannelTransport,
  connection: RTCPeerConnection,
  channel: RTCDataChannel,
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: TransportError) => {
      clearTimeout(timer)
      channel.removeEventListener('open', look)
      transport.onEnd = undefined
      if (error === undefined) resolve()
      else reject(error)
    }
    const look = () => {
      if (channel.readyState === 'open') settle()
      else if (failureOf(connection) !== undefined || channel.readyState === 'closed')
        settle(failed(failureOf(connection)))
    }
    const timer = setTimeout(() => settle(late(connection, timeoutMs)), timeoutMs)
    channel.addEventListener('open', look)
    // Its word and no later look: it closes what has failed, and then there is nothing left to see.
    transport.onEnd = ({ detail }) => settle(failed(detail))
    look()
  })
}

function failed(detail: string | undefined): TransportError {
  switch (detail) {
    case 'ice-failed':
      return noPath('ICE gave up')
    case 'dtls-failed':
      return new TransportError('dtls-failed', 'a path to the server was found, but the DTLS handshake over it failed')
    default:
      return new TransportError('channel-closed', 'the server closed the connection before the DataChannel was open')
  }
}

function late(connection: RTCPeerConnection, timeoutMs: number): TransportError {
  const { iceConnectionState } = connection
  if (iceConnectionState === 'connected' || iceConnectionState === 'completed') {
    return new TransportError(
      'channel-timeout',
      `a path to the server was found, but the DataChannel was not open within ${timeoutMs} ms (DTLS or SCTP packets get lost)`,
    )
  }
  return noPath(`ICE was still ${iceConnectionState} after ${timeoutMs} ms`)
}

function noPath(how: string): TransportError {
  return new TransportError(
    'ice-failed',
    `no path to the server: ${how}. Is UDP blocked here, and does the server's answer name an address that can be reached from here?`,
  )
}
