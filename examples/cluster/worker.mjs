// One process of a cluster: a server of its own, on its own UDP port, which tells the primary how many players it has.
import { listen } from 'gannet/node'

const REPORT_MS = 500
const channels = /** @type {const} */ ({ chat: { kind: 'ordered' }, state: { kind: 'sequenced' } })

const server = await listen({
  channels,
  host: '127.0.0.1',
  port: 0,
  ...(process.env.BIND_ADDRESS !== undefined && { bindAddress: process.env.BIND_ADDRESS }),
  // The primary is the only one that reaches the HTTP port, so its word can be trusted.
  clientAddress: (request) => request.headers.get('x-forwarded-for') ?? undefined,
})
process.send?.({ url: server.url, udpPort: server.udpPort })
const report = setInterval(() => {
  const { user, system } = process.cpuUsage()
  process.send?.({ load: server.peers.size + server.pending, cpuMs: (user + system) / 1000 })
}, REPORT_MS)
const loop = setInterval(() => {
  server.update()
  for (let event = server.pollEvent(); event; event = server.pollEvent()) {
    if (event.type === 'message') event.peer.send(event.channel, event.payload)
  }
  server.flush()
}, 1000 / 60)

process.once('disconnect', async () => {
  clearInterval(report)
  clearInterval(loop)
  await server.close()
})
