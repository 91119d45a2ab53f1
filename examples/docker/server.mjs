// A server as one deploys it: signalling on 8080, operations on 9090, one UDP port, and an end without haste on SIGTERM.
import { createServer } from 'node:http'
import { listen, nodeListener } from 'gannet/node'

const { PUBLIC_ADDRESS, PUBLIC_UDP_PORT, ALLOW_ORIGIN } = process.env
const channels = /** @type {const} */ ({ chat: { kind: 'ordered' }, state: { kind: 'sequenced' } })

const server = await listen({
  channels,
  port: 8080,
  udpPort: 9000,
  resumeMs: 30_000,
  logger: console,
  ...(PUBLIC_ADDRESS !== undefined && {
    announce: [{ address: PUBLIC_ADDRESS, ...(PUBLIC_UDP_PORT !== undefined && { port: Number(PUBLIC_UDP_PORT) }) }],
  }),
  ...(ALLOW_ORIGIN !== undefined && { allowOrigin: ALLOW_ORIGIN.split(',') }),
})
const operations = createServer(nodeListener(server.operations)).listen(9090)

const loop = setInterval(() => {
  server.update()
  for (let event = server.pollEvent(); event; event = server.pollEvent()) {
    if (event.type === 'message') server.broadcast(event.channel, event.payload, { except: event.peer })
  }
  server.flush()
}, 1000 / 60)

process.once('SIGTERM', async () => {
  // /readyz says 503 from here on; those who play get a minute.
  await server.close({ drainMs: 60_000, code: 1 })
  clearInterval(loop)
  operations.close()
})
