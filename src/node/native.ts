import { isMainThread } from 'node:worker_threads'
import type * as NodeDatachannel from 'node-datachannel'
import { TransportError } from '../transport/errors.ts'

/** The native library below: libdatachannel as `node-datachannel` binds it. */
export type Native = typeof NodeDatachannel

/**
 * Size of usrsctp's send buffer and of the largest message, bytes. Only together do they make `bufferedAmount` truthful: with the
 * default of 1 MiB it read 0 while seconds of data were queued. Fourteen packets still fit in before it begins to count.
 */
export const SEND_BUFFER_BYTES = 16_384

let loading: Promise<Native> | undefined

/**
 * Loads the native library and sets what is one for the whole process, before the first connection.
 */
export function loadNative(): Promise<Native> {
  loading ??= load()
  return loading
}

async function load(): Promise<Native> {
  if (!isMainThread) {
    loading = undefined
    throw new TransportError(
      'worker-thread',
      'listen() needs the main thread of a process: node-datachannel aborts the process when it runs in a worker thread',
    )
  }
  let native: Native
  try {
    native = await import('node-datachannel')
  } catch (cause) {
    loading = undefined
    const why = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause)
    throw new TransportError(
      'native-missing',
      `listen() needs the package node-datachannel, and it did not load here (${why}); install it with: npm install node-datachannel`,
      { cause },
    )
  }
  native.setSctpSettings({ sendBufferSize: SEND_BUFFER_BYTES })
  return native
}
