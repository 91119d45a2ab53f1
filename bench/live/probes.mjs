// The three things that are asked of a wire; the same code runs in a page and in Node.
/** @typedef {import('./wire.mjs').Wire} Wire */

/** What the other end does with a message, by its first byte. */
export const ECHO = 1
export const COUNT = 2

/** Time without an answer after which a message counts as lost, ms. */
const LOST_AFTER_MS = 500
/** Messages handed over before the other work of the process gets its turn. */
const BATCH = 64

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * @param {number} kind
 * @param {number} bytes
 */
function messageOf(kind, bytes) {
  const message = new Uint8Array(bytes)
  message[0] = kind
  return message
}

/**
 * One message in flight, there and back, so many times.
 * @param {Wire} wire
 * @param {{ bytes: number, times: number }} plan
 * @returns {Promise<number[]>} round trips, ms
 */
export async function echo(wire, { bytes, times }) {
  const message = messageOf(ECHO, bytes)
  /** @type {number[]} */
  const tripsMs = []
  for (let i = 0; i < times; i++) {
    const tripMs = await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), LOST_AFTER_MS)
      const sentAt = performance.now()
      wire.onMessage = () => {
        clearTimeout(timer)
        resolve(performance.now() - sentAt)
      }
      wire.post(message)
    })
    if (tripMs !== undefined) tripsMs.push(tripMs)
  }
  wire.onMessage = undefined
  return tripsMs
}

/**
 * As many messages as the wire takes.
 * @param {Wire} wire
 * @param {{ bytes: number, ms: number }} plan
 * @returns {Promise<void>}
 */
export async function flood(wire, { bytes, ms }) {
  const message = messageOf(COUNT, bytes)
  const { port1, port2 } = new MessageChannel()
  /** As soon as possible, but not before what has arrived meanwhile. */
  const turn = () =>
    new Promise((resolve) => {
      port1.onmessage = resolve
      port2.postMessage(0)
    })
  for (const until = performance.now() + ms; performance.now() < until; ) {
    for (let i = 0; i < BATCH && wire.hasRoom(); i++) wire.queue(message)
    wire.flush()
    await turn()
  }
  port1.close()
}

/**
 * A message each tick, and its echo back: what a game does.
 * @param {Wire} wire
 * @param {{ bytes: number, ms: number, everyMs: number }} plan
 * @returns {Promise<number>} echoes that came
 */
export async function paced(wire, { bytes, ms, everyMs }) {
  const message = messageOf(ECHO, bytes)
  let echoes = 0
  wire.onMessage = () => {
    echoes++
  }
  const startedAt = performance.now()
  for (let tick = 1; performance.now() - startedAt < ms; tick++) {
    wire.queue(message)
    wire.flush()
    const waitMs = startedAt + tick * everyMs - performance.now()
    await pause(Math.max(0, waitMs))
  }
  await pause(100)
  wire.onMessage = undefined
  return echoes
}
