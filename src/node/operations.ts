import type { EndpointStats } from '../index.ts'
import type { RequestHandler } from '../signal/handler.ts'

/** Upper edges of the histogram of round trips, s. */
const RTT_EDGES_S = [0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1]
/** Upper edges of the histograms of loss, 0 to 1. */
const LOSS_EDGES = [0.001, 0.01, 0.03, 0.05, 0.1, 0.2]

/** Observations by upper edge, as Prometheus counts them: for good. */
class Histogram {
  readonly #edges: readonly number[]
  readonly #counts: number[]
  #sum = 0
  #count = 0

  constructor(edges: readonly number[]) {
    this.#edges = edges
    this.#counts = edges.map(() => 0)
  }

  /** What is not known yet, NaN, is not observed. */
  observe(value: number): void {
    if (Number.isNaN(value)) return
    this.#sum += value
    this.#count++
    for (const [i, edge] of this.#edges.entries()) if (value <= edge) this.#counts[i]!++
  }

  lines(name: string, help: string): string[] {
    const buckets = this.#edges.map((edge, i) => `${name}_bucket{le="${edge}"} ${this.#counts[i]}`)
    return [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} histogram`,
      ...buckets,
      `${name}_bucket{le="+Inf"} ${this.#count}`,
      `${name}_sum ${this.#sum}`,
      `${name}_count ${this.#count}`,
    ]
  }
}

interface Histograms {
  readonly rtt: Histogram
  readonly lossIn: Histogram
  readonly lossOut: Histogram
}

function createHistograms(): Histograms {
  return { rtt: new Histogram(RTT_EDGES_S), lossIn: new Histogram(LOSS_EDGES), lossOut: new Histogram(LOSS_EDGES) }
}

/** What is counted of peers beside their statistics. */
export interface Census {
  readonly peers: number
  readonly away: number
  readonly pending: number
  readonly isClosing: boolean
  readonly refusals: Readonly<Record<string, number>>
  /** Peers that opened, and that closed, so far. */
  readonly opened: number
  readonly closed: number
  /** Statistics of the peers that are here. */
  readonly stats: Iterable<EndpointStats>
  /** Sums over the peers that have gone. */
  readonly gone: Totals
}

/** Counters that only grow, summed over peers. */
export interface Totals {
  packetsSent: number
  packetsReceived: number
  packetsLost: number
  appBytesSent: number
  appBytesReceived: number
  bytesSent: number
  bytesReceived: number
  wireBytesSent: number
  wireBytesReceived: number
}

export function createTotals(): Totals {
  return {
    packetsSent: 0,
    packetsReceived: 0,
    packetsLost: 0,
    appBytesSent: 0,
    appBytesReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    wireBytesSent: 0,
    wireBytesReceived: 0,
  }
}

/** Adds a peer's counters to `totals`. */
export function addTo(totals: Totals, stats: EndpointStats): void {
  for (const name of Object.keys(totals) as (keyof Totals)[]) totals[name] += stats[name]
}

/**
 * What an orchestrator and a monitoring system ask for: `/healthz` (the process answers), `/readyz` (it takes players; 503 while it
 * drains), `/metrics` (Prometheus text format 0.0.4). Other paths get 404. Not for the public: mount it on a port of its own.
 */
export function operationsHandler(take: () => Census): RequestHandler {
  const histograms = createHistograms()
  return async (request) => {
    const census = take()
    switch (new URL(request.url).pathname) {
      case '/healthz':
        return text(200, 'ok\n')
      case '/readyz':
        return census.isClosing ? text(503, 'closing\n') : text(200, 'ready\n')
      case '/metrics':
        return text(200, metricsOf(census, histograms), 'text/plain; version=0.0.4; charset=utf-8')
      default:
        return text(404, 'expected /healthz, /readyz or /metrics\n')
    }
  }
}

function text(status: number, body: string, type: string = 'text/plain; charset=utf-8'): Response {
  return new Response(body, { status, headers: { 'content-type': type, 'cache-control': 'no-store' } })
}

/** The census in Prometheus' text format. */
export function metricsOf(census: Census, histograms: Histograms = createHistograms()): string {
  const lines: string[] = []
  const family = (name: string, type: string, help: string, samples: readonly (readonly [string, number])[]): void => {
    lines.push(`# HELP gannet_${name} ${help}`, `# TYPE gannet_${name} ${type}`)
    for (const [labels, value] of samples) lines.push(`gannet_${name}${labels} ${value}`)
  }
  const all = [...census.stats]
  const totals = { ...census.gone }
  for (const stats of all) addTo(totals, stats)
  const ways = (up: number, down: number): readonly (readonly [string, number])[] => [
    ['{direction="in"}', up],
    ['{direction="out"}', down],
  ]

  family('peers', 'gauge', 'Peers that are open.', [['', census.peers]])
  family('peers_away', 'gauge', 'Of those, peers whose path is gone.', [['', census.away]])
  family('pending', 'gauge', 'Offers that are no peers yet.', [['', census.pending]])
  family('peers_opened_total', 'counter', 'Peers that have opened.', [['', census.opened]])
  family('peers_closed_total', 'counter', 'Peers that have closed.', [['', census.closed]])
  const refusals = Object.entries(census.refusals).map(
    ([code, count]) => [`{code="${code.replace(/[\\"\n]/g, '_')}"}`, count] as const,
  )
  family('refusals_total', 'counter', 'Offers refused, by code.', refusals)
  family('packets_total', 'counter', 'Packets.', ways(totals.packetsReceived, totals.packetsSent))
  family('packets_lost_total', 'counter', 'Packets sent that were declared lost.', [['', totals.packetsLost]])
  family(
    'app_bytes_total',
    'counter',
    'Bytes of the game’s messages.',
    ways(totals.appBytesReceived, totals.appBytesSent),
  )
  family('bytes_total', 'counter', 'Bytes of packets.', ways(totals.bytesReceived, totals.bytesSent))
  const wire = ways(totals.wireBytesReceived, totals.wireBytesSent)
  family('wire_bytes_total', 'counter', 'Bytes on the wire with all headers below, estimated.', wire)
  for (const stats of all) {
    histograms.rtt.observe(stats.rttMs / 1000)
    histograms.lossIn.observe(stats.lossDown)
    histograms.lossOut.observe(stats.lossUp)
  }
  lines.push(
    ...histograms.rtt.lines('gannet_rtt_seconds', 'Round trip of each peer, once a scrape.'),
    ...histograms.lossIn.lines('gannet_loss_in', 'Share of what a peer sends that is lost, once a scrape.'),
    ...histograms.lossOut.lines('gannet_loss_out', 'Share of what is sent to a peer that is lost, once a scrape.'),
  )
  return `${lines.join('\n')}\n`
}
