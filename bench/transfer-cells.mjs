// The cells of the bench of transfers: what this project asks of itself, and what other controllers reach in simulation.

/**
 * @typedef {import('./transfer-run.mjs').Scenario} Scenario
 * @typedef {import('./transfer-run.mjs').Controller} Controller
 */

/**
 * @typedef {object} Goal all at most
 * @property {number} [median] time / (size / rate + delay)
 * @property {number} [queueP50] ms
 * @property {number} [queueP95]
 * @property {number} [p90OverLossless] the slowest tenth / median of the same transfer without loss
 * @property {number} [overhead] share
 */

/**
 * @typedef {object} Cell
 * @property {string} id
 * @property {string} what
 * @property {Scenario} scenario
 * @property {Goal} goal of the default controller
 * @property {readonly string[]} simulated median ratio; game's queue p50 / p95: in the order of SIMULATED
 */

/** Controllers that were simulated: models of those, not runs of them. */
export const SIMULATED = ['delay window', 'BBR-like', 'Reno', 'AIMD (fastnet)', 'dcSCTP reliable']

/** Options of both endpoints, by the controller's name. */
export const CONTROLLERS = /** @type {Readonly<Record<Controller, object>>} */ ({
  delay: { congestion: 'delay' },
  aimd: { congestion: 'aimd' },
  // A guess that somebody might make: 1 Mbit/s.
  fixed: { congestion: 'fixed', bytesPerSecond: 125_000 },
})

const MIB = 1024 * 1024
const KIB = 1024
const QUEUE = { queueP50: 20, queueP95: 45 }

/**
 * @param {string} id
 * @param {string} what
 * @param {Scenario} scenario
 * @param {Goal} goal
 * @param {readonly string[]} simulated
 * @returns {Cell}
 */
function cell(id, what, scenario, goal, simulated) {
  return { id, what, scenario, goal, simulated }
}

/** @type {readonly Cell[]} */
export const CELLS = [
  cell('X1', '1 MiB, 4 Mbit/s', { bytes: MIB, mbits: 4, rttMs: 100, loss: 0 }, { median: 1.25, ...QUEUE }, [
    '1.20; 12 / 31',
    '1.19; 41 / 95',
    '1.24; 12 / 91',
    '12.60; 0 / 0',
    '1.49; 45 / 170',
  ]),
  cell('X2', '1 MiB, 4 Mbit/s, 5 %', { bytes: MIB, mbits: 4, rttMs: 100, loss: 0.05 }, { median: 1.4, ...QUEUE }, [
    '1.28; 11 / 37',
    '1.27; 40 / 95',
    '8.21; 0 / 2',
    '16.43; 0 / 0',
    '8.83; 129 / 298',
  ]),
  cell('X3', '1 MiB, 4 Mbit/s, 1 %', { bytes: MIB, mbits: 4, rttMs: 100, loss: 0.01 }, {}, [
    '1.23; 12 / 36',
    '1.20; 42 / 96',
    '2.98; 0 / 5',
    '13.23; 0 / 0',
    '3.33; 64 / 181',
  ]),
  cell(
    'X4',
    '64 KiB, 20 Mbit/s, 5 %',
    { bytes: 64 * KIB, mbits: 20, rttMs: 100, loss: 0.05 },
    { p90OverLossless: 1.06, overhead: 0.13 },
    ['3.62'],
  ),
  cell('X5', '1 MiB, 20 Mbit/s', { bytes: MIB, mbits: 20, rttMs: 100, loss: 0 }, { median: 1.9 }, [
    '1.76; 1 / 52',
    '2.12; 0 / 96',
    '2.22; 0 / 83',
    '16.77; 0 / 0',
    '2.10; 29 / 83',
  ]),
  cell('X6', '1 MiB, 20 Mbit/s, 5 %', { bytes: MIB, mbits: 20, rttMs: 100, loss: 0.05 }, { median: 2.15 }, [
    '1.93; 0 / 37',
    '2.39; 0 / 91',
    '38.06; 0 / 0',
    '55.29; 0 / 0',
    '39.71; 125 / 286',
  ]),
  cell('X7', '1 MiB, 1 Mbit/s', { bytes: MIB, mbits: 1, rttMs: 100, loss: 0 }, {}, [
    '1.31; 30 / 41',
    '1.29; 86 / 95',
    '1.30; 50 / 91',
    '2.00; 0 / 55',
    '1.33; 129 / 235',
  ]),
  cell('X8', '1 MiB, 4 Mbit/s, RTT 50', { bytes: MIB, mbits: 4, rttMs: 50, loss: 0 }, {}, [
    '1.15; 11 / 21',
    '1.16; 28 / 43',
    '1.21; 15 / 44',
    '1.71; 0 / 23',
    '1.34; 42 / 85',
  ]),
  cell('X9', '1 MiB, 4 Mbit/s, RTT 200', { bytes: MIB, mbits: 4, rttMs: 200, loss: 0 }, {}, [
    '1.31; 12 / 59',
    '1.22; 39 / 197',
    '1.37; 7 / 194',
    '22.24; 0 / 0',
    '1.91; 176 / 523',
  ]),
  cell('X10', '64 KiB, 4 Mbit/s, 5 %', { bytes: 64 * KIB, mbits: 4, rttMs: 100, loss: 0.05 }, {}, [
    '1.69',
    '2.16; - / 61',
    '3.29; - / 3',
    '11.35; - / 0',
    '6.27; - / 324',
  ]),
  cell('X11', '256 KiB, 20 Mbit/s, 5 %', { bytes: 256 * KIB, mbits: 20, rttMs: 100, loss: 0.05 }, {}, ['3.10']),
  cell('X12', '1 MiB, 4 Mbit/s, jitter 10 ms', { bytes: MIB, mbits: 4, rttMs: 100, loss: 0, jitterMs: 10 }, {}, []),
]

/**
 * @typedef {object} Share
 * @property {string} id
 * @property {readonly Controller[]} flows
 * @property {number} [least] goal: smallest share of a flow, of what it would have if all were equal
 * @property {string} simulated
 */

/** Flows without end over one line of 4 Mbit/s, RTT 100 ms. */
export const SHARES = /** @type {readonly Share[]} */ ([
  { id: 'S1', flows: ['delay', 'delay'], least: 0.8, simulated: '45 / 53 %; 17 / 34' },
  { id: 'S2', flows: ['delay', 'delay', 'delay', 'delay'], least: 0.8, simulated: '25 / 25 / 25 / 25 %; 31 / 44' },
  { id: 'S3', flows: ['aimd', 'delay'], least: 0.05, simulated: '90 / 10 %; 62 / 93' },
])
