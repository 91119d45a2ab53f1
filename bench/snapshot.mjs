// `npm run bench -- snapshot`: bytes of a snapshot, as deltas against what the peer has acknowledged and as others would send it.
import { encode } from '@msgpack/msgpack'
import { createWorld, entitySchema } from './snapshot-world.mjs'

const HZ = 20
const COUNTS = [32, 200, 1000]
/** RTT 100 ms, 5 % loss each way. */
const WEATHER = { delayMs: 50, jitterMs: 5, loss: 0.05 }
const MS = 1000

/** @typedef {{ entities: number, moving: string, delta: number, full: number, json: number, msgpack: number, share: number, bitsPerEntity: number, usWrite: number, usRead: number, whole: number }} Row */

/**
 * @param {any} core `gannet` @param {any} codec `gannet/codec` @param {any} sim `gannet/sim` @param {{ quick: boolean }} options
 */
export function runSnapshot(core, codec, sim, { quick }) {
  const seconds = quick ? 5 : 30
  const rows = COUNTS.flatMap((count) => [
    measure(core, codec, sim, count, 0, seconds),
    measure(core, codec, sim, count, 0.5, seconds),
  ])
  const head = [
    'entities',
    'moving',
    'delta B',
    'full B',
    'share',
    'bits each',
    'JSON B',
    'msgpack B',
    'write us',
    'read us',
  ]
  const lines = rows.map((row) =>
    [row.entities, row.moving, row.delta, row.full, row.share.toFixed(3), row.bitsPerEntity.toFixed(1), row.json]
      .concat([row.msgpack, row.usWrite, row.usRead])
      .map((cell) => `${cell}`.padStart(13))
      .join(''),
  )
  const text = [
    `mean bytes of a snapshot, ${HZ} Hz, RTT 100 ms, 5 % loss each way, ${seconds} s; all values rounded alike`,
    head.map((cell) => cell.padStart(13)).join(''),
    ...lines,
  ].join('\n')
  return { rows, text }
}

/**
 * @param {any} core @param {any} codec @param {any} sim @param {number} count @param {number} rest @param {number} seconds
 * @returns {Row}
 */
function measure(core, codec, sim, count, rest, seconds) {
  const Entity = entitySchema(codec)
  const channels = { world: codec.unreliable(codec.snapshots(Entity)), up: { kind: 'unreliable' } }
  const random = new sim.Random(`snapshot ${count} ${rest}`)
  const make = (/** @type {string} */ role) =>
    new core.Endpoint({ role, now: 0, random: () => random.uint32(), channels, bytesPerSecond: 1e8 })
  const [client, server] = [make('client'), make('server')]
  const world = createWorld(count, () => random.float(), rest)
  const frames = new codec.SnapshotFrames(Entity)
  const writer = new codec.SnapshotWriter()
  const reader = new codec.SnapshotReader(Entity)
  const sums = { delta: 0, json: 0, msgpack: 0, snapshots: 0, write: 0, read: 0, reads: 0, whole: 0 }
  const full = codec.array(codec.struct({ id: codec.uint(16), it: Entity }), 4096)
  let fullBytes = 0
  const link = new sim.World({
    seed: `link ${count} ${rest}`,
    up: WEATHER,
    down: WEATHER,
    client: {
      node: client,
      hz: 60,
      tick() {
        for (let event = client.pollEvent(); event; event = client.pollEvent()) {
          if (event.type !== 'message') continue
          const startedAt = performance.now()
          if (reader.read(event.value) === undefined) throw new Error('a snapshot that cannot be read')
          sums.read += performance.now() - startedAt
          sums.reads++
        }
        client.trySend('up', new Uint8Array(16))
      },
    },
    server: {
      node: server,
      hz: HZ,
      phaseMs: 3,
      tick(/** @type {number} */ now, /** @type {number} */ tick) {
        for (let event = server.pollEvent(); event; event = server.pollEvent()) {
          if (event.type === 'verdict') writer.settle(event.id, event.verdict)
        }
        world.step(1000 / HZ)
        if (server.state !== 'open') return
        const entities = world.entities()
        const startedAt = performance.now()
        const message = writer.write(frames.at(tick, entities))
        const took = performance.now() - startedAt
        writer.sent(server.send('world', message))
        // The first snapshots are whole; what counts is the steady state.
        if (now < 1 * MS) return
        sums.write += took
        sums.snapshots++
        sums.delta += message.length
        if (writer.baselineTick === undefined) sums.whole++
        if (sums.snapshots % 20 !== 1) return
        const rounded = entities.map(([id, it]) => ({ id, it: Entity.decode(Entity.encode(it)) }))
        fullBytes = full.encode(rounded).length
        const flat = rounded.map(({ id, it }) => ({ id, ...it }))
        sums.json += JSON.stringify(flat.map(short)).length * 20
        sums.msgpack += encode(flat).length * 20
      },
    },
  })
  link.run(seconds * MS)
  const samples = Math.ceil(sums.snapshots / 20) * 20
  const delta = sums.delta / sums.snapshots
  return {
    entities: count,
    moving: rest === 0 ? 'all' : 'two in three',
    delta: Math.round(delta),
    full: fullBytes,
    json: Math.round(sums.json / samples),
    msgpack: Math.round(sums.msgpack / samples),
    share: delta / fullBytes,
    bitsPerEntity: (delta * 8) / count,
    usWrite: Math.round((sums.write / sums.snapshots) * 1000),
    usRead: Math.round((sums.read / sums.reads) * 1000),
    whole: sums.whole,
  }
}

/** Numbers as a thrifty game would write them in JSON: hundredths. @param {Record<string, number>} it */
function short(it) {
  return Object.fromEntries(Object.entries(it).map(([name, value]) => [name, Math.round(value * 100) / 100]))
}
