/** Ticks on when the page cannot: browsers stop its frames and slow its timers while it is hidden, but not a worker's. */
const EVERY_MS = 100

setInterval(() => postMessage(0), EVERY_MS)
