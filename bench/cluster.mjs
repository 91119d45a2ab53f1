// `npm run bench -- cluster`: what one server process carries, and two: players that send 200 B at 60 Hz and get them back.
import { fork } from 'node:child_process'
import { cpus } from 'node:os'
import { startCluster } from '../examples/cluster/primary.mjs'

const HZ = 60
const MESSAGE_BYTES = 200

/** Server processes, and processes of players, each with so many of them. */
const CELLS = [
  { processes: 1, players: 40 },
  { processes: 2, players: 40 },
]

/**
 * Echoes a second, CPU of the servers, and the share of echoes that came, for one and for two processes.
 * @param {{ quick: boolean }} options
 */
export async function runCluster({ quick }) {
  const durationMs = quick ? 2_000 : 8_000
  process.env.BIND_ADDRESS = '127.0.0.1'
  const rows = []
  for (const { processes, players } of CELLS) {
    const cluster = await startCluster({ processes, port: 0 })
    /** @type {import('node:child_process').ChildProcess | undefined} */
    let crowd
    try {
      crowd = fork(new URL('./cluster-crowd.mjs', import.meta.url), [cluster.url, String(players), String(durationMs)])
      const cpuBefore = await cpuMsOf(cluster.children)
      /** @type {{ sent: number, received: number }} */
      const { sent, received } = await new Promise((resolve, reject) => {
        crowd?.once('message', resolve)
        crowd?.once('exit', (code) => code !== 0 && reject(new Error(`the players ended with code ${code}`)))
      })
      const cpuMs = (await cpuMsOf(cluster.children)) - cpuBefore
      rows.push({
        processes,
        players,
        echoesPerSecond: Math.round((1000 * received) / durationMs),
        arrived: received / sent,
        microsecondsPerEcho: (1000 * cpuMs) / received,
      })
    } finally {
      crowd?.kill('SIGKILL')
      await cluster.close()
    }
  }
  const lines = rows.map(
    (row) =>
      `${String(row.processes).padStart(9)} ${String(row.players).padStart(8)} ${String(row.echoesPerSecond).padStart(9)} ` +
      `${(100 * row.arrived).toFixed(1).padStart(8)} % ${row.microsecondsPerEcho.toFixed(0).padStart(12)}`,
  )
  const head = 'processes  players  echoes/s    arrived  CPU µs an echo'
  const note = `${HZ} Hz, ${MESSAGE_BYTES} B up and down for each player; ${cpus().length} cores, which the players share with the servers`
  return { rows, text: [head, ...lines, '', note].join('\n') }
}

/**
 * CPU time that the server processes have used, ms, by their next report.
 * @param {readonly import('node:child_process').ChildProcess[]} children
 */
async function cpuMsOf(children) {
  let sumMs = 0
  for (const child of children) {
    sumMs += await new Promise((resolve) => {
      /** @param {any} message */
      const hear = (message) => {
        if (message.cpuMs === undefined) return
        child.off('message', hear)
        resolve(message.cpuMs)
      }
      child.on('message', hear)
    })
  }
  return sumMs
}
