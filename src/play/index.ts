/**
 * `gannet/play`: what comes between the network and the picture. Sans-IO, without dependencies, and ignorant of what carries the
 * messages: time, states and inputs are arguments.
 * @module
 */

/** A player's inputs on the server, by tick. */
export { InputBuffer } from './input-buffer.ts'
/** Others, shown a little late and smooth. */
export { Interpolator, type InterpolatorOptions, type PlayedSnapshot } from './interpolator.ts'
/** The player's own entity, moved at once. */
export { Predictor, type PredictorOptions } from './predictor.ts'
