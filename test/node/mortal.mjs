// A process to be killed: `mortal.mjs server|client URL TIMEOUT_MS`. Tells its parent when it is ready.
import { listen } from 'gannet/node'

const [mode, url, timeoutMs] = process.argv.slice(2)
const channels = /** @type {const} */ ({ chat: { kind: 'ordered' } })
const endpoint = { timeoutMs: Number(timeoutMs), keepaliveMs: 300 }

if (mode === 'server') {
  const server = await listen({ channels, bindAddress: '127.0.0.1', host: '127.0.0.1', port: 0, endpoint })
  process.send?.({ url: server.url })
} else {
  const { connect } = await import('../../scripts/native-client.mjs')
  await connect(String(url), channels, endpoint)
  process.send?.({ url })
}
