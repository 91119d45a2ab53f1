// The players of `bench -- cluster`, in a process of their own: URL, number, duration in ms.
import { cleanUp, connect } from '../scripts/native-client.mjs'

// Without the bench there is nobody to play for.
process.once('disconnect', () => process.exit(1))
const [url = '', count = '1', durationMs = '1000'] = process.argv.slice(2)
const channels = { chat: { kind: 'ordered' }, state: { kind: 'sequenced' } }
const message = new Uint8Array(200)
const players = []
for (let i = 0; i < Number(count); i++) players.push(await connect(url, channels))

let sent = 0
let received = 0
const endsAt = performance.now() + Number(durationMs)
await new Promise((resolve) => {
  const timer = setInterval(() => {
    for (const player of players) {
      player.update()
      for (let event = player.pollEvent(); event; event = player.pollEvent()) if (event.type === 'message') received++
      player.send('state', message)
      sent++
      player.flush()
    }
    if (performance.now() < endsAt) return
    clearInterval(timer)
    resolve(undefined)
  }, 1000 / 60)
})
for (const player of players) player.close({ deadlineMs: 0 })
await Promise.all(players.map((player) => player.closed))
process.removeAllListeners('disconnect')
process.send?.({ sent, received })
process.disconnect()
cleanUp()
