/**
 * `gannet/signal`: one HTTP POST carries an SDP offer, its response the answer. Knows nothing of the rest of Gannet: it
 * moves strings, so that a transport can exist. Runs wherever `fetch`, `Request` and `Response` do.
 *
 * @module
 */
export { type Answer, type OfferOptions, postOffer, withdrawOffer } from './client.ts'
export {
  type Problem,
  SignalError,
  type SignalErrorCode,
  type SignalErrorDetails,
  SignalRefusal,
  type SignalRefusalDetails,
} from './errors.ts'
export { type Gatherer, type GatheringOptions, gatherCandidates } from './gathering.ts'
export {
  type Answered,
  type AnswerHandlerOptions,
  answerHandler,
  type ClientInfo,
  type JoinAnswerer,
  type RequestHandler,
} from './handler.ts'
export {
  type NodeListener,
  type NodeListenerOptions,
  type NodeRequest,
  type NodeResponse,
  nodeListener,
} from './node-bridge.ts'
