/**
 * `gannet/devtools`: a net graph for pages, and traces that can be run again. Imports nothing of the core but types.
 *
 * @module
 */
/** `<gannet-netgraph>`, an element that draws what a connection does. */
export { defineNetGraph, type NetGraphElement } from './element.ts'
export type { NetGraphSource } from './net-graph.ts'
/** Writes down what goes into an endpoint. */
export { Recorder, type RecordOptions, record } from './record.ts'
/** Runs it again. */
export { type Divergence, Replay } from './replay.ts'
export type { TraceSums } from './trace-format.ts'
