import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { RtcConfig } from 'node-datachannel'
import { TransportError } from '../transport/errors.ts'
import { addressText, listenError } from './listen-error.ts'
import { type Native, SEND_BUFFER_BYTES } from './native.ts'
import { NativeChannel } from './native-channel.ts'

/** Where connections live: one UDP port for all; an address, or `undefined` for all interfaces. */
export interface UdpAddress {
  readonly bindAddress: string | undefined
  readonly port: number
}

/**
 * Time that the library gets to close a shared port once its last connection is gone, ms; it does so on threads of its own, within
 * a few ms. Not longer: processes that were started meanwhile have inherited its sockets, and hold the port until they end.
 */
const RELEASE_MS = 500
/** How often it is looked whether it has, ms. */
const RELEASE_POLL_MS = 10

/** How often another free port is looked for, when somebody took the one that was found. */
const FREE_PORT_TRIES = 5

/** A UDP port that is ours until `release`, which resolves when it is free again. */
export interface HeldUdp {
  readonly address: UdpAddress
  release(): Promise<void>
}

/**
 * Opens the port that all connections share, or a free one for port 0, and keeps it. Left alone, libdatachannel opens the port with
 * the first connection and closes it with the last; somebody else could take it in between.
 * Rejects with `TransportError`: `port-in-use`, `port-denied`, `bad-address`, `listen-failed`.
 */
export async function holdUdp(native: Native, wanted: UdpAddress): Promise<HeldUdp> {
  for (let tries = 1; ; tries++) {
    // The library does not say why it fails; an ordinary socket does, and it can find a free port.
    const address = { ...wanted, port: await probe(wanted) }
    try {
      const keeper = openKeeper(native, address)
      return {
        address,
        release() {
          keeper.close()
          return untilFree(address)
        },
      }
    } catch (error) {
      if (wanted.port !== 0 || tries >= FREE_PORT_TRIES) throw error
    }
  }
}

/**
 * What a native connection is told about its place; `holdUdp` has made sure of it. With ICE servers it gets a port of its own:
 * libdatachannel 0.24.5 asks neither STUN nor TURN servers through a shared one, and says nothing of it.
 */
export function configOf({ bindAddress, port }: UdpAddress, iceServers: RtcConfig['iceServers'] = []): RtcConfig {
  return {
    iceServers,
    maxMessageSize: SEND_BUFFER_BYTES,
    ...(bindAddress !== undefined && { bindAddress }),
    ...(iceServers.length === 0 && { enableIceUdpMux: true, portRangeBegin: port, portRangeEnd: port }),
  }
}

/**
 * A connection that offers itself to nobody and so keeps the port. `IceUdpMuxListener`, made for that, is not safe to use: its
 * `stop` looks at a flag that libdatachannel 0.24.5 never sets to a first value, and often does nothing.
 */
function openKeeper(native: Native, address: UdpAddress): { close(): void } {
  const connection = new native.PeerConnection('keeper', configOf(address))
  try {
    return new NativeChannel(connection)
  } catch (cause) {
    connection.onStateChange(() => {})
    connection.close()
    const text = addressText(address.port, address.bindAddress)
    throw new TransportError('listen-failed', `UDP port ${text} could not be opened`, { cause })
  }
}

/** libdatachannel leaves loopback out unless told to bind to it: on a machine without a network nobody could connect. */
export function defaultBindAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flat()
  return all.some((one) => one !== undefined && !one.internal) ? undefined : '127.0.0.1'
}

/** Somebody who starts the next server shall find the port free. */
async function untilFree(address: UdpAddress): Promise<void> {
  for (let waitedMs = 0; waitedMs < RELEASE_MS; waitedMs += RELEASE_POLL_MS) {
    try {
      await probe(address)
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, RELEASE_POLL_MS))
    }
  }
}

/** Opens an ordinary socket for a moment; resolves to its port. */
function probe({ bindAddress, port }: UdpAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    const isV6 = bindAddress !== undefined && isIPv6(bindAddress)
    const socket = createSocket(isV6 ? 'udp6' : 'udp4')
    socket.on('error', (error) => {
      socket.close()
      reject(listenError('UDP', port, bindAddress, error))
    })
    socket.bind({ port, exclusive: true, ...(bindAddress !== undefined && { address: bindAddress }) }, () => {
      const bound = socket.address().port
      socket.close(() => resolve(bound))
    })
  })
}
