// The table of `npm run bench -- fresh`: weather, load and goal of each cell.

/** @typedef {import('./figures.mjs').Percentiles} Percentiles */

/**
 * @typedef {object} Weather of one direction
 * @property {number} delayMs
 * @property {number} loss
 * @property {number} [burst]
 * @property {number} [bytesPerSecond]
 * @property {number} [queueBytes]
 * @property {number} [overheadBytes]
 */

/**
 * One contender's figures in one direction of one run.
 * @typedef {object} Figures
 * @property {number} delivered
 * @property {Percentiles} latency
 * @property {Percentiles} age
 * @property {import('./figures.mjs').AfterOutage & { isOpen: boolean }} [afterOutage] `isOpen`: still connected at the end
 * @property {import('./cut.mjs').CutReport & { isOpen: boolean }} [cut]
 */

/**
 * @typedef {object} Cell
 * @property {string} name
 * @property {string} title
 * @property {Weather} weather both ways
 * @property {readonly { atMs: number, delayMs?: number, loss?: number }[]} [changes] from the first tick after the warm-up
 * @property {'state' | 'reliable' | 'transfer'} judged whose latency and delivery the row shows
 * @property {'state' | 'reliable' | undefined} aged whose age it shows
 * @property {number} stateBytes
 * @property {number} [reliablePerSecond]
 * @property {number} [reliableBytes]
 * @property {'full' | 'lean'} [redundancy]
 * @property {number} [transferBytes]
 * @property {number} [transferEveryMs]
 * @property {number} [warmUpMs] before anything is judged: windows open, estimates settle. Default 3,500
 * @property {number} [seconds] measured; default 20
 * @property {number} [judgedFromMs] start of what is judged, after the warm-up
 * @property {number} [agedFromMs] where that differs for the age
 * @property {number} [outageEndsMs] end of an outage, after which it is looked what comes
 * @property {number} [cutsAtMs] when the pipe of Gannet that carries most is cut for good
 * @property {'firefox'} [browser] default Chromium
 * @property {'p99'} [quantile] of the age that the README shows. Default p95
 * @property {string} goal
 * @property {(ours: Figures, beside: { udp: Figures, naive: Figures }) => { value: number, limit: number, delivered?: number }} judge
 *   the figure that the goal is about, at most `limit`, and a share delivered that it must reach
 */

/** @type {(rttMs: number, loss: number) => Weather} */
const path = (rttMs, loss) => ({ delayMs: rttMs / 2, loss })

/** @type {(factor: number, quantile: 'p95' | 'p99', delivered?: number) => Cell['judge']} */
const timesUdp =
  (factor, quantile, delivered) =>
  (ours, { udp }) => ({
    value: ours.age[quantile] / udp.age[quantile],
    limit: factor,
    ...(delivered !== undefined && { delivered }),
  })

const TICK_MS = 1000 / 60
const BOTTLENECK_BYTES_PER_SECOND = 4_000_000 / 8
const TRANSFER_BYTES = 1024 * 1024

/** @type {readonly Cell[]} */
const CHROMIUM_CELLS = [
  {
    name: '1000B-rtt100-loss5',
    title: '1,000 B, RTT 100, 5 %',
    weather: path(100, 0.05),
    judged: 'state',
    aged: 'state',
    stateBytes: 1000,
    goal: 'age p95 <= 1.3 x UDP, delivered >= 85 %',
    judge: timesUdp(1.3, 'p95', 0.85),
  },
  {
    name: '1000B-rtt100-loss10',
    title: '1,000 B, RTT 100, 10 %',
    weather: path(100, 0.1),
    judged: 'state',
    aged: 'state',
    stateBytes: 1000,
    goal: 'age p95 <= 1.5 x UDP',
    judge: timesUdp(1.5, 'p95'),
  },
  {
    name: '100B-rtt200-loss10',
    title: '100 B, RTT 200, 10 %',
    weather: path(200, 0.1),
    judged: 'state',
    aged: 'state',
    stateBytes: 100,
    quantile: 'p99',
    goal: 'age p99 <= 1.5 x UDP in every seed',
    judge: timesUdp(1.5, 'p99'),
  },
  {
    name: '1000B-rtt200-loss5',
    title: '1,000 B, RTT 200, 5 %',
    weather: path(200, 0.05),
    judged: 'state',
    aged: 'state',
    stateBytes: 1000,
    goal: 'age p95 <= 1.6 x UDP',
    judge: timesUdp(1.6, 'p95'),
  },
  {
    name: '1000B-rtt50-bursts',
    title: '1,000 B, RTT 50, bursts (mean 4, 4 %)',
    weather: { ...path(50, 0.04), burst: 4 },
    judged: 'state',
    aged: 'state',
    stateBytes: 1000,
    goal: 'age p95 <= 1.5 x UDP',
    judge: timesUdp(1.5, 'p95'),
  },
  {
    name: '1000B-jump20to250-loss1',
    title: '1,000 B, RTT 20 to 250 after 10 s, 1 %',
    weather: path(20, 0.01),
    changes: [{ atMs: 10_000, delayMs: 125 }],
    judged: 'state',
    aged: 'state',
    stateBytes: 1000,
    judgedFromMs: 10_000,
    goal: 'age p95 of the last 10 s <= 1.5 x UDP',
    judge: timesUdp(1.5, 'p95'),
  },
  {
    name: '1000B-blackout3s-rtt50-loss1',
    title: '1,000 B and 10 reliable/s, RTT 50, 1 %, nothing gets through from 8 s to 11 s',
    weather: path(50, 0.01),
    changes: [
      { atMs: 8_000, loss: 1 },
      { atMs: 11_000, loss: 0.01 },
    ],
    judged: 'state',
    aged: 'state',
    stateBytes: 1000,
    reliablePerSecond: 10,
    reliableBytes: 100,
    judgedFromMs: 11_000,
    agedFromMs: 13_000,
    outageEndsMs: 11_000,
    goal: 'first state <= one-way + tick, none stale, all reliable ones come, no disconnect, age p95 from 2 s on <= 1.5 x UDP',
    judge: (ours, { udp }) => {
      const { firstMs, stale, missing, isOpen } = ours.afterOutage ?? { firstMs: Number.NaN }
      const isWhole = stale === 0 && missing === 0 && isOpen
      const latest = Math.max(firstMs / (25 + TICK_MS), ours.age.p95 / udp.age.p95 / 1.5)
      return { value: isWhole ? latest : Number.POSITIVE_INFINITY, limit: 1 }
    },
  },
  {
    name: '200B-rtt50-loss0',
    title: '200 B, RTT 50, 0 %',
    weather: path(50, 0),
    judged: 'state',
    aged: 'state',
    stateBytes: 200,
    goal: 'age p95 within 5 % of UDP and 1 ms',
    judge: (ours, { udp }) => ({ value: (ours.age.p95 - 1) / udp.age.p95, limit: 1.05 }),
  },
  {
    name: 'reliable-beside-1000B-rtt100-loss5',
    title: 'reliable 10/s beside 1,000 B, RTT 100, 5 %',
    weather: path(100, 0.05),
    judged: 'reliable',
    aged: 'state',
    stateBytes: 1000,
    reliablePerSecond: 10,
    reliableBytes: 100,
    redundancy: 'lean',
    goal: 'p99 <= one-way + RTT + 50 ms',
    judge: (ours) => ({ value: ours.latency.p99, limit: 50 + 100 + 50 }),
  },
  {
    name: 'reliable-full-64B-rtt50-loss5',
    title: 'reliable 30/s of 64 B, RTT 50, 5 %',
    weather: path(50, 0.05),
    judged: 'reliable',
    aged: 'reliable',
    stateBytes: 0,
    reliablePerSecond: 30,
    reliableBytes: 64,
    redundancy: 'full',
    goal: 'p99 <= one-way + 45 ms',
    judge: (ours) => ({ value: ours.latency.p99, limit: 25 + 45 }),
  },
  {
    name: 'transfer-256KiB-rtt50-loss5',
    title: '256 KiB reliable, RTT 50, 5 %',
    weather: path(50, 0.05),
    judged: 'transfer',
    aged: undefined,
    stateBytes: 0,
    transferBytes: 256 * 1024,
    transferEveryMs: 6000,
    seconds: 24,
    goal: 'median at most half of a reliable channel',
    judge: (ours, { naive }) => ({ value: ours.latency.p50 / naive.latency.p50, limit: 0.5 }),
  },
  {
    name: 'bottleneck-4Mbit-1MiB',
    title: '4 Mbit/s with 200 ms of buffer, 1 MiB beside 200 B of state, RTT 50',
    weather: {
      ...path(50, 0),
      bytesPerSecond: BOTTLENECK_BYTES_PER_SECOND,
      queueBytes: BOTTLENECK_BYTES_PER_SECOND * 0.2,
      // IPv4 and UDP, which the relay does not see.
      overheadBytes: 28,
    },
    judged: 'transfer',
    aged: 'state',
    stateBytes: 200,
    transferBytes: TRANSFER_BYTES,
    transferEveryMs: 10_000,
    goal: 'age p95 <= UDP alone + 60 ms, transfer <= 1.5 x size / rate',
    judge: (ours, { udp }) => ({
      value: Math.max(
        (ours.age.p95 - udp.age.p95) / 60,
        ours.latency.p50 / ((1.5 * 1000 * TRANSFER_BYTES) / BOTTLENECK_BYTES_PER_SECOND),
      ),
      limit: 1,
    }),
  },
]

/** Cells of Chromium, and the first two again in Firefox. @type {readonly Cell[]} */
export const CELLS = [
  ...CHROMIUM_CELLS,
  ...CHROMIUM_CELLS.slice(0, 2).map((cell) => ({
    ...cell,
    name: `${cell.name}-firefox`,
    title: `${cell.title}, Firefox`,
    browser: /** @type {const} */ ('firefox'),
  })),
]

/** Cells that `--quick` runs. */
export const QUICK = ['1000B-rtt100-loss5', '100B-rtt200-loss10']
