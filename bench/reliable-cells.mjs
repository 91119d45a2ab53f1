// The cells of the bench with what this project asks of itself, and what other rules reach in simulation.

import { fixed100, rto } from './reliable-rules.mjs'

/**
 * @typedef {import('./reliable-run.mjs').Policy} Policy
 * @typedef {import('./reliable-run.mjs').Scenario} Scenario
 * @typedef {import('./reliable-link.mjs').Weather} Weather
 */

/**
 * Figures of a cell, the worst of its seeds; ms, and shares from 0 to 1.
 * @typedef {object} Figures
 * @property {number} p50 excess latency
 * @property {number} p99
 * @property {number} p999
 * @property {number} overhead wire bytes beyond those of the same run without loss and without redundancy
 * @property {number} spurious
 * @property {number} copies repeated copies per message
 * @property {number} spuriousBytes
 * @property {number} lost messages
 * @property {number} duplicated messages
 * @property {number} unacked packets
 * @property {number} late latest message, with the time that the path was blind taken off
 * @property {number} header bytes, mean
 * @property {number} mask bytes of the ack groups, mean
 * @property {number} rttBias
 * @property {number} lossWithin share of time
 */

/**
 * @typedef {object} Cell
 * @property {string} id
 * @property {string} what
 * @property {string} policy the one that the goal is for
 * @property {Scenario} scenario
 * @property {Partial<Figures>} goal at most; `lossWithin`: at least
 * @property {Readonly<Record<string, string>>} [simulated] p99 / p99.9 of other rules
 */

/** @type {Readonly<Record<string, Policy>>} */
export const POLICIES = {
  none: { name: 'none', channel: { redundancy: 'none' } },
  lean: { name: 'lean', channel: { redundancy: 'lean' } },
  full: { name: 'full', channel: { redundancy: 'full' } },
  'fixed-100': { name: 'fixed-100', channel: { redundancy: 'none' }, endpoint: { lossRule: fixed100 } },
  rto: { name: 'rto', channel: { redundancy: 'none' }, endpoint: { lossRule: rto } },
}

/** Rules of others, run in our own core beside the policy of each cell. */
export const RIVALS = ['fixed-100', 'rto']

/** What the overhead is measured against, in the same scenario without loss. */
export const BARE = /** @type {Policy} */ (POLICIES.none)

/** Figures where more is better. */
export const AT_LEAST = new Set(['lossWithin'])

/** Rules that were simulated, by the column that holds them: models of those libraries' resend rules, not runs of them. */
export const SIMULATED = ['target-driven', 'NACK (GNS)', '100 ms (yojimbo)', 'RTO (fastnet)', 'dcSCTP + stream']

const REFERENCE = { rttMs: 100, hz: 60, perSecond: 10, weather: { loss: 0.05 } }

/**
 * @param {Partial<Omit<Scenario, 'weather'>>} changes to the reference
 * @param {Weather} [weather]
 * @returns {Scenario}
 */
function scenario(changes, weather = REFERENCE.weather) {
  return { ...REFERENCE, ...changes, weather }
}

/**
 * @param {readonly string[]} figures p99 / p99.9, in the order of SIMULATED
 * @returns {Record<string, string>}
 */
function simulated(...figures) {
  return Object.fromEntries(SIMULATED.map((name, i) => [name, figures[i] ?? '']))
}

/**
 * @param {string} id
 * @param {string} what
 * @param {string} policy
 * @param {Scenario} scenario
 * @param {readonly [p99: number, p999: number, overhead: number]} goal
 * @param {Record<string, string>} others
 * @returns {Cell}
 */
function latency(id, what, policy, scenario, [p99, p999, overhead], others) {
  return { id, what, policy, scenario, goal: { p99, p999, overhead, lost: 0, duplicated: 0 }, simulated: others }
}

const AT_5 = /** @type {const} */ (['120 / 236', '100 / 200', '117 / 233', '150 / 183'])
const AT_5_RTT_200 = /** @type {const} */ (['220 / 436', '100 / 200', '217 / 433', '250 / 300'])

/** @type {readonly Cell[]} */
const LATENCY = [
  latency('R1', '5 %', 'full', scenario({}), [17.6, 35.4, 0.19], simulated('16.7 / 33.3', ...AT_5)),
  latency('R2', '5 %', 'lean', scenario({}), [107.2, 123.7, 0.05], simulated('102.0 / 116.7', ...AT_5)),
  latency('R2-none', '5 %', 'none', scenario({}), [118, 240, 0.032], simulated('116.7 / 233.4', ...AT_5)),
  latency(
    'R3',
    'RTT 50',
    'full',
    scenario({ rttMs: 50 }),
    [17.6, 35.4, 0.19],
    simulated('16.7 / 33.3', '70 / 136', '100 / 200', '100 / 200', '100 / 133'),
  ),
  latency(
    'R4',
    'RTT 200',
    'full',
    scenario({ rttMs: 200 }),
    [17.6, 35.4, 0.19],
    simulated('16.7 / 33.3', ...AT_5_RTT_200),
  ),
  latency(
    'R5',
    'RTT 200',
    'lean',
    scenario({ rttMs: 200 }),
    [212.3, 229.8, 0.05],
    simulated('202.2 / 216.7', ...AT_5_RTT_200),
  ),
  latency(
    'R6',
    '1 %',
    'full',
    scenario({}, { loss: 0.01 }),
    [17.7, 17.7, 0.1],
    simulated('0.0 / 16.7', '0 / 120', '0 / 100', '0 / 117', '0 / 133'),
  ),
  latency(
    'R7',
    '2 %',
    'full',
    scenario({}, { loss: 0.02 }),
    [17.6, 17.7, 0.11],
    simulated('16.7 / 16.7', '120 / 121', '100 / 100', '117 / 117', '133 / 150'),
  ),
  latency(
    'R8',
    '10 %',
    'full',
    scenario({}, { loss: 0.1 }),
    [35, 35.4, 0.22],
    simulated('33.3 / 33.3', '233 / 270', '100 / 300', '233 / 283', '167 / 233'),
  ),
  latency(
    'R9',
    '20 %',
    'full',
    scenario({}, { loss: 0.2 }),
    [35.1, 123.7, 0.32],
    simulated('33.3 / 116.7', '271 / 486', '200 / 400', '283 / 500', '250 / 367'),
  ),
  latency(
    'R10',
    '5 %, bursts of 3',
    'full',
    scenario({}, { loss: 0.05, burst: 3 }),
    [70.1, 183.4, 0.23],
    simulated('66.7 / 166.7', '186 / 320', '100 / 200', '117 / 233', '217 / 350'),
  ),
  latency(
    'R11',
    '5 %, bursts of 8',
    'full',
    scenario({}, { loss: 0.05, burst: 8 }),
    [227.6, 586.8, 0.23],
    simulated('216.7 / 533.4', '336 / 652', '300 / 600', '233 / 583', '638 / 4034'),
  ),
  latency(
    'R12',
    '5 %, jitter 10 ms',
    'full',
    scenario({}, { loss: 0.05, jitterMs: 10 }),
    [24.2, 41.3, 0.18],
    simulated('23.0 / 37.5', '140 / 257', '105 / 201', '157 / 298', '158 / 200'),
  ),
  latency(
    'R13',
    '5 %, 20 Hz',
    'full',
    scenario({ hz: 20 }),
    [52.6, 159.1, 0.29],
    simulated('50.0 / 150.0', '153 / 303', '100 / 200', '150 / 300', '200 / 300'),
  ),
  latency(
    'R14',
    '5 %, 30 Hz',
    'full',
    scenario({ hz: 30 }),
    [35.1, 141.4, 0.28],
    simulated('33.3 / 133.3', '136 / 270', '100 / 200', '133 / 267', '167 / 267'),
  ),
  latency(
    'R15',
    '5 %, 60 messages/s',
    'full',
    scenario({ perSecond: 60 }),
    [52.6, 123.7, 0.3],
    simulated('50.0 / 116.7', '120 / 236', '100 / 200', '117 / 233', '133 / 150'),
  ),
  latency(
    'R16',
    '5 %, 1 message/s',
    'full',
    scenario({ perSecond: 1 }),
    [17.6, 35.4, 0.04],
    simulated('16.7 / 33.3', ...AT_5),
  ),
]

/** Nothing is later than this once the path is back: three round trips and ten ticks. */
const NEVER = { lost: 0, duplicated: 0, unacked: 0, late: 3 * 100 + (10 * 1000) / 60 }

/** @type {readonly Cell[]} */
const PROPERTIES = [
  {
    id: 'G-zero',
    what: 'no loss',
    policy: 'full',
    scenario: scenario({}, {}),
    goal: { p99: 0, p999: 0, overhead: 0.003, spurious: 0, copies: 0.02, lost: 0, duplicated: 0 },
  },
  {
    id: 'G-never-30',
    what: '30 %',
    policy: 'full',
    scenario: scenario({}, { loss: 0.3 }),
    goal: NEVER,
  },
  {
    id: 'G-never-burst',
    what: '30 %, bursts of 30',
    policy: 'full',
    scenario: scenario({}, { loss: 0.3, burst: 30 }),
    goal: NEVER,
  },
  {
    id: 'G-never-outage',
    what: '5 %, nothing for 1 s in each 20 s',
    policy: 'full',
    scenario: scenario({}, { loss: 0.05, outage: { everyMs: 20_000, lastsMs: 1000 } }),
    goal: NEVER,
  },
  {
    id: 'G-jitter',
    what: '5 %, jitter 30 ms',
    policy: 'full',
    scenario: scenario({}, { loss: 0.05, jitterMs: 30 }),
    goal: { p99: 40, p999: 66, overhead: 0.18, spurious: 0.4, spuriousBytes: 0.04 },
    simulated: simulated('34 / 57', '169 / 290', '116 / 204', '197 / 363', '197 / 248'),
  },
  {
    id: 'G-adapt',
    what: '0 and 5 % in turn each 10 s',
    policy: 'full',
    scenario: scenario({}, { loss: 0.05, turnsMs: 10_000 }),
    goal: { p99: (1.06 * 1000) / 60, p999: (2.12 * 1000) / 60, overhead: 0.14 },
  },
  { id: 'G-header', what: '5 %', policy: 'full', scenario: scenario({}), goal: { header: 14 } },
  { id: 'G-header-30', what: '30 %', policy: 'full', scenario: scenario({}, { loss: 0.3 }), goal: { mask: 4 } },
  {
    id: 'G-rtt',
    what: 'no loss, RTT 50, 20 Hz',
    policy: 'full',
    scenario: scenario({ rttMs: 50, hz: 20 }, {}),
    goal: { rttBias: 0.5 },
  },
  { id: 'G-loss', what: '5 %', policy: 'full', scenario: scenario({}), goal: { lossWithin: 0.9 } },
]

export const CELLS = [...LATENCY, ...PROPERTIES]
