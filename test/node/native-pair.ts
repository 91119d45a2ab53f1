import nodeDatachannel, { type PeerConnection } from 'node-datachannel'
import { NativeChannel } from '../../src/node/native-channel.ts'

/** A connection on loopback that offers nothing by itself. */
export function createConnection(name: string): PeerConnection {
  return new nodeDatachannel.PeerConnection(name, {
    iceServers: [],
    bindAddress: '127.0.0.1',
    disableAutoNegotiation: true,
    maxMessageSize: 16_384,
  })
}

/**
 * The connection's offer without candidates. With them the other side's first checks may come before its answer is known here,
 * and libdatachannel then fails the DTLS handshake for want of a fingerprint.
 */
export async function offerOf(connection: PeerConnection): Promise<string> {
  await new Promise<void>((resolve) => {
    connection.onGatheringStateChange((state) => {
      if (state === 'complete') resolve()
    })
    connection.setLocalDescription('offer')
  })
  return connection.localDescription()!.sdp.replace(/^a=candidate:.*\r\n/gm, '')
}

/** Resolves when the channel is open. */
export function opened(transport: NativeChannel): Promise<void> {
  return new Promise((resolve, reject) => {
    transport.onOpen = resolve
    transport.onEnd = ({ detail }) => reject(new Error(`ended before it was open: ${detail}`))
  })
}

/** Two native transports connected over UDP on loopback. */
export async function nativePair(): Promise<{ a: NativeChannel; b: NativeChannel }> {
  const [offering, answering] = [createConnection('offering'), createConnection('answering')]
  const [a, b] = [new NativeChannel(offering), new NativeChannel(answering)]
  const open = Promise.all([opened(a), opened(b)])
  answering.setRemoteDescription(await offerOf(offering), 'offer')
  const gathered = new Promise<void>((resolve) => {
    answering.onGatheringStateChange((state) => {
      if (state === 'complete') resolve()
    })
  })
  answering.setLocalDescription('answer')
  await gathered
  offering.setRemoteDescription(answering.localDescription()!.sdp, 'answer')
  await open
  return { a, b }
}
